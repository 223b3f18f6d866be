//! Pedersen row commitments P_i = Σ_j x_ij·G_j + ρ_i·H (spec/commitment.md): they hide, they bind, and they add.

mod rows;
mod sums;
mod tables;
mod variable;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use crate::error::{Error, Result, Stage};
use crate::generators::{named_generator, row_generators};
use crate::group::{Affine, Point, Suite, to_affine};
use crate::msm::msm;
use tables::{FixedBase, Shifted, Tables};

pub use rows::{combine_columns, combine_rows};
pub use variable::multiply_each;

/// Generators and their tables. One per suite and size, kept for the life of the process.
pub struct Key<S: Suite> {
    g: Vec<Affine<S>>,
    h: Affine<S>,
    u: Affine<S>,
    rows: OnceLock<Tables<S>>,
    /// Tables of 2^128·G_j: half the doublings for full-size scalars.
    shifted: Shifted<S>,
    blinds: OnceLock<FixedBase<S>>,
    inner: OnceLock<FixedBase<S>>,
    keys: OnceLock<FixedBase<S>>,
}

type Cache = Mutex<HashMap<(TypeId, usize), Arc<dyn Any + Send + Sync>>>;
static KEYS: OnceLock<Cache> = OnceLock::new();

/// The smallest key: enough for the messages of small proofs.
const MIN_GENERATORS: usize = 256;

impl<S: Suite> Key<S> {
    /// A key with at least `n` generators.
    pub fn get(n: usize) -> Arc<Self> {
        let size = n.max(MIN_GENERATORS).next_power_of_two();
        let keys = KEYS.get_or_init(Mutex::default);
        let cached = |keys: &HashMap<_, Arc<dyn Any + Send + Sync>>| {
            keys.get(&(TypeId::of::<S>(), size))
                .and_then(|k| Arc::clone(k).downcast::<Self>().ok())
        };
        if let Some(key) = cached(&keys.lock().unwrap_or_else(PoisonError::into_inner)) {
            return key;
        }
        // Made without the lock, so that nobody waits for somebody else's size; the first one stays.
        let made = Arc::new(Self::make(size));
        let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        cached(&keys).unwrap_or_else(|| {
            keys.insert((TypeId::of::<S>(), size), Arc::clone(&made) as _);
            made
        })
    }

    fn make(size: usize) -> Self {
        let g = row_generators::<S>(u32::try_from(size).unwrap_or(u32::MAX));
        Self {
            g,
            h: named_generator::<S>(S::BLIND),
            u: named_generator::<S>("U"),
            rows: OnceLock::new(),
            shifted: Shifted::new(size),
            blinds: OnceLock::new(),
            inner: OnceLock::new(),
            keys: OnceLock::new(),
        }
    }

    pub fn g(&self) -> &[Affine<S>] {
        &self.g
    }

    pub fn h(&self) -> Affine<S> {
        self.h
    }

    pub fn u(&self) -> Affine<S> {
        self.u
    }

    fn row_tables(&self) -> &Tables<S> {
        self.rows.get_or_init(|| Tables::new(&self.g))
    }

    fn blind_table(&self) -> &FixedBase<S> {
        self.blinds.get_or_init(|| FixedBase::new(&self.h))
    }

    /// One point per row: Σ_j values[i·columns + j]·G_j + blinds[i]·H; the last row may be short, the rest of it is zero.
    /// Every value lies in [−2^(bits−1), 2^(bits−1)): control flow depends on that public bound and on the shape only.
    pub fn commit_rows(
        &self,
        values: &[i64],
        columns: usize,
        bits: u32,
        blinds: &[S::Scalar],
    ) -> Result<Vec<Affine<S>>> {
        let fail = |why: &'static str| Error::new("commitment", Stage::Shape, why);
        if columns == 0 || columns > self.g.len() {
            return Err(fail("more columns than generators"));
        }
        if values.len().div_ceil(columns) != blinds.len() {
            return Err(Error::lengths(
                "blinds",
                values.len().div_ceil(columns),
                blinds.len(),
            ));
        }
        let limit = 1i64.checked_shl(bits.saturating_sub(1)).filter(|_| bits < 64);
        if limit.is_some_and(|l| values.iter().any(|v| *v < -l || *v >= l)) {
            return Err(fail("a value is wider than declared"));
        }
        let mut points = rows::commit(self.row_tables(), values, columns, bits)?;
        let table = self.blind_table();
        points
            .par_iter_mut()
            .zip(blinds)
            .with_min_len(8)
            .for_each(|(p, b)| *p += table.multiply(b));
        Ok(to_affine::<S>(&points))
    }

