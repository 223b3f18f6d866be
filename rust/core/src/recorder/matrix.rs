//! Matrices of the recorder: rows that are committed to, public sums of them, and openings (spec/recorder.md §1).

use std::sync::Arc;

use ark_ff::PrimeField;
use zeroize::Zeroize;

use super::{Lin, Recorder, SUBJECT};
use crate::checks;
use crate::commit::{Key, combine_rows};
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite, encode_rows};
use crate::transcript::Label;
use crate::wide::Accumulate;

/// Rows of integers and their blinds: what a prover knows about a matrix commitment.
pub struct Rows<F: PrimeField, V: Zeroize = i64> {
    /// Row by row; the last row may be short, the rest of it is zero.
    pub values: Vec<V>,
    pub columns: usize,
    /// One blind per row.
    pub blinds: Vec<F>,
    /// Every value lies in [−2^(bits−1), 2^(bits−1)): public, it fixes the work.
    pub bits: u32,
}

impl<F: PrimeField, V: Zeroize> Drop for Rows<F, V> {
    fn drop(&mut self) {
        self.values.zeroize();
        self.blinds.zeroize();
    }
}

/// What a prover needs of a matrix that it can open, whatever its numbers' width.
pub trait Opens<F>: Send + Sync {
    /// Σ_i weights[i]·row_i.
    fn combine(&self, weights: &[F]) -> Result<Vec<F>>;
    /// One blind per row.
    fn blinds(&self) -> &[F];
}

impl<F: Accumulate, V: Zeroize + Copy + Into<i64> + Send + Sync> Opens<F> for Rows<F, V> {
    fn combine(&self, weights: &[F]) -> Result<Vec<F>> {
        combine_rows(&self.values, self.columns, weights)
    }

    fn blinds(&self) -> &[F] {
        &self.blinds
    }
}

/// A matrix commitment: one point per row.
pub(super) struct Matrix<F> {
    pub(super) points: Vec<usize>,
    pub(super) rows: Option<Arc<dyn Opens<F>>>,
    pub(super) opened: bool,
}

/// Σ_i weights[i]·row_i of a matrix.
pub(super) struct RowSum<F> {
    pub(super) matrix: usize,
    pub(super) weights: Vec<F>,
    /// The prover's, once it asked for it.
    pub(super) row: Option<Vec<F>>,
}

/// Handle of a matrix of this recorder.
#[derive(Clone, Copy)]
pub struct MatrixId(usize);

/// Handle of a public combination of a matrix's rows.
#[derive(Clone, Copy)]
pub struct RowSumId(usize);

/// Handle of a vector of column weights; openings that share one share a vector in the closing argument.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ColumnsId(usize);

/// Claim ⟨sum of rows, columns⟩ = value.
pub(super) struct Opening<F> {
    pub(super) sum: usize,
    pub(super) columns: usize,
    pub(super) value: Lin<F>,
}

impl<S: Suite> Recorder<S> {
    fn absorb_rows(&mut self, label: Label, points: &[Affine<S>]) {
        self.transcript.absorb(label, &encode_rows::<S>(points));
        #[cfg(feature = "drop-checks")]
        self.named.push((label, self.matrices.len()));
    }

    fn add_matrix(&mut self, points: &[Affine<S>], rows: Option<Arc<dyn Opens<S::Scalar>>>) -> MatrixId {
        let points = points.iter().map(|p| self.remember(*p)).collect();
        self.matrices.push(Matrix {
            points,
            rows,
            opened: false,
        });
        MatrixId(self.matrices.len() - 1)
    }

    /// A row commitment that is part of the statement. All of them come before the first challenge.
    pub fn statement_matrix(
        &mut self,
        label: impl Into<Label>,
        points: &[Affine<S>],
        rows: Option<Arc<impl Opens<S::Scalar> + 'static>>,
    ) -> Result<MatrixId> {
        if self.transcript.has_challenged() {
            return Err(Error::new(
                SUBJECT,
                Stage::Statement,
                "a statement absorbed after a challenge",
            ));
        }
        self.absorb_rows(label.into(), points);
        Ok(self.add_matrix(points, rows.map(|r| r as _)))
    }

    /// A row commitment that follows from absorbed points: Σ weight·matrix, row by row.
    pub fn derived_matrix(
        &mut self,
        points: &[Affine<S>],
        rows: Option<Arc<impl Opens<S::Scalar> + 'static>>,
    ) -> MatrixId {
        self.add_matrix(points, rows.map(|r| r as _))
    }

