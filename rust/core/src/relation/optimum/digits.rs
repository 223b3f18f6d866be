//! Margins and committed weights in digits that are looked up: step 2 of spec/relations/optimum.md, and the openings of it.

use std::sync::Arc;

use ark_ff::PrimeField;

use super::Digits;
use super::protocol::Protocol;
use crate::error::Result;
use crate::group::Suite;
use crate::poly::eq_table;
use crate::range::{self, Looked, signed_bits};
use crate::recorder::{Lin, MatrixId, Recorder, RowSumId};
use crate::transcript::Label;

/// The digits of margins and of committed weights, committed to and counted.
pub(super) struct Kept {
    pub margins: Vec<MatrixId>,
    /// Those of W above the lowest.
    pub limbs: Vec<MatrixId>,
    pub looked: Vec<Looked>,
    pub counts: range::Counts,
}

impl Digits {
    /// Σ m^l·d_l.
    pub(super) fn joined<F: PrimeField>(&self, digits: &[Lin<F>]) -> Lin<F> {
        let (mut sum, mut power) = (Lin::zero(), F::one());
        for digit in digits {
            sum.add_scaled(digit, power);
            power *= F::from(self.base());
        }
        sum
    }
}

impl<S: Suite> Protocol<'_, S> {
    /// Step 2.
    pub(super) fn columns(&self, rec: &mut Recorder<S>) -> Result<Kept> {
        let (size, digits) = (&self.statement.size, &self.statement.digits);
        let columns = 1usize << self.q();
        let width = signed_bits(digits.bound);
        let mut looked = Vec::new();
        let mut margins = Vec::new();
        let reach = digits.reach(digits.margins).unwrap_or(0).cast_signed();
        let rows_of_class = size.records().div_ceil(columns);
        let mut of_margins = self.integers.as_ref().map(|known| {
            let inside = |at: usize| at % known.stride < size.records();
            let kept = known.margins.iter().enumerate();
            // Where there is no record all digits are zero.
            let numbers = kept.map(|(at, n)| if inside(at) { n - reach } else { 0 });
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
        let mut of_weights = self.integers.as_ref().map(|known| {
            let rows = known.weights.chunks(size.features());
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
    pub(super) fn digit_rows(&self, point: &[S::Scalar]) -> Vec<S::Scalar> {
        let size = &self.statement.size;
        let per_class = 1usize << (self.record_bits() - self.q());
        let used = size.records().div_ceil(1 << self.q());
        let all = eq_table(
            point
                .get(..point.len().saturating_sub(self.q()))
                .unwrap_or_default(),
        );
        let classes = all.chunks(per_class).take(size.classes());
        classes.flat_map(|rows| rows.iter().take(used)).copied().collect()
    }

    /// Step 10: the margins' digits where the loss needed them. columns: eq at the record's point; digits: sums of rows, and what they hold there.
    pub(super) fn open_digits(
        &self,
        rec: &mut Recorder<S>,
        columns: Vec<S::Scalar>,
        digits: &[(RowSumId, Lin<S::Scalar>)],
    ) -> Result<()> {
        if digits.is_empty() {
            return Ok(());
        }
        let columns = rec.column_weights(columns);
        for (sum, value) in digits {
            rec.open_sum("digit opening", *sum, columns, value.clone())?;
        }
        Ok(())
    }

    /// Step 10: all that was looked up.
    pub(super) fn open_look_ups(
        &self,
        rec: &mut Recorder<S>,
        kept: &Kept,
        found: &range::Found<S::Scalar>,
    ) -> Result<()> {
        let (size, digits) = (&self.statement.size, &self.statement.digits);
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
        if let Some(rows) = self.weights {
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
