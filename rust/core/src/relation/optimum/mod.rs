//! R5, optimum (spec/relations/optimum.md). Claim: W is, up to a bounded residual, the optimum of a stated convex objective on exactly
//! the committed records: Σ E² ≤ B2² for E = Λ·W − Xᵀ(Y∘max(0, M − Y∘XW)), or without the max for ridge.
//!
//! E is a function of what is committed, so it is not committed itself: its norm ends in one claim on it, that in one on the records' gradient,
//! that in claims at one point of the records. |V| is kept in digits, looked up; V² = |V|² ties it to the logits, and no sign is
//! needed, since max(0, V) = (V + |V|)/2.

mod hinge;
mod integers;
mod protocol;

use ark_ff::PrimeField;

use super::head::{self, Digits, Head, Size, Trained, Weights, max_public_weight};
use super::{Context, Relation, absorb_context};
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite, encode_field};
use crate::recorder::Recorder;
use integers::Integers;
use protocol::Protocol;

pub const NAME: &str = "optimum";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Ridge,
    SquaredHinge,
}

/// What is minimised, and how near to the optimum W is.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    pub loss: Loss,
    /// W is at scale 2^scale.
    pub scale: u32,
    /// Λ = λ·2^10.
    pub regularisation: u64,
    /// B2²: the exact bound on Σ E².
    pub max_residual_squared: u128,
}

#[derive(Clone)]
pub struct Optimum<S: Suite> {
    pub context: Context,
    pub size: Size,
    pub objective: Objective,
    pub digits: Digits,
    /// One point a record: features, bias, one-hot label. In range, as an authority attests.
    pub records: Vec<Affine<S>>,
    pub weights: Weights<S>,
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(NAME, Stage::Statement, why)
}

/// Whether the sizes and the objective's numbers, all but its bound, are such that one can compute with them.
fn check_numbers(size: &Size, objective: &Objective) -> Result<()> {
    size.check(NAME)?;
    let Objective {
        scale,
        regularisation,
        ..
    } = *objective;
    if scale <= 32 && (1..=1 << 40).contains(&regularisation) {
        Ok(())
    } else {
        Err(refused(format!(
            "refused objective: scale {scale}, regularisation {regularisation}"
        )))
    }
}

impl<S: Suite> Optimum<S> {
    /// The largest |W| that the statement allows.
    fn max_weight(&self) -> u64 {
        if self.weights.committed() {
            self.digits.reach(self.digits.weights).unwrap_or(0)
        } else {
            max_public_weight(self.objective.scale)
        }
    }

    fn hinge(&self) -> bool {
        self.objective.loss == Loss::SquaredHinge
    }
}

impl<S: Suite> Relation<S> for Optimum<S> {
    const NAME: &'static str = NAME;
    type Secret = Trained<S::Scalar>;

    fn columns(&self) -> usize {
        self.size.columns()
    }

    fn check(&self) -> Result<()> {
        check_numbers(&self.size, &self.objective)?;
        let bound = self.objective.max_residual_squared;
        // With |x| ≤ 127, as attested, Σ E² + 2^κ < 2^226 + 2^120 < r: the page has the sum.
        if !((1..1 << 120).contains(&bound) && S::Scalar::MODULUS_BIT_SIZE > 250) {
            return Err(refused(format!(
                "refused bound: a squared residual up to {bound}"
            )));
        }
        self.digits
            .check(NAME, [self.hinge(), self.weights.committed()])?;
        if self.records.len() != self.size.records() {
            return Err(Error::lengths(NAME, self.size.records(), self.records.len()));
        }
        self.weights.check(NAME, &self.size, self.max_weight())
    }

    fn record(&self, rec: &mut Recorder<S>, witness: Option<&Self::Secret>) -> Result<()> {
        absorb_context(rec, NAME, &self.context);
        rec.public("shape", &self.size.encode());
        let Objective {
            loss,
            scale,
            regularisation,
            max_residual_squared,
        } = self.objective;
        rec.public("loss", &[u8::from(loss == Loss::SquaredHinge)]);
        let bound = encode_field(S::Scalar::from(max_residual_squared));
        rec.public(
            "objective",
            &[&scale.to_be_bytes()[..], &regularisation.to_be_bytes(), &bound].concat(),
        );
        rec.public("digits", &self.digits.encode());
        let head = Head::absorb(
            rec,
            &self.size,
            &self.digits,
            &self.records,
            &self.weights,
            witness,
        )?;
        #[allow(unused_mut, reason = "only a dishonest prover changes them")]
        let mut integers = witness
            .map(|w| Integers::new(&self.size, &self.objective, w))
            .transpose()?;
        #[cfg(feature = "drop-checks")]
        if let (Some(known), Some(d)) = (&mut integers, rec.dishonest()) {
            known.cheat(&self.size, &self.objective, d.as_mut())?;
        }
        Protocol {
            statement: self,
            head,
            integers,
        }
        .run(rec)
    }

    fn holds(&self, witness: &Self::Secret) -> Result<()> {
        let fail = |why: &'static str| Error::new(NAME, Stage::Witness, why);
        head::opens(NAME, &self.size, &self.records, &self.weights, witness)?;
        let within = |w: &i64| w.unsigned_abs() <= self.max_weight();
        if !witness.weights.values.iter().all(within) {
            return Err(fail("a weight is out of range"));
        }
        let integers = Integers::new(&self.size, &self.objective, witness)?;
        if self.hinge() && integers.largest_margin() > self.digits.most() {
            return Err(fail("a logit is too large"));
        }
        if integers.residual_squared() > self.objective.max_residual_squared {
            return Err(fail("the weights are not near enough to the optimum"));
        }
        Ok(())
    }
}

/// Σ E² of weights on rows: what an objective's bound is compared with; none if it is 2^128 or more. Errors where numbers are too large to
/// compute with.
pub fn residual_squared<F: PrimeField>(
    size: &Size,
    objective: &Objective,
    trained: &Trained<F>,
) -> Result<Option<u128>> {
    check_numbers(size, objective)?;
    let squared = Integers::new(size, objective, trained)?.residual_squared();
    Ok(Some(squared).filter(|s| *s < u128::MAX))
}
