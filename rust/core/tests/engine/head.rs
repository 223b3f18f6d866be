//! What tests of heads ask of every statement about one.

use std::sync::Arc;

use fedproof_core::error::{Error, Stage};
use fedproof_core::group::Suite;
use fedproof_core::recorder::{Role, Rows, closing::Outcome};
use fedproof_core::relation::Relation;
use fedproof_core::relation::head::Trained;

/// It is true, and a proof of it passes, as long as a counter says.
pub fn holds<S: Suite, R: Relation<S, Secret = Trained<S::Scalar>>>(
    statement: &R,
    trained: &Trained<S::Scalar>,
) {
    let proof = statement.prove(trained).expect("true").to_bytes();
    statement.verify(&proof).expect("proved");
    let Ok(Outcome::Counts { points, scalars, .. }) = statement.run(Role::counter(), None) else {
        panic!("a counter counts")
    };
    assert_eq!(proof.len(), 8 + 32 * (points + scalars));
}

/// A prover that looks does not prove it; what one that does not look writes is refused.
pub fn is_false<S: Suite, R: Relation<S, Secret = Trained<S::Scalar>>>(
    statement: &R,
    trained: &Trained<S::Scalar>,
) {
    let checked = statement.prove(trained).map(|_| ()).map_err(|e| e.stage);
    assert_eq!(checked, Err(Stage::Witness));
    let proof = statement
        .prove_unchecked(trained)
        .expect("any attacker can")
        .to_bytes();
    let verified = statement.verify(&proof).map_err(|e| e.stage);
    assert_eq!(verified, Err(Stage::Argument));
}

/// What its check says; where that refuses, provers and verifiers do, too.
pub fn checked<S: Suite, R: Relation<S, Secret = Trained<S::Scalar>>>(
    statement: &R,
    trained: &Trained<S::Scalar>,
) -> Result<(), Stage> {
    assert!(statement.columns() <= 4096);
    let checked = statement.check().map_err(|e| e.stage);
    if checked.is_err() {
        let said = |result: Result<(), Error>| result.map_err(|e| e.stage);
        assert_eq!(said(statement.prove(trained).map(|_| ())), checked);
        assert_eq!(said(statement.prove_unchecked(trained).map(|_| ())), checked);
        assert_eq!(said(statement.verify(&[0; 8])), checked);
    }
    checked
}

/// The same under the same blinds, with other records.
pub fn with_records<S: Suite>(trained: &Trained<S::Scalar>, values: Vec<i8>) -> Trained<S::Scalar> {
    let Rows {
        columns,
        blinds,
        bits,
        ..
    } = &*trained.records;
    Trained {
        records: Arc::new(Rows {
            values,
            columns: *columns,
            blinds: blinds.clone(),
            bits: *bits,
        }),
        weights: Arc::clone(&trained.weights),
    }
}

/// The same under the same blinds, with other weights.
pub fn with_weights<S: Suite>(trained: &Trained<S::Scalar>, values: Vec<i64>) -> Trained<S::Scalar> {
    let Rows {
        columns,
        blinds,
        bits,
        ..
    } = &*trained.weights;
    Trained {
        records: Arc::clone(&trained.records),
        weights: Arc::new(Rows {
            values,
            columns: *columns,
            blinds: blinds.clone(),
            bits: *bits,
        }),
    }
}
