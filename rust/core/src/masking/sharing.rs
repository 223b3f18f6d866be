//! Shamir's sharing with Feldman's commitments: holder i has f(i), everybody has f's coefficients times D, and t holders' values give
//! f(0), or f(0)·E from their f(i)·E.

use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{Field, Zero};
use zeroize::Zeroizing;

use super::keys::public_key;
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Point, Suite};
use crate::msm::msm;
use crate::recorder::Nonces;

const SUBJECT: &str = "sharing";

/// One share each, and the coefficients' commitments: as many as holders it takes; the first is secret·D.
pub struct Dealt<S: Suite> {
    pub shares: Zeroizing<Vec<S::Scalar>>,
    pub commitments: Vec<Affine<S>>,
}

/// Shares for holders with these numbers, of which `threshold` suffice. `context` says what for.
pub fn deal<S: Suite>(
    secret: &S::Scalar,
    holders: &[u32],
    threshold: usize,
    context: &[u8],
) -> Result<Dealt<S>> {
    check_holders(holders)?;
    if !(1..=holders.len()).contains(&threshold) {
        return Err(Error::new(
            SUBJECT,
            Stage::Statement,
            "a threshold that no holders reach",
        ));
    }
    let mut nonces = Nonces::hedged(&[*secret], context)?;
    let mut coefficients = Zeroizing::new(vec![*secret]);
    coefficients.extend(nonces.scalars::<S::Scalar>(threshold - 1));
    let shares = holders.iter().map(|holder| {
        let at = S::Scalar::from(*holder);
        coefficients
            .iter()
            .rev()
            .fold(S::Scalar::zero(), |value, c| value * at + c)
    });
    Ok(Dealt {
        shares: Zeroizing::new(shares.collect()),
        commitments: coefficients.iter().map(public_key::<S>).collect(),
    })
}

/// f(holder)·D for each of these holders: by Horner's rule, as the numbers are short. Variable time; all of it is public.
pub fn share_images<S: Suite>(commitments: &[Affine<S>], holders: &[u32]) -> Result<Vec<Affine<S>>> {
    check_holders(holders)?;
    let image = |holder: &u32| {
        commitments.iter().rev().fold(Point::<S>::zero(), |value, c| {
            value.mul_bigint([u64::from(*holder)]) + c
        })
    };
    Ok(Point::<S>::normalize_batch(
        &holders.iter().map(image).collect::<Vec<_>>(),
    ))
}

/// f(0) from the shares of as many holders as it takes.
pub fn interpolate<S: Suite>(holders: &[u32], shares: &[S::Scalar]) -> Result<S::Scalar> {
    let weights = lagrange::<S>(holders, shares.len())?;
    Ok(weights.iter().zip(shares).map(|(w, s)| *w * s).sum())
}

/// f(0)·E from f(i)·E.
pub fn interpolate_points<S: Suite>(holders: &[u32], points: &[Affine<S>]) -> Result<Affine<S>> {
    let weights = lagrange::<S>(holders, points.len())?;
    Ok(msm::<S>(points, &weights)?.into_affine())
}

/// Π_{j≠i} j/(j − i) for every holder i.
fn lagrange<S: Suite>(holders: &[u32], values: usize) -> Result<Vec<S::Scalar>> {
    check_holders(holders)?;
    if holders.len() != values {
        return Err(Error::lengths(SUBJECT, holders.len(), values));
    }
    let weight = |own: &u32| {
        let own = S::Scalar::from(*own);
        let others = holders.iter().map(|j| S::Scalar::from(*j)).filter(|j| *j != own);
        let (above, below) = others.fold((S::Scalar::ONE, S::Scalar::ONE), |(a, b), j| {
            (a * j, b * (j - own))
        });
        below.inverse().map(|inverse| above * inverse)
    };
    holders
        .iter()
        .map(weight)
        .collect::<Option<_>>()
        .ok_or_else(|| Error::new(SUBJECT, Stage::Statement, "a holder comes twice"))
}

/// At least one, each once, and nobody at 0, where the secret is.
fn check_holders(holders: &[u32]) -> Result<()> {
    let mut sorted = holders.to_vec();
    sorted.sort_unstable();
    if sorted.first().is_none_or(|h| *h == 0) || sorted.windows(2).any(|w| w.first() == w.last()) {
        return Err(Error::new(
            SUBJECT,
            Stage::Statement,
            "holders are numbers from 1 on, each once",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Bn254, Pallas};
    use crate::masking::generate;

    fn any_threshold_determines_the_secret<S: Suite>() {
        let secret = generate::<S>(b"test").unwrap();
        let holders = [1, 2, 5, 9, 10];
        let dealt = deal::<S>(&secret, &holders, 3, b"test").unwrap();
        assert_eq!(dealt.commitments[0], public_key::<S>(&secret));
        let images = share_images::<S>(&dealt.commitments, &holders).unwrap();
        for (share, image) in dealt.shares.iter().zip(&images) {
            assert_eq!(public_key::<S>(share), *image);
        }
        let base = crate::generators::row_generator::<S>(3);
        for some in [[0, 1, 2], [2, 3, 4], [0, 2, 4]] {
            let who = some.map(|k| holders[k]);
            let shares = some.map(|k| dealt.shares[k]);
            assert_eq!(interpolate::<S>(&who, &shares).unwrap(), *secret);
            let points = shares.map(|s| (base * s).into_affine());
            assert_eq!(
                interpolate_points::<S>(&who, &points).unwrap(),
                (base * *secret).into_affine()
            );
        }
        let too_few = [0, 1].map(|k| dealt.shares[k]);
        assert_ne!(interpolate::<S>(&[1, 2], &too_few).unwrap(), *secret);
    }

    #[test]
    fn sharing() {
        any_threshold_determines_the_secret::<Pallas>();
        any_threshold_determines_the_secret::<Bn254>();
    }

    #[test]
    fn refused() {
        let secret = generate::<Pallas>(b"test").unwrap();
        for (holders, threshold) in [
            (&[][..], 1),
            (&[0, 1], 1),
            (&[1, 1], 1),
            (&[1, 2], 0),
            (&[1, 2], 3),
        ] {
            assert!(deal::<Pallas>(&secret, holders, threshold, b"test").is_err());
        }
        assert!(interpolate::<Pallas>(&[1, 2], &[*secret]).is_err());
        assert!(interpolate::<Pallas>(&[2, 2], &[*secret, *secret]).is_err());
    }
}
