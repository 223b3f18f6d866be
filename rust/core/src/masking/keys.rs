//! Keys of a round, k·D, and the proof that several points are the same k times several bases: of possession with D alone (Schnorr), of
//! equal logarithms with D and another's key (Chaum–Pedersen).

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Zero;
use zeroize::Zeroizing;

use crate::commit::{Key, multiply_each};
use crate::error::{Error, Result, Stage};
use crate::generators::{domain, named_generator};
use crate::group::{
    Affine, Suite, decode_field, decode_points, encode_field, encode_point, encode_points, point_size,
    scalar_size,
};
use crate::msm::msm;
use crate::recorder::Nonces;
use crate::transcript::{Label, Transcript, VERSION};

const SUBJECT: &str = "key proof";

/// A fresh secret, never zero. `context` says what for.
pub fn generate<S: Suite>(context: &[u8]) -> Result<Zeroizing<S::Scalar>> {
    let mut nonces = Nonces::unhedged(context)?;
    loop {
        let secret = Zeroizing::new(nonces.scalar::<S::Scalar>());
        if !secret.is_zero() {
            return Ok(secret);
        }
    }
}

/// secret·D.
pub fn public_key<S: Suite>(secret: &S::Scalar) -> Affine<S> {
    Key::<S>::get(0).multiply_d(secret).into_affine()
}

/// secret·E for every E; no branch on the secret. The identity is nobody's key, and is refused.
pub fn shared_points<S: Suite>(secret: &S::Scalar, keys: &[Affine<S>]) -> Result<Vec<Affine<S>>> {
    if keys.iter().any(|key| key.is_zero()) {
        return Err(Error::new(
            "key",
            Stage::Statement,
            "the identity is nobody's key",
        ));
    }
    Ok(multiply_each::<S>(keys, secret))
}

/// What is absorbed before the challenge, but for the nonces.
fn statement<S: Suite>(context: &[u8], bases: &[Affine<S>], images: &[Affine<S>]) -> Transcript {
    let mut transcript = Transcript::new();
    transcript.absorb("suite", S::ID.as_bytes());
    transcript.absorb("version", VERSION.as_bytes());
    transcript.absorb("relation", SUBJECT.as_bytes());
    transcript.absorb("generators", domain::<S>().as_bytes());
    transcript.absorb("context", context);
    for (i, (base, image)) in (0u32..).zip(bases.iter().zip(images)) {
        transcript.absorb(Label("base", i, 0), &encode_point::<S>(base));
        transcript.absorb(Label("image", i, 0), &encode_point::<S>(image));
    }
    transcript
}

fn challenge<S: Suite>(mut transcript: Transcript, nonces: &[Affine<S>]) -> S::Scalar {
    for (i, nonce) in (0u32..).zip(nonces) {
        transcript.absorb(Label("nonce", i, 0), &encode_point::<S>(nonce));
    }
    transcript.full("challenge")
}

fn with_d<S: Suite>(bases: &[Affine<S>]) -> Vec<Affine<S>> {
    [&[named_generator::<S>("D")], bases].concat()
}

/// The proof that whoever holds the key secret·D also made secret·base for each of these bases, if any. `context` binds it to its place.
pub fn prove_key<S: Suite>(secret: &S::Scalar, bases: &[Affine<S>], context: &[u8]) -> Result<Vec<u8>> {
    let multiply = |k: &S::Scalar| Ok([vec![public_key::<S>(k)], shared_points::<S>(k, bases)?].concat());
    let transcript = statement::<S>(context, &with_d::<S>(bases), &multiply(secret)?);
    let nonce = Zeroizing::new(Nonces::hedged(&[*secret], &transcript.state())?.scalar::<S::Scalar>());
    let nonces: Vec<Affine<S>> = multiply(&nonce)?;
    let answer = *nonce + challenge::<S>(transcript, &nonces) * secret;
    Ok([encode_points::<S>(&nonces), encode_field(answer)].concat())
}

