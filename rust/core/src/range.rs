//! Columns of integers within [−bound, bound], by look-ups in tables of their own (spec/relations/bounded-update.md, "Look-ups").

use std::sync::Arc;

use crate::error::Result;
use crate::group::Suite;
use crate::lookup::{Leaves, Squares, Tree, fractional_sums};
use crate::poly::eq_table;
use crate::recorder::{ColumnsId, Lin, MatrixId, Recorder};
use crate::transcript::Label;

/// 2^depth values within [−bound, bound].
pub struct Looked {
    pub depth: usize,
    pub bound: u64,
    /// The prover's; zeros at the end may be missing.
    pub values: Option<Arc<Vec<i64>>>,
}

impl Looked {
    /// log2 of the length of its table, which fills whole rows of 2^column_bits.
    fn table_bits(&self, column_bits: usize) -> usize {
        bits(2 * self.bound).max(column_bits)
    }
}

/// Bits that a number takes.
fn bits(number: u64) -> usize {
    (u64::BITS - number.leading_zeros()) as usize
}

/// Bits that hold every number from −bound to bound.
pub fn signed_bits(bound: u64) -> u32 {
    u64::BITS - bound.leading_zeros() + 1
}

/// How often each table's entries were looked up, committed to.
pub struct Counts {
    rows: Vec<MatrixId>,
    columns: Vec<Option<Arc<Vec<i64>>>>,
}

/// Where the look-ups end: a point, and there each column's and each table's value. A column of depth n is at the last n coordinates.
pub struct Found<F> {
    pub point: Vec<F>,
    pub values: Vec<Lin<F>>,
    tables: Vec<Lin<F>>,
}

/// Commits to the multiplicities, in rows of 2^column_bits.
pub fn count<S: Suite>(rec: &mut Recorder<S>, looked: &[Looked], column_bits: usize) -> Result<Counts> {
    let mut counts = Counts {
        rows: Vec::new(),
        columns: Vec::new(),
    };
    for (column, name) in looked.iter().zip(0u32..) {
        let bits = column.table_bits(column_bits);
        let count = column
            .values
            .as_deref()
            .map(|values| Arc::new(multiplicities(values, 1 << column.depth, column.bound, bits)));
        let width = u32::try_from(column.depth).unwrap_or(u32::MAX) + 2;
        counts.rows.push(rec.commit_matrix(
            Label("m", name, 0),
            1 << (bits - column_bits),
            1 << column_bits,
            width,
            || count.as_deref().cloned().unwrap_or_default(),
        )?);
        counts.columns.push(count);
    }
    Ok(counts)
}

/// Per column Σ 1/(α − v_j) = Σ m_t/(α − T_t), by fractional sums; `squares` ride on the leaf layer.
pub fn look_up<S: Suite>(
    rec: &mut Recorder<S>,
    looked: &[Looked],
    counts: &Counts,
    column_bits: usize,
    squares: Option<&Squares<S::Scalar>>,
) -> Result<Found<S::Scalar>> {
    let sizes = looked
        .iter()
        .map(|c| (1usize << c.depth).saturating_add(1 << c.table_bits(column_bits)))
        .sum();
    let alpha = rec.challenge_full("alpha", sizes);
    let mut trees: Vec<Tree<S::Scalar>> = looked
        .iter()
        .map(|c| Tree {
            depth: c.depth,
            leaves: Leaves::Values { alpha },
            column: c.values.clone(),
        })
        .collect();
    trees.extend(looked.iter().zip(&counts.columns).map(|(c, count)| Tree {
        depth: c.table_bits(column_bits),
        leaves: Leaves::Table {
            alpha,
            bound: c.bound,
        },
        column: count.clone(),
    }));
    let mut sums = fractional_sums(rec, &trees, squares)?;
    let (values, tables) = sums.roots.split_at(looked.len().min(sums.roots.len()));
    for ((px, qx), (pt, qt)) in values.iter().zip(tables) {
        // No non-zero check is needed: a polynomial identity in α.
        rec.require_zero(
            "look-up",
            Lin::zero(),
            vec![(px.clone(), qt.clone()), (-pt.clone(), qx.clone())],
        );
    }
    let tables = sums.columns.split_off(looked.len().min(sums.columns.len()));
    Ok(Found {
        point: sums.point,
        values: sums.columns,
        tables,
    })
}

impl<F: ark_ff::PrimeField> Found<F> {
    /// eq of the last `depth` coordinates but the column's, for every row.
    pub fn row_weights(&self, depth: usize, column_bits: usize) -> Vec<F> {
        let end = self.point.len().saturating_sub(column_bits);
        let start = self.point.len().saturating_sub(depth);
        eq_table(self.point.get(start..end).unwrap_or_default())
    }

    /// eq of the last coordinates, for every column.
    pub fn column_weights(&self, column_bits: usize) -> Vec<F> {
        let start = self.point.len().saturating_sub(column_bits);
        eq_table(self.point.get(start..).unwrap_or_default())
    }

    /// Opens the multiplicities: those that were committed to before α.
    pub fn open_counts<S: Suite<Scalar = F>>(
        &self,
        rec: &mut Recorder<S>,
        looked: &[Looked],
        counts: &Counts,
        column_bits: usize,
        at_columns: ColumnsId,
    ) -> Result<()> {
        for ((rows, column), value) in counts.rows.iter().zip(looked).zip(&self.tables) {
            let weights = self.row_weights(column.table_bits(column_bits), column_bits);
            rec.open("multiplicity opening", *rows, weights, at_columns, value.clone())?;
        }
        Ok(())
    }
}

/// How often each table entry occurs in `length` values, zeros at the end included. A value out of range is counted nowhere.
fn multiplicities(values: &[i64], length: usize, bound: u64, bits: usize) -> Vec<i64> {
    let mut counts = vec![0; 1 << bits];
    let zero = usize::try_from(bound).ok().and_then(|i| counts.get_mut(i));
    if let (Some(zero), Some(Ok(missing))) = (zero, length.checked_sub(values.len()).map(i64::try_from)) {
        *zero = missing;
    }
    for v in values {
        let index = v.saturating_add(bound.cast_signed());
        if let Some(count) = usize::try_from(index)
            .ok()
            .filter(|_| v.unsigned_abs() <= bound)
            .and_then(|i| counts.get_mut(i))
        {
            *count += 1;
        }
    }
    counts
}
