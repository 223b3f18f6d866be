//! Sumcheck tables over a layer's nodes: the fractional sums' own, and the squares on the leaf layer.

use rayon::prelude::*;

use super::column::{Column, small_squares, small_sums};
use super::table::{Nodes, Pairs};
use crate::batch::{Formula, Inputs, Outputs, map};
use crate::number::Number;
use crate::poly::SplitEq;
use crate::sumcheck::{PlainTable, WeightedTable};
use crate::wide::{Accumulate, two_products};

/// Nodes that one task works on.
const TASK: usize = 1 << 8;

/// f(v) = weight·[q1(p0 + λq0) + p1q0] over a layer.
pub struct Layer<F: Accumulate> {
    kind: Kind<F>,
    lambda: F,
    inverse: F,
    weight: F,
}

enum Kind<F: Accumulate> {
    /// p0 + λq0, p1, q0, q1.
    Nodes(Nodes<F>),
    /// Leaves 1/(α − v) before the first round: the values themselves.
    Integers { values: Column, alpha: F },
    /// Leaves 1/(α − v): a = 1 + λ(α − v) = shift − λv, for f = q0 + q1 + λq0q1 = (a0·a1 − 1)/λ.
    Values { a: Pairs<F>, shift: F },
}

/// q1·p0 + p1·q0.
fn cross<F: Accumulate>([p0, p1, q0, q1]: &[F; 4]) -> F {
    two_products(q1, p0, p1, q0)
}

/// q1·p0 + p1·q0 where the last variable is 0, and of the differences.
struct NodeTerms;

impl Formula<8, 2> for NodeTerms {
    #[inline(always)]
    fn apply<N: Number>(_: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        let [p0, p1, q0, q1] = [inputs.get(0), inputs.get(1), inputs.get(2), inputs.get(3)];
        outputs.put(0, N::two_products(q1, p0, p1, q0));
        let (dp0, dp1) = (N::difference(inputs.get(4), p0), N::difference(inputs.get(5), p1));
        let (dq0, dq1) = (N::difference(inputs.get(6), q0), N::difference(inputs.get(7), q1));
        outputs.put(1, N::two_products(dq1, dp0, dp1, dq0));
    }
}

/// a0·a1 where the last variable is 0, and of the differences.
struct ValueTerms;

impl Formula<4, 2> for ValueTerms {
    #[inline(always)]
    fn apply<N: Number>(_: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        let (a0, a1) = (inputs.get(0), inputs.get(1));
        outputs.put(0, N::product(a0, a1));
        let (d0, d1) = (N::difference(inputs.get(2), a0), N::difference(inputs.get(3), a1));
        outputs.put(1, N::product(d0, d1));
    }
}

/// x0² + x1² where the last variable is 0, and of the differences.
struct SquareTerms;

impl Formula<4, 2> for SquareTerms {
    #[inline(always)]
    fn apply<N: Number>(_: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        let (x0, x1) = (inputs.get(0), inputs.get(1));
        outputs.put(0, N::two_products(x0, x0, x1, x1));
        let (d0, d1) = (N::difference(inputs.get(2), x0), N::difference(inputs.get(3), x1));
        outputs.put(1, N::two_products(d0, d0, d1, d1));
    }
}

/// p0 + λq0.
struct Shifted;

impl Formula<4, 1> for Shifted {
    #[inline(always)]
    fn apply<N: Number>(lambda: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        outputs.put(0, N::sum(inputs.get(0), N::product(lambda, inputs.get(2))));
    }
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

    pub(super) fn of_nodes(mut nodes: Nodes<F>, lambda: F, weight: F) -> Self {
        nodes.entries_mut().par_chunks_mut(TASK).for_each(|nodes| {
            let mut shifted = [F::ZERO; TASK];
            map::<F, Shifted, _, 4, 1>(lambda, &*nodes, &mut shifted, |at, _| at);
            for (node, p0) in nodes.iter_mut().zip(shifted) {
                node[0] = p0;
            }
        });
        nodes.change_tail(|[p0, _, q0, _]| *p0 += lambda * *q0);
        Self::of_shifted(nodes, lambda, weight)
    }

