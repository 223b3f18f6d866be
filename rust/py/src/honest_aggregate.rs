//! R2, honest aggregate: the sum with the result at hand, and its short opening proof without.

use fedproof_core::error::Result;
use fedproof_core::group::{Suite, decode_points, decode_scalars};
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::{Relation, Shape};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{ContextParts, context, run, with_suite};
use crate::plain_opening::{prove_bytes, witness};

/// (weight, points) per client, in order.
type Terms = Vec<(u64, Vec<u8>)>;

fn statement<S: Suite>(ctx: ContextParts, shape: (u64, u32), terms: Terms) -> Result<HonestAggregate<S>> {
    let (weights, points): (Vec<u64>, Vec<Vec<u8>>) = terms.into_iter().unzip();
    let commitments = points
        .iter()
        .map(|p| decode_points::<S>(p))
        .collect::<Result<_>>()?;
    let shape = Shape {
        d: shape.0,
        columns: shape.1,
    };
    Ok(HonestAggregate {
        context: context(ctx)?,
        shape,
        weights,
        commitments,
    })
}

/// The short proof that the total is known behind Σ weight·commitment.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn prove_honest_aggregate<'py>(
    py: Python<'py>,
    suite: String,
    ctx: ContextParts,
    shape: (u64, u32),
    terms: Terms,
    values: PyReadonlyArray1<'py, i64>,
    bits: u32,
    blinds: Vec<u8>,
    checked: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let values = values.as_slice()?.to_vec();
    let proof = run(py, move || {
        with_suite!(suite.as_str(), S => prove_bytes(
            &statement::<S>(ctx, shape, terms)?, &witness::<S>(values, shape.1, bits, &blinds)?, checked))
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// Raises unless the short proof holds for the terms and context; the total itself is not needed.
#[pyfunction]
fn verify_honest_aggregate_proof(
    py: Python<'_>,
    suite: String,
    ctx: ContextParts,
    shape: (u64, u32),
    terms: Terms,
    proof: Vec<u8>,
) -> PyResult<()> {
    run(
        py,
        move || with_suite!(suite.as_str(), S => statement::<S>(ctx, shape, terms)?.verify(&proof)),
    )
}

/// Raises unless the total and its blinds open Σ weight·commitment, and the short proof of it holds, if there is one: points are
/// decoded once for both.
#[pyfunction]
#[pyo3(signature = (suite, ctx, shape, terms, values, blinds, proof=None))]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn verify_sum(
    py: Python<'_>,
    suite: String,
    ctx: ContextParts,
    shape: (u64, u32),
    terms: Terms,
    values: PyReadonlyArray1<'_, i64>,
    blinds: Vec<u8>,
    proof: Option<Vec<u8>>,
) -> PyResult<()> {
    let values = values.as_slice()?.to_vec();
    run(py, move || {
        with_suite!(suite.as_str(), S => {
            let statement = statement::<S>(ctx, shape, terms)?;
            statement.verify_sum(&values, &decode_scalars::<S>(&blinds)?)?;
            proof.map_or(Ok(()), |proof| statement.verify(&proof))
        })
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(prove_honest_aggregate, module)?)?;
    module.add_function(wrap_pyfunction!(verify_honest_aggregate_proof, module)?)?;
    module.add_function(wrap_pyfunction!(verify_sum, module)?)
}
