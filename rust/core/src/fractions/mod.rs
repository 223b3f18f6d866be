//! The prover's tables of the fractional sums: trees of fractions and their layers.
//!
//! A layer is kept as pairs, entry v being the two children of node v. Columns end in zeros; there all nodes of a layer are alike,
//! so only one of them is kept ([`layer::Pairs`]).

mod column;
mod layer;

use rayon::prelude::*;
use zeroize::Zeroize;

use crate::wide::{Accumulate, two_products};
use column::{AffineColumn, Column};
pub use layer::{Layer, SquareTable};

/// Work below this many entries stays on one thread.
const PARALLEL: usize = 1 << 10;

/// Numerators and denominators of the children of a layer's nodes; beyond the end all nodes have the fraction `tail`.
struct Children<F> {
    p: Vec<[F; 2]>,
    q: Vec<[F; 2]>,
    tail: (F, F),
}

/// A tree's layers, from the root down.
pub struct TreeTables<F: Accumulate> {
    depth: usize,
    root: (F, F),
    /// layers[j] has the children of the 2^j nodes of layer j. Of leaves 1/(α − v) the two widest are made on demand: three quarters
    /// of the tree.
    layers: Vec<Children<F>>,
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

/// α − T_t in pairs, for t < length: T_t = t − bound for t ≤ 2·bound, else 0.
fn table_denominators<F: Accumulate>(alpha: F, bound: u64, length: usize) -> Vec<[F; 2]> {
    let used = usize::try_from(2 * bound + 1).unwrap_or(usize::MAX).min(length);
    let mut q = alpha + F::from(bound);
    let mut next = |at: usize| {
        let this = if at < used { q } else { alpha };
        q -= F::one();
        this
    };
    (0..length / 2).map(|v| [next(2 * v), next(2 * v + 1)]).collect()
}

fn parent<F: Accumulate>(p: &[F; 2], q: &[F; 2]) -> (F, F) {
    (two_products(&p[0], &q[1], &p[1], &q[0]), q[0] * q[1])
}

impl<F: Accumulate> Children<F> {
    /// The children that `node` gives: two for each of `count` nodes.
    fn new(count: usize, tail: (F, F), node: impl Fn(usize) -> (F, F) + Sync) -> Self {
        let (mut p, mut q) = (Vec::new(), Vec::new());
        (0..count)
            .into_par_iter()
            .with_min_len(PARALLEL)
            .map(|v| {
                let [(p0, q0), (p1, q1)] = [node(2 * v), node(2 * v + 1)];
                ([p0, p1], [q0, q1])
            })
            .unzip_into_vecs(&mut p, &mut q);
        Self { p, q, tail }
    }

    /// Node v of the layer whose children these are.
    fn node(&self, v: usize) -> (F, F) {
        match (self.p.get(v), self.q.get(v)) {
            (Some(p), Some(q)) => parent(p, q),
            _ => parent(&[self.tail.0; 2], &[self.tail.1; 2]),
        }
    }

    /// The layers from the root down to these children of `depth` layers.
    fn upwards(self, depth: usize) -> Vec<Self> {
        let mut layers = vec![self];
        for _ in 1..depth {
            let Some(below) = layers.last() else { break };
            let tail = below.node(usize::MAX);
            layers.push(Self::new(below.p.len().div_ceil(2), tail, |v| below.node(v)));
        }
        layers.reverse();
        layers
    }
}

/// A node above two leaves 1/q.
#[inline(always)]
fn above_leaves<F: Accumulate>([q0, q1]: [F; 2]) -> (F, F) {
    (q0 + q1, q0 * q1)
}

/// A node above two of those.
#[inline(always)]
fn two_above_leaves<F: Accumulate>(leaves: &AffineColumn<F>, v: usize) -> (F, F) {
    let [(p0, q0), (p1, q1)] = [2 * v, 2 * v + 1].map(|v| above_leaves(leaves.at(v)));
    parent(&[p0, p1], &[q0, q1])
}

impl<F: Accumulate> TreeTables<F> {
    /// Leaves 1/(α − v) for the values and zeros after them, 2^depth in all, at least two.
    pub fn of_values(alpha: F, values: &[i64], depth: usize) -> Self {
        let column = Column::new(values, 1 << depth);
        let leaves = column.affine(alpha, -F::one());
        let (layers, root) = match depth {
            0 | 1 => (Vec::new(), above_leaves(leaves.at(0))),
            2 => (Vec::new(), two_above_leaves(&leaves, 0)),
            _ => {
                let tail = two_above_leaves(&leaves, column.len());
                let lowest = Children::new(column.len().div_ceil(4), tail, |v| two_above_leaves(&leaves, v));
                let layers = lowest.upwards(depth - 2);
                let root = layers.first().map_or(tail, |top| top.node(0));
                (layers, root)
            }
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
        let leaves = Children {
            p: m.as_chunks::<2>().0.to_vec(),
            q: table_denominators(alpha, bound, m.len()),
            tail: (F::zero(), alpha),
        };
        let depth = m.len().trailing_zeros() as usize;
        let layers = leaves.upwards(depth);
        Self {
            depth,
            root: layers.first().map_or((F::zero(), F::zero()), |top| top.node(0)),
            layers,
            values: None,
        }
    }

    pub fn root(&self) -> [F; 2] {
        [self.root.0, self.root.1]
    }

    /// Layer j's sumcheck table, over its 2^j nodes; what it is made of is given up.
    pub fn layer(&mut self, j: usize, lambda: F, weight: F) -> Layer<F> {
        let children = match (self.layers.get_mut(j), &self.values) {
            (Some(stored), _) => {
                let nothing = Children {
                    p: Vec::new(),
                    q: Vec::new(),
                    tail: stored.tail,
                };
                Some(std::mem::replace(stored, nothing))
            }
            (None, Some((alpha, column))) if j + 1 < self.depth => {
                let leaves = column.affine(*alpha, -F::one());
                let node = |v| above_leaves(leaves.at(v));
                Some(Children::new(column.len().div_ceil(2), node(column.len()), node))
            }
            _ => None,
        };
        match (children, self.values.take_if(|_| j + 1 == self.depth)) {
            (Some(children), _) => Layer::of_children(children, j, lambda, weight),
            (None, Some((alpha, column))) => Layer::of_values(column, j, alpha, lambda, weight),
            (None, None) => unreachable!("a layer is asked for once"),
        }
    }
}
