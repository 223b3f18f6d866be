//! A sumcheck's prover over numbers that are no small integers: what honest tables don't hold. Slow.

use ark_ff::PrimeField;
use fedproof_core::poly::eq_table;

/// Σ of products of two tables, weighted by eq of an anchor.
pub struct Weighted<F> {
    pub anchor: Vec<F>,
    pub products: Vec<[Vec<F>; 2]>,
}

impl<F: PrimeField> Weighted<F> {
    /// The round's polynomial without its eq factor, from the constant up. Without a variable left it is constant.
    fn round(&self) -> [F; 3] {
        let mut sum = [F::zero(); 3];
        for [a, b] in &self.products {
            if let ([a], [b]) = (&a[..], &b[..]) {
                sum[0] += *a * b;
                continue;
            }
            let eq = eq_table(&self.anchor[..a.len().ilog2() as usize - 1]);
            for ((a, b), eq) in a.chunks(2).zip(b.chunks(2)).zip(eq) {
                let (da, db) = (a[1] - a[0], b[1] - b[0]);
                sum[0] += eq * a[0] * b[0];
                sum[1] += eq * (a[0] * db + da * b[0]);
                sum[2] += eq * da * db;
            }
        }
        sum
    }

    fn bind(&mut self, rho: F) {
        for table in self.products.iter_mut().flatten().filter(|table| table.len() > 1) {
            *table = table
                .chunks(2)
                .map(|pair| pair[0] + rho * (pair[1] - pair[0]))
                .collect();
        }
    }
}

/// Such sums side by side.
#[derive(Default)]
pub struct Rounds<F>(pub Vec<Weighted<F>>);

impl<F: PrimeField> Rounds<F> {
    /// c_1 and c_2.
    pub fn message(&self) -> [F; 2] {
        let parts = self.0.iter().map(Weighted::round);
        parts.fold([F::zero(); 2], |[c1, c2], [_, d1, d2]| [c1 + d1, c2 + d2])
    }

    pub fn bind(&mut self, rho: F) {
        self.0.iter_mut().for_each(|part| part.bind(rho));
    }
}
