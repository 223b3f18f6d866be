//! The steps of spec/relations/optimum.md, one function each, in its letters.

use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};

use super::integers::Integers;
use super::{Loss, Optimum};
use crate::commit::{combine_columns, combine_rows};
use crate::error::Result;
use crate::group::Suite;
use crate::poly::{dot, eq_table};
use crate::range;
use crate::recorder::{Lin, Recorder};
use crate::relation::head::{
    FEATURE_SCALE, Head, LogitEnd, Logits, Point, Reached, Weights, ends_of, eq_first, first, last, padded,
    plain,
};
use crate::sumcheck::ProductTable;

pub struct Protocol<'a, S: Suite> {
    pub statement: &'a Optimum<S>,
    pub head: Head<'a, S>,
    /// The prover's.
    pub integers: Option<Integers<'a>>,
}

/// What the gradient's sumcheck leaves: a point (v, r), Ã(v, r) and X̃(r, u).
pub(super) struct Claims<F: PrimeField> {
    pub anchor: Point<F>,
    pub pull: Lin<F>,
    pub gradient: Lin<F>,
}

/// What is known after the loss.
pub(super) struct After<F: PrimeField> {
    pub reached: Reached<F>,
    /// X̃(ρ, u).
    pub gradient: Lin<F>,
}

