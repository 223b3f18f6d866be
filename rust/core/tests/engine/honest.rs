//! Completeness, and byte-level soundness, of all relations in both suites.

use crate::common::{Case, bounded, statement};
use fedproof_core::group::{Bn254, Pallas, Suite};
use fedproof_core::relation::Relation;

fn accepts<S: Suite>(case: Case) {
    let (statement, witness) = bounded::<S>(&case);
    let proof = statement.prove(&witness).expect("an honest prover").to_bytes();
    statement.verify(&proof).expect("an honest proof");
}

#[test]
fn bounded_updates_of_many_shapes() {
    for (d, columns, max_abs, limb) in [
        (64, 8, 7, 0),
        (21, 8, 7, 0),
        (8, 8, 7, 0),
        (1, 2, 1, 0),
        (64, 8, 100, 0),
        (9, 2, 3, 0),
        (5, 16, 20, 0),
        (33, 4, 31, 0),
        (64, 8, 100, 16),
        (21, 8, 100, 15),
        (5, 4, 7, 3),
        (33, 4, 31, 8),
        (9, 2, 3, 2),
        (300, 256, 32767, 256),
    ] {
        accepts::<Pallas>(Case {
            d,
            columns,
            max_abs,
            limb,
            ..Case::default()
        });
    }
    accepts::<Bn254>(Case {
        d: 21,
        columns: 8,
        max_abs: 7,
        ..Case::default()
    });
}

#[test]
fn extremes() {
    for x in [vec![7; 16], vec![-7; 16], vec![0; 16]] {
        accepts::<Pallas>(Case {
            d: 16,
            columns: 8,
            max_abs: 7,
            x: Some(x),
            ..Case::default()
        });
    }
}

#[test]
fn plain_openings() {
    for (d, columns) in [(64, 8), (21, 8), (1, 2), (5, 16)] {
        let (statement, witness) = statement::<Pallas>(d, columns);
        let proof = statement.prove(&witness).expect("an honest prover").to_bytes();
        statement.verify(&proof).expect("an honest proof");
    }
}

#[test]
fn every_byte_matters() {
    let (statement, witness) = bounded::<Pallas>(&Case {
        d: 5,
        columns: 4,
        max_abs: 3,
        ..Case::default()
    });
    let proof = statement.prove(&witness).expect("an honest prover").to_bytes();
    for i in 0..proof.len() {
        let mut bad = proof.clone();
        bad[i] ^= 1;
        statement.verify(&bad).expect_err("a changed byte");
    }
    for bad in [
        &proof[..proof.len() - 1],
        &proof[..8],
        &[],
        &[proof.as_slice(), &[0]].concat(),
    ] {
        statement.verify(bad).expect_err("a changed length");
    }
}
