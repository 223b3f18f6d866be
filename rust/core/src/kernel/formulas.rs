//! Eight elements as the numbers of a formula, and sums over them.

#![deny(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "limb arithmetic reads best by index")]

use super::{Ifma, Lanes, Limb, Modulus, difference, plus, zero};
use crate::number::Number;
use crate::wide::Accumulate;

/// Bounds of formulas ([`Number`]): inputs are below 16p, sums and differences of two of them below 32p, and no factor is above 35p.
impl<F: Accumulate> Number for Lanes<F> {
    #[inline(always)]
    fn sum(a: Self, b: Self) -> Self {
        let mut sum = a.0;
        for j in 0..5 {
            sum[j] = plus(sum[j], b.0[j]);
        }
        Self::carried(sum)
    }

    #[inline(always)]
    fn difference(a: Self, b: Self) -> Self {
        let offset = const { Modulus::<F>::times(16) };
        Self::carried(difference(&a.0, &b.0, &offset))
    }

    /// Below 21p.
    #[inline(always)]
    fn product(a: Self, b: Self) -> Self {
        a.multiply(&b)
    }

    /// Below 40p.
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

    /// The weight: [`Lanes::load_sixteenth`], below p. The term is below 40p.
    #[inline(always)]
    pub(crate) fn add(&mut self, sixteenth: &Lanes<F>, term: &Lanes<F>) {
        sixteenth.add_product(term, &mut self.t);
        self.count += 1;
        // 32·40p·p over 2^260 is below 21p; limbs are below 320·2^52.
        if self.count == 32 {
            self.settle();
        }
    }

    #[inline(always)]
    fn settle(&mut self) {
        let sum = Lanes::<F>::carried(Lanes::<F>::montgomery(self.t));
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
