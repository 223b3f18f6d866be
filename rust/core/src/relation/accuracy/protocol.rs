//! The steps of spec/relations/accuracy.md, in its letters.

use ark_ff::{AdditiveGroup, Field};

use super::Accuracy;
use super::count::Count;
use crate::error::Result;
use crate::fractions::TwoProducts;
use crate::group::{Suite, scalar_from_i64};
use crate::poly::eq_table;
use crate::range;
use crate::recorder::{Lin, MatrixId, Recorder};
use crate::relation::head::{Head, Kept, LogitEnd, Reached, eq_first, first, max_public_weight};
use crate::sumcheck::{Part, WeightedTable, sumcheck};
use crate::transcript::Label;

pub struct Protocol<'a, S: Suite> {
    pub statement: &'a Accuracy<S>,
    pub head: Head<'a, S>,
    /// The prover's.
    pub count: Option<Count<'a>>,
}

/// What step 5 leaves, beside what the head's own steps open.
struct After<F: ark_ff::PrimeField> {
    /// r, t̃(r).
    top: (Vec<F>, Lin<F>),
    reached: Reached<F>,
    /// b̃(ρ).
    bit: Lin<F>,
}

impl<S: Suite> Protocol<'_, S> {
    pub fn run(&self, rec: &mut Recorder<S>) -> Result<()> {
        let head = &self.head;
        let known = self.count.as_ref();
        let correct = self.by_record(rec, "correct", 2, known.map(|c| &c.bits[..]))?;
        let top = self.by_record(rec, "top", self.top_bits(), known.map(|c| &c.tops[..]))?;
        let leads = self.count.as_ref().map(|count| (&count.of, &count.leads[..]));
        let kept = head.columns(rec, leads)?;
        let found = range::look_up(rec, &kept.looked, &kept.counts, head.q(), None)?;
        let after = self.leads(rec, &kept)?;
        let known = self.count.as_ref().map(|count| &count.of);
        let LogitEnd {
            theta,
            record,
            weight,
        } = head.logit(rec, &after.reached, known)?;

        let reached = &after.reached;
        head.open_features(rec, "logit opening", reached.records, &theta, record)?;
        head.open_label(rec, reached)?;
        head.open_weight(rec, &reached.at.class, &theta, weight)?;
        let columns = rec.column_weights(head.low_columns(&reached.at.rest));
        head.open_digits(rec, reached, columns)?;
        rec.open(
            "correct opening",
            correct,
            self.rows(&reached.at.rest),
            columns,
            after.bit,
        )?;
        let (r, t_r) = after.top;
        let columns = rec.column_weights(head.low_columns(&r));
        rec.open("top opening", top, self.rows(&r), columns, t_r)?;
        let columns = rec.column_weights(vec![S::Scalar::ONE; 1 << head.q()]);
        let all = vec![S::Scalar::ONE; self.row_count()];
        let total = Lin::constant(S::Scalar::from(self.statement.correct));
        rec.open("total opening", correct, all, columns, total)?;
        head.open_look_ups(rec, &kept, &found)
    }

    /// Rows of one number a record.
    fn row_count(&self) -> usize {
        self.statement.size.records().div_ceil(1 << self.head.q())
    }

    /// eq of the coordinates before the last q, for every such row.
    fn rows(&self, at: &[S::Scalar]) -> Vec<S::Scalar> {
        let high = self.head.record_bits() - self.head.q();
        eq_first(at.get(..high).unwrap_or_default(), self.row_count())
    }

    /// Bits that hold every logit, and a sign; a prover computes in 64.
    fn top_bits(&self) -> u32 {
        let size = &self.statement.size;
        let weight = if self.head.weights.committed() {
            1 << 50
        } else {
            max_public_weight(self.statement.scale)
        };
        let most = u128::from(weight) * 127 * u128::from(size.features);
        (u128::BITS - most.leading_zeros() + 1).min(64)
    }

    /// Step 2: a matrix of one number a record.
    fn by_record(
        &self,
        rec: &mut Recorder<S>,
        label: &'static str,
        bits: u32,
        column: Option<&[i64]>,
    ) -> Result<MatrixId> {
        let (rows, columns) = (self.row_count(), 1 << self.head.q());
        rec.commit_matrix(label, rows, columns, bits, || {
            let mut values = column.map(<[i64]>::to_vec).unwrap_or_default();
            values.resize(rows * columns, 0);
            values
        })
    }

    /// Steps 4 and 5: every lead follows from its bit, its record's top and its logit, and bits are bits.
    fn leads(&self, rec: &mut Recorder<S>, kept: &Kept) -> Result<After<S::Scalar>> {
        let head = &self.head;
        let bits = head.record_bits();
        let variables = head.class_bits() + bits;
        let tau = (0u32..).take(variables);
        let tau: Vec<_> = tau
            .map(|i| rec.challenge(Label("accuracy/tau", 0, i), 1))
            .collect();
        let anchor = head.point(tau);
        let of_records = |column: &[i64], at: &[S::Scalar]| {
            let eq = eq_table(at);
            let each = column.iter().zip(&eq);
            each.map(|(v, eq)| scalar_from_i64::<S::Scalar>(*v) * eq).sum()
        };
        let top = rec.commit("accuracy/top", 1, || {
            let count = self.count.iter();
            count.map(|count| of_records(&count.tops, &anchor.rest)).collect()
        })?;
        let gamma = rec.challenge("accuracy/gamma", 2);
        let square = gamma.square();
        let mut tables = self.count.as_ref().map(|count| self.tables(count, gamma));
        let (leads, are_bits) = match &mut tables {
            Some([l, b]) => (
                Some(l as &mut dyn WeightedTable<_>),
                Some(b as &mut dyn WeightedTable<_>),
            ),
            None => (None, None),
        };
        let parts = vec![
            Part {
                variables,
                claim: first(&top) * head.classes_inside(&anchor),
                prover: leads,
            },
            Part {
                variables: bits,
                claim: Lin::zero(),
                prover: are_bits,
            },
        ];
        let labels = (|i| Label("accuracy/round", 0, i), |i| Label("accuracy/rho", 0, i));
        let end = sumcheck(rec, labels, variables, &anchor.joined(), parts, None)?;
        let at = head.point(end.point);
        let bit_there = self.count.as_ref().map(|count| of_records(&count.bits, &at.rest));
        let known = self.count.as_ref().map(|count| &count.of);
        let more = |_: &[S::Scalar]| bit_there.unwrap_or_default();
        let (reached, bit) = head.ends(rec, "accuracy/ends", kept, at, known, more)?;

        let at = &reached.at;
        let rival = reached.logit.clone() + Lin::constant(head.inside(at)) - reached.label.clone();
        let is_bit = (bit.clone() - Lin::constant(head.records_inside(at))) * square;
        let own = Lin::constant(S::Scalar::ONE) + reached.label.clone() * gamma;
        rec.require_zero(
            "accuracy",
            -end.weighted,
            vec![
                (head.number(&reached), own),
                (bit.clone(), rival * head.classes_inside(at) + is_bit),
            ],
        );
        Ok(After {
            top: (anchor.rest, first(&top)),
            reached,
            bit,
        })
    }

    /// D·(1 + γO) + b·(Z + I − O) by class and record, and γ²·b·(b − J) by record.
    fn tables(&self, count: &Count<'_>, gamma: S::Scalar) -> [TwoProducts<S::Scalar>; 2] {
        let (zero, one) = (S::Scalar::ZERO, S::Scalar::ONE);
        let square = gamma.square();
        let Count { of, bits, leads, .. } = count;
        let nowhere = [zero, one, zero, zero];
        let of_leads = TwoProducts::new(leads.len(), nowhere, zero, |at| {
            let Some(bit) = bits.get(at % of.stride) else {
                return nowhere;
            };
            let label = of.labels[at] == 1;
            [
                scalar_from_i64(leads[at]),
                if label { one + gamma } else { one },
                scalar_from_i64(*bit),
                scalar_from_i64(of.logits[at] + i64::from(!label)),
            ]
        });
        let of_bits = TwoProducts::new(bits.len(), [zero; 4], zero, |at| {
            let bit: S::Scalar = scalar_from_i64(bits[at]);
            [bit * square, bit - one, zero, zero]
        });
        [of_leads, of_bits]
    }
}
