//! Row commitments: make, combine, digest.

use fedproof_core::commit::{Key, combine_blinds as sum_of_blinds, combine_matrices};
use fedproof_core::error::{Error, Result, Stage};
use fedproof_core::group::{
    Bn254, Pallas, Suite, decode_points, decode_scalars, encode_points, encode_scalars, point_size,
    scalar_size,
};
use fedproof_core::recorder::Nonces;
use fedproof_core::relation::check_opening as opening;
use fedproof_core::rowtree::row_root;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{raise, run, with_suite};

/// (suite id, bits of security)
#[pyfunction]
fn suites() -> Vec<(&'static str, u32)> {
    vec![(Pallas::ID, Pallas::BITS), (Bn254::ID, Bn254::BITS)]
}

/// (bytes of a point, bytes of a scalar)
#[pyfunction]
fn sizes(suite: &str) -> PyResult<(usize, usize)> {
    with_suite!(suite, S => Ok((point_size::<S>(), scalar_size::<S>()))).map_err(raise)
}

fn commit_rows<S: Suite>(values: &[i64], columns: u32, bits: u32, blinds: &[S::Scalar]) -> Result<Vec<u8>> {
    let columns = columns as usize;
    if !(1..=1 << 16).contains(&columns) {
        return Err(Error::new(
            "commitment",
            Stage::Statement,
            "rows have 1 to 65536 entries",
        ));
    }
    Ok(encode_points::<S>(
        &Key::<S>::get(columns).commit_rows(values, columns, bits, blinds)?,
    ))
}

/// Fresh blinds from the operating system. Returns (points, blinds).
#[pyfunction]
fn commit<'py>(
    py: Python<'py>,
    suite: String,
    values: PyReadonlyArray1<'py, i64>,
    columns: u32,
    bits: u32,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let values = values.as_slice()?.to_vec();
    let (points, blinds) = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let blinds: Vec<<S as Suite>::Scalar> = Nonces::unhedged(b"row blinds")?
                .scalars(values.len().div_ceil((columns as usize).max(1)));
            let points = commit_rows::<S>(&values, columns, bits, &blinds)?;
            Ok((points, encode_scalars::<S>(&blinds)))
        })
    })?;
    Ok((PyBytes::new(py, &points), PyBytes::new(py, &blinds)))
}

/// With blinds of zero, for public values.
#[pyfunction]
fn commit_public<'py>(
    py: Python<'py>,
    suite: String,
    values: PyReadonlyArray1<'py, i64>,
    columns: u32,
    bits: u32,
) -> PyResult<Bound<'py, PyBytes>> {
    let values = values.as_slice()?.to_vec();
    let points = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let rows = values.len().div_ceil((columns as usize).max(1));
            commit_rows::<S>(&values, columns, bits, &vec![<S as Suite>::Scalar::default(); rows])
        })
    })?;
    Ok(PyBytes::new(py, &points))
}

/// Refuses values and blinds that do not open the points.
#[pyfunction]
fn check_opening<'py>(
    py: Python<'py>,
    suite: String,
    points: Vec<u8>,
    columns: u32,
    values: PyReadonlyArray1<'py, i64>,
    blinds: Vec<u8>,
) -> PyResult<()> {
    let values = values.as_slice()?.to_vec();
    run(py, move || {
        with_suite!(suite.as_str(), S => opening::<S, i64>(
            &decode_points::<S>(&points)?, columns as usize, &values, &decode_scalars::<S>(&blinds)?))
    })
}

/// The commitment's digest; refuses points that are not in their one encoding.
#[pyfunction]
fn digest<'py>(py: Python<'py>, suite: String, points: Vec<u8>) -> PyResult<Bound<'py, PyBytes>> {
    let root = run(
        py,
        move || with_suite!(suite.as_str(), S => Ok(row_root::<S>(&decode_points::<S>(&points)?))),
    )?;
    Ok(PyBytes::new(py, &root))
}

/// Σ weight·commitment.
#[pyfunction]
fn combine<'py>(
    py: Python<'py>,
    suite: String,
    commitments: Vec<Vec<u8>>,
    weights: Vec<u64>,
) -> PyResult<Bound<'py, PyBytes>> {
    let sum = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let decoded = commitments.iter().map(|c| decode_points::<S>(c)).collect::<Result<Vec<_>>>()?;
            Ok(encode_points::<S>(&combine_matrices::<S>(&decoded, &weights)?))
        })
    })?;
    Ok(PyBytes::new(py, &sum))
}

/// Σ weight·blind, row by row.
#[pyfunction]
fn combine_blinds<'py>(
    py: Python<'py>,
    suite: String,
    blinds: Vec<Vec<u8>>,
    weights: Vec<u64>,
) -> PyResult<Bound<'py, PyBytes>> {
    let sum = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let all = blinds.iter().map(|b| decode_scalars::<S>(b)).collect::<Result<Vec<_>>>()?;
            Ok(encode_scalars::<S>(&sum_of_blinds::<S>(&all, &weights)?))
        })
    })?;
    Ok(PyBytes::new(py, &sum))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(suites, module)?)?;
    module.add_function(wrap_pyfunction!(sizes, module)?)?;
    module.add_function(wrap_pyfunction!(commit, module)?)?;
    module.add_function(wrap_pyfunction!(commit_public, module)?)?;
    module.add_function(wrap_pyfunction!(check_opening, module)?)?;
    module.add_function(wrap_pyfunction!(digest, module)?)?;
    module.add_function(wrap_pyfunction!(combine, module)?)?;
    module.add_function(wrap_pyfunction!(combine_blinds, module)?)
}
