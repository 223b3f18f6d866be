//! R9's rules of order (spec/relations/receipt.md): for each value that is absorbed, a prover that uses its absence.
//!
//! A head and inputs consist of small integers, so a prover that chooses them after η can't solve for one of them. It finds some by
//! lattice reduction: that of six leads alone is below 2^44.

use std::sync::{Arc, Mutex};

use fedproof_core::error::Stage;
use fedproof_core::generators::row_generator;
use fedproof_core::group::{Suite, scalar_from_i64, to_affine};
use fedproof_core::poly::powers;
use fedproof_core::recorder::dishonest::Late;
use fedproof_core::relation::Witness;
use fedproof_core::relation::receipt::Receipt;

use crate::common::lattice::small_solution;
use crate::common::lies::order::{after_eta, pays};
use crate::common::lies::{earns_beside, proved, verdict};
use crate::common::on_both_suites;
use crate::common::receipt::Asked;
use crate::dishonest::receipt::loses;

/// Each has an attack below that needs it; the relation has no others of its own.
pub const ATTACKED: [&str; 3] = ["inputs", "W", "leads"];

on_both_suites!(
    lie:
    leads_are_absorbed,
    weights_are_absorbed,
    inputs_are_absorbed
);

const RIVALS: usize = 6;

/// What the leads over all rivals may be off by so that the powers of η do not show it. One that stood below 2^10 becomes negative.
fn unseen<S: Suite>(eta: S::Scalar) -> [i64; RIVALS] {
    let mut off = small_solution(&[powers(eta, RIVALS)]);
    if off.iter().all(|by| *by > -1 << 10) {
        off.iter_mut().for_each(|by| *by = -*by);
    }
    assert!(off.iter().any(|by| *by <= -1 << 10));
    off.try_into().expect("one a rival")
}

/// Proves a true statement, whose answer is class 0, with leads that are off once η is known: `change` says by what the statement changes
/// then. With these the statement becomes a false one, which passes exactly if what changed is not absorbed.
fn moves<S: Suite>(
    dropped: &'static str,
    (statement, witness): &(Receipt<S>, Witness<S>),
    change: impl Fn([i64; RIVALS]) -> Vec<Late<S::Scalar>> + Copy + 'static,
    apply: impl Fn(&mut Receipt<S>, [i64; RIVALS]),
) {
    let shown = |dropped| {
        let found = Arc::new(Mutex::new([0; RIVALS]));
        let finds = Arc::clone(&found);
        let hooks = after_eta::<S>(move |eta| {
            let off = unseen::<S>(eta);
            *finds.lock().expect("one thread") = off;
            change(off)
        });
        let proof = proved(statement, witness, hooks, dropped);
        let mut other = statement.clone();
        apply(&mut other, *found.lock().expect("one thread"));
        verdict(&other, &proof, dropped)
    };
    assert_eq!(
        shown("nothing"),
        Err(Stage::Argument),
        "{dropped}: the lie passes"
    );
    assert_eq!(
        shown(dropped),
        Ok(()),
        "{dropped}: the lie fails for another reason"
    );
}

/// Features for each rival, which are the digits of the lead over it, −64 to 63.
const DIGITS: usize = 8;

fn digits(mut lead: i64) -> [i8; DIGITS] {
    [0; DIGITS].map(|_| {
        let digit = (lead + 64).rem_euclid(128) - 64;
        lead = (lead - digit) / 128;
        i8::try_from(digit).expect("small")
    })
}

/// The leads before η.
fn leads() -> impl Iterator<Item = i64> {
    1..=RIVALS as i64
}

mod lie {
    use super::*;

    pub fn leads_are_absorbed<S: Suite>() {
        let (lie, witness) = loses::<S>();
        let (honest, truth) = Asked::default().make::<S>();
        earns_beside("absorb:leads", (&lie, &witness), (&honest, &truth), || {
            pays("leads").0
        });
    }

    /// Another head for the challenges.
    pub fn weights_are_absorbed<S: Suite>() {
        let asked = Asked {
            answers: 1,
            features: 2,
            classes: RIVALS + 1,
            scale: 4,
        };
        let weights = [0].into_iter().chain(leads().map(|lead| -lead));
        let weights = weights.flat_map(|w| [w, 0]).collect();
        moves(
            "absorb:W",
            &asked.of::<S>(weights, vec![vec![1, 32]]),
            |off| {
                let change = |(row, by): (usize, i64)| Late::Row {
                    matrix: 0,
                    row,
                    column: 0,
                    delta: scalar_from_i64(-by),
                };
                (1..).zip(off).map(change).collect()
            },
            |receipt, off| {
                for (point, by) in receipt.points[1..].iter_mut().zip(off) {
                    let by = row_generator::<S>(0) * scalar_from_i64::<S::Scalar>(-by);
                    *point = to_affine::<S>(&[by + *point])[0];
                }
            },
        );
    }

    /// Another input for the challenges.
    pub fn inputs_are_absorbed<S: Suite>() {
        let asked = Asked {
            answers: 1,
            features: RIVALS * DIGITS,
            classes: RIVALS + 1,
            scale: 4,
        };
        let mut weights = vec![0; asked.classes * asked.features];
        for rival in 0..RIVALS {
            for digit in 0..DIGITS {
                weights[(rival + 1) * asked.features + rival * DIGITS + digit] = -1 << (7 * digit);
            }
        }
        let input = |off: [i64; RIVALS]| -> Vec<i8> {
            leads()
                .zip(off)
                .flat_map(|(lead, by)| digits(lead + by))
                .collect()
        };
        moves(
            "absorb:inputs",
            &asked.of::<S>(weights, vec![input([0; RIVALS])]),
            move |off| {
                let pairs = input(off).into_iter().zip(input([0; RIVALS])).enumerate();
                let change = |(column, (new, old)): (usize, (i8, i8))| Late::Weight {
                    vector: 0,
                    column,
                    delta: S::Scalar::from(new) - S::Scalar::from(old),
                };
                pairs.map(change).collect()
            },
            |receipt, off| receipt.answers[0].input = input(off),
        );
    }
}
