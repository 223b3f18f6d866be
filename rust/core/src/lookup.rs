//! logUp look-ups by GKR fractional sums (Papini–Haböck): for each tree, Σ_leaf P/Q = root P/Q, all trees in one committed
//! protocol (spec/recorder.md, "Fractional sums").
//!
//! A tree of depth n has 2^n leaves. Node v of layer j has children 2v and 2v + 1 in layer j + 1, and
//! P = P₀Q₁ + P₁Q₀, Q = Q₀Q₁. Trees are aligned at the leaves: the deepest starts alone, a shallower one joins when as many
//! layers remain as it has. A layer's rounds bind the last variable first, so all trees share the challenges of the variables that
//! they have, and their leaf claims sit at suffixes of one point.

use std::borrow::Cow;
use std::sync::Arc;

use ark_ff::{AdditiveGroup, Field, PrimeField};

use crate::error::Result;
use crate::fractions::{Layer, TreeTables};
use crate::group::{Suite, scalar_from_i64};
use crate::poly::below;
use crate::recorder::{Lin, Recorder};
use crate::sumcheck::{Part, PlainTable, WeightedTable, sumcheck};
use crate::transcript::Label;

/// What a leaf's fraction is, given the committed column.
#[derive(Clone, Copy, Debug)]
pub enum Leaves<F> {
    /// Looked-up values v: leaf 1/(α − v).
    Values { alpha: F },
    /// Multiplicities m of the table T_t = t − bound for t ≤ 2·bound, 0 beyond: leaf m/(α − T_t).
    Table { alpha: F, bound: u64 },
}

impl<F: PrimeField> Leaves<F> {
    /// (P, Q) at `point`, from the column's evaluation there.
    fn fraction(&self, column: &Lin<F>, point: &[F]) -> (Lin<F>, Lin<F>) {
        match self {
            Self::Values { alpha } => (Lin::constant(F::ONE), Lin::constant(*alpha) - column.clone()),
            Self::Table { alpha, bound } => {
                let (count, sum) = below(point, 2 * bound + 1);
                (
                    column.clone(),
                    Lin::constant(*alpha - (sum - F::from(*bound) * count)),
                )
            }
        }
    }
}

/// One committed column of 2^depth values and what its leaves stand for.
pub struct Tree<F> {
    pub depth: usize,
    pub leaves: Leaves<F>,
    /// The prover's; of looked-up values the zeros at the end may be missing.
    pub column: Option<Arc<Vec<i64>>>,
}

impl<F> Tree<F> {
    /// The column, empty for all but the prover.
    fn values(&self) -> &[i64] {
        self.column.as_deref().map_or(&[], Vec::as_slice)
    }
}

/// Σ_v (Σ weight·column)² = `sum`, proved on the leaf layer; the trees (by index) have equal depth.
pub struct Squares<F> {
    pub parts: Vec<(u64, usize)>,
    pub sum: Lin<F>,
}

impl<F> Squares<F> {
    /// The depth of the trees that it is about, at least one.
    fn depth(&self, trees: &[Tree<F>]) -> usize {
        let first = self.parts.first().and_then(|(_, t)| trees.get(*t));
        first.map_or(1, |t| t.depth.max(1))
    }
}

/// Roots (P, Q) per tree, the point, and each tree's column at the last `depth` coordinates of it.
pub struct FractionalSums<F> {
    pub roots: Vec<(Lin<F>, Lin<F>)>,
    pub point: Vec<F>,
    pub columns: Vec<Lin<F>>,
}

/// The layer's message ends, per live tree.
struct Live {
    tree: usize,
    join: usize,
}

