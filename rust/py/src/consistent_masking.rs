//! R4, consistent masking, and the fingerprints that it is about.

use fedproof_core::error::{Error, Result, Stage};
use fedproof_core::group::{Suite, decode_points, decode_scalars, encode_points, encode_scalars};
use fedproof_core::masking::{self, Beacon, Modulus};
use fedproof_core::recorder::Deferred;
use fedproof_core::relation::consistent_masking::{ConsistentMasking, Pair, Secret};
use fedproof_core::relation::{Relation, Shape};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::convert::{ContextParts, context, raise, run, with_suite};
use crate::plain_opening::prove_bytes;

/// (modulus, d, columns, session, digest of the accepted set)
type Place = (u64, u64, u32, Vec<u8>, Vec<u8>);
/// (points, values, blinds) of a pair's mask, for every repetition
type Fingerprint<'py> = (Bound<'py, PyBytes>, Vec<u64>, Bound<'py, PyBytes>);
/// (whether its mask is subtracted, points)
type PairParts = (bool, Vec<u8>);
/// (values, blinds) of a pair's mask
type Known = (Vec<u64>, Vec<u8>);
/// (digest of the accepted set, d, columns, modulus, bits of a carry)
type Setting = (Vec<u8>, u64, u32, u64, u32);

fn digest(bytes: Vec<u8>, what: &'static str) -> Result<[u8; 32]> {
    <[u8; 32]>::try_from(bytes)
        .map_err(|b| Error::new(what, Stage::Statement, format!("{} bytes, not 32", b.len())))
}

fn beacons((modulus, d, columns, session, accepted): Place) -> Result<(Modulus, Shape, Vec<Beacon>)> {
    let (modulus, shape) = (Modulus::new(modulus)?, Shape { d, columns });
    let session = digest(session, "session")?;
    let accepted = digest(accepted, "accepted set")?;
    let beacons = Beacon::all(modulus, &shape, &session, &accepted)?;
    Ok((modulus, shape, beacons))
}

/// Row fingerprints of residues, one repetition after another.
#[pyfunction]
fn row_fingerprints<'py>(
    py: Python<'py>,
    place: Place,
    residues: PyReadonlyArray1<'py, u64>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let residues = residues.as_slice()?.to_vec();
    let rows = run(py, move || {
        let (modulus, shape, beacons) = beacons(place)?;
        let each = beacons
            .iter()
            .map(|beacon| masking::row_fingerprints(modulus, &shape, beacon, &residues));
        Ok(each.collect::<Result<Vec<_>>>()?.concat())
    })?;
    Ok(PyArray1::from_vec(py, rows))
}

/// The fingerprint of every repetition, from those of rows.
#[pyfunction]
fn fold_fingerprints(place: Place, rows: PyReadonlyArray1<'_, u64>) -> PyResult<Vec<u64>> {
    let fold = |rows: &[u64]| {
        let (modulus, shape, beacons) = beacons(place)?;
        if rows.len() != beacons.len() * shape.rows() {
            return Err(Error::lengths("mask", beacons.len() * shape.rows(), rows.len()));
        }
        let each = beacons.iter().zip(rows.chunks(shape.rows()));
        each.map(|(beacon, rows)| masking::fold(modulus, beacon, rows))
            .collect()
    };
    fold(rows.as_slice()?).map_err(raise)
}

/// What both ends know of a pair's mask. seed: of the mask; blind_seed: of what hides it.
#[pyfunction]
fn pair_fingerprint<'py>(
    py: Python<'py>,
    suite: String,
    place: Place,
    seed: Vec<u8>,
    blind_seed: Vec<u8>,
) -> PyResult<Fingerprint<'py>> {
    let (points, values, blinds) = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let (modulus, shape, beacons) = beacons(place)?;
            let seed = Zeroizing::new(digest(seed, "mask")?);
            let blind_seed = Zeroizing::new(digest(blind_seed, "mask")?);
            let known = masking::pair_fingerprint::<S>(modulus, &shape, &beacons, &seed, &blind_seed)?;
            let blinds = Zeroizing::new(encode_scalars::<S>(&known.blinds));
            Ok((encode_points::<S>(&known.points), known.values.clone(), blinds))
        })
    })?;
    Ok((PyBytes::new(py, &points), values, PyBytes::new(py, &blinds)))
}

