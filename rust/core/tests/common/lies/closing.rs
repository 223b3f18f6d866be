//! Provers that lie in the closing argument, about whatever is false before it.

use ark_ff::{AdditiveGroup, Field, One, Zero};
use fedproof_core::group::{Suite, encode_field};
use fedproof_core::recorder::dishonest::Dishonest;
use fedproof_core::transcript::{Label, Transcript};

use super::{Hooks, Knows};

/// A norm five above its bound, the slack zero. Follows what the products' claim then lies off.
struct Gap<F> {
    /// The norm's number among the products.
    number: u64,
    rho: Vec<F>,
    delta: F,
    sigma: Vec<F>,
}

impl<F: Field> Gap<F> {
    fn new() -> Self {
        Self {
            number: 0,
            rho: Vec::new(),
            delta: F::zero(),
            sigma: Vec::new(),
        }
    }

    fn message(&mut self, label: Label, v: &mut [F]) {
        if label.0 == "slack" {
            v.fill(F::zero());
            self.number = v.len() as u64 + 5;
        }
    }

    fn challenge(&mut self, label: Label, value: F) {
        match label {
            Label("gkr/rho", 4, _) => self.rho.push(value),
            Label("products/delta", ..) => self.delta = value,
            Label("products/sigma", ..) => self.sigma.push(value),
            _ => {}
        }
    }

    /// The true sum of the products, less the claimed one, after the rounds so far.
    fn now(&self) -> F {
        let rounds: F = self.rho.iter().chain(&self.sigma).product();
        self.delta.pow([self.number]) * F::from(5u64) * rounds
    }
}

struct ProductsAfterSigma<F>(Knows, Gap<F>);

impl<S: Suite> Dishonest<S> for ProductsAfterSigma<S::Scalar> {
    fn message(&mut self, label: Label, transcript: &Transcript, v: &mut Vec<S::Scalar>) {
        self.1.message(label, v);
        if label == Label("products/round", 0, 0) {
            let sigma = self.0.short::<S>(transcript, Label("products/sigma", 0, 0));
            v[0] += sigma * self.1.now() / (S::Scalar::one() - sigma.double());
        }
    }

    fn challenge(&mut self, label: Label, value: S::Scalar) {
        self.1.challenge(label, value);
    }
}

pub fn products_after_sigma<S: Suite>(knows: Knows) -> Hooks<S> {
    Some(Box::new(ProductsAfterSigma(knows, Gap::new())))
}

struct MasksAfterE<F>(Knows, Gap<F>);

impl<S: Suite> Dishonest<S> for MasksAfterE<S::Scalar> {
    fn message(&mut self, label: Label, transcript: &Transcript, v: &mut Vec<S::Scalar>) {
        self.1.message(label, v);
        if label.0 == "product/masks" {
            v[3] += self.0.short::<S>(transcript, "product/e".into()) * self.1.now();
        }
    }

    fn challenge(&mut self, label: Label, value: S::Scalar) {
        self.1.challenge(label, value);
    }
}

pub fn masks_after_e<S: Suite>(knows: Knows) -> Hooks<S> {
    Some(Box::new(MasksAfterE(knows, Gap::new())))
}

/// One of the masked factors.
#[derive(Clone, Copy)]
pub enum Factor {
    U,
    V,
}

/// Solves one of the masked factors so that the last of the three constraints holds.
struct SolvesFactor(Factor);

impl<S: Suite> Dishonest<S> for SolvesFactor {
    fn masked(&mut self, _: &Transcript, e: S::Scalar, gap: S::Scalar, [u, v]: &mut [S::Scalar; 2]) {
        match self.0 {
            Factor::U => *u += e * e * gap / *v,
            Factor::V => *v += e * e * gap / *u,
        }
    }
}

pub fn solves_factor<S: Suite>(factor: Factor) -> Hooks<S> {
    Some(Box::new(SolvesFactor(factor)))
}

