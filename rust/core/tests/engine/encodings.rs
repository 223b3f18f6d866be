//! Bytes that are not the one encoding of anything, and elements that decode and should not help: both suites.

use crate::common::{Case, bounded, on_both_suites, statement};
use ark_ff::{BigInteger, PrimeField, Zero};
use fedproof_core::error::Stage;
use fedproof_core::group::{
    Affine, Suite, decode_field, decode_point, decode_points, decode_scalars, encode_field, encode_point,
    encode_points, encode_scalars,
};
use fedproof_core::recorder::Proof;
use fedproof_core::relation::Relation;
use fedproof_core::relation::bounded_update::BoundedUpdate;

/// A statement, and a proof of it.
fn proved<S: Suite>() -> (BoundedUpdate<S>, Proof<S>) {
    let (truth, witness) = bounded::<S>(&Case {
        d: 5,
        columns: 4,
        max_abs: 3,
        ..Case::default()
    });
    let proof = truth.prove(&witness).expect("an honest prover");
    truth.verify(&proof.to_bytes()).expect("an honest proof");
    (truth, proof)
}

/// The proof's bytes with element `index` (points first) replaced.
fn with_element<S: Suite>(proof: &Proof<S>, index: usize, element: &[u8]) -> Vec<u8> {
    let mut bytes = proof.to_bytes();
    let at = 8 + 32 * index;
    bytes[at..at + 32].copy_from_slice(element);
    bytes
}

fn stage<S: Suite>(truth: &BoundedUpdate<S>, bytes: &[u8]) -> Stage {
    truth.verify(bytes).expect_err("not the proof").stage
}

/// value + k, big-endian, in 32 bytes.
fn plus(value: &[u8], k: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut carry = 0u16;
    for i in (0..32).rev() {
        let digit = |bytes: &[u8]| {
            (i + bytes.len())
                .checked_sub(32)
                .map_or(0, |at| u16::from(bytes[at]))
        };
        let sum = digit(value) + digit(k) + carry;
        out[i] = sum.to_be_bytes()[1];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0, "it fits");
    out
}

fn modulus<F: PrimeField>() -> Vec<u8> {
    F::MODULUS.to_bytes_be()
}

on_both_suites!(
    encoded:
    scalars_at_and_above_the_modulus,
    coordinates_at_and_above_the_modulus,
    points_off_the_curve,
    many_points,
    the_identity,
    points_with_the_wrong_sign_bit,
    trailing_bytes,
    missing_bytes,
    huge_lengths,
    points_counted_as_scalars
);

mod encoded {
    use super::*;

    pub fn scalars_at_and_above_the_modulus<S: Suite>() {
        let (truth, proof) = proved::<S>();
        let r = modulus::<S::Scalar>();
        let below = encode_field(-S::Scalar::from(1u64));
        assert_eq!(plus(&below, &[1]).as_slice(), r);
        decode_field::<S::Scalar>(&below).expect("r − 1 is a scalar");
        // r, r + 1, the proof's own last answer plus r (the same number), 2^256 − 1.
        let own = encode_field(*proof.scalars.last().expect("answers"));
        for bytes in [plus(&r, &[]), plus(&r, &[1]), plus(&r, &own), [255; 32]] {
            let refused = decode_field::<S::Scalar>(&bytes).map_err(|e| e.stage);
            assert_eq!(refused, Err(Stage::Decoding));
            let refused = decode_scalars::<S>(&[below.as_slice(), &bytes].concat());
            assert_eq!(refused.map_err(|e| e.stage), Err(Stage::Decoding));
            for k in 0..proof.scalars.len() {
                let bad = with_element(&proof, proof.points.len() + k, &bytes);
                assert_eq!(stage(&truth, &bad), Stage::Decoding, "scalar {k}");
            }
        }
    }

    pub fn coordinates_at_and_above_the_modulus<S: Suite>() {
        let (truth, proof) = proved::<S>();
        let p = modulus::<S::Base>();
        // The same point, its x one modulus higher: it still fits the 255 bits.
        let own = encode_field(proof.points[0].x);
        for mut bytes in [plus(&p, &[]), plus(&p, &[1]), plus(&p, &own), [255; 32]] {
            for sign in [0, 0x80] {
                bytes[0] = bytes[0] & 0x7f | sign;
                let refused = decode_point::<S>(&bytes).map_err(|e| e.stage);
                assert_eq!(refused, Err(Stage::Decoding));
                let bad = with_element(&proof, 0, &bytes);
                assert_eq!(stage(&truth, &bad), Stage::Decoding);
            }
        }
    }

