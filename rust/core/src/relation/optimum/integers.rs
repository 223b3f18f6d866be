//! The prover's integers: margins, what records pull, the residual.

use ark_ff::PrimeField;
use rayon::prelude::*;
use zeroize::Zeroize;

use super::{Loss, NAME, Objective};
use crate::error::Result;
#[cfg(feature = "drop-checks")]
use crate::recorder::dishonest::{Dishonest, Learned};
use crate::relation::head::{FEATURE_SCALE, Logits, Size, Trained, largest, terms_at_once};

pub struct Integers<'a> {
    pub of: Logits<'a>,
    /// |V|, V = One − Y·Z.
    pub margins: Vec<i64>,
    /// A: Y·max(0, V), or Y·V for ridge.
    pub pulls: Vec<i64>,
    /// E, class by class.
    pub residual: Vec<i128>,
}

impl Drop for Integers<'_> {
    fn drop(&mut self) {
        self.margins.zeroize();
        self.pulls.zeroize();
        self.residual.zeroize();
    }
}

impl<'a> Integers<'a> {
    pub fn new<F: PrimeField>(size: &Size, objective: &Objective, trained: &'a Trained<F>) -> Result<Self> {
        let of = Logits::new(NAME, size, trained)?;
        let one = 1i64 << (FEATURE_SCALE + objective.scale);
        let mut margins = of.logits.clone();
        let mut pulls = vec![0; margins.len()];
        for ((margin, pull), y) in margins.iter_mut().zip(&mut pulls).zip(&of.labels) {
            // Where there is no record y is 0, and so is all else.
            let v = one * y * y - y * *margin;
            *margin = v.abs();
            *pull = y * match objective.loss {
                Loss::Ridge => v,
                Loss::SquaredHinge => i64::midpoint(v, *margin),
            };
        }
        let mut integers = Self {
            of,
            margins,
            pulls,
            residual: Vec::new(),
        };
        integers.residual = integers.make_residual(size, objective)?;
        Ok(integers)
    }

    /// A dishonest prover's changes.
    #[cfg(feature = "drop-checks")]
    pub fn cheat<S: crate::group::Suite>(
        &mut self,
        size: &Size,
        objective: &Objective,
        prover: &mut dyn Dishonest<S>,
    ) -> Result<()> {
        prover.learned(Learned {
            weights: self.of.weights.to_mut(),
            stride: self.of.stride,
            labels: &mut self.of.labels,
            logits: &mut self.of.logits,
            margins: &mut self.margins,
            pulls: &mut self.pulls,
        });
        self.residual = self.make_residual(size, objective)?;
        Ok(())
    }

    /// Λ·W − XᵀA.
    fn make_residual(&self, size: &Size, objective: &Objective) -> Result<Vec<i128>> {
        let (p, width) = (size.features(), size.width());
        let at_once = terms_at_once(NAME, largest(&self.pulls))?.min(1 << 12);
        let regularisation = i128::from(objective.regularisation);
        let pieces = self
            .of
            .rows
            .par_chunks(width * at_once)
            .enumerate()
            .map(|(piece, rows)| {
                let mut sums = vec![0i64; size.classes() * p];
                for (i, row) in rows.chunks(width).enumerate() {
                    for (k, sums) in sums.chunks_mut(p).enumerate() {
                        let at = k * self.of.stride + piece * at_once + i;
                        let pull = self.pulls.get(at).copied().unwrap_or(0);
                        for (sum, x) in sums.iter_mut().zip(row) {
                            *sum += i64::from(*x) * pull;
                        }
                    }
                }
                sums
            });
        let zero = || vec![0i128; size.classes() * p];
        let gradient = pieces
            .fold(zero, |mut total, mut sums| {
                for (to, from) in total.iter_mut().zip(&sums) {
                    *to += i128::from(*from);
                }
                sums.zeroize();
                total
            })
            .reduce(zero, |mut a, b| {
                for (to, from) in a.iter_mut().zip(b) {
                    *to += from;
                }
                a
            });
        let each = gradient.into_iter().zip(&*self.of.weights);
        Ok(each.map(|(g, w)| regularisation * i128::from(*w) - g).collect())
    }

    /// Σ E², or the largest number there is.
    pub fn residual_squared(&self) -> u128 {
        let square = |e: &i128| e.unsigned_abs().checked_mul(e.unsigned_abs());
        let sum = self
            .residual
            .iter()
            .try_fold(0u128, |sum, e| sum.checked_add(square(e)?));
        sum.unwrap_or(u128::MAX)
    }

    pub fn largest_margin(&self) -> u64 {
        largest(&self.margins)
    }
}
