//! Sums of table entries eight at a time, as [`crate::affine::Adder`] makes them one at a time.

#![cfg(target_arch = "x86_64")]

use std::marker::PhantomData;

use zeroize::Zeroize;

use crate::affine::Inverter;
use crate::error::Result;
use crate::kernel::{Ifma, Lanes, Work, prefetch};
use crate::wide::Accumulate;

/// Products that are inverted together are multiplied up in this many chains, so that the multiplier need not wait for results.
const CHAINS: usize = 4;

/// Eight affine points. Coordinates are below 3p in sums, below 17p in operands.
#[derive(Clone, Copy)]
struct Points<F> {
    x: Lanes<F>,
    y: Lanes<F>,
}

/// What the way back from the inversion needs: the operands' differences, and the product of the elements before this one in
/// its chain.
#[derive(Clone, Copy)]
struct Step<F> {
    run: Lanes<F>,
    rise: Lanes<F>,
    before: Lanes<F>,
}

/// What is added to the sums.
trait Operands<F> {
    /// The operands of sums 8·group to 8·group + 7.
    fn eight(&self, group: usize) -> Points<F>;

    /// Has the memory of a later batch's operands brought near.
    fn prefetch(&self, group: usize);
}

/// Sums of affine points by batches, as [`crate::affine::Adder`] makes them.
struct Sums<F: Accumulate> {
    ifma: Ifma,
    points: Vec<Points<F>>,
    steps: Vec<Step<F>>,
    inverter: Inverter<F>,
}

impl<F: Accumulate> Sums<F> {
    #[inline(always)]
    fn start(ifma: Ifma, groups: usize, operands: &impl Operands<F>) -> Result<Self> {
        let nothing = Lanes::nothing(ifma);
        let mut points = Vec::with_capacity(groups);
        for group in 0..groups {
            let Points { x, y } = operands.eight(group);
            points.push(Points {
                x: x.below_three(),
                y: y.below_three(),
            });
        }
        let step = Step {
            run: nothing,
            rise: nothing,
            before: nothing,
        };
        Ok(Self {
            ifma,
            points,
            steps: vec![step; groups],
            inverter: Inverter::secret()?,
        })
    }

    /// Adds the operands to the first groups of sums.
    #[inline(always)]
    fn add(&mut self, groups: usize, operands: &impl Operands<F>) {
        let one = Lanes::repeat(self.ifma, &F::ONE);
        let mut chains = [one; CHAINS];
        for start in (0..groups).step_by(CHAINS) {
            let end = groups.min(start + CHAINS);
            for group in start..end {
                let (sum, next) = (&self.points[group], operands.eight(group));
                let step = &mut self.steps[group];
                step.run = next.x.minus(&sum.x);
                step.rise = next.y.minus(&sum.y);
            }
            for (step, chain) in self.steps[start..end].iter_mut().zip(&mut chains) {
                step.before = *chain;
                *chain = chain.multiply(&step.run);
            }
        }
        self.invert(&mut chains);
        for start in (0..groups).step_by(CHAINS).rev() {
            let end = groups.min(start + CHAINS);
            let (points, steps) = (&mut self.points[start..end], &self.steps[start..end]);
            (start..end).for_each(|group| operands.prefetch(group));
            // Stage by stage: the multiplications of one stage do not wait for each other.
            let mut slopes = [one; CHAINS];
            for ((slope, step), chain) in slopes.iter_mut().zip(steps).zip(&mut chains) {
                *slope = chain.multiply(&step.before);
                *chain = chain.multiply(&step.run);
            }
            for (slope, step) in slopes.iter_mut().zip(steps) {
                *slope = slope.multiply(&step.rise);
            }
            let mut backs = [one; CHAINS];
            for (i, (point, step)) in points.iter_mut().zip(steps).enumerate() {
                let x = slopes[i].square_less(&point.x, &step.run);
                backs[i] = point.x.minus(&x);
                point.x = x;
            }
            for (i, point) in points.iter_mut().enumerate() {
                point.y = slopes[i].product_less(&backs[i], &point.y);
            }
        }
    }

    /// The inverses of all chains, with one inversion.
    #[inline(always)]
    fn invert(&mut self, chains: &mut [Lanes<F>; CHAINS]) {
        let [a, b, c, d] = *chains;
        let (left, right) = (a.multiply(&b), c.multiply(&d));
        let inverse = left
            .multiply(&right)
            .invert(self.ifma, |all| self.inverter.invert(all));
        let (of_left, of_right) = (inverse.multiply(&right), inverse.multiply(&left));
        *chains = [
            of_left.multiply(&b),
            of_left.multiply(&a),
            of_right.multiply(&d),
            of_right.multiply(&c),
        ];
    }
}

