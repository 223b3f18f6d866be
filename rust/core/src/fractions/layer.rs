//! Sumcheck tables over a layer's nodes: the fractional sums' own, and the squares on the leaf layer.
//!
//! Rounds bind the last variable, so that neighbours meet and what is alike stays alike: the end of a table that ends in equal
//! entries costs nothing. Products are summed with one reduction ([`crate::wide`]).

use rayon::prelude::*;

use super::column::{Column, Secret, bind_small, small_squares, small_sums};
use super::{Children, PARALLEL};
use crate::group::scalar_from_i64;
use crate::poly::SplitEq;
use crate::sumcheck::SumTable;
use crate::wide::{Accumulate, Products, two_products};

/// A table over `variables` variables of pairs; beyond the end every entry is `tail`.
pub struct Pairs<F> {
    /// An even number of them, until no variable is left.
    entries: Vec<[F; 2]>,
    tail: [F; 2],
    variables: usize,
    /// Where the next binding goes.
    spare: Vec<[F; 2]>,
}

impl<F: Accumulate> Pairs<F> {
    pub fn new(entries: Vec<[F; 2]>, tail: [F; 2], variables: usize) -> Self {
        let mut table = Self {
            entries,
            tail,
            variables,
            spare: Vec::new(),
        };
        table.complete();
        table
    }

    /// Makes the last couple whole.
    fn complete(&mut self) {
        if self.variables > 0 && self.entries.len() % 2 == 1 {
            self.entries.push(self.tail);
        }
    }

    /// Neighbours: the entries that the last variable tells apart.
    fn couples(&self) -> &[[[F; 2]; 2]] {
        self.entries.as_chunks().0
    }

    fn bind(&mut self, rho: F) {
        let couples: &[[[F; 2]; 2]] = self.entries.as_chunks().0;
        couples
            .par_iter()
            .with_min_len(PARALLEL)
            .map(|[low, high]| [0, 1].map(|b| low[b] + rho * (high[b] - low[b])))
            .collect_into_vec(&mut self.spare);
        std::mem::swap(&mut self.entries, &mut self.spare);
        self.variables -= 1;
        self.complete();
    }

    /// The two values that are left once everything is bound.
    fn last(&self) -> [F; 2] {
        self.entries.first().copied().unwrap_or(self.tail)
    }
}

/// f(v) = weight·[q1(p0 + λq0) + p1q0] over a layer.
pub struct Layer<F: Accumulate> {
    kind: Kind<F>,
    lambda: F,
    inverse: F,
    weight: F,
}

enum Kind<F: Accumulate> {
    /// (p0 + λq0, p1) and (q0, q1).
    Nodes { p: Pairs<F>, q: Pairs<F> },
    /// Leaves 1/(α − v) before the first round: the values themselves.
    Integers {
        values: Secret<i16>,
        variables: usize,
        alpha: F,
    },
    /// Leaves 1/(α − v): a = 1 + λ(α − v) = shift − λv, for f = q0 + q1 + λq0q1 = (a0·a1 − 1)/λ.
    Values { a: Pairs<F>, shift: F },
}

/// Σ over couples of what `terms` makes of them: c_0 and c_2, with weights.
fn sums<F: Accumulate>(count: usize, eq: &SplitEq<F>, terms: impl Fn(usize) -> [F; 2] + Sync) -> [F; 2] {
    eq.blocks(count, |weights, first| {
        let mut acc = [Products::ZERO; 2];
        for (w, v) in weights.iter().zip(first..) {
            let [c0, c2] = terms(v);
            acc[0].add(w, &c0);
            acc[1].add(w, &c2);
        }
        acc.map(Products::reduce)
    })
}

/// q1·p0 + p1·q0.
fn cross<F: Accumulate>(p: &[F; 2], q: &[F; 2]) -> F {
    two_products(&q[1], &p[0], &p[1], &q[0])
}

