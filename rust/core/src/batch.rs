//! Formulas of a few field operations over many elements: one at a time, or eight where the processor can ([`crate::kernel`]).
//! Each formula is written once, for any [`Number`]; the portable side is the oracle of the other in the tests.

#[cfg(target_arch = "x86_64")]
use std::marker::PhantomData;

#[cfg(target_arch = "x86_64")]
use crate::kernel::{Ifma, Lanes};
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

/// Inputs of many applications, one after the other: elements as they are, or integers that stand for elements.
pub(crate) trait Source<F: Accumulate> {
    type One: Inputs<F>;
    fn count(&self) -> usize;
    fn one(&self, at: usize) -> Self::One;

    /// What eight at a time need besides, made once for all.
    #[cfg(target_arch = "x86_64")]
    type Ready;
    #[cfg(target_arch = "x86_64")]
    type Eight: Inputs<Lanes<F>>;
    #[cfg(target_arch = "x86_64")]
    fn ready(&self, ifma: Ifma) -> Self::Ready;
    /// From `first` on; lanes beyond the last repeat it.
    #[cfg(target_arch = "x86_64")]
    fn eight(&self, ifma: Ifma, ready: &Self::Ready, first: usize) -> Self::Eight;
}

/// Output o of inputs `at` goes to `out[place(at, o)]`.
pub(crate) fn map<F: Accumulate, X: Formula<I, O>, S: Source<F>, const I: usize, const O: usize>(
    constant: F,
    inputs: S,
    out: &mut [F],
    place: impl Fn(usize, usize) -> usize,
) {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = Ifma::detect() {
        return ifma.run(eight::Map::<F, X, S, _, I, O> {
            constant,
            inputs,
            out,
            place,
            formula: PhantomData,
        });
    }
    map_portable::<F, X, S, I, O>(constant, &inputs, out, place);
}

fn map_portable<F: Accumulate, X: Formula<I, O>, S: Source<F>, const I: usize, const O: usize>(
    constant: F,
    inputs: &S,
    out: &mut [F],
    place: impl Fn(usize, usize) -> usize,
) {
    for at in 0..inputs.count() {
        let mut outputs = [F::ZERO; O];
        X::apply(constant, &inputs.one(at), &mut outputs);
        for (o, output) in outputs.into_iter().enumerate() {
            out[place(at, o)] = output;
        }
    }
}

impl<'a, F: Accumulate, const I: usize> Source<F> for &'a [[F; I]] {
    type One = &'a [F; I];

    fn count(&self) -> usize {
        self.len()
    }

    fn one(&self, at: usize) -> Self::One {
        &self[at]
    }

    #[cfg(target_arch = "x86_64")]
    type Ready = ();
    #[cfg(target_arch = "x86_64")]
    type Eight = eight::Rows<'a, F, I>;

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn ready(&self, _: Ifma) {}

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn eight(&self, ifma: Ifma, (): &(), first: usize) -> Self::Eight {
        eight::Rows::new(ifma, &self[first..])
    }
}

/// Inputs c + k·v, as the integers v.
#[derive(Clone, Copy)]
pub(crate) struct Integers<'a, F, const I: usize> {
    pub affine: &'a AffineMap<F>,
    pub values: &'a [[i16; I]],
}

impl<'a, F: Accumulate, const I: usize> Source<F> for Integers<'a, F, I> {
    type One = Looked<'a, F, I>;

    fn count(&self) -> usize {
        self.values.len()
    }

    fn one(&self, at: usize) -> Self::One {
        Looked {
            affine: self.affine,
            integers: &self.values[at],
        }
    }

    /// c and k for integers that are taken as v + 2^15, k as k·2^260.
    #[cfg(target_arch = "x86_64")]
    type Ready = [Lanes<F>; 2];
    #[cfg(target_arch = "x86_64")]
    type Eight = eight::IntegerRows<'a, F, I>;

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn ready(&self, ifma: Ifma) -> Self::Ready {
        let AffineMap { c, k, shifted, .. } = self.affine;
        [
            Lanes::repeat(ifma, &(*c - *k * F::from(1u64 << 15))),
            Lanes::repeat(ifma, shifted),
        ]
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn eight(&self, _: Ifma, [c, k]: &Self::Ready, first: usize) -> Self::Eight {
        eight::IntegerRows::new(&self.values[first..], *c, *k)
    }
}

/// c + k·v for 16-bit v, by two look-ups.
pub(crate) struct AffineMap<F> {
    high: Vec<F>,
    low: Vec<F>,
    pub c: F,
    pub k: F,
    /// k·2^260.
    #[cfg(target_arch = "x86_64")]
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
            #[cfg(target_arch = "x86_64")]
            shifted: k * F::from(1u128 << 127).square() * F::from(1u64 << 6),
        }
    }

    #[inline(always)]
    pub(crate) fn at(&self, v: i16) -> F {
        let [high, low] = (v ^ i16::MIN).to_be_bytes();
        self.high[usize::from(high)] + self.low[usize::from(low)]
    }
}

