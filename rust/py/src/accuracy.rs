//! R6, accuracy.

use fedproof_core::error::Result;
use fedproof_core::group::{Pallas, Suite, decode_points};
use fedproof_core::relation::Relation;
use fedproof_core::relation::accuracy::{Accuracy, correct};
use fedproof_core::relation::head::Weights;
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{ContextParts, context, run, with_suite};
use crate::head::{DigitParts, Known, SizeParts, digits, size, stated};
use crate::plain_opening::prove_bytes;

/// (size, (scale, correct), digits)
type Parts = (SizeParts, (u32, u64), DigitParts);

fn statement<S: Suite>(
    ctx: ContextParts,
    (of_size, (scale, correct), of_digits): Parts,
    records: &[u8],
    weights: Weights<S>,
) -> Result<Accuracy<S>> {
    Ok(Accuracy {
        context: context(ctx)?,
        size: size(of_size),
        scale,
        correct,
        digits: digits(of_digits),
        records: decode_points::<S>(records)?,
        weights,
    })
}

/// The proof that weights classify so many of the records correctly. `weight_points`, `weight_blinds`: of committed weights; without them
/// they are public. `checked`: a false statement is refused rather than proved.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn prove_accuracy<'py>(
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
    let known = Known::new(parts.0, (&rows, blinds), &weights, (weight_points, weight_blinds))?;
    let proof = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let (stated, trained) = known.decode::<S>()?;
            prove_bytes(&statement::<S>(ctx, parts, &records, stated)?, &trained, checked)
        })
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// How many of the records weights classify correctly, as far as digits hold the leads.
#[pyfunction]
fn count_correct<'py>(
    py: Python<'py>,
    parts: (SizeParts, DigitParts),
    rows: PyReadonlyArray2<'py, i8>,
    weights: PyReadonlyArray1<'py, i64>,
) -> PyResult<u64> {
    let (of_size, of_digits) = parts;
    let known = Known::new(of_size, (&rows, Vec::new()), &weights, (None, Vec::new()))?;
    run(py, move || {
        let (_, trained) = known.decode::<Pallas>()?;
        correct(&size(of_size), &digits(of_digits), &trained)
    })
}

/// Raises unless the proof holds. `weights`: public ones; without them `weight_points` are those of committed ones.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn verify_accuracy<'py>(
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
    module.add_function(wrap_pyfunction!(count_correct, module)?)?;
    module.add_function(wrap_pyfunction!(prove_accuracy, module)?)?;
    module.add_function(wrap_pyfunction!(verify_accuracy, module)?)
}
