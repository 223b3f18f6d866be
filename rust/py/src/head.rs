//! What the relations on a linear head take alike.

use std::sync::Arc;

use fedproof_core::error::Result;
use fedproof_core::group::{Suite, decode_points, decode_scalars};
use fedproof_core::recorder::Rows;
use fedproof_core::relation::head::{Digits, Size, Trained, Weights};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// (records, features, classes)
pub type SizeParts = (u64, u32, u32);
/// (bound, margins, weights)
pub type DigitParts = (u64, u32, u32);

pub fn size((records, features, classes): SizeParts) -> Size {
    Size {
        records,
        features,
        classes,
    }
}

pub fn digits((bound, margins, weights): DigitParts) -> Digits {
    Digits {
        bound,
        margins,
        weights,
    }
}

/// Public weights, or the points of committed ones.
pub fn stated<S: Suite>(public: Option<&[i64]>, points: &[u8]) -> Result<Weights<S>> {
    Ok(match public {
        Some(weights) => Weights::Public(weights.to_vec()),
        None => Weights::Committed(decode_points::<S>(points)?),
    })
}

/// Records and weights as Python has them. `points`: of committed weights; without them they are public.
pub struct Known {
    rows: Vec<i8>,
    columns: usize,
    blinds: Vec<u8>,
    weights: Vec<i64>,
    /// Entries of a class.
    features: u32,
    weight_points: Option<Vec<u8>>,
    weight_blinds: Vec<u8>,
}

impl Known {
    pub fn new(
        (_, features, _): SizeParts,
        (rows, blinds): (&PyReadonlyArray2<'_, i8>, Vec<u8>),
        weights: &PyReadonlyArray1<'_, i64>,
        (weight_points, weight_blinds): (Option<Vec<u8>>, Vec<u8>),
    ) -> PyResult<Self> {
        Ok(Self {
            rows: rows.as_slice()?.to_vec(),
            columns: rows.shape().get(1).copied().unwrap_or(0),
            blinds,
            weights: weights.as_slice()?.to_vec(),
            features,
            weight_points,
            weight_blinds,
        })
    }

    /// The weights as the statement has them, and what its prover knows.
    pub fn decode<S: Suite>(self) -> Result<(Weights<S>, Trained<S::Scalar>)> {
        let public = self.weight_points.is_none().then_some(self.weights.as_slice());
        let stated = stated::<S>(public, self.weight_points.as_deref().unwrap_or_default())?;
        let trained = Trained {
            records: Arc::new(Rows {
                values: self.rows,
                columns: self.columns,
                blinds: decode_scalars::<S>(&self.blinds)?,
                bits: 8,
            }),
            weights: Arc::new(Rows {
                values: self.weights,
                columns: self.features as usize,
                blinds: decode_scalars::<S>(&self.weight_blinds)?,
                bits: 64,
            }),
        };
        Ok((stated, trained))
    }
}
