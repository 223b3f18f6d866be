//! A sumcheck table for functions that are two products and a constant.

use super::layer::Layer;
use super::table::Nodes;
use crate::poly::SplitEq;
use crate::sumcheck::WeightedTable;
use crate::wide::Accumulate;

/// f = a·b + c·d − constant.
pub struct TwoProducts<F: Accumulate> {
    products: Layer<F>,
    constant: F,
}

impl<F: Accumulate> TwoProducts<F> {
    /// node: a, b, c, d at a place; those of `tail` at all places from `entries` on.
    pub fn new(entries: usize, tail: [F; 4], constant: F, node: impl Fn(usize) -> [F; 4] + Sync) -> Self {
        let ordered = |[a, b, c, d]: [F; 4]| [a, c, d, b];
        let nodes = Nodes::new(entries, ordered(tail), |first, out| {
            for (to, at) in out.as_chunks_mut::<4>().0.iter_mut().zip(first..) {
                *to = ordered(node(at));
            }
        });
        Self {
            products: Layer::of_shifted(nodes, F::ONE, F::ONE),
            constant,
        }
    }
}

impl<F: Accumulate> WeightedTable<F> for TwoProducts<F> {
    fn round(&self, eq: &SplitEq<F>) -> [F; 2] {
        // All weights sum to one.
        let [c0, c2] = self.products.round(eq);
        [c0 - self.constant, c2]
    }

    fn bind(&mut self, rho: F) {
        self.products.bind(rho);
    }

    fn value(&self) -> F {
        self.products.value() - self.constant
    }
}