    /// Σ_k values[k]·G_{first+k} + blind·H for full-size secret scalars.
    pub fn commit_scalars(&self, first: usize, values: &[S::Scalar], blind: &S::Scalar) -> Result<Point<S>> {
        let row_tables = self.row_tables();
        let both = |k| {
            let slot = first.checked_add(k)?;
            Some((row_tables.get(slot)?, self.shifted.get(&self.g, slot)?))
        };
        let tables: Option<Vec<_>> = (0..values.len()).map(both).collect();
        let Some(tables) = tables else {
            return Err(Error::new(
                "commitment",
                Stage::Shape,
                "more slots than generators",
            ));
        };
        Ok(tables::multiply(&tables, values) + self.blind_table().multiply(blind))
    }

    /// Σ scalar·G_j over the generators of these ranges, in order, for full-size secret scalars; no secret-dependent control flow.
    pub fn multiply_ranges(&self, ranges: &[Range<usize>], scalars: &[S::Scalar]) -> Result<Point<S>> {
        let count = ranges.iter().map(ExactSizeIterator::len).sum();
        if scalars.len() != count || ranges.iter().any(|r| r.end > self.g.len()) {
            return Err(Error::lengths("generators", count, scalars.len()));
        }
        rows::multiply_ranges(self.row_tables(), ranges, scalars)
    }

    /// secret·D.
    pub fn multiply_d(&self, secret: &S::Scalar) -> Point<S> {
        self.keys
            .get_or_init(|| FixedBase::new(&named_generator::<S>("D")))
            .multiply(secret)
    }

    /// value·U + blind·H.
    pub fn commit_value(&self, value: &S::Scalar, blind: &S::Scalar) -> Point<S> {
        self.inner.get_or_init(|| FixedBase::new(&self.u)).multiply(value)
            + self.blind_table().multiply(blind)
    }
}

/// Σ_k weights[k]·commitments[k], row by row: commitments add.
pub fn combine_matrices<S: Suite>(commitments: &[Vec<Affine<S>>], weights: &[u64]) -> Result<Vec<Affine<S>>> {
    let first = commitments
        .first()
        .ok_or_else(|| Error::new("commitment", Stage::Shape, "nothing to add"))?;
    if commitments.len() != weights.len() {
        return Err(Error::lengths("weights", commitments.len(), weights.len()));
    }
    if let Some(other) = commitments.iter().find(|c| c.len() != first.len()) {
        return Err(Error::lengths("rows", first.len(), other.len()));
    }
    let scalars: Vec<S::Scalar> = weights.iter().map(|w| S::Scalar::from(*w)).collect();
    let sums = (0..first.len())
        .into_par_iter()
        .map(|row| {
            let points: Vec<Affine<S>> = commitments.iter().filter_map(|c| c.get(row).copied()).collect();
            msm::<S>(&points, &scalars)
        })
        .collect::<Result<Vec<Point<S>>>>()?;
    Ok(to_affine::<S>(&sums))
}

/// Σ_k weights[k]·blinds[k], row by row: what opens the combined commitment.
pub fn combine_blinds<S: Suite>(blinds: &[Vec<S::Scalar>], weights: &[u64]) -> Result<Vec<S::Scalar>> {
    let rows = blinds.first().map_or(0, Vec::len);
    if blinds.len() != weights.len() {
        return Err(Error::lengths("weights", blinds.len(), weights.len()));
    }
    if let Some(other) = blinds.iter().find(|b| b.len() != rows) {
        return Err(Error::lengths("blinds", rows, other.len()));
    }
    let mut sum = vec![S::Scalar::default(); rows];
    for (list, weight) in blinds.iter().zip(weights) {
        for (to, blind) in sum.iter_mut().zip(list) {
            *to += *blind * S::Scalar::from(*weight);
        }
    }
    Ok(sum)
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "lists of ranges, some with one")]
mod tests {
    use super::*;
    use crate::group::{Bn254, Pallas, scalar_from_i64};
    use ark_ff::{AdditiveGroup, Field};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    fn scalar<S: Suite>(rng: &mut StdRng) -> S::Scalar {
        let mut bytes = [0u8; 64];
        rng.fill(&mut bytes);
        crate::group::scalar_from_wide(&bytes)
    }

