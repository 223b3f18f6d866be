//! Rows of small integers: affine additions in large batches, each batch with one inversion (Montgomery's trick).
//!
//! There are no special cases in an addition: an accumulator equal to plus or minus the next entry would give a relation
//! between generators, which nobody can find. The first column is copied, not added.

use ark_ec::AdditiveGroup;
use ark_ff::{Field, Zero};
use rayon::prelude::*;

use super::tables::Tables;
use super::{shift_of, small_sum};
use crate::error::{Error, Result};
use crate::group::{Affine, Point, Suite};
use crate::wide::SmallProducts;

/// Accumulators that share an inversion: enough to make it cheap, few enough to stay in the cache.
const BATCH: usize = 256;

/// Σ_j values[i·columns + j]·G_j for every row i, without blinds.
pub(super) fn commit<S: Suite>(
    tables: &Tables<S>,
    values: &[i64],
    columns: usize,
    bits: u32,
) -> Vec<Point<S>> {
    let windows = (bits.max(1) as usize).div_ceil(8);
    let rows = values.len().div_ceil(columns);
    // About four tasks per thread, so that a busy core stalls nobody.
    let per_task = (BATCH / windows)
        .max(1)
        .min(rows.div_ceil(4 * rayon::current_num_threads()).max(32));
    values
        .par_chunks(columns * per_task)
        .flat_map_iter(|chunk| Batch::new(chunk, columns, windows).run(tables))
        .collect()
}

/// Some rows, their accumulators: one per row, window and lane. Lanes split the columns, so that few rows still fill a batch.
struct Batch<'a> {
    values: &'a [i64],
    columns: usize,
    windows: usize,
    rows: usize,
    lanes: usize,
}

impl<'a> Batch<'a> {
    fn new(values: &'a [i64], columns: usize, windows: usize) -> Self {
        let rows = values.len().div_ceil(columns);
        let wanted = (BATCH / (rows * windows).max(1)).max(1);
        // A power of two that divides the columns where possible.
        let lanes = if columns.is_power_of_two() {
            wanted.next_power_of_two().min(columns.div_ceil(8))
        } else {
            1
        };
        Self {
            values,
            columns,
            windows,
            rows,
            lanes,
        }
    }

    /// Digit `window` of the value in `row` and `column`; beyond the end values are zero.
    #[inline(always)]
    fn digit(&self, row: usize, column: usize, window: usize) -> u8 {
        let value = self.values.get(row * self.columns + column).copied().unwrap_or(0);
        let shifted = i128::from(value) + (1i128 << (8 * self.windows - 1));
        (shifted >> (8 * window)) as u8
    }

    fn run<S: Suite>(&self, tables: &Tables<S>) -> Vec<Point<S>> {
        let per_lane = self.columns / self.lanes;
        let count = self.rows * self.windows * self.lanes;
        let mut sums: Vec<(S::Base, S::Base)> = Vec::with_capacity(count);
        let mut next = Vec::with_capacity(count);
        let mut scratch = Vec::with_capacity(count);
        for step in 0..per_lane {
            next.clear();
            for lane in 0..self.lanes {
                let column = lane * per_lane + step;
                let table = tables.table(column);
                for row in 0..self.rows {
                    for window in 0..self.windows {
                        next.push(table.entry(self.digit(row, column, window)));
                    }
                }
            }
            if step == 0 {
                sums.clone_from(&next)
            } else {
                add_all::<S::Base>(&mut sums, &next, &mut scratch)
            }
        }
        let excess = tables.excess(self.columns);
        (0..self.rows)
            .map(|row| self.join::<S>(&sums, row) - excess)
            .collect()
    }

    /// A row's windows and lanes, put together.
    fn join<S: Suite>(&self, sums: &[(S::Base, S::Base)], row: usize) -> Point<S> {
        let mut total = Point::<S>::zero();
        for window in (0..self.windows).rev() {
            for _ in 0..8 {
                total.double_in_place();
            }
            for lane in 0..self.lanes {
                let (x, y) = sums[(lane * self.rows + row) * self.windows + window];
                total += Affine::<S>::new_unchecked(x, y);
            }
        }
        total
    }
}

/// sums[i] += next[i], affine, one inversion for all. Four independent chains of products keep the multiplier busy.
fn add_all<F: Field>(sums: &mut [(F, F)], next: &[(F, F)], scratch: &mut Vec<(F, F)>) {
    const CHAINS: usize = 4;
    scratch.clear();
    let mut running = [F::ONE; CHAINS];
    for (i, ((x1, _), (x2, _))) in sums.iter().zip(next).enumerate() {
        let difference = *x2 - x1;
        let chain = &mut running[i % CHAINS];
        scratch.push((difference, *chain));
        *chain *= difference;
    }
    let left = running[0] * running[1];
    let right = running[2] * running[3];
    let inverse = (left * right).inverse().unwrap_or_default();
    let (left_inverse, right_inverse) = (inverse * right, inverse * left);
    let mut inverses = [
        left_inverse * running[1],
        left_inverse * running[0],
        right_inverse * running[3],
        right_inverse * running[2],
    ];
    for (i, (((x1, y1), (x2, y2)), (difference, before))) in
        sums.iter_mut().zip(next).zip(scratch.iter()).enumerate().rev()
    {
        let chain = &mut inverses[i % CHAINS];
        let slope = (*y2 - *y1) * (*chain * before);
        *chain *= difference;
        let x3 = slope.square() - *x1 - x2;
        *y1 = slope * (*x1 - x3) - *y1;
        *x1 = x3;
    }
}

/// Σ_i weights[i]·row_i as `columns` field elements: the row combination of a Hyrax opening.
pub fn combine_rows<S: Suite>(
    values: &[i64],
    columns: usize,
    weights: &[S::Scalar],
) -> Result<Vec<S::Scalar>> {
    if columns == 0 || values.len().div_ceil(columns) != weights.len() {
        return Err(Error::lengths(
            "row weights",
            values.len().div_ceil(columns.max(1)),
            weights.len(),
        ));
    }
    let rows_per_task = weights.len().div_ceil(2 * rayon::current_num_threads()).max(1);
    let sums = values
        .par_chunks(columns * rows_per_task)
        .zip(weights.par_chunks(rows_per_task))
        .map(|(values, weights)| {
            let mut acc = vec![SmallProducts::ZERO; columns];
            for (row, weight) in values.chunks(columns).zip(weights) {
                for (to, v) in acc.iter_mut().zip(row) {
                    to.add_shifted(weight, *v);
                }
            }
            // Short rows: what was not added was not shifted either.
            let full = shift_of(weights);
            let last = values.len() % columns;
            let short = full
                - if last == 0 {
                    S::Scalar::zero()
                } else {
                    shift_of(weights.last().map_or(&[][..], std::slice::from_ref))
                };
            acc.into_iter()
                .enumerate()
                .map(|(j, a)| small_sum(a, if last == 0 || j < last { full } else { short }))
                .collect::<Vec<S::Scalar>>()
        })
        .reduce(Vec::new, |a, b| {
            if a.is_empty() {
                return b;
            }
            a.iter().zip(b.iter()).map(|(x, y)| *x + y).collect()
        });
    Ok(sums)
}
