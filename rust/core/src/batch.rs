//! Formulas of a few field operations over many elements: one at a time, or eight where the processor can ([`crate::kernel`]).
//! Each formula is written once, for any [`Number`]; the portable side is the oracle of the other in the tests.

#[cfg(target_arch = "x86_64")]
use crate::kernel::Ifma;
use crate::number::Number;
use crate::wide::{Accumulate, Products};

/// Where a formula has its inputs from. Methods must be `#[inline(always)]`, as those of [`Outputs`] and [`Formula`].
pub(crate) trait Inputs<N> {
    fn get(&self, i: usize) -> N;
}

/// Where a formula's outputs go.
pub(crate) trait Outputs<N> {
    fn put(&mut self, o: usize, number: N);
}

/// I inputs and a constant make O outputs.
pub(crate) trait Formula<const I: usize, const O: usize> {
    fn apply<N: Number>(constant: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>);
}

impl<F: Copy, const I: usize> Inputs<F> for &[F; I] {
    #[inline(always)]
    fn get(&self, i: usize) -> F {
        self[i]
    }
}

impl<F, const O: usize> Outputs<F> for [F; O] {
    #[inline(always)]
    fn put(&mut self, o: usize, number: F) {
        self[o] = number;
    }
}

/// A formula's outputs, once.
pub(crate) fn once<F: Accumulate, X: Formula<I, O>, const I: usize, const O: usize>(
    constant: F,
    inputs: &[F; I],
) -> [F; O] {
    let mut outputs = [F::ZERO; O];
    X::apply(constant, &inputs, &mut outputs);
    outputs
}

/// Output o of inputs `at` goes to `out[place(at, o)]`.
pub(crate) fn map<F: Accumulate, X: Formula<I, O>, const I: usize, const O: usize>(
    constant: F,
    inputs: &[[F; I]],
    out: &mut [F],
    place: impl Fn(usize, usize) -> usize,
) {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = Ifma::detect() {
        return ifma.run(eight::Map::<F, X, _, I, O>::new(constant, inputs, out, place));
    }
    map_portable::<F, X, _, I, O>(constant, inputs.iter(), out, place);
}

fn map_portable<F: Accumulate, X: Formula<I, O>, S: Inputs<F>, const I: usize, const O: usize>(
    constant: F,
    inputs: impl Iterator<Item = S>,
    out: &mut [F],
    place: impl Fn(usize, usize) -> usize,
) {
    for (at, inputs) in inputs.enumerate() {
        let mut outputs = [F::ZERO; O];
        X::apply(constant, &inputs, &mut outputs);
        for (o, output) in outputs.into_iter().enumerate() {
            out[place(at, o)] = output;
        }
    }
}

/// The same for inputs c + k·v, given the integers v.
pub(crate) fn map_integers<F: Accumulate, X: Formula<I, O>, const I: usize, const O: usize>(
    affine: &AffineMap<F>,
    constant: F,
    inputs: &[[i16; I]],
    out: &mut [F],
    place: impl Fn(usize, usize) -> usize,
) {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = Ifma::detect() {
        return ifma.run(eight::MapIntegers::<F, X, _, I, O>::new(
            affine, constant, inputs, out, place,
        ));
    }
    let inputs = inputs.iter().map(|integers| Looked { affine, integers });
    map_portable::<F, X, _, I, O>(constant, inputs, out, place);
}

/// c + k·v for 16-bit v, by two look-ups.
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "c and k themselves are for eight at a time")
)]
pub(crate) struct AffineMap<F> {
    high: Vec<F>,
    low: Vec<F>,
    c: F,
    k: F,
    /// k·2^260.
    shifted: F,
}

impl<F: Accumulate> AffineMap<F> {
    pub(crate) fn new(c: F, k: F) -> Self {
        let steps = |first: F, step: F| {
            std::iter::successors(Some(first), move |x| Some(*x + step))
                .take(256)
                .collect()
        };
        let k256 = k * F::from(256u64);
        Self {
            high: steps(c - k * F::from(1u64 << 15), k256),
            low: steps(F::zero(), k),
            c,
            k,
            shifted: k * F::from(1u128 << 127).square() * F::from(1u64 << 6),
        }
    }

    #[inline(always)]
    pub(crate) fn at(&self, v: i16) -> F {
        let [high, low] = (v ^ i16::MIN).to_be_bytes();
        self.high[usize::from(high)] + self.low[usize::from(low)]
    }
}

struct Looked<'a, F, const I: usize> {
    affine: &'a AffineMap<F>,
    integers: &'a [i16; I],
}