    /// Of nodes that have P₀ + λQ₀ in place of P₀.
    pub(super) fn of_shifted(nodes: Nodes<F>, lambda: F, weight: F) -> Self {
        Self::new(Kind::Nodes(nodes), lambda, weight)
    }

    pub(super) fn of_values(column: Column, alpha: F, lambda: F, weight: F) -> Self {
        let shift = F::one() + lambda * alpha;
        let kind = if column.is_small() {
            Kind::Integers {
                values: column,
                alpha,
            }
        } else {
            let a = column.table(shift, -lambda);
            Kind::Values { a, shift }
        };
        Self::new(kind, lambda, weight)
    }

    /// The tables' single values once everything is bound: P₀, P₁, Q₀, Q₁, or the column's two values at the leaves.
    pub fn ends(&self, leaf: bool) -> Vec<F> {
        match &self.kind {
            Kind::Nodes(nodes) => {
                let [p0, p1, q0, q1] = nodes.last();
                let p0 = p0 - self.lambda * q0;
                if leaf { vec![p0, p1] } else { vec![p0, p1, q0, q1] }
            }
            Kind::Integers { values, .. } => values.affine(F::ZERO, F::ONE).first::<2>().to_vec(),
            Kind::Values { a, shift } => a.last().map(|a| (*shift - a) * self.inverse).to_vec(),
        }
    }

    /// c_0 and c_2 without the weight.
    fn sums(&self, eq: &SplitEq<F>) -> [F; 2] {
        match &self.kind {
            Kind::Nodes(nodes) => {
                let ([c0, c2], beyond) = nodes.sums::<NodeTerms>(eq);
                [c0 + beyond * cross(nodes.tail()), c2]
            }
            Kind::Integers { values, alpha } => {
                // q = α − v: Σ w(q0 + q1 + λq0q1) and λ·Σ w·Δv0·Δv1. All weights sum to one, and where nothing is held v is zero.
                let [sum, product, difference] = small_sums(values.small(), eq);
                let at_zero = *alpha + alpha - sum + self.lambda * (*alpha * (*alpha - sum) + product);
                [at_zero, self.lambda * difference]
            }
            Kind::Values { a, shift } => {
                let ([c0, c2], beyond) = a.sums::<ValueTerms>(eq);
                [
                    (c0 + beyond * shift.square() - F::one()) * self.inverse,
                    c2 * self.inverse,
                ]
            }
        }
    }
}

impl<F: Accumulate> WeightedTable<F> for Layer<F> {
    fn round(&self, eq: &SplitEq<F>) -> [F; 2] {
        self.sums(eq).map(|c| c * self.weight)
    }

    fn bind(&mut self, rho: F) {
        match &mut self.kind {
            Kind::Nodes(nodes) => nodes.bind(rho),
            Kind::Values { a, .. } => a.bind(rho),
            Kind::Integers { values, alpha } => {
                let shift = F::one() + self.lambda * *alpha;
                self.kind = Kind::Values {
                    a: values.bound_table(shift, -self.lambda, rho),
                    shift,
                };
            }
        }
    }

    fn value(&self) -> F {
        let value = match &self.kind {
            Kind::Nodes(nodes) => cross(&nodes.last()),
            Kind::Integers { values, alpha } => {
                let [q0, q1] = values.affine(*alpha, -F::ONE).first();
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
    Integers(Column),
    Field(Pairs<F>),
}

impl<F: Accumulate> SquareTable<F> {
    /// The numbers and zeros after them, 2^depth in all, at least two.
    pub fn new(x: &[i64], depth: usize) -> Self {
        let x = Column::new(x, 1 << depth);
        Self(if x.is_small() {
            Squared::Integers(x)
        } else {
            Squared::Field(x.table(F::zero(), F::one()))
        })
    }
}

impl<F: Accumulate> PlainTable<F> for SquareTable<F> {
    fn round(&self) -> [F; 2] {
        match &self.0 {
            Squared::Integers(x) => small_squares(x.small()).map(F::from),
            Squared::Field(x) => x.plain_sums::<SquareTerms>(),
        }
    }

    fn bind(&mut self, rho: F) {
        match &mut self.0 {
            Squared::Field(x) => x.bind(rho),
            Squared::Integers(x) => {
                self.0 = Squared::Field(x.bound_table(F::zero(), F::one(), rho));
            }
        }
    }
}
