//! R5, optimum: honest provers of every kind, and false statements.

use fedproof_core::group::Suite;
use fedproof_core::recorder::Role;
use fedproof_core::recorder::closing::Outcome;
use fedproof_core::relation::Relation;

use crate::common::on_both_suites;
use crate::common::optimum::{Head, kinds};

on_both_suites!(
    honest:
    every_kind,
    many_sizes,
);

mod honest {
    use super::*;

    pub fn every_kind<S: Suite>() {
        for head in kinds() {
            let (statement, trained) = head.make::<S>();
            let proof = statement.prove(&trained).expect("true").to_bytes();
            statement.verify(&proof).expect("proved");
            let Ok(Outcome::Counts { points, scalars, .. }) = statement.run(Role::counter(), None) else {
                panic!("a counter counts")
            };
            assert_eq!(proof.len(), 8 + 32 * (points + scalars));
        }
    }

    pub fn many_sizes<S: Suite>() {
        for (n, p, c) in [
            (1, 2, 2),
            (2, 3, 2),
            (8, 2, 5),
            (17, 6, 2),
            (40, 9, 7),
            (64, 3, 4),
            (65, 12, 4),
        ] {
            for kind in kinds() {
                let head = Head {
                    n,
                    p,
                    c,
                    seed: n as u64,
                    ..kind
                };
                let (statement, trained) = head.make::<S>();
                let proof = statement.prove(&trained).expect("true");
                statement.verify(&proof.to_bytes()).expect("proved");
            }
        }
    }
}
