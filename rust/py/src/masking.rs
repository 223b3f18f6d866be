//! Masks, keys and shares of masked rounds.

use fedproof_core::error::{Error, Result, Stage};
use fedproof_core::group::{
    Suite, decode_field, decode_points, decode_scalars, encode_field, encode_point, encode_points,
    encode_scalars,
};
use fedproof_core::masking::{self, Modulus, Seed};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::convert::{raise, run, with_suite};

type Pair<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);
/// (32 bytes, whether its mask is subtracted)
type SeedParts = (Vec<u8>, bool);

fn seeds(parts: Vec<SeedParts>) -> Result<Vec<Seed>> {
    let seed = |(bytes, negative): SeedParts| {
        let seed = <[u8; 32]>::try_from(Zeroizing::new(bytes).as_slice())
            .map(Zeroizing::new)
            .map_err(|_| Error::new("mask", Stage::Statement, "a seed has 32 bytes"))?;
        Ok(Seed { seed, negative })
    };
    parts.into_iter().map(seed).collect()
}

/// A fresh secret from the operating system, and its key.
#[pyfunction]
fn generate_key<'py>(py: Python<'py>, suite: String, context: Vec<u8>) -> PyResult<Pair<'py>> {
    let (secret, key) = with_suite!(suite.as_str(), S => masking::generate::<S>(&context).map(|secret| (
        Zeroizing::new(encode_field(*secret)),
        encode_point::<S>(&masking::public_key::<S>(&secret)),
    )))
    .map_err(raise)?;
    Ok((PyBytes::new(py, &secret), PyBytes::new(py, &key)))
}

/// s·D for each of these scalars.
#[pyfunction]
fn public_keys<'py>(py: Python<'py>, suite: String, secrets: Vec<u8>) -> PyResult<Bound<'py, PyBytes>> {
    let secrets = Zeroizing::new(secrets);
    let keys = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let secrets = Zeroizing::new(decode_scalars::<S>(&secrets)?);
            let keys: Vec<_> = secrets.iter().map(masking::public_key::<S>).collect();
            Ok(encode_points::<S>(&keys))
        })
    })?;
    Ok(PyBytes::new(py, &keys))
}

/// secret·K for each of these keys.
#[pyfunction]
fn shared_points<'py>(
    py: Python<'py>,
    suite: String,
    secret: Vec<u8>,
    keys: Vec<u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let secret = Zeroizing::new(secret);
    let points = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let secret = Zeroizing::new(decode_field::<<S as Suite>::Scalar>(&secret)?);
            let points = masking::shared_points::<S>(&secret, &decode_points::<S>(&keys)?)?;
            Ok(Zeroizing::new(encode_points::<S>(&points)))
        })
    })?;
    Ok(PyBytes::new(py, &points))
}

/// That one secret makes D and the bases to the images that `verify_key` is given.
#[pyfunction]
fn prove_key<'py>(
    py: Python<'py>,
    suite: String,
    secret: Vec<u8>,
    bases: Vec<u8>,
    context: Vec<u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let secret = Zeroizing::new(secret);
    let proof = with_suite!(suite.as_str(), S => {
        let make = || {
            let secret = Zeroizing::new(decode_field::<<S as Suite>::Scalar>(&secret)?);
            masking::prove_key::<S>(&secret, &decode_points::<S>(&bases)?, &context)
        };
        make()
    })
    .map_err(raise)?;
    Ok(PyBytes::new(py, &proof))
}

/// images: of D, then of the bases.
#[pyfunction]
fn verify_key(suite: &str, images: &[u8], bases: &[u8], context: &[u8], proof: &[u8]) -> PyResult<()> {
    with_suite!(suite, S => {
        let verify = || masking::verify_key::<S>(
            &decode_points::<S>(images)?, &decode_points::<S>(bases)?, context, proof);
        verify()
    })
    .map_err(raise)
}

/// (shares, commitments)
#[pyfunction]
fn deal_shares<'py>(
    py: Python<'py>,
    suite: String,
    secret: Vec<u8>,
    holders: Vec<u32>,
    threshold: usize,
    context: Vec<u8>,
) -> PyResult<Pair<'py>> {
    let secret = Zeroizing::new(secret);
    let (shares, commitments) = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let secret = Zeroizing::new(decode_field::<<S as Suite>::Scalar>(&secret)?);
            let dealt = masking::deal::<S>(&secret, &holders, threshold, &context)?;
            Ok((Zeroizing::new(encode_scalars::<S>(&dealt.shares)), encode_points::<S>(&dealt.commitments)))
        })
    })?;
    Ok((PyBytes::new(py, &shares), PyBytes::new(py, &commitments)))
}

/// f(holder)·D for each of these holders, of one dealer's commitments after the other.
#[pyfunction]
fn share_images<'py>(
    py: Python<'py>,
    suite: String,
    commitments: Vec<Vec<u8>>,
    holders: Vec<u32>,
) -> PyResult<Bound<'py, PyBytes>> {
    let images = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let images = |points: &Vec<u8>| masking::share_images::<S>(&decode_points::<S>(points)?, &holders);
            let images = commitments.par_iter().map(images).collect::<Result<Vec<_>>>()?;
            Ok(encode_points::<S>(&images.concat()))
        })
    })?;
    Ok(PyBytes::new(py, &images))
}

