//! The groups. This is the only file that names a curve crate; everything else is generic over [`Suite`].
//!
//! A suite fixes the group, the hash, the commitment and the signatures by one id. Points and scalars travel in the
//! canonical encodings defined here (spec/commitment.md §2): big-endian integers; a compressed point is its x coordinate with
//! the parity of y in the top bit; the identity is all zeros (x = 0 lies on neither curve).

use ark_ec::short_weierstrass::{self, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, Field, PrimeField, Zero};
use rayon::prelude::*;

use crate::error::{Error, Result, Stage};
use crate::sqrt::SquareRoots;
use crate::wide::Accumulate;

/// Group, field and names of one suite.
pub trait Suite: Copy + Send + Sync + 'static {
    type Base: Accumulate;
    type Scalar: Accumulate;
    type Curve: SWCurveConfig<BaseField = Self::Base, ScalarField = Self::Scalar>;

    /// What every statement, record and certificate names.
    const ID: &'static str;
    /// Security of the discrete logarithm in this group, in bits; the weakest part of the suite.
    const BITS: u32;
    /// The curve's name in the RFC 9380 suite string.
    const CURVE: &'static str;
    /// The generator that blinds are multiples of.
    const BLIND: &'static str = "H";
}

/// A suite whose blinds are multiples of K: an argument in it shows that a point has no component on H.
#[derive(Clone, Copy, Debug)]
pub struct WithoutH<S>(std::marker::PhantomData<S>);

impl<S: Suite> Suite for WithoutH<S> {
    type Base = S::Base;
    type Scalar = S::Scalar;
    type Curve = S::Curve;
    const ID: &'static str = S::ID;
    const BITS: u32 = S::BITS;
    const CURVE: &'static str = S::CURVE;
    const BLIND: &'static str = "K";
}

/// Default profile: Pallas, cofactor 1, no trusted set-up, partner of Vesta in a cycle.
#[derive(Clone, Copy, Debug)]
pub struct Pallas;

impl Suite for Pallas {
    type Base = ark_pallas::Fq;
    type Scalar = ark_pallas::Fr;
    type Curve = ark_pallas::PallasConfig;
    const ID: &'static str = "pallas-keccak-ed25519-v1";
    const BITS: u32 = 126;
    const CURVE: &'static str = "pallas";
}

/// EVM profile: BN254 G1, for which the EVM has precompiles; about 100 bits, so never the default.
#[derive(Clone, Copy, Debug)]
pub struct Bn254;

impl Suite for Bn254 {
    type Base = ark_bn254::Fq;
    type Scalar = ark_bn254::Fr;
    type Curve = ark_bn254::g1::Config;
    const ID: &'static str = "bn254-keccak-ed25519-v1";
    const BITS: u32 = 100;
    const CURVE: &'static str = "BN254G1";
}

pub type Affine<S> = short_weierstrass::Affine<<S as Suite>::Curve>;
pub type Point<S> = short_weierstrass::Projective<<S as Suite>::Curve>;

/// Bytes of a field element.
pub const fn field_size<F: PrimeField>() -> usize {
    (F::MODULUS_BIT_SIZE as usize).div_ceil(8)
}

/// Bytes of an encoded point: its x coordinate; the top bit of the first byte is free in both base fields.
pub const fn point_size<S: Suite>() -> usize {
    field_size::<S::Base>()
}

/// Bytes of an encoded scalar.
pub const fn scalar_size<S: Suite>() -> usize {
    field_size::<S::Scalar>()
}

/// Big-endian, fixed length.
pub fn encode_field<F: PrimeField>(value: F) -> Vec<u8> {
    let bytes = value.into_bigint().to_bytes_be();
    bytes
        .get(bytes.len().saturating_sub(field_size::<F>())..)
        .unwrap_or_default()
        .to_vec()
}

/// The one encoding of a field element; values at or above the modulus are refused.
pub fn decode_field<F: PrimeField>(bytes: &[u8]) -> Result<F> {
    let fail = |why| Error::new("field", Stage::Decoding, why);
    if bytes.len() != field_size::<F>() {
        return Err(fail("wrong length"));
    }
    let mut value = F::BigInt::default();
    for (limb, bytes) in value.as_mut().iter_mut().zip(bytes.rchunks(8)) {
        *limb = bytes.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
    }
    F::from_bigint(value).ok_or_else(|| fail("not below the modulus"))
}

fn is_odd<F: PrimeField>(value: F) -> bool {
    value.into_bigint().is_odd()
}

/// Compressed encoding of a point.
pub fn encode_point<S: Suite>(point: &Affine<S>) -> Vec<u8> {
    let Some((x, y)) = point.xy() else {
        return vec![0; point_size::<S>()];
    };
    let mut bytes = encode_field(x);
    if let Some(first) = bytes.first_mut() {
        *first |= u8::from(is_odd(y)) << 7;
    }
    bytes
}

/// Decodes a compressed point: canonical, on the curve (both groups have cofactor 1, so that is all).
pub fn decode_point<S: Suite>(bytes: &[u8]) -> Result<Affine<S>> {
    decode_with::<S>(bytes, |square| square.sqrt())
}

