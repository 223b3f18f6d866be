//! Field elements eight at a time, with AVX-512 IFMA: products of 52-bit limbs, added up in one instruction.
//!
//! A [`Lanes`] is eight elements in five 52-bit limbs each, in Montgomery form for 2^260. Elements elsewhere are in the form for
//! 2^256, so a shift by four bits converts them. 63 times the modulus p is below 2^260: with that to spare, nothing is subtracted
//! conditionally before the end; comments bound the values in multiples of p. The product rule: a product of values below a·p and b·p
//! is below (1 + a·b/63)·p, since p is added less than 2^260 times before it is divided by 2^260.
//!
//! The processor is asked at run time. `FEDPROOF_PORTABLE=1` in the environment has everything done by the portable code, which
//! tests and benchmarks compare with.

#![cfg(target_arch = "x86_64")]
#![allow(
    unsafe_code,
    reason = "the only file with intrinsics: calling them needs the processor's consent"
)]
#![allow(clippy::needless_range_loop, reason = "limb arithmetic reads best by index")]

mod formulas;

use std::arch::x86_64::*;
use std::marker::PhantomData;
use std::sync::OnceLock;

use zeroize::Zeroize;

use crate::wide::Accumulate;
pub(crate) use formulas::WeightedSum;

/// Shows that the processor has what this file needs; only [`Ifma::detect`] makes one.
#[derive(Clone, Copy)]
pub struct Ifma(());

/// What [`Ifma::run`] runs. `run` and all it calls must be `#[inline(always)]`: only then are they compiled for the processor.
pub trait Work {
    type Output;
    fn run(self, ifma: Ifma) -> Self::Output;
}

impl Ifma {
    /// Nothing on processors without the instructions, or where `FEDPROOF_PORTABLE=1` is set when first asked.
    pub fn detect() -> Option<Self> {
        static FOUND: OnceLock<bool> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            std::env::var_os("FEDPROOF_PORTABLE").is_none_or(|value| value != "1")
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512ifma")
        });
        found.then_some(Self(()))
    }

    /// Compiles the work for this processor.
    pub fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
        fn compiled<W: Work>(ifma: Ifma, work: W) -> W::Output {
            work.run(ifma)
        }
        // SAFETY: self exists, so the processor has these features.
        unsafe { compiled(self, work) }
    }
}

