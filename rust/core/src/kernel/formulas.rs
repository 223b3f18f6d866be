//! Eight elements as the numbers of a formula, and sums over them.

#![deny(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "limb arithmetic reads best by index")]

use super::{Ifma, Lanes, Limb, Modulus, difference, plus, zero};
use crate::number::Number;
use crate::wide::Accumulate;

/// Bounds of what formulas may do ([`Number`]), by the product rule ([`super`]):
/// - an input: 16p; the constant: 3p;
/// - the sum or difference of two inputs: 32p;
/// - the product of two inputs: (1 + 16·16/63)p, below 6p; so a factor: 32p;
/// - the product of two factors: (1 + 32·32/63)p, below 18p;
/// - the sum of two products of factors: (1 + 2·32·32/63)p, below 34p;
/// - the constant times a factor: (1 + 3·32/63)p, below 3p;
/// - a factor plus that: 35p. So an output is below 35p, where [`Lanes::store`] may have 49p.
impl<F: Accumulate> Number for Lanes<F> {
    #[inline(always)]
    fn sum(a: Self, b: Self) -> Self {
        let mut sum = a.0;
        for j in 0..5 {
            sum[j] = plus(sum[j], b.0[j]);
        }
        Self::carried(sum)
    }

    /// For b below 16p: an input.
    #[inline(always)]
    fn difference(a: Self, b: Self) -> Self {
        let offset = const { Modulus::<F>::times(16) };
        Self::carried(difference(&a.0, &b.0, &offset))
    }

    #[inline(always)]
    fn product(a: Self, b: Self) -> Self {
        a.multiply(&b)
    }

    #[inline(always)]
    fn two_products(a: Self, b: Self, c: Self, d: Self) -> Self {
        let mut t = [zero(); 10];
        a.add_product(&b, &mut t);
        c.add_product(&d, &mut t);
        Self::carried(Self::montgomery(t))
    }
}

/// Σ weight·term, over all lanes.
#[derive(Clone, Copy)]
pub(crate) struct WeightedSum<F: Accumulate> {
    /// Of the last few terms.
    t: [Limb; 10],
    count: usize,
    /// Of the others, below 3p.
    total: Lanes<F>,
}

impl<F: Accumulate> WeightedSum<F> {
    #[inline(always)]
    pub(crate) fn new(ifma: Ifma) -> Self {
        Self {
            t: [zero(); 10],
            count: 0,
            total: Lanes::nothing(ifma),
        }
    }

    /// The weight: [`Lanes::load_sixteenth`], below p. The term: a formula's output, below 35p.
    #[inline(always)]
    pub(crate) fn add(&mut self, sixteenth: &Lanes<F>, term: &Lanes<F>) {
        sixteenth.add_product(term, &mut self.t);
        self.count += 1;
        // Reduced, 32 of them are below (1 + 32·35/63)p, so below 19p; limbs are below 320·2^52.
        if self.count == 32 {
            self.settle();
        }
    }

    #[inline(always)]
    fn settle(&mut self) {
        let sum = Lanes::<F>::carried(Lanes::<F>::montgomery(self.t));
        // Below 22p.
        self.total = Lanes::reduced(Lanes::<F>::sum(sum, self.total).0);
        (self.t, self.count) = ([zero(); 10], 0);
    }

    #[inline(always)]
    pub(crate) fn finish(mut self) -> F {
        self.settle();
        let sixteenth: F = self.total.store().into_iter().sum();
        sixteenth.double().double().double().double()
    }
}
