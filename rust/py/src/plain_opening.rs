//! R0, plain opening.

use std::sync::Arc;

use fedproof_core::error::Result;
use fedproof_core::group::{Suite, decode_points, decode_scalars};
use fedproof_core::recorder::Rows;
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::{Relation, Shape, Witness};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{ContextParts, context, run, with_suite};

pub fn witness<S: Suite>(values: Vec<i64>, columns: u32, bits: u32, blinds: &[u8]) -> Result<Witness<S>> {
    Ok(Arc::new(Rows {
        values,
        columns: columns as usize,
        blinds: decode_scalars::<S>(blinds)?,
        bits,
    }))
}

/// Proves an honest statement, or, unchecked, whatever it is given.
pub fn prove_bytes<S: Suite, R: Relation<S>>(
    relation: &R,
    witness: &R::Secret,
    checked: bool,
) -> Result<Vec<u8>> {
    let proof = if checked {
        relation.prove(witness)?
    } else {
        relation.prove_unchecked(witness)?
    };
    Ok(proof.to_bytes())
}

fn statement<S: Suite>(ctx: ContextParts, shape: (u64, u32), points: &[u8]) -> Result<PlainOpening<S>> {
    let shape = Shape {
        d: shape.0,
        columns: shape.1,
    };
    Ok(PlainOpening {
        context: context(ctx)?,
        shape,
        points: decode_points::<S>(points)?,
    })
}

/// The proof that its maker can open the commitment. `checked`: a false statement is refused rather than proved.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn prove_plain_opening<'py>(
    py: Python<'py>,
    suite: String,
    ctx: ContextParts,
    shape: (u64, u32),
    points: Vec<u8>,
    values: PyReadonlyArray1<'py, i64>,
    bits: u32,
    blinds: Vec<u8>,
    checked: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let values = values.as_slice()?.to_vec();
    let proof = run(py, move || {
        with_suite!(suite.as_str(), S => prove_bytes(
            &statement::<S>(ctx, shape, &points)?, &witness::<S>(values, shape.1, bits, &blinds)?, checked))
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// Raises unless the proof holds for commitment and context.
#[pyfunction]
fn verify_plain_opening(
    py: Python<'_>,
    suite: String,
    ctx: ContextParts,
    shape: (u64, u32),
    points: Vec<u8>,
    proof: Vec<u8>,
) -> PyResult<()> {
    run(
        py,
        move || with_suite!(suite.as_str(), S => statement::<S>(ctx, shape, &points)?.verify(&proof)),
    )
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(prove_plain_opening, module)?)?;
    module.add_function(wrap_pyfunction!(verify_plain_opening, module)?)
}