fn decode_with<S: Suite>(bytes: &[u8], root: impl Fn(S::Base) -> Option<S::Base>) -> Result<Affine<S>> {
    let fail = |why| Error::new("point", Stage::Decoding, why);
    if bytes.len() != point_size::<S>() {
        return Err(fail("wrong length"));
    }
    if bytes.iter().all(|b| *b == 0) {
        return Ok(Affine::<S>::zero());
    }
    let mut x_bytes = bytes.to_vec();
    let odd = x_bytes.first().is_some_and(|b| b >> 7 == 1);
    if let Some(first) = x_bytes.first_mut() {
        *first &= 0x7f;
    }
    let x: S::Base = decode_field(&x_bytes).map_err(|_| fail("x not below the modulus"))?;
    let y = root(x.square() * x + S::Curve::COEFF_B).ok_or_else(|| fail("not on the curve"))?;
    // No point of order two: y is never zero, so exactly one of y and −y has the parity asked for.
    let y = if is_odd(y) == odd { y } else { -y };
    Ok(Affine::<S>::new_unchecked(x, y))
}

/// Compressed points one after another.
pub fn encode_points<S: Suite>(points: &[Affine<S>]) -> Vec<u8> {
    points.iter().flat_map(encode_point::<S>).collect()
}

/// The same, after their number: how transcripts absorb rows.
pub fn encode_rows<S: Suite>(points: &[Affine<S>]) -> Vec<u8> {
    let mut out = u32::try_from(points.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes()
        .to_vec();
    out.extend(encode_points::<S>(points));
    out
}

/// Points from which on tables for square roots pay.
const MANY: usize = 32;

/// The reverse of [`encode_points`].
pub fn decode_points<S: Suite>(bytes: &[u8]) -> Result<Vec<Affine<S>>> {
    if !bytes.len().is_multiple_of(point_size::<S>()) {
        return Err(Error::new(
            "points",
            Stage::Decoding,
            "not a whole number of points",
        ));
    }
    let roots = if bytes.len() < MANY * point_size::<S>() {
        None
    } else {
        SquareRoots::<S::Base>::new()
    };
    bytes
        .par_chunks(point_size::<S>())
        .map(|point| {
            decode_with::<S>(point, |square| match &roots {
                Some(roots) => roots.root(square),
                None => square.sqrt(),
            })
        })
        .collect()
}

/// Scalars one after another.
pub fn encode_scalars<S: Suite>(scalars: &[S::Scalar]) -> Vec<u8> {
    scalars.iter().flat_map(|s| encode_field(*s)).collect()
}

/// The reverse of [`encode_scalars`].
pub fn decode_scalars<S: Suite>(bytes: &[u8]) -> Result<Vec<S::Scalar>> {
    if !bytes.len().is_multiple_of(scalar_size::<S>()) {
        return Err(Error::new(
            "scalars",
            Stage::Decoding,
            "not a whole number of scalars",
        ));
    }
    bytes.chunks(scalar_size::<S>()).map(decode_field).collect()
}

/// Coordinates as the row tree hashes them; the identity is (0, 0).
pub fn coordinates<S: Suite>(point: &Affine<S>) -> (S::Base, S::Base) {
    point.xy().unwrap_or((S::Base::zero(), S::Base::zero()))
}

/// A signed machine integer as a scalar.
pub fn scalar_from_i64<F: PrimeField>(value: i64) -> F {
    let magnitude = F::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// 64 uniform bytes, reduced: within 2^-250 of uniform. Three parts below 2^176 take a few multiplications, where byte by byte takes 64.
pub fn scalar_from_wide<F: PrimeField>(bytes: &[u8; 64]) -> F {
    let part = |bytes: &[u8]| {
        let mut value = F::BigInt::from(0u64);
        for (limb, eight) in value.as_mut().iter_mut().zip(bytes.rchunks(8)) {
            *limb = eight.iter().fold(0, |v, byte| v << 8 | u64::from(*byte));
        }
        F::from_bigint(value).unwrap_or_default()
    };
    let mut shift = [0; 22];
    shift[0] = 1;
    let shift: F = part(&shift); // 2^168
    let (high, rest) = bytes.split_at(22);
    let (middle, low) = rest.split_at(21);
    (part(high) * shift + part(middle)) * shift + part(low)
}

/// Many projective points made affine with one inversion.
pub fn to_affine<S: Suite>(points: &[Point<S>]) -> Vec<Affine<S>> {
    Point::<S>::normalize_batch(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees<F: PrimeField>() {
        for k in 0u8..=255 {
            let bytes = std::array::from_fn(|i| k.wrapping_mul(i as u8 | 1).wrapping_sub(k >> 4));
            assert_eq!(scalar_from_wide::<F>(&bytes), F::from_be_bytes_mod_order(&bytes));
        }
        assert_eq!(
            scalar_from_wide::<F>(&[255; 64]),
            F::from_be_bytes_mod_order(&[255; 64])
        );
    }

    #[test]
    fn wide_scalars_are_reduced() {
        agrees::<<Pallas as Suite>::Scalar>();
        agrees::<<Bn254 as Suite>::Scalar>();
    }
}
