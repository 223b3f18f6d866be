//! The prover's tables of the fractional sums: trees, their layers, and the squares on the leaf layer.
//!
//! Children are kept interleaved, as the layers lie: entry 2v + b is child b of node v. Binding the top variable of v binds
//! such an array like any other. Products are summed with one reduction ([`crate::wide`]); columns of 16-bit numbers stay
//! integers through the first round.

use rayon::prelude::*;
use zeroize::Zeroize;

use crate::group::scalar_from_i64;
use crate::sumcheck::{SumTable, bind};
use crate::wide::{Accumulate, Products, SmallProducts, two_products};

/// Work below this many entries stays on one thread.
const PARALLEL: usize = 1 << 10;

/// A column of leaves.
enum Column {
    Small(Small),
    Large(Large),
}

/// Secret numbers, wiped in the end.
struct Secret<T: Zeroize>(Vec<T>);
type Small = Secret<i16>;
type Large = Secret<i64>;

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Column {
    fn new(values: &[i64]) -> Self {
        let small: Option<Vec<i16>> = values.iter().map(|v| i16::try_from(*v).ok()).collect();
        small.map_or_else(
            || Self::Large(Secret(values.to_vec())),
            |v| Self::Small(Secret(v)),
        )
    }

    /// α − value, by position.
    fn leaves<F: Accumulate>(&self, alpha: F) -> Box<dyn Fn(usize) -> F + Sync + '_> {
        match self {
            Self::Small(Secret(values)) => {
                let multiples = Multiples::new(-F::one());
                Box::new(move |at| alpha + multiples.of(values[at]))
            }
            Self::Large(Secret(values)) => Box::new(move |at| alpha - scalar_from_i64::<F>(values[at])),
        }
    }

    /// The first `count` nodes of a layer, each from the leaves.
    fn nodes<F: Accumulate>(
        &self,
        count: usize,
        alpha: F,
        node: impl Fn(&dyn Fn(usize) -> F, usize) -> (F, F) + Sync,
    ) -> Nodes<F> {
        let leaf = self.leaves(alpha);
        let (mut p, mut q) = (Vec::new(), Vec::new());
        (0..count)
            .into_par_iter()
            .with_min_len(PARALLEL)
            .map(|v| node(&*leaf, v))
            .unzip_into_vecs(&mut p, &mut q);
        Nodes { p, q }
    }

    /// c + k·value for every value.
    fn affine<F: Accumulate>(&self, c: F, k: F) -> Vec<F> {
        match self {
            Self::Small(Secret(values)) => {
                let multiples = Multiples::new(k);
                values
                    .par_iter()
                    .with_min_len(PARALLEL)
                    .map(|v| c + multiples.of(*v))
                    .collect()
            }
            Self::Large(Secret(values)) => values
                .par_iter()
                .with_min_len(PARALLEL)
                .map(|v| c + k * scalar_from_i64::<F>(*v))
                .collect(),
        }
    }
}

/// k·v for 16-bit v by two look-ups.
struct Multiples<F> {
    high: Vec<F>,
    low: Vec<F>,
}

impl<F: Accumulate> Multiples<F> {
    fn new(k: F) -> Self {
        let steps = |first: F, step: F| {
            std::iter::successors(Some(first), move |x| Some(*x + step))
                .take(256)
                .collect()
        };
        let k256 = k * F::from(256u64);
        Self {
            high: steps(-(k * F::from(1u64 << 15)), k256),
            low: steps(F::zero(), k),
        }
    }

    #[inline(always)]
    fn of(&self, v: i16) -> F {
        let [high, low] = (v ^ i16::MIN).to_be_bytes();
        self.high[usize::from(high)] + self.low[usize::from(low)]
    }
}

/// One layer's numerators and denominators.
#[derive(Default)]
struct Nodes<F> {
    p: Vec<F>,
    q: Vec<F>,
}

/// A tree's layers, from the root down.
pub struct TreeTables<F: Accumulate> {
    depth: usize,
    /// layers[j] has 2^j nodes. Of leaves 1/(α − v) neither the leaves nor their parents are kept, three quarters of the tree.
    layers: Vec<Nodes<F>>,
    /// Leaves 1/(α − v), as α and the values.
    values: Option<(F, Column)>,
}

