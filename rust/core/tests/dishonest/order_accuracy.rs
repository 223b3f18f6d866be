//! R6's rules of order (spec/relations/accuracy.md): for each value that is absorbed and each challenge, a prover that uses its absence.

use std::sync::{Arc, Mutex};

use ark_ff::PrimeField;
use fedproof_core::error::Stage;
use fedproof_core::generators::row_generator;
use fedproof_core::group::{Pallas, Suite, scalar_from_i64};
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::Rows;
use fedproof_core::recorder::dishonest::Late;
use fedproof_core::relation::accuracy::{Accuracy, correct};
use fedproof_core::relation::head::{Trained, Weights};
use fedproof_core::transcript::Label;

use crate::common::accuracy::{Test, kinds};
use crate::common::lattice::small_solution;
use crate::common::lies::accuracy::late::Chosen;
use crate::common::lies::accuracy::{Claims, Lie, Says};
use crate::common::lies::optimum::Way;
use crate::common::lies::order::{Challenges, at_eta, of_plain_round, of_weighted_round, pays};
use crate::common::lies::{Hooks, Knows, proved, verdict};
use crate::common::on_both_suites;
use crate::common::optimum::Head;
use crate::dishonest::accuracy::earns;
use crate::dishonest::labels::{labels, rule};
use crate::dishonest::order_statement::{add, moves, unseen};

/// Messages and matrices inside a proof, as in R5: whichever is not absorbed pays for all that is false.
pub const SENT: [&str; 14] = [
    "correct",
    "top",
    "digit",
    "m",
    "gkr/roots",
    "gkr/round",
    "gkr/ends",
    "accuracy/top",
    "accuracy/round",
    "accuracy/ends",
    "logit/round",
    "logit/ends",
    "products/round",
    "product/masks",
];

/// Of the statement: each has an attack below. That on `claim` shows a proof for what its prover did not name, which is no less true:
/// s stands in no equation. T does, and for it there is the reason that `digits` has.
pub const ATTACKED: [&str; 4] = ["records", "W", "weights", "claim"];

/// As in R5: the verifier computes with h and L, and L fixes what is sent. h has 2^16 values, T 2^24: too few for one of them to solve an
/// equation modulo r.
pub const NOT_ATTACKED: [&str; 1] = ["digits"];

/// Challenges of the relation's own that an attack uses where they are known.
pub const FORESEEN: [&str; 5] = [
    "alpha",
    "accuracy/tau",
    "accuracy/gamma",
    "accuracy/rho",
    "logit/rho",
];

on_both_suites!(
    lie:
    what_is_sent_is_absorbed,
    alpha_is_not_known,
    tau_is_not_known,
    bits_are_absorbed_before_tau,
    tops_are_absorbed_before_tau,
    digits_are_absorbed_before_tau,
    gamma_is_not_known,
    rounds_are_absorbed_before_rho,
    logit_rounds_are_absorbed_before_rho,
    records_are_absorbed,
    weights_are_absorbed
);

