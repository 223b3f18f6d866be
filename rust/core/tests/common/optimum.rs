//! Small trained heads for the tests.

use std::sync::Arc;

use fedproof_core::commit::Key;
use fedproof_core::group::Suite;
use fedproof_core::recorder::Rows;
use fedproof_core::relation::head::{Digits, Size, Trained, Weights};
use fedproof_core::relation::optimum::{Loss, Objective, Optimum, residual_squared};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{commit, context};

#[derive(Clone)]
pub struct Head {
    pub n: usize,
    pub p: usize,
    pub c: usize,
    pub loss: Loss,
    pub committed: bool,
    pub scale: u32,
    pub regularisation: u64,
    /// B2²; the exact residual if not given.
    pub max_residual_squared: Option<u128>,
    pub bound: u64,
    /// (L, L_W) where they are used; enough for these numbers if not given.
    pub digits: Option<(u32, u32)>,
    pub seed: u64,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            n: 11,
            p: 4,
            c: 3,
            loss: Loss::SquaredHinge,
            committed: true,
            scale: 4,
            regularisation: 3000,
            max_residual_squared: None,
            bound: 31,
            digits: None,
            seed: 1,
        }
    }
}

/// Every kind of head.
pub fn kinds() -> Vec<Head> {
    let mut all = Vec::new();
    for loss in [Loss::Ridge, Loss::SquaredHinge] {
        for committed in [false, true] {
            all.push(Head {
                loss,
                committed,
                ..Head::default()
            });
        }
    }
    all
}

impl Head {
    pub fn size(&self) -> Size {
        Size {
            records: self.n as u64,
            features: self.p as u32,
            classes: self.c as u32,
        }
    }

    pub fn digits(&self) -> Digits {
        let (margins, weights) = self.digits.unwrap_or((4, 2));
        let margins = if self.loss == Loss::SquaredHinge {
            margins
        } else {
            0
        };
        let weights = if self.committed { weights } else { 0 };
        let bound = if margins + weights > 0 { self.bound } else { 0 };
        Digits {
            bound,
            margins,
            weights,
        }
    }

    /// Rows of features, bias and one-hot label; weights.
    pub fn numbers(&self) -> (Vec<i8>, Vec<i64>) {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut rows = Vec::new();
        for _ in 0..self.n {
            let class = rng.random_range(0..self.c);
            rows.extend((1..self.p).map(|_| rng.random_range(-127i8..=127)));
            rows.push(32);
            rows.extend((0..self.c).map(|k| i8::from(k == class)));
        }
        let largest = 10i64 << self.scale >> 4;
        (
            rows,
            (0..self.c * self.p)
                .map(|_| rng.random_range(-largest..=largest))
                .collect(),
        )
    }

    pub fn make<S: Suite>(&self) -> (Optimum<S>, Trained<S::Scalar>) {
        let (rows, weights) = self.numbers();
        self.of(&rows, weights)
    }

    /// A statement that is true of these, unless a bound is given.
    pub fn of<S: Suite>(&self, rows: &[i8], weights: Vec<i64>) -> (Optimum<S>, Trained<S::Scalar>) {
        let width = self.p + self.c;
        let wide: Vec<i64> = rows.iter().map(|x| i64::from(*x)).collect();
        let (points, witness) = commit::<S>(wide, width);
        let records = Arc::new(Rows {
            values: rows.to_vec(),
            columns: width,
            blinds: witness.blinds.clone(),
            bits: 8,
        });
        let mut rng = StdRng::seed_from_u64(5);
        let blinds: Vec<S::Scalar> = (0..self.c)
            .map(|_| S::Scalar::from(rng.random::<u64>()))
            .collect();
        let of_weights = Key::<S>::get(self.p)
            .commit_rows(&weights, self.p, 64, &blinds)
            .expect("rows");
        let stated = if self.committed {
            Weights::Committed(of_weights)
        } else {
            Weights::Public(weights.clone())
        };
        let trained = Trained {
            records,
            weights: Arc::new(Rows {
                values: weights,
                columns: self.p,
                blinds,
                bits: 64,
            }),
        };
        let mut objective = Objective {
            loss: self.loss,
            scale: self.scale,
            regularisation: self.regularisation,
            max_residual_squared: 1,
        };
        objective.max_residual_squared = self.max_residual_squared.unwrap_or_else(|| {
            let exact = residual_squared(&self.size(), &objective, &trained).expect("small numbers");
            exact.expect("small").max(1)
        });
        (
            Optimum {
                context: context(),
                size: self.size(),
                objective,
                digits: self.digits(),
                records: points,
                weights: stated,
            },
            trained,
        )
    }
}
