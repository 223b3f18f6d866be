//! A simulator that has no witness and programs one challenge makes transcripts that the verifier accepts, for true and for
//! false statements.
//!
//! Needs the feature `programmable-oracle`, which no wheel has.

use crate::common::accuracy;
use crate::common::masking::Upload;
use crate::common::optimum::kinds;
use crate::common::receipt::Asked;
use crate::common::{Case, aggregate, bounded, commit, context, numbers, statement};
use fedproof_core::error::Stage;
use fedproof_core::generators::named_generator;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::closing::{Outcome, close_and_keep};
use fedproof_core::recorder::{Proof, Recorder, Role};
use fedproof_core::relation::bounded_update::{BoundedUpdate, Bounds};
use fedproof_core::relation::{Relation, Shape};
use fedproof_core::transcript::{Event, Transcript};

type Programmed = Vec<([u8; 32], [u8; 16])>;

fn simulate<S: Suite, R: Relation<S>>(statement: &R) -> (Proof<S>, Programmed) {
    let mut rec = Recorder::<S>::new(Role::simulator().expect("randomness"), 128);
    statement.check().expect("parameters");
    statement
        .record(&mut rec, None)
        .expect("a simulator needs no witness");
    let (outcome, transcript) = close_and_keep(rec).expect("a simulator closes");
    let Outcome::Proof(proof) = outcome else {
        panic!("a simulator writes a proof")
    };
    (proof, transcript.programmed().to_vec())
}

fn sizes<S: Suite>(proof: &Proof<S>) -> (usize, usize) {
    (proof.points.len(), proof.scalars.len())
}

fn accepted<S: Suite, R: Relation<S>>(statement: &R, proof: &Proof<S>, programmed: &Programmed) {
    let world = Transcript::with_programmed(programmed);
    statement
        .defer_in(proof.clone(), world)
        .expect("well-formed")
        .check()
        .expect("accepted in the simulator's world");
    let ours = statement
        .defer_in(proof.clone(), Transcript::new())
        .expect("well-formed")
        .check();
    assert_eq!(
        ours.map_err(|e| e.stage),
        Err(Stage::Argument),
        "only because the oracle was programmed"
    );
}

#[test]
fn without_a_witness() {
    for limb in [0, 3] {
        let (truth, witness) = bounded::<Pallas>(&Case {
            limb,
            ..Case::default()
        });
        let (proof, programmed) = simulate(&truth);
        assert_eq!(programmed.len(), 1);
        accepted(&truth, &proof, &programmed);
        let real = truth.prove(&witness).expect("an honest prover");
        assert_eq!(sizes(&real), sizes(&proof));
    }
    let (truth, _) = statement::<Pallas>(21, 8);
    let (proof, programmed) = simulate(&truth);
    accepted(&truth, &proof, &programmed);
}

#[test]
fn for_a_sum() {
    let terms = [1, 2].map(|seed| commit::<Pallas>(numbers(21, 100, seed), 8));
    let (sum, _) = aggregate::<Pallas>(&[(2, &terms[0]), (3, &terms[1])]);
    let (proof, programmed) = simulate(&sum);
    accepted(&sum, &proof, &programmed);
}

#[test]
fn for_receipts() {
    let (mut truth, witness) = Asked::default().make::<Pallas>();
    let (proof, programmed) = simulate(&truth);
    accepted(&truth, &proof, &programmed);
    let real = truth.prove(&witness).expect("an honest prover");
    assert_eq!(real.points.len(), proof.points.len());
    truth.answers[0].class = (truth.answers[0].class + 1) % 4;
    let (proof, programmed) = simulate(&truth);
    accepted(&truth, &proof, &programmed);
}

/// Also of an upload that does not fit.
#[test]
fn for_masks() {
    for by in [0, 777] {
        let (statement, secret) = Upload::default().make::<Pallas>().shifted(by).statement();
        let (proof, programmed) = simulate(&statement);
        accepted(&statement, &proof, &programmed);
        let real = statement.prove_unchecked(&secret).expect("a prover");
        assert_eq!(sizes(&real), sizes(&proof));
    }
}

#[test]
fn for_optima() {
    for head in kinds() {
        let (mut truth, trained) = head.make::<Pallas>();
        let (proof, programmed) = simulate(&truth);
        accepted(&truth, &proof, &programmed);
        let real = truth.prove(&trained).expect("an honest prover");
        assert_eq!(sizes(&real), sizes(&proof));
        truth.objective.max_residual_squared = 1;
        truth.records[0] = named_generator::<Pallas>("J");
        let (proof, programmed) = simulate(&truth);
        accepted(&truth, &proof, &programmed);
    }
}

#[test]
fn for_accuracies() {
    for test in accuracy::kinds() {
        let (mut truth, trained) = test.make::<Pallas>();
        let (proof, programmed) = simulate(&truth);
        accepted(&truth, &proof, &programmed);
        let real = truth.prove(&trained).expect("an honest prover");
        assert_eq!(sizes(&real), sizes(&proof));
        truth.correct = 11;
        let (proof, programmed) = simulate(&truth);
        accepted(&truth, &proof, &programmed);
    }
}

#[test]
fn for_a_false_statement() {
    let points = ["H", "U", "J", "K"].map(named_generator::<Pallas>).to_vec();
    let shape = Shape { d: 32, columns: 8 };
    let bounds = Bounds {
        max_abs: 7,
        max_norm_squared: 1,
        limb: 0,
    };
    let lie = BoundedUpdate::<Pallas> {
        context: context(),
        shape,
        bounds,
        points,
    };
    let (proof, programmed) = simulate(&lie);
    accepted(&lie, &proof, &programmed);
}

/// It absorbs and draws what a prover does, in the same order, and so do those that count and verify.
fn keeps_step<R: Relation<Pallas>>(truth: &R, witness: &R::Secret) {
    let log = |role: Role<Pallas>, witness: Option<&R::Secret>| -> Vec<Event> {
        let mut rec = Recorder::new(role, truth.columns());
        truth.record(&mut rec, witness).expect("recorded");
        close_and_keep(rec).expect("closed").1.log().to_vec()
    };
    let proved = log(Role::prover(), Some(witness));
    assert!(!proved.is_empty());
    assert_eq!(proved, log(Role::simulator().expect("randomness"), None));
    assert_eq!(proved, log(Role::counter(), None));
    let proof = truth.prove(witness).expect("an honest prover");
    assert_eq!(proved, log(Role::verifier(proof), None));
}

#[test]
fn the_simulator_keeps_step() {
    let (truth, witness) = bounded::<Pallas>(&Case {
        limb: 3,
        ..Case::default()
    });
    keeps_step(&truth, &witness);
    let (truth, witness) = Asked::default().make::<Pallas>();
    keeps_step(&truth, &witness);
    for head in kinds() {
        let (truth, trained) = head.make::<Pallas>();
        keeps_step(&truth, &trained);
    }
    for test in accuracy::kinds() {
        let (truth, trained) = test.make::<Pallas>();
        keeps_step(&truth, &trained);
    }
}
