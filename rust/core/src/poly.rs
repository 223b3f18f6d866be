//! Multilinear extensions. Index bits are most significant first: variable 0 is the top bit of an index.

use ark_ff::PrimeField;
use rayon::prelude::*;

/// eq(point, i) for every index i of point.len() bits.
pub fn eq_table<F: PrimeField>(point: &[F]) -> Vec<F> {
    // A large table is the outer product of two small ones: one multiplication an entry, in parallel.
    if point.len() > 10 {
        let (high, low) = point.split_at(point.len() / 2);
        let (high, low) = (eq_table(high), eq_table(low));
        return high
            .par_iter()
            .flat_map_iter(|h| low.iter().map(move |l| *h * l))
            .collect();
    }
    let mut table = Vec::with_capacity(1 << point.len());
    table.push(F::one());
    for r in point.iter().rev() {
        let high: Vec<F> = table.iter().map(|e| *e * r).collect();
        for (e, h) in table.iter_mut().zip(&high) {
            *e -= h;
        }
        table.extend(high);
    }
    table
}

/// 1, x, x², …: `count` of them.
pub fn powers<F: PrimeField>(x: F, count: usize) -> Vec<F> {
    std::iter::successors(Some(F::one()), |p| Some(*p * x))
        .take(count)
        .collect()
}

/// Σ a·b; the shorter list counts as padded with zeros.
pub fn dot<F: PrimeField>(a: &[F], b: &[F]) -> F {
    a.iter().zip(b).map(|(x, y)| *x * y).sum()
}

/// (Σ_{t < bound} eq(point, t), Σ_{t < bound} eq(point, t)·t) in O(bits²): a verifier's view of a table of consecutive numbers.
pub fn below<F: PrimeField>(point: &[F], bound: u64) -> (F, F) {
    let bits = point.len();
    let power = |k: usize| F::from(2u64).pow([k as u64]);
    // Σ_k s_k·2^(n−1−k): the expected index when the remaining coordinates are free.
    let mean = |rest: &[F]| {
        rest.iter()
            .rev()
            .enumerate()
            .map(|(k, s)| *s * power(k))
            .sum::<F>()
    };
    if bits < 64 && bound >= 1 << bits {
        return (F::one(), mean(point));
    }
    let (mut count, mut total, mut prefix_eq, mut prefix) = (F::zero(), F::zero(), F::one(), F::zero());
    for (i, r) in point.iter().enumerate() {
        let place = bits - 1 - i;
        if place < 64 && bound >> place & 1 == 1 {
            // All indices prefix‖0‖* lie below the bound.
            let weight = prefix_eq * (F::one() - r);
            count += weight;
            total += weight * (prefix + mean(point.get(i + 1..).unwrap_or_default()));
            prefix_eq *= r;
            prefix += power(place);
        } else {
            prefix_eq *= F::one() - r;
        }
    }
    (count, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::Field;
    use ark_pallas::Fr;

    #[test]
    fn eq_tables_index_from_the_top_bit() {
        for n in [0usize, 1, 3, 11] {
            let point: Vec<Fr> = (0..n).map(|i| Fr::from(1000 + i as u64)).collect();
            for (index, value) in eq_table(&point).into_iter().enumerate() {
                let bit = |k: usize| index >> (n - 1 - k) & 1 == 1;
                let plain: Fr = (0..n)
                    .map(|k| {
                        if bit(k) {
                            point[k]
                        } else {
                            Fr::from(1u64) - point[k]
                        }
                    })
                    .product();
                assert_eq!(value, plain);
            }
        }
    }

    #[test]
    fn consecutive_tables_in_closed_form() {
        for n in 1..7usize {
            let point: Vec<Fr> = (0..n)
                .map(|i| Fr::from(7919u64 * (i as u64 + 3)).inverse().expect("not zero"))
                .collect();
            let eq = eq_table(&point);
            for bound in 0..=1u64 << n {
                let count: Fr = eq.iter().take(bound as usize).sum();
                let total: Fr = eq
                    .iter()
                    .take(bound as usize)
                    .zip(0u64..)
                    .map(|(e, t)| *e * Fr::from(t))
                    .sum();
                assert_eq!(below(&point, bound), (count, total));
            }
        }
    }
}