/// Where the prover of the masked factors has η from.
#[derive(Clone, Copy)]
pub enum Eta {
    /// The factor that it solves is not absorbed.
    Ahead,
    One,
    /// η is e.
    E,
}

/// Solves one of the masked factors so that η joins the three false constraints to a true one.
struct FactorForEta(Factor, Eta);

impl<S: Suite> Dishonest<S> for FactorForEta {
    fn masked(&mut self, transcript: &Transcript, e: S::Scalar, gap: S::Scalar, [u, v]: &mut [S::Scalar; 2]) {
        let eta: S::Scalar = match self.1 {
            Eta::Ahead => {
                let mut ahead = transcript.clone();
                match self.0 {
                    Factor::U => ahead.absorb("product/v", &encode_field(*v)),
                    Factor::V => ahead.absorb("product/u", &encode_field(*u)),
                }
                ahead.full("combine/eta")
            }
            Eta::One => S::Scalar::one(),
            Eta::E => e,
        };
        let (one, gap) = (S::Scalar::one(), eta.square() * e * e * gap);
        match self.0 {
            Factor::U => *u += gap / (one + eta.square() * *v),
            Factor::V => *v += gap / (eta + eta.square() * *u),
        }
    }
}

pub fn factor_for_eta<S: Suite>(factor: Factor, eta: Eta) -> Hooks<S> {
    Some(Box::new(FactorForEta(factor, eta)))
}

/// The linear statement is false; a cross term of the first merge, or of the first round, pays for it.
struct CrossAfterE {
    challenge: &'static str,
    terms: [&'static str; 2],
    /// Which of the two pays.
    pays: usize,
    knows: Knows,
}

impl<S: Suite> Dishonest<S> for CrossAfterE {
    fn cross(
        &mut self,
        challenge: Label,
        transcript: &Transcript,
        encoded: [&[u8]; 2],
        error: S::Scalar,
    ) -> [S::Scalar; 2] {
        let mut shifts = [S::Scalar::zero(); 2];
        if challenge == Label(self.challenge, 0, 0) {
            let mut ahead = transcript.clone();
            for (term, bytes) in self.terms.into_iter().zip(encoded) {
                ahead.absorb(term, bytes);
            }
            let e = self.knows.short::<S>(&ahead, challenge);
            shifts[self.pays] = if self.pays == 0 { -e * error } else { -error / e };
        }
        shifts
    }
}

/// The low (0) or the high term (1) of the first merge pays.
pub fn merge_after_e<S: Suite>(pays: usize, knows: Knows) -> Hooks<S> {
    Some(Box::new(CrossAfterE {
        challenge: "merge/e",
        terms: ["merge/low", "merge/high"],
        pays,
        knows,
    }))
}

/// The low (0) or the high term (1) of the inner product's first round pays.
pub fn round_after_e<S: Suite>(pays: usize, knows: Knows) -> Hooks<S> {
    Some(Box::new(CrossAfterE {
        challenge: "ipa/e",
        terms: ["ipa/low", "ipa/high"],
        pays,
        knows,
    }))
}

/// What the simulator does, without programming anything: the last point is solved after the last challenge.
struct NonceAfterE(Knows);

impl<S: Suite> Dishonest<S> for NonceAfterE {
    fn last_challenge(&mut self, transcript: &Transcript) -> Option<S::Scalar> {
        Some(self.0.short::<S>(transcript, "schnorr/e".into()))
    }
}

pub fn nonce_after_e<S: Suite>(knows: Knows) -> Hooks<S> {
    Some(Box::new(NonceAfterE(knows)))
}

/// Knows a component of the first row on the generator after its columns.
struct Foreign<F>(F);

impl<S: Suite> Dishonest<S> for Foreign<S::Scalar> {
    fn foreign(&self) -> Option<S::Scalar> {
        Some(self.0)
    }
}

pub fn foreign<S: Suite>(component: S::Scalar) -> Hooks<S> {
    Some(Box::new(Foreign(component)))
}
