//! R9, receipt.

use fedproof_core::error::Result;
use fedproof_core::group::{Suite, decode_points};
use fedproof_core::relation::Relation;
use fedproof_core::relation::receipt::{Answer, Receipt};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{ContextParts, context, run, with_suite};
use crate::plain_opening::{prove_bytes, witness};

/// (features, classes, scale)
type HeadParts = (u32, u32, u32);

fn statement<S: Suite>(
    ctx: ContextParts,
    (features, classes, scale): HeadParts,
    points: &[u8],
    answers: Vec<Answer>,
) -> Result<Receipt<S>> {
    Ok(Receipt {
        context: context(ctx)?,
        features,
        classes,
        scale,
        answers,
        points: decode_points::<S>(points)?,
    })
}

/// One input a row, and as many classes.
fn answers(inputs: &PyReadonlyArray2<'_, i8>, classes: Vec<u32>) -> PyResult<Vec<Answer>> {
    let rows = inputs.as_array();
    if rows.nrows() != classes.len() {
        return Err(pyo3::exceptions::PyValueError::new_err(
            "one class for each input",
        ));
    }
    let each = rows.rows().into_iter().zip(classes);
    Ok(each
        .map(|(row, class)| Answer {
            input: row.to_vec(),
            class,
        })
        .collect())
}

/// The proof that the head gave these answers. `checked`: a false statement is refused rather than proved.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn prove_receipt<'py>(
    py: Python<'py>,
    suite: String,
    ctx: ContextParts,
    head: HeadParts,
    points: Vec<u8>,
    inputs: PyReadonlyArray2<'py, i8>,
    classes: Vec<u32>,
    weights: PyReadonlyArray1<'py, i64>,
    blinds: Vec<u8>,
    checked: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let answers = answers(&inputs, classes)?;
    let weights = weights.as_slice()?.to_vec();
    let proof = run(py, move || {
        with_suite!(suite.as_str(), S => prove_bytes(
            &statement::<S>(ctx, head, &points, answers)?, &witness::<S>(weights, head.0, 64, &blinds)?, checked))
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// Raises unless the proof holds for head, inputs and classes.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn verify_receipt(
    py: Python<'_>,
    suite: String,
    ctx: ContextParts,
    head: HeadParts,
    points: Vec<u8>,
    inputs: PyReadonlyArray2<'_, i8>,
    classes: Vec<u32>,
    proof: Vec<u8>,
) -> PyResult<()> {
    let answers = answers(&inputs, classes)?;
    run(
        py,
        move || with_suite!(suite.as_str(), S => statement::<S>(ctx, head, &points, answers)?.verify(&proof)),
    )
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(prove_receipt, module)?)?;
    module.add_function(wrap_pyfunction!(verify_receipt, module)?)
}