/// The intrinsics used, as safe functions. They are private to this module and those below it, which call them only where an
/// [`Ifma`] exists, or something that takes one to make: a [`Lanes`] or a [`WeightedSum`].
macro_rules! intrinsics {
    ($($name:ident = $intrinsic:ident $(::<$constant:literal>)? ($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(
            #[inline(always)]
            fn $name($($argument: $type),*) -> $out {
                // SAFETY: see above.
                unsafe { $intrinsic$(::<$constant>)?($($argument),*) }
            }
        )*
    };
}

type Limb = __m512i;

intrinsics! {
    low = _mm512_madd52lo_epu64(sum: Limb, a: Limb, b: Limb) -> Limb;
    high = _mm512_madd52hi_epu64(sum: Limb, a: Limb, b: Limb) -> Limb;
    product = _mm512_mullo_epi64(a: Limb, b: Limb) -> Limb;
    plus = _mm512_add_epi64(a: Limb, b: Limb) -> Limb;
    minus = _mm512_sub_epi64(a: Limb, b: Limb) -> Limb;
    both = _mm512_and_si512(a: Limb, b: Limb) -> Limb;
    either = _mm512_or_si512(a: Limb, b: Limb) -> Limb;
    carry = _mm512_srai_epi64::<52>(a: Limb) -> Limb;
    right = _mm512_srlv_epi64(a: Limb, bits: Limb) -> Limb;
    left = _mm512_sllv_epi64(a: Limb, bits: Limb) -> Limb;
    all = _mm512_set1_epi64(value: i64) -> Limb;
    zero = _mm512_setzero_si512() -> Limb;
    choose = _mm512_mask_blend_epi64(mask: __mmask8, plain: Limb, masked: Limb) -> Limb;
    negative = _mm512_movepi64_mask(a: Limb) -> __mmask8;
    pick = _mm512_permutex2var_epi64(a: Limb, indices: Limb, b: Limb) -> Limb;
    even_words = _mm512_unpacklo_epi64(a: Limb, b: Limb) -> Limb;
    odd_words = _mm512_unpackhi_epi64(a: Limb, b: Limb) -> Limb;
    even_pairs = _mm512_shuffle_i64x2::<0b10_00_10_00>(a: Limb, b: Limb) -> Limb;
    odd_pairs = _mm512_shuffle_i64x2::<0b11_01_11_01>(a: Limb, b: Limb) -> Limb;
    swap_words = _mm512_shuffle_epi32::<0b01_00_11_10>(a: Limb) -> Limb;
    swap_pairs = _mm512_permutex_epi64::<0b01_00_11_10>(a: Limb) -> Limb;
    exchange_halves = _mm512_shuffle_i64x2::<0b01_00_11_10>(a: Limb, b: Limb) -> Limb;
}

#[inline(always)]
fn swap_halves(a: Limb) -> Limb {
    exchange_halves(a, a)
}

const MASK: u64 = (1 << 52) - 1;

#[inline(always)]
fn constant(value: u64) -> Limb {
    all(value.cast_signed())
}

/// The modulus p of a field, for limbs of 52 bits.
struct Modulus<F>(PhantomData<F>);

impl<F: Accumulate> Modulus<F> {
    const LIMBS: [u64; 5] = {
        let [a, b, c, d] = F::MODULUS_LIMBS;
        [
            a & MASK,
            (a >> 52 | b << 12) & MASK,
            (b >> 40 | c << 24) & MASK,
            (c >> 28 | d << 36) & MASK,
            d >> 16,
        ]
    };
    /// −p^-1 mod 2^52.
    const INVERSE: u64 = F::INVERSE & MASK;
    /// ⌊2^260/p⌋: the product rule has 63 for it.
    const RECIPROCAL: u64 = {
        let mut k = 1;
        while Self::times(k + 1)[4] >> 52 == 0 {
            k += 1;
        }
        assert!(k >= 63, "the modulus is too large for the product rule");
        k
    };

    /// k·p; the last limb may have more than 52 bits.
    const fn times(k: u64) -> [u64; 5] {
        let mut out = [0; 5];
        let (mut carry, mut i) = (0, 0);
        while i < 5 {
            let sum = Self::LIMBS[i] as u128 * k as u128 + carry;
            out[i] = if i < 4 { sum as u64 & MASK } else { sum as u64 };
            carry = sum >> 52;
            i += 1;
        }
        out
    }
}

/// Eight field elements, in limbs that are carried unless a function says otherwise. As loaded they are below 16p; every other bound
/// stands where it arises. Factors must be below 63p: a multiplication reads 52 bits of each limb, the last one too.
#[derive(Clone, Copy)]
pub struct Lanes<F>([Limb; 5], PhantomData<F>);

impl<F: Accumulate> Lanes<F> {
    #[inline(always)]
    fn new(limbs: [Limb; 5]) -> Self {
        Self(limbs, PhantomData)
    }

    /// Eight elements, wherever they are: below 16p.
    #[inline(always)]
    pub fn load(_: Ifma, e: [&F; 8]) -> Self {
        let [l0, l1, l2, l3] = transposed(e);
        let mask = constant(MASK);
        // Four bits to the left: 16 times a value below p.
        Self::new([
            both(left(l0, all(4)), mask),
            both(either(right(l0, all(48)), left(l1, all(16))), mask),
            both(either(right(l1, all(36)), left(l2, all(28))), mask),
            both(either(right(l2, all(24)), left(l3, all(40))), mask),
            right(l3, all(12)),
        ])
    }

    /// A sixteenth of eight elements: their words as they are, so below p and not 16p. That is what lets [`WeightedSum`] add up 32
    /// products before it reduces; it multiplies by 16 once, in the end.
    #[inline(always)]
    pub(crate) fn load_sixteenth(_: Ifma, e: [&F; 8]) -> Self {
        let [l0, l1, l2, l3] = transposed(e);
        let mask = constant(MASK);
        Self::new([
            both(l0, mask),
            both(either(right(l0, all(52)), left(l1, all(12))), mask),
            both(either(right(l1, all(40)), left(l2, all(24))), mask),
            both(either(right(l2, all(28)), left(l3, all(36))), mask),
            right(l3, all(16)),
        ])
    }

    /// c + k·u/2^260 for eight integers u below 2^52, and c, k below 3p: below 5p.
    #[inline(always)]
    pub(crate) fn of_integers(u: [i64; 8], constant: &Self, k: &Self) -> Self {
        let u = words(u);
        let mut t = [zero(); 10];
        for j in 0..5 {
            t[j] = low(t[j], k.0[j], u);
            t[j + 1] = high(t[j + 1], k.0[j], u);
        }
        let mut sum = Self::montgomery(t);
        for j in 0..5 {
            sum[j] = plus(sum[j], constant.0[j]);
        }
        Self::carried(sum)
    }

    /// One element in all lanes, below 3p.
    #[inline(always)]
    pub fn repeat(ifma: Ifma, element: &F) -> Self {
        Self::reduced(Self::load(ifma, [element; 8]).0)
    }

    /// The eight elements, below the modulus; for values below 49p, so that 15p more are still below 64p.
    #[inline(always)]
    pub fn store(&self) -> [F; 8] {
        // 2^260 becomes 2^256: up to 15p makes the value a multiple of 16, and a sixteenth of that is below 4p.
        let mut t = self.0;
        let k = both(low(zero(), t[0], constant(Modulus::<F>::INVERSE)), all(15));
        for j in 0..5 {
            if Modulus::<F>::LIMBS[j] != 0 {
                t[j] = plus(t[j], product(k, constant(Modulus::<F>::LIMBS[j])));
            }
        }
        for j in 0..4 {
            t[j + 1] = plus(t[j + 1], carry(t[j]));
            t[j] = either(
                right(both(t[j], constant(MASK)), all(4)),
                both(left(t[j + 1], all(48)), constant(MASK)),
            );
        }
        t[4] = right(t[4], all(4));
        t = less_where_possible(t, const { Modulus::<F>::times(2) });
        t = less_where_possible(t, Modulus::<F>::LIMBS);
        elements([
            either(t[0], left(t[1], all(52))),
            either(right(t[1], all(12)), left(t[2], all(40))),
            either(right(t[2], all(24)), left(t[3], all(28))),
            either(right(t[3], all(36)), left(t[4], all(16))),
        ])
    }

    /// For factors below 63p; for the result's bound see the product rule.
    #[inline(always)]
    pub fn multiply(&self, other: &Self) -> Self {
        Self::carried(self.product(other))
    }

    /// The inverse of every element, with one inversion of an element, whatever `invert` gives for zero.
    #[inline(always)]
    pub fn invert(&self, ifma: Ifma, invert: impl FnOnce(F) -> F) -> Self {
        // Every element times its neighbour, every pair times the next, every half times the other.
        let swapped = self.permuted(swap_words);
        let pairs = self.multiply(&swapped);
        let pairs_swapped = pairs.permuted(swap_pairs);
        let halves = pairs.multiply(&pairs_swapped);
        let halves_swapped = halves.permuted(swap_halves);
        let mut all = halves.multiply(&halves_swapped).store();
        let inverse = invert(all[0]);
        all.zeroize();
        Self::repeat(ifma, &inverse)
            .multiply(&halves_swapped)
            .multiply(&pairs_swapped)
            .multiply(&swapped)
    }

    /// The elements in another order: `to` moves the words of a limb.
    #[inline(always)]
    fn permuted(&self, to: impl Fn(Limb) -> Limb) -> Self {
        let [a, b, c, d, e] = self.0;
        Self::new([to(a), to(b), to(c), to(d), to(e)])
    }

    /// The product in limbs that have yet to be carried; all are positive, and the last is right up to a few carries.
    #[inline(always)]
    fn product(&self, other: &Self) -> [Limb; 5] {
        let mut t = [zero(); 10];
        self.add_product(other, &mut t);
        Self::montgomery(t)
    }

    /// t += self·other; limbs grow by less than ten products of 2^52.
    #[inline(always)]
    fn add_product(&self, other: &Self, t: &mut [Limb; 10]) {
        let (Self(a, _), Self(b, _)) = (self, other);
        for i in 0..5 {
            for j in 0..5 {
                t[i + j] = low(t[i + j], a[i], b[j]);
                t[i + j + 1] = high(t[i + j + 1], a[i], b[j]);
            }
        }
    }

    /// The product with itself: the products of different limbs once, and then doubled.
    #[inline(always)]
    fn squared(&self) -> [Limb; 5] {
        let Self(a, _) = self;
        let mut t = [zero(); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                t[i + j] = low(t[i + j], a[i], a[j]);
                t[i + j + 1] = high(t[i + j + 1], a[i], a[j]);
            }
        }
        for limb in &mut t {
            *limb = plus(*limb, *limb);
        }
        for i in 0..5 {
            t[2 * i] = low(t[2 * i], a[i], a[i]);
            t[2 * i + 1] = high(t[2 * i + 1], a[i], a[i]);
        }
        Self::montgomery(t)
    }

    /// t/2^260. Limbs are below 2^62: at most 320 products of 2^52 meet in one, ten of k·p, and a carry.
    #[inline(always)]
    fn montgomery(mut t: [Limb; 10]) -> [Limb; 5] {
        let modulus = Modulus::<F>::LIMBS;
        for i in 0..5 {
            let k = low(zero(), t[i], constant(Modulus::<F>::INVERSE));
            // What k·p adds to this limb rounds it up to a multiple of 2^52; that is all that is needed of it.
            t[i + 1] = plus(t[i + 1], carry(plus(t[i], constant(MASK))));
            t[i + 1] = high(t[i + 1], k, constant(modulus[0]));
            for j in 1..5 {
                if modulus[j] != 0 {
                    t[i + j] = low(t[i + j], k, constant(modulus[j]));
                    t[i + j + 1] = high(t[i + j + 1], k, constant(modulus[j]));
                }
            }
        }
        [t[5], t[6], t[7], t[8], t[9]]
    }

    /// Limbs of 52 bits, but for the last, which carries the sign.
    #[inline(always)]
    fn carried(mut t: [Limb; 5]) -> Self {
        for j in 0..4 {
            t[j + 1] = plus(t[j + 1], carry(t[j]));
            t[j] = both(t[j], constant(MASK));
        }
        Self::new(t)
    }

    /// Values from p to 33p come to be between 0 and 3p, given limbs below 2^59 in magnitude.
    ///
    /// The last limb times ⌊2^260/p⌋/2^52 falls short of the quotient by less than 1.6 (what the limbs below hide is far less
    /// than p); one multiple of p less is taken off, lest the rest be negative by the little that they hide. Sums of two
    /// `Lanes` may be below p too: their limbs are positive, and hide nothing.
    #[inline(always)]
    fn reduced(mut t: [Limb; 5]) -> Self {
        let quotient = high(all(-1), t[4], constant(Modulus::<F>::RECIPROCAL));
        for j in 0..5 {
            if Modulus::<F>::LIMBS[j] != 0 {
                t[j] = minus(t[j], product(quotient, constant(Modulus::<F>::LIMBS[j])));
            }
        }
        Self::carried(t)
    }
}

/// What sums of points need: operations that reduce as rarely as these bounds allow.
impl<F: Accumulate> Lanes<F> {
    pub(crate) fn nothing(_: Ifma) -> Self {
        Self::new([zero(); 5])
    }

    /// Negatives of the elements whose bit is set, not carried: only for `below_three` and `minus`, which take up to 17p.
    #[inline(always)]
    pub(crate) fn negated_where(&self, lanes: u8) -> Self {
        let offset = const { Modulus::<F>::times(17) };
        let mut out = self.0;
        for j in 0..5 {
            out[j] = choose(lanes, out[j], minus(constant(offset[j]), out[j]));
        }
        Self::new(out)
    }

    /// The same elements, below 3p.
    #[inline(always)]
    pub(crate) fn below_three(&self) -> Self {
        Self::reduced(self.0)
    }

    /// self − other, below 20p, for self below 17p and other below 3p.
    #[inline(always)]
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let offset = const { Modulus::<F>::times(3) };
        Self::carried(difference(&self.0, &other.0, &offset))
    }

    /// self² − 2·x − run, below 3p, for self below 16p, x below 3p and run below 20p: the x coordinate of a sum.
    #[inline(always)]
    pub(crate) fn square_less(&self, x: &Self, run: &Self) -> Self {
        // The square is below 6p: what is reduced is at least p and below 33p.
        let offset = const { Modulus::<F>::times(27) };
        let mut t = difference(&self.squared(), &run.0, &offset);
        for j in 0..5 {
            t[j] = minus(t[j], plus(x.0[j], x.0[j]));
        }
        Self::reduced(t)
    }

    /// self·factor − y, below 3p, for self and factor below 16p and y below 3p: the y coordinate of a sum.
    #[inline(always)]
    pub(crate) fn product_less(&self, factor: &Self, y: &Self) -> Self {
        let offset = const { Modulus::<F>::times(4) };
        Self::reduced(difference(&self.product(factor), &y.0, &offset))
    }
}

