//! Multi-scalar multiplication over public data (variable time): Pippenger's buckets, with affine additions in batches.
//!
//! A window of `c` bits sorts the points into 2^(c−1) buckets by the magnitude of a signed digit. Each bucket is then summed as a
//! tree: all pairs of all buckets of some windows are one batch that shares an inversion.

use ark_ec::{AdditiveGroup, AffineRepr};
use ark_ff::{BigInteger, PrimeField, Zero};
use rayon::prelude::*;

use crate::affine::Adder;
use crate::error::{Error, Result};
use crate::group::{Affine, Point, Suite};

/// Points of one batch: enough to make an inversion cheap, few enough to stay in the cache.
const BATCH: usize = 1 << 14;

/// Σ scalar·point. Lists of unequal length are an error of the caller and give an error.
pub fn msm<S: Suite>(points: &[Affine<S>], scalars: &[S::Scalar]) -> Result<Point<S>> {
    if points.len() != scalars.len() {
        return Err(Error::lengths(
            "multi-scalar multiplication",
            points.len(),
            scalars.len(),
        ));
    }
    let (points, scalars): (Vec<Affine<S>>, Vec<_>) = points
        .iter()
        .zip(scalars)
        .filter(|(p, k)| !p.is_zero() && !k.is_zero())
        .map(|(p, k)| (*p, k.into_bigint()))
        .unzip();
    let bits = scalars.iter().map(BigInteger::num_bits).max().unwrap_or(0) as usize;
    // A window costs an addition for every point and some four for every bucket.
    let cost = |c: &usize| (bits + 1).div_ceil(*c) * (points.len() + (4 << (*c - 1)));
    let c = (2..=13).min_by_key(cost).unwrap_or(2);
    // One bit more, so that the last digit carries nothing over.
    let windows: Vec<usize> = (0..(bits + 1).div_ceil(c)).collect();
    let digits: Vec<Vec<i16>> = scalars
        .iter()
        .map(|k| signed_digits(k.as_ref(), c, windows.len()))
        .collect();
    let together = (BATCH / points.len().max(1)).clamp(1, windows.len().max(1));
    let sums: Vec<Vec<Point<S>>> = windows
        .par_chunks(together)
        .map(|some| sums_of_windows::<S>(&points, &digits, some, 1 << (c - 1)))
        .collect();
    let mut total = Point::<S>::zero();
    for sum in sums.iter().flatten().rev() {
        (0..c).for_each(|_| {
            total.double_in_place();
        });
        total += sum;
    }
    Ok(total)
}

/// Digits of `c` bits from −2^(c−1) to 2^(c−1), least significant first.
fn signed_digits(limbs: &[u64], c: usize, count: usize) -> Vec<i16> {
    let mut carry = 0;
    (0..count)
        .map(|window| {
            let (limb, shift) = (window * c / 64, window * c % 64);
            let at = |k: usize| u128::from(limbs.get(limb + k).copied().unwrap_or(0));
            let bits = ((at(0) | at(1) << 64) >> shift) & ((1 << c) - 1);
            let digit = bits as i32 + carry;
            carry = i32::from(digit > 1 << (c - 1));
            (digit - (carry << c)) as i16
        })
        .collect()
}

/// For each of the given windows Σ_b b·(sum of bucket b).
fn sums_of_windows<S: Suite>(
    points: &[Affine<S>],
    digits: &[Vec<i16>],
    windows: &[usize],
    buckets: usize,
) -> Vec<Point<S>> {
    // Points by window and bucket; `ends` is where each bucket ends.
    let mut ends = vec![0; windows.len() * buckets];
    let bucket = |at: usize, digit: i16| at * buckets + usize::from(digit.unsigned_abs()) - 1;
    for (at, window) in windows.iter().enumerate() {
        for digit in digits.iter().map(|d| d[*window]).filter(|d| *d != 0) {
            ends[bucket(at, digit)] += 1;
        }
    }
    let mut sum = 0;
    for end in &mut ends {
        sum += std::mem::replace(end, sum);
    }
    let mut sorted = vec![(S::Base::zero(), S::Base::zero()); sum];
    for (at, window) in windows.iter().enumerate() {
        for (point, digit) in points.iter().zip(digits).map(|(p, d)| (p, d[*window])) {
            if digit != 0 {
                let to = &mut ends[bucket(at, digit)];
                sorted[*to] = (point.x, if digit < 0 { -point.y } else { point.y });
                *to += 1;
            }
        }
    }
    let mut sums = vec![Point::<S>::zero(); ends.len()];
    add_up::<S>(sorted, ends, &mut sums);
    sums.chunks(buckets)
        .map(|buckets| {
            let (mut running, mut total) = (Point::<S>::zero(), Point::<S>::zero());
            for sum in buckets.iter().rev() {
                running += sum;
                total += running;
            }
            total
        })
        .collect()
}