impl<F: Accumulate> Drop for TreeTables<F> {
    fn drop(&mut self) {
        for layer in &mut self.layers {
            layer.p.zeroize();
            layer.q.zeroize();
        }
    }
}

/// α − T_t for t < length: T_t = t − bound for t ≤ 2·bound, else 0.
fn table_denominators<F: Accumulate>(alpha: F, bound: u64, length: usize) -> Vec<F> {
    let used = usize::try_from(2 * bound + 1).unwrap_or(usize::MAX).min(length);
    let first = alpha + F::from(bound);
    let mut out: Vec<F> = std::iter::successors(Some(first), |q| Some(*q - F::one()))
        .take(used)
        .collect();
    out.resize(length, alpha);
    out
}

impl<F: Accumulate> TreeTables<F> {
    /// Leaves 1/(α − v), a power of two of them, at least two.
    pub fn of_values(alpha: F, values: &[i64]) -> Self {
        let column = Column::new(values);
        let above = if values.len() > 2 {
            column.nodes(values.len() / 4, alpha, |leaf, v| {
                let [(p0, q0), (p1, q1)] = [2 * v, 2 * v + 1].map(|v| pair(leaf, v));
                (two_products(&p0, &q1, &p1, &q0), q0 * q1)
            })
        } else {
            column.nodes(1, alpha, pair)
        };
        Self {
            depth: values.len().trailing_zeros() as usize,
            layers: upwards(above),
            values: Some((alpha, column)),
        }
    }

    /// Leaves m/(α − T_t) for the multiplicities `m`, a power of two of them, at least two.
    pub fn of_table(alpha: F, bound: u64, m: Vec<F>) -> Self {
        let q = table_denominators(alpha, bound, m.len());
        Self {
            depth: m.len().trailing_zeros() as usize,
            layers: upwards(Nodes { p: m, q }),
            values: None,
        }
    }

    pub fn root(&self) -> [F; 2] {
        self.layers.first().map_or([F::zero(); 2], |l| [l.p[0], l.q[0]])
    }

    /// Layer j's sumcheck table, over its 2^j nodes; what it is made of is given up.
    pub fn layer(&mut self, j: usize, lambda: F, weight: F) -> Layer<F> {
        let leaf = j + 1 == self.depth;
        let kind = match (self.layers.get_mut(j + 1), &self.values) {
            (Some(children), _) => Kind::nodes(std::mem::take(children), lambda),
            (None, Some((alpha, column))) if !leaf => Kind::nodes(column.nodes(2 << j, *alpha, pair), lambda),
            (None, _) => match self.values.take() {
                Some((alpha, Column::Small(values))) => Kind::Integers { values, alpha },
                Some((alpha, column)) => {
                    let shift = F::one() + lambda * alpha;
                    Kind::Values {
                        a: column.affine(shift, -lambda),
                        shift,
                    }
                }
                None => Kind::nodes(Nodes::default(), lambda),
            },
        };
        // λ = 0 has probability 2^-128 and costs the honest prover a proof that fails.
        Layer {
            kind,
            lambda,
            inverse: lambda.inverse().unwrap_or_default(),
            weight,
        }
    }
}

/// 1/q0 + 1/q1 for leaves q0, q1 with the parent v.
fn pair<F: Accumulate>(leaf: &dyn Fn(usize) -> F, v: usize) -> (F, F) {
    let (q0, q1) = (leaf(2 * v), leaf(2 * v + 1));
    (q0 + q1, q0 * q1)
}

/// The layers from the root down to `bottom`.
fn upwards<F: Accumulate>(bottom: Nodes<F>) -> Vec<Nodes<F>> {
    let mut layers = vec![bottom];
    while let Some(below) = layers.last().filter(|l| l.p.len() > 1) {
        layers.push(parents(below));
    }
    layers.reverse();
    layers
}

fn parents<F: Accumulate>(children: &Nodes<F>) -> Nodes<F> {
    let pairs = children
        .p
        .par_chunks_exact(2)
        .zip(children.q.par_chunks_exact(2))
        .with_min_len(PARALLEL);
    let (mut up, mut uq) = (Vec::new(), Vec::new());
    pairs
        .map(|(p, q)| (two_products(&p[0], &q[1], &p[1], &q[0]), q[0] * q[1]))
        .unzip_into_vecs(&mut up, &mut uq);
    Nodes { p: up, q: uq }
}

