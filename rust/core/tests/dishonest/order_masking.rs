//! R4's rules of order (spec/relations/consistent-masking.md).

use fedproof_core::group::{Suite, WithoutH};

use crate::common::lies::earns_beside;
use crate::common::lies::order::pays;
use crate::common::masking::Upload;
use crate::common::on_both_suites;

/// Has an attack below that needs it.
pub const ATTACKED: [&str; 1] = ["carry"];

/// Q, which the verifier's equation contains, follows from rows, blinds, signs and pairs, and both are absorbed: either alone would do.
/// The set and the modulus are in the weights of columns, which the equation contains. Three values below 2^48 are too few to solve
/// one equation in F.
pub const NOT_ATTACKED: [&str; 8] = [
    "accepted", "modulus", "rows", "blinds", "sign", "pair", "Q", "values",
];

on_both_suites!(
    lie:
    carries_are_absorbed
);

mod lie {
    use super::*;

    pub fn carries_are_absorbed<S: Suite>() {
        let (lie, secret) = Upload::default().make::<S>().shifted(777).statement();
        let (honest, truth) = Upload::default().make::<S>().statement();
        earns_beside("absorb:carry", (&lie, &secret), (&honest, &truth), || {
            pays::<WithoutH<S>>("carry").0
        });
    }
}