pub fn fractional_sums<S: Suite>(
    rec: &mut Recorder<S>,
    trees: &[Tree<S::Scalar>],
    squares: Option<&Squares<S::Scalar>>,
) -> Result<FractionalSums<S::Scalar>> {
    let depth = trees.iter().map(|t| t.depth).max().unwrap_or(0);
    let mut tables: Vec<TreeTables<S::Scalar>> = if rec.knows() {
        trees.iter().map(|t| tables_of(rec, t)).collect()
    } else {
        Vec::new()
    };
    let sent = rec.commit("gkr/roots", 2 * trees.len(), || {
        tables.iter().flat_map(TreeTables::root).collect()
    })?;
    let roots: Vec<_> = sent
        .chunks(2)
        .filter_map(|c| Some((c.first()?.clone(), c.last()?.clone())))
        .collect();
    let (mut claims, mut point) = (roots.clone(), Vec::new());
    let mut columns = Vec::new();

    for (j, name) in (0..depth).zip(0u32..) {
        let leaf = j + 1 == depth;
        let live: Vec<Live> = trees
            .iter()
            .enumerate()
            .map(|(tree, t)| Live {
                tree,
                join: depth - t.depth,
            })
            .filter(|l| l.join <= j)
            .collect();
        let lambda = rec.challenge(Label("gkr/lambda", name, 0), 2 * trees.len() - 1);
        let weight = |tree: usize| lambda.pow([2 * tree as u64]);

        let mut layers: Vec<Layer<S::Scalar>> = if rec.knows() {
            live.iter()
                .filter_map(|l| Some(tables.get_mut(l.tree)?.layer(j - l.join, lambda, weight(l.tree))))
                .collect()
        } else {
            Vec::new()
        };
        let squares = squares.filter(|_| leaf);
        let mut norm = match squares {
            Some(squares) if rec.knows() => Some(squares_table(rec, trees, squares)),
            _ => None,
        };
        let mut provers = layers.iter_mut();
        let weighted = live
            .iter()
            .filter_map(|l| {
                let (p, q) = claims.get(l.tree)?;
                let claim = (p.clone() + q.clone() * lambda) * weight(l.tree);
                let prover = provers.next().map(|t| t as &mut dyn WeightedTable<_>);
                Some(Part {
                    variables: j - l.join,
                    claim,
                    prover,
                })
            })
            .collect();
        let plain = squares.map(|squares| Part {
            variables: squares.depth(trees) - 1,
            claim: squares.sum.clone(),
            prover: norm.as_mut().map(|t| t as &mut dyn PlainTable<_>),
        });
        let labels = (|i| Label("gkr/round", name, i), |i| Label("gkr/rho", name, i));
        let end = sumcheck(rec, labels, j, &point, weighted, plain)?;

        // Ends: the children at ρ. At the leaves only the committed column is sent; fractions follow from it.
        let size = if leaf { 2 } else { 4 };
        let sent = rec.commit(Label("gkr/ends", name, 0), size * live.len(), || {
            layers.iter().flat_map(|l| l.ends(leaf)).collect()
        })?;
        let xi = rec.challenge(Label("gkr/xi", name, 0), 1);
        let mut products = Vec::new();
        for (l, ends) in live.iter().zip(sent.chunks(size)) {
            let Some(tree) = trees.get(l.tree) else { continue };
            let [p0, p1, q0, q1] = match ends {
                [v0, v1] => {
                    let at = |bit| [end.point.get(l.join..).unwrap_or_default(), &[bit]].concat();
                    let (p0, q0) = tree.leaves.fraction(v0, &at(S::Scalar::ZERO));
                    let (p1, q1) = tree.leaves.fraction(v1, &at(S::Scalar::ONE));
                    columns.push((v0.clone(), v1.clone()));
                    [p0, p1, q0, q1]
                }
                [p0, p1, q0, q1] => {
                    if let Some(claim) = claims.get_mut(l.tree) {
                        *claim = (Lin::between(p0, p1, xi), Lin::between(q0, q1, xi));
                    }
                    [p0.clone(), p1.clone(), q0.clone(), q1.clone()]
                }
                _ => continue,
            };
            let w = weight(l.tree);
            products.push((q1 * w, p0 + q0.clone() * lambda));
            products.push((p1 * w, q0));
        }
        rec.require_zero("gkr layer", -end.weighted, products);
        if let Some(squares) = squares {
            let at = |pick: fn(&(Lin<S::Scalar>, Lin<S::Scalar>)) -> &Lin<S::Scalar>| {
                let mut sum = Lin::zero();
                for (weight, tree) in &squares.parts {
                    if let Some(column) = columns.get(*tree) {
                        sum.add_scaled(pick(column), S::Scalar::from(*weight));
                    }
                }
                sum
            };
            let (x0, x1) = (at(|c| &c.0), at(|c| &c.1));
            rec.require_zero("norm", -end.plain, vec![(x0.clone(), x0), (x1.clone(), x1)]);
        }
        point = end.point;
        point.push(xi);
        if leaf {
            let columns = columns.iter().map(|(a, b)| Lin::between(a, b, xi)).collect();
            return Ok(FractionalSums {
                roots,
                point,
                columns,
            });
        }
    }
    Err(crate::error::Error::new(
        "look-up",
        crate::error::Stage::Statement,
        "trees without layers",
    ))
}

/// The prover's tables of a tree.
#[cfg_attr(
    not(feature = "drop-checks"),
    allow(unused_variables, reason = "only a dishonest prover is asked")
)]
fn tables_of<S: Suite>(rec: &mut Recorder<S>, tree: &Tree<S::Scalar>) -> TreeTables<S::Scalar> {
    let column = tree.values();
    match tree.leaves {
        Leaves::Values { alpha } => TreeTables::of_values(alpha, column, tree.depth),
        Leaves::Table { alpha, bound } => {
            #[allow(unused_mut, reason = "only a dishonest prover changes them")]
            let mut counts: Vec<_> = column.iter().map(|m| scalar_from_i64(*m)).collect();
            #[cfg(feature = "drop-checks")]
            if let Some(d) = rec.dishonest() {
                d.multiplicities(alpha, &mut counts);
            }
            TreeTables::of_table(alpha, bound, &counts)
        }
    }
}

#[cfg_attr(
    not(feature = "drop-checks"),
    allow(unused_variables, reason = "only a dishonest prover is asked")
)]
fn squares_table<S: Suite>(
    rec: &mut Recorder<S>,
    trees: &[Tree<S::Scalar>],
    squares: &Squares<S::Scalar>,
) -> crate::fractions::SquareTable<S::Scalar> {
    let values = |tree: &usize| trees.get(*tree).map_or(&[][..], Tree::values);
    let mut sums = match squares.parts.as_slice() {
        [(1, tree)] => Cow::Borrowed(values(tree)),
        parts => {
            let length = parts.iter().map(|(_, tree)| values(tree).len()).max();
            Cow::Owned(vec![0i64; length.unwrap_or_default()])
        }
    };
    if let Cow::Owned(sums) = &mut sums {
        for (weight, tree) in &squares.parts {
            for (to, v) in sums.iter_mut().zip(values(tree)) {
                *to = to.wrapping_add(v.wrapping_mul(i64::try_from(*weight).unwrap_or_default()));
            }
        }
    }
    #[cfg(feature = "drop-checks")]
    if let Some(d) = rec.dishonest() {
        d.squares(sums.to_mut());
    }
    crate::fractions::SquareTable::new(&sums, squares.depth(trees))
}