/// f(0) from shares.
#[pyfunction]
fn interpolate<'py>(
    py: Python<'py>,
    suite: &str,
    holders: Vec<u32>,
    shares: Vec<u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let shares = Zeroizing::new(shares);
    let secret = with_suite!(suite, S => {
        let make = || {
            let shares = Zeroizing::new(decode_scalars::<S>(&shares)?);
            Ok(Zeroizing::new(encode_field(masking::interpolate::<S>(&holders, &shares)?)))
        };
        make()
    })
    .map_err(raise)?;
    Ok(PyBytes::new(py, &secret))
}

/// f(0)·E from f(i)·E.
#[pyfunction]
fn interpolate_points<'py>(
    py: Python<'py>,
    suite: &str,
    holders: Vec<u32>,
    points: Vec<u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let point = with_suite!(suite, S => {
        let make = || Ok(encode_point::<S>(
            &masking::interpolate_points::<S>(&holders, &decode_points::<S>(&points)?)?));
        make()
    })
    .map_err(raise)?;
    Ok(PyBytes::new(py, &point))
}

/// (packed residues of weight·values + masks, blinds likewise)
#[pyfunction]
#[allow(clippy::too_many_arguments)] // as they stand in the formula
fn mask_update<'py>(
    py: Python<'py>,
    suite: String,
    modulus: u64,
    columns: usize,
    weight: u64,
    values: PyReadonlyArray1<'py, i64>,
    blinds: Vec<u8>,
    masks: Vec<SeedParts>,
) -> PyResult<Pair<'py>> {
    let values = Zeroizing::new(values.as_slice()?.to_vec());
    let (blinds, masks) = (Zeroizing::new(blinds), seeds(masks).map_err(raise)?);
    let (masked, blinds) = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let modulus = Modulus::new(modulus)?;
            let blinds = Zeroizing::new(decode_scalars::<S>(&blinds)?);
            let (residues, blinds) = masking::mask(modulus, columns, weight, &values, &blinds, &masks)?;
            Ok((masking::pack(modulus, &residues), encode_scalars::<S>(&blinds)))
        })
    })?;
    Ok((PyBytes::new(py, &masked), PyBytes::new(py, &blinds)))
}

/// residues and blinds with the masks of these seeds added
#[pyfunction]
fn add_masks<'py>(
    py: Python<'py>,
    suite: String,
    modulus: u64,
    columns: usize,
    masks: Vec<SeedParts>,
    residues: PyReadonlyArray1<'py, u64>,
    blinds: Vec<u8>,
) -> PyResult<(Bound<'py, PyArray1<u64>>, Bound<'py, PyBytes>)> {
    let mut residues = residues.as_slice()?.to_vec();
    let masks = seeds(masks).map_err(raise)?;
    let (residues, blinds) = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let mut blinds = decode_scalars::<S>(&blinds)?;
            masking::add_masks(Modulus::new(modulus)?, columns, &masks, &mut residues, &mut blinds)?;
            Ok((residues, encode_scalars::<S>(&blinds)))
        })
    })?;
    Ok((PyArray1::from_vec(py, residues), PyBytes::new(py, &blinds)))
}

/// Each residue in the modulus' width.
#[pyfunction]
fn pack_residues<'py>(
    py: Python<'py>,
    modulus: u64,
    residues: PyReadonlyArray1<'py, u64>,
) -> PyResult<Bound<'py, PyBytes>> {
    let modulus = Modulus::new(modulus).map_err(raise)?;
    Ok(PyBytes::new(py, &masking::pack(modulus, residues.as_slice()?)))
}

/// The residues that were packed.
#[pyfunction]
fn unpack_residues<'py>(
    py: Python<'py>,
    modulus: u64,
    count: usize,
    packed: Vec<u8>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let residues = run(py, move || {
        masking::unpack(Modulus::new(modulus)?, count, &packed)
    })?;
    Ok(PyArray1::from_vec(py, residues))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(generate_key, module)?)?;
    module.add_function(wrap_pyfunction!(public_keys, module)?)?;
    module.add_function(wrap_pyfunction!(shared_points, module)?)?;
    module.add_function(wrap_pyfunction!(prove_key, module)?)?;
    module.add_function(wrap_pyfunction!(verify_key, module)?)?;
    module.add_function(wrap_pyfunction!(deal_shares, module)?)?;
    module.add_function(wrap_pyfunction!(share_images, module)?)?;
    module.add_function(wrap_pyfunction!(interpolate, module)?)?;
    module.add_function(wrap_pyfunction!(interpolate_points, module)?)?;
    module.add_function(wrap_pyfunction!(mask_update, module)?)?;
    module.add_function(wrap_pyfunction!(add_masks, module)?)?;
    module.add_function(wrap_pyfunction!(pack_residues, module)?)?;
    module.add_function(wrap_pyfunction!(unpack_residues, module)?)
}
