//! R9, receipt: honest provers, false statements, and what a statement may be.

use std::sync::Arc;

use fedproof_core::error::Stage;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::closing::Outcome;
use fedproof_core::recorder::{Role, Rows};
use fedproof_core::relation::receipt::{Answer, Receipt};
use fedproof_core::relation::{Relation, Witness};

use crate::common::on_both_suites;
use crate::common::receipt::{Asked, ranking};

on_both_suites!(
    receipts:
    many_sizes,
    false_ones,
    ties_win,
    leads_at_their_limit,
);

fn refused<S: Suite>(statement: &Receipt<S>, witness: &Witness<S>) {
    let checked = statement.prove(witness).map(|_| ()).map_err(|e| e.stage);
    assert_eq!(checked, Err(Stage::Witness));
    let proof = statement
        .prove_unchecked(witness)
        .expect("any attacker can")
        .to_bytes();
    let verified = statement.verify(&proof).map_err(|e| e.stage);
    assert_eq!(verified, Err(Stage::Argument));
}

mod receipts {
    use super::*;

    pub fn many_sizes<S: Suite>() {
        // 128 generators hold six leads of 21 bits: groups of one, of six, of six and one, of six and six.
        for (answers, features, classes) in [(1, 2, 2), (1, 5, 7), (2, 130, 8), (3, 9, 13), (5, 64, 3)] {
            let asked = Asked {
                answers,
                features,
                classes,
                ..Asked::default()
            };
            let (statement, witness) = asked.make::<S>();
            let proof = statement.prove(&witness).expect("true").to_bytes();
            statement.verify(&proof).expect("proved");
            let Ok(Outcome::Counts { points, scalars, .. }) = statement.run(Role::counter(), None) else {
                panic!("a counter counts")
            };
            assert_eq!(proof.len(), 8 + 32 * (points + scalars));
        }
    }

    pub fn false_ones<S: Suite>() {
        let (truth, witness) = Asked::default().make::<S>();
        let mut second = truth.clone();
        second.answers[1].class = ranking(&truth.answers[1].input, &witness.values)[1];
        refused(&second, &witness);
        let mut weights = witness.values.clone();
        weights[3] += 1;
        let other = Arc::new(Rows {
            values: weights,
            columns: 5,
            blinds: witness.blinds.clone(),
            bits: 64,
        });
        refused(&truth, &other);

        let proof = truth.prove(&witness).expect("true").to_bytes();
        let denied = |change: fn(&mut Receipt<S>)| {
            let mut changed = truth.clone();
            change(&mut changed);
            assert_eq!(changed.verify(&proof).map_err(|e| e.stage), Err(Stage::Argument));
        };
        denied(|s| s.answers[0].input[0] ^= 1);
        denied(|s| s.answers.swap(0, 1));
        denied(|s| s.points.swap(0, 1));
        denied(|s| s.scale -= 1);
        denied(|s| s.context.client.push('1'));
    }

    pub fn ties_win<S: Suite>() {
        let asked = Asked {
            answers: 1,
            features: 2,
            classes: 3,
            ..Asked::default()
        };
        let (mut statement, witness) = asked.of::<S>(vec![7, 1, 7, 1, 0, 0], vec![vec![1, 32]]);
        for class in [0, 1] {
            statement.answers[0].class = class;
            let proof = statement.prove(&witness).expect("none is higher").to_bytes();
            statement.verify(&proof).expect("proved");
        }
        statement.answers[0].class = 2;
        refused(&statement, &witness);
    }

    /// 2^B − 1 is a lead, 2^B is none.
    pub fn leads_at_their_limit<S: Suite>() {
        let asked = Asked {
            answers: 1,
            features: 2,
            classes: 2,
            scale: 0,
        };
        let limit = 1 << 17;
        let make = |lead: i64| asked.of::<S>(vec![lead, 0, 0, 0], vec![vec![1, 32]]);
        let (statement, witness) = make(limit - 1);
        let proof = statement.prove(&witness).expect("true").to_bytes();
        statement.verify(&proof).expect("proved");
        let (statement, witness) = make(limit);
        refused(&statement, &witness);
    }
}

#[test]
fn statements_out_of_limits() {
    let (truth, witness) = Asked::default().make::<Pallas>();
    let proof = truth.prove(&witness).expect("true").to_bytes();
    let stage = |change: &dyn Fn(&mut Receipt<Pallas>)| {
        let mut changed = truth.clone();
        change(&mut changed);
        changed.verify(&proof).map_err(|e| e.stage)
    };
    let wide = |width: usize| Answer {
        input: vec![1; width],
        class: 0,
    };
    let changes: [(&dyn Fn(&mut Receipt<Pallas>), Stage); 13] = [
        (&|s| s.features = 1, Stage::Statement),
        (&|s| s.features = 0, Stage::Statement),
        (&|s| s.features = 4097, Stage::Statement),
        (&|s| s.classes = 1, Stage::Statement),
        (&|s| s.classes = 1025, Stage::Statement),
        (&|s| s.scale = 33, Stage::Statement),
        (&|s| s.answers.clear(), Stage::Statement),
        (&|s| s.answers = vec![wide(5); 4097], Stage::Statement),
        (&|s| s.answers[0].class = 4, Stage::Statement),
        (&|s| s.answers[0].input[0] = -128, Stage::Statement),
        (&|s| s.answers[2] = wide(6), Stage::Statement),
        (&|s| s.points.truncate(3), Stage::Shape),
        (&|s| s.points = vec![s.points[0]; 5], Stage::Shape),
    ];
    for (change, expected) in changes {
        assert_eq!(stage(change), Err(expected));
    }
    for (classes, answers, fits) in [
        (5, 4096, true),
        (6, 3277, false),
        (128, 64, true),
        (128, 65, false),
        (1024, 1, true),
        (1024, 2, false),
    ] {
        let mut many = truth.clone();
        many.classes = classes;
        many.points = vec![many.points[0]; classes as usize];
        many.answers = vec![wide(5); answers];
        assert_eq!(many.check().is_ok(), fits, "{classes}, {answers}");
    }
}
