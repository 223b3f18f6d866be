//! Fixed-base tables with odd digits: a value v has U = v + 256^n/2 with bytes u_i, and Σ 256^i(2u_i − 255) = 2v + 1. So
//! Σ digits over G/2 is v·G + G/2: no digit is zero, none is skipped, and half of them are negatives of the others.

use std::sync::OnceLock;

use ark_ec::AdditiveGroup;
use ark_ff::{BigInteger, Field, PrimeField, Zero};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::affine::Adder;
use crate::group::{Affine, Point, Suite, to_affine};
use crate::jacobian::{Jacobian, sum};
use crate::wide::Accumulate;

pub(super) const ENTRIES: usize = 128;

/// An affine point that is not the identity.
pub(super) type Coordinates<S> = (<S as Suite>::Base, <S as Suite>::Base);

/// Coordinates that fill a line of the cache.
#[repr(align(64))]
struct Entry<S: Suite>(Coordinates<S>);

/// (2k + 1)·G/2 for k < 128.
pub(super) struct Table<S: Suite>(Vec<Entry<S>>);

impl<S: Suite> Table<S> {
    /// G/2.
    fn half(&self) -> Coordinates<S> {
        self.entry(128)
    }

    /// The signed entry of digit 2u − 255; no branch on u. (Which entry is read depends on it: SECURITY.md.)
    #[inline(always)]
    pub(super) fn entry(&self, u: u8) -> (S::Base, S::Base) {
        let ((x, y), negative) = self.unsigned_entry(u);
        (*x, conditional_negate(*y, 0u64.wrapping_sub(u64::from(negative))))
    }

    /// The same as it stands in the table, and 1 if y has to be negated.
    #[inline(always)]
    pub(super) fn unsigned_entry(&self, u: u8) -> (&Coordinates<S>, u8) {
        let negative = u >> 7 ^ 1;
        let index = usize::from((u & 127) ^ (127 & 0u8.wrapping_sub(negative)));
        (&self.0[index].0, negative)
    }
}

/// −y if the mask is all ones, y if it is zero; y is never zero.
#[inline(always)]
pub(super) fn conditional_negate<F: Accumulate>(y: F, mask: u64) -> F {
    let (plain, negated) = (y.limbs(), (-y).limbs());
    let mut out = [0; 4];
    for i in 0..4 {
        out[i] = (plain[i] & !mask) | (negated[i] & mask);
    }
    F::from_limbs(out)
}

fn half<S: Suite>() -> S::Scalar {
    S::Scalar::from(2u64).inverse().unwrap_or_default()
}

/// Tables of all starts that `starts` makes of the generators: enough at a time to share an inversion, few enough for every core
/// to have some.
fn build<S: Suite>(
    generators: &[Affine<S>],
    starts: impl Fn(&[Affine<S>]) -> Vec<Coordinates<S>> + Sync,
) -> Vec<Table<S>> {
    let together = generators
        .len()
        .div_ceil(rayon::current_num_threads())
        .clamp(32, 256);
    generators
        .par_chunks(together)
        .flat_map_iter(|some| odd_multiples::<S>(&starts(some)))
        .collect()
}

fn coordinates<S: Suite>(points: &[Affine<S>]) -> Vec<Coordinates<S>> {
    points.iter().map(|p| (p.x, p.y)).collect()
}

/// G/2 for every G: multiplication by (r + 1)/2 in non-adjacent form, all points in step.
///
/// Partial multiples stay below r/2, so none equals ± the generator that is added; the same holds in [`odd_multiples`].
fn halve<S: Suite>(generators: &[Affine<S>]) -> Vec<Coordinates<S>> {
    let digits = half::<S>().into_bigint().find_wnaf(2).unwrap_or_default();
    let plus = coordinates::<S>(generators);
    let minus: Vec<_> = plus.iter().map(|(x, y)| (*x, -*y)).collect();
    let mut sums = plus.clone();
    let mut adder = Adder::public();
    for digit in digits.iter().rev().skip(1) {
        adder.double_all(&mut sums);
        match digit {
            0 => {}
            1.. => adder.add_all(&mut sums, &plus),
            _ => adder.add_all(&mut sums, &minus),
        }
    }
    sums
}

/// The tables that start with the given points: P, 3P, … 255P.
fn odd_multiples<S: Suite>(starts: &[Coordinates<S>]) -> Vec<Table<S>> {
    let mut adder = Adder::public();
    let mut sums = starts.to_vec();
    let mut steps = starts.to_vec();
    adder.double_all(&mut steps);
    let mut tables: Vec<Vec<Entry<S>>> = starts.iter().map(|_| Vec::with_capacity(ENTRIES)).collect();
    for k in 0..ENTRIES {
        if k > 0 {
            adder.add_all(&mut sums, &steps);
        }
        for (table, entry) in tables.iter_mut().zip(&sums) {
            table.push(Entry(*entry));
        }
    }
    tables.into_iter().map(Table).collect()
}

/// Tables of the row generators, and Σ_{j < n} G_j/2 for every n.
pub(super) struct Tables<S: Suite> {
    tables: Vec<Table<S>>,
    halves: Vec<Point<S>>,
}

impl<S: Suite> Tables<S> {
    pub(super) fn new(generators: &[Affine<S>]) -> Self {
        let tables = build::<S>(generators, halve::<S>);
        let mut sum = Point::<S>::zero();
        let mut halves = vec![sum];
        for table in &tables {
            add_entry::<S>(&mut sum, table.half());
            halves.push(sum);
        }
        Self { tables, halves }
    }

    pub(super) fn get(&self, j: usize) -> Option<&Table<S>> {
        self.tables.get(j)
    }