pub(crate) struct Looked<'a, F, const I: usize> {
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

    use super::{Formula, Inputs, Outputs, Source};
    use crate::kernel::{Ifma, Lanes, WeightedSum, Work};
    use crate::wide::Accumulate;

    /// The first eight; where there are fewer, the last again.
    #[inline(always)]
    fn first_eight<T>(inputs: &[T]) -> [&T; 8] {
        let last = inputs.len() - 1;
        [0, 1, 2, 3, 4, 5, 6, 7].map(|lane: usize| &inputs[lane.min(last)])
    }

    /// Eight inputs side by side.
    pub struct Rows<'a, F, const I: usize>(Ifma, [&'a [F; I]; 8]);

    impl<'a, F, const I: usize> Rows<'a, F, I> {
        #[inline(always)]
        pub fn new(ifma: Ifma, inputs: &'a [[F; I]]) -> Self {
            Self(ifma, first_eight(inputs))
        }
    }

    impl<F: Accumulate, const I: usize> Inputs<Lanes<F>> for Rows<'_, F, I> {
        #[inline(always)]
        fn get(&self, i: usize) -> Lanes<F> {
            let Self(ifma, [a, b, c, d, e, f, g, h]) = self;
            Lanes::load(*ifma, [&a[i], &b[i], &c[i], &d[i], &e[i], &f[i], &g[i], &h[i]])
        }
    }

    /// Eight inputs c + k·v side by side.
    pub struct IntegerRows<'a, F, const I: usize> {
        rows: [&'a [i16; I]; 8],
        c: Lanes<F>,
        k: Lanes<F>,
    }

    impl<'a, F, const I: usize> IntegerRows<'a, F, I> {
        #[inline(always)]
        pub fn new(values: &'a [[i16; I]], c: Lanes<F>, k: Lanes<F>) -> Self {
            let rows = first_eight(values);
            Self { rows, c, k }
        }
    }

    impl<F: Accumulate, const I: usize> Inputs<Lanes<F>> for IntegerRows<'_, F, I> {
        #[inline(always)]
        fn get(&self, i: usize) -> Lanes<F> {
            let u = |row: &[i16; I]| i64::from(row[i]) + (1 << 15);
            let [a, b, c, d, e, f, g, h] = self.rows;
            let integers = [u(a), u(b), u(c), u(d), u(e), u(f), u(g), u(h)];
            Lanes::of_integers(integers, &self.c, &self.k)
        }
    }

    pub struct Map<'a, F, X, S, P, const I: usize, const O: usize> {
        pub constant: F,
        pub inputs: S,
        pub out: &'a mut [F],
        pub place: P,
        pub formula: PhantomData<X>,
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

    impl<F, X, S, P, const I: usize, const O: usize> Work for Map<'_, F, X, S, P, I, O>
    where
        F: Accumulate,
        X: Formula<I, O>,
        S: Source<F>,
        P: Fn(usize, usize) -> usize,
    {
        type Output = ();

        #[inline(always)]
        fn run(self, ifma: Ifma) {
            let constant = Lanes::repeat(ifma, &self.constant);
            let (count, ready) = (self.inputs.count(), self.inputs.ready(ifma));
            for first in (0..count).step_by(8) {
                let inputs = self.inputs.eight(ifma, &ready, first);
                let mut placed = Placed {
                    out: self.out,
                    place: &self.place,
                    first,
                    count: (count - first).min(8),
                };
                X::apply(constant, &inputs, &mut placed);
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
                map::<F, Everything, _, 4, 7>(constant, inputs.as_slice(), &mut fast, place);
                map_portable::<F, Everything, _, 4, 7>(constant, &inputs.as_slice(), &mut plain, place);
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
        map_portable::<F, Everything, _, 4, 7>(k, &exact.as_slice(), &mut plain, place);
        let source = Integers {
            affine: &affine,
            values: &integers,
        };
        map::<F, Everything, _, 4, 7>(k, source, &mut fast, place);
        assert_eq!(fast, plain);
        map_portable::<F, Everything, _, 4, 7>(k, &source, &mut fast, place);
        assert_eq!(fast, plain);
    }

    #[test]
    fn integers_agree_with_field_elements() {
        integers_agree::<<Pallas as Suite>::Scalar>();
        integers_agree::<<Bn254 as Suite>::Scalar>();
    }
}