/// Refuses, or returns nothing. images: of D (the key) and of each base, in order. The identity is none of these.
pub fn verify_key<S: Suite>(
    images: &[Affine<S>],
    bases: &[Affine<S>],
    context: &[u8],
    proof: &[u8],
) -> Result<()> {
    let bases = with_d::<S>(bases);
    if images.len() != bases.len() {
        return Err(Error::lengths(SUBJECT, bases.len(), images.len()));
    }
    if bases.iter().chain(images).any(AffineRepr::is_zero) {
        return Err(Error::new(
            SUBJECT,
            Stage::Statement,
            "the identity is nobody's key",
        ));
    }
    let points = bases.len() * point_size::<S>();
    if proof.len() != points + scalar_size::<S>() {
        return Err(Error::lengths(SUBJECT, points + scalar_size::<S>(), proof.len()));
    }
    let (nonces, answer) = proof.split_at(points);
    let nonces = decode_points::<S>(nonces).map_err(|e| e.within(SUBJECT))?;
    let answer: S::Scalar = decode_field(answer).map_err(|e| e.within(SUBJECT))?;
    let challenge = challenge::<S>(statement::<S>(context, &bases, images), &nonces);
    for ((base, image), nonce) in bases.iter().zip(images).zip(&nonces) {
        let difference = msm::<S>(&[*base, *image], &[answer, -challenge])? - nonce;
        if !difference.is_zero() {
            return Err(Error::new(SUBJECT, Stage::Argument, "the proof does not hold"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ark_ff::Field;

    use super::*;
    use crate::generators::row_generator;
    use crate::group::{Bn254, Pallas, scalar_from_wide};

    type F = <Pallas as Suite>::Scalar;

    fn keys<S: Suite>() {
        let secret = *generate::<S>(b"test").unwrap();
        let other = public_key::<S>(&generate::<S>(b"test").unwrap());
        let shared = shared_points::<S>(&secret, &[other, row_generator::<S>(1)]).unwrap();
        assert_eq!(shared[0], (other * secret).into_affine());
        assert_eq!(shared[1], (row_generator::<S>(1) * secret).into_affine());
        let key = public_key::<S>(&secret);
        assert_eq!(key, (named_generator::<S>("D") * secret).into_affine());

        let possession = prove_key::<S>(&secret, &[], b"here").unwrap();
        verify_key::<S>(&[key], &[], b"here", &possession).unwrap();
        assert!(verify_key::<S>(&[key], &[], b"there", &possession).is_err());
        assert!(verify_key::<S>(&[other], &[], b"here", &possession).is_err());

        let equality = prove_key::<S>(&secret, &[other], b"here").unwrap();
        verify_key::<S>(&[key, shared[0]], &[other], b"here", &equality).unwrap();
        for images in [[key, shared[1]], [other, shared[0]]] {
            assert!(verify_key::<S>(&images, &[other], b"here", &equality).is_err());
        }
        assert!(verify_key::<S>(&[key, shared[0]], &[key], b"here", &equality).is_err());
        assert!(verify_key::<S>(&[key], &[], b"here", &equality).is_err());
        assert!(verify_key::<S>(&[key, shared[0]], &[other], b"here", &possession).is_err());
        for at in 0..equality.len() {
            let mut changed = equality.clone();
            changed[at] ^= 1;
            assert!(
                verify_key::<S>(&[key, shared[0]], &[other], b"here", &changed).is_err(),
                "{at}"
            );
        }
    }

    #[test]
    fn keys_and_proofs() {
        keys::<Pallas>();
        keys::<Bn254>();
    }

    #[test]
    fn the_identity_is_no_key() {
        let nobody = Affine::<Pallas>::identity();
        assert!(shared_points::<Pallas>(&1.into(), &[nobody]).is_err());
        // Proofs whose equations hold: of 0·D, and of k·0 beside a good key.
        let (d, secret) = (named_generator::<Pallas>("D"), F::from(3u64));
        let key = public_key::<Pallas>(&secret);
        for (bases, images, secret) in [
            (vec![d], vec![nobody], F::zero()),
            (vec![d, nobody], vec![key, nobody], secret),
        ] {
            let nonce = F::from(7u64);
            let nonces: Vec<_> = bases.iter().map(|b| (*b * nonce).into_affine()).collect();
            let c = challenge::<Pallas>(statement::<Pallas>(b"here", &bases, &images), &nonces);
            let proof = [encode_points::<Pallas>(&nonces), encode_field(nonce + c * secret)].concat();
            let refused = verify_key::<Pallas>(&images, &bases[1..], b"here", &proof).unwrap_err();
            assert_eq!(refused.stage, Stage::Statement);
        }
    }

    /// spec/masks.md §3, by the second implementation.
    #[test]
    fn known_answers() {
        let [three, five] = [3u64, 5].map(|k| public_key::<Pallas>(&F::from(k)));
        let shared = public_key::<Pallas>(&F::from(15u64));
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
                .collect()
        };
        let alone = "0ca16b76b6ece29ce9bd1706c6e02f9f3579bef0213c3c88ef782720ab31eab901634b1a7fed143a3de5a53e80284f56bcf65aec6412c4dd44eced5e74e7fdbb";
        verify_key::<Pallas>(&[three], &[], b"context", &bytes(alone)).unwrap();
        let both = "0ca16b76b6ece29ce9bd1706c6e02f9f3579bef0213c3c88ef782720ab31eab9a69de1f04b4abe8efd8667d413938d143d1cf8b2af75c2c53d6216161b7162b72575b6bbc8ab76faac304a9258b5a3171fcc7991f36e9c60aa928c5b7c0233e3";
        verify_key::<Pallas>(&[three, shared], &[five], b"context", &bytes(both)).unwrap();
    }

    /// Scalars at which tables with odd digits have their exceptions.
    #[test]
    fn all_scalars() {
        let base = row_generator::<Pallas>(9);
        let half = -(F::from(2u64).inverse().unwrap());
        let special = [
            F::zero(),
            F::from(1u64),
            -F::from(1u64),
            half,
            scalar_from_wide(&[255; 64]),
        ];
        for k in special {
            assert_eq!(
                shared_points::<Pallas>(&k, &[base]).unwrap(),
                [(base * k).into_affine()]
            );
            assert_eq!(
                public_key::<Pallas>(&k),
                (named_generator::<Pallas>("D") * k).into_affine()
            );
        }
    }
}