impl<F: Accumulate> Drop for Sums<F> {
    fn drop(&mut self) {
        wipe(&mut self.points);
        for Step { run, rise, before } in &mut self.steps {
            run.zeroize();
            rise.zeroize();
            before.zeroize();
        }
    }
}

fn wipe<F>(points: &mut [Points<F>]) {
    for Points { x, y } in points {
        x.zeroize();
        y.zeroize();
    }
}

impl<F: Accumulate> Operands<F> for Vec<Points<F>> {
    #[inline(always)]
    fn eight(&self, group: usize) -> Points<F> {
        self[group]
    }

    #[inline(always)]
    fn prefetch(&self, _: usize) {}
}

/// A table's entry, and 1 if its negative is meant.
pub(super) type Entry<'a, F> = (&'a (F, F), u8);

/// The entries of one column, eight for every group, and those of the next column.
struct Entries<'a, F> {
    ifma: Ifma,
    now: Vec<Entry<'a, F>>,
    next: Vec<Entry<'a, F>>,
}

impl<F> Entries<'_, F> {
    /// Fills the last group with copies of the last entry: sums that nobody asked for meet no points of their own.
    fn pad(&mut self) {
        if let Some(last) = self.next.last().copied() {
            self.next.resize(self.next.len().next_multiple_of(8), last);
        }
    }

    /// The next column's turn.
    fn advance(&mut self) {
        std::mem::swap(&mut self.now, &mut self.next);
        self.next.clear();
    }
}

impl<F> Drop for Entries<'_, F> {
    /// Which entries these were depends on secrets. References cannot be zero; all become the same one.
    fn drop(&mut self) {
        for entries in [&mut self.now, &mut self.next] {
            if let Some((first, _)) = entries.first().copied() {
                entries.resize(entries.capacity(), (first, 0));
                entries.fill((first, 0));
                std::hint::black_box(entries);
            }
        }
    }
}

impl<F: Accumulate> Operands<F> for Entries<'_, F> {
    #[inline(always)]
    fn eight(&self, group: usize) -> Points<F> {
        let nothing = (F::ZERO, F::ZERO);
        let mut e = [(&nothing, 0); 8];
        e.copy_from_slice(&self.now[8 * group..8 * group + 8]);
        let mut negated = 0;
        for (lane, (_, negative)) in e.iter().enumerate() {
            negated |= negative << lane;
        }
        let [a, b, c, d, e, f, g, h] = e.map(|e| e.0);
        let x = Lanes::load(self.ifma, [&a.0, &b.0, &c.0, &d.0, &e.0, &f.0, &g.0, &h.0]);
        let y = Lanes::load(self.ifma, [&a.1, &b.1, &c.1, &d.1, &e.1, &f.1, &g.1, &h.1]);
        Points {
            x,
            y: y.negated_where(negated),
        }
    }

    #[inline(always)]
    fn prefetch(&self, group: usize) {
        for (point, _) in self.next.iter().skip(8 * group).take(8) {
            prefetch(self.ifma, *point);
        }
    }
}

/// Sums over columns, as [`Work`].
pub(super) struct SumEntries<E> {
    pub(super) sums: usize,
    pub(super) columns: usize,
    /// Appends what a column adds to each sum. Its time must not depend on secrets.
    pub(super) entries: E,
    /// Into how many parts the sums fall, of equal length; a power of two. Where parts are long, they are added up.
    pub(super) parts: usize,
}

/// Where fewer sums than this would share an inversion, single additions are as fast.
const MIN_JOINED: usize = 64;

impl<E> SumEntries<E> {
    /// The sums; an error if operands ever coincided.
    pub(super) fn run<'a, F: Accumulate>(self, ifma: Ifma) -> Result<Vec<(F, F)>>
    where
        E: Fn(usize, &mut Vec<Entry<'a, F>>),
    {
        ifma.run(Typed(self, PhantomData))
    }
}

struct Typed<'a, E, F>(SumEntries<E>, PhantomData<&'a F>);