    pub(super) fn table(&self, j: usize) -> &Table<S> {
        &self.tables[j]
    }

    /// Σ G_j/2 over a range: what the digits of a row add beyond its values.
    pub(super) fn excess(&self, range: std::ops::Range<usize>) -> Point<S> {
        let before = |n: usize| self.halves.get(n).copied().unwrap_or_default();
        before(range.end) - before(range.start)
    }
}

/// Tables of 2^128·G_j, made where messages have slots: a proof uses some hundreds.
pub(super) struct Shifted<S: Suite>(Vec<OnceLock<Vec<Table<S>>>>);

impl<S: Suite> Shifted<S> {
    const BLOCK: usize = 256;

    pub(super) fn new(generators: usize) -> Self {
        Self(
            (0..generators.div_ceil(Self::BLOCK))
                .map(|_| OnceLock::new())
                .collect(),
        )
    }

    /// The table of generator j, or nothing if there is no such generator.
    pub(super) fn get(&self, generators: &[Affine<S>], j: usize) -> Option<&Table<S>> {
        let block = j / Self::BLOCK;
        let tables = self.0.get(block)?.get_or_init(|| {
            let end = generators.len().min((block + 1) * Self::BLOCK);
            build::<S>(
                generators.get(block * Self::BLOCK..end).unwrap_or_default(),
                double_often::<S>,
            )
        });
        tables.get(j % Self::BLOCK)
    }
}

/// 2^127·G, which is half of 2^128·G.
fn double_often<S: Suite>(generators: &[Affine<S>]) -> Vec<Coordinates<S>> {
    let mut points = coordinates::<S>(generators);
    let mut adder = Adder::public();
    (0..127).for_each(|_| adder.double_all(&mut points));
    points
}

/// The 32 bytes of k + 2^255, least significant first: the digits of 2k + 1.
pub(super) fn digits<F: PrimeField>(k: F) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    for (to, from) in out.iter_mut().zip(k.into_bigint().to_bytes_le()) {
        *to = from;
    }
    // k < r < 2^255: adding 2^255 sets the top bit.
    out[31] |= 0x80;
    out
}

fn add_entry<S: Suite>(sum: &mut Point<S>, (x, y): (S::Base, S::Base)) {
    *sum += Affine::<S>::new_unchecked(x, y);
}

/// Σ_k scalars[k]·G_k with the tables of G_k and of 2^128·G_k.
///
/// What has been added up of a generator, times 256 after each step, and the entry that comes next differ in their lowest or highest
/// digit, and digits are odd: as integers they never agree. They may agree modulo r, but only in the last window, as multiples before
/// it are below r/2; and the last addition is the only one that leaves no other generator in the sum. There one generator has two
/// exceptional scalars: −1/2, whose entry is the sum's opposite, and −1/2 + d·2^128 for the one d that is this scalar's own digit,
/// whose entry is the sum. So the last window is made by complete additions; short of those two scalars they do not branch.
pub(super) fn multiply<S: Suite>(tables: &[(&Table<S>, &Table<S>)], scalars: &[S::Scalar]) -> Point<S> {
    let digits: Vec<Zeroizing<[u8; 32]>> = scalars.iter().map(|k| digits(*k)).collect();
    let mut running: Option<Jacobian<S::Base>> = None;
    for window in (1..16).rev() {
        for _ in 0..8 {
            if let Some(sum) = &mut running {
                sum.double();
            }
        }
        for ((low, high), digits) in tables.iter().zip(&digits) {
            for entry in [low.entry(digits[window]), high.entry(digits[window + 16])] {
                match &mut running {
                    Some(sum) => sum.add(entry),
                    None => running = Some(Jacobian::new(entry)),
                }
            }
        }
    }
    let mut sum = running.map_or_else(Point::<S>::zero, Jacobian::point::<S>);
    for _ in 0..8 {
        sum.double_in_place();
    }
    // Each scalar came with half of its generator on top; what is left may be nothing.
    for ((low, high), digits) in tables.iter().zip(&digits) {
        let (x, y) = low.half();
        for entry in [low.entry(digits[0]), high.entry(digits[16]), (x, -y)] {
            add_entry::<S>(&mut sum, entry);
        }
    }
    sum
}

/// Tables of 256^i·G for i < 32: one addition per byte of a scalar, no doublings.
pub(super) struct FixedBase<S: Suite>(Vec<Table<S>>);

impl<S: Suite> FixedBase<S> {
    pub(super) fn new(generator: &Affine<S>) -> Self {
        let shift = |p: &Point<S>| {
            let mut next = *p;
            for _ in 0..8 {
                next.double_in_place();
            }
            Some(next)
        };
        let halves: Vec<Point<S>> = std::iter::successors(Some(*generator * half::<S>()), shift)
            .take(32)
            .collect();
        Self(odd_multiples::<S>(&coordinates::<S>(&to_affine::<S>(&halves))))
    }

    pub(super) fn multiply(&self, k: &S::Scalar) -> Point<S> {
        let digits = digits(*k);
        let mut entries = self
            .0
            .iter()
            .zip(digits.iter())
            .map(|(table, digit)| table.entry(*digit));
        // What has been added up is an odd number below the next entry's power of 256, so they differ; and below r, but for the last
        // entry. That one agrees with the sum up to the sign for −1/2 and one d·2^248 − 1/2: it is added completely.
        let mut sum = sum::<S>(entries.by_ref().take(31));
        let half = self.0.first().map(Table::half).map(|(x, y)| (x, -y));
        for entry in entries.chain(half) {
            add_entry::<S>(&mut sum, entry);
        }
        sum
    }
}
