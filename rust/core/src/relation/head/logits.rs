//! The prover's logits and labels. Tables over (class, record) have 2^ν places a class.

use std::borrow::Cow;

use ark_ff::PrimeField;
use rayon::prelude::*;
use zeroize::Zeroize;

use super::{Size, Trained};
use crate::error::{Error, Result, Stage};

pub struct Logits<'a> {
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
}

impl Drop for Logits<'_> {
    fn drop(&mut self) {
        self.labels.zeroize();
        self.logits.zeroize();
    }
}

/// Sums of products stay below this.
const LIMIT: u64 = 1 << 62;

/// Terms |x·k| ≤ 127·largest that can be added without overflow.
pub fn terms_at_once(subject: &'static str, largest: u64) -> Result<usize> {
    let terms = LIMIT / largest.max(1).saturating_mul(128);
    usize::try_from(terms)
        .ok()
        .filter(|t| *t > 0)
        .ok_or_else(|| Error::new(subject, Stage::Witness, "numbers too large to compute with"))
}

pub fn largest(values: &[i64]) -> u64 {
    values.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0)
}

impl<'a> Logits<'a> {
    pub fn new<F: PrimeField>(subject: &'static str, size: &Size, trained: &'a Trained<F>) -> Result<Self> {
        let (n, p, c, width) = (size.records(), size.features(), size.classes(), size.width());
        let (rows, weights) = (&trained.records.values, &trained.weights.values);
        for (expected, actual) in [(n * width, rows.len()), (c * p, weights.len())] {
            if expected != actual {
                return Err(Error::lengths(subject, expected, actual));
            }
        }
        if terms_at_once(subject, largest(weights))? < p {
            let why = "weights too large to compute with";
            return Err(Error::new(subject, Stage::Witness, why));
        }
        let stride = 1usize << size.record_bits();
        let mut logits = vec![0; (c - 1) * stride + n];
        let mut labels = vec![0; logits.len()];
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
        Ok(Self {
            rows,
            weights: Cow::from(weights),
            stride,
            labels,
            logits,
        })
    }
}