fn statement<S: Suite>(
    ctx: ContextParts,
    (accepted, d, columns, modulus, carry_bits): Setting,
    (points, blinds): (&[u8], &[u8]),
    pairs: &[PairParts],
    values: Vec<u64>,
) -> Result<ConsistentMasking<S>> {
    let pair = |(negative, points): &PairParts| {
        Ok(Pair {
            negative: *negative,
            points: decode_points::<S>(points)?,
        })
    };
    Ok(ConsistentMasking {
        context: context(ctx)?,
        accepted: digest(accepted, "accepted set")?,
        shape: Shape { d, columns },
        modulus: Modulus::new(modulus)?,
        carry_bits,
        points: decode_points::<S>(points)?,
        blinds: decode_scalars::<S>(blinds)?,
        pairs: pairs.iter().map(pair).collect::<Result<_>>()?,
        values,
    })
}

/// The proof that an upload is the update under these pairs' masks. known: of each pair. `checked`: a false statement is refused rather
/// than proved.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a flat border; Python wraps it")]
fn prove_consistent_masking<'py>(
    py: Python<'py>,
    suite: String,
    ctx: ContextParts,
    setting: Setting,
    points: Vec<u8>,
    blinds: Vec<u8>,
    pairs: Vec<PairParts>,
    values: Vec<u64>,
    update: PyReadonlyArray1<'py, i64>,
    known: Vec<Known>,
    checked: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let update = Zeroizing::new(update.as_slice()?.to_vec());
    let known = Zeroizing::new(known);
    let proof = run(py, move || {
        with_suite!(suite.as_str(), S => {
            let statement = statement::<S>(ctx, setting, (&points, &blinds), &pairs, values)?;
            if known.len() != pairs.len() {
                return Err(Error::lengths("consistent masking", pairs.len(), known.len()));
            }
            let hidden = known.iter().map(|(_, blinds)| decode_scalars::<S>(blinds));
            let hidden = Zeroizing::new(hidden.collect::<Result<Vec<_>>>()?);
            let each = pairs.iter().zip(known.iter()).zip(hidden.iter());
            let each = each.map(|(((negative, _), (values, _)), blinds)| (*negative, &values[..], &blinds[..]));
            let secret = Secret::new(update.to_vec(), each)?;
            prove_bytes(&statement, &secret, checked)
        })
    })?;
    Ok(PyBytes::new(py, &proof))
}

/// (context, setting, points, blinds, pairs, values, proof)
type Claim = (
    ContextParts,
    Setting,
    Vec<u8>,
    Vec<u8>,
    Vec<PairParts>,
    Vec<u64>,
    Vec<u8>,
);

fn read<S: Suite>((ctx, setting, points, blinds, pairs, values, _): &Claim) -> Result<ConsistentMasking<S>> {
    statement::<S>(
        ctx.clone(),
        setting.clone(),
        (points, blinds),
        pairs,
        values.clone(),
    )
}

/// Raises unless the proof holds.
#[pyfunction]
fn verify_consistent_masking(py: Python<'_>, suite: String, claim: Claim) -> PyResult<()> {
    run(
        py,
        move || with_suite!(suite.as_str(), S => read::<S>(&claim)?.verify(&claim.6)),
    )
}

/// Which of these proofs hold.
#[pyfunction]
fn holding_consistent_maskings(py: Python<'_>, suite: String, claims: Vec<Claim>) -> PyResult<Vec<bool>> {
    run(py, move || {
        with_suite!(suite.as_str(), S => {
            let deferred = claims.par_iter().map(|claim| read::<S>(claim)?.defer(&claim.6));
            Deferred::holding(&deferred.map(Result::ok).collect::<Vec<_>>())
        })
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(row_fingerprints, module)?)?;
    module.add_function(wrap_pyfunction!(fold_fingerprints, module)?)?;
    module.add_function(wrap_pyfunction!(pair_fingerprint, module)?)?;
    module.add_function(wrap_pyfunction!(prove_consistent_masking, module)?)?;
    module.add_function(wrap_pyfunction!(verify_consistent_masking, module)?)?;
    module.add_function(wrap_pyfunction!(holding_consistent_maskings, module)?)
}