impl<'a, F: Accumulate, E: Fn(usize, &mut Vec<Entry<'a, F>>)> Work for Typed<'a, E, F> {
    type Output = Result<Vec<(F, F)>>;

    #[inline(always)]
    fn run(self, ifma: Ifma) -> Self::Output {
        let SumEntries {
            mut sums,
            columns,
            entries: fill,
            mut parts,
        } = self.0;
        // Of their final size, so that no copy is left behind when they grow.
        let mut entries = Entries {
            ifma,
            now: Vec::with_capacity(sums.next_multiple_of(8)),
            next: Vec::with_capacity(sums.next_multiple_of(8)),
        };
        let mut batch = None;
        for column in 0..=columns {
            entries.advance();
            if column < columns {
                fill(column, &mut entries.next);
                entries.pad();
            }
            let groups = entries.now.len() / 8;
            match &mut batch {
                _ if groups == 0 => {}
                None => batch = Some(Sums::<F>::start(ifma, groups, &entries)?),
                Some(batch) => batch.add(groups, &entries),
            }
        }
        let Some(mut batch) = batch else {
            return Ok(Vec::new());
        };
        while parts > 1 && sums / 2 >= MIN_JOINED && (sums / 2).is_multiple_of(8) {
            (sums, parts) = (sums / 2, parts / 2);
            let (first, rest) = batch.points.split_at_mut(sums / 8);
            let mut operands = rest.to_vec();
            wipe(rest);
            let groups = first.len();
            batch.points.truncate(groups);
            batch.add(groups, &operands);
            wipe(&mut operands);
        }
        batch.inverter.check()?;
        let mut out = Vec::with_capacity(8 * batch.points.len());
        for Points { x, y } in &batch.points {
            out.extend(x.store().into_iter().zip(y.store()));
        }
        out.truncate(sums);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::affine::Adder;
    use crate::generators::row_generator;
    use crate::group::{Bn254, Pallas, Suite};

    /// Point column·sums + sum goes into each sum, negated for some.
    fn sums_agree<S: Suite>(sums: usize, columns: usize, parts: usize) {
        let Some(ifma) = Ifma::detect() else { return };
        let points: Vec<(S::Base, S::Base)> = (0..sums * columns)
            .map(|i| row_generator::<S>(i as u32))
            .map(|p| (p.x, p.y))
            .collect();
        let negative = |i: usize| (i % 3 == 1 || i % 7 == 2) as u8;
        let work = SumEntries {
            sums,
            columns,
            entries: |column: usize, out: &mut Vec<_>| {
                out.extend((column * sums..(column + 1) * sums).map(|i| (&points[i], negative(i))));
            },
            parts,
        };
        let found = work.run(ifma).expect("no two operands coincide");
        let mut plain: Vec<(S::Base, S::Base)> = points
            .iter()
            .enumerate()
            .map(|(i, (x, y))| (*x, if negative(i) == 1 { -*y } else { *y }))
            .collect();
        let mut adder = Adder::public();
        let mut next = plain.split_off(sums.min(plain.len()));
        for _ in 1..columns {
            let rest = next.split_off(sums);
            adder.add_all(&mut plain, &next);
            next = rest;
        }
        while plain.len() > found.len() {
            let half = plain.split_off(plain.len() / 2);
            adder.add_all(&mut plain, &half);
        }
        adder.finish().expect("no two operands coincide");
        assert!(found == plain, "{sums} sums, {columns} columns, {parts} parts");
    }

    #[test]
    fn sums_agree_with_single_points() {
        for (sums, columns, parts) in [
            (1, 1, 1),
            (1, 5, 1),
            (7, 3, 1),
            (8, 2, 1),
            (33, 4, 1),
            (41, 2, 1),
            (66, 3, 2),
            (128, 2, 4),
            (512, 2, 8),
            (264, 1, 2),
        ] {
            sums_agree::<Pallas>(sums, columns, parts);
            sums_agree::<Bn254>(sums, columns, parts);
        }
        sums_agree::<Pallas>(0, 3, 1);
        sums_agree::<Pallas>(3, 0, 1);
    }

    #[test]
    fn coinciding_points_are_reported() {
        let Some(ifma) = Ifma::detect() else { return };
        let points: Vec<_> = (0..198)
            .map(row_generator::<Pallas>)
            .map(|p| (p.x, p.y))
            .collect();
        // Equal and opposite, in one sum of several.
        for (negative, bad) in [(0, 0), (1, 0), (0, 98), (1, 50)] {
            let work = SumEntries {
                sums: 99,
                columns: 2,
                entries: |column: usize, out: &mut Vec<_>| {
                    out.extend(points[99 * column..][..99].iter().map(|point| (point, 0)));
                    if column == 1 {
                        out[bad] = (&points[bad], negative);
                    }
                },
                parts: 1,
            };
            work.run(ifma).expect_err("a sum met its own point");
        }
    }
}
