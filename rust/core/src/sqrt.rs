//! Square roots of public field elements (variable time), many at once: Tonelli and Shanks with the discrete logarithm taken eight bits at a
//! time from tables, for fields whose p − 1 has a large power of two. One root costs little more than its power.
//!
//! With p − 1 = 2^s·t and g of order 2^s: a^t = g^e, and √a = a^((t+1)/2)·g^(−e/2), if e is even.

use ark_ff::PrimeField;

/// Bits of e that one look-up finds.
const WINDOW: usize = 8;
/// Bits of an exponent that one multiplication takes care of.
const DIGIT: usize = 4;

pub struct SquareRoots<F: PrimeField> {
    /// By the low limbs of h^d, d; h = g^(2^(s − 8)) has order 2^8.
    logarithms: Vec<(u64, usize)>,
    /// g^(−d·2^(8j)) by j and d.
    inverses: Vec<Vec<F>>,
    /// Digits of (t − 1)/2, the highest first.
    exponent: Vec<usize>,
}

fn low_limb<F: PrimeField>(a: F) -> u64 {
    a.into_bigint().as_ref().first().copied().unwrap_or_default()
}

/// 1, base, base², … of `count`.
fn powers<F: PrimeField>(base: F, count: usize) -> Vec<F> {
    std::iter::successors(Some(F::one()), |power| Some(*power * base))
        .take(count)
        .collect()
}

fn squared<F: PrimeField>(mut a: F, times: usize) -> F {
    (0..times).for_each(|_| {
        a.square_in_place();
    });
    a
}

impl<F: PrimeField> SquareRoots<F> {
    /// Tables of some 1,000 entries; none where p − 1 has no large power of two of whole windows.
    pub fn new() -> Option<Self> {
        let s = F::TWO_ADICITY as usize;
        if s < WINDOW || !s.is_multiple_of(WINDOW) {
            return None;
        }
        let g = F::TWO_ADIC_ROOT_OF_UNITY;
        let size = 1 << WINDOW;
        let h = squared(g, s - WINDOW);
        let limbs = powers(h, size).into_iter().map(low_limb);
        let mut logarithms: Vec<_> = limbs.zip(0..).collect();
        logarithms.sort_unstable();
        let inverse = g.inverse()?;
        let inverses = (0..s / WINDOW)
            .map(|j| powers(squared(inverse, WINDOW * j), size))
            .collect();
        let limbs = F::TRACE_MINUS_ONE_DIV_TWO;
        let digits = limbs.as_ref().iter().flat_map(|limb| {
            let at = (0..u64::BITS as usize).step_by(DIGIT);
            at.map(|shift| (*limb >> shift) as usize & ((1 << DIGIT) - 1))
        });
        let mut exponent: Vec<usize> = digits.collect();
        exponent.reverse();
        Some(Self {
            logarithms,
            inverses,
            exponent,
        })
    }

    /// a^((t − 1)/2).
    fn power(&self, a: F) -> F {
        let powers = powers(a, 1 << DIGIT);
        let mut power = F::one();
        let used = self.exponent.iter().skip_while(|digit| **digit == 0);
        for digit in used {
            power = squared(power, DIGIT);
            if let Some(factor) = powers.get(*digit).filter(|_| *digit > 0) {
                power *= factor;
            }
        }
        power
    }

    /// g^(−digit·2^(8j)).
    fn inverse(&self, j: usize, digit: usize) -> F {
        self.inverses
            .get(j)
            .and_then(|row| row.get(digit))
            .copied()
            .unwrap_or_default()
    }

    /// One of the two roots of a square.
    pub fn root(&self, a: F) -> Option<F> {
        if a.is_zero() {
            return Some(a);
        }
        let w = self.power(a);
        let mut root = a * w;
        let b = root * w;
        let windows = self.inverses.len();
        // b^(2^(8j)), the lowest digits of e last.
        let mut shifted = vec![b];
        for _ in 1..windows {
            let last = shifted.last().copied().unwrap_or_default();
            shifted.push(squared(last, WINDOW));
        }
        let mut e = 0u64;
        let mut digits: Vec<usize> = Vec::with_capacity(windows);
        for (found, part) in shifted.iter().rev().enumerate() {
            let mut part = *part;
            for (k, digit) in digits.iter().enumerate() {
                part *= self.inverse(windows - 1 - found + k, *digit);
            }
            let limb = low_limb(part);
            let at = self
                .logarithms
                .binary_search_by_key(&limb, |(limb, _)| *limb)
                .ok()?;
            let (_, digit) = *self.logarithms.get(at)?;
            digits.push(digit);
            e |= (digit as u64) << (WINDOW * found);
        }
        for j in 0..windows {
            let digit = (e / 2) as usize >> (WINDOW * j) & ((1 << WINDOW) - 1);
            root *= self.inverse(j, digit);
        }
        // No square: e is odd, or its digits were none.
        (root.square() == a).then_some(root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Bn254, Pallas, Suite, scalar_from_wide};
    use ark_ff::{FftField, Field};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    type Base = <Pallas as Suite>::Base;

    #[test]
    fn agrees_with_arkworks() {
        let roots = SquareRoots::<Base>::new().expect("32 bits");
        let mut rng = StdRng::seed_from_u64(1);
        let (mut squares, mut others) = (0, 0);
        let small = (0..50u64).flat_map(|k| [Base::from(k), -Base::from(k)]);
        let g = Base::TWO_ADIC_ROOT_OF_UNITY;
        let special = (0..33).map(|k| squared(g, k));
        let random = (0..400).map(|_| {
            let mut bytes = [0; 64];
            rng.fill(&mut bytes);
            scalar_from_wide(&bytes)
        });
        for a in small.chain(special).chain(random) {
            match (roots.root(a), a.sqrt()) {
                (Some(ours), Some(theirs)) => {
                    assert_eq!(ours.square(), a);
                    assert!(ours == theirs || ours == -theirs);
                    squares += 1;
                }
                (None, None) => others += 1,
                (ours, theirs) => panic!("{a}: {ours:?} and {theirs:?}"),
            }
        }
        assert!(squares > 150 && others > 150);
    }

    #[test]
    fn low_limbs_tell_logarithms_apart() {
        let roots = SquareRoots::<Base>::new().expect("32 bits");
        assert!(roots.logarithms.windows(2).all(|two| two[0].0 < two[1].0));
    }

    #[test]
    fn none_where_they_would_not_pay() {
        assert!(SquareRoots::<<Bn254 as Suite>::Base>::new().is_none());
    }
}
