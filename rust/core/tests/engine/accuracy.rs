//! R6, accuracy: honest provers, and false statements.

use fedproof_core::error::Stage;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::relation::Relation;
use fedproof_core::relation::accuracy::{Accuracy, correct};
use fedproof_core::relation::head::{Size, Weights};
use proptest::prelude::*;

use crate::common::accuracy::{Test, kinds};
use crate::common::on_both_suites;
use crate::common::optimum::Head;
use crate::engine::head::{checked, holds, is_false, with_records, with_weights};

on_both_suites!(
    honest:
    both_kinds,
    many_sizes,
    less_than_is_true,
);
on_both_suites!(
    refused:
    one_more_than_is_true,
    ties,
    other_records,
    other_weights,
    leads_at_their_limit,
);

mod honest {
    use super::*;

    pub fn both_kinds<S: Suite>() {
        for test in kinds() {
            let (statement, trained) = test.make::<S>();
            assert_eq!(statement.correct, 8, "eight of eleven");
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
            (65, 12, 4),
        ] {
            for kind in kinds() {
                let head = Head {
                    n,
                    p,
                    c,
                    seed: n as u64,
                    ..kind.head
                };
                let (statement, trained) = Test { head, ..kind }.make::<S>();
                holds(&statement, &trained);
            }
        }
    }

    pub fn less_than_is_true<S: Suite>() {
        for kind in kinds() {
            let correct = Some(1);
            let (statement, trained) = Test { correct, ..kind }.make::<S>();
            holds(&statement, &trained);
        }
    }
}

mod refused {
    use super::*;

    pub fn one_more_than_is_true<S: Suite>() {
        for test in kinds() {
            let (mut statement, trained) = test.make::<S>();
            statement.correct += 1;
            is_false(&statement, &trained);
            statement.correct = 11;
            is_false(&statement, &trained);
        }
    }

    /// One record, and both classes have the same logit.
    pub fn ties<S: Suite>() {
        for kind in kinds() {
            let head = Head {
                n: 1,
                p: 2,
                c: 2,
                ..kind.head
            };
            let test = Test {
                head,
                correct: Some(1),
            };
            for label in [[1, 0], [0, 1]] {
                let row = [3, 32, label[0], label[1]];
                let (statement, trained) = test.of::<S>(&row, vec![5, 7, 5, 7]);
                is_false(&statement, &trained);
            }
            let (statement, trained) = test.of::<S>(&[1, 32, 1, 0], vec![6, 7, 5, 7]);
            holds(&statement, &trained);
        }
    }

    /// Labels that are what the head says, in rows that were not certified.
    pub fn other_records<S: Suite>() {
        for test in kinds() {
            let (mut statement, trained) = test.make::<S>();
            statement.correct += 1;
            let mut rows = trained.records.values.clone();
            let wrong = rows.chunks_mut(7).nth(2).expect("the third is wrong");
            let logits = test.logits(wrong, &trained.weights.values);
            let best = logits.iter().max();
            for (entry, logit) in wrong[4..].iter_mut().zip(&logits) {
                *entry = i8::from(Some(logit) == best);
            }
            let right = with_records::<S>(&trained, rows);
            assert_eq!(
                correct(&statement.size, &statement.digits, &right).expect("small"),
                9
            );
            is_false(&statement, &right);
        }
    }

    pub fn other_weights<S: Suite>() {
        for test in kinds() {
            let (statement, trained) = test.make::<S>();
            let mut weights = trained.weights.values.clone();
            weights[3] += 1;
            is_false(&statement, &with_weights::<S>(&trained, weights));
        }
    }

