//! R5, optimum.

use std::sync::Arc;

use fedproof_core::error::Result;
use fedproof_core::group::{Suite, decode_points, decode_scalars};
use fedproof_core::recorder::Rows;
use fedproof_core::relation::Relation;
use fedproof_core::relation::head::{Digits, Size, Trained, Weights};
use fedproof_core::relation::optimum::{Loss, Objective, Optimum};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{ContextParts, context, run, with_suite};
use crate::plain_opening::prove_bytes;

/// ((records, features, classes), (squared hinge, scale, regularisation, max_residual_squared), (bound, margins, weights))
type Parts = ((u64, u32, u32), (bool, u32, u64, u128), (u64, u32, u32));

fn statement<S: Suite>(
    ctx: ContextParts,
    (size, objective, digits): Parts,
    records: &[u8],
    weights: Weights<S>,
) -> Result<Optimum<S>> {
    Ok(Optimum {
        context: context(ctx)?,
        size: Size {
            records: size.0,
            features: size.1,
            classes: size.2,
        },
        objective: Objective {
            loss: if objective.0 {
                Loss::SquaredHinge
            } else {
                Loss::Ridge
            },
            scale: objective.1,
            regularisation: objective.2,
            max_residual_squared: objective.3,
        },
        digits: Digits {
            bound: digits.0,
            margins: digits.1,
            weights: digits.2,
        },
        records: decode_points::<S>(records)?,
        weights,
    })
}

fn stated<S: Suite>(public: Option<&[i64]>, points: &[u8]) -> Result<Weights<S>> {
    Ok(match public {
        Some(weights) => Weights::Public(weights.to_vec()),
        None => Weights::Committed(decode_points::<S>(points)?),
    })
}

/// The proof that weights are the optimum on the records. `weight_points`, `weight_blinds`: of committed weights; without them they are
/// public. `checked`: a false statement is refused rather than proved.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn prove_optimum<'py>(
    py: Python<'py>,
    suite: String,
    ctx: ContextParts,
    parts: Parts,
    records: Vec<u8>,
    rows: PyReadonlyArray2<'py, i8>,
    blinds: Vec<u8>,
    weights: PyReadonlyArray1<'py, i64>,
    weight_points: Option<Vec<u8>>,
    weight_blinds: Vec<u8>,
    checked: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let columns = rows.shape().get(1).copied().unwrap_or(0);
    let rows = rows.as_slice()?.to_vec();
    let weights = weights.as_slice()?.to_vec();
    let proof = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let public = weight_points.is_none().then_some(weights.as_slice());
            let stated = stated::<S>(public, weight_points.as_deref().unwrap_or_default())?;
            let statement = statement::<S>(ctx, parts, &records, stated)?;
            let trained = Trained {
                records: Arc::new(Rows { values: rows, columns, blinds: decode_scalars::<S>(&blinds)?, bits: 8 }),
                weights: Arc::new(Rows {
                    values: weights,
                    columns: parts.0.1 as usize,
                    blinds: decode_scalars::<S>(&weight_blinds)?,
                    bits: 64,
                }),
            };
            prove_bytes(&statement, &trained, checked)
        })
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// Raises unless the proof holds. `weights`: public ones; without them `weight_points` are those of committed ones.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn verify_optimum<'py>(
    py: Python<'py>,
    suite: String,
    ctx: ContextParts,
    parts: Parts,
    records: Vec<u8>,
    weights: Option<PyReadonlyArray1<'py, i64>>,
    weight_points: Vec<u8>,
    proof: Vec<u8>,
) -> PyResult<()> {
    let weights = weights.map(|w| w.as_slice().map(<[i64]>::to_vec)).transpose()?;
    run(py, move || {
        with_suite!(suite.as_str(), S => {
            let stated = stated::<S>(weights.as_deref(), &weight_points)?;
            statement::<S>(ctx, parts, &records, stated)?.verify(&proof)
        })
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(prove_optimum, module)?)?;
    module.add_function(wrap_pyfunction!(verify_optimum, module)?)
}