fn difference<F: Accumulate>([low, high]: &[[F; 2]; 2]) -> [F; 2] {
    [high[0] - low[0], high[1] - low[1]]
}

impl<F: Accumulate> Layer<F> {
    fn new(kind: Kind<F>, lambda: F, weight: F) -> Self {
        Self {
            kind,
            lambda,
            // λ = 0 has probability 2^-128 and costs the honest prover a proof that fails.
            inverse: lambda.inverse().unwrap_or_default(),
            weight,
        }
    }

    pub(super) fn of_children(mut children: Children<F>, variables: usize, lambda: F, weight: F) -> Self {
        children
            .p
            .par_iter_mut()
            .zip(&children.q)
            .with_min_len(PARALLEL)
            .for_each(|(p, q)| p[0] += lambda * q[0]);
        let (p, q) = children.tail;
        let kind = Kind::Nodes {
            p: Pairs::new(children.p, [p + lambda * q, p], variables),
            q: Pairs::new(children.q, [q; 2], variables),
        };
        Self::new(kind, lambda, weight)
    }

    pub(super) fn of_values(column: Column, variables: usize, alpha: F, lambda: F, weight: F) -> Self {
        let shift = F::one() + lambda * alpha;
        let kind = match column {
            Column::Small(values) => Kind::Integers {
                values,
                variables,
                alpha,
            },
            column @ Column::Large(_) => Kind::Values {
                a: Pairs::new(column.affine_all(shift, -lambda), [shift; 2], variables),
                shift,
            },
        };
        Self::new(kind, lambda, weight)
    }

    /// The tables' single values once everything is bound: P₀, P₁, Q₀, Q₁, or the column's two values at the leaves.
    pub fn ends(&self, leaf: bool) -> Vec<F> {
        match &self.kind {
            Kind::Nodes { p, q } => {
                let ([p0, p1], [q0, q1]) = (p.last(), q.last());
                let p0 = p0 - self.lambda * q0;
                if leaf { vec![p0, p1] } else { vec![p0, p1, q0, q1] }
            }
            Kind::Integers { values, .. } => {
                let exact = |v: &i16| scalar_from_i64(i64::from(*v));
                values.0.iter().flatten().map(exact).collect()
            }
            Kind::Values { a, shift } => a.last().map(|a| (*shift - a) * self.inverse).to_vec(),
        }
    }

    /// c_0 and c_2 without the weight.
    fn sums(&self, eq: &SplitEq<F>) -> [F; 2] {
        match &self.kind {
            Kind::Nodes { p, q } => {
                let (ps, qs) = (p.couples(), q.couples());
                let [c0, c2] = sums(ps.len(), eq, |v| {
                    let (p, q) = (&ps[v], &qs[v]);
                    [cross(&p[0], &q[0]), cross(&difference(p), &difference(q))]
                });
                [c0 + eq.beyond(ps.len()) * cross(&p.tail, &q.tail), c2]
            }
            Kind::Integers { values, alpha, .. } => {
                // q = α − v: Σ w(q0 + q1 + λq0q1) and λ·Σ w·Δv0·Δv1. All weights sum to one, and where nothing is held v is zero.
                let [sum, product, difference] = small_sums(&values.0, eq);
                let at_zero = *alpha + alpha - sum + self.lambda * (*alpha * (*alpha - sum) + product);
                [at_zero, self.lambda * difference]
            }
            Kind::Values { a, shift } => {
                let couples = a.couples();
                let [c0, c2] = sums(couples.len(), eq, |v| {
                    let [d0, d1] = difference(&couples[v]);
                    let [a0, a1] = couples[v][0];
                    [a0 * a1, d0 * d1]
                });
                let all = c0 + eq.beyond(couples.len()) * shift.square();
                [(all - F::one()) * self.inverse, c2 * self.inverse]
            }
        }
    }
}

