//! Sums of products with one reduction at the end: the prover's inner loops spend half of a multiplication on reducing.
//!
//! Works on the Montgomery form (value·2^256 mod r) of four-limb fields. `tests` compare with plain arithmetic.

#![allow(clippy::needless_range_loop, reason = "limb arithmetic reads best by index")]

use ark_ff::{BigInt, Fp, MontBackend, MontConfig, PrimeField};

/// A field whose elements are four Montgomery limbs.
pub trait Accumulate: PrimeField {
    fn as_limbs(&self) -> &[u64; 4];
    #[inline(always)]
    fn limbs(&self) -> [u64; 4] {
        *self.as_limbs()
    }
    /// Limbs below the modulus.
    fn from_limbs(limbs: [u64; 4]) -> Self;
    /// −r^-1 mod 2^64.
    const INVERSE: u64;
    const MODULUS_LIMBS: [u64; 4];
}

impl<T: MontConfig<4>> Accumulate for Fp<MontBackend<T, 4>, 4> {
    #[inline(always)]
    fn as_limbs(&self) -> &[u64; 4] {
        &self.0.0
    }

    #[inline(always)]
    fn from_limbs(limbs: [u64; 4]) -> Self {
        Self::new_unchecked(BigInt(limbs))
    }

    const INVERSE: u64 = T::INV;
    const MODULUS_LIMBS: [u64; 4] = T::MODULUS.0;
}

/// acc + a·b + carry, as (low, high): never overflows.
#[inline(always)]
fn multiply_add(acc: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let t = u128::from(acc) + u128::from(a) * u128::from(b) + u128::from(carry);
    (t as u64, (t >> 64) as u64)
}

#[inline(always)]
fn add_carry(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let t = u128::from(a) + u128::from(b) + u128::from(carry);
    (t as u64, (t >> 64) as u64)
}

/// Σ a·b, up to 2^60 terms.
#[derive(Clone, Copy)]
pub struct Products([u64; 9]);

impl Products {
    pub const ZERO: Self = Self([0; 9]);

    #[inline(always)]
    pub fn add<F: Accumulate>(&mut self, a: &F, b: &F) {
        let (a, b) = (a.limbs(), b.limbs());
        let mut product = [0u64; 8];
        for i in 0..4 {
            let mut carry = 0;
            for j in 0..4 {
                (product[i + j], carry) = multiply_add(product[i + j], a[i], b[j], carry);
            }
            product[i + 4] = carry;
        }
        let mut carry = 0;
        for i in 0..8 {
            (self.0[i], carry) = add_carry(self.0[i], product[i], carry);
        }
        self.0[8] += carry;
    }

    pub fn reduce<F: Accumulate>(self) -> F {
        let Self(mut t) = self;
        let m = F::MODULUS_LIMBS;
        for i in 0..4 {
            let k = t[i].wrapping_mul(F::INVERSE);
            let mut carry = 0;
            for j in 0..4 {
                (t[i + j], carry) = multiply_add(t[i + j], k, m[j], carry);
            }
            for limb in &mut t[i + 4..] {
                (*limb, carry) = add_carry(*limb, 0, carry);
            }
        }
        below_modulus::<F>([t[4], t[5], t[6], t[7]]) + F::from(t[8])
    }
}

/// a·b + c·d with one reduction.
#[inline(always)]
pub fn two_products<F: Accumulate>(a: &F, b: &F, c: &F, d: &F) -> F {
    let (a, b, c, d) = (a.limbs(), b.limbs(), c.limbs(), d.limbs());
    let m = F::MODULUS_LIMBS;
    // Operand scanning with interleaved reduction; both products fit: 2r² + r·2^256 < 2^512 for r < 2^255.
    let mut t = [0u64; 6];
    for i in 0..4 {
        let (mut carry_a, mut carry_c) = (0, 0);
        for j in 0..4 {
            (t[j], carry_a) = multiply_add(t[j], a[i], b[j], carry_a);
            (t[j], carry_c) = multiply_add(t[j], c[i], d[j], carry_c);
        }
        let (low, over) = add_carry(carry_a, carry_c, 0);
        let (low, more) = add_carry(t[4], low, 0);
        t[4] = low;
        t[5] = over + more;
        let k = t[0].wrapping_mul(F::INVERSE);
        let (_, mut carry) = multiply_add(t[0], k, m[0], 0);
        for j in 1..4 {
            (t[j - 1], carry) = multiply_add(t[j], k, m[j], carry);
        }
        let (low, more) = add_carry(t[4], carry, 0);
        t[3] = low;
        t[4] = t[5] + more;
    }
    below_modulus::<F>([t[0], t[1], t[2], t[3]]) + if t[4] == 0 { F::zero() } else { F::from(t[4]) }
}

