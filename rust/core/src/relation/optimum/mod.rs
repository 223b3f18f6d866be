//! R5, optimum (spec/relations/optimum.md). Claim: W is, up to a bounded residual, the optimum of a stated convex objective on exactly
//! the committed records: Σ E² ≤ B2² for E = Λ·W − Xᵀ(Y∘max(0, M − Y∘XW)), or without the max for ridge.
//!
//! E is a function of what is committed, so it is not committed itself: its norm ends in one claim on it, that in one on the records' gradient,
//! that in claims at one point of the records. |V| is kept in digits, looked up; V² = |V|² ties it to the logits, and no sign is
//! needed, since max(0, V) = (V + |V|)/2.

mod digits;
mod integers;
mod protocol;

use std::sync::Arc;

use ark_ff::PrimeField;

use super::{Context, Relation, absorb_context, check_opening};
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite, encode_field};
use crate::recorder::{Recorder, Rows};
use integers::Integers;
use protocol::Protocol;

pub const NAME: &str = "optimum";

/// Features are integers at scale 2^5.
const FEATURE_SCALE: u32 = 5;

/// n, p (with the bias), c.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub records: u64,
    pub features: u32,
    pub classes: u32,
}

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

/// Numbers as Σ m^l·d_l with |d_l| ≤ bound, m = 2·bound + 1: all of [−(m^L − 1)/2, (m^L − 1)/2] and nothing else, each once.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    pub bound: u64,
    /// L: digits of a margin's absolute value; none for ridge.
    pub margins: u32,
    /// L_W: digits of an entry of W; none if it is public.
    pub weights: u32,
}

impl Digits {
    /// m.
    fn base(&self) -> u64 {
        2 * self.bound + 1
    }

    /// (m^count − 1)/2, if it is below 2^62.
    fn reach(&self, count: u32) -> Option<u64> {
        let power = self.base().checked_pow(count)?;
        Some(power / 2).filter(|reach| *reach < 1 << 62)
    }
}

/// W, class by class: as it is, or one row point a class.
#[derive(Clone)]
pub enum Weights<S: Suite> {
    Public(Vec<i64>),
    Committed(Vec<Affine<S>>),
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

/// What the prover knows.
pub struct Trained<F: PrimeField> {
    /// One row of p + c numbers a record.
    pub records: Arc<Rows<F, i8>>,
    /// One row of p numbers a class. Public weights have no blinds.
    pub weights: Arc<Rows<F>>,
}

impl Size {
    fn features(&self) -> usize {
        self.features as usize
    }

    fn classes(&self) -> usize {
        self.classes as usize
    }

    fn records(&self) -> usize {
        usize::try_from(self.records).unwrap_or(usize::MAX)
    }

    /// Entries of a record's row.
    fn width(&self) -> usize {
        self.features().saturating_add(self.classes())
    }

    /// q: log2 of the row length.
    fn column_bits(&self) -> usize {
        log2_ceil(self.width())
    }

    /// K.
    fn class_bits(&self) -> usize {
        log2_ceil(self.classes())
    }

    /// ν.
    fn record_bits(&self) -> usize {
        log2_ceil(self.records()).max(self.column_bits())
    }
}

/// ⌈log2 n⌉.
fn log2_ceil(n: usize) -> usize {
    n.checked_next_power_of_two()
        .map_or(usize::BITS, usize::trailing_zeros) as usize
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(NAME, Stage::Statement, why)
}

/// Whether the sizes and the objective's numbers, all but its bound, are such that one can compute with them.
fn check_numbers(size: &Size, objective: &Objective) -> Result<()> {
    let Size {
        records,
        features,
        classes,
    } = *size;
    let sizes = (1..=1 << 24).contains(&records)
        && features >= 2
        && (2..=1024).contains(&classes)
        && size.width() <= 4096
        && size.class_bits() + size.record_bits() <= 28;
    if !sizes {
        return Err(refused(format!(
            "refused size: {records} records of {features} features, {classes} classes"
        )));
    }
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
    fn committed(&self) -> bool {
        matches!(self.weights, Weights::Committed(_))
    }

    /// The largest |W| that the statement allows.
    fn max_weight(&self) -> u64 {
        if self.committed() {
            self.digits.reach(self.digits.weights).unwrap_or(0)
        } else {
            32 << self.objective.scale.min(32)
        }
    }

    fn check_digits(&self) -> Result<()> {
        let Digits {
            bound,
            margins,
            weights,
        } = self.digits;
        let used = |count: u32, wanted: bool, bits: u32| {
            let reach = self.digits.reach(count);
            if wanted {
                (1..=8).contains(&count) && reach.is_some_and(|reach| reach < 1 << bits)
            } else {
                count == 0
            }
        };
        // 2H < 2^60 and H_W < 2^50: with these nothing wraps.
        let hinge = self.objective.loss == Loss::SquaredHinge;
        let bounded = if hinge || self.committed() {
            1..=1 << 16
        } else {
            0..=0
        };
        if bounded.contains(&bound) && used(margins, hinge, 59) && used(weights, self.committed(), 50) {
            Ok(())
        } else {
            Err(refused(format!(
                "refused digits: {margins} and {weights} within ±{bound}"
            )))
        }
    }
}

impl<S: Suite> Relation<S> for Optimum<S> {
    const NAME: &'static str = NAME;
    type Secret = Trained<S::Scalar>;