/// f(v) = weight·[q1(p0 + λq0) + p1q0] over a layer.
pub struct Layer<F> {
    kind: Kind<F>,
    lambda: F,
    inverse: F,
    weight: F,
}

enum Kind<F> {
    /// Interleaved (p0 + λq0, p1) and (q0, q1).
    Nodes { p: Vec<F>, q: Vec<F> },
    /// Leaves 1/(α − v) before the first round: the values themselves.
    Integers { values: Small, alpha: F },
    /// Leaves 1/(α − v): interleaved a = 1 + λ(α − v) = shift − λv, for f = q0 + q1 + λq0q1 = (a0·a1 − 1)/λ.
    Values { a: Vec<F>, shift: F },
}

impl<F: Accumulate> Kind<F> {
    fn nodes(Nodes { mut p, q }: Nodes<F>, lambda: F) -> Self {
        p.par_chunks_mut(2)
            .zip(q.par_chunks(2))
            .with_min_len(PARALLEL)
            .for_each(|(p, q)| p[0] += lambda * q[0]);
        Self::Nodes { p, q }
    }
}

/// Σ over v < half of what `f` adds to its two accumulators.
fn sums<F: Accumulate>(half: usize, f: impl Fn(usize, &mut [Products; 2]) + Sync) -> [F; 2] {
    (0..half)
        .into_par_iter()
        .with_min_len(PARALLEL)
        .fold(
            || [Products::ZERO; 2],
            |mut acc, v| {
                f(v, &mut acc);
                acc
            },
        )
        .map(|[c0, c2]| [c0.reduce(), c2.reduce()])
        .reduce(|| [F::zero(); 2], |a: [F; 2], b| [a[0] + b[0], a[1] + b[1]])
}

impl<F: Accumulate> Layer<F> {
    /// The tables' single values once everything is bound: P₀, P₁, Q₀, Q₁, or the column's two values at the leaves.
    pub fn ends(&self, leaf: bool) -> Vec<F> {
        match &self.kind {
            Kind::Nodes { p, q } => {
                let p0 = p[0] - self.lambda * q[0];
                if leaf {
                    vec![p0, p[1]]
                } else {
                    vec![p0, p[1], q[0], q[1]]
                }
            }
            Kind::Integers { values, .. } => {
                let exact = |v: &i16| scalar_from_i64(i64::from(*v));
                values.0.iter().map(exact).collect()
            }
            Kind::Values { a, shift } => a.iter().map(|a| (*shift - a) * self.inverse).collect(),
        }
    }
}

impl<F: Accumulate> SumTable<F> for Layer<F> {
    fn round(&self, weights: Option<&[F]>) -> [F; 2] {
        let w = weights.unwrap_or_default();
        let [c0, c2] = match &self.kind {
            Kind::Nodes { p, q } => {
                let n = p.len() / 2;
                sums(n / 2, |v, acc| {
                    let (low, high) = (2 * v, 2 * v + n);
                    let at0 = two_products(&q[low + 1], &p[low], &p[low + 1], &q[low]);
                    let [dp0, dp1] = [p[high] - p[low], p[high + 1] - p[low + 1]];
                    let [dq0, dq1] = [q[high] - q[low], q[high + 1] - q[low + 1]];
                    acc[0].add(&w[v], &at0);
                    acc[1].add(&w[v], &two_products(&dq1, &dp0, &dp1, &dq0));
                })
            }
            Kind::Integers { values, alpha } => integer_round(&values.0, *alpha, self.lambda, w),
            Kind::Values { a, .. } => {
                let n = a.len() / 2;
                let [c0, c2]: [F; 2] = sums(n / 2, |v, acc| {
                    let (low, high) = (2 * v, 2 * v + n);
                    acc[0].add(&w[v], &(a[low] * a[low + 1]));
                    acc[1].add(&w[v], &((a[high] - a[low]) * (a[high + 1] - a[low + 1])));
                });
                // The weights sum to one.
                [(c0 - F::one()) * self.inverse, c2 * self.inverse]
            }
        };
        [c0 * self.weight, c2 * self.weight]
    }

