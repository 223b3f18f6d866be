//! R5, optimum: honest provers of every kind, and false statements.

use fedproof_core::error::Stage;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::relation::Relation;
use fedproof_core::relation::head::{Size, Weights};
use fedproof_core::relation::optimum::{Loss, Optimum, residual_squared};
use proptest::prelude::*;

use crate::common::on_both_suites;
use crate::common::optimum::{Head, kinds};
use crate::engine::head::{checked, holds, is_false, with_records, with_weights};

on_both_suites!(
    honest:
    every_kind,
    many_sizes,
);
on_both_suites!(
    refused:
    residuals_above_the_bound,
    other_records,
    other_weights,
    weights_at_their_limit,
    margins_at_their_limit,
);

mod honest {
    use super::*;

    pub fn every_kind<S: Suite>() {
        for head in kinds() {
            let (statement, trained) = head.make::<S>();
            holds(&statement, &trained);
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
                holds(&statement, &trained);
            }
        }
    }
}

/// One record of one feature, a class for and one against it; no margin is left by weights of one on the bias.
fn one_record(committed: bool, bound: u64) -> Head {
    Head {
        n: 1,
        p: 2,
        c: 2,
        scale: 0,
        committed,
        bound,
        ..Head::default()
    }
}

fn true_of<S: Suite>(head: &Head, rows: &[i8], weights: Vec<i64>) {
    let (statement, trained) = head.of::<S>(rows, weights);
    holds(&statement, &trained);
}

mod refused {
    use super::*;

    pub fn residuals_above_the_bound<S: Suite>() {
        for head in kinds() {
            let (mut statement, trained) = head.make::<S>();
            statement.objective.max_residual_squared -= 1;
            is_false(&statement, &trained);
            statement.objective.max_residual_squared = 1;
            is_false(&statement, &trained);
        }
    }

    /// A record left out, a label flipped, another feature.
    pub fn other_records<S: Suite>() {
        for head in kinds() {
            let (mut statement, trained) = head.make::<S>();
            statement.objective.max_residual_squared = 1 << 100;
            let changes: [fn(&mut [i8]); 3] = [
                |row| row.fill(0),
                |row| row[4..].rotate_left(1),
                |row| row[1] ^= 1,
            ];
            for change in changes {
                let mut values = trained.records.values.clone();
                change(&mut values[7..14]);
                is_false(&statement, &with_records::<S>(&trained, values));
            }
        }
    }

    pub fn other_weights<S: Suite>() {
        for head in kinds() {
            let (mut statement, trained) = head.make::<S>();
            statement.objective.max_residual_squared = 1 << 100;
            let mut values = trained.weights.values.clone();
            values[2] += 1;
            is_false(&statement, &with_weights::<S>(&trained, values));
        }
    }

    /// Two digits of ±7 are ±112.
    pub fn weights_at_their_limit<S: Suite>() {
        for loss in [Loss::Ridge, Loss::SquaredHinge] {
            let head = Head {
                loss,
                bound: 7,
                regularisation: 1,
                digits: Some((7, 2)),
                ..Head::default()
            };
            let (rows, mut weights) = head.numbers();
            (weights[0], weights[5]) = (112, -112);
            true_of::<S>(&head, &rows, weights.clone());
            for far in [113, -113, 1 << 40] {
                weights[0] = far;
                let (statement, trained) = Head {
                    max_residual_squared: Some((1 << 120) - 1),
                    ..head.clone()
                }
                .of::<S>(&rows, weights.clone());
                is_false(&statement, &trained);
            }
        }
    }

    /// Four digits of ±1 are ±40, and margins go up to 80.
    pub fn margins_at_their_limit<S: Suite>() {
        for committed in [false, true] {
            let head = one_record(committed, 1);
            true_of::<S>(&head, &[48, 32, 1, 0], vec![-1, 0, 1, 0]);
            let (statement, trained) = head.of::<S>(&[49, 32, 1, 0], vec![-1, 0, 1, 0]);
            is_false(&statement, &trained);
            // No margin at all, and weights of nothing.
            true_of::<S>(&head, &[48, 32, 1, 0], vec![0, 1, 0, -1]);
            true_of::<S>(&head, &[-127, 127, 1, 0], vec![0; 4]);
        }
    }
}