    /// About half of all x have no y.
    pub fn points_off_the_curve<S: Suite>() {
        let (truth, proof) = proved::<S>();
        let mut off = 0;
        for x in 0..64u64 {
            let mut bytes = encode_field(S::Base::from(x));
            for sign in [0, 0x80] {
                bytes[0] = sign;
                match decode_point::<S>(&bytes) {
                    Ok(point) => {
                        assert!(point.is_on_curve());
                        assert_eq!(encode_point::<S>(&point), bytes);
                    }
                    Err(e) => {
                        off += 1;
                        assert_eq!(e.stage, Stage::Decoding);
                        let bad = with_element(&proof, off % proof.points.len(), &bytes);
                        assert_eq!(stage(&truth, &bad), Stage::Decoding);
                    }
                }
            }
        }
        assert!((30..100).contains(&off), "{off} of 128 off the curve");
    }

    /// A point like any other: it decodes, and helps nobody.
    /// So many that roots are taken another way.
    pub fn many_points<S: Suite>() {
        let one = proved::<S>().1.points[0];
        let multiples = std::iter::successors(Some(one), |p| Some((*p + one).into()));
        let points: Vec<Affine<S>> = multiples.take(700).collect();
        let mut bytes = encode_points::<S>(&points);
        assert_eq!(decode_points::<S>(&bytes).expect("points"), points);
        let mut refused = 0;
        for at in (31..bytes.len()).step_by(1024) {
            bytes[at] ^= 1;
            let alone = decode_point::<S>(&bytes[at - 31..=at]);
            let among = decode_points::<S>(&bytes);
            assert_eq!(alone.is_ok(), among.is_ok());
            refused += u32::from(among.is_err());
            bytes[at] ^= 1;
        }
        assert!(refused > 3, "half of all numbers are no coordinate");
    }

    pub fn the_identity<S: Suite>() {
        let (truth, proof) = proved::<S>();
        assert_eq!(decode_point::<S>(&[0; 32]), Ok(Affine::<S>::default()));
        assert_eq!(encode_point::<S>(&Affine::<S>::default()), vec![0; 32]);
        for k in 0..proof.points.len() {
            let bad = with_element(&proof, k, &[0; 32]);
            assert_eq!(stage(&truth, &bad), Stage::Argument, "point {k}");
        }
        let empty = Proof::<S> {
            points: vec![Affine::<S>::default(); proof.points.len()],
            scalars: vec![S::Scalar::zero(); proof.scalars.len()],
        };
        assert_eq!(stage(&truth, &empty.to_bytes()), Stage::Argument);
        // With a sign it is not the identity's encoding: x = 0 is on neither curve.
        let mut signed = [0; 32];
        signed[0] = 0x80;
        let refused = decode_point::<S>(&signed).map_err(|e| e.stage);
        assert_eq!(refused, Err(Stage::Decoding));
        assert_eq!(stage(&truth, &with_element(&proof, 0, &signed)), Stage::Decoding);
        // As a row of a statement it is a commitment to zeros: another one than the proof's.
        let (mut opening, witness) = statement::<S>(6, 4);
        let proof = opening.prove(&witness).expect("an honest prover").to_bytes();
        opening.points[1] = Affine::<S>::default();
        assert_eq!(opening.verify(&proof).map_err(|e| e.stage), Err(Stage::Argument));
    }

    pub fn points_with_the_wrong_sign_bit<S: Suite>() {
        let (mut truth, proof) = proved::<S>();
        for (k, point) in proof.points.iter().enumerate() {
            let mut flipped = encode_point::<S>(point);
            flipped[0] ^= 0x80;
            assert_eq!(decode_point::<S>(&flipped), Ok(-*point));
            let bad = with_element(&proof, k, &flipped);
            assert_eq!(stage(&truth, &bad), Stage::Argument, "point {k}");
        }
        let all = Proof::<S> {
            points: proof.points.iter().map(|p| -*p).collect(),
            scalars: proof.scalars.iter().map(|s| -*s).collect(),
        };
        assert_eq!(stage(&truth, &all.to_bytes()), Stage::Argument);
        truth.points = truth.points.iter().map(|p| -*p).collect();
        assert_eq!(
            stage(&truth, &proof.to_bytes()),
            Stage::Argument,
            "an update of −x"
        );
        assert_eq!(stage(&truth, &all.to_bytes()), Stage::Argument);
    }