    /// A row commitment that the prover makes inside the proof. `make` returns values of `bits` bits; blinds are fresh.
    pub fn commit_matrix(
        &mut self,
        label: impl Into<Label>,
        row_count: usize,
        columns: usize,
        bits: u32,
        make: impl FnOnce() -> Vec<i64>,
    ) -> Result<MatrixId> {
        let label = label.into();
        let mut rows: Option<Arc<dyn Opens<S::Scalar>>> = None;
        let mut known = vec![None; row_count];
        if self.knows() {
            let blinds = self.secrets()?.nonces.scalars(row_count);
            #[allow(unused_mut, reason = "only a dishonest prover changes them")]
            let mut values = make();
            #[cfg(feature = "drop-checks")]
            let bits = self.cheat_rows(label, bits, &mut values);
            let committed = Key::<S>::get(columns).commit_rows(&values, columns, bits, &blinds)?;
            if committed.len() != row_count {
                return Err(Error::lengths("matrix", row_count, committed.len()));
            }
            known = committed.into_iter().map(Some).collect();
            rows = Some(Arc::new(Rows {
                values,
                columns,
                blinds,
                bits,
            }));
        }
        let points = known
            .into_iter()
            .map(|p| self.role.point(label, p))
            .collect::<Result<Vec<_>>>()?;
        self.absorb_rows(label, &points);
        Ok(self.add_matrix(&points, rows))
    }

    /// Registers a vector of public column weights for openings.
    pub fn column_weights(&mut self, weights: Vec<S::Scalar>) -> ColumnsId {
        self.columns.push(weights);
        ColumnsId(self.columns.len() - 1)
    }

    /// Σ_i weights[i]·row_i of a matrix, to be opened with [`Self::open_sum`].
    pub fn sum_rows(&mut self, matrix: MatrixId, weights: Vec<S::Scalar>) -> Result<RowSumId> {
        let rows = self
            .matrices
            .get(matrix.0)
            .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such matrix"))?
            .points
            .len();
        if rows != weights.len() {
            return Err(Error::lengths("opening", rows, weights.len()));
        }
        self.sums.push(RowSum {
            matrix: matrix.0,
            weights,
            row: None,
        });
        Ok(RowSumId(self.sums.len() - 1))
    }

    /// The sum itself, for a prover; empty for everybody else.
    pub fn row_sum(&mut self, sum: RowSumId) -> Result<&[S::Scalar]> {
        let Some(at) = self.sums.get(sum.0) else {
            return Err(Error::new(SUBJECT, Stage::Shape, "no such sum"));
        };
        if at.row.is_none() {
            let row = self.make_sum(at)?;
            if let Some(at) = self.sums.get_mut(sum.0) {
                at.row = Some(row);
            }
        }
        let row = self.sums.get(sum.0).and_then(|at| at.row.as_deref());
        Ok(row.unwrap_or_default())
    }

    pub(super) fn make_sum(&self, sum: &RowSum<S::Scalar>) -> Result<Vec<S::Scalar>> {
        match self.matrices.get(sum.matrix).and_then(|m| m.rows.as_ref()) {
            Some(rows) => rows.combine(&sum.weights),
            None => Ok(Vec::new()),
        }
    }

    /// Claims ⟨sum of rows, columns⟩ = value. `check` names the constraint.
    pub fn open_sum(
        &mut self,
        check: &'static str,
        sum: RowSumId,
        columns: ColumnsId,
        value: Lin<S::Scalar>,
    ) -> Result<()> {
        let matrix = self
            .sums
            .get(sum.0)
            .and_then(|at| self.matrices.get_mut(at.matrix))
            .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such sum"))?;
        if checks::keeps(check) {
            matrix.opened = true;
            self.openings.push(Opening {
                sum: sum.0,
                columns: columns.0,
                value,
            });
        }
        Ok(())
    }

    /// Claims Σ_i rows[i]·⟨row_i, columns⟩ = value. `check` names the constraint.
    pub fn open(
        &mut self,
        check: &'static str,
        matrix: MatrixId,
        rows: Vec<S::Scalar>,
        columns: ColumnsId,
        value: Lin<S::Scalar>,
    ) -> Result<()> {
        let sum = self.sum_rows(matrix, rows)?;
        self.open_sum(check, sum, columns, value)
    }
}