impl<S: Suite> Protocol<'_, S> {
    pub(super) fn logits(&self) -> Option<&Logits<'_>> {
        self.integers.as_ref().map(|known| &known.of)
    }

    /// The number 1 at the logits' scale.
    pub(super) fn one(&self) -> S::Scalar {
        S::Scalar::from(1u64 << (FEATURE_SCALE + self.statement.objective.scale))
    }

    fn hinge(&self) -> bool {
        self.statement.objective.loss == Loss::SquaredHinge
    }

    pub fn run(&self, rec: &mut Recorder<S>) -> Result<()> {
        let margins = self
            .integers
            .as_ref()
            .map(|known| (&known.of, &known.margins[..]));
        let kept = self.head.columns(rec, margins)?;
        let residual = self.slack(rec)?;
        let found = if kept.looked.is_empty() {
            None
        } else {
            Some(range::look_up(
                rec,
                &kept.looked,
                &kept.counts,
                self.head.q(),
                None,
            )?)
        };
        let (at, e) = self.norm(rec, residual)?;
        let omega = self.weights_at(rec, &at)?;
        let projected = self
            .integers
            .as_ref()
            .map(|known| self.projected(known, &at.rest));
        let claim = omega.clone() * self.regularisation() - e;
        let claims = self.gradient(rec, &at, claim, projected.as_deref())?;
        let After { reached, gradient } = if self.hinge() {
            self.squared_hinge(rec, &kept, &at.rest, projected, claims)?
        } else {
            self.ridge(rec, claims)?
        };
        let end = self.head.logit(rec, &reached, self.logits())?;
        let LogitEnd {
            theta,
            record,
            weight,
        } = end;
        for (check, column, value) in [
            ("gradient opening", &at.rest, gradient),
            ("logit opening", &theta, record),
        ] {
            let records = reached.records;
            self.head.open_features(rec, check, records, column, value)?;
        }
        self.head.open_label(rec, &reached)?;
        self.head.open_weight(rec, &at.class, &at.rest, omega)?;
        self.head.open_weight(rec, &reached.at.class, &theta, weight)?;
        if !reached.digits.is_empty() {
            let columns = rec.column_weights(self.head.low_columns(&reached.at.rest));
            self.head.open_digits(rec, &reached, columns)?;
        }
        match found {
            Some(found) => self.head.open_look_ups(rec, &kept, &found),
            None => Ok(()),
        }
    }

    fn regularisation(&self) -> S::Scalar {
        S::Scalar::from(self.statement.objective.regularisation)
    }

    /// Step 3: Σ E², as the bound less a slack that is not negative.
    fn slack(&self, rec: &mut Recorder<S>) -> Result<Lin<S::Scalar>> {
        let bound = self.statement.objective.max_residual_squared;
        let bits = u128::BITS - bound.leading_zeros();
        let bound = S::Scalar::from(bound);
        let slack = rec.range_bits("slack bit", "slack", bits, || {
            let residual = self
                .integers
                .as_ref()
                .map(|i| &i.residual[..])
                .unwrap_or_default();
            let squared: S::Scalar = residual
                .iter()
                .map(|e| scalar_from_i128::<S::Scalar>(*e).square())
                .sum();
            let slack = (bound - squared).into_bigint();
            let bit = |i| S::Scalar::from(u64::from(slack.get_bit(i)));
            (0..bits as usize).map(bit).collect()
        })?;
        Ok(Lin::constant(bound) - slack)
    }

    /// Step 5: where Σ E² leads, and E there.
    fn norm(
        &self,
        rec: &mut Recorder<S>,
        squared: Lin<S::Scalar>,
    ) -> Result<(Point<S::Scalar>, Lin<S::Scalar>)> {
        let variables = self.head.class_bits() + self.head.q();
        let mut table = self.integers.as_ref().map(|known| {
            let mut e = vec![S::Scalar::ZERO; 1 << variables];
            let rows = known.residual.chunks(self.statement.size.features());
            for (to, from) in e.chunks_mut(1 << self.head.q()).zip(rows) {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = scalar_from_i128(*from);
                }
            }
            ProductTable(e.clone(), e)
        });
        let (point, s) = plain(
            rec,
            ["norm/round", "norm/rho"],
            variables,
            squared,
            table.as_mut(),
        )?;
        let ends = rec.commit("norm/end", 1, || ends_of(&table).into_iter().take(1).collect())?;
        let e = first(&ends);
        rec.require_zero("norm", -s, vec![(e.clone(), e.clone())]);
        Ok((self.head.point(point), e))
    }

    /// Step 6: W̃, a number or a committed one.
    fn weights_at(&self, rec: &mut Recorder<S>, at: &Point<S::Scalar>) -> Result<Lin<S::Scalar>> {
        let known = match (&self.statement.weights, &self.integers) {
            (Weights::Public(w), _) => {
                return Ok(Lin::constant(dot(
                    &self.head.combined(w, at)?,
                    &eq_table(&at.rest),
                )));
            }
            (Weights::Committed(_), Some(known)) => {
                dot(&self.head.combined(&known.of.weights, at)?, &eq_table(&at.rest))
            }
            (Weights::Committed(_), None) => S::Scalar::ZERO,
        };
        Ok(first(&rec.commit("weights/at", 1, || vec![known])?))
    }

    /// Step 7.
    fn gradient(
        &self,
        rec: &mut Recorder<S>,
        at: &Point<S::Scalar>,
        claim: Lin<S::Scalar>,
        projected: Option<&[S::Scalar]>,
    ) -> Result<Claims<S::Scalar>> {
        let bits = self.head.record_bits();
        let mut table = match self.integers.as_ref().zip(projected) {
            Some((known, projected)) => {
                let classes = eq_first(&at.class, self.statement.size.classes());
                let pulls = combine_rows(&known.pulls, known.of.stride, &classes)?;
                Some(ProductTable(projected.to_vec(), padded(pulls, bits)))
            }
            None => None,
        };
        let (r, s) = plain(
            rec,
            ["gradient/round", "gradient/rho"],
            bits,
            claim,
            table.as_mut(),
        )?;
        let ends = rec.commit("gradient/ends", 2, || ends_of(&table))?;
        let (x, a) = (first(&ends), last(&ends));
        rec.require_zero("gradient", -s, vec![(x.clone(), a.clone())]);
        Ok(Claims {
            anchor: Point {
                class: at.class.clone(),
                rest: r,
            },
            pull: a,
            gradient: x,
        })
    }

    /// X̃(i, u) for every record i.
    fn projected(&self, known: &Integers<'_>, u: &[S::Scalar]) -> Vec<S::Scalar> {
        let size = &self.statement.size;
        let weights = eq_first(u, size.features());
        let projected = combine_columns(known.of.rows, size.width(), &weights);
        padded(projected, self.head.record_bits())
    }

    /// Step 8, ridge: A = One·Y − Z is linear.
    fn ridge(&self, rec: &mut Recorder<S>, claims: Claims<S::Scalar>) -> Result<After<S::Scalar>> {
        let Claims {
            anchor: at,
            pull,
            gradient,
        } = claims;
        let records = rec.sum_rows(
            self.head.records,
            eq_first(&at.rest, self.statement.size.records()),
        )?;
        let mut known = Vec::new();
        if let Some(logits) = self.logits() {
            let row = rec.row_sum(records)?;
            known.extend(self.head.label_and_logit(row, &at, logits)?);
        }
        let sent = rec.commit("ridge/ends", 2, || known)?;
        let (label, logit) = (first(&sent), last(&sent));
        let y = label.clone() * S::Scalar::from(2u64) - Lin::constant(self.head.inside(&at));
        rec.require_zero("ridge", pull - y * self.one() + logit.clone(), vec![]);
        Ok(After {
            reached: Reached {
                at,
                records,
                label,
                logit,
                digits: Vec::new(),
            },
            gradient,
        })
    }
}

fn scalar_from_i128<F: PrimeField>(v: i128) -> F {
    let magnitude = F::from(v.unsigned_abs());
    if v < 0 { -magnitude } else { magnitude }
}
