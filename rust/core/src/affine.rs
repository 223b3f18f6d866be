//! Affine points in batches: one inversion shared by all (Montgomery's trick), so that an addition costs five
//! multiplications and a squaring. Four independent chains of products keep the multiplier busy.
//!
//! There are no special cases. Equal or opposite operands put a zero into the shared product; [`Inverter::check`] reports it.

use ark_ff::PrimeField;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Result, Stage};
use crate::group::scalar_from_wide;

const CHAINS: usize = 4;

/// Inverts what a batch shares, and remembers whether an operand was zero.
pub(crate) struct Inverter<F: PrimeField> {
    /// What the next operand of an inversion is multiplied by, so that its time says nothing about secret points.
    mask: F,
    /// What the mask is multiplied by after each use.
    step: F,
    coincided: bool,
}

impl<F: PrimeField> Inverter<F> {
    /// For public points.
    pub(crate) fn public() -> Self {
        Self {
            mask: F::ONE,
            step: F::ONE,
            coincided: false,
        }
    }

    /// For points that depend on secrets.
    pub(crate) fn secret() -> Result<Self> {
        let mut halves = Zeroizing::new([[0; 64]; 2]);
        getrandom::fill(halves.as_flattened_mut()).map_err(|error| {
            let why = format!("no randomness from the operating system: {error}");
            Error::new("commitment", Stage::Witness, why)
        })?;
        let [mask, step] = &*halves;
        Ok(Self {
            mask: scalar_from_wide(mask),
            step: scalar_from_wide(step),
            coincided: false,
        })
    }

    /// The inverse, or zero for zero.
    pub(crate) fn invert(&mut self, element: F) -> F {
        let inverse = (element * self.mask).inverse();
        self.coincided |= inverse.is_none();
        let inverse = inverse.unwrap_or_default() * self.mask;
        self.mask *= self.step;
        inverse
    }

    /// An error if two operands ever coincided, when the results mean nothing. Whoever makes that happen for distinct
    /// generators has found a relation between them.
    pub(crate) fn check(&self) -> Result<()> {
        if self.coincided {
            return Err(Error::new(
                "commitment",
                Stage::Witness,
                "two points of a batch coincide",
            ));
        }
        Ok(())
    }
}

impl<F: PrimeField> Drop for Inverter<F> {
    fn drop(&mut self) {
        self.mask.zeroize();
        self.step.zeroize();
    }
}

/// Adds and doubles batches; keeps working memory, and wipes it in the end.
pub(crate) struct Adder<F: PrimeField> {
    /// For each element of a batch: what is inverted for it, and the product of the elements before it in its chain.
    scratch: Vec<(F, F)>,
    inverter: Inverter<F>,
}

impl<F: PrimeField> Adder<F> {
    /// For public points.
    pub(crate) fn public() -> Self {
        Self {
            scratch: Vec::new(),
            inverter: Inverter::public(),
        }
    }

    /// For points that depend on secrets.
    pub(crate) fn secret() -> Result<Self> {
        Ok(Self {
            scratch: Vec::new(),
            inverter: Inverter::secret()?,
        })
    }

    /// An error if two operands ever coincided.
    pub(crate) fn finish(self) -> Result<()> {
        self.inverter.check()
    }

    /// sums[i] += next[i]; both of one length.
    pub(crate) fn add_all(&mut self, sums: &mut [(F, F)], next: &[(F, F)]) {
        let mut inverses = self.invert_all(sums.iter().zip(next).map(|(sum, next)| next.0 - sum.0));
        for (i, (((x1, y1), (x2, y2)), (difference, before))) in
            sums.iter_mut().zip(next).zip(&self.scratch).enumerate().rev()
        {
            let chain = &mut inverses[i % CHAINS];
            let slope = (*y2 - *y1) * (*chain * before);
            *chain *= difference;
            let x3 = slope.square() - *x1 - x2;
            *y1 = slope * (*x1 - x3) - *y1;
            *x1 = x3;
        }
    }

    /// points[i] += points[i], on y² = x³ + b without points of order two.
    pub(crate) fn double_all(&mut self, points: &mut [(F, F)]) {
        let mut inverses = self.invert_all(points.iter().map(|point| point.1.double()));
        for (i, ((x, y), (twice, before))) in points.iter_mut().zip(&self.scratch).enumerate().rev() {
            let chain = &mut inverses[i % CHAINS];
            let square = x.square();
            let slope = (square.double() + square) * (*chain * before);
            *chain *= twice;
            let x3 = slope.square() - x.double();
            *y = slope * (*x - x3) - *y;
            *x = x3;
        }
    }

    /// Fills the scratch; element i's inverse is its product there times the answer's chain i mod 4, once the elements after it
    /// have been multiplied into that chain.
    fn invert_all(&mut self, elements: impl Iterator<Item = F>) -> [F; CHAINS] {
        self.scratch.clear();
        let mut running = [F::ONE; CHAINS];
        for (i, element) in elements.enumerate() {
            let chain = &mut running[i % CHAINS];
            self.scratch.push((element, *chain));
            *chain *= element;
        }
        self.invert(running)
    }

    /// The inverse of each chain's product.
    fn invert(&mut self, [a, b, c, d]: [F; CHAINS]) -> [F; CHAINS] {
        let (left, right) = (a * b, c * d);
        let inverse = self.inverter.invert(left * right);
        let (left_inverse, right_inverse) = (inverse * right, inverse * left);
        [
            left_inverse * b,
            left_inverse * a,
            right_inverse * d,
            right_inverse * c,
        ]
    }
}

impl<F: PrimeField> Drop for Adder<F> {
    fn drop(&mut self) {
        self.scratch.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generators::row_generator;
    use crate::group::{Affine, Bn254, Pallas, Suite};
    use ark_ec::CurveGroup;

    fn agrees<S: Suite>(mut adder: Adder<S::Base>) {
        for count in [0usize, 1, 3, 4, 9] {
            let points: Vec<Affine<S>> = (0..2 * count as u32).map(row_generator::<S>).collect();
            let (left, right) = points.split_at(count);
            let pairs = |points: &[Affine<S>]| points.iter().map(|p| (p.x, p.y)).collect::<Vec<_>>();
            let (mut sums, mut doubles) = (pairs(left), pairs(left));
            adder.add_all(&mut sums, &pairs(right));
            adder.double_all(&mut doubles);
            for i in 0..count {
                assert_eq!(pairs(&[(left[i] + right[i]).into_affine()]), sums[i..=i]);
                assert_eq!(pairs(&[(left[i] + left[i]).into_affine()]), doubles[i..=i]);
            }
        }
        adder.finish().expect("no two operands coincide");
    }

    #[test]
    fn batches_agree_with_single_points() {
        agrees::<Pallas>(Adder::public());
        agrees::<Bn254>(Adder::secret().expect("randomness"));
    }

    #[test]
    fn coinciding_points_are_reported() {
        let points: Vec<_> = (0..6).map(row_generator::<Pallas>).map(|p| (p.x, p.y)).collect();
        let mut adder = Adder::public();
        adder.add_all(&mut points.clone(), &points);
        adder.finish().unwrap_err();
    }
}
