//! False statements, honest code; and single values of honest statements changed.

use std::sync::{Arc, Mutex};

use ark_ff::{One, Zero};
use fedproof_core::error::Stage;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::Rows;
use fedproof_core::recorder::dishonest::Dishonest;
use fedproof_core::relation::Relation;
use fedproof_core::transcript::{Label, Transcript};

use crate::common::lies::{attempt, edits, long, out_of_range, wrong};
use crate::common::{numbers, square_norm, statement};

type F = <Pallas as Suite>::Scalar;

#[test]
fn values_out_of_range() {
    for value in [8, -8, 100, 1 << 40, i64::MIN, i64::MAX] {
        for limb in [0, 2, 3, 5, 7] {
            let mut x = numbers(31, 7, 2);
            x.push(value);
            let (lie, witness) = wrong::<Pallas>(x, 1 << 119, limb);
            assert_eq!(
                attempt(&lie, &witness, None, "nothing"),
                Err(Stage::Argument),
                "{value} with limb {limb}"
            );
        }
    }
    for limb in [0, 2, 3, 5, 7] {
        let (truth, witness) = wrong::<Pallas>([vec![7, -7], numbers(30, 7, 2)].concat(), 1 << 20, limb);
        assert_eq!(attempt(&truth, &witness, None, "nothing"), Ok(()));
    }
}

#[test]
fn norm_at_and_above_its_bound() {
    let x = numbers(32, 7, 3);
    let norm = square_norm(&x);
    let (truth, witness) = wrong::<Pallas>(x.clone(), norm, 0);
    assert_eq!(attempt(&truth, &witness, None, "nothing"), Ok(()));
    let (lie, witness) = wrong::<Pallas>(x, norm - 1, 0);
    assert_eq!(attempt(&lie, &witness, None, "nothing"), Err(Stage::Argument));
}

#[test]
fn rows_in_another_order() {
    let (mut lie, witness) = wrong::<Pallas>(numbers(32, 7, 4), 1 << 20, 0);
    lie.points.rotate_left(2);
    assert_eq!(attempt(&lie, &witness, None, "nothing"), Err(Stage::Argument));
}

#[test]
fn a_checked_prover_does_not_prove_lies() {
    for (lie, witness) in [out_of_range::<Pallas>(8), long()] {
        assert_eq!(
            lie.prove(&witness).map(|_| ()).map_err(|e| e.stage),
            Err(Stage::Witness)
        );
    }
}

/// Collects the labels and sizes of all messages.
#[derive(Clone, Default)]
struct Lists(Arc<Mutex<Vec<(Label, usize)>>>);

impl Dishonest<Pallas> for Lists {
    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<F>) {
        self.0.lock().expect("one thread").push((label, values.len()));
    }
}

#[test]
fn every_committed_scalar_matters() {
    let (truth, witness) = wrong::<Pallas>(numbers(16, 7, 5), 1000, 3);
    let lists = Lists::default();
    assert_eq!(
        attempt(&truth, &witness, Some(Box::new(lists.clone())), "nothing"),
        Ok(())
    );
    let messages = lists.0.lock().expect("one thread").clone();
    assert!(messages.len() > 15);
    for (changed, size) in messages {
        for slot in 0..size {
            let one_more = edits::<Pallas>(move |label, _, v| {
                if label == changed {
                    v[slot] += F::one();
                }
            });
            assert_eq!(
                attempt(&truth, &witness, one_more, "nothing"),
                Err(Stage::Argument),
                "{changed:?} {slot}"
            );
        }
    }
}

#[test]
fn roots_that_are_all_zero() {
    let (lie, witness) = out_of_range::<Pallas>(8);
    let zero = edits::<Pallas>(|label, _, v| {
        if label.0 == "gkr/roots" {
            v.fill(F::zero());
        }
    });
    assert_eq!(attempt(&lie, &witness, zero, "nothing"), Err(Stage::Argument));
}

#[test]
fn wrong_blinds_and_wrong_shapes_of_witnesses() {
    let (truth, witness) = statement::<Pallas>(8, 4);
    let other = Arc::new(Rows {
        values: witness.values.clone(),
        columns: 4,
        blinds: witness.blinds.iter().map(|b| *b + F::one()).collect(),
        bits: 64,
    });
    assert_eq!(attempt(&truth, &other, None, "nothing"), Err(Stage::Argument));
    assert_eq!(
        truth.prove(&other).map(|_| ()).map_err(|e| e.stage),
        Err(Stage::Witness)
    );
}
