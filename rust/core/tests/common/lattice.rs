//! Small integers that fit equations modulo r: what a prover does with a public value of many numbers that it may choose after the challenges.

use ark_ff::PrimeField;
use fedproof_core::group::encode_field;
use num_bigint::{BigInt, Sign};

/// A short vector of integers x, not zero, with Σ_j a_j·x_j = 0 for each row a of `equations`, whose first square must be the unit
/// matrix. Of d numbers each is near r^(equations/d).
pub fn small_solution<F: PrimeField>(equations: &[Vec<F>]) -> Vec<i64> {
    let (count, length) = (equations.len(), equations[0].len());
    let integer = |x: F| BigInt::from_bytes_be(Sign::Plus, &encode_field(x));
    let modulus: BigInt = integer(-F::one()) + 1;
    let mut basis = vec![vec![BigInt::ZERO; length]; length];
    for (i, vector) in basis.iter_mut().enumerate() {
        if i < count {
            vector[i] = modulus.clone();
        } else {
            vector[i] = BigInt::from(1);
            for (to, row) in vector.iter_mut().zip(equations) {
                *to = integer(-row[i]);
            }
        }
    }
    reduce(&mut basis);
    let narrow = |x: &BigInt| i64::try_from(x).expect("a lattice of so many dimensions has shorter vectors");
    basis[0].iter().map(narrow).collect()
}

fn product(a: &[BigInt], b: &[BigInt]) -> BigInt {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// a/b to the nearest, b positive.
fn rounded(a: &BigInt, b: &BigInt) -> BigInt {
    let twice: BigInt = a * 2 + b;
    let by: BigInt = b * 2;
    let quotient = &twice / &by;
    if &quotient * &by > twice {
        quotient - 1
    } else {
        quotient
    }
}

/// Lenstra, Lenstra, Lovász: in integers alone, as in Cohen, A Course in Computational Algebraic Number Theory, 2.6.7.
fn reduce(basis: &mut [Vec<BigInt>]) {
    let mut state = Integral::new(basis);
    let mut k = 1;
    while k < basis.len() {
        state.shorten(basis, k, k - 1);
        let [before, here, after] = [k - 1, k, k + 1].map(|i| &state.minors[i]);
        let off = &state.above[k][k - 1];
        // Lovász, with 99/100.
        if (before * after + off * off) * 100 < here * here * 99 {
            state.swap(basis, k);
            k = (k - 1).max(1);
        } else {
            for l in (0..k - 1).rev() {
                state.shorten(basis, k, l);
            }
            k += 1;
        }
    }
}

/// Gram and Schmidt's coefficients times what makes them integers: μ_kj·minors[j + 1].
struct Integral {
    above: Vec<Vec<BigInt>>,
    /// Determinants of the first vectors' products, from that of none.
    minors: Vec<BigInt>,
}

impl Integral {
    fn new(basis: &[Vec<BigInt>]) -> Self {
        let length = basis.len();
        let mut above = vec![vec![BigInt::ZERO; length]; length];
        let mut minors = vec![BigInt::from(1)];
        for k in 0..length {
            for j in 0..=k {
                let mut u = product(&basis[k], &basis[j]);
                for i in 0..j {
                    u = (&minors[i + 1] * u - &above[k][i] * &above[j][i]) / &minors[i];
                }
                if j < k {
                    above[k][j] = u;
                } else {
                    minors.push(u);
                }
            }
        }
        Self { above, minors }
    }

    /// Takes a multiple of vector l from vector k.
    fn shorten(&mut self, basis: &mut [Vec<BigInt>], k: usize, l: usize) {
        let by = rounded(&self.above[k][l], &self.minors[l + 1]);
        if by == BigInt::ZERO {
            return;
        }
        let (low, high) = basis.split_at_mut(k);
        for (to, from) in high[0].iter_mut().zip(&low[l]) {
            *to -= &by * from;
        }
        let (low, high) = self.above.split_at_mut(k);
        for (to, from) in high[0].iter_mut().zip(&low[l][..l]) {
            *to -= &by * from;
        }
        high[0][l] -= by * &self.minors[l + 1];
    }

    /// Exchanges vectors k and k − 1.
    fn swap(&mut self, basis: &mut [Vec<BigInt>], k: usize) {
        basis.swap(k, k - 1);
        let (low, high) = self.above.split_at_mut(k);
        for (a, b) in high[0][..k - 1].iter_mut().zip(&mut low[k - 1][..k - 1]) {
            std::mem::swap(a, b);
        }
        let off = self.above[k][k - 1].clone();
        let minor = (&self.minors[k - 1] * &self.minors[k + 1] + &off * &off) / &self.minors[k];
        for row in &mut self.above[k + 1..] {
            let old = row[k].clone();
            row[k] = (&self.minors[k + 1] * &row[k - 1] - &off * &old) / &self.minors[k];
            row[k - 1] = (&minor * &old + &off * &row[k]) / &self.minors[k + 1];
        }
        self.minors[k] = minor;
    }
}

#[test]
fn solutions_are_small_and_solve() {
    use ark_ff::Field;
    use ark_pallas::Fr;
    use fedproof_core::group::scalar_from_i64;
    use rand::{SeedableRng, rngs::StdRng};

    for (count, length) in [(1, 6), (2, 12)] {
        let equations: Vec<Vec<Fr>> = (0..count)
            .map(|i| {
                let unit = (0..count).map(|j| Fr::from(u64::from(i == j)));
                let rest = (count..length).map(|j| {
                    let mut rng = StdRng::seed_from_u64((i * length + j) as u64);
                    Fr::from(rand::Rng::random::<u128>(&mut rng)).square()
                });
                unit.chain(rest).collect()
            })
            .collect();
        let x = small_solution(&equations);
        assert!(x.iter().any(|x| *x != 0) && x.iter().all(|x| x.unsigned_abs() < 1 << 47));
        for a in &equations {
            let sum: Fr = a
                .iter()
                .zip(&x)
                .map(|(a, x)| *a * scalar_from_i64::<Fr>(*x))
                .sum();
            assert_eq!(sum, Fr::from(0u64));
        }
    }
}