    /// Two digits of ±7 are ±112, and leads go up to 225.
    pub fn leads_at_their_limit<S: Suite>() {
        for kind in kinds() {
            let head = Head {
                n: 1,
                p: 2,
                c: 2,
                bound: 7,
                ..kind.head
            };
            let test = Test {
                head,
                correct: Some(1),
            };
            let row = |x| [x, 1, 1, 0];
            let of = |x, w| {
                let (mut statement, trained) = test.of::<S>(&row(x), vec![w, 1, 0, 0]);
                statement.digits.margins = 2;
                (statement, trained)
            };
            let (statement, trained) = of(112, 2);
            holds(&statement, &trained);
            let (statement, trained) = of(113, 2);
            is_false(&statement, &trained);
            let (statement, trained) = of(-1, 1);
            is_false(&statement, &trained);
        }
    }
}

#[test]
fn statements_at_their_limits() {
    let stage = |test: &Test, change: &dyn Fn(&mut Accuracy<Pallas>)| {
        let (mut statement, trained) = test.make::<Pallas>();
        change(&mut statement);
        let checked = checked(&statement, &trained);
        if checked.is_err() {
            // Computes or refuses.
            let _ = correct(&statement.size, &statement.digits, &trained);
        }
        checked
    };
    let [public, committed] = kinds();
    type Change<'a> = &'a dyn Fn(&mut Accuracy<Pallas>);
    let beyond: [(&Test, Change<'_>); 14] = [
        (&public, &|s| s.scale = 33),
        (&committed, &|s| s.scale = u32::MAX),
        (&public, &|s| s.correct = 0),
        (&public, &|s| s.correct = 12),
        (&committed, &|s| s.correct = u64::MAX),
        (&committed, &|s| s.size.records = 0),
        (&committed, &|s| s.size.features = 1),
        (&committed, &|s| s.size.classes = 1025),
        (&public, &|s| s.digits.bound = 0),
        (&public, &|s| s.digits.bound = (1 << 16) + 1),
        (&public, &|s| s.digits.margins = 0),
        (&public, &|s| (s.digits.bound, s.digits.margins) = (1 << 16, 4)),
        (&committed, &|s| s.digits.weights = 1),
        (&public, &|s| s.weights = Weights::Public(vec![513; 12])),
    ];
    for (number, (test, change)) in beyond.into_iter().enumerate() {
        assert_eq!(stage(test, change), Err(Stage::Statement), "{number}");
    }
    let within: [(&Test, Change<'_>); 5] = [
        (&public, &|s| s.scale = 32),
        (&public, &|s| s.correct = 11),
        (&committed, &|s| s.correct = 1),
        (&public, &|s| (s.digits.bound, s.digits.margins) = (1, 8)),
        (&public, &|s| s.weights = Weights::Public(vec![-512; 12])),
    ];
    for (number, (test, change)) in within.into_iter().enumerate() {
        assert_eq!(stage(test, change), Ok(()), "{number}");
    }
    let shapes: [(&Test, Change<'_>); 4] = [
        (&public, &|s| s.records.truncate(10)),
        (&public, &|s| s.records.push(s.records[0])),
        (&public, &|s| s.weights = Weights::Public(vec![1; 13])),
        (&committed, &|s| {
            s.weights = Weights::Committed(vec![s.records[0]; 2])
        }),
    ];
    for (number, (test, change)) in shapes.into_iter().enumerate() {
        assert_eq!(stage(test, change), Err(Stage::Shape), "{number}");
    }
}

proptest! {
    /// Arbitrary sizes are refused before anything is allocated.
    #[test]
    fn arbitrary_sizes(records in any::<u64>(), features in any::<u32>(), classes in any::<u32>(), scale in any::<u32>(), bound in any::<u64>()) {
        let (mut statement, trained) = Test {
            head: Head { n: 2, p: 2, c: 2, ..Head::default() },
            correct: Some(1),
        }.make::<Pallas>();
        statement.size = Size { records, features, classes };
        statement.scale = scale;
        statement.digits.bound = bound;
        prop_assert!(statement.columns() <= 4096);
        prop_assert!(statement.verify(&[0; 8]).is_err());
        let _ = correct(&statement.size, &statement.digits, &trained);
    }
}
