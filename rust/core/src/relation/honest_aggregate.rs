//! R2, honest aggregate (spec/relations/honest-aggregate.md). With X at hand: Σ w_k·C_k = C(X; ρ), one multi-scalar
//! multiplication per row. Without it: knowledge of an opening of Σ w_k·C_k, a plain opening bound to all of its terms.

use super::plain_opening::{opening, padding};
use super::{Context, Relation, Shape, Witness, absorb_context, check_opening, opens};
use crate::commit::combine_matrices;
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite, encode_rows};
use crate::recorder::Recorder;
use crate::transcript::Label;

pub const NAME: &str = "honest aggregate";

/// Weighted commitments and their sum.
pub struct HonestAggregate<S: Suite> {
    pub context: Context,
    pub shape: Shape,
    pub weights: Vec<u64>,
    /// Per client: ceil(d / columns) rows.
    pub commitments: Vec<Vec<Affine<S>>>,
}

impl<S: Suite> HonestAggregate<S> {
    fn combined(&self) -> Result<Vec<Affine<S>>> {
        combine_matrices::<S>(&self.commitments, &self.weights)
    }

    /// Σ w_k·C_k = C(values; blinds), for those who hold the result: refuses, or returns nothing.
    pub fn verify_sum(&self, values: &[i64], blinds: &[S::Scalar]) -> Result<()> {
        let check = || {
            self.check()?;
            if values.len() as u64 != self.shape.d {
                return Err(Error::lengths(
                    NAME,
                    usize::try_from(self.shape.d).unwrap_or(usize::MAX),
                    values.len(),
                ));
            }
            let combined = self.combined()?;
            check_opening::<S, i64>(&combined, self.shape.columns(), values, blinds).map_err(|e| {
                match e.stage {
                    Stage::Opening => Error::new(
                        NAME,
                        Stage::Argument,
                        "the result is not the sum of the accepted updates",
                    ),
                    _ => e,
                }
            })
        };
        check().map_err(|e: Error| e.within(NAME))
    }
}

impl<S: Suite> Relation<S> for HonestAggregate<S> {
    const NAME: &'static str = NAME;
    type Secret = Witness<S>;

    fn columns(&self) -> usize {
        self.shape.columns()
    }

    fn check(&self) -> Result<()> {
        if self.weights.len() != self.commitments.len() || self.weights.is_empty() {
            return Err(Error::lengths(
                NAME,
                self.commitments.len().max(1),
                self.weights.len(),
            ));
        }
        let total = self
            .weights
            .iter()
            .try_fold(0u64, |sum, w| sum.checked_add(*w).filter(|_| *w >= 1));
        if total != Some(self.context.weight) {
            return Err(Error::new(
                NAME,
                Stage::Statement,
                "weights are not positive or not the stated total",
            ));
        }
        self.commitments
            .iter()
            .try_for_each(|c| self.shape.check(NAME, c.len()))
    }

    fn record(&self, rec: &mut Recorder<S>, witness: Option<&Witness<S>>) -> Result<()> {
        absorb_context(rec, NAME, &self.context);
        rec.public("shape", &self.shape.encode());
        rec.public(
            "terms",
            &u32::try_from(self.weights.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        for ((weight, points), k) in self.weights.iter().zip(&self.commitments).zip(0u32..) {
            rec.public(Label("term", k, 0), &weight.to_be_bytes());
            rec.public(Label("term/rows", k, 0), &encode_rows::<S>(points));
        }
        let sum = rec.derived_matrix(&self.combined()?, witness.cloned());
        opening(rec, &self.shape, sum)?;
        padding(rec, &self.shape, sum)
    }

    fn holds(&self, witness: &Witness<S>) -> Result<()> {
        opens::<S>(&self.combined()?, &self.shape, witness)
    }
}