impl<F> Zeroize for Lanes<F> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// t, less what is taken off where that leaves nothing negative.
#[inline(always)]
fn less_where_possible(t: [Limb; 5], less: [u64; 5]) -> [Limb; 5] {
    let mut reduced = [zero(); 5];
    for j in 0..5 {
        reduced[j] = minus(t[j], constant(less[j]));
    }
    for j in 0..4 {
        reduced[j + 1] = plus(reduced[j + 1], carry(reduced[j]));
        reduced[j] = both(reduced[j], constant(MASK));
    }
    let small = negative(reduced[4]);
    for j in 0..5 {
        reduced[j] = choose(small, reduced[j], t[j]);
    }
    reduced
}

/// a − b + offset, not carried.
#[inline(always)]
fn difference(a: &[Limb; 5], b: &[Limb; 5], offset: &[u64; 5]) -> [Limb; 5] {
    let mut out = *a;
    for j in 0..5 {
        out[j] = plus(minus(a[j], b[j]), constant(offset[j]));
    }
    out
}

/// Has memory brought near, if the processor likes.
#[inline(always)]
pub(crate) fn prefetch<T>(_: Ifma, value: &T) {
    // SAFETY: a hint, for which any address will do.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
}

/// The words of eight elements: first words, second words and so on.
#[inline(always)]
fn transposed<F: Accumulate>(e: [&F; 8]) -> [Limb; 4] {
    let (a, b) = (two_elements(e[0], e[2]), two_elements(e[1], e[3]));
    let (c, d) = (two_elements(e[4], e[6]), two_elements(e[5], e[7]));
    let (ab, cd) = (even_words(a, b), even_words(c, d));
    let (l0, l2) = (even_pairs(ab, cd), odd_pairs(ab, cd));
    let (ab, cd) = (odd_words(a, b), odd_words(c, d));
    let (l1, l3) = (even_pairs(ab, cd), odd_pairs(ab, cd));
    [l0, l1, l2, l3]
}

