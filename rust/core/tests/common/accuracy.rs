//! Heads on small test sets.

use fedproof_core::group::Suite;
use fedproof_core::relation::accuracy::{Accuracy, correct};
use fedproof_core::relation::head::{Digits, Trained};
use fedproof_core::relation::optimum::Optimum;

use super::optimum::Head;

/// A head's records, two thirds of them with the label that it would give them, the others with its second choice.
#[derive(Clone, Default)]
pub struct Test {
    pub head: Head,
    /// T; all that are classified correctly if not given.
    pub correct: Option<u64>,
}

/// Public and committed W.
pub fn kinds() -> [Test; 2] {
    [false, true].map(|committed| Test {
        head: Head {
            committed,
            ..Head::default()
        },
        correct: None,
    })
}

impl Test {
    pub fn digits(&self) -> Digits {
        Digits {
            bound: self.head.bound,
            margins: self.head.digits.map_or(4, |(leads, _)| leads),
            weights: 0,
        }
    }

    pub fn logits(&self, row: &[i8], weights: &[i64]) -> Vec<i64> {
        let product = |(x, w): (&i8, &i64)| i64::from(*x) * w;
        let classes = weights.chunks(self.head.p);
        classes.map(|w| row.iter().zip(w).map(product).sum()).collect()
    }

    pub fn numbers(&self) -> (Vec<i8>, Vec<i64>) {
        let (mut rows, weights) = self.head.numbers();
        for (i, row) in rows.chunks_mut(self.head.p + self.head.c).enumerate() {
            let logits = self.logits(row, &weights);
            let mut order: Vec<usize> = (0..logits.len()).collect();
            order.sort_by_key(|k| -logits[*k]);
            let class = order[usize::from(i % 3 == 2)];
            for (k, entry) in row[self.head.p..].iter_mut().enumerate() {
                *entry = i8::from(k == class);
            }
        }
        (rows, weights)
    }

    pub fn make<S: Suite>(&self) -> (Accuracy<S>, Trained<S::Scalar>) {
        let (rows, weights) = self.numbers();
        self.of(&rows, weights)
    }

    pub fn of<S: Suite>(&self, rows: &[i8], weights: Vec<i64>) -> (Accuracy<S>, Trained<S::Scalar>) {
        let head = Head {
            max_residual_squared: Some(1),
            ..self.head.clone()
        };
        let (optimum, trained) = head.of::<S>(rows, weights);
        let Optimum {
            context,
            size,
            objective,
            records,
            weights,
            ..
        } = optimum;
        let digits = self.digits();
        let all = || correct(&size, &digits, &trained).expect("small numbers");
        let statement = Accuracy {
            context,
            size,
            scale: objective.scale,
            correct: self.correct.unwrap_or_else(all),
            digits,
            records,
            weights,
        };
        (statement, trained)
    }
}
