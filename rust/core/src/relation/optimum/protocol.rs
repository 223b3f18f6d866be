//! The steps of spec/relations/optimum.md, one function each, in its letters.

use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};

use super::digits::Kept;
use super::integers::Integers;
use super::{FEATURE_SCALE, Loss, Optimum, Weights};
use crate::commit::{combine_columns, combine_rows};
use crate::error::Result;
use crate::fractions::MarginTable;
use crate::group::Suite;
use crate::poly::{below, dot, eq_table};
use crate::range;
use crate::recorder::{Lin, MatrixId, Recorder, RowSumId};
use crate::sumcheck::{LinearTable, Part, PlainTable, ProductTable, WeightedTable, sumcheck};
use crate::transcript::Label;

pub struct Protocol<'a, S: Suite> {
    pub statement: &'a Optimum<S>,
    pub records: MatrixId,
    /// The rows of committed W.
    pub weights: Option<MatrixId>,
    /// The prover's.
    pub integers: Option<Integers<'a>>,
}

/// A point of (class, record) or (class, column).
struct Point<F> {
    class: Vec<F>,
    rest: Vec<F>,
}

impl<F: PrimeField> Point<F> {
    fn new(mut class: Vec<F>, class_bits: usize) -> Self {
        let rest = class.split_off(class_bits.min(class.len()));
        Self { class, rest }
    }

    fn joined(&self) -> Vec<F> {
        [&self.class[..], &self.rest].concat()
    }
}

/// What is known after the loss: a point of (class, record), and there what of the records is left to open.
struct Reached<F: PrimeField> {
    at: Point<F>,
    records: RowSumId,
    /// X̃(ρ, u).
    gradient: Lin<F>,
    /// Õ(κ, ρ).
    label: Lin<F>,
    /// Z̃(κ, ρ).
    logit: Lin<F>,
    /// The margins' digits: sums of their rows, and what they hold.
    digits: Vec<(RowSumId, Lin<F>)>,
}

/// eq(point, ·), its first `count` entries.
fn eq_first<F: PrimeField>(point: &[F], count: usize) -> Vec<F> {
    let mut table = eq_table(point);
    table.truncate(count);
    table
}

fn padded<F: PrimeField>(mut values: Vec<F>, bits: usize) -> Vec<F> {
    values.resize(1 << bits, F::zero());
    values
}

