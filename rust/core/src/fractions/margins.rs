//! The sumcheck table that ties margins to logits (spec/relations/optimum.md, step 8).

use super::layer::Layer;
use super::table::Nodes;
use crate::group::scalar_from_i64;
use crate::poly::SplitEq;
use crate::sumcheck::WeightedTable;
use crate::wide::Accumulate;

/// f = ½(One·y − z + y·N) + γ(z² − 2·One·y·z − N²), as a sum of two products and a constant:
/// y·(½N − 2γ·One·z + ½One) + (z − N − 1/(4γ))·(γ(z + N) − ¼) − 1/(16γ).
pub struct MarginTable<F: Accumulate> {
    products: Layer<F>,
    constant: F,
}

impl<F: Accumulate> MarginTable<F> {
    /// Labels y, logits z and margins N, zero beyond the end.
    pub fn new(columns: [&[i64]; 3], one: F, gamma: F) -> Self {
        let [labels, logits, margins] = columns;
        // γ = 0 has probability 2^-128 and costs the honest prover a proof that fails.
        let inverse = gamma.inverse().unwrap_or_default();
        let half = F::from(2u64).inverse().unwrap_or_default();
        let quarter = half.square();
        let (cross, shift) = (-gamma.double() * one, quarter * inverse);
        let node = |y: F, z: F, n: F| {
            [
                half * (n + one) + cross * z,
                z - n - shift,
                gamma * (z + n) - quarter,
                y,
            ]
        };
        let nodes = Nodes::new(labels.len(), node(F::ZERO, F::ZERO, F::ZERO), |first, out| {
            for (to, v) in out.as_chunks_mut::<4>().0.iter_mut().zip(first..) {
                *to = node(
                    scalar_from_i64(labels[v]),
                    scalar_from_i64(logits[v]),
                    scalar_from_i64(margins[v]),
                );
            }
        });
        Self {
            products: Layer::of_shifted(nodes, F::ONE, F::ONE),
            constant: quarter * shift,
        }
    }
}

impl<F: Accumulate> WeightedTable<F> for MarginTable<F> {
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
