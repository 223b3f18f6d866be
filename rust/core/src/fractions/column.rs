//! Columns of integer leaves, in pairs: entry v holds the two children of node v. What lies beyond the end is zero.

use rayon::prelude::*;
use zeroize::Zeroize;

use super::table::{Bound, Pairs};
use crate::batch::{AffineMap, Formula, Inputs, Integers, Outputs, map};
use crate::group::scalar_from_i64;
use crate::number::Number;
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

    pub fn is_small(&self) -> bool {
        matches!(self, Self::Small(_))
    }

    /// The pairs of a small column.
    pub fn small(&self) -> &[[i16; 2]] {
        match self {
            Self::Small(Secret(pairs)) => pairs,
            Self::Large(_) => &[],
        }
    }

    /// Pairs that are held.
    pub fn len(&self) -> usize {
        match self {
            Self::Small(Secret(pairs)) => pairs.len(),
            Self::Large(Secret(pairs)) => pairs.len(),
        }
    }

    /// c + k·v for the values v.
    pub fn affine<F: Accumulate>(&self, c: F, k: F) -> AffineColumn<'_, F> {
        AffineColumn {
            column: self,
            affine: AffineMap::new(c, k),
        }
    }

    /// The same as a table.
    pub fn table<F: Accumulate>(&self, c: F, k: F) -> Pairs<F> {
        let affine = self.affine(c, k);
        Pairs::new(self.len(), [c; 2], |first, out| {
            affine.map::<Same, 2, 2>(F::ZERO, first, out, |at, o| 2 * at + o);
        })
    }

    /// The same as a table whose last variable is ρ.
    pub fn bound_table<F: Accumulate>(&self, c: F, k: F, rho: F) -> Pairs<F> {
        let affine = self.affine(c, k);
        Pairs::new(self.len() / 2, [c; 2], |first, out| {
            affine.map::<Bound, 4, 2>(rho, first, out, |at, o| 2 * at + o);
        })
    }
}

struct Same;

impl Formula<2, 2> for Same {
    #[inline(always)]
    fn apply<N: Number>(_: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        outputs.put(0, inputs.get(0));
        outputs.put(1, inputs.get(1));
    }
}

/// A column's values v as c + k·v.
pub struct AffineColumn<'a, F> {
    column: &'a Column,
    affine: AffineMap<F>,
}

impl<F: Accumulate> AffineColumn<'_, F> {
    /// What the formula makes of I values at a time, the `first` I and those after it, as far as they are held and fill `out`.
    pub fn map<X: Formula<I, O>, const I: usize, const O: usize>(
        &self,
        constant: F,
        first: usize,
        out: &mut [F],
        place: impl Fn(usize, usize) -> usize,
    ) {
        let count = out.len() / O;
        match self.column {
            Column::Small(Secret(pairs)) => {
                let inputs = pairs
                    .as_flattened()
                    .as_chunks::<I>()
                    .0
                    .get(first..)
                    .unwrap_or_default();
                let inputs = inputs.get(..count).unwrap_or(inputs);
                map::<F, X, _, I, O>(
                    constant,
                    Integers {
                        affine: &self.affine,
                        values: inputs,
                    },
                    out,
                    place,
                );
            }
            Column::Large(Secret(pairs)) => {
                let all = pairs.as_flattened().as_chunks::<I>().0.iter();
                let exact = |v| self.exact(v);
                let inputs: Vec<[F; I]> = all.skip(first).take(count).map(|i| i.map(exact)).collect();
                map::<F, X, _, I, O>(constant, inputs.as_slice(), out, place);
            }
        }
    }

    fn exact(&self, v: i64) -> F {
        self.affine.c + self.affine.k * scalar_from_i64::<F>(v)
    }

    /// The first I values.
    pub fn first<const I: usize>(&self) -> [F; I] {
        let mut out = [self.affine.c; I];
        match self.column {
            Column::Small(Secret(pairs)) => {
                for (to, v) in out.iter_mut().zip(pairs.as_flattened()) {
                    *to = self.affine.at(*v);
                }
            }
            Column::Large(Secret(pairs)) => {
                for (to, v) in out.iter_mut().zip(pairs.as_flattened()) {
                    *to = self.exact(*v);
                }
            }
        }
        out
    }
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
        .with_min_len(1 << 12)
        .map(|[low, high]| {
            let ([v0, v1], [h0, h1]) = (low.map(i64::from), high.map(i64::from));
            [square(v0) + square(v1), square(h0 - v0) + square(h1 - v1)]
        })
        .reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
}
