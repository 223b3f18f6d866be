//! Small heads that answer, for the tests.

use std::sync::Arc;

use fedproof_core::commit::Key;
use fedproof_core::group::Suite;
use fedproof_core::recorder::Rows;
use fedproof_core::relation::Witness;
use fedproof_core::relation::receipt::{Answer, Receipt};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::context;

#[derive(Clone)]
pub struct Asked {
    pub answers: usize,
    pub features: usize,
    pub classes: usize,
    pub scale: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            answers: 3,
            features: 5,
            classes: 4,
            scale: 4,
        }
    }
}

/// Places of the classes, the one with the highest logit first.
pub fn ranking(input: &[i8], weights: &[i64]) -> Vec<u32> {
    let logit = |w: &[i64]| -> i64 { input.iter().zip(w).map(|(x, w)| i64::from(*x) * w).sum() };
    let logits: Vec<i64> = weights.chunks(input.len()).map(logit).collect();
    let mut places: Vec<u32> = (0..).take(logits.len()).collect();
    places.sort_by_key(|k| -logits[*k as usize]);
    places
}

impl Asked {
    /// W and the inputs.
    pub fn numbers(&self) -> (Vec<i64>, Vec<Vec<i8>>) {
        let mut rng = StdRng::seed_from_u64(self.answers as u64);
        let weights = (0..self.classes * self.features)
            .map(|_| rng.random_range(-100..=100))
            .collect();
        let mut input = || -> Vec<i8> {
            let mut x: Vec<i8> = (1..self.features).map(|_| rng.random_range(-127..=127)).collect();
            x.push(32);
            x
        };
        (weights, (0..self.answers).map(|_| input()).collect())
    }

    /// Every class the one with the highest logit.
    pub fn make<S: Suite>(&self) -> (Receipt<S>, Witness<S>) {
        let (weights, inputs) = self.numbers();
        self.of(weights, inputs)
    }

    pub fn of<S: Suite>(&self, weights: Vec<i64>, inputs: Vec<Vec<i8>>) -> (Receipt<S>, Witness<S>) {
        let answers = inputs
            .into_iter()
            .map(|input| Answer {
                class: ranking(&input, &weights)[0],
                input,
            })
            .collect();
        let mut rng = StdRng::seed_from_u64(5);
        let blinds: Vec<S::Scalar> = (0..self.classes)
            .map(|_| S::Scalar::from(rng.random::<u64>()))
            .collect();
        let points = Key::<S>::get(self.features)
            .commit_rows(&weights, self.features, 64, &blinds)
            .expect("rows");
        let statement = Receipt {
            context: context(),
            features: self.features as u32,
            classes: self.classes as u32,
            scale: self.scale,
            answers,
            points,
        };
        let witness = Arc::new(Rows {
            values: weights,
            columns: self.features,
            blinds,
            bits: 64,
        });
        (statement, witness)
    }
}
