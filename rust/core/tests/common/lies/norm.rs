//! Provers of a norm that is five above its bound, unless they say otherwise.

use ark_ff::{AdditiveGroup, Field, One, Zero};
use fedproof_core::group::Suite;
use fedproof_core::recorder::dishonest::{Dishonest, Late};
use fedproof_core::transcript::{Label, Transcript};

use super::{Hooks, Knows, edits};

/// The first "bit" of the slack is all of it, a negative number: what the norm is above its bound.
pub fn one_big_bit<S: Suite>(above: u64) -> Hooks<S> {
    edits::<S>(move |label, _, v| {
        if label.0 == "slack" {
            v.fill(S::Scalar::zero());
            v[0] = -S::Scalar::from(above);
        }
    })
}

/// The slack is zero, and the norm's first round, in layer `leaf`, is solved to be right at ρ.
pub fn round_after_rho<S: Suite>(knows: Knows, leaf: u32, above: u64) -> Hooks<S> {
    edits::<S>(move |label, transcript, v| {
        if label.0 == "slack" {
            v.fill(S::Scalar::zero());
        }
        if label == Label("gkr/round", leaf, 0) {
            let rho = knows.short::<S>(transcript, Label("gkr/rho", leaf, 0));
            v[2] += rho * S::Scalar::from(above) / (S::Scalar::one() - rho.double());
        }
    })
}

/// After δ, two "bits" that add up to the slack −5 and whose two false constraints cancel.
struct SlackAfterDelta<F> {
    delta: F,
    bits: u32,
}

pub fn slack_after_delta<S: Suite>() -> Hooks<S> {
    Some(Box::new(SlackAfterDelta {
        delta: S::Scalar::zero(),
        bits: 0,
    }))
}

impl<S: Suite> Dishonest<S> for SlackAfterDelta<S::Scalar> {
    fn message(&mut self, label: Label, _: &Transcript, v: &mut Vec<S::Scalar>) {
        if label.0 == "slack" {
            v.fill(S::Scalar::zero());
            self.bits = u32::try_from(v.len()).expect("few bits");
        }
    }

    fn challenge(&mut self, label: Label, value: S::Scalar) {
        if label.0 == "products/delta" {
            self.delta = value;
        }
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<S::Scalar>> {
        if drawn.0 != "products/delta" {
            return vec![];
        }
        let five = S::Scalar::from(5u64);
        // a = −5 − 2^k·b and a² − a + δ^k(b² − b) = 0.
        for k in 1..self.bits {
            let two = S::Scalar::from(2u64).pow([u64::from(k)]);
            let weight = self.delta.pow([u64::from(k)]);
            let square = two.square() + weight;
            let linear = two * (five + five + S::Scalar::one()) - weight;
            let constant = five.square() + five;
            let Some(root) = (linear.square() - S::Scalar::from(4u64) * square * constant).sqrt() else {
                continue;
            };
            let b = (root - linear) / square.double();
            let change = |slot, delta| Late::Slot {
                label: Label("slack", 0, 0),
                slot,
                delta,
            };
            return vec![change(0, -five - two * b), change(k as usize, b)];
        }
        vec![] // every discriminant without a root: once in 2^κ runs
    }
}

/// The slack is claimed to be zero; the products' first message carries, in the slot of an earlier round, what mends the norm.
struct Rewrites;

impl<S: Suite> Dishonest<S> for Rewrites {
    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<S::Scalar>) {
        if label.0 == "slack" {
            values.fill(S::Scalar::zero());
        }
    }

    fn rewrites(&self) -> Option<(Label, usize)> {
        Some((Label("gkr/round", 4, 0), 2)) // the norm's first coefficient in the leaf layer
    }
}

pub fn rewrites<S: Suite>() -> Hooks<S> {
    Some(Box::new(Rewrites))
}

/// The slack is zero; generators in a cross term shift a slot so that the sum comes out.
struct Smuggles;

impl<S: Suite> Dishonest<S> for Smuggles {
    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<S::Scalar>) {
        if label.0 == "slack" {
            values.fill(S::Scalar::zero());
        }
    }

    fn smuggles(&self) -> bool {
        true
    }
}

pub fn smuggles<S: Suite>() -> Hooks<S> {
    Some(Box::new(Smuggles))
}
