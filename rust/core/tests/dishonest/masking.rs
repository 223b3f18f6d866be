//! R4: each constraint, by its label: a lie that passes without it.

use ark_ff::Zero;
use fedproof_core::group::{Suite, WithoutH};

use crate::common::lies::{Hooks, earns_beside, edits};
use crate::common::masking::Upload;
use crate::common::on_both_suites;

on_both_suites!(
    lie:
    carry_bit,
    fingerprint
);

mod lie {
    use super::*;

    /// The carry makes up for whatever the upload has too much: in F each number is a multiple of q.
    pub fn carry_bit<S: Suite>() {
        let (lie, secret) = Upload::default().make::<S>().shifted(777).statement();
        let (honest, truth) = Upload::default().make::<S>().statement();
        let carries = lie.carries(&secret).expect("a shape");
        earns_beside(
            "carry bit",
            (&lie, &secret),
            (&honest, &truth),
            || -> Hooks<WithoutH<S>> {
                let carries = carries.clone();
                edits::<WithoutH<S>>(move |label, _, v| {
                    if label.0 == "carry" {
                        v.fill(S::Scalar::zero());
                        v[0] = carries[label.1 as usize];
                    }
                })
            },
        );
    }

    pub fn fingerprint<S: Suite>() {
        let (lie, secret) = Upload::default().make::<S>().shifted(777).statement();
        let (honest, truth) = Upload::default().make::<S>().statement();
        earns_beside("fingerprint", (&lie, &secret), (&honest, &truth), || None::<_>);
    }
}
