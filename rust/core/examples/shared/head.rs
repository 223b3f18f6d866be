//! A head, its records and the statement about them, as the training proofs' examples and benchmarks measure them.

use std::sync::Arc;

use fedproof_core::commit::Key;
use fedproof_core::group::{Affine, Pallas, Suite};
use fedproof_core::recorder::{Nonces, Rows};
use fedproof_core::relation::Context;
use fedproof_core::relation::head::{Digits, Size, Trained, Weights};
use fedproof_core::relation::optimum::{Loss, Objective, Optimum, residual_squared};

use super::shared::{Failure, Random, best, features};

pub type F = <Pallas as Suite>::Scalar;

/// W is at scale 2^24, as policies have it if they say nothing.
pub const SCALE: u32 = 24;

/// Records and W, random, and commitments to them.
pub struct Head {
    pub size: Size,
    pub records: Arc<Rows<F, i8>>,
    pub points: Vec<Affine<Pallas>>,
    pub weights: Arc<Rows<F>>,
    of_weights: Vec<Affine<Pallas>>,
    /// Milliseconds that the commitment to the records took.
    pub commit: f64,
}

impl Head {
    pub fn new([n, p, c]: [usize; 3]) -> Result<Self, Failure> {
        let mut random = Random::new();
        let width = p + c;
        let mut values: Vec<i8> = Vec::with_capacity(n * width);
        for _ in 0..n {
            let class = random.below(c);
            values.extend(features(&mut random, p));
            values.extend((0..c).map(|k| i8::from(k == class)));
        }
        let key = Key::<Pallas>::get(width);
        let blinds: Vec<F> = Nonces::unhedged(b"example")?.scalars(n);
        let commit = |rows: &[i8], blinds: &[F]| {
            let wide: Vec<i64> = rows.iter().map(|x| i64::from(*x)).collect();
            key.commit_rows(&wide, width, 8, blinds)
        };
        commit(&values[..width], &blinds[..1])?;
        let (commit, points) = best(1, || {
            let mut points = Vec::with_capacity(n);
            for (rows, blinds) in values.chunks(width * 2048).zip(blinds.chunks(2048)) {
                points.extend(commit(rows, blinds)?);
            }
            Ok(points)
        })?;
        let weights: Vec<i64> = (0..c * p).map(|_| random.within(1 << 20)).collect();
        let of_blinds: Vec<F> = Nonces::unhedged(b"example")?.scalars(c);
        let of_weights = key.commit_rows(&weights, p, 32, &of_blinds)?;
        Ok(Self {
            size: Size {
                records: n as u64,
                features: u32::try_from(p)?,
                classes: u32::try_from(c)?,
            },
            records: Arc::new(Rows {
                values,
                columns: width,
                blinds,
                bits: 8,
            }),
            points,
            weights: Arc::new(Rows {
                values: weights,
                columns: p,
                blinds: of_blinds,
                bits: 32,
            }),
            of_weights,
            commit,
        })
    }

    pub fn trained(&self) -> Trained<F> {
        Trained {
            records: Arc::clone(&self.records),
            weights: Arc::clone(&self.weights),
        }
    }

    pub fn statement(&self, loss: Loss, committed: bool) -> Result<Optimum<Pallas>, Failure> {
        let mut objective = Objective {
            loss,
            scale: SCALE,
            regularisation: 1 << 20,
            max_residual_squared: 1,
        };
        let residual = residual_squared(&self.size, &objective, &self.trained())?;
        objective.max_residual_squared = residual.ok_or("a residual too large")?.max(1);
        Ok(Optimum {
            context: context(),
            size: self.size,
            objective,
            digits: digits(&self.size, loss == Loss::SquaredHinge, committed),
            records: self.points.clone(),
            weights: self.stated(committed),
        })
    }

    pub fn stated(&self, committed: bool) -> Weights<Pallas> {
        if committed {
            Weights::Committed(self.of_weights.clone())
        } else {
            Weights::Public(self.weights.values.clone())
        }
    }
}

pub fn context() -> Context {
    Context {
        announcement: [7; 32],
        client: "example".into(),
        weight: 1,
        certificate: None,
    }
}

/// As the policy fixes them.
pub fn digits(size: &Size, hinge: bool, committed: bool) -> Digits {
    let log2 = |n: u64| n.next_power_of_two().trailing_zeros();
    let q = log2(u64::from(size.features + size.classes));
    let records = log2(size.records).max(q);
    let bits = q
        .max(8)
        .max((records + log2(u64::from(size.classes)) - 2).min(14));
    let bound = (1u64 << (bits - 1)) - 1;
    let count = |reached: &dyn Fn(u128) -> bool| {
        let base = u128::from(2 * bound + 1);
        (1..=8).find(|l| reached(base.pow(*l))).unwrap_or(8)
    };
    Digits {
        bound: if hinge || committed { bound } else { 0 },
        margins: if hinge {
            count(&|m| m >= 1 << (SCALE + 16))
        } else {
            0
        },
        weights: if committed {
            count(&|m| (m - 1) / 2 >= 1 << (SCALE + 5))
        } else {
            0
        },
    }
}
