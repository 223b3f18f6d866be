//! Fixed-base tables with odd digits: a value v has U = v + 256^n/2 with bytes u_i, and Σ 256^i(2u_i − 255) = 2v + 1. So
//! Σ digits over G/2 is v·G + G/2: no digit is zero, none is skipped, and half of them are negatives of the others.

use ark_ec::AdditiveGroup;
use ark_ff::{BigInteger, Field, PrimeField, Zero};
use rayon::prelude::*;

use crate::group::{Affine, Point, Suite, to_affine};
use crate::wide::Accumulate;

pub(super) const ENTRIES: usize = 128;

/// (2k + 1)·G/2 for k < 128.
pub(super) struct Table<S: Suite>(Vec<(S::Base, S::Base)>);

impl<S: Suite> Table<S> {
    /// The signed entry of digit 2u − 255; no branch on u. (Which entry is read depends on it: SECURITY.md.)
    #[inline(always)]
    pub(super) fn entry(&self, u: u8) -> (S::Base, S::Base) {
        let negative = 0u64.wrapping_sub(u64::from(u >> 7 ^ 1));
        let index = usize::from((u & 127) ^ (127 & (negative as u8)));
        let (x, y) = self.0[index];
        (x, conditional_negate(y, negative))
    }
}

/// −y if the mask is all ones, y if it is zero; y is never zero.
#[inline(always)]
fn conditional_negate<F: Accumulate>(y: F, mask: u64) -> F {
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

/// Tables of many generators, their entries made affine together.
fn build<S: Suite>(generators: &[Point<S>]) -> Vec<Table<S>> {
    generators
        .par_chunks(16)
        .flat_map_iter(|chunk| {
            let halves: Vec<Point<S>> = chunk.iter().map(|g| *g * half::<S>()).collect();
            let multiples: Vec<Point<S>> = chunk
                .iter()
                .zip(halves)
                .flat_map(|(g, start)| {
                    std::iter::successors(Some(start), move |p| Some(*p + g)).take(ENTRIES)
                })
                .collect();
            let affine = to_affine::<S>(&multiples);
            affine
                .chunks(ENTRIES)
                .map(|t| Table(t.iter().map(|p| (p.x, p.y)).collect()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Tables of the row generators, and Σ_{j < n} G_j/2 for every n.
pub(super) struct Tables<S: Suite> {
    tables: Vec<Table<S>>,
    halves: Vec<Point<S>>,
}

impl<S: Suite> Tables<S> {
    pub(super) fn new(generators: &[Affine<S>]) -> Self {
        let points: Vec<Point<S>> = generators.iter().map(|g| Point::<S>::from(*g)).collect();
        let mut sum = Point::<S>::zero();
        let mut sums = vec![sum];
        for g in generators {
            sum += g;
            sums.push(sum);
        }
        let halves = sums.par_iter().map(|s| *s * half::<S>()).collect();
        Self {
            tables: build::<S>(&points),
            halves,
        }
    }

    pub(super) fn get(&self, range: std::ops::Range<usize>) -> Option<&[Table<S>]> {
        self.tables.get(range)
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

/// Tables of 2^128·G_j.
pub(super) fn shifted<S: Suite>(generators: &[Affine<S>]) -> Vec<Table<S>> {
    let points: Vec<Point<S>> = generators
        .par_iter()
        .map(|g| {
            let mut point = Point::<S>::from(*g);
            for _ in 0..128 {
                point.double_in_place();
            }
            point
        })
        .collect();
    build::<S>(&points)
}

/// The 32 bytes of k + 2^255, least significant first: the digits of 2k + 1.
pub(super) fn digits<F: PrimeField>(k: F) -> [u8; 32] {
    let mut out = [0; 32];
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

/// Σ_k scalars[k]·G_k: `low` are the tables of G_k, `high` those of 2^128·G_k.
pub(super) fn multiply<S: Suite>(low: &[Table<S>], high: &[Table<S>], scalars: &[S::Scalar]) -> Point<S> {
    let digits: Vec<[u8; 32]> = scalars.iter().map(|k| digits(*k)).collect();
    let mut sum = Point::<S>::zero();
    for window in (0..16).rev() {
        for _ in 0..8 {
            sum.double_in_place();
        }
        for ((low, high), digits) in low.iter().zip(high).zip(&digits) {
            add_entry::<S>(&mut sum, low.entry(digits[window]));
            add_entry::<S>(&mut sum, high.entry(digits[window + 16]));
        }
    }
    // Each scalar came with half of its generator on top: entry k of a table is (2k + 1)·G/2, and entry 0 is G/2.
    for table in low {
        let (x, y) = table.entry(128);
        add_entry::<S>(&mut sum, (x, -y));
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
        let bases: Vec<Point<S>> = std::iter::successors(Some(Point::<S>::from(*generator)), shift)
            .take(32)
            .collect();
        Self(build::<S>(&bases))
    }

    pub(super) fn multiply(&self, k: &S::Scalar) -> Point<S> {
        let mut sum = Point::<S>::zero();
        for (table, digit) in self.0.iter().zip(digits(*k)) {
            add_entry::<S>(&mut sum, table.entry(digit));
        }
        if let Some(table) = self.0.first() {
            let (x, y) = table.entry(128);
            add_entry::<S>(&mut sum, (x, -y));
        }
        sum
    }
}