impl<F: Accumulate, const I: usize> Inputs<F> for Looked<'_, F, I> {
    #[inline(always)]
    fn get(&self, i: usize) -> F {
        self.affine.at(self.integers[i])
    }
}

/// Σ weights[v]·outputs of v.
pub(crate) fn weighted_sum<F: Accumulate, X: Formula<I, O>, const I: usize, const O: usize>(
    weights: &[F],
    inputs: &[[F; I]],
) -> [F; O] {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = Ifma::detect() {
        return ifma.run(eight::Sum::<F, X, I, O>::new(weights, inputs));
    }
    weighted_sum_portable::<F, X, I, O>(weights, inputs)
}

fn weighted_sum_portable<F: Accumulate, X: Formula<I, O>, const I: usize, const O: usize>(
    weights: &[F],
    inputs: &[[F; I]],
) -> [F; O] {
    let mut sums = [Products::ZERO; O];
    for (weight, inputs) in weights.iter().zip(inputs) {
        let terms = once::<F, X, I, O>(F::ZERO, inputs);
        for (sum, term) in sums.iter_mut().zip(&terms) {
            sum.add(weight, term);
        }
    }
    sums.map(Products::reduce)
}

#[cfg(target_arch = "x86_64")]
mod eight {
    use std::marker::PhantomData;

    use super::{AffineMap, Formula, Inputs, Outputs};
    use crate::kernel::{Ifma, Lanes, WeightedSum, Work};
    use crate::wide::Accumulate;

