//! Rows of small integers, and sums of full-size scalars over row generators: affine additions in large batches.
//!
//! There are no special cases in an addition: an accumulator equal to plus or minus the next entry would give a relation
//! between generators, which nobody can find (if it happened, the commitment would fail with an error). The first column is
//! copied, not added.

use std::ops::Range;

use ark_ec::AdditiveGroup;
use ark_ff::Zero;
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

#[cfg(target_arch = "x86_64")]
use super::sums::SumEntries;
use super::tables::{Coordinates, Table, Tables, digits};
use crate::affine::Adder;
use crate::error::{Error, Result};
use crate::group::{Affine, Point, Suite};
#[cfg(target_arch = "x86_64")]
use crate::kernel::Ifma;
use crate::wide::{Accumulate, SmallProducts};

/// Accumulators that share an inversion: enough to make it cheap, few enough to stay in the cache.
fn batch() -> usize {
    #[cfg(target_arch = "x86_64")]
    if Ifma::detect().is_some() {
        // Additions eight at a time are cheap, so the inversion weighs more.
        return 2048;
    }
    512
}

/// Σ_j values[i·columns + j]·G_j for every row i, without blinds.
pub(super) fn commit<S: Suite>(
    tables: &Tables<S>,
    values: &[i64],
    columns: usize,
    bits: u32,
) -> Result<Vec<Point<S>>> {
    let windows = (bits.max(1) as usize).div_ceil(8).min(8);
    let rows = values.len().div_ceil(columns);
    if rows == 0 {
        return Ok(Vec::new());
    }
    // About two tasks per thread, so that a busy core stalls nobody for long; every task reads all tables.
    let threads = rayon::current_num_threads();
    let per_task = (batch() / windows).max(1).min(rows.div_ceil(2 * threads).max(32));
    // All threads have equally many tasks, and all tasks equally many rows.
    let per_task = rows
        .div_ceil(rows.div_ceil(per_task).next_multiple_of(threads))
        .max(1);
    let all: Vec<usize> = (0..columns).collect();
    let sums: Vec<Vec<Point<S>>> = values
        .par_chunks(columns * per_task)
        .map(|chunk| {
            let rows = chunk.len().div_ceil(columns);
            let digits = digits_of_rows(chunk, rows, columns, windows);
            sum_columns(tables, &all, &digits, rows, windows)
        })
        .collect::<Result<_>>()?;
    let excess = tables.excess(0..columns);
    Ok(sums.into_iter().flatten().map(|sum| sum - excess).collect())
}

/// The digits of v + 256^windows/2, by column, row and window; values beyond the end are zero.
fn digits_of_rows(values: &[i64], rows: usize, columns: usize, windows: usize) -> Zeroizing<Vec<u8>> {
    let shift = 1u64 << (8 * windows - 1);
    let mut digits = Zeroizing::new(vec![0; rows * columns * windows]);
    for (at, out) in digits.chunks_exact_mut(windows).enumerate() {
        let (column, row) = (at / rows, at % rows);
        let value = values.get(row * columns + column).copied().unwrap_or(0);
        for (to, from) in out
            .iter_mut()
            .zip(value.cast_unsigned().wrapping_add(shift).to_le_bytes())
        {
            *to = from;
        }
    }
    digits
}

/// Σ_k scalars[k]·G_{index k} over the generators of the given ranges, for secret full-size scalars.
pub(super) fn multiply_ranges<S: Suite>(
    tables: &Tables<S>,
    ranges: &[Range<usize>],
    scalars: &[S::Scalar],
) -> Result<Point<S>> {
    let columns: Vec<usize> = ranges.iter().cloned().flatten().collect();
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(scalars.iter().flat_map(|k| *digits(*k)).collect());
    let excess: Point<S> = ranges.iter().map(|r| tables.excess(r.clone())).sum();
    let sums = sum_columns(tables, &columns, &digits, 1, 32)?;
    Ok(sums.into_iter().sum::<Point<S>>() - excess)
}

/// Σ over `columns` of digit·G/2, for every row: one accumulator per row, window and part. Parts split the columns, so that few
/// rows still fill a batch. Digits lie by column, row and window.
fn sum_columns<S: Suite>(
    tables: &Tables<S>,
    columns: &[usize],
    digits: &[u8],
    rows: usize,
    windows: usize,
) -> Result<Vec<Point<S>>> {
    if columns.is_empty() {
        return Ok(vec![Point::<S>::zero(); rows]);
    }
    let count = rows * windows;
    let wanted = (batch() / count.max(1)).max(1).next_power_of_two();
    // A power of two that divides the columns, each part with some work.
    let parts = wanted
        .min(1 << columns.len().trailing_zeros())
        .min(1 << columns.len().div_ceil(8).ilog2());
    let work = ColumnSums {
        tables,
        columns,
        digits,
        count,
        parts,
    };
    let mut sums = work.sums()?;
    let points = (0..rows)
        .map(|row| join_windows::<S>(&sums, rows, row, windows))
        .collect();
    // Sums without blinds.
    sums.zeroize();
    Ok(points)
}

