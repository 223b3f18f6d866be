//! A number for each class and record, and committed weights, in digits that are looked up: step 2 of spec/relations/optimum.md, and the
//! openings of it.

use std::sync::Arc;

use ark_ff::PrimeField;

use super::{Head, Logits, Point, Reached};
use crate::error::{Error, Result, Stage};
use crate::group::Suite;
use crate::poly::{dot, eq_table};
use crate::range::{self, Looked, signed_bits};
use crate::recorder::{ColumnsId, Lin, MatrixId, Recorder, RowSumId};
use crate::transcript::Label;

/// Numbers as Σ m^l·d_l with |d_l| ≤ bound, m = 2·bound + 1: all of [−(m^L − 1)/2, (m^L − 1)/2] and nothing else, each once.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    pub bound: u64,
    /// L: digits of a margin's absolute value, or of a lead; none for ridge.
    pub margins: u32,
    /// L_W: digits of an entry of W; none if it is public, or known to be in range.
    pub weights: u32,
}

/// The digits of margins and of committed weights, committed to and counted.
pub(crate) struct Kept {
    pub margins: Vec<MatrixId>,
    /// Those of W above the lowest.
    pub limbs: Vec<MatrixId>,
    pub looked: Vec<Looked>,
    pub counts: range::Counts,
}

/// The sum of a digit's rows at a point of (class, record), and what it holds there.
pub(crate) type Digited<F> = (RowSumId, Lin<F>);

impl Digits {
    /// m.
    fn base(&self) -> u64 {
        2 * self.bound + 1
    }

    /// (m^count − 1)/2, if it is below 2^62.
    pub(in crate::relation) fn reach(&self, count: u32) -> Option<u64> {
        let power = self.base().checked_pow(count)?;
        Some(power / 2).filter(|reach| *reach < 1 << 62)
    }

    /// 2H: the largest number that is kept in digits.
    pub(in crate::relation) fn most(&self) -> u64 {
        2 * self.half()
    }

    /// H: a number is kept as what it is more than H.
    pub(in crate::relation) fn half(&self) -> u64 {
        self.reach(self.margins).unwrap_or(0)
    }

    /// Digits where they are wanted, none where not, and so few that nothing wraps: 2H < 2^60 and H_W < 2^50.
    pub(in crate::relation) fn check(
        &self,
        subject: &'static str,
        [margins, weights]: [bool; 2],
    ) -> Result<()> {
        let used = |count: u32, wanted: bool, bits: u32| {
            if wanted {
                (1..=8).contains(&count) && self.reach(count).is_some_and(|reach| reach < 1 << bits)
            } else {
                count == 0
            }
        };
        let bounds = if margins || weights { 1..=1 << 16 } else { 0..=0 };
        if bounds.contains(&self.bound) && used(self.margins, margins, 59) && used(self.weights, weights, 50)
        {
            return Ok(());
        }
        let why = format!(
            "refused digits: {} and {} within ±{}",
            self.margins, self.weights, self.bound
        );
        Err(Error::new(subject, Stage::Statement, why))
    }

    pub(in crate::relation) fn encode(&self) -> Vec<u8> {
        [
            &self.bound.to_be_bytes()[..],
            &self.margins.to_be_bytes(),
            &self.weights.to_be_bytes(),
        ]
        .concat()
    }

    /// Σ m^l·d_l.
    pub(in crate::relation) fn joined<'a, F: PrimeField>(
        &self,
        digits: impl IntoIterator<Item = &'a Lin<F>>,
    ) -> Lin<F> {
        let (mut sum, mut power) = (Lin::zero(), F::one());
        for digit in digits {
            sum.add_scaled(digit, power);
            power *= F::from(self.base());
        }
        sum
    }
}