    /// Up to eight inputs side by side; lanes beyond the last repeat it.
    struct Rows<'a, F, const I: usize>(Ifma, [&'a [F; I]; 8]);

    impl<'a, F, const I: usize> Rows<'a, F, I> {
        #[inline(always)]
        fn new(ifma: Ifma, inputs: &'a [[F; I]]) -> Self {
            let last = inputs.len() - 1;
            Self(
                ifma,
                [0, 1, 2, 3, 4, 5, 6, 7].map(|lane: usize| &inputs[lane.min(last)]),
            )
        }
    }

    impl<F: Accumulate, const I: usize> Inputs<Lanes<F>> for Rows<'_, F, I> {
        #[inline(always)]
        fn get(&self, i: usize) -> Lanes<F> {
            let Self(ifma, [a, b, c, d, e, f, g, h]) = self;
            Lanes::load(*ifma, [&a[i], &b[i], &c[i], &d[i], &e[i], &f[i], &g[i], &h[i]])
        }
    }

    pub struct Map<'a, F, X, P, const I: usize, const O: usize> {
        constant: F,
        inputs: &'a [[F; I]],
        out: &'a mut [F],
        place: P,
        formula: PhantomData<X>,
    }

    impl<'a, F, X, P, const I: usize, const O: usize> Map<'a, F, X, P, I, O> {
        pub fn new(constant: F, inputs: &'a [[F; I]], out: &'a mut [F], place: P) -> Self {
            Self {
                constant,
                inputs,
                out,
                place,
                formula: PhantomData,
            }
        }
    }

    /// The outputs of up to eight inputs from `first` on.
    struct Placed<'a, F, P> {
        out: &'a mut [F],
        place: &'a P,
        first: usize,
        count: usize,
    }

    impl<F: Accumulate, P: Fn(usize, usize) -> usize> Outputs<Lanes<F>> for Placed<'_, F, P> {
        #[inline(always)]
        fn put(&mut self, o: usize, number: Lanes<F>) {
            for (lane, element) in number.store().into_iter().enumerate().take(self.count) {
                self.out[(self.place)(self.first + lane, o)] = element;
            }
        }
    }

    impl<F, X, P, const I: usize, const O: usize> Work for Map<'_, F, X, P, I, O>
    where
        F: Accumulate,
        X: Formula<I, O>,
        P: Fn(usize, usize) -> usize,
    {
        type Output = ();

        #[inline(always)]
        fn run(self, ifma: Ifma) {
            let constant = Lanes::repeat(ifma, &self.constant);
            for (group, inputs) in self.inputs.chunks(8).enumerate() {
                let mut placed = Placed {
                    out: self.out,
                    place: &self.place,
                    first: 8 * group,
                    count: inputs.len(),
                };
                X::apply(constant, &Rows::new(ifma, inputs), &mut placed);
            }
        }
    }

    /// As [`Rows`], of c + k·v.
    struct Integers<'a, F, const I: usize> {
        rows: [&'a [i16; I]; 8],
        c: Lanes<F>,
        k: Lanes<F>,
    }

    impl<F: Accumulate, const I: usize> Inputs<Lanes<F>> for Integers<'_, F, I> {
        #[inline(always)]
        fn get(&self, i: usize) -> Lanes<F> {
            let u = |row: &[i16; I]| i64::from(row[i]) + (1 << 15);
            let [a, b, c, d, e, f, g, h] = self.rows;
            let integers = [u(a), u(b), u(c), u(d), u(e), u(f), u(g), u(h)];
            Lanes::of_integers(integers, &self.c, &self.k)
        }
    }

    pub struct MapIntegers<'a, F, X, P, const I: usize, const O: usize> {
        affine: &'a AffineMap<F>,
        constant: F,
        inputs: &'a [[i16; I]],
        out: &'a mut [F],
        place: P,
        formula: PhantomData<X>,
    }

    impl<'a, F, X, P, const I: usize, const O: usize> MapIntegers<'a, F, X, P, I, O> {
        pub fn new(
            affine: &'a AffineMap<F>,
            constant: F,
            inputs: &'a [[i16; I]],
            out: &'a mut [F],
            place: P,
        ) -> Self {
            Self {
                affine,
                constant,
                inputs,
                out,
                place,
                formula: PhantomData,
            }
        }
    }

    impl<F, X, P, const I: usize, const O: usize> Work for MapIntegers<'_, F, X, P, I, O>
    where
        F: Accumulate,
        X: Formula<I, O>,
        P: Fn(usize, usize) -> usize,
    {
        type Output = ();

        #[inline(always)]
        fn run(self, ifma: Ifma) {
            let constant = Lanes::repeat(ifma, &self.constant);
            // Integers are taken as v + 2^15, and k as k·2^260.
            let AffineMap { c, k, .. } = self.affine;
            let c = Lanes::repeat(ifma, &(*c - *k * F::from(1u64 << 15)));
            let k = Lanes::repeat(ifma, &self.affine.shifted);
            for (group, inputs) in self.inputs.chunks(8).enumerate() {
                let last = inputs.len() - 1;
                let rows = [0, 1, 2, 3, 4, 5, 6, 7].map(|lane: usize| &inputs[lane.min(last)]);
                let mut placed = Placed {
                    out: self.out,
                    place: &self.place,
                    first: 8 * group,
                    count: inputs.len(),
                };
                X::apply(constant, &Integers { rows, c, k }, &mut placed);
            }
        }
    }

    pub struct Sum<'a, F, X, const I: usize, const O: usize> {
        weights: &'a [F],
        inputs: &'a [[F; I]],
        formula: PhantomData<X>,
    }

    impl<'a, F, X, const I: usize, const O: usize> Sum<'a, F, X, I, O> {
        pub fn new(weights: &'a [F], inputs: &'a [[F; I]]) -> Self {
            Self {
                weights,
                inputs,
                formula: PhantomData,
            }
        }
    }

    /// Terms and their weights, added up.
    struct Terms<F: Accumulate, const O: usize> {
        weight: Lanes<F>,
        sums: [WeightedSum<F>; O],
    }

    impl<F: Accumulate, const O: usize> Outputs<Lanes<F>> for Terms<F, O> {
        #[inline(always)]
        fn put(&mut self, o: usize, term: Lanes<F>) {
            self.sums[o].add(&self.weight, &term);
        }
    }

    impl<F, X, const I: usize, const O: usize> Work for Sum<'_, F, X, I, O>
    where
        F: Accumulate,
        X: Formula<I, O>,
    {
        type Output = [F; O];

        #[inline(always)]
        fn run(self, ifma: Ifma) -> [F; O] {
            let (nothing, zero) = (Lanes::nothing(ifma), F::ZERO);
            let mut terms = Terms {
                weight: nothing,
                sums: [WeightedSum::new(ifma); O],
            };
            for (weights, inputs) in self.weights.chunks(8).zip(self.inputs.chunks(8)) {
                let [a, b, c, d, e, f, g, h] =
                    [0, 1, 2, 3, 4, 5, 6, 7].map(|lane: usize| weights.get(lane).unwrap_or(&zero));
                terms.weight = Lanes::load_sixteenth(ifma, [a, b, c, d, e, f, g, h]);
                X::apply(nothing, &Rows::new(ifma, inputs), &mut terms);
            }
            let mut out = [zero; O];
            for (to, sum) in out.iter_mut().zip(terms.sums) {
                *to = sum.finish();
            }
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Bn254, Pallas, Suite, scalar_from_i64, scalar_from_wide};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    /// Everything that a formula may do ([`Number`]), with the largest bounds.
    struct Everything;

    impl Formula<4, 7> for Everything {
        #[inline(always)]
        fn apply<N: Number>(constant: N, inputs: &impl Inputs<N>, outputs: &mut impl Outputs<N>) {
            let [a, b, c, d] = [inputs.get(0), inputs.get(1), inputs.get(2), inputs.get(3)];
            let (sum, difference) = (N::sum(a, b), N::difference(c, d));
            outputs.put(0, sum);
            outputs.put(1, difference);
            outputs.put(2, N::product(sum, difference));
            outputs.put(3, N::two_products(sum, sum, difference, difference));
            outputs.put(4, N::sum(difference, N::product(constant, N::product(a, b))));
            outputs.put(5, N::sum(sum, N::product(constant, difference)));
            outputs.put(
                6,
                N::two_products(N::product(a, b), sum, N::product(c, d), difference),
            );
        }
    }

    fn agree<F: Accumulate>() {
        let mut rng = StdRng::seed_from_u64(6);
        let mut random = || {
            let mut bytes = [0; 64];
            rng.fill(&mut bytes);
            scalar_from_wide::<F>(&bytes)
        };
        // The largest number as elements lie in memory, where it does not stand for −1.
        let mut largest = F::MODULUS_LIMBS;
        largest[0] -= 1;
        let (zero, max) = (F::ZERO, F::from_limbs(largest));
        let edges = [zero, F::ONE, -F::ONE, max];
        let rows = [
            // Sum of the first two and difference of the others as large as can be, together and apart.
            [max, max, max, zero],
            [max; 4],
            [zero, zero, max, zero],
            // The difference as small as can be.
            [max, zero, zero, max],
            [zero, max, max, max],
            [zero; 4],
            [F::ONE; 4],
            [-F::ONE; 4],
        ];
        for count in [1usize, 7, 8, 9, 31, 300] {
            let mut inputs: Vec<[F; 4]> = (0..count)
                .map(|_| [random(), random(), random(), random()])
                .collect();
            for (input, edge) in inputs.iter_mut().step_by(2).zip(rows.iter().cycle()) {
                *input = *edge;
            }
            let constants = edges.into_iter().chain([random()]);
            for constant in constants {
                let place = |at: usize, o: usize| 7 * at + 6 - o;
                let (mut fast, mut plain) = (vec![F::ZERO; 7 * count], vec![F::ZERO; 7 * count]);
                map::<F, Everything, 4, 7>(constant, &inputs, &mut fast, place);
                map_portable::<F, Everything, _, 4, 7>(constant, inputs.iter(), &mut plain, place);
                assert_eq!(fast, plain);
            }
            let mut weights: Vec<F> = (0..count).map(|_| random()).collect();
            weights[0] = max;
            sums_agree(&weights, &inputs);
        }
        // More than 32 of the largest terms in every lane, as many as are added up before a reduction, with the largest weights.
        for row in rows {
            sums_agree(&[max; 8 * 70], &[row; 8 * 70]);
        }
    }

    fn sums_agree<F: Accumulate>(weights: &[F], inputs: &[[F; 4]]) {
        assert_eq!(
            weighted_sum::<F, Everything, 4, 7>(weights, inputs),
            weighted_sum_portable::<F, Everything, 4, 7>(weights, inputs)
        );
    }

    #[test]
    fn eight_at_a_time_agree_with_one_at_a_time() {
        agree::<<Pallas as Suite>::Scalar>();
        agree::<<Bn254 as Suite>::Scalar>();
    }

    fn integers_agree<F: Accumulate>() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut integers: Vec<[i16; 4]> = (0..50)
            .map(|_| [rng.random(), rng.random(), rng.random(), 0])
            .collect();
        integers[0] = [i16::MIN, i16::MAX, -1, 1];
        let (c, k) = (-F::from(u128::MAX), F::from(u128::MAX) * F::from(u128::MAX));
        let affine = AffineMap::new(c, k);
        let exact: Vec<[F; 4]> = integers
            .iter()
            .map(|row| row.map(|v| c + k * scalar_from_i64::<F>(i64::from(v))))
            .collect();
        let (mut fast, mut plain) = (vec![F::ZERO; 350], vec![F::ZERO; 350]);
        let place = |at: usize, o: usize| 7 * at + o;
        map_portable::<F, Everything, _, 4, 7>(k, exact.iter(), &mut plain, place);
        map_integers::<F, Everything, 4, 7>(&affine, k, &integers, &mut fast, place);
        assert_eq!(fast, plain);
        let looked = integers.iter().map(|integers| Looked {
            affine: &affine,
            integers,
        });
        map_portable::<F, Everything, _, 4, 7>(k, looked, &mut fast, place);
        assert_eq!(fast, plain);
    }

    #[test]
    fn integers_agree_with_field_elements() {
        integers_agree::<<Pallas as Suite>::Scalar>();
        integers_agree::<<Bn254 as Suite>::Scalar>();
    }
}