    fn rows_agree<S: Suite>() {
        let mut rng = StdRng::seed_from_u64(1);
        for (d, columns, bits) in [
            (1usize, 1usize, 16u32),
            (5, 4, 16),
            (64, 8, 16),
            (300, 256, 16),
            (33, 4, 8),
            (40, 8, 24),
            (9, 2, 64),
            (70, 64, 40),
            // One short row, a single column, columns that are no power of two, many rows, one bit.
            (3, 256, 16),
            (7, 1, 17),
            (100, 12, 16),
            (98 * 16 + 3, 16, 16),
            (2000, 2, 9),
            (12, 8, 1),
        ] {
            let limit = if bits == 64 {
                i64::MAX
            } else {
                (1i64 << (bits - 1)) - 1
            };
            let values: Vec<i64> = (0..d)
                .map(|i| match i % 4 {
                    _ if i / columns == 1 => 0,
                    0 => limit,
                    1 => -limit - 1,
                    2 => 0,
                    _ => rng.random_range(-limit..=limit),
                })
                .collect();
            // A public vector has no blinds; the extremes are where digits would overflow.
            let blinds: Vec<S::Scalar> = (0..d.div_ceil(columns))
                .map(|row| match row % 3 {
                    0 => scalar::<S>(&mut rng),
                    1 => S::Scalar::from(0u64),
                    _ => -S::Scalar::from(1u64),
                })
                .collect();
            let key = Key::<S>::get(columns);
            let fast = key.commit_rows(&values, columns, bits, &blinds).expect("rows");
            for ((row, blind), point) in values.chunks(columns).zip(&blinds).zip(fast) {
                let scalars: Vec<S::Scalar> = row.iter().map(|v| scalar_from_i64(*v)).collect();
                let plain = msm::<S>(&key.g()[..row.len()], &scalars).expect("lengths") + key.h() * blind;
                assert_eq!(plain, Point::<S>::from(point));
            }
        }
    }

    #[test]
    fn rows_agree_with_plain_multiplication() {
        rows_agree::<Pallas>();
        rows_agree::<Bn254>();
    }

    fn scalars_agree<S: Suite>() {
        let mut rng = StdRng::seed_from_u64(2);
        let key = Key::<S>::get(16);
        // The last two: across the end of a block of shifted tables, and many at once.
        let key = if S::BITS == 126 { Key::<S>::get(512) } else { key };
        for (first, n) in [
            (0usize, 1usize),
            (3, 2),
            (8, 8),
            (5, 0),
            (key.g().len() / 2 - 2, 5),
            (0, 70),
        ] {
            let mut values: Vec<S::Scalar> = (0..n).map(|_| scalar::<S>(&mut rng)).collect();
            let edges = [-1i64, 0, 1, i64::MAX].map(scalar_from_i64::<S::Scalar>);
            for (v, edge) in values.iter_mut().step_by(2).zip(edges.into_iter().cycle()) {
                *v = edge;
            }
            if let Some(v) = values.last_mut().filter(|_| n > 4) {
                *v = S::Scalar::from(2u64).inverse().expect("odd order");
            }
            let blind = scalar::<S>(&mut rng);
            let plain = msm::<S>(&key.g()[first..first + n], &values).expect("lengths") + key.h() * blind;
            assert_eq!(key.commit_scalars(first, &values, &blind).expect("slots"), plain);
            assert_eq!(
                key.commit_value(&blind, &S::Scalar::from(5u64)),
                key.u() * blind + key.h() * S::Scalar::from(5u64)
            );
        }
    }

