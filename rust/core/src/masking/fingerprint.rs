//! Fingerprints of masked rows: φ(v) = Σ a_r·b_c·v_rc mod q for weights that nobody knew when the rows were signed for
//! (spec/secure-aggregation.md). What two different vectors share is chance: 1/q for each factor and repetition.

use ark_ff::PrimeField;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::masks::{Modulus, SUBJECT, Seed, add_masks};
use super::stream::{Drawn, Schedule};
use crate::commit::Key;
use crate::error::{Error, Result};
use crate::group::{Affine, Suite, WithoutH, to_affine};
use crate::shape::Shape;

/// Independent fingerprints: two different vectors share all of them with probability (2/q)^3, below 2^-92.
pub const REPETITIONS: usize = 3;

/// The weights of one repetition, below q.
pub struct Beacon {
    /// a: one a row.
    pub rows: Vec<u64>,
    /// b: one a column.
    pub columns: Vec<u64>,
}

impl Beacon {
    /// Of every repetition. session, accepted: what was fixed before anybody could know them.
    pub fn all(
        modulus: Modulus,
        shape: &Shape,
        session: &[u8; 32],
        accepted: &[u8; 32],
    ) -> Result<Vec<Self>> {
        shape.check(SUBJECT, shape.rows())?;
        let all = (0..REPETITIONS as u32)
            .map(|repetition| {
                let seed: [u8; 32] = Sha256::new_with_prefix(b"fedproof/v1/beacon\0")
                    .chain_update(session)
                    .chain_update(accepted)
                    .chain_update(repetition.to_be_bytes())
                    .finalize()
                    .into();
                let schedule = Schedule::new(&seed);
                let draw = |row, count| {
                    let mut out = vec![0; count];
                    let mut stream = schedule.row(row);
                    stream.skip_scalar();
                    stream.residues(modulus, &mut Drawn::new(), &mut out, |to, v| *to = v);
                    out
                };
                Self {
                    rows: draw(0, shape.rows()),
                    columns: draw(1, shape.columns()),
                }
            })
            .collect();
        Ok(all)
    }
}

/// Σ_c b_c·v_rc mod q of every row of residues.
pub fn row_fingerprints(
    modulus: Modulus,
    shape: &Shape,
    beacon: &Beacon,
    residues: &[u64],
) -> Result<Vec<u64>> {
    let d = usize::try_from(shape.d).unwrap_or(usize::MAX);
    if residues.len() != d || beacon.columns.len() != shape.columns() {
        return Err(Error::lengths(SUBJECT, d, residues.len()));
    }
    let of_row = |row: &[u64]| sum_of_products(modulus, row, &beacon.columns);
    Ok(residues.par_chunks(shape.columns()).map(of_row).collect())
}

/// Σ_r a_r·row_r mod q: the fingerprint, from those of the rows.
pub fn fold(modulus: Modulus, beacon: &Beacon, rows: &[u64]) -> Result<u64> {
    if rows.len() != beacon.rows.len() {
        return Err(Error::lengths(SUBJECT, beacon.rows.len(), rows.len()));
    }
    Ok(sum_of_products(modulus, rows, &beacon.rows))
}

/// Σ a·b mod q of residues; at most 2^28 of them, each below 2^48.
fn sum_of_products(modulus: Modulus, a: &[u64], b: &[u64]) -> u64 {
    let sum: u128 = a
        .iter()
        .zip(b)
        .map(|(a, b)| u128::from(*a) * u128::from(*b))
        .sum();
    (sum % u128::from(modulus.q())) as u64
}

/// What both ends of a pair know of its mask, for every repetition.
pub struct PairFingerprint<S: Suite> {
    /// Φ = φ·J + (Σ_r a_r·μ_r)·H + β·K, which both sign; J is the generator behind the last column.
    pub points: Vec<Affine<S>>,
    /// φ of the mask.
    pub values: Vec<u64>,
    /// β: without it, whoever guesses an update could see whether it is right.
    pub blinds: Vec<S::Scalar>,
}

impl<S: Suite> Drop for PairFingerprint<S> {
    fn drop(&mut self) {
        self.values.zeroize();
        self.blinds.zeroize();
    }
}

/// seed: of the mask. blind_seed: β of repetition s is the scalar of its row s.
pub fn pair_fingerprint<S: Suite>(
    modulus: Modulus,
    shape: &Shape,
    beacons: &[Beacon],
    seed: &[u8; 32],
    blind_seed: &[u8; 32],
) -> Result<PairFingerprint<S>> {
    let d = usize::try_from(shape.d).unwrap_or(usize::MAX);
    let mut residues = Zeroizing::new(vec![0; d]);
    let mut scalars = Zeroizing::new(vec![S::Scalar::default(); shape.rows()]);
    let seed = Seed {
        seed: Zeroizing::new(*seed),
        negative: false,
    };
    add_masks(modulus, shape.columns(), &[seed], &mut residues, &mut scalars)?;
    let key = Key::<S>::get(shape.columns() + 1);
    let mut points = Vec::with_capacity(beacons.len());
    let mut found = PairFingerprint {
        points: Vec::new(),
        values: Vec::with_capacity(beacons.len()),
        blinds: Vec::with_capacity(beacons.len()),
    };
    let blinds = Schedule::new(blind_seed);
    for (beacon, row) in beacons.iter().zip(0..) {
        let rows = Zeroizing::new(row_fingerprints(modulus, shape, beacon, &residues)?);
        let value = fold(modulus, beacon, &rows)?;
        let blind: S::Scalar = blinds.row(row).scalar();
        let h = weighted::<S::Scalar>(beacon, &scalars);
        let hidden = Key::<WithoutH<S>>::get(1).commit_scalars(0, &[], &blind)?;
        points.push(key.commit_scalars(shape.columns(), &[S::Scalar::from(value)], &h)? + hidden);
        found.values.push(value);
        found.blinds.push(blind);
    }
    found.points = to_affine::<S>(&points);
    Ok(found)
}

/// Σ_r a_r·scalar_r.
pub(crate) fn weighted<F: PrimeField>(beacon: &Beacon, scalars: &[F]) -> F {
    beacon
        .rows
        .iter()
        .zip(scalars)
        .map(|(a, scalar)| F::from(*a) * scalar)
        .sum()
}
