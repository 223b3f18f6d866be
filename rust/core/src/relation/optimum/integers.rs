//! The prover's integers: logits, margins, what records pull, the residual. Tables over (class, record) have 2^ν places a class.

use std::borrow::Cow;

use ark_ff::PrimeField;
use rayon::prelude::*;
use zeroize::Zeroize;

use super::{FEATURE_SCALE, Loss, NAME, Objective, Size, Trained};
use crate::error::{Error, Result, Stage};
#[cfg(feature = "drop-checks")]
use crate::recorder::dishonest::{Dishonest, Learned};

pub struct Integers<'a> {
    /// Records, row after row.
    pub rows: &'a [i8],
    /// W, class after class.
    pub weights: Cow<'a, [i64]>,
    /// Places of a class in tables over (class, record).
    pub stride: usize,
    /// Y: ±1.
    pub labels: Vec<i64>,
    /// Z = XW.
    pub logits: Vec<i64>,
    /// |V|, V = One − Y·Z.
    pub margins: Vec<i64>,
    /// A: Y·max(0, V), or Y·V for ridge.
    pub pulls: Vec<i64>,
    /// E, class by class.
    pub residual: Vec<i128>,
}

impl Drop for Integers<'_> {
    fn drop(&mut self) {
        for column in [
            &mut self.labels,
            &mut self.logits,
            &mut self.margins,
            &mut self.pulls,
        ] {
            column.zeroize();
        }
        self.residual.zeroize();
    }
}

/// Sums of products stay below this.
const LIMIT: u64 = 1 << 62;

/// Terms |x·k| ≤ 127·largest that can be added without overflow.
fn terms_at_once(largest: u64) -> Result<usize> {
    let terms = LIMIT / largest.max(1).saturating_mul(128);
    usize::try_from(terms)
        .ok()
        .filter(|t| *t > 0)
        .ok_or_else(|| Error::new(NAME, Stage::Witness, "numbers too large to compute with"))
}

fn largest(values: &[i64]) -> u64 {
    values.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0)
}

impl<'a> Integers<'a> {
    pub fn new<F: PrimeField>(size: &Size, objective: &Objective, trained: &'a Trained<F>) -> Result<Self> {
        let (n, p, c, width) = (size.records(), size.features(), size.classes(), size.width());
        let (rows, weights) = (&trained.records.values, &trained.weights.values);
        for (expected, actual) in [(n * width, rows.len()), (c * p, weights.len())] {
            if expected != actual {
                return Err(Error::lengths(NAME, expected, actual));
            }
        }
        if terms_at_once(largest(weights))? < p {
            return Err(Error::new(
                NAME,
                Stage::Witness,
                "weights too large to compute with",
            ));
        }
        let stride = 1usize << size.record_bits();
        let mut logits = vec![0; (c - 1) * stride + n];
        let mut labels = vec![0; logits.len()];
        let one = 1i64 << (FEATURE_SCALE + objective.scale);
        logits
            .par_chunks_mut(stride)
            .zip(labels.par_chunks_mut(stride))
            .zip(weights.par_chunks(p))
            .enumerate()
            .for_each(|(k, ((logits, labels), weights))| {
                for ((row, z), y) in rows.chunks(width).zip(logits).zip(labels) {
                    *z = row.iter().zip(weights).map(|(x, w)| i64::from(*x) * w).sum();
                    *y = 2 * i64::from(row.get(p + k).copied().unwrap_or(0)) - 1;
                }
            });
        let mut margins = logits.clone();
        let mut pulls = vec![0; logits.len()];
        for ((margin, pull), y) in margins.iter_mut().zip(&mut pulls).zip(&labels) {
            // Where there is no record y is 0, and so is all else.
            let v = one * y * y - y * *margin;
            *margin = v.abs();
            *pull = y * match objective.loss {
                Loss::Ridge => v,
                Loss::SquaredHinge => i64::midpoint(v, *margin),
            };
        }
        let mut integers = Self {
            rows,
            weights: Cow::from(weights),
            stride,
            labels,
            logits,
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
            weights: self.weights.to_mut(),
            stride: self.stride,
            labels: &mut self.labels,
            logits: &mut self.logits,
            margins: &mut self.margins,
            pulls: &mut self.pulls,
        });
        self.residual = self.make_residual(size, objective)?;
        Ok(())
    }

    /// Λ·W − XᵀA.
    fn make_residual(&self, size: &Size, objective: &Objective) -> Result<Vec<i128>> {
        let (p, width) = (size.features(), size.width());
        let at_once = terms_at_once(largest(&self.pulls))?.min(1 << 12);
        let regularisation = i128::from(objective.regularisation);
        let pieces = self
            .rows
            .par_chunks(width * at_once)
            .enumerate()
            .map(|(piece, rows)| {
                let mut sums = vec![0i64; size.classes() * p];
                for (i, row) in rows.chunks(width).enumerate() {
                    for (k, sums) in sums.chunks_mut(p).enumerate() {
                        let at = k * self.stride + piece * at_once + i;
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
        let each = gradient.into_iter().zip(&*self.weights);
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