    /// Scalars for which the last entry is the sum that it is added to, or its opposite: −1/2, and one of 256 of each kind.
    fn exceptional_scalars_agree<S: Suite>() {
        let key = Key::<S>::get(16);
        let half = S::Scalar::from(2u64).inverse().expect("odd order");
        for u in 0..=256i64 {
            let digit = scalar_from_i64::<S::Scalar>(if u == 256 { 0 } else { 2 * u - 255 });
            let [slot, value] = [128u64, 248].map(|power| digit * S::Scalar::from(2u64).pow([power]) - half);
            // The others cancel out before the last entry.
            for scalars in [vec![slot], vec![-half, slot]] {
                let plain: Point<S> = key.g().iter().zip(&scalars).map(|(g, k)| *g * k).sum();
                let found = key.commit_scalars(0, &scalars, &S::Scalar::ZERO).expect("slots");
                assert_eq!(found, plain);
            }
            assert_eq!(key.commit_value(&value, &S::Scalar::ZERO), key.u() * value);
        }
    }

    #[test]
    fn exceptional_scalars_agree_with_plain_multiplication() {
        exceptional_scalars_agree::<Pallas>();
        exceptional_scalars_agree::<Bn254>();
    }

    #[test]
    fn scalars_agree_with_plain_multiplication() {
        scalars_agree::<Pallas>();
        scalars_agree::<Bn254>();
    }

    #[allow(clippy::single_range_in_vec_init, reason = "lists of one range are meant")]
    fn many_scalars_agree<S: Suite>() {
        let mut rng = StdRng::seed_from_u64(4);
        let key = Key::<S>::get(256);
        for ranges in [
            vec![0..64usize],
            vec![3..4],
            vec![8..24, 40..56],
            vec![1..4, 5..17],
        ] {
            let points: Vec<Affine<S>> = ranges.iter().flat_map(|r| key.g()[r.clone()].to_vec()).collect();
            let scalars: Vec<S::Scalar> = points.iter().map(|_| scalar::<S>(&mut rng)).collect();
            let plain = msm::<S>(&points, &scalars).expect("lengths");
            assert_eq!(key.multiply_ranges(&ranges, &scalars).expect("generators"), plain);
        }
        let coefficients: Vec<S::Scalar> = (0..8).map(|_| scalar::<S>(&mut rng)).collect();
        key.multiply_ranges(&[0..4], &coefficients)
            .expect_err("four generators, eight scalars");
    }

    #[test]
    fn many_scalars_agree_with_plain_multiplication() {
        many_scalars_agree::<Pallas>();
        many_scalars_agree::<Bn254>();
    }

    #[test]
    fn combinations_agree() {
        let values: Vec<i64> = vec![1, -2, i64::MAX, i64::MIN, 5];
        let weights = [
            ark_pallas::Fr::from(7u64),
            -ark_pallas::Fr::from(3u64),
            ark_pallas::Fr::from(11u64),
        ];
        let fast = combine_rows(&values, 2, &weights).expect("lengths");
        for (j, value) in fast.iter().enumerate() {
            let plain: ark_pallas::Fr = (0..3)
                .filter_map(|i| {
                    values
                        .get(2 * i + j)
                        .map(|v| weights[i] * scalar_from_i64::<ark_pallas::Fr>(*v))
                })
                .sum();
            assert_eq!(*value, plain);
        }
    }

    #[test]
    fn refuses_wrong_shapes() {
        let key = Key::<Pallas>::get(4);
        let blind = [ark_pallas::Fr::from(1u64)];
        key.commit_rows(&[40_000], 4, 16, &blind).expect_err("too wide");
        key.commit_rows(&[1; 5], 4, 16, &blind)
            .expect_err("two rows, one blind");
        key.commit_rows(&[1], 1 << 20, 16, &blind)
            .expect_err("more columns than generators");
        key.commit_rows(&[1], 0, 16, &blind).expect_err("no columns");
        key.commit_rows(&[-32769], 4, 16, &blind).expect_err("too wide");
        assert!(key.commit_rows(&[], 4, 16, &[]).expect("no rows").is_empty());
        let end = key.g().len();
        let commit = |first, n| {
            key.commit_scalars(first, &vec![blind[0]; n], &blind[0])
                .map(|_| ())
        };
        commit(end - 1, 1).expect("the last slot");
        commit(end - 1, 2).expect_err("a slot too many");
        commit(usize::MAX, 1).expect_err("far beyond");
        let none = key.multiply_ranges(&[], &[]).expect("an empty sum");
        assert_eq!(none, Point::<Pallas>::default());
    }
}
