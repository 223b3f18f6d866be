//! Columns of integer leaves, in pairs: entry v holds the two children of node v. What lies beyond the end is zero.

use rayon::prelude::*;
use zeroize::Zeroize;

use super::PARALLEL;
use crate::group::scalar_from_i64;
use crate::poly::SplitEq;
use crate::wide::{Accumulate, SmallProducts};

/// Secret pairs of numbers, an even count of them (or one), wiped in the end.
pub struct Secret<T: Zeroize>(pub Vec<[T; 2]>);

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A column of leaves. 16-bit numbers stay integers through the first round of a sumcheck.
pub enum Column {
    Small(Secret<i16>),
    Large(Secret<i64>),
}

/// `values` in pairs, zeros at the end; whole couples of pairs if the column has more than one pair of `length`.
fn pairs<T: Copy + Default>(values: impl ExactSizeIterator<Item = T>, length: usize) -> Vec<[T; 2]> {
    let count = values.len().div_ceil(4) * 2;
    let mut values = values.chain(std::iter::repeat(T::default()));
    (0..count.min(length / 2))
        .map(|_| {
            [
                values.next().unwrap_or_default(),
                values.next().unwrap_or_default(),
            ]
        })
        .collect()
}

impl Column {
    /// `length`: with the zeros at the end, a power of two, at least two.
    pub fn new(values: &[i64], length: usize) -> Self {
        let values = values.get(..length).unwrap_or(values);
        let small: Option<Vec<i16>> = values.iter().map(|v| i16::try_from(*v).ok()).collect();
        match small {
            Some(mut small) => {
                let column = Self::Small(Secret(pairs(small.iter().copied(), length)));
                small.zeroize();
                column
            }
            None => Self::Large(Secret(pairs(values.iter().copied(), length))),
        }
    }

    /// Pairs that are held.
    pub fn len(&self) -> usize {
        match self {
            Self::Small(Secret(pairs)) => pairs.len(),
            Self::Large(Secret(pairs)) => pairs.len(),
        }
    }

    /// c + k·value for every value.
    pub fn affine<F: Accumulate>(&self, c: F, k: F) -> AffineColumn<'_, F> {
        AffineColumn {
            column: self,
            multiples: Multiples::new(k),
            c,
            k,
        }
    }

    pub fn affine_all<F: Accumulate>(&self, c: F, k: F) -> Vec<[F; 2]> {
        let affine = self.affine(c, k);
        (0..self.len())
            .into_par_iter()
            .with_min_len(PARALLEL)
            .map(|v| affine.at(v))
            .collect()
    }
}

/// A column's values v as c + k·v.
pub struct AffineColumn<'a, F> {
    column: &'a Column,
    multiples: Multiples<F>,
    c: F,
    k: F,
}

impl<F: Accumulate> AffineColumn<'_, F> {
    /// The two values of a pair.
    #[inline(always)]
    pub fn at(&self, pair: usize) -> [F; 2] {
        match self.column {
            Column::Small(Secret(pairs)) => {
                let pair = pairs.get(pair).copied().unwrap_or_default();
                pair.map(|v| self.c + self.multiples.of(v))
            }
            Column::Large(Secret(pairs)) => {
                let pair = pairs.get(pair).copied().unwrap_or_default();
                pair.map(|v| self.c + self.k * scalar_from_i64::<F>(v))
            }
        }
    }
}

/// k·v for 16-bit v by two look-ups.
struct Multiples<F> {
    high: Vec<F>,
    low: Vec<F>,
}

impl<F: Accumulate> Multiples<F> {
    fn new(k: F) -> Self {
        let steps = |first: F, step: F| {
            std::iter::successors(Some(first), move |x| Some(*x + step))
                .take(256)
                .collect()
        };
        let k256 = k * F::from(256u64);
        Self {
            high: steps(-(k * F::from(1u64 << 15)), k256),
            low: steps(F::zero(), k),
        }
    }

    #[inline(always)]
    fn of(&self, v: i16) -> F {
        let [high, low] = (v ^ i16::MIN).to_be_bytes();
        self.high[usize::from(high)] + self.low[usize::from(low)]
    }
}

/// c + k·(low + ρ(high − low)) for couples of pairs: the first binding, straight from the integers.
pub fn bind_small<F: Accumulate>(pairs: &[[i16; 2]], c: F, k: F, rho: F) -> Vec<[F; 2]> {
    let (by_low, by_high) = (Multiples::new(k - k * rho), Multiples::new(k * rho));
    pairs
        .as_chunks::<2>()
        .0
        .par_iter()
        .with_min_len(PARALLEL)
        .map(|[low, high]| [0, 1].map(|b| c + by_low.of(low[b]) + by_high.of(high[b])))
        .collect()
}

/// Σ w·(v0 + v1), Σ w·v0·v1 and Σ w·Δv0·Δv1 over couples of pairs: the first round over integers.
pub fn small_sums<F: Accumulate>(pairs: &[[i16; 2]], eq: &SplitEq<F>) -> [F; 3] {
    let couples = pairs.as_chunks::<2>().0;
    let shift = F::from(1u64 << 63);
    eq.blocks(couples.len(), |weights, couple| {
        let mut acc = [SmallProducts::ZERO; 3];
        for (w, [low, high]) in weights.iter().zip(&couples[couple..]) {
            let ([v0, v1], [h0, h1]) = (low.map(i64::from), high.map(i64::from));
            acc[0].add_shifted(w, v0 + v1);
            acc[1].add_shifted(w, v0 * v1);
            acc[2].add_shifted(w, (h0 - v0) * (h1 - v1));
        }
        let shift = shift * weights.iter().sum::<F>();
        acc.map(|a| a.reduce::<F>() - shift)
    })
}

/// Σ of the squares, and of the squared differences, over couples of pairs.
pub fn small_squares(pairs: &[[i16; 2]]) -> [u64; 2] {
    // 2^27 couples of two squares below 2^32 stay below 2^60.
    let square = |v: i64| (v * v).cast_unsigned();
    pairs
        .as_chunks::<2>()
        .0
        .par_iter()
        .with_min_len(PARALLEL)
        .map(|[low, high]| {
            let ([v0, v1], [h0, h1]) = (low.map(i64::from), high.map(i64::from));
            [square(v0) + square(v1), square(h0 - v0) + square(h1 - v1)]
        })
        .reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
}
