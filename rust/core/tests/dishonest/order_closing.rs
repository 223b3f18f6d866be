//! Rules of order and weights of the closing argument (spec/recorder.md §10): for each, a prover that uses its absence.

use fedproof_core::generators::row_generator;
use fedproof_core::group::{Pallas, Suite, to_affine};

use crate::common::lies::closing::{
    Eta, Factor, factor_for_eta, foreign, masks_after_e, merge_after_e, nonce_after_e, products_after_sigma,
    round_after_e,
};
use crate::common::lies::look_up::two_errors;
use crate::common::lies::norm::{rewrites, smuggles};
use crate::common::lies::{Knows, earns, long, out_of_range, wrong};
use crate::common::numbers;

type F = <Pallas as Suite>::Scalar;

#[test]
fn delta_separates_the_products() {
    let (lie, witness) = out_of_range::<Pallas>(8);
    earns("challenge:products/delta", &lie, &witness, two_errors);
}

#[test]
fn products_are_absorbed_before_sigma() {
    let (lie, witness) = long::<Pallas>();
    earns("absorb:products/round", &lie, &witness, || {
        products_after_sigma(Knows::Ahead)
    });
    earns("challenge:products/sigma", &lie, &witness, || {
        products_after_sigma(Knows::One)
    });
}

#[test]
fn masks_are_absorbed_before_e() {
    let (lie, witness) = long::<Pallas>();
    earns("absorb:product/masks", &lie, &witness, || {
        masks_after_e(Knows::Ahead)
    });
    earns("challenge:product/e", &lie, &witness, || {
        masks_after_e(Knows::One)
    });
}

#[test]
fn masked_factors_are_absorbed_before_eta() {
    let (lie, witness) = long::<Pallas>();
    earns("absorb:product/u", &lie, &witness, || {
        factor_for_eta(Factor::U, Eta::Ahead)
    });
}

#[test]
fn eta_is_new_and_follows_the_factors() {
    let (lie, witness) = long::<Pallas>();
    for (dropped, eta) in [
        ("absorb:product/v", Eta::Ahead),
        ("challenge:combine/eta", Eta::One),
        ("reuse:combine/eta", Eta::E),
    ] {
        earns(dropped, &lie, &witness, || factor_for_eta(Factor::V, eta));
    }
}

#[test]
fn powers_of_tau_separate_the_messages() {
    let (lie, witness) = long::<Pallas>();
    earns("challenge:combine/tau", &lie, &witness, rewrites);
}

#[test]
fn chi_comes_after_the_merges() {
    let (lie, witness) = long::<Pallas>();
    earns("challenge:ipa/chi", &lie, &witness, smuggles);
}

#[test]
fn rows_have_weights_beyond_their_length() {
    let (mut lie, witness) = wrong::<Pallas>(numbers(32, 7, 9), 1 << 20, 0);
    let known = F::from(5u64);
    lie.points[0] = to_affine::<Pallas>(&[row_generator::<Pallas>(8) * known + lie.points[0]])[0];
    earns("challenge:combine/beta", &lie, &witness, || foreign(known));
}

#[test]
fn cross_terms_are_absorbed_before_their_challenge() {
    let (lie, witness) = long::<Pallas>();
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

#[test]
fn the_nonce_is_absorbed_before_its_challenge() {
    let (lie, witness) = long::<Pallas>();
    earns("absorb:schnorr/nonce", &lie, &witness, || {
        nonce_after_e(Knows::Ahead)
    });
    earns("challenge:schnorr/e", &lie, &witness, || {
        nonce_after_e(Knows::One)
    });
}
