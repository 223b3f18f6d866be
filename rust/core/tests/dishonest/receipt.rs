//! R9: each constraint, by its label: a lie that passes without it.

use ark_ff::Zero;
use fedproof_core::group::{Suite, scalar_from_i64};
use fedproof_core::relation::Witness;
use fedproof_core::relation::receipt::Receipt;

use crate::common::lies::{Hooks, earns_beside, edits};
use crate::common::on_both_suites;
use crate::common::receipt::Asked;

on_both_suites!(
    lie:
    lead_bit,
    lead_opening
);

/// One answer, of the class that is behind by three.
pub fn loses<S: Suite>() -> (Receipt<S>, Witness<S>) {
    let asked = Asked {
        answers: 1,
        features: 2,
        classes: 2,
        ..Asked::default()
    };
    let (mut lie, witness) = asked.of::<S>(vec![7, 0, 4, 0], vec![vec![1, 32]]);
    lie.answers[0].class = 1;
    (lie, witness)
}

/// The lead is this number, all of it in its first "bit".
fn leads_by<S: Suite>(number: i64) -> Hooks<S> {
    edits::<S>(move |label, _, v| {
        if label.0 == "leads" {
            v.fill(S::Scalar::zero());
            v[0] = scalar_from_i64(number);
        }
    })
}

fn earns_its_place<S: Suite>(dropped: &'static str, claimed: i64) {
    let (lie, witness) = loses::<S>();
    let (honest, truth) = Asked::default().make::<S>();
    earns_beside(dropped, (&lie, &witness), (&honest, &truth), || leads_by(claimed));
}

mod lie {
    use super::*;

    pub fn lead_bit<S: Suite>() {
        earns_its_place::<S>("lead bit", -3);
    }

    pub fn lead_opening<S: Suite>() {
        earns_its_place::<S>("lead opening", 1);
    }
}
