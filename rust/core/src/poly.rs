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

/// eq(point, ·) as an outer product: entry v is high[v / l]·low[v mod l], l = low.len(). A sum with these weights needs no table of
/// them all, and no more multiplications.
pub struct SplitEq<F> {
    point: Vec<F>,
    high: Vec<F>,
    low: Vec<F>,
}

impl<F: PrimeField> SplitEq<F> {
    pub fn new(point: &[F]) -> Self {
        let (high, low) = point.split_at(point.len() / 2);
        Self {
            point: point.to_vec(),
            high: eq_table(high),
            low: eq_table(low),
        }
    }

    /// Leaves out the last coordinate, if there is one: eq(point‖r, v‖0) + eq(point‖r, v‖1) = eq(point, v).
    pub fn shorten(&mut self) {
        if self.point.pop().is_none() {
            return;
        }
        if self.low.len() == 1 {
            self.low = std::mem::replace(&mut self.high, vec![F::one()]);
        }
        self.low = self.low.chunks(2).map(|pair| pair.iter().sum()).collect();
    }

    /// Σ_{v ≥ count} eq(point, v).
    pub fn beyond(&self, count: usize) -> F {
        F::one() - below(&self.point, count as u64).0
    }

    /// Σ over the first `count` entries, in blocks that share a factor: `block` gets the other factors and where they start.
    pub fn blocks<const N: usize>(
        &self,
        count: usize,
        block: impl Fn(&[F], usize) -> [F; N] + Sync,
    ) -> [F; N] {
        let size = self.low.len();
        (0..count.div_ceil(size))
            .into_par_iter()
            .with_min_len((1usize << 9).div_ceil(size))
            .map(|b| {
                let first = b * size;
                let weights = self.low.get(..count - first).unwrap_or(&self.low);
                block(weights, first).map(|sum| sum * self.high[b])
            })
            .reduce(
                || [F::zero(); N],
                |mut a, b| {
                    for (to, from) in a.iter_mut().zip(b) {
                        *to += from;
                    }
                    a
                },
            )
    }
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
    fn split_tables_agree_with_whole_ones() {
        let point: Vec<Fr> = (0..7).map(|i| Fr::from(1000 + i as u64)).collect();
        let mut split = SplitEq::new(&point);
        for n in (0..=7).rev() {
            let whole = eq_table(&point[..n]);
            for count in [0, 1, whole.len() / 3, whole.len()] {
                let [sum, weighted] = split.blocks(count, |weights, first| {
                    let each = weights.iter().zip(first as u64..);
                    [weights.iter().sum(), each.map(|(w, v)| *w * Fr::from(v)).sum()]
                });
                let plain: Fr = whole[..count]
                    .iter()
                    .zip(0u64..)
                    .map(|(w, v)| *w * Fr::from(v))
                    .sum();
                assert_eq!((sum, weighted), (whole[..count].iter().sum(), plain));
                assert_eq!(sum + split.beyond(count), Fr::from(1u64));
            }
            if n > 0 {
                split.shorten();
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
