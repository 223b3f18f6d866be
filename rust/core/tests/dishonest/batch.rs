//! Sums with weights that a verifier draws when it has read everything: equations of many proofs, rows of an opening.

use ark_ff::One;
use fedproof_core::checks::without;
use fedproof_core::error::Stage;
use fedproof_core::group::{Bn254, Pallas, Suite};
use fedproof_core::recorder::Deferred;
use fedproof_core::relation::{Relation, check_opening};

use crate::common::{Case, bounded, statement};

/// The equations of two proofs, the last answer off by z in one and by −z in the other: what each lacks the other has too much.
fn cancelling<S: Suite, R: Relation<S>>(truth: &R, witness: &R::Secret) {
    let shifted = |by: S::Scalar| {
        let mut proof = truth.prove(witness).expect("an honest prover");
        *proof.scalars.last_mut().expect("an answer") += by;
        let bytes = proof.to_bytes();
        assert_eq!(truth.verify(&bytes).map_err(|e| e.stage), Err(Stage::Argument));
        truth.defer(&bytes).expect("well-formed")
    };
    let z = S::Scalar::from(5u64);
    let batch = |dropped| {
        let pair = vec![shifted(z), shifted(-z)];
        without(dropped, || Deferred::check_all(pair).map_err(|e| e.stage))
    };
    assert_eq!(batch("nothing"), Err(Stage::Argument));
    assert_eq!(batch("challenge:batch"), Ok(()), "in a plain sum they cancel");
    // Without the weights one bad proof is still bad.
    let one = vec![shifted(z), shifted(S::Scalar::one())];
    let one = without("challenge:batch", || {
        Deferred::check_all(one).map_err(|e| e.stage)
    });
    assert_eq!(one, Err(Stage::Argument));
}

fn both_relations<S: Suite>() {
    let (truth, witness) = bounded::<S>(&Case::default());
    cancelling(&truth, &witness);
    let (truth, witness) = statement::<S>(22, 8);
    cancelling(&truth, &witness);
}

#[test]
fn two_bad_proofs_that_cancel_in_a_batch() {
    both_relations::<Pallas>();
    both_relations::<Bn254>();
}

/// Three proofs, none of them good, in any place of a batch of good ones.
#[test]
fn three_bad_proofs_that_cancel_in_a_batch() {
    let (truth, witness) = bounded::<Pallas>(&Case::default());
    let equations = |shifts: &[i64]| -> Vec<_> {
        let shifted = |by: &i64| {
            let mut proof = truth.prove(&witness).expect("an honest prover");
            *proof.scalars.last_mut().expect("an answer") +=
                fedproof_core::group::scalar_from_i64::<<Pallas as Suite>::Scalar>(*by);
            truth.defer(&proof.to_bytes()).expect("well-formed")
        };
        shifts.iter().map(shifted).collect()
    };
    for shifts in [[0, 1, 2, -3], [1, 0, -2, 1], [-4, 2, 2, 0]] {
        let verdict = |dropped| {
            let all = equations(&shifts);
            without(dropped, || Deferred::check_all(all).map_err(|e| e.stage))
        };
        assert_eq!(verdict("nothing"), Err(Stage::Argument), "{shifts:?}");
        assert_eq!(verdict("challenge:batch"), Ok(()), "{shifts:?}");
    }
}

/// A number too large in one row and too small in the next, and the same of their blinds.
fn rows_that_cancel<S: Suite>() {
    let (truth, witness) = statement::<S>(22, 8);
    let opens = |dropped, values: &[i64], blinds: &[S::Scalar]| {
        without(dropped, || {
            check_opening::<S, i64>(&truth.points, 8, values, blinds).map_err(|e| e.stage)
        })
    };
    let (mut values, mut blinds) = (witness.values.clone(), witness.blinds.clone());
    values[0] += 1;
    values[8] -= 1;
    blinds[0] += S::Scalar::one();
    blinds[1] -= S::Scalar::one();
    for (values, blinds) in [(&values, &witness.blinds), (&witness.values, &blinds)] {
        assert_eq!(opens("nothing", values, blinds), Err(Stage::Opening));
        assert_eq!(
            opens("challenge:opening", values, blinds),
            Ok(()),
            "in a plain sum they cancel"
        );
    }
}

#[test]
fn two_rows_of_an_opening_that_cancel() {
    rows_that_cancel::<Pallas>();
    rows_that_cancel::<Bn254>();
}