/// The eight elements with these words: [`transposed`] backwards.
#[inline(always)]
fn elements<F: Accumulate>([l0, l1, l2, l3]: [Limb; 4]) -> [F; 8] {
    // Words 0 and 1, then 2 and 3, of lanes 0, 2, 4, 6 and of lanes 1, 3, 5, 7.
    let (even01, odd01) = (even_words(l0, l1), odd_words(l0, l1));
    let (even23, odd23) = (even_words(l2, l3), odd_words(l2, l3));
    let whole = [
        front_pieces(even01, even23),
        front_pieces(odd01, odd23),
        back_pieces(even01, even23),
        back_pieces(odd01, odd23),
    ];
    // SAFETY: both types are 256 bytes of plain integers.
    let words: [[[u64; 4]; 2]; 4] = unsafe { std::mem::transmute(whole) };
    let [[e0, e2], [e1, e3], [e4, e6], [e5, e7]] = words;
    let mut out = [F::ZERO; 8];
    for (to, words) in out.iter_mut().zip([e0, e1, e2, e3, e4, e5, e6, e7]) {
        *to = F::from_limbs(words);
    }
    out
}

/// 128-bit pieces a0, b0, a1, b1.
#[inline(always)]
fn front_pieces(a: Limb, b: Limb) -> Limb {
    pick(a, words([0, 1, 8, 9, 2, 3, 10, 11]), b)
}

/// 128-bit pieces a2, b2, a3, b3.
#[inline(always)]
fn back_pieces(a: Limb, b: Limb) -> Limb {
    pick(a, words([4, 5, 12, 13, 6, 7, 14, 15]), b)
}

/// Eight words as they lie in memory.
#[inline(always)]
fn words(words: [i64; 8]) -> Limb {
    // SAFETY: it points to eight words, at any alignment; for the features, see `intrinsics`.
    unsafe { _mm512_loadu_epi64(words.as_ptr()) }
}

/// The words of two elements.
#[inline(always)]
fn two_elements<F: Accumulate>(a: &F, b: &F) -> Limb {
    let (a, b) = (a.as_limbs().as_ptr().cast(), b.as_limbs().as_ptr().cast());
    // SAFETY: each points to four words, at any alignment; for the features, see `intrinsics`.
    unsafe {
        let (a, b) = (_mm256_loadu_si256(a), _mm256_loadu_si256(b));
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(a), b)
    }
}

#[cfg(test)]
mod tests;