/// Adds the points of each bucket, which ends at `ends[i]`, to sums[i].
fn add_up<S: Suite>(mut points: Vec<(S::Base, S::Base)>, mut ends: Vec<usize>, sums: &mut [Point<S>]) {
    let affine = |(x, y): (S::Base, S::Base)| Affine::<S>::new_unchecked(x, y);
    let mut adder = Adder::public();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        let (mut start, mut rest, mut halves) = (0, Vec::with_capacity(points.len() / 2), Vec::new());
        for (end, sum) in ends.iter().zip(sums.iter_mut()) {
            let mut pairs = points[start..*end].chunks_exact(2);
            for pair in &mut pairs {
                if pair[0].0 == pair[1].0 {
                    // Equal or opposite: no case for the batch.
                    *sum += affine(pair[0]) + affine(pair[1]);
                } else {
                    left.push(pair[0]);
                    right.push(pair[1]);
                }
            }
            rest.push(pairs.remainder().first().copied());
            halves.push(left.len());
            start = *end;
        }
        if left.is_empty() {
            for (point, sum) in rest.into_iter().zip(sums) {
                if let Some(point) = point {
                    *sum += affine(point);
                }
            }
            return;
        }
        adder.add_all(&mut left, &right);
        points.clear();
        let mut start = 0;
        for ((end, half), odd) in ends.iter_mut().zip(halves).zip(rest) {
            points.extend(&left[start..half]);
            points.extend(odd);
            start = half;
            *end = points.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generators::row_generators;
    use crate::group::{Bn254, Pallas, scalar_from_wide};
    use ark_ec::VariableBaseMSM;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    fn same<S: Suite>(points: &[Affine<S>], scalars: &[S::Scalar]) {
        let plain = Point::<S>::msm(points, scalars).expect("lengths");
        assert_eq!(msm::<S>(points, scalars).expect("lengths"), plain);
    }

    fn agrees<S: Suite>() {
        let mut rng = StdRng::seed_from_u64(1);
        let generators = row_generators::<S>(200);
        for n in [0, 1, 2, 5, 200] {
            let mut points = generators[..n].to_vec();
            let mut scalars: Vec<S::Scalar> = (0..n)
                .map(|_| {
                    let mut bytes = [0; 64];
                    rng.fill(&mut bytes);
                    scalar_from_wide(&bytes)
                })
                .collect();
            same::<S>(&points, &scalars);
            // The identity, zero, ±1, and equal and opposite points under equal scalars.
            for (point, scalar) in points.clone().into_iter().zip(scalars.clone()) {
                let repeated = [
                    (point, scalar),
                    (-point, scalar),
                    (point, -S::Scalar::from(1u64)),
                    (Affine::<S>::zero(), scalar),
                    (point, S::Scalar::zero()),
                    (point, S::Scalar::from(1u64)),
                    (point, S::Scalar::from(1u64)),
                ];
                points.extend(repeated.iter().map(|r| r.0));
                scalars.extend(repeated.iter().map(|r| r.1));
            }
            same::<S>(&points, &scalars);
            let small: Vec<_> = (0..n as u64).map(S::Scalar::from).collect();
            same::<S>(&points[..n], &small);
        }
        msm::<S>(&generators, &[]).expect_err("lengths");
    }

    #[test]
    fn agrees_with_arkworks() {
        agrees::<Pallas>();
        agrees::<Bn254>();
    }
}
