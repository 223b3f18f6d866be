//! Rules of order and weights of the closing argument (spec/recorder.md §10): for each, a prover that uses its absence.

use fedproof_core::generators::row_generator;
use fedproof_core::group::{Suite, to_affine};

use crate::common::lies::closing::{
    Eta, Factor, factor_for_eta, foreign, masks_after_e, merge_after_e, nonce_after_e, products_after_sigma,
    round_after_e,
};
use crate::common::lies::look_up::two_errors;
use crate::common::lies::norm::{rewrites, smuggles};
use crate::common::lies::{Knows, earns, long, out_of_range, wrong};
use crate::common::{numbers, on_both_suites};

on_both_suites!(
    lie:
    delta_separates_the_products,
    products_are_absorbed_before_sigma,
    masks_are_absorbed_before_e,
    masked_factors_are_absorbed_before_eta,
    eta_is_new_and_follows_the_factors,
    powers_of_tau_separate_the_messages,
    chi_comes_after_the_merges,
    rows_have_weights_beyond_their_length,
    cross_terms_are_absorbed_before_their_challenge,
    the_nonce_is_absorbed_before_its_challenge
);

mod lie {
    use super::*;

    pub fn delta_separates_the_products<S: Suite>() {
        let (lie, witness) = out_of_range::<S>(8);
        earns("challenge:products/delta", &lie, &witness, two_errors);
    }

    pub fn products_are_absorbed_before_sigma<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("absorb:products/round", &lie, &witness, || {
            products_after_sigma(Knows::Ahead)
        });
        earns("challenge:products/sigma", &lie, &witness, || {
            products_after_sigma(Knows::One)
        });
    }

    pub fn masks_are_absorbed_before_e<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("absorb:product/masks", &lie, &witness, || {
            masks_after_e(Knows::Ahead)
        });
        earns("challenge:product/e", &lie, &witness, || {
            masks_after_e(Knows::One)
        });
    }

    pub fn masked_factors_are_absorbed_before_eta<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("absorb:product/u", &lie, &witness, || {
            factor_for_eta(Factor::U, Eta::Ahead)
        });
    }

    pub fn eta_is_new_and_follows_the_factors<S: Suite>() {
        let (lie, witness) = long::<S>();
        for (dropped, eta) in [
            ("absorb:product/v", Eta::Ahead),
            ("challenge:combine/eta", Eta::One),
            ("reuse:combine/eta", Eta::E),
        ] {
            earns(dropped, &lie, &witness, || factor_for_eta(Factor::V, eta));
        }
    }

    pub fn powers_of_tau_separate_the_messages<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("challenge:combine/tau", &lie, &witness, rewrites);
    }

    pub fn chi_comes_after_the_merges<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("challenge:ipa/chi", &lie, &witness, smuggles);
    }

    pub fn rows_have_weights_beyond_their_length<S: Suite>() {
        let (mut lie, witness) = wrong::<S>(numbers(32, 7, 9), 1 << 20, 0);
        let known = S::Scalar::from(5u64);
        lie.points[0] = to_affine::<S>(&[row_generator::<S>(8) * known + lie.points[0]])[0];
        earns("challenge:combine/beta", &lie, &witness, || foreign(known));
    }

    pub fn cross_terms_are_absorbed_before_their_challenge<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("absorb:merge/low", &lie, &witness, || {
            merge_after_e(0, Knows::Ahead)
        });
        earns("absorb:merge/high", &lie, &witness, || {
            merge_after_e(1, Knows::Ahead)
        });
        earns("challenge:merge/e", &lie, &witness, || {
            merge_after_e(0, Knows::One)
        });
        earns("absorb:ipa/low", &lie, &witness, || {
            round_after_e(0, Knows::Ahead)
        });
        earns("absorb:ipa/high", &lie, &witness, || {
            round_after_e(1, Knows::Ahead)
        });
    }

    pub fn the_nonce_is_absorbed_before_its_challenge<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("absorb:schnorr/nonce", &lie, &witness, || {
            nonce_after_e(Knows::Ahead)
        });
        earns("challenge:schnorr/e", &lie, &witness, || {
            nonce_after_e(Knows::One)
        });
    }
}