impl<S: Suite> Head<'_, S> {
    /// Step 2. known: logits, and beside them the numbers to keep, at least 0 and at most 2H where there is a record.
    pub fn columns(&self, rec: &mut Recorder<S>, known: Option<(&Logits<'_>, &[i64])>) -> Result<Kept> {
        let (size, digits) = (self.size, self.digits);
        let columns = 1usize << self.q();
        let width = signed_bits(digits.bound);
        let mut looked = Vec::new();
        let mut margins = Vec::new();
        let half = digits.half().cast_signed();
        let rows_of_class = size.records().div_ceil(columns);
        let mut of_margins = known.map(|(logits, numbers)| {
            let inside = |at: usize| at % logits.stride < size.records();
            let kept = numbers.iter().enumerate();
            // Where there is no record all digits are zero.
            let numbers = kept.map(|(at, n)| if inside(at) { n - half } else { 0 });
            in_digits(numbers, digits.bound, digits.margins).into_iter()
        });
        for l in 0..digits.margins {
            let values = of_margins.as_mut().and_then(Iterator::next);
            let values = looked_up(rec, Label("digit", l, 0), values);
            let rows = || {
                let values = values.as_deref().map(Vec::as_slice).unwrap_or_default();
                let mut rows = vec![0; size.classes() * rows_of_class * columns];
                let classes = rows.chunks_mut(rows_of_class * columns);
                for (to, from) in classes.zip(values.chunks(1 << self.record_bits())) {
                    for (to, from) in to.iter_mut().zip(from) {
                        *to = *from;
                    }
                }
                rows
            };
            margins.push(rec.commit_matrix(
                Label("digit", l, 0),
                size.classes() * rows_of_class,
                columns,
                width,
                rows,
            )?);
            looked.push(Looked {
                depth: self.class_bits() + self.record_bits(),
                bound: digits.bound,
                values,
            });
        }
        let mut limbs = Vec::new();
        let mut of_weights = known.map(|(logits, _)| {
            let rows = logits.weights.chunks(size.features());
            let numbers = rows.flat_map(|row| {
                let rest = std::iter::repeat_n(&0, columns - row.len());
                row.iter().chain(rest).copied()
            });
            in_digits(numbers, digits.bound, digits.weights).into_iter()
        });
        for l in 0..digits.weights {
            let values = of_weights.as_mut().and_then(Iterator::next);
            let values = looked_up(rec, Label("limb", l, 0), values);
            if l > 0 {
                let rows = || values.as_deref().cloned().unwrap_or_default();
                limbs.push(rec.commit_matrix(Label("limb", l, 0), size.classes(), columns, width, rows)?);
            }
            looked.push(Looked {
                depth: self.class_bits() + self.q(),
                bound: digits.bound,
                values,
            });
        }
        let counts = range::count(rec, &looked, self.q())?;
        Ok(Kept {
            margins,
            limbs,
            looked,
            counts,
        })
    }

    /// eq of the coordinates before the last q, for every row of a margin's digits.
    pub fn digit_rows(&self, point: &[S::Scalar]) -> Vec<S::Scalar> {
        let per_class = 1usize << (self.record_bits() - self.q());
        let used = self.size.records().div_ceil(1 << self.q());
        let all = eq_table(
            point
                .get(..point.len().saturating_sub(self.q()))
                .unwrap_or_default(),
        );
        let classes = all.chunks(per_class).take(self.size.classes());
        classes.flat_map(|rows| rows.iter().take(used)).copied().collect()
    }

    /// eq of the last q coordinates of a record's point, for every column of a row of digits.
    pub fn low_columns(&self, point: &[S::Scalar]) -> Vec<S::Scalar> {
        eq_table(point.get(self.record_bits() - self.q()..).unwrap_or_default())
    }

    /// Sums of the digits' rows at a point of (class, record).
    pub fn sum_digits(
        &self,
        rec: &mut Recorder<S>,
        kept: &Kept,
        at: &Point<S::Scalar>,
    ) -> Result<Vec<RowSumId>> {
        let point = at.joined();
        let sums = kept
            .margins
            .iter()
            .map(|rows| rec.sum_rows(*rows, self.digit_rows(&point)));
        sums.collect()
    }

    /// What those sums hold there, the prover's.
    pub fn digits_at(
        &self,
        rec: &mut Recorder<S>,
        sums: &[RowSumId],
        at: &Point<S::Scalar>,
    ) -> Result<Vec<S::Scalar>> {
        let columns = self.low_columns(&at.rest);
        let each = sums.iter().map(|sum| Ok(dot(rec.row_sum(*sum)?, &columns)));
        each.collect()
    }

    /// Step 10: the digits at the point that was reached; `columns` has [`Self::low_columns`] of it.
    pub fn open_digits(
        &self,
        rec: &mut Recorder<S>,
        reached: &Reached<S::Scalar>,
        columns: ColumnsId,
    ) -> Result<()> {
        for (sum, value) in &reached.digits {
            rec.open_sum("digit opening", *sum, columns, value.clone())?;
        }
        Ok(())
    }

    /// Step 10: all that was looked up.
    pub fn open_look_ups(
        &self,
        rec: &mut Recorder<S>,
        kept: &Kept,
        found: &range::Found<S::Scalar>,
    ) -> Result<()> {
        let (size, digits) = (self.size, self.digits);
        let columns = rec.column_weights(found.column_weights(self.q()));
        let (margins, weights) = found.values.split_at(kept.margins.len().min(found.values.len()));
        let depth = self.class_bits() + self.record_bits();
        let end = found
            .point
            .get(found.point.len().saturating_sub(depth)..)
            .unwrap_or_default();
        for (rows, value) in kept.margins.iter().zip(margins) {
            rec.open(
                "look-up opening",
                *rows,
                self.digit_rows(end),
                columns,
                value.clone(),
            )?;
        }
        if let Some(rows) = self.weight_rows.filter(|_| digits.weights > 0) {
            let mut classes = found.row_weights(self.class_bits() + self.q(), self.q());
            classes.truncate(size.classes());
            let w = digits.joined(weights);
            rec.open("weight look-up opening", rows, classes.clone(), columns, w)?;
            for (rows, value) in kept.limbs.iter().zip(weights.iter().skip(1)) {
                rec.open("limb opening", *rows, classes.clone(), columns, value.clone())?;
            }
        }
        found.open_counts(rec, &kept.looked, &kept.counts, self.q(), columns)
    }
}

/// A digit's numbers as they are committed to and looked up.
#[cfg_attr(
    not(feature = "drop-checks"),
    allow(unused_variables, reason = "only a dishonest prover is asked")
)]
fn looked_up<S: Suite>(
    rec: &mut Recorder<S>,
    label: Label,
    values: Option<Vec<i64>>,
) -> Option<Arc<Vec<i64>>> {
    values.map(|values| {
        #[cfg(feature = "drop-checks")]
        let values = {
            let mut values = values;
            if let Some(d) = rec.dishonest() {
                d.looked_up(label, &mut values);
            }
            values
        };
        Arc::new(values)
    })
}

/// The lowest `count` digits of each number, |d| ≤ bound in base 2·bound + 1, by place.
fn in_digits(numbers: impl Iterator<Item = i64>, bound: u64, count: u32) -> Vec<Vec<i64>> {
    let bound = bound.cast_signed();
    let base = 2 * bound + 1;
    let mut places = vec![Vec::with_capacity(numbers.size_hint().0); count as usize];
    for mut number in numbers {
        for place in &mut places {
            let digit = (number + bound).rem_euclid(base) - bound;
            place.push(digit);
            number = (number - digit) / base;
        }
    }
    places
}