    pub fn trailing_bytes<S: Suite>() {
        let (truth, proof) = proved::<S>();
        let bytes = proof.to_bytes();
        for more in [1, 31, 32, 64] {
            let longer = [bytes.as_slice(), &vec![0; more]].concat();
            assert_eq!(stage(&truth, &longer), Stage::Decoding, "{more} more bytes");
        }
        // Counted, they are elements that the relation does not read.
        let mut more = proof.clone();
        more.scalars.push(S::Scalar::zero());
        assert_eq!(stage(&truth, &more.to_bytes()), Stage::Shape);
        let mut more = proof.clone();
        more.points.push(Affine::<S>::default());
        assert_eq!(stage(&truth, &more.to_bytes()), Stage::Shape);
        let lists = encode_scalars::<S>(&proof.scalars);
        let refused = decode_scalars::<S>(&[lists.as_slice(), &[0]].concat());
        assert_eq!(refused.map_err(|e| e.stage), Err(Stage::Decoding));
        let refused = decode_points::<S>(&[0; 33]).map_err(|e| e.stage);
        assert_eq!(refused, Err(Stage::Decoding));
    }

    pub fn missing_bytes<S: Suite>() {
        let (truth, proof) = proved::<S>();
        let bytes = proof.to_bytes();
        for length in (0..bytes.len()).filter(|l| l % 32 < 10) {
            assert_eq!(stage(&truth, &bytes[..length]), Stage::Decoding, "{length} bytes");
        }
        for wrong in [0, 31, 33] {
            let element = vec![0; wrong];
            let refused = decode_point::<S>(&element).map_err(|e| e.stage);
            assert_eq!(refused, Err(Stage::Decoding));
            let refused = decode_field::<S::Scalar>(&element).map_err(|e| e.stage);
            assert_eq!(refused, Err(Stage::Decoding));
        }
        let mut fewer = proof.clone();
        fewer.scalars.pop();
        assert_eq!(stage(&truth, &fewer.to_bytes()), Stage::Shape);
        let mut fewer = proof.clone();
        fewer.points.pop();
        assert_eq!(stage(&truth, &fewer.to_bytes()), Stage::Shape);
    }

    /// Compared with what is there before anything is taken.
    pub fn huge_lengths<S: Suite>() {
        let (truth, proof) = proved::<S>();
        let bytes = proof.to_bytes();
        let (points, scalars) = (proof.points.len() as u32, proof.scalars.len() as u32);
        for huge in [u32::MAX, 1 << 31, (1 << 20) + 1, 1 << 20, 1 << 27] {
            for (p, s) in [
                (huge, scalars),
                (points, huge),
                (huge, huge),
                (huge, 0),
                (0, huge),
            ] {
                let counts = [p.to_be_bytes(), s.to_be_bytes()].concat();
                for bad in [[&counts, &bytes[8..]].concat(), counts.clone()] {
                    assert_eq!(stage(&truth, &bad), Stage::Decoding, "{p} points, {s} scalars");
                }
            }
        }
        // 2^27 elements of 32 bytes are 2^32 bytes: no length that wraps fits.
        let wrapping = [(1u32 << 27).to_be_bytes(), [0; 4]].concat();
        assert_eq!(stage(&truth, &wrapping), Stage::Decoding);
    }

    /// The bytes stay; one point more and one scalar fewer.
    pub fn points_counted_as_scalars<S: Suite>() {
        let (truth, proof) = proved::<S>();
        let bytes = proof.to_bytes();
        let (points, scalars) = (proof.points.len() as u32, proof.scalars.len() as u32);
        for (p, s) in [(points + 1, scalars - 1), (points - 1, scalars + 1)] {
            let bad = [&p.to_be_bytes(), &s.to_be_bytes(), &bytes[8..]].concat();
            let refused = stage(&truth, &bad);
            assert!(
                matches!(refused, Stage::Decoding | Stage::Shape),
                "{p} points: {refused:?}"
            );
        }
    }
}
