//! The prover's tables of the fractional sums: trees of fractions and their layers.
//!
//! Columns end in zeros; there all nodes of a layer are alike, and only one of them is kept ([`table::Table`]).

mod column;
mod layer;
mod products;
mod table;

use zeroize::Zeroize;

use crate::batch::{Formula, Inputs, Outputs, map, once};
use crate::number::Number;
use crate::wide::Accumulate;
use column::Column;
pub use layer::{Layer, SquareTable};
pub use products::TwoProducts;
use table::Nodes;

/// A tree's layers, from the root down.
pub struct TreeTables<F: Accumulate> {
    depth: usize,
    /// P, Q.
    root: [F; 2],
    /// layers[j] has the children of the 2^j nodes of layer j. Of leaves 1/(α − v) the two widest are made on demand: three quarters
    /// of the tree.
    layers: Vec<Nodes<F>>,
    /// Leaves 1/(α − v), as α and the values.
    values: Option<(F, Column)>,
}

impl<F: Accumulate> Drop for TreeTables<F> {
    fn drop(&mut self) {
        for layer in &mut self.layers {
            layer.entries_mut().iter_mut().for_each(Zeroize::zeroize);
        }
    }
}

/// The node above children P₀, P₁, Q₀, Q₁.
struct Parent;

impl Formula<4, 2> for Parent {
    #[inline(always)]
    fn apply<N: Number>(_: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        let (q0, q1) = (inputs.get(2), inputs.get(3));
        outputs.put(0, N::two_products(inputs.get(0), q1, inputs.get(1), q0));
        outputs.put(1, N::product(q0, q1));
    }
}

/// The node above two leaves 1/q.
struct AboveLeaves;

impl Formula<2, 2> for AboveLeaves {
    #[inline(always)]
    fn apply<N: Number>(_: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        let (q0, q1) = (inputs.get(0), inputs.get(1));
        outputs.put(0, N::sum(q0, q1));
        outputs.put(1, N::product(q0, q1));
    }
}

/// The node above two of those.
struct TwoAboveLeaves;

impl Formula<4, 2> for TwoAboveLeaves {
    #[inline(always)]
    fn apply<N: Number>(_: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        let [a, b, c, d] = [inputs.get(0), inputs.get(1), inputs.get(2), inputs.get(3)];
        let (q0, q1) = (N::product(a, b), N::product(c, d));
        outputs.put(0, N::two_products(N::sum(a, b), q1, N::sum(c, d), q0));
        outputs.put(1, N::product(q0, q1));
    }
}

/// The children above four leaves 1/q as a layer's sumcheck has them: P₀ + λQ₀, P₁, Q₀, Q₁.
struct ShiftedNode;

impl Formula<4, 4> for ShiftedNode {
    #[inline(always)]
    fn apply<N: Number>(lambda: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
        let [a, b, c, d] = [inputs.get(0), inputs.get(1), inputs.get(2), inputs.get(3)];
        let q0 = N::product(a, b);
        outputs.put(0, N::sum(N::sum(a, b), N::product(lambda, q0)));
        outputs.put(1, N::sum(c, d));
        outputs.put(2, q0);
        outputs.put(3, N::product(c, d));
    }
}

/// The children of a layer's nodes: `children` of them are held. `make` fills in those from the given one on, with [`child_place`].
fn made_of<F: Accumulate, X: Formula<I, 2>, const I: usize>(
    children: usize,
    tail: [F; I],
    make: impl Fn(usize, &mut [F]) + Sync,
) -> Nodes<F> {
    let [p, q] = once::<F, X, I, 2>(F::ZERO, &tail);
    Nodes::new(children.div_ceil(2), [p, p, q, q], |first, out| {
        make(2 * first, out);
        if 2 * first + out.len() / 2 > children {
            // The last node has one child of its own.
            if let Some([_, p1, _, q1]) = out.last_chunk_mut() {
                (*p1, *q1) = (p, q);
            }
        }
    })
}

/// Where P (0) or Q (1) of a child goes: nodes have P₀, P₁, Q₀, Q₁.
fn child_place(child: usize, o: usize) -> usize {
    child / 2 * 4 + 2 * o + child % 2
}

