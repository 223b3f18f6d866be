//! Field elements and affine points eight at a time, with AVX-512 IFMA: products of 52-bit limbs, added up in one instruction.
//!
//! A [`Lanes`] is eight elements in five 52-bit limbs each, in Montgomery form for 2^260. Elements elsewhere are in the form for
//! 2^256, so a shift by four bits converts them. Moduli are below 2^255: with five bits to spare, nothing is subtracted
//! conditionally; comments bound the values in multiples of the modulus p. A product of values below a·p and b·p is below
//! (1 + a·b/63)·p.
//!
//! The processor is asked at run time. `FEDPROOF_PORTABLE=1` in the environment has everything done by the portable code, which
//! tests and benchmarks compare with.

#![cfg(target_arch = "x86_64")]
#![allow(
    unsafe_code,
    reason = "the only file with intrinsics: calling them needs the processor's consent"
)]
#![allow(clippy::needless_range_loop, reason = "limb arithmetic reads best by index")]

use std::arch::x86_64::*;
use std::marker::PhantomData;
use std::sync::OnceLock;

use zeroize::Zeroize;

use crate::affine::Inverter;
use crate::error::Result;
use crate::wide::Accumulate;

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

/// The intrinsics used, as safe functions: this file calls them only where an [`Ifma`], or a [`Lanes`] made with one, exists.
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
        assert!(
            d >> 62 == 0 || d == 1 << 62,
            "the bounds in this file hold for moduli of 254 bits"
        );
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
    /// ⌊2^260/p⌋.
    const RECIPROCAL: u64 = {
        let mut k = 1;
        while Self::times(k + 1)[4] >> 52 == 0 {
            k += 1;
        }
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

/// Eight field elements. Whatever a function here is given or gives is below 16p.
#[derive(Clone, Copy)]
pub struct Lanes<F>([Limb; 5], PhantomData<F>);

impl<F: Accumulate> Lanes<F> {
    #[inline(always)]
    fn new(limbs: [Limb; 5]) -> Self {
        Self(limbs, PhantomData)
    }

    /// Eight elements, wherever they are.
    #[inline(always)]
    pub fn load(_: Ifma, e: [&F; 8]) -> Self {
        let (a, b) = (two_elements(e[0], e[2]), two_elements(e[1], e[3]));
        let (c, d) = (two_elements(e[4], e[6]), two_elements(e[5], e[7]));
        let (ab, cd) = (even_words(a, b), even_words(c, d));
        let (l0, l2) = (even_pairs(ab, cd), odd_pairs(ab, cd));
        let (ab, cd) = (odd_words(a, b), odd_words(c, d));
        let (l1, l3) = (even_pairs(ab, cd), odd_pairs(ab, cd));
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

    /// One element in all lanes.
    #[inline(always)]
    pub fn repeat(ifma: Ifma, element: &F) -> Self {
        Self::load(ifma, [element; 8])
    }

    /// The eight elements, below the modulus.
    #[inline(always)]
    pub fn store(&self) -> [F; 8] {
        // Times 2^256, over 2^260. The product is below 3p: 16p·2^256/2^260 + p.
        let mut t = [zero(); 10];
        for j in 0..5 {
            t[4 + j] = low(t[4 + j], self.0[j], all(1 << 48));
            t[5 + j] = high(t[5 + j], self.0[j], all(1 << 48));
        }
        let Self(mut t, _) = Self::carried(Self::montgomery(t));
        for _ in 0..2 {
            let mut reduced = [zero(); 5];
            for j in 0..5 {
                reduced[j] = minus(t[j], constant(Modulus::<F>::LIMBS[j]));
            }
            let Self(reduced, _) = Self::carried(reduced);
            let small = negative(reduced[4]);
            for j in 0..5 {
                t[j] = choose(small, reduced[j], t[j]);
            }
        }
        let words = [
            either(t[0], left(t[1], all(52))),
            either(right(t[1], all(12)), left(t[2], all(40))),
            either(right(t[2], all(24)), left(t[3], all(28))),
            either(right(t[3], all(36)), left(t[4], all(16))),
        ];
        // SAFETY: both types are 256 bytes of plain integers.
        let mut words: [[u64; 8]; 4] = unsafe { std::mem::transmute(words) };
        let mut out = [F::ZERO; 8];
        for lane in 0..8 {
            out[lane] = F::from_limbs([words[0][lane], words[1][lane], words[2][lane], words[3][lane]]);
        }
        words.zeroize();
        out
    }

    /// The elements in another order: `to` moves the words of a limb.
    #[inline(always)]
    fn permuted(&self, to: impl Fn(Limb) -> Limb) -> Self {
        let [a, b, c, d, e] = self.0;
        Self::new([to(a), to(b), to(c), to(d), to(e)])
    }

    #[inline(always)]
    pub fn multiply(&self, other: &Self) -> Self {
        Self::carried(self.product(other))
    }

    #[inline(always)]
    pub fn square(&self) -> Self {
        Self::carried(self.squared())
    }

    #[inline(always)]
    pub fn add(&self, other: &Self) -> Self {
        let mut sum = [zero(); 5];
        for j in 0..5 {
            sum[j] = plus(self.0[j], other.0[j]);
        }
        Self::reduced(sum)
    }

    #[inline(always)]
    pub fn subtract(&self, other: &Self) -> Self {
        // At least p, as `reduced` wants.
        let offset = const { Modulus::<F>::times(17) };
        Self::reduced(difference(&self.0, &other.0, &offset))
    }

    /// The product in limbs that have yet to be carried; all are positive, and the last is right up to a few carries.
    #[inline(always)]
    fn product(&self, other: &Self) -> [Limb; 5] {
        let (Self(a, _), Self(b, _)) = (self, other);
        let mut t = [zero(); 10];
        for i in 0..5 {
            for j in 0..5 {
                t[i + j] = low(t[i + j], a[i], b[j]);
                t[i + j + 1] = high(t[i + j + 1], a[i], b[j]);
            }
        }
        Self::montgomery(t)
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

    /// t/2^260. Limbs stay below 2^58: at most 20 products of 2^52 meet in one, and a carry.
    #[inline(always)]
    fn montgomery(mut t: [Limb; 10]) -> [Limb; 5] {
        for i in 0..5 {
            let k = low(zero(), t[i], constant(Modulus::<F>::INVERSE));
            for j in 0..5 {
                if Modulus::<F>::LIMBS[j] != 0 {
                    let limb = constant(Modulus::<F>::LIMBS[j]);
                    t[i + j] = low(t[i + j], k, limb);
                    t[i + j + 1] = high(t[i + j + 1], k, limb);
                }
            }
            t[i + 1] = plus(t[i + 1], carry(t[i]));
        }
        [t[5], t[6], t[7], t[8], t[9]]
    }

    /// Limbs of 52 bits, of a value that is not negative.
    #[inline(always)]
    fn carried(mut t: [Limb; 5]) -> Self {
        for j in 0..4 {
            t[j + 1] = plus(t[j + 1], carry(t[j]));
            t[j] = both(t[j], constant(MASK));
        }
        Self::new(t)
    }

    /// From p to 33p to between 0 and 3p, given limbs below 2^59 in magnitude.
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

/// a − b + offset, not carried.
#[inline(always)]
fn difference(a: &[Limb; 5], b: &[Limb; 5], offset: &[u64; 5]) -> [Limb; 5] {
    let mut out = *a;
    for j in 0..5 {
        out[j] = plus(minus(a[j], b[j]), constant(offset[j]));
    }
    out
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

/// Products that are inverted together are multiplied up in this many chains, so that the multiplier need not wait for results.
const CHAINS: usize = 4;

/// Eight affine points. Coordinates are below 3p in sums, below 17p in operands.
#[derive(Clone, Copy)]
struct Points<F> {
    x: Lanes<F>,
    y: Lanes<F>,
}

/// What the way back from the inversion needs: the operands' differences, and the product of the elements before this one in
/// its chain.
#[derive(Clone, Copy)]
struct Step<F> {
    run: Lanes<F>,
    rise: Lanes<F>,
    before: Lanes<F>,
}

/// What is added to the sums.
trait Operands<F> {
    /// The operands of sums 8·group to 8·group + 7.
    fn eight(&self, group: usize) -> Points<F>;
}

/// Sums of affine points by batches, as [`crate::affine::Adder`] makes them.
struct Sums<F: Accumulate> {
    ifma: Ifma,
    points: Vec<Points<F>>,
    steps: Vec<Step<F>>,
    inverter: Inverter<F>,
}

impl<F: Accumulate> Sums<F> {
    #[inline(always)]
    fn start(ifma: Ifma, groups: usize, operands: &impl Operands<F>) -> Result<Self> {
        let nothing = Lanes::new([zero(); 5]);
        let mut points = vec![
            Points {
                x: nothing,
                y: nothing
            };
            groups
        ];
        for group in 0..groups {
            let Points { x, y } = operands.eight(group);
            points[group] = Points {
                x: Lanes::reduced(x.0),
                y: Lanes::reduced(y.0),
            };
        }
        let step = Step {
            run: nothing,
            rise: nothing,
            before: nothing,
        };
        Ok(Self {
            ifma,
            points,
            steps: vec![step; groups],
            inverter: Inverter::secret()?,
        })
    }

    /// Adds the operands to the first groups of sums.
    #[inline(always)]
    fn add(&mut self, groups: usize, operands: &impl Operands<F>) {
        let three = const { Modulus::<F>::times(3) };
        let one = Lanes::repeat(self.ifma, &F::ONE);
        let mut chains = [one; CHAINS];
        for start in (0..groups).step_by(CHAINS) {
            let end = groups.min(start + CHAINS);
            for group in start..end {
                let (sum, next) = (&self.points[group], operands.eight(group));
                let step = &mut self.steps[group];
                step.run = Lanes::carried(difference(&next.x.0, &sum.x.0, &three));
                step.rise = Lanes::carried(difference(&next.y.0, &sum.y.0, &three));
            }
            for (step, chain) in self.steps[start..end].iter_mut().zip(&mut chains) {
                step.before = *chain;
                *chain = chain.multiply(&step.run);
            }
        }
        self.invert(&mut chains);
        for start in (0..groups).step_by(CHAINS).rev() {
            let end = groups.min(start + CHAINS);
            // Stage by stage: the multiplications of one stage do not wait for each other.
            let mut slopes = [one; CHAINS];
            for ((slope, step), chain) in slopes.iter_mut().zip(&self.steps[start..end]).zip(&mut chains) {
                *slope = chain.multiply(&step.before);
                *chain = chain.multiply(&step.run);
            }
            for (slope, step) in slopes.iter_mut().zip(&self.steps[start..end]) {
                *slope = slope.multiply(&step.rise);
            }
            let mut differences = [one; CHAINS];
            for i in 0..end - start {
                let (run, x) = (&self.steps[start + i].run, &mut self.points[start + i].x);
                // slope² − x1 − x2 is slope² − 2·x1 − run modulo p. The run is below 20p, and what comes out at least p.
                let offset = const { Modulus::<F>::times(26) };
                let mut t = difference(&slopes[i].squared(), &run.0, &offset);
                for j in 0..5 {
                    t[j] = minus(t[j], plus(x.0[j], x.0[j]));
                }
                let next = Lanes::reduced(t);
                differences[i] = Lanes::carried(difference(&x.0, &next.0, &three));
                *x = next;
            }
            for i in 0..end - start {
                let y = &mut self.points[start + i].y;
                let offset = const { Modulus::<F>::times(4) };
                *y = Lanes::reduced(difference(&slopes[i].product(&differences[i]), &y.0, &offset));
            }
        }
    }

    /// The inverses of eight lanes of all chains, with one inversion.
    #[inline(always)]
    fn invert(&mut self, chains: &mut [Lanes<F>; CHAINS]) {
        let [a, b, c, d] = *chains;
        let (left, right) = (a.multiply(&b), c.multiply(&d));
        let each = left.multiply(&right);
        // Every lane times its neighbour, every pair times the next, every half times the other.
        let swapped = each.permuted(swap_words);
        let pairs = each.multiply(&swapped);
        let pairs_swapped = pairs.permuted(swap_pairs);
        let halves = pairs.multiply(&pairs_swapped);
        let halves_swapped = halves.permuted(swap_halves);
        let mut all = halves.multiply(&halves_swapped).store();
        let inverse = Lanes::repeat(self.ifma, &self.inverter.invert(all[0]));
        all.zeroize();
        let inverse = inverse
            .multiply(&halves_swapped)
            .multiply(&pairs_swapped)
            .multiply(&swapped);
        let (of_left, of_right) = (inverse.multiply(&right), inverse.multiply(&left));
        *chains = [
            of_left.multiply(&b),
            of_left.multiply(&a),
            of_right.multiply(&d),
            of_right.multiply(&c),
        ];
    }
}

impl<F: Accumulate> Drop for Sums<F> {
    fn drop(&mut self) {
        wipe(&mut self.points);
        for Step { run, rise, before } in &mut self.steps {
            run.0.zeroize();
            rise.0.zeroize();
            before.0.zeroize();
        }
    }
}

fn wipe<F>(points: &mut [Points<F>]) {
    for Points { x, y } in points {
        x.0.zeroize();
        y.0.zeroize();
    }
}

impl<F: Accumulate> Operands<F> for Vec<Points<F>> {
    #[inline(always)]
    fn eight(&self, group: usize) -> Points<F> {
        self[group]
    }
}

/// The coordinates of a table's entry, and 1 if its negative is meant.
pub(crate) type Entry<'a, F> = (&'a F, &'a F, u8);

/// Table entries as operands; sums beyond the last are copies of it, so that they meet no points of their own.
struct FromTables<E> {
    ifma: Ifma,
    sums: usize,
    column: usize,
    entry: E,
}

impl<'a, F: Accumulate, E: Fn(usize, usize) -> Entry<'a, F>> Operands<F> for FromTables<E> {
    #[inline(always)]
    fn eight(&self, group: usize) -> Points<F> {
        let nothing = F::ZERO;
        let mut points = [(&nothing, &nothing); 8];
        let mut negated = 0;
        for lane in 0..8 {
            let (x, y, negative) = (self.entry)(self.column, (8 * group + lane).min(self.sums - 1));
            points[lane] = (x, y);
            negated |= negative << lane;
        }
        let [a, b, c, d, e, f, g, h] = points;
        let x = Lanes::load(self.ifma, [a.0, b.0, c.0, d.0, e.0, f.0, g.0, h.0]);
        let y = Lanes::<F>::load(self.ifma, [a.1, b.1, c.1, d.1, e.1, f.1, g.1, h.1]);
        let mut limbs = y.0;
        let offset = const { Modulus::<F>::times(17) };
        for j in 0..5 {
            limbs[j] = choose(negated, limbs[j], minus(constant(offset[j]), limbs[j]));
        }
        Points {
            x,
            y: Lanes::new(limbs),
        }
    }
}

/// Sums over columns, as [`Work`].
pub(crate) struct SumEntries<E> {
    pub(crate) sums: usize,
    pub(crate) columns: usize,
    /// Entry (column, sum): what the column adds to the sum. Its time must not depend on secrets.
    pub(crate) entry: E,
    /// Into how many parts the sums fall, of equal length; a power of two. Where parts are long, they are added up.
    pub(crate) parts: usize,
}

/// Where fewer sums than this would share an inversion, single additions are as fast.
const MIN_JOINED: usize = 64;

impl<E> SumEntries<E> {
    /// The sums; an error if operands ever coincided.
    pub(crate) fn run<'a, F: Accumulate>(self, ifma: Ifma) -> Result<Vec<(F, F)>>
    where
        E: Fn(usize, usize) -> Entry<'a, F>,
    {
        ifma.run(Typed(self, PhantomData))
    }
}

struct Typed<E, F>(SumEntries<E>, PhantomData<F>);

impl<'a, F: Accumulate, E: Fn(usize, usize) -> Entry<'a, F>> Work for Typed<E, F> {
    type Output = Result<Vec<(F, F)>>;

    #[inline(always)]
    fn run(self, ifma: Ifma) -> Self::Output {
        let SumEntries {
            mut sums,
            columns,
            entry,
            mut parts,
        } = self.0;
        if sums == 0 || columns == 0 {
            return Ok(Vec::new());
        }
        let mut operands = FromTables {
            ifma,
            sums,
            column: 0,
            entry,
        };
        let groups = sums.div_ceil(8);
        let mut batch = Sums::<F>::start(ifma, groups, &operands)?;
        for column in 1..columns {
            operands.column = column;
            batch.add(groups, &operands);
        }
        while parts > 1 && sums / 2 >= MIN_JOINED && (sums / 2).is_multiple_of(8) {
            (sums, parts) = (sums / 2, parts / 2);
            let mut rest = batch.points.split_off(sums / 8);
            batch.add(sums / 8, &rest);
            wipe(&mut rest);
        }
        batch.inverter.check()?;
        let mut out = Vec::with_capacity(8 * batch.points.len());
        for Points { x, y } in &batch.points {
            out.extend(x.store().into_iter().zip(y.store()));
        }
        out.truncate(sums);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::affine::Adder;
    use crate::generators::row_generator;
    use crate::group::{Bn254, Pallas, Suite, scalar_from_wide};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    struct Operations<'a, F>(&'a [F; 8], &'a [F; 8]);

    impl<F: Accumulate> Work for Operations<'_, F> {
        type Output = Vec<[F; 8]>;

        #[inline(always)]
        fn run(self, ifma: Ifma) -> Self::Output {
            let (a, b) = (
                Lanes::load(ifma, self.0.each_ref()),
                Lanes::load(ifma, self.1.each_ref()),
            );
            // The largest values that operations take: as loaded. Then those that they give.
            let (sum, difference, product) = (a.add(&b), a.subtract(&b), a.multiply(&b));
            [
                a,
                sum,
                difference,
                product,
                a.square(),
                difference.multiply(&sum),
                product.subtract(&sum.square()),
                product.add(&Lanes::repeat(ifma, &self.0[3])).square(),
            ]
            .map(|lanes| lanes.store())
            .to_vec()
        }
    }

    fn field_agrees<F: Accumulate>() {
        let Some(ifma) = Ifma::detect() else { return };
        let mut rng = StdRng::seed_from_u64(5);
        let mut random = || {
            let mut bytes = [0; 64];
            rng.fill(&mut bytes);
            scalar_from_wide::<F>(&bytes)
        };
        let [a, b, c, d] = F::MODULUS_LIMBS;
        let full = u64::MAX;
        // Words of Montgomery forms, so that limbs are all ones, or nearly the modulus.
        let mut values: Vec<F> = [
            [0, 0, 0, 0],
            [1, 0, 0, 0],
            [a - 1, b, c, d],
            [full, b - 1, c, d],
            [full, full, full, d - 1],
            [full, full, full, 0],
            [0, 0, 0, d],
            [full, 0, full, 0],
        ]
        .map(F::from_limbs)
        .to_vec();
        values.extend([F::ONE, -F::ONE, F::from(16u64).inverse().expect("odd order")]);
        values.extend((0..21).map(|_| random()));
        for shift in 0..values.len() {
            for start in (0..values.len()).step_by(8) {
                let at = |i: usize| values[i % values.len()];
                let a = std::array::from_fn(|i| at(start + i));
                let b = std::array::from_fn(|i| at(start + shift + i));
                let found = ifma.run(Operations(&a, &b));
                for i in 0..8 {
                    let (a, b, other) = (a[i], b[i], a[3]);
                    let expected = [
                        a,
                        a + b,
                        a - b,
                        a * b,
                        a.square(),
                        (a - b) * (a + b),
                        a * b - (a + b).square(),
                        (a * b + other).square(),
                    ];
                    assert!(expected.iter().zip(&found).all(|(e, f)| *e == f[i]), "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn lanes_agree_with_arkworks() {
        field_agrees::<<Pallas as Suite>::Base>();
        field_agrees::<<Pallas as Suite>::Scalar>();
        field_agrees::<<Bn254 as Suite>::Base>();
        field_agrees::<<Bn254 as Suite>::Scalar>();
    }

    /// Point column·sums + sum goes into each sum, negated for some.
    fn sums_agree<S: Suite>(sums: usize, columns: usize, parts: usize) {
        let Some(ifma) = Ifma::detect() else { return };
        let points: Vec<(S::Base, S::Base)> = (0..sums * columns)
            .map(|i| row_generator::<S>(i as u32))
            .map(|p| (p.x, p.y))
            .collect();
        let negative = |i: usize| (i % 3 == 1 || i % 7 == 2) as u8;
        let work = SumEntries {
            sums,
            columns,
            entry: |column: usize, sum: usize| {
                let i = column * sums + sum;
                (&points[i].0, &points[i].1, negative(i))
            },
            parts,
        };
        let found = work.run(ifma).expect("no two operands coincide");
        let mut plain: Vec<(S::Base, S::Base)> = points
            .iter()
            .enumerate()
            .map(|(i, (x, y))| (*x, if negative(i) == 1 { -*y } else { *y }))
            .collect();
        let mut adder = Adder::public();
        let mut next = plain.split_off(sums);
        for _ in 1..columns {
            let rest = next.split_off(sums);
            adder.add_all(&mut plain, &next);
            next = rest;
        }
        while plain.len() > found.len() {
            let half = plain.split_off(plain.len() / 2);
            adder.add_all(&mut plain, &half);
        }
        adder.finish().expect("no two operands coincide");
        assert!(found == plain, "{sums} sums, {columns} columns, {parts} parts");
    }

    #[test]
    fn sums_agree_with_single_points() {
        for (sums, columns, parts) in [
            (1, 1, 1),
            (1, 5, 1),
            (7, 3, 1),
            (8, 2, 1),
            (33, 4, 1),
            (41, 2, 1),
            (66, 3, 2),
            (128, 2, 4),
            (512, 2, 8),
            (264, 1, 2),
        ] {
            sums_agree::<Pallas>(sums, columns, parts);
            sums_agree::<Bn254>(sums, columns, parts);
        }
        if let Some(ifma) = Ifma::detect() {
            let nothing = <Pallas as Suite>::Base::from(1u64);
            let work = SumEntries {
                sums: 0,
                columns: 3,
                entry: |_, _| (&nothing, &nothing, 0),
                parts: 1,
            };
            assert!(work.run(ifma).expect("nothing to add").is_empty());
        }
    }

    #[test]
    fn coinciding_points_are_reported() {
        let Some(ifma) = Ifma::detect() else { return };
        let points: Vec<_> = (0..200).map(row_generator::<Pallas>).collect();
        // Equal and opposite, in one sum of several.
        for (negative, bad) in [(0, 0), (1, 0), (0, 98), (1, 50)] {
            let work = SumEntries {
                sums: 99,
                columns: 2,
                entry: |column: usize, sum: usize| {
                    let same = column == 1 && sum == bad;
                    let point = &points[if same { sum } else { 99 * column + sum }];
                    (&point.x, &point.y, if same { negative } else { 0 })
                },
                parts: 1,
            };
            work.run(ifma).expect_err("a sum met its own point");
        }
    }
}
