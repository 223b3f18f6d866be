//! R6, accuracy (spec/relations/accuracy.md). Claim: a linear head classifies at least so many of these records correctly; a tie is wrong.
//!
//! A bit says which records count. Where one does, its class leads all others: each lead, less one, is kept in digits that are looked up, so it
//! is not negative. The logit that leads is what makes the record's own class lead itself by nothing.

mod count;
mod protocol;

use ark_ff::PrimeField;

use super::head::{self, Digits, Head, Size, Trained, Weights, max_public_weight};
use super::{Context, Relation, absorb_context};
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite};
use crate::recorder::Recorder;
use count::Count;
use protocol::Protocol;

pub const NAME: &str = "accuracy";

#[derive(Clone)]
pub struct Accuracy<S: Suite> {
    pub context: Context,
    pub size: Size,
    /// W is at scale 2^scale.
    pub scale: u32,
    /// T: at least so many records are classified correctly.
    pub correct: u64,
    /// Of leads; none of weights.
    pub digits: Digits,
    /// One point a record: features, bias, one-hot label. In range, as an authority attests.
    pub records: Vec<Affine<S>>,
    /// In range, as a proof of the same weights' optimum shows.
    pub weights: Weights<S>,
}

impl<S: Suite> Relation<S> for Accuracy<S> {
    const NAME: &'static str = NAME;
    type Secret = Trained<S::Scalar>;

    fn columns(&self) -> usize {
        self.size.columns()
    }

    fn check(&self) -> Result<()> {
        self.size.check(NAME)?;
        // |Z| < 2^69 and leads are below 2^60: equal modulo r is equal.
        if self.scale > 32
            || !(1..=self.size.records).contains(&self.correct)
            || S::Scalar::MODULUS_BIT_SIZE <= 250
        {
            let why = format!(
                "refused claim: {} of {} records, scale {}",
                self.correct, self.size.records, self.scale
            );
            return Err(Error::new(NAME, Stage::Statement, why));
        }
        self.digits.check(NAME, [true, false])?;
        if self.records.len() != self.size.records() {
            return Err(Error::lengths(NAME, self.size.records(), self.records.len()));
        }
        self.weights
            .check(NAME, &self.size, max_public_weight(self.scale))
    }

    fn record(&self, rec: &mut Recorder<S>, witness: Option<&Self::Secret>) -> Result<()> {
        absorb_context(rec, NAME, &self.context);
        rec.public("shape", &self.size.encode());
        let claim = [&self.scale.to_be_bytes()[..], &self.correct.to_be_bytes()];
        rec.public("claim", &claim.concat());
        rec.public("digits", &self.digits.encode());
        let head = Head::absorb(
            rec,
            &self.size,
            &self.digits,
            &self.records,
            &self.weights,
            witness,
        )?;
        #[allow(unused_mut, reason = "only a dishonest prover changes it")]
        let mut count = witness
            .map(|w| Count::new(&self.size, &self.digits, self.correct, w))
            .transpose()?;
        #[cfg(feature = "drop-checks")]
        if let (Some(known), Some(d)) = (&mut count, rec.dishonest()) {
            known.cheat(d.as_mut());
        }
        Protocol {
            statement: self,
            head,
            count,
        }
        .run(rec)
    }

    fn holds(&self, witness: &Self::Secret) -> Result<()> {
        head::opens(NAME, &self.size, &self.records, &self.weights, witness)?;
        let count = Count::new(&self.size, &self.digits, self.correct, witness)?;
        if count.correct() < self.correct {
            let why = "fewer records are classified correctly";
            return Err(Error::new(NAME, Stage::Witness, why));
        }
        Ok(())
    }
}

/// How many records a head classifies correctly, as far as leads that `digits` hold show. Errors where numbers are too large to compute with.
pub fn correct<F: PrimeField>(size: &Size, digits: &Digits, trained: &Trained<F>) -> Result<u64> {
    size.check(NAME)?;
    digits.check(NAME, [true, false])?;
    Ok(Count::new(size, digits, size.records, trained)?.correct())
}