impl<F: Accumulate> SumTable<F> for Layer<F> {
    fn round(&self, eq: Option<&SplitEq<F>>) -> [F; 2] {
        eq.map_or([F::zero(); 2], |eq| self.sums(eq).map(|c| c * self.weight))
    }

    fn bind(&mut self, rho: F) {
        match &mut self.kind {
            Kind::Nodes { p, q } => {
                p.bind(rho);
                q.bind(rho);
            }
            Kind::Values { a, .. } => a.bind(rho),
            Kind::Integers {
                values,
                variables,
                alpha,
            } => {
                let shift = F::one() + self.lambda * *alpha;
                let bound = bind_small(&values.0, shift, -self.lambda, rho);
                self.kind = Kind::Values {
                    a: Pairs::new(bound, [shift; 2], *variables - 1),
                    shift,
                };
            }
        }
    }

    fn value(&self) -> F {
        let value = match &self.kind {
            Kind::Nodes { p, q } => cross(&p.last(), &q.last()),
            Kind::Integers { values, alpha, .. } => {
                let [q0, q1] = values.0.first().map_or([*alpha; 2], |pair| {
                    pair.map(|v| *alpha - scalar_from_i64::<F>(i64::from(v)))
                });
                q0 + q1 + self.lambda * q0 * q1
            }
            Kind::Values { a, .. } => {
                let [a0, a1] = a.last();
                (a0 * a1 - F::one()) * self.inverse
            }
        };
        value * self.weight
    }
}

/// f(v) = x(v‖0)² + x(v‖1)².
pub struct SquareTable<F: Accumulate>(Squared<F>);

enum Squared<F: Accumulate> {
    Integers { x: Secret<i16>, variables: usize },
    Field(Pairs<F>),
}

impl<F: Accumulate> SquareTable<F> {
    /// The numbers and zeros after them, 2^depth in all, at least two.
    pub fn new(x: &[i64], depth: usize) -> Self {
        let variables = depth - 1;
        Self(match Column::new(x, 1 << depth) {
            Column::Small(x) => Squared::Integers { x, variables },
            column @ Column::Large(_) => {
                let x = column.affine_all(F::zero(), F::one());
                Squared::Field(Pairs::new(x, [F::zero(); 2], variables))
            }
        })
    }
}

impl<F: Accumulate> SumTable<F> for SquareTable<F> {
    fn round(&self, _eq: Option<&SplitEq<F>>) -> [F; 2] {
        match &self.0 {
            Squared::Integers { x, .. } => small_squares(&x.0).map(F::from),
            Squared::Field(x) => x
                .couples()
                .par_chunks(PARALLEL)
                .map(|couples| {
                    let mut acc = [Products::ZERO; 2];
                    for couple in couples {
                        let ([x0, x1], [d0, d1]) = (couple[0], difference(couple));
                        acc[0].add(&x0, &x0);
                        acc[0].add(&x1, &x1);
                        acc[1].add(&d0, &d0);
                        acc[1].add(&d1, &d1);
                    }
                    acc.map(Products::reduce::<F>)
                })
                .reduce(|| [F::zero(); 2], |a, b| [a[0] + b[0], a[1] + b[1]]),
        }
    }

    fn bind(&mut self, rho: F) {
        match &mut self.0 {
            Squared::Field(x) => x.bind(rho),
            Squared::Integers { x, variables } => {
                let bound = bind_small(&x.0, F::zero(), F::one(), rho);
                self.0 = Squared::Field(Pairs::new(bound, [F::zero(); 2], *variables - 1));
            }
        }
    }

    fn value(&self) -> F {
        let [x0, x1] = match &self.0 {
            Squared::Integers { x, .. } => {
                let exact = |v: i16| scalar_from_i64::<F>(i64::from(v));
                x.0.first().map_or([F::zero(); 2], |pair| pair.map(exact))
            }
            Squared::Field(x) => x.last(),
        };
        x0.square() + x1.square()
    }
}