/// The sums to make: `count` for every part, which has as many columns as every other.
struct ColumnSums<'a, S: Suite> {
    tables: &'a Tables<S>,
    columns: &'a [usize],
    digits: &'a [u8],
    count: usize,
    parts: usize,
}

impl<S: Suite> ColumnSums<'_, S> {
    /// The table and the digits of each part's column in a step.
    fn step(&self, step: usize) -> impl Iterator<Item = (&Table<S>, &[u8])> {
        let per_part = self.columns.len() / self.parts;
        (0..self.parts).map(move |part| {
            let column = part * per_part + step;
            let digits = &self.digits[column * self.count..(column + 1) * self.count];
            (self.tables.table(self.columns[column]), digits)
        })
    }

    /// `count` sums for each part, part after part. Parts may have been added up to fewer already; sums of the same place in all parts
    /// belong together.
    fn sums(&self) -> Result<Vec<Coordinates<S>>> {
        #[cfg(target_arch = "x86_64")]
        if let Some(ifma) = Ifma::detect() {
            return self.eight_at_a_time(ifma);
        }
        self.one_at_a_time()
    }

    #[cfg(target_arch = "x86_64")]
    fn eight_at_a_time(&self, ifma: Ifma) -> Result<Vec<Coordinates<S>>> {
        let work = SumEntries {
            sums: self.count * self.parts,
            columns: self.columns.len() / self.parts,
            entries: |step, out: &mut Vec<_>| {
                for (table, digits) in self.step(step) {
                    out.extend(digits.iter().map(|d| table.unsigned_entry(*d)));
                }
            },
            parts: self.parts,
        };
        work.run(ifma)
    }

    fn one_at_a_time(&self) -> Result<Vec<Coordinates<S>>> {
        let mut sums = Vec::with_capacity(self.count * self.parts);
        let mut next = Vec::with_capacity(self.count * self.parts);
        let mut adder = Adder::secret()?;
        for step in 0..self.columns.len() / self.parts {
            next.clear();
            for (table, digits) in self.step(step) {
                next.extend(digits.iter().map(|d| table.entry(*d)));
            }
            if step == 0 {
                sums.clone_from(&next);
            } else {
                adder.add_all(&mut sums, &next);
            }
        }
        // Entries that are digits.
        next.zeroize();
        adder.finish()?;
        Ok(sums)
    }
}

/// A row's windows and parts, put together.
fn join_windows<S: Suite>(sums: &[Coordinates<S>], rows: usize, row: usize, windows: usize) -> Point<S> {
    let mut total = Point::<S>::zero();
    for window in (0..windows).rev() {
        for _ in 0..8 {
            total.double_in_place();
        }
        for (x, y) in sums.iter().skip(row * windows + window).step_by(rows * windows) {
            total += Affine::<S>::new_unchecked(*x, *y);
        }
    }
    total
}

/// 2^63·Σ weights: what [`SmallProducts::add_shifted`] adds too much.
fn shift_of<F: Accumulate>(weights: &[F]) -> F {
    weights.iter().fold(F::ZERO, |sum, w| sum + w) * F::from(1u64 << 63)
}

/// Σ_i weights[i]·row_i as `columns` field elements: the row combination of a Hyrax opening.
pub fn combine_rows<F: Accumulate, V: Copy + Into<i64> + Sync>(
    values: &[V],
    columns: usize,
    weights: &[F],
) -> Result<Vec<F>> {
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
                    to.add_shifted(weight, (*v).into());
                }
            }
            // Short rows: what was not added was not shifted either.
            let full = shift_of(weights);
            let last = values.len() % columns;
            let short = full
                - if last == 0 {
                    F::ZERO
                } else {
                    shift_of(weights.last().map_or(&[][..], std::slice::from_ref))
                };
            acc.into_iter()
                .enumerate()
                .map(|(j, a)| a.reduce::<F>() - if last == 0 || j < last { full } else { short })
                .collect::<Vec<F>>()
        })
        .reduce(Vec::new, |a, b| {
            if a.is_empty() {
                return b;
            }
            a.iter().zip(b.iter()).map(|(x, y)| *x + y).collect()
        });
    Ok(sums)
}

/// Σ_j weights[j]·row[j] for every row of `columns` values: the evaluation of all rows at one column point. Weights may be fewer than
/// columns; the rest counts as zero.
pub fn combine_columns<F: Accumulate, V: Copy + Into<i64> + Sync>(
    values: &[V],
    columns: usize,
    weights: &[F],
) -> Vec<F> {
    let shift = shift_of(weights);
    values
        .par_chunks(columns.max(1))
        .with_min_len(16)
        .map(|row| {
            let mut acc = SmallProducts::ZERO;
            for (v, weight) in row.iter().zip(weights) {
                acc.add_shifted(weight, (*v).into());
            }
            acc.reduce::<F>() - shift
        })
        .collect()
}