impl<S: Suite> Protocol<'_, S> {
    pub(super) fn q(&self) -> usize {
        self.statement.size.column_bits()
    }

    pub(super) fn class_bits(&self) -> usize {
        self.statement.size.class_bits()
    }

    pub(super) fn record_bits(&self) -> usize {
        self.statement.size.record_bits()
    }

    /// The number 1 at the logits' scale.
    fn one(&self) -> S::Scalar {
        S::Scalar::from(1u64 << (FEATURE_SCALE + self.statement.objective.scale))
    }

    fn hinge(&self) -> bool {
        self.statement.objective.loss == Loss::SquaredHinge
    }

    /// eq of the last q coordinates of a record's point, for every column of a row of digits.
    fn low_columns(&self, at: &Point<S::Scalar>) -> Vec<S::Scalar> {
        let low = self.record_bits() - self.q();
        eq_table(at.rest.get(low..).unwrap_or_default())
    }

    /// Ĩ: the extension of what is 1 where there are a class and a record.
    fn inside(&self, at: &Point<S::Scalar>) -> S::Scalar {
        let size = &self.statement.size;
        below(&at.class, u64::from(size.classes)).0 * below(&at.rest, size.records).0
    }

    pub fn run(&self, rec: &mut Recorder<S>) -> Result<()> {
        let kept = self.columns(rec)?;
        let residual = self.slack(rec)?;
        let found = if kept.looked.is_empty() {
            None
        } else {
            Some(range::look_up(rec, &kept.looked, &kept.counts, self.q(), None)?)
        };
        let (at, e) = self.norm(rec, residual)?;
        let omega = self.weights_at(rec, "weights/at", &at)?;
        let projected = self
            .integers
            .as_ref()
            .map(|known| self.projected(known, &at.rest));
        let claim = omega.clone() * self.regularisation() - e;
        let (r, x_r, a) = self.gradient(rec, &at, claim, projected.as_deref())?;
        let at_r = Point {
            class: at.class.clone(),
            rest: r,
        };
        let reached = if self.hinge() {
            self.squared_hinge(rec, &kept, (&at.rest, projected), at_r, x_r, a)?
        } else {
            self.ridge(rec, at_r, x_r, &a)?
        };
        let (theta, x_theta, omega_theta) = self.logits(rec, &reached)?;
        self.open_records(rec, &reached, &at.rest, &theta, x_theta)?;
        if let Some(rows) = self.weights {
            let theta = Point {
                class: reached.at.class.clone(),
                rest: theta,
            };
            for (at, value) in [(&at, omega), (&theta, omega_theta)] {
                let columns = rec.column_weights(eq_first(&at.rest, self.statement.size.features()));
                let classes = eq_first(&at.class, self.statement.size.classes());
                rec.open("weight opening", rows, classes, columns, value)?;
            }
        }
        let low = self.low_columns(&reached.at);
        self.open_digits(rec, low, &reached.digits)?;
        match found {
            Some(found) => self.open_look_ups(rec, &kept, &found),
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
        let variables = self.class_bits() + self.q();
        let mut table = self.integers.as_ref().map(|known| {
            let mut e = vec![S::Scalar::ZERO; 1 << variables];
            let rows = known.residual.chunks(self.statement.size.features());
            for (to, from) in e.chunks_mut(1 << self.q()).zip(rows) {
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
        Ok((Point::new(point, self.class_bits()), e))
    }

    /// W̃: a number, or a committed one.
    fn weights_at(
        &self,
        rec: &mut Recorder<S>,
        label: &'static str,
        at: &Point<S::Scalar>,
    ) -> Result<Lin<S::Scalar>> {
        let known = match (&self.statement.weights, &self.integers) {
            (Weights::Public(w), _) => {
                return Ok(Lin::constant(dot(&self.combined(w, at)?, &eq_table(&at.rest))));
            }
            (Weights::Committed(_), Some(known)) => {
                dot(&self.combined(&known.weights, at)?, &eq_table(&at.rest))
            }
            (Weights::Committed(_), None) => S::Scalar::ZERO,
        };
        Ok(first(&rec.commit(label, 1, || vec![known])?))
    }

    /// W̃(κ, j) for every feature j.
    fn combined(&self, weights: &[i64], at: &Point<S::Scalar>) -> Result<Vec<S::Scalar>> {
        let size = &self.statement.size;
        combine_rows(weights, size.features(), &eq_first(&at.class, size.classes()))
    }

    /// Step 7: r, X̃(r, u), Ã(v, r).
    fn gradient(
        &self,
        rec: &mut Recorder<S>,
        at: &Point<S::Scalar>,
        claim: Lin<S::Scalar>,
        projected: Option<&[S::Scalar]>,
    ) -> Result<(Vec<S::Scalar>, Lin<S::Scalar>, Lin<S::Scalar>)> {
        let bits = self.record_bits();
        let mut table = match self.integers.as_ref().zip(projected) {
            Some((known, projected)) => {
                let classes = eq_first(&at.class, self.statement.size.classes());
                let pulls = combine_rows(&known.pulls, known.stride, &classes)?;
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
        Ok((r, x, a))
    }

    /// X̃(i, u) for every record i.
    fn projected(&self, known: &Integers<'_>, u: &[S::Scalar]) -> Vec<S::Scalar> {
        let size = &self.statement.size;
        let weights = eq_first(u, size.features());
        let projected = combine_columns(known.rows, size.width(), &weights);
        padded(projected, self.record_bits())
    }

    /// Step 8, ridge: A = One·Y − Z is linear.
    fn ridge(
        &self,
        rec: &mut Recorder<S>,
        at: Point<S::Scalar>,
        x: Lin<S::Scalar>,
        a: &Lin<S::Scalar>,
    ) -> Result<Reached<S::Scalar>> {
        let records = rec.sum_rows(self.records, eq_first(&at.rest, self.statement.size.records()))?;
        let known = self.label_and_logit(rec, records, &at)?;
        let sent = rec.commit("ridge/ends", 2, || known)?;
        let (label, logit) = (first(&sent), last(&sent));
        let y = label.clone() * S::Scalar::from(2u64) - Lin::constant(self.inside(&at));
        rec.require_zero("ridge", a.clone() - y * self.one() + logit.clone(), vec![]);
        Ok(Reached {
            at,
            records,
            gradient: x,
            label,
            logit,
            digits: Vec::new(),
        })
    }

    /// Õ and Z̃ at a point, the prover's.
    fn label_and_logit(
        &self,
        rec: &mut Recorder<S>,
        records: RowSumId,
        at: &Point<S::Scalar>,
    ) -> Result<Vec<S::Scalar>> {
        let Some(known) = &self.integers else {
            return Ok(Vec::new());
        };
        let row = rec.row_sum(records)?;
        let (x, label) = row.split_at(self.statement.size.features().min(row.len()));
        Ok(vec![
            dot(label, &eq_table(&at.class)),
            dot(x, &self.combined(&known.weights, at)?),
        ])
    }

    /// Step 8, squared hinge: N = |V|, and A = Y·(V + N)/2.
    fn squared_hinge(
        &self,
        rec: &mut Recorder<S>,
        kept: &Kept,
        (u, projected): (&[S::Scalar], Option<Vec<S::Scalar>>),
        anchor: Point<S::Scalar>,
        x_r: Lin<S::Scalar>,
        a: Lin<S::Scalar>,
    ) -> Result<Reached<S::Scalar>> {
        let (size, digits) = (&self.statement.size, &self.statement.digits);
        let (bits, one) = (self.record_bits(), self.one());
        let variables = self.class_bits() + bits;
        let gamma = rec.challenge("hinge/gamma", 2 + variables);
        let mut tables = self.integers.as_ref().zip(projected).map(|(known, projected)| {
            let columns = [&known.labels[..], &known.logits, &known.margins];
            let projected = LinearTable {
                values: projected,
                weight: gamma.square(),
            };
            (MarginTable::new(columns, one, gamma), projected)
        });
        let (margins, projected) = match &mut tables {
            Some((m, p)) => (
                Some(m as &mut dyn WeightedTable<_>),
                Some(p as &mut dyn WeightedTable<_>),
            ),
            None => (None, None),
        };
        let everywhere = gamma * one.square() * self.inside(&anchor);
        let parts = vec![
            Part {
                variables,
                claim: a - Lin::constant(everywhere),
                prover: margins,
            },
            Part {
                variables: bits,
                claim: x_r * gamma.square(),
                prover: projected,
            },
        ];
        let labels = (|i| Label("hinge/round", 0, i), |i| Label("hinge/rho", 0, i));
        let end = sumcheck(rec, labels, variables, &anchor.joined(), parts, None)?;
        let at = Point::new(end.point, self.class_bits());

        let records = rec.sum_rows(self.records, eq_first(&at.rest, size.records()))?;
        let mut known = self.label_and_logit(rec, records, &at)?;
        let columns = self.low_columns(&at);
        let mut digit_sums = Vec::new();
        for rows in &kept.margins {
            digit_sums.push(rec.sum_rows(*rows, self.digit_rows(&at.joined()))?);
        }
        if self.integers.is_some() {
            for sum in &digit_sums {
                known.push(dot(rec.row_sum(*sum)?, &columns));
            }
            let row = rec.row_sum(records)?;
            known.push(dot(&row[..size.features()], &eq_table(u)));
        }
        let sent = rec.commit("hinge/ends", digit_sums.len() + 3, || known)?;
        let [label, logit, digit_ends @ .., gradient] = sent.as_slice() else {
            return Err(crate::error::Error::lengths(super::NAME, 3, sent.len()));
        };
        let inside = self.inside(&at);
        let y = label.clone() * S::Scalar::from(2u64) - Lin::constant(inside);
        let reach = digits.reach(digits.margins).unwrap_or(0);
        let n = Lin::constant(inside * S::Scalar::from(reach)) + digits.joined(digit_ends);
        let half = S::Scalar::from(2u64).inverse().unwrap_or_default();
        let linear =
            (y.clone() * one - logit.clone()) * half + gradient.clone() * gamma.square() - end.weighted;
        let with_label = n.clone() * half - logit.clone() * (gamma.double() * one);
        rec.require_zero(
            "hinge",
            linear,
            vec![
                (y, with_label),
                (logit.clone(), logit.clone() * gamma),
                (n.clone(), n * -gamma),
            ],
        );
        Ok(Reached {
            at,
            records,
            gradient: gradient.clone(),
            label: label.clone(),
            logit: logit.clone(),
            digits: digit_sums.into_iter().zip(digit_ends.iter().cloned()).collect(),
        })
    }

    /// Step 9: θ, X̃(ρ, θ), W̃(κ, θ).
    #[allow(clippy::type_complexity, reason = "a point and two forms")]
    fn logits(
        &self,
        rec: &mut Recorder<S>,
        reached: &Reached<S::Scalar>,
    ) -> Result<(Vec<S::Scalar>, Lin<S::Scalar>, Lin<S::Scalar>)> {
        let p = self.statement.size.features();
        let mut table = match &self.integers {
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
        let (x, w) = if let Weights::Public(weights) = &self.statement.weights {
            let at = Point {
                class: reached.at.class.clone(),
                rest: theta.clone(),
            };
            let w = dot(&self.combined(weights, &at)?, &eq_table(&theta));
            let x = rec.commit("logit/ends", 1, || ends_of(&table).into_iter().take(1).collect())?;
            (first(&x), Lin::constant(w))
        } else {
            let sent = rec.commit("logit/ends", 2, || ends_of(&table))?;
            (first(&sent), last(&sent))
        };
        rec.require_zero("logit", -s, vec![(x.clone(), w.clone())]);
        Ok((theta, x, w))
    }

    /// Step 10: everything about the records is one sum of their rows.
    fn open_records(
        &self,
        rec: &mut Recorder<S>,
        reached: &Reached<S::Scalar>,
        u: &[S::Scalar],
        theta: &[S::Scalar],
        x_theta: Lin<S::Scalar>,
    ) -> Result<()> {
        let size = &self.statement.size;
        let of_features = |point: &[S::Scalar]| {
            let mut weights = eq_first(point, size.features());
            weights.resize(size.width(), S::Scalar::ZERO);
            weights
        };
        let mut of_labels = vec![S::Scalar::ZERO; size.features()];
        of_labels.extend(eq_first(&reached.at.class, size.classes()));
        for (check, columns, value) in [
            ("gradient opening", of_features(u), reached.gradient.clone()),
            ("logit opening", of_features(theta), x_theta),
            ("label opening", of_labels, reached.label.clone()),
        ] {
            let columns = rec.column_weights(columns);
            rec.open_sum(check, reached.records, columns, value)?;
        }
        Ok(())
    }
}

fn scalar_from_i128<F: PrimeField>(v: i128) -> F {
    let magnitude = F::from(v.unsigned_abs());
    if v < 0 { -magnitude } else { magnitude }
}

fn first<F: PrimeField>(forms: &[Lin<F>]) -> Lin<F> {
    forms.first().cloned().unwrap_or_else(Lin::zero)
}

fn last<F: PrimeField>(forms: &[Lin<F>]) -> Lin<F> {
    forms.last().cloned().unwrap_or_else(Lin::zero)
}

/// A plain claim alone: where it ends, and what the function is there.
fn plain<S: Suite>(
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
fn ends_of<F: PrimeField>(table: &Option<ProductTable<F>>) -> Vec<F> {
    let ends = table
        .iter()
        .flat_map(|ProductTable(a, b)| a.first().into_iter().chain(b.first()));
    ends.copied().collect()
}
