//! R1, bounded update.

use fedproof_core::error::Result;
use fedproof_core::group::{Suite, decode_points};
use fedproof_core::relation::bounded_update::{self, BoundedUpdate, Bounds};
use fedproof_core::relation::{Relation, Shape, verify_all};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{ContextParts, context, run, with_suite};
use crate::plain_opening::witness;

/// (max_abs, max_norm_squared, limb)
type BoundsParts = (u64, u128, u64);

fn statement<S: Suite>(
    ctx: ContextParts,
    shape: (u64, u32),
    bounds: BoundsParts,
    points: &[u8],
) -> Result<BoundedUpdate<S>> {
    Ok(BoundedUpdate {
        context: context(ctx)?,
        shape: Shape {
            d: shape.0,
            columns: shape.1,
        },
        bounds: Bounds {
            max_abs: bounds.0,
            max_norm_squared: bounds.1,
            limb: bounds.2,
        },
        points: decode_points::<S>(points)?,
    })
}

/// The proof that a commitment opens to values within the bounds, and the seconds that each kind of message took. `checked`: a
/// false statement is refused rather than proved.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn prove_bounded_update<'py>(
    py: Python<'py>,
    suite: String,
    ctx: ContextParts,
    shape: (u64, u32),
    bounds: BoundsParts,
    points: Vec<u8>,
    values: PyReadonlyArray1<'py, i64>,
    bits: u32,
    blinds: Vec<u8>,
    checked: bool,
) -> PyResult<(Bound<'py, PyBytes>, Vec<(&'static str, f64)>)> {
    let values = values.as_slice()?.to_vec();
    let (proof, spent) = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let statement = statement::<S>(ctx, shape, bounds, &points)?;
            let witness = witness::<S>(values, shape.1, bits, &blinds)?;
            if checked {
                statement.check().and_then(|()| statement.holds(&witness)).map_err(|e| e.within(bounded_update::NAME))?;
            }
            let (proof, spent) = statement.prove_timed(&witness)?;
            Ok((proof.to_bytes(), spent))
        })
    })?;
    let seconds = spent.into_iter().map(|(name, time)| (name, time.as_secs_f64()));
    Ok((PyBytes::new(py, &proof), seconds.collect()))
}

/// Raises unless the proof holds for commitment, bounds and context.
#[pyfunction]
fn verify_bounded_update(
    py: Python<'_>,
    suite: String,
    ctx: ContextParts,
    shape: (u64, u32),
    bounds: BoundsParts,
    points: Vec<u8>,
    proof: Vec<u8>,
) -> PyResult<()> {
    run(
        py,
        move || with_suite!(suite.as_str(), S => statement::<S>(ctx, shape, bounds, &points)?.verify(&proof)),
    )
}

/// Many proofs in one multi-scalar multiplication: all hold, or the call refuses without saying which one is bad.
#[pyfunction]
fn verify_bounded_updates(
    py: Python<'_>,
    suite: String,
    statements: Vec<(ContextParts, (u64, u32), BoundsParts, Vec<u8>, Vec<u8>)>,
) -> PyResult<()> {
    run(py, move || {
        with_suite!(suite.as_str(), S => {
            let claims = statements
                .into_iter()
                .map(|(ctx, shape, bounds, points, proof)| Ok((statement::<S>(ctx, shape, bounds, &points)?, proof)))
                .collect::<Result<Vec<_>>>()?;
            verify_all(&claims)
        })
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(prove_bounded_update, module)?)?;
    module.add_function(wrap_pyfunction!(verify_bounded_update, module)?)?;
    module.add_function(wrap_pyfunction!(verify_bounded_updates, module)?)
}
