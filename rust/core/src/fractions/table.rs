//! Tables that a sumcheck binds, last variable first, so that neighbours meet and what is alike stays alike: a table that ends in equal
//! entries holds only one of them.

use rayon::prelude::*;

use crate::batch::{Formula, Inputs, Outputs, map, weighted_sum};
use crate::number::Number;
use crate::poly::SplitEq;
use crate::wide::Accumulate;

/// Numbers that are made, and moved, together.
const BLOCK: usize = 64;

/// Fewer blocks than this stay on one thread.
const PARALLEL: usize = 1 << 6;

/// Entries of W numbers each; beyond the end every entry is `tail`. C is 2·W: neighbours, told apart by the last variable.
pub struct Table<F, const W: usize, const C: usize> {
    /// The entries, and `tail` after the last of them.
    blocks: Vec<[F; BLOCK]>,
    entries: usize,
    tail: [F; W],
    /// Where the next binding goes.
    spare: Vec<[F; BLOCK]>,
}

impl<F: Accumulate, const W: usize, const C: usize> Default for Table<F, W, C> {
    /// No entries.
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            entries: 0,
            tail: [F::ZERO; W],
            spare: Vec::new(),
        }
    }
}

/// The children of the nodes of a layer: P₀, P₁, Q₀, Q₁ each.
pub type Nodes<F> = Table<F, 4, 8>;
/// Two numbers for each node.
pub type Pairs<F> = Table<F, 2, 4>;

impl<F: Accumulate, const W: usize, const C: usize> Table<F, W, C> {
    /// `make` fills a number of entries from the given one on, which lie in the slice one after the other.
    pub fn new(entries: usize, tail: [F; W], make: impl Fn(usize, &mut [F]) + Sync) -> Self {
        let mut table = Self {
            blocks: Vec::new(),
            entries,
            tail,
            spare: Vec::new(),
        };
        table.make(make);
        std::mem::swap(&mut table.blocks, &mut table.spare);
        table
    }

    /// Fills the spare room with `self.entries` entries.
    fn make(&mut self, make: impl Fn(usize, &mut [F]) + Sync) {
        let (numbers, tail) = (self.entries * W, self.tail);
        (0..numbers.div_ceil(BLOCK))
            .into_par_iter()
            .with_min_len(PARALLEL)
            .map(|block| {
                let first = block * BLOCK;
                let mut out = [F::ZERO; BLOCK];
                match out.split_at_mut_checked(numbers - first) {
                    None => make(first / W, &mut out),
                    Some((held, beyond)) => {
                        make(first / W, held);
                        beyond
                            .chunks_mut(W)
                            .for_each(|entry| entry.copy_from_slice(&tail));
                    }
                }
                out
            })
            .collect_into_vec(&mut self.spare);
    }

    pub fn tail(&self) -> &[F; W] {
        &self.tail
    }

    /// The same change must have been made to the entries.
    pub fn change_tail(&mut self, change: impl Fn(&mut [F; W])) {
        change(&mut self.tail);
        let held = self.entries * W;
        let beyond = self.blocks.as_flattened_mut().get_mut(held..).unwrap_or_default();
        beyond.as_chunks_mut().0.iter_mut().for_each(change);
    }

    /// The entries that are held.
    pub fn entries(&self) -> &[[F; W]] {
        let all = self.blocks.as_flattened().as_chunks().0;
        all.get(..self.entries).unwrap_or(all)
    }

    pub fn entries_mut(&mut self) -> &mut [[F; W]] {
        let all = self.blocks.as_flattened_mut().as_chunks_mut().0;
        let held = self.entries.min(all.len());
        &mut all[..held]
    }

    /// Neighbours, the last of them with the tail if need be.
    fn couples(&self) -> &[[F; C]] {
        let all = self.blocks.as_flattened().as_chunks().0;
        all.get(..self.entries.div_ceil(2)).unwrap_or(all)
    }

    /// The numbers that are left once everything is bound.
    pub fn last(&self) -> [F; W] {
        self.entries().first().copied().unwrap_or(self.tail)
    }

    /// Σ eq(v)·terms over the neighbours that are held, and the weight of all others.
    pub fn sums<X: Formula<C, 2>>(&self, eq: &SplitEq<F>) -> ([F; 2], F) {
        let couples = self.couples();
        let sums = eq.blocks(couples.len(), |weights, first| {
            weighted_sum::<F, X, C, 2>(weights, &couples[first..first + weights.len()])
        });
        (sums, eq.beyond(couples.len()))
    }

    /// The same without weights.
    pub fn plain_sums<X: Formula<C, 2>>(&self) -> [F; 2] {
        let ones = [F::ONE; BLOCK];
        self.couples()
            .par_chunks(BLOCK)
            .with_min_len(PARALLEL)
            .map(|couples| weighted_sum::<F, X, C, 2>(&ones[..couples.len()], couples))
            .reduce(|| [F::ZERO; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
    }
}

/// low + ρ(high − low).
pub struct Bound;

macro_rules! bound {
    ($width:literal, $couple:literal) => {
        impl Formula<$couple, $width> for Bound {
            #[inline(always)]
            fn apply<N: Number>(rho: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
                for k in 0..$width {
                    let low = inputs.get(k);
                    let rise = N::difference(inputs.get($width + k), low);
                    outputs.put(k, N::sum(low, N::product(rho, rise)));
                }
            }
        }
    };
}

bound!(2, 4);
bound!(4, 8);

impl<F: Accumulate, const W: usize, const C: usize> Table<F, W, C>
where
    Bound: Formula<C, W>,
{
    pub fn bind(&mut self, rho: F) {
        let blocks = std::mem::take(&mut self.blocks);
        self.entries = self.entries.div_ceil(2);
        let couples: &[[F; C]] = blocks.as_flattened().as_chunks().0;
        self.make(|first, out| {
            let couples = &couples[first..first + out.len() / W];
            map::<F, Bound, _, C, W>(rho, couples, out, |at, k| W * at + k);
        });
        self.blocks = std::mem::replace(&mut self.spare, blocks);
    }
}