/// With the message not absorbed, and with the challenge known.
fn earns_twice<S: Suite>(
    [message, challenge]: [&'static str; 2],
    test: &Test,
    lie: &Lie<S>,
    hooks: impl Fn(Knows) -> Hooks<S>,
) {
    earns(rule("absorb", message), test, lie, || hooks(Knows::Ahead));
    earns(rule("challenge", challenge), test, lie, || hooks(Knows::One));
}

fn chooses<S: Suite>(name: &'static str, says: Says, chosen: Chosen) {
    for test in kinds() {
        let lie = Lie::<S>::new(&test, says);
        earns(rule("absorb", name), &test, &lie, || lie.chosen(chosen));
    }
}

/// A statement and its witness once a prover has chosen other records or weights, for which the claim is false.
fn is_false<S: Suite>(statement: &Accuracy<S>, other: &Trained<S::Scalar>) {
    let count = correct(&statement.size, &statement.digits, other).expect("small numbers");
    assert!(count < statement.correct);
}

/// The prover that changes its statement by what it finds at η, and remembers that.
fn finds<S: Suite>(
    find: impl Fn(&Challenges<S::Scalar>) -> Vec<i64> + 'static,
    late: impl Fn(&[i64]) -> Vec<Late<S::Scalar>> + 'static,
) -> (Hooks<S>, Arc<Mutex<Vec<i64>>>) {
    let found = Arc::<Mutex<Vec<i64>>>::default();
    let remembers = Arc::clone(&found);
    let hooks = at_eta::<S>(move |drawn| {
        let numbers = find(drawn);
        let changes = late(&numbers);
        *remembers.lock().expect("one thread") = numbers;
        changes
    });
    (hooks, found)
}

fn changed<F: PrimeField>(matrix: usize, row: usize, column: usize, by: i64) -> Late<F> {
    Late::Row {
        matrix,
        row,
        column,
        delta: scalar_from_i64(by),
    }
}

/// A proof for one scale of the weights is none for another.
#[test]
fn the_claim_is_absorbed() {
    for test in kinds() {
        let (statement, trained) = test.make::<Pallas>();
        let other = Accuracy {
            scale: statement.scale + 1,
            ..statement.clone()
        };
        let shown = |dropped| verdict(&other, &proved(&statement, &trained, None, dropped), dropped);
        assert_eq!(shown("nothing"), Err(Stage::Argument));
        assert_eq!(shown("absorb:claim"), Ok(()));
    }
}

mod lie {
    use super::*;

    pub fn what_is_sent_is_absorbed<S: Suite>() {
        for test in kinds() {
            let lie = Lie::<S>::new(&test, Says::Nothing);
            let (absorbed, _) = labels(&lie.statement);
            for name in SENT {
                assert!(absorbed.contains(name));
                earns(rule("absorb", name), &test, &lie, || pays(name).0);
            }
        }
    }

    /// The largest lead is the only digit that is 1: there both sides' denominators vanish, and a negative lead passes.
    pub fn alpha_is_not_known<S: Suite>() {
        for test in kinds() {
            let (rows, weights) = test.numbers();
            let largest = Claims::of(&test, &rows, &weights).largest_lead();
            let head = Head {
                bound: largest - 1,
                digits: Some((1, 0)),
                ..test.head
            };
            let test = Test { head, ..test };
            let lie = Lie::<S>::new(&test, Says::Negative);
            earns("challenge:alpha", &test, &lie, || lie.out_of_range(Way::LookedUp));
        }
    }

    /// At an anchor of ones there is no record.
    pub fn tau_is_not_known<S: Suite>() {
        for test in kinds() {
            let lie = Lie::<S>::new(&test, Says::Level);
            earns("challenge:accuracy/tau", &test, &lie, || lie.told(|_, _, _| {}));
        }
    }

    pub fn bits_are_absorbed_before_tau<S: Suite>() {
        chooses::<S>("correct", Says::Nothing, Chosen::Correct);
    }

    pub fn tops_are_absorbed_before_tau<S: Suite>() {
        chooses::<S>("top", Says::Level, Chosen::Top);
    }

    pub fn digits_are_absorbed_before_tau<S: Suite>() {
        chooses::<S>("digit", Says::Level, Chosen::Digit);
    }

    /// The record's class leads itself by half of what it is behind.
    pub fn gamma_is_not_known<S: Suite>() {
        for test in kinds() {
            let lie = Lie::<S>::new(&test, Says::Itself);
            earns("challenge:accuracy/gamma", &test, &lie, || lie.told(|_, _, _| {}));
        }
    }

    /// A lead does not follow; the first round, which does not say so, is right at ρ.
    pub fn rounds_are_absorbed_before_rho<S: Suite>() {
        for test in kinds() {
            let lie = Lie::<S>::new(&test, Says::Level);
            let labels = ["accuracy/round", "accuracy/rho"];
            earns_twice(labels, &test, &lie, |knows| {
                lie.told_ahead(move |told, transcript, label, v| {
                    if label == Label("accuracy/round", 0, 0) {
                        let rho = knows.short::<S>(transcript, Label("accuracy/rho", 0, 0));
                        let pi = told.first_anchor();
                        // The prover's c_1 is off by the error over π.
                        v[0] += of_weighted_round(rho * told.missing() / pi, rho, pi);
                    }
                })
            });
        }
    }

    /// A logit is higher; the first round of the logits, which is not, is right at ρ.
    pub fn logit_rounds_are_absorbed_before_rho<S: Suite>() {
        for test in kinds() {
            let lie = Lie::<S>::new(&test, Says::Higher);
            let labels = ["logit/round", "logit/rho"];
            earns_twice(labels, &test, &lie, |knows| {
                lie.told_ahead(move |told, transcript, label, v| {
                    let off = || told.logit * told.own_there();
                    match label {
                        Label("accuracy/ends", ..) => v[1] += off(),
                        Label("logit/round", 0, 0) => {
                            let rho = knows.short::<S>(transcript, Label("logit/rho", 0, 0));
                            v[0] -= of_plain_round(rho * off(), rho);
                        }
                        _ => {}
                    }
                })
            });
        }
    }

    /// Another record for the challenges, of features in range: what is seen of it is one number.
    pub fn records_are_absorbed<S: Suite>() {
        const FEATURES: usize = 47;
        for test in kinds() {
            let head = Head {
                n: 2,
                p: FEATURES + 1,
                c: 2,
                scale: 16,
                digits: Some((6, 0)),
                ..test.head
            };
            let test = Test { head, ..test };
            // The first record is right by its bias alone.
            let (mut rows, mut weights) = test.numbers();
            rows[..FEATURES].fill(0);
            rows[FEATURES..FEATURES + 3].copy_from_slice(&[32, 1, 0]);
            (weights[FEATURES], weights[2 * FEATURES + 1]) = (1, 0);
            let rivals: Vec<i64> = (0..FEATURES)
                .map(|j| weights[FEATURES + 1 + j] - weights[j])
                .collect();
            let (statement, trained) = test.of::<S>(&rows, weights.clone());
            let hooks = || {
                let rivals = rivals.clone();
                let find = move |drawn: &Challenges<S::Scalar>| {
                    let seen = eq_table(&drawn["logit/rho"]);
                    let off = small_solution(&[seen[..FEATURES].iter().map(|x| *x / seen[0]).collect()]);
                    let ahead: i64 = off.iter().zip(&rivals).map(|(x, w)| x * w).sum();
                    off.into_iter().map(|x| x * ahead.signum()).collect()
                };
                finds::<S>(find, |off| {
                    let columns = off.iter().enumerate();
                    columns.map(|(column, by)| changed(0, 0, column, *by)).collect()
                })
            };
            moves("records", (&statement, &trained), hooks, |statement, off| {
                let mut other = rows.clone();
                for (x, by) in other.iter_mut().zip(off) {
                    *x = i8::try_from(*by).expect("small");
                    assert!(*x >= -127);
                }
                for (generator, by) in (0..).map(row_generator::<S>).zip(off) {
                    add::<S>(
                        &mut statement.records,
                        0,
                        generator * scalar_from_i64::<S::Scalar>(*by),
                    );
                }
                let (_, other) = test.of::<S>(&other, weights.clone());
                is_false(statement, &other);
            });
        }
    }

    /// Other weights for the challenges, in range, public or committed.
    pub fn weights_are_absorbed<S: Suite>() {
        const CLASS_BITS: usize = 3;
        for test in kinds() {
            let committed = test.head.committed;
            let head = Head {
                c: 1 << CLASS_BITS,
                scale: 32,
                digits: Some((8, 0)),
                ..test.head
            };
            let test = Test { head, ..test };
            let (statement, trained) = test.make::<S>();
            let hooks = || {
                finds::<S>(
                    // So much that they decide.
                    |drawn| {
                        unseen(&[&drawn["accuracy/rho"][..CLASS_BITS]])
                            .iter()
                            .map(|by| 8 * by)
                            .collect()
                    },
                    move |off| {
                        let rows = off.iter().enumerate().filter(|_| committed);
                        rows.map(|(row, by)| changed(1, row, 0, *by)).collect()
                    },
                )
            };
            let name = if committed { "W" } else { "weights" };
            moves(name, (&statement, &trained), hooks, |statement, off| {
                let mut weights = trained.weights.values.clone();
                for (row, by) in weights.chunks_mut(test.head.p).zip(off) {
                    row[0] += by;
                }
                match &mut statement.weights {
                    Weights::Public(stated) => stated.clone_from(&weights),
                    Weights::Committed(points) => {
                        for (row, by) in off.iter().enumerate() {
                            let by = scalar_from_i64::<S::Scalar>(*by);
                            add::<S>(points, row, row_generator::<S>(0) * by);
                        }
                    }
                }
                let other = Trained {
                    records: Arc::clone(&trained.records),
                    weights: Arc::new(Rows {
                        values: weights,
                        columns: test.head.p,
                        blinds: Vec::new(),
                        bits: 64,
                    }),
                };
                is_false(statement, &other);
            });
        }
    }
}
