//! R9, receipt (spec/relations/receipt.md). Claim: to each of these inputs the committed head answers with this class: no class has a
//! higher logit. How far the class leads stays hidden: each lead is a number in bits, hence not negative.

use ark_ff::{PrimeField, Zero};

use super::{Context, Relation, Witness, absorb_context, check_opening};
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite};
use crate::recorder::{Lin, Recorder};
use crate::transcript::Label;

pub const NAME: &str = "receipt";

/// Leads of all receipts together, and what these take a class.
const MAX_LEADS: usize = 1 << 14;
const MAX_ROW_WEIGHTS: usize = 1 << 20;

/// What was asked, and the class that was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// p numbers, the last of them the bias.
    pub input: Vec<i8>,
    pub class: u32,
}

impl Answer {
    fn class(&self) -> usize {
        self.class as usize
    }
}

#[derive(Clone)]
pub struct Receipt<S: Suite> {
    pub context: Context,
    /// p, with the bias.
    pub features: u32,
    pub classes: u32,
    /// W is at scale 2^scale.
    pub scale: u32,
    pub answers: Vec<Answer>,
    /// W: one row point of p numbers a class.
    pub points: Vec<Affine<S>>,
}

impl<S: Suite> Receipt<S> {
    fn features(&self) -> usize {
        self.features as usize
    }

    fn classes(&self) -> usize {
        self.classes as usize
    }

    /// B: bits of a lead.
    fn lead_bits(&self) -> usize {
        self.scale as usize + 17
    }

    /// The classes other than the answered one, in order.
    fn rivals(&self, answer: &Answer) -> Vec<usize> {
        let own = answer.class();
        (0..self.classes()).filter(|k| *k != own).collect()
    }

    fn check_answer(&self, answer: &Answer) -> Result<()> {
        let in_range = answer.input.iter().all(|x| *x != i8::MIN);
        if answer.input.len() == self.features() && in_range && answer.class < self.classes {
            Ok(())
        } else {
            Err(Error::new(NAME, Stage::Statement, "refused input or class"))
        }
    }

    fn inputs(&self) -> Vec<u8> {
        let count = u32::try_from(self.answers.len()).unwrap_or(u32::MAX);
        let mut bytes = count.to_be_bytes().to_vec();
        for answer in &self.answers {
            bytes.extend(answer.input.iter().map(|x| x.cast_unsigned()));
            bytes.extend(answer.class.to_be_bytes());
        }
        bytes
    }

    /// Logits of an answer's input, the prover's.
    fn logits(&self, answer: &Answer, weights: &[i64]) -> Vec<i128> {
        let product = |(x, w): (&i8, &i64)| i128::from(*x) * i128::from(*w);
        weights
            .chunks(self.features())
            .map(|w| answer.input.iter().zip(w).map(product).sum())
            .collect()
    }

    /// Z_y − Z_k for each rival k, the prover's.
    fn leads(&self, answer: &Answer, weights: &[i64]) -> Vec<i128> {
        let logits = self.logits(answer, weights);
        let at = |k: usize| logits.get(k).copied().unwrap_or_default();
        let rivals = self.rivals(answer);
        rivals.iter().map(|k| at(answer.class()) - at(*k)).collect()
    }

    /// Step 2: the leads of one answer, as numbers in bits.
    fn commit_leads(
        &self,
        rec: &mut Recorder<S>,
        name: u32,
        count: usize,
        known: Option<&[i128]>,
    ) -> Result<Vec<Lin<S::Scalar>>> {
        let width = self.lead_bits();
        let at_once = rec.longest_message() / width;
        let mut leads = Vec::with_capacity(count);
        for (first, group) in (0..count).step_by(at_once).zip(0u32..) {
            let size = at_once.min(count - first);
            let make = || {
                let all = known.unwrap_or_default().iter();
                let own = all.skip(first).take(size);
                own.flat_map(|lead| bits_of(*lead, width)).collect()
            };
            let bits = rec.commit(Label("leads", name, group), size * width, make)?;
            for bits in bits.chunks(width) {
                leads.push(rec.number_in_bits("lead bit", bits));
            }
        }
        Ok(leads)
    }
}

/// The lowest bits, least significant first: of a negative number those of another one.
fn bits_of<F: PrimeField>(number: i128, width: usize) -> impl Iterator<Item = F> {
    (0..width).map(move |j| F::from((number >> j & 1).cast_unsigned()))
}

impl<S: Suite> Relation<S> for Receipt<S> {
    const NAME: &'static str = NAME;
    type Secret = Witness<S>;

    fn columns(&self) -> usize {
        self.features().clamp(2, 4096).next_power_of_two()
    }

    fn check(&self) -> Result<()> {
        let leads = self
            .answers
            .len()
            .saturating_mul(self.classes().saturating_sub(1));
        let ok = (2..=4096).contains(&self.features)
            && (2..=1024).contains(&self.classes)
            && self.scale <= 32
            && (1..=4096).contains(&self.answers.len())
            && leads <= MAX_LEADS
            && leads.saturating_mul(self.classes()) <= MAX_ROW_WEIGHTS;
        if !ok {
            let why = format!(
                "refused size: {} answers, {} features, {} classes, scale {}",
                self.answers.len(),
                self.features,
                self.classes,
                self.scale
            );
            return Err(Error::new(NAME, Stage::Statement, why));
        }
        if self.points.len() != self.classes() {
            return Err(Error::lengths(NAME, self.classes(), self.points.len()));
        }
        self.answers.iter().try_for_each(|a| self.check_answer(a))
    }

    fn record(&self, rec: &mut Recorder<S>, witness: Option<&Self::Secret>) -> Result<()> {
        absorb_context(rec, NAME, &self.context);
        let shape = [self.features, self.classes, self.scale].map(u32::to_be_bytes);
        rec.public("shape", shape.as_flattened());
        rec.public("inputs", &self.inputs());
        let weights = rec.statement_matrix("W", &self.points, witness.cloned())?;
        let mut all = Vec::with_capacity(self.answers.len());
        for (answer, name) in self.answers.iter().zip(0u32..) {
            let known = witness.map(|w| self.leads(answer, &w.values));
            let rivals = self.rivals(answer);
            let leads = self.commit_leads(rec, name, rivals.len(), known.as_deref())?;
            all.push((answer, rivals, leads));
        }
        for (answer, rivals, leads) in all {
            let input = answer.input.iter().map(|x| S::Scalar::from(*x)).collect();
            let columns = rec.column_weights(input);
            for (rival, lead) in rivals.into_iter().zip(leads) {
                let difference = |k: usize| match k {
                    k if k == answer.class() => S::Scalar::from(1u64),
                    k if k == rival => -S::Scalar::from(1u64),
                    _ => S::Scalar::zero(),
                };
                let rows = (0..self.classes()).map(difference).collect();
                rec.open("lead opening", weights, rows, columns, lead)?;
            }
        }
        Ok(())
    }

    fn holds(&self, witness: &Self::Secret) -> Result<()> {
        let fail = |why: &'static str| Error::new(NAME, Stage::Witness, why);
        check_opening::<S, i64>(&self.points, self.features(), &witness.values, &witness.blinds)
            .map_err(|_| fail("the weights do not open their commitment"))?;
        for answer in &self.answers {
            let leads = self.leads(answer, &witness.values);
            if leads.iter().any(|lead| *lead < 0) {
                return Err(fail("another class has a higher logit"));
            }
            if leads.iter().any(|lead| lead >> self.lead_bits() != 0) {
                return Err(fail("a logit is too large"));
            }
        }
        Ok(())
    }
}