/// limbs mod r, for a four-limb number: a few subtractions.
#[inline(always)]
fn below_modulus<F: Accumulate>(mut limbs: [u64; 4]) -> F {
    let m = F::MODULUS_LIMBS;
    loop {
        let mut reduced = [0u64; 4];
        let mut borrow = 0u64;
        for i in 0..4 {
            let t = u128::from(limbs[i])
                .wrapping_sub(u128::from(m[i]))
                .wrapping_sub(u128::from(borrow));
            reduced[i] = t as u64;
            borrow = ((t >> 64) as u64) & 1;
        }
        if borrow == 1 {
            return F::from_limbs(limbs);
        }
        limbs = reduced;
    }
}

/// Σ k·a for 64-bit k, up to 2^60 terms.
#[derive(Clone, Copy)]
pub struct SmallProducts([u64; 6]);

impl SmallProducts {
    pub const ZERO: Self = Self([0; 6]);

    #[inline(always)]
    pub fn add<F: Accumulate>(&mut self, a: &F, k: u64) {
        let a = a.limbs();
        let mut carry = 0;
        for i in 0..4 {
            (self.0[i], carry) = multiply_add(self.0[i], a[i], k, carry);
        }
        (self.0[4], carry) = add_carry(self.0[4], carry, 0);
        self.0[5] += carry;
    }

    /// Adds (k + 2^63)·a: no branch on the sign of k. The caller takes 2^63·Σ a off at the end.
    #[inline(always)]
    pub fn add_shifted<F: Accumulate>(&mut self, a: &F, k: i64) {
        self.add(a, k.cast_unsigned() ^ (1 << 63));
    }

    pub fn reduce<F: Accumulate>(self) -> F {
        let Self(t) = self;
        let high = F::from(t[4]) + F::from(t[5]) * F::from(1u128 << 64);
        below_modulus::<F>([t[0], t[1], t[2], t[3]]) + high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Bn254, Pallas, Suite, scalar_from_i64};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    fn agrees<F: Accumulate>() {
        let mut state = 1u64;
        let mut random = || {
            let bytes: Vec<u8> = (0..64)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            F::from_be_bytes_mod_order(&bytes)
        };
        let edge = -F::one();
        let (mut wide, mut small, mut plain, mut plain_small) =
            (Products::ZERO, SmallProducts::ZERO, F::zero(), F::zero());
        let mut rng = StdRng::seed_from_u64(3);
        for i in 0..2000 {
            let [a, b, c, d] = if i % 7 == 0 {
                [edge; 4]
            } else {
                [random(), random(), random(), random()]
            };
            assert_eq!(two_products(&a, &b, &c, &d), a * b + c * d);
            let k: i64 = if i % 5 == 0 { i64::MIN + 1 } else { rng.random() };
            wide.add(&a, &b);
            small.add_shifted(&c, k);
            plain += a * b;
            plain_small += c * (scalar_from_i64::<F>(k) + F::from(1u64 << 63));
        }
        assert_eq!(wide.reduce::<F>(), plain);
        assert_eq!(small.reduce::<F>(), plain_small);
    }

    #[test]
    fn sums_of_products() {
        agrees::<<Pallas as Suite>::Scalar>();
        agrees::<<Bn254 as Suite>::Scalar>();
    }
}