#[test]
fn statements_at_their_limits() {
    let stage = |head: &Head, change: &dyn Fn(&mut Optimum<Pallas>)| {
        let (mut statement, trained) = head.make::<Pallas>();
        change(&mut statement);
        let checked = checked(&statement, &trained);
        if checked.is_err() {
            // Computes or refuses.
            let _ = residual_squared(&statement.size, &statement.objective, &trained);
        }
        checked
    };
    let [ridge, _, hinge, committed] = kinds().try_into().unwrap_or_else(|_| panic!("four kinds"));
    let size = |records: u64, features: u32, classes: u32| {
        stage(&committed, &|s| {
            s.size = Size {
                records,
                features,
                classes,
            }
        })
    };
    let (few, huge) = (1 << 24, u32::MAX);
    for (n, p, c) in [
        (0, 4, 3),
        (few + 1, 4, 3),
        (u64::MAX, 4, 3),
        (1 << 63, 4, 3),
        (11, 1, 3),
        (11, 0, 3),
        (11, huge, 3),
        (11, 4094, 3),
        (11, 4, 1),
        (11, 4, 0),
        (11, 4, 1025),
        (11, 4, huge),
        (few, 4, 17),
        (0, 0, 0),
        (u64::MAX, huge, huge),
    ] {
        assert_eq!(size(n, p, c), Err(Stage::Statement), "{n}, {p}, {c}");
    }
    for (n, p, c) in [
        (few, 4, 16),
        (11, 4093, 3),
        (11, 4, 1024),
        (10, 4, 3),
        (12, 4, 3),
        (11, 4, 4),
    ] {
        let fits = if (n, c) == (11, 3) {
            Ok(())
        } else {
            Err(Stage::Shape)
        };
        assert_eq!(size(n, p, c), fits, "{n}, {p}, {c}");
    }
    type Change<'a> = &'a dyn Fn(&mut Optimum<Pallas>);
    let beyond: [(&Head, Change<'_>); 27] = [
        (&ridge, &|s| s.objective.scale = 33),
        (&hinge, &|s| s.objective.scale = u32::MAX),
        (&committed, &|s| s.objective.scale = u32::MAX - 4),
        (&ridge, &|s| s.objective.regularisation = 0),
        (&ridge, &|s| s.objective.regularisation = (1 << 40) + 1),
        (&ridge, &|s| s.objective.regularisation = u64::MAX),
        (&ridge, &|s| s.objective.max_residual_squared = 0),
        (&ridge, &|s| s.objective.max_residual_squared = 1 << 120),
        (&ridge, &|s| s.objective.max_residual_squared = u128::MAX),
        (&ridge, &|s| s.digits.bound = 1),
        (&ridge, &|s| s.digits.margins = 1),
        (&ridge, &|s| s.digits.weights = 1),
        (&hinge, &|s| s.digits.weights = 1),
        (&hinge, &|s| s.digits.margins = 0),
        (&hinge, &|s| s.digits.bound = 0),
        (&committed, &|s| s.digits.bound = (1 << 16) + 1),
        (&committed, &|s| s.digits.bound = u64::MAX),
        (&committed, &|s| s.digits.bound = 1 << 63),
        (&committed, &|s| s.digits.weights = 0),
        (&committed, &|s| (s.digits.bound, s.digits.weights) = (1, 9)),
        (&committed, &|s| (s.digits.bound, s.digits.margins) = (1, 9)),
        (&committed, &|s| s.digits.margins = u32::MAX),
        (&committed, &|s| s.digits.weights = u32::MAX),
        (&hinge, &|s| s.digits.bound = 1 << 14),
        (&committed, &|s| {
            (s.digits.bound, s.digits.margins, s.digits.weights) = (1 << 16, 3, 3);
        }),
        (&ridge, &|s| s.weights = Weights::Public(vec![513; 12])),
        (&ridge, &|s| s.weights = Weights::Public(vec![i64::MIN; 12])),
    ];
    for (number, (head, change)) in beyond.into_iter().enumerate() {
        assert_eq!(stage(head, change), Err(Stage::Statement), "{number}");
    }
    let within: [(&Head, Change<'_>); 8] = [
        (&ridge, &|s| s.objective.scale = 32),
        (&ridge, &|s| s.objective.regularisation = 1 << 40),
        (&ridge, &|s| s.objective.max_residual_squared = (1 << 120) - 1),
        (&committed, &|s| (s.digits.bound, s.digits.weights) = (1, 8)),
        (&committed, &|s| (s.digits.bound, s.digits.margins) = (1, 8)),
        (&hinge, &|s| s.digits.bound = (1 << 14) - 1),
        (&committed, &|s| {
            (s.digits.bound, s.digits.margins, s.digits.weights) = ((1 << 16) - 1, 3, 3);
        }),
        (&ridge, &|s| s.weights = Weights::Public(vec![-512; 12])),
    ];
    for (number, (head, change)) in within.into_iter().enumerate() {
        assert_eq!(stage(head, change), Ok(()), "{number}");
    }
    let shapes: [(&Head, Change<'_>); 4] = [
        (&ridge, &|s| s.records.truncate(10)),
        (&ridge, &|s| s.records.push(s.records[0])),
        (&ridge, &|s| s.weights = Weights::Public(vec![1; 13])),
        (&committed, &|s| {
            s.weights = Weights::Committed(vec![s.records[0]; 2])
        }),
    ];
    for (number, (head, change)) in shapes.into_iter().enumerate() {
        assert_eq!(stage(head, change), Err(Stage::Shape), "{number}");
    }
}

proptest! {
    /// Arbitrary sizes are refused before anything is allocated.
    #[test]
    fn arbitrary_sizes(records in any::<u64>(), features in any::<u32>(), classes in any::<u32>(), scale in any::<u32>(), bound in any::<u64>()) {
        let (mut statement, trained) = Head { n: 2, p: 2, c: 2, ..Head::default() }.make::<Pallas>();
        statement.size = Size { records, features, classes };
        statement.objective.scale = scale;
        statement.digits.bound = bound;
        prop_assert!(statement.verify(&[0; 8]).is_err());
        prop_assert!(statement.prove(&trained).is_err());
        prop_assert!(residual_squared(&statement.size, &statement.objective, &trained).is_err());
    }
}