/// The layers from the root down to the lowest, which has these children.
fn upwards<F: Accumulate>(lowest: Nodes<F>, depth: usize) -> Vec<Nodes<F>> {
    let mut layers = vec![lowest];
    for _ in 1..depth {
        let Some(below) = layers.last() else { break };
        let nodes = below.entries();
        let parents = made_of::<F, Parent, 4>(nodes.len(), *below.tail(), |first, out| {
            let nodes = nodes.get(first..).unwrap_or_default();
            let nodes = nodes.get(..out.len() / 2).unwrap_or(nodes);
            map::<F, Parent, _, 4, 2>(F::ZERO, nodes, out, child_place);
        });
        layers.push(parents);
    }
    layers.reverse();
    layers
}

/// α − T_t for t < 2^depth: T_t = t − bound for t ≤ 2·bound, else 0.
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
    /// Leaves 1/(α − v) for the values and zeros after them, 2^depth in all, at least two.
    pub fn of_values(alpha: F, values: &[i64], depth: usize) -> Self {
        let column = Column::new(values, 1 << depth);
        let leaves = column.affine(alpha, -F::one());
        let layers = if depth > 2 {
            let children = column.len().div_ceil(2);
            let lowest = made_of::<F, TwoAboveLeaves, 4>(children, [alpha; 4], |first, out| {
                leaves.map::<TwoAboveLeaves, 4, 2>(F::ZERO, first, out, child_place);
            });
            upwards(lowest, depth - 2)
        } else {
            Vec::new()
        };
        let root = match (layers.first(), depth) {
            (Some(top), _) => once::<F, Parent, 4, 2>(F::ZERO, &top.last()),
            (None, 2) => once::<F, TwoAboveLeaves, 4, 2>(F::ZERO, &leaves.first()),
            (None, _) => once::<F, AboveLeaves, 2, 2>(F::ZERO, &leaves.first()),
        };
        Self {
            depth,
            root,
            layers,
            values: Some((alpha, column)),
        }
    }

    /// Leaves m/(α − T_t) for the multiplicities `m`, a power of two of them, at least two.
    pub fn of_table(alpha: F, bound: u64, m: &[F]) -> Self {
        let depth = m.len().trailing_zeros() as usize;
        let q = table_denominators(alpha, bound, m.len());
        let tail = [F::ZERO, F::ZERO, alpha, alpha];
        let leaves = Nodes::new(m.len() / 2, tail, |first, out| {
            for (to, v) in out.as_chunks_mut::<4>().0.iter_mut().zip(first..) {
                *to = [m[2 * v], m[2 * v + 1], q[2 * v], q[2 * v + 1]];
            }
        });
        let layers = upwards(leaves, depth);
        Self {
            depth,
            root: layers
                .first()
                .map_or([F::ZERO; 2], |top| once::<F, Parent, 4, 2>(F::ZERO, &top.last())),
            layers,
            values: None,
        }
    }

    pub fn root(&self) -> [F; 2] {
        self.root
    }

    /// Layer j's sumcheck table, over its 2^j nodes. Every layer is asked for once, from the root down: it is given up.
    pub fn layer(&mut self, j: usize, lambda: F, weight: F) -> Layer<F> {
        let leaf = j + 1 == self.depth;
        if let Some((alpha, column)) = self.values.take_if(|_| leaf) {
            return Layer::of_values(column, alpha, lambda, weight);
        }
        match (self.layers.get_mut(j), &self.values) {
            (None, Some((alpha, column))) => {
                let leaves = column.affine(*alpha, -F::ONE);
                let tail = once::<F, ShiftedNode, 4, 4>(lambda, &[*alpha; 4]);
                let nodes = Nodes::new(column.len().div_ceil(2), tail, |first, out| {
                    leaves.map::<ShiftedNode, 4, 4>(lambda, first, out, |at, o| 4 * at + o);
                });
                Layer::of_shifted(nodes, lambda, weight)
            }
            (stored, _) => {
                Layer::of_nodes(stored.map_or_else(Nodes::default, std::mem::take), lambda, weight)
            }
        }
    }
}
