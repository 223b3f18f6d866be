//! From a logit at a point to claims on records and weights: steps 9 and 10 of spec/relations/optimum.md.

use ark_ff::{AdditiveGroup, PrimeField};

use super::{Digited, Head, Kept, Logits, Point, Weights, eq_first, first, last, padded};
use crate::commit::combine_rows;
use crate::error::{Error, Result};
use crate::group::Suite;
use crate::poly::{dot, eq_table};
use crate::recorder::{Lin, Recorder, RowSumId};
use crate::sumcheck::{Part, PlainTable, ProductTable, sumcheck};
use crate::transcript::Label;

/// A point of (class, record), and there what is left to open.
pub struct Reached<F: PrimeField> {
    pub at: Point<F>,
    pub records: RowSumId,
    /// Õ(κ, ρ).
    pub label: Lin<F>,
    /// Z̃(κ, ρ).
    pub logit: Lin<F>,
    /// The digits kept.
    pub digits: Vec<Digited<F>>,
}

/// Where a logit leads: θ, X̃(ρ, θ), W̃(κ, θ).
pub struct LogitEnd<F: PrimeField> {
    pub theta: Vec<F>,
    pub record: Lin<F>,
    pub weight: Lin<F>,
}

impl<S: Suite> Head<'_, S> {
    /// W̃(κ, j) for every feature j.
    pub fn combined(&self, weights: &[i64], at: &Point<S::Scalar>) -> Result<Vec<S::Scalar>> {
        let classes = eq_first(&at.class, self.size.classes());
        combine_rows(weights, self.size.features(), &classes)
    }

    /// Õ and Z̃ at a point, of the records' rows summed there; the prover's.
    pub fn label_and_logit(
        &self,
        row: &[S::Scalar],
        at: &Point<S::Scalar>,
        known: &Logits<'_>,
    ) -> Result<[S::Scalar; 2]> {
        let (x, label) = row.split_at(self.size.features().min(row.len()));
        Ok([
            dot(label, &eq_table(&at.class)),
            dot(x, &self.combined(&known.weights, at)?),
        ])
    }

    /// Commits to label, logit, digits and one value more at a point; `more` makes that of the records' rows summed there.
    pub fn ends(
        &self,
        rec: &mut Recorder<S>,
        message: &'static str,
        kept: &Kept,
        at: Point<S::Scalar>,
        known: Option<&Logits<'_>>,
        more: impl FnOnce(&[S::Scalar]) -> S::Scalar,
    ) -> Result<(Reached<S::Scalar>, Lin<S::Scalar>)> {
        let records = rec.sum_rows(self.records, eq_first(&at.rest, self.size.records()))?;
        let sums = self.sum_digits(rec, kept, &at)?;
        let mut values = Vec::new();
        if let Some(known) = known {
            let digits = self.digits_at(rec, &sums, &at)?;
            let row = rec.row_sum(records)?;
            values.extend(self.label_and_logit(row, &at, known)?);
            values.extend(digits);
            values.push(more(row));
        }
        let sent = rec.commit(message, sums.len() + 3, || values)?;
        let [label, logit, digits @ .., more] = sent.as_slice() else {
            return Err(Error::lengths("ends", 3, sent.len()));
        };
        let reached = Reached {
            at,
            records,
            label: label.clone(),
            logit: logit.clone(),
            digits: sums.into_iter().zip(digits.iter().cloned()).collect(),
        };
        Ok((reached, more.clone()))
    }

    /// The number that is kept in digits, at the point that was reached.
    pub fn number(&self, reached: &Reached<S::Scalar>) -> Lin<S::Scalar> {
        let half = S::Scalar::from(self.digits.half()) * self.inside(&reached.at);
        Lin::constant(half) + self.digits.joined(reached.digits.iter().map(|(_, digit)| digit))
    }

    /// Step 9.
    pub fn logit(
        &self,
        rec: &mut Recorder<S>,
        reached: &Reached<S::Scalar>,
        known: Option<&Logits<'_>>,
    ) -> Result<LogitEnd<S::Scalar>> {
        let p = self.size.features();
        let mut table = match known {
            Some(known) => {
                let row = rec.row_sum(reached.records)?;
                let x = row.get(..p).unwrap_or(row).to_vec();
                let w = self.combined(&known.weights, &reached.at)?;
                Some(ProductTable(padded(x, self.q()), padded(w, self.q())))
            }
            None => None,
        };
        let labels = ["logit/round", "logit/rho"];
        let (theta, s) = plain(rec, labels, self.q(), reached.logit.clone(), table.as_mut())?;
        let (record, weight) = if let Weights::Public(weights) = self.weights {
            let w = dot(&self.combined(weights, &reached.at)?, &eq_table(&theta));
            let x = rec.commit("logit/ends", 1, || ends_of(&table).into_iter().take(1).collect())?;
            (first(&x), Lin::constant(w))
        } else {
            let sent = rec.commit("logit/ends", 2, || ends_of(&table))?;
            (first(&sent), last(&sent))
        };
        rec.require_zero("logit", -s, vec![(record.clone(), weight.clone())]);
        Ok(LogitEnd {
            theta,
            record,
            weight,
        })
    }

    /// Step 10: the records' features at a column's point.
    pub fn open_features(
        &self,
        rec: &mut Recorder<S>,
        check: &'static str,
        records: RowSumId,
        column: &[S::Scalar],
        value: Lin<S::Scalar>,
    ) -> Result<()> {
        let mut weights = eq_first(column, self.size.features());
        weights.resize(self.size.width(), S::Scalar::ZERO);
        let columns = rec.column_weights(weights);
        rec.open_sum(check, records, columns, value)
    }

    /// Step 10: the records' labels at the point that was reached.
    pub fn open_label(&self, rec: &mut Recorder<S>, reached: &Reached<S::Scalar>) -> Result<()> {
        let mut weights = vec![S::Scalar::ZERO; self.size.features()];
        weights.extend(eq_first(&reached.at.class, self.size.classes()));
        let columns = rec.column_weights(weights);
        rec.open_sum("label opening", reached.records, columns, reached.label.clone())
    }

    /// Step 10: committed W at a class's and a column's point.
    pub fn open_weight(
        &self,
        rec: &mut Recorder<S>,
        class: &[S::Scalar],
        column: &[S::Scalar],
        value: Lin<S::Scalar>,
    ) -> Result<()> {
        let Some(rows) = self.weight_rows else {
            return Ok(());
        };
        let columns = rec.column_weights(eq_first(column, self.size.features()));
        let classes = eq_first(class, self.size.classes());
        rec.open("weight opening", rows, classes, columns, value)
    }
}

/// A plain claim alone: where it ends, and what the function is there.
pub fn plain<S: Suite>(
    rec: &mut Recorder<S>,
    [round, rho]: [&'static str; 2],
    variables: usize,
    claim: Lin<S::Scalar>,
    table: Option<&mut ProductTable<S::Scalar>>,
) -> Result<(Vec<S::Scalar>, Lin<S::Scalar>)> {
    let part = Part {
        variables,
        claim,
        prover: table.map(|t| t as &mut dyn PlainTable<_>),
    };
    let labels = (|i| Label(round, 0, i), |i| Label(rho, 0, i));
    let end = sumcheck(rec, labels, variables, &[], Vec::new(), Some(part))?;
    Ok((end.point, end.plain))
}

/// The two factors once everything is bound, the prover's.
pub fn ends_of<F: PrimeField>(table: &Option<ProductTable<F>>) -> Vec<F> {
    let ends = table
        .iter()
        .flat_map(|ProductTable(a, b)| a.first().into_iter().chain(b.first()));
    ends.copied().collect()
}
