//! scalar·P for points that no table was made of: windows of five bits with odd digits, of which none is zero and none is skipped.

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, PrimeField};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::tables::{Coordinates, conditional_negate};
use crate::group::{Affine, Point, Suite, to_affine};
use crate::jacobian::Jacobian;
use crate::wide::Accumulate;

const BITS: usize = 5;
/// Below the leading one, which is the same for all.
const WINDOWS: usize = 51;

/// P, 3P, … 31P.
struct Odd<S: Suite>(Vec<Coordinates<S>>);

impl<S: Suite> Odd<S> {
    fn new(point: &Affine<S>) -> Self {
        let step = point.into_group() + point;
        let multiples = std::iter::successors(Some(point.into_group()), |last| Some(*last + step));
        let multiples: Vec<Point<S>> = multiples.take(1 << (BITS - 1)).collect();
        let affine = Point::<S>::normalize_batch(&multiples);
        Self(affine.iter().map(|p| (p.x, p.y)).collect())
    }

    /// The entry of digit 2u − 31. All of them are read, whatever u is.
    fn entry(&self, u: u8) -> Coordinates<S> {
        let negative = u >> 4 ^ 1;
        let index = (u & 15) ^ (15 & 0u8.wrapping_sub(negative));
        let (mut x, mut y) = ([0; 4], [0; 4]);
        for (place, entry) in (0u8..).zip(&self.0) {
            let mask = 0u64.wrapping_sub(u64::from(place ^ index).wrapping_sub(1) >> 63);
            for limb in 0..4 {
                x[limb] |= entry.0.as_limbs()[limb] & mask;
                y[limb] |= entry.1.as_limbs()[limb] & mask;
            }
        }
        let y = conditional_negate(S::Base::from_limbs(y), 0u64.wrapping_sub(u64::from(negative)));
        (S::Base::from_limbs(x), y)
    }
}

/// u_i with 32^51 + Σ 32^i(2u_i − 31) = k or k + r, whichever is odd: five bits each of (that − 1)/2.
fn digits<F: PrimeField>(k: F) -> Zeroizing<[u8; WINDOWS]> {
    let mut odd = Zeroizing::new(k.into_bigint());
    let even = 0u64.wrapping_sub(u64::from(odd.is_even()));
    let mut addend = F::MODULUS;
    addend.as_mut().iter_mut().for_each(|limb| *limb &= even);
    odd.add_with_carry(&addend); // below 2r, which is below 2^256
    odd.div2();
    let bytes = Zeroizing::new(odd.to_bytes_le());
    let mut out = Zeroizing::new([0; WINDOWS]);
    for (window, digit) in out.iter_mut().enumerate() {
        let (byte, shift) = (window * BITS / 8, window * BITS % 8);
        let at = |i: usize| u16::from(bytes.get(i).copied().unwrap_or(0));
        *digit = ((at(byte) | at(byte + 1) << 8) >> shift) as u8 & 31;
    }
    out
}

/// scalar·P for every P, none the identity.
///
/// What has been added up, times 32, and the entry that comes next are multiples of P by integers that never agree but for their sign, as
/// the one is at least 32 and the other at most 31. Modulo r they may, in the last window only: before it multiples are below r. Then the
/// scalar is zero, or 2d for the one d that is its own last digit. So the last window is made by a complete addition; short of these few
/// scalars it does not branch.
pub fn multiply_each<S: Suite>(points: &[Affine<S>], scalar: &S::Scalar) -> Vec<Affine<S>> {
    let digits = digits(*scalar);
    let [last, others @ ..] = &*digits;
    let product = |point: &Affine<S>| {
        let table = Odd::<S>::new(point);
        let mut sum = Jacobian::new((point.x, point.y));
        for digit in others.iter().rev() {
            (0..BITS).for_each(|_| sum.double());
            sum.add(table.entry(*digit));
        }
        (0..BITS).for_each(|_| sum.double());
        let (x, y) = table.entry(*last);
        sum.point::<S>() + Affine::<S>::new_unchecked(x, y)
    };
    let products: Vec<Point<S>> = points.par_iter().map(product).collect();
    to_affine::<S>(&products)
}

#[cfg(test)]
mod tests {
    use ark_ff::{Field, Zero};

    use super::*;
    use crate::generators::row_generator;
    use crate::group::{Bn254, Pallas};

    fn agrees<S: Suite>() {
        let points: Vec<Affine<S>> = (0..3).map(row_generator::<S>).collect();
        let mut scalars: Vec<S::Scalar> = (0u64..100).map(S::Scalar::from).collect();
        scalars.extend((0u64..100).map(|k| -S::Scalar::from(k)));
        let large = |k: u64| S::Scalar::from(k).pow([97]).inverse().unwrap();
        scalars.extend((2u64..20).map(large));
        for scalar in scalars {
            let expected: Vec<Affine<S>> = points.iter().map(|p| (*p * scalar).into_affine()).collect();
            assert_eq!(multiply_each::<S>(&points, &scalar), expected);
        }
        assert!(multiply_each::<S>(&[], &S::Scalar::zero()).is_empty());
    }

    /// Also for the scalars whose last addition is none of two different points.
    #[test]
    fn is_multiplication() {
        agrees::<Pallas>();
        agrees::<Bn254>();
    }
}
