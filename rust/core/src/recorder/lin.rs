//! Symbolic committed values: an affine form constant + Σ coefficient·slot over the slots of the committed messages.
//!
//! A verifier computes with these as if they were numbers. Forms add, and scale by public numbers; a product of two forms is
//! not a form and does not compile: hand it to `Recorder::require_zero`.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use ark_ff::PrimeField;

#[derive(Clone, Debug)]
pub struct Lin<F> {
    /// (slot, coefficient); a slot may occur more than once.
    pub(crate) terms: Vec<(usize, F)>,
    pub(crate) constant: F,
}

impl<F: PrimeField> Lin<F> {
    pub fn constant(value: F) -> Self {
        Self {
            terms: Vec::new(),
            constant: value,
        }
    }

    pub fn zero() -> Self {
        Self::constant(F::zero())
    }

    pub(crate) fn slot(slot: usize) -> Self {
        Self {
            terms: vec![(slot, F::one())],
            constant: F::zero(),
        }
    }

    /// Whether no committed value occurs: such a factor is folded into the linear part of a constraint.
    pub(crate) fn is_public(&self) -> bool {
        self.terms.is_empty()
    }

    /// The value, for the prover who knows all slots.
    pub(crate) fn evaluate(&self, values: &[F]) -> F {
        self.terms.iter().fold(self.constant, |sum, (slot, c)| {
            sum + values.get(*slot).map_or(F::zero(), |v| *c * v)
        })
    }

    /// self += other·k without an intermediate form.
    pub fn add_scaled(&mut self, other: &Self, k: F) {
        self.constant += other.constant * k;
        self.terms
            .extend(other.terms.iter().map(|(slot, c)| (*slot, *c * k)));
    }

    /// a + t·(b − a): the line through two committed values.
    pub fn between(a: &Self, b: &Self, t: F) -> Self {
        let mut out = a.clone() * (F::one() - t);
        out.add_scaled(b, t);
        out
    }
}

impl<F: PrimeField> AddAssign for Lin<F> {
    fn add_assign(&mut self, other: Self) {
        self.constant += other.constant;
        self.terms.extend(other.terms);
    }
}

impl<F: PrimeField> Add for Lin<F> {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl<F: PrimeField> Neg for Lin<F> {
    type Output = Self;
    fn neg(self) -> Self {
        self * -F::one()
    }
}

impl<F: PrimeField> Sub for Lin<F> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + (-other)
    }
}

impl<F: PrimeField> Mul<F> for Lin<F> {
    type Output = Self;
    fn mul(mut self, k: F) -> Self {
        self.constant *= k;
        for (_, c) in &mut self.terms {
            *c *= k;
        }
        self
    }
}