    fn bind(&mut self, rho: F) {
        match &mut self.kind {
            Kind::Nodes { p, q } => {
                bind(p, rho);
                bind(q, rho);
            }
            Kind::Values { a, .. } => bind(a, rho),
            Kind::Integers { values, alpha } => {
                let shift = F::one() + self.lambda * *alpha;
                let a = bind_small(&values.0, shift, -self.lambda, rho);
                self.kind = Kind::Values { a, shift };
            }
        }
    }
}

/// c + k·(v_low + ρ(v_high − v_low)): the first binding, straight from the integers.
fn bind_small<F: Accumulate>(v: &[i16], c: F, k: F, rho: F) -> Vec<F> {
    let (low, high) = v.split_at(v.len() / 2);
    let (by_low, by_high) = (Multiples::new(k - k * rho), Multiples::new(k * rho));
    low.par_iter()
        .zip(high)
        .with_min_len(PARALLEL)
        .map(|(l, h)| c + by_low.of(*l) + by_high.of(*h))
        .collect()
}

/// The first round over integers, q = α − v: at zero Σ w(q0 + q1 + λq0q1), and λ·Σ w·Δv0·Δv1. The weights sum to one.
fn integer_round<F: Accumulate>(v: &[i16], alpha: F, lambda: F, w: &[F]) -> [F; 2] {
    let n = v.len() / 2;
    let shifted = F::from(1u64 << 63);
    let [sum, product, difference] = (0..n / 2)
        .into_par_iter()
        .with_min_len(PARALLEL)
        .fold(
            || [SmallProducts::ZERO; 3],
            |mut acc, i| {
                let at = |k: usize| i64::from(v[k]);
                let (low, high) = (2 * i, 2 * i + n);
                let (v0, v1) = (at(low), at(low + 1));
                acc[0].add_shifted(&w[i], v0 + v1);
                acc[1].add_shifted(&w[i], v0 * v1);
                acc[2].add_shifted(&w[i], (at(high) - v0) * (at(high + 1) - v1));
                acc
            },
        )
        .map(|acc| acc.map(SmallProducts::reduce::<F>))
        .reduce(|| [F::zero(); 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]])
        .map(|s| s - shifted);
    let at_zero = alpha + alpha - sum + lambda * (alpha * alpha - alpha * sum + product);
    [at_zero, lambda * difference]
}

/// f(v) = x(v‖0)² + x(v‖1)².
pub struct SquareTable<F>(Squared<F>);

enum Squared<F> {
    Integers(Small),
    Field(Vec<F>),
}

impl<F: Accumulate> SquareTable<F> {
    pub fn new(x: &[i64]) -> Self {
        Self(match Column::new(x) {
            Column::Small(x) => Squared::Integers(x),
            column => Squared::Field(column.affine(F::zero(), F::one())),
        })
    }
}

impl<F: Accumulate> SumTable<F> for SquareTable<F> {
    fn round(&self, _weights: Option<&[F]>) -> [F; 2] {
        match &self.0 {
            Squared::Integers(Secret(x)) => {
                let (low, high) = x.split_at(x.len() / 2);
                let square = |a: i64| u128::from((a * a).cast_unsigned());
                let pairs = low.par_iter().zip(high).with_min_len(PARALLEL);
                let (c0, c2) = pairs
                    .map(|(l, h)| (square(i64::from(*l)), square(i64::from(*h) - i64::from(*l))))
                    .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
                [F::from(c0), F::from(c2)]
            }
            Squared::Field(x) => {
                let n = x.len() / 2;
                sums(n, |v, acc| {
                    let d = x[v + n] - x[v];
                    acc[0].add(&x[v], &x[v]);
                    acc[1].add(&d, &d);
                })
            }
        }
    }

    fn bind(&mut self, rho: F) {
        match &mut self.0 {
            Squared::Field(x) => bind(x, rho),
            Squared::Integers(Secret(x)) => self.0 = Squared::Field(bind_small(x, F::zero(), F::one(), rho)),
        }
    }
}