    fn columns(&self) -> usize {
        1 << self.size.column_bits().min(12)
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
        self.check_digits()?;
        if self.records.len() != self.size.records() {
            return Err(Error::lengths(NAME, self.size.records(), self.records.len()));
        }
        match &self.weights {
            Weights::Committed(points) if points.len() != self.size.classes() => {
                Err(Error::lengths(NAME, self.size.classes(), points.len()))
            }
            Weights::Public(w) if w.len() != self.size.classes() * self.size.features() => Err(
                Error::lengths(NAME, self.size.classes() * self.size.features(), w.len()),
            ),
            Weights::Public(w) if w.iter().any(|w| w.unsigned_abs() > self.max_weight()) => {
                Err(refused("a weight is out of range"))
            }
            _ => Ok(()),
        }
    }

    fn record(&self, rec: &mut Recorder<S>, witness: Option<&Self::Secret>) -> Result<()> {
        absorb_context(rec, NAME, &self.context);
        let Size {
            records,
            features,
            classes,
        } = self.size;
        let size = [
            &records.to_be_bytes()[..],
            &features.to_be_bytes(),
            &classes.to_be_bytes(),
        ];
        rec.public("shape", &size.concat());
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
        let Digits {
            bound,
            margins,
            weights,
        } = self.digits;
        rec.public(
            "digits",
            &[
                &bound.to_be_bytes()[..],
                &margins.to_be_bytes(),
                &weights.to_be_bytes(),
            ]
            .concat(),
        );
        if let Weights::Public(w) = &self.weights {
            let bytes: Vec<u8> = w.iter().flat_map(|w| w.to_be_bytes()).collect();
            rec.public("weights", &bytes);
        }
        let known = witness.map(|w| Arc::clone(&w.records));
        let records = rec.statement_matrix("records", &self.records, known)?;
        let weights = match &self.weights {
            Weights::Committed(points) => {
                let known = witness.map(|w| Arc::clone(&w.weights));
                Some(rec.statement_matrix("W", points, known)?)
            }
            Weights::Public(_) => None,
        };
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
            records,
            weights,
            integers,
        }
        .run(rec)
    }

    fn holds(&self, witness: &Self::Secret) -> Result<()> {
        let fail = |why: &'static str| Error::new(NAME, Stage::Witness, why);
        let (records, weights) = (&witness.records, &witness.weights);
        let opens =
            check_opening::<S, i8>(&self.records, self.size.width(), &records.values, &records.blinds);
        opens.map_err(|_| fail("the records do not open their commitments"))?;
        match &self.weights {
            Weights::Public(w) if *w != weights.values => {
                return Err(fail("other weights than the statement's"));
            }
            Weights::Public(_) => {}
            Weights::Committed(points) => {
                check_opening::<S, i64>(points, self.size.features(), &weights.values, &weights.blinds)
                    .map_err(|_| fail("the weights do not open their commitment"))?;
            }
        }
        if weights
            .values
            .iter()
            .any(|w| w.unsigned_abs() > self.max_weight())
        {
            return Err(fail("a weight is out of range"));
        }
        let integers = Integers::new(&self.size, &self.objective, witness)?;
        let reach = self.digits.reach(self.digits.margins).unwrap_or(0);
        if self.objective.loss == Loss::SquaredHinge && integers.largest_margin() > 2 * reach {
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
