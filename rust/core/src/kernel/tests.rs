//! The operations at their bounds, against arkworks. Operands are words of Montgomery forms that stand for other numbers below 16p too:
//! all of what `load` may give, and what has been negated.

use super::*;
use crate::group::{Bn254, Pallas, Suite, scalar_from_wide};
use crate::number::Number;
use rand::{Rng, SeedableRng, rngs::StdRng};

const OPERATIONS: usize = 16;

struct Operations<'a, F>([&'a [F; 8]; 2], u8);

impl<F: Accumulate> Work for Operations<'_, F> {
    type Output = [[F; 8]; OPERATIONS];

    #[inline(always)]
    fn run(self, ifma: Ifma) -> Self::Output {
        let [a, b] = self.0.map(|e| Lanes::load(ifma, e.each_ref()));
        let (small, negated) = (b.below_three(), a.negated_where(self.1));
        // As large as each may be: below 17p, 20p and 32p.
        let (run, wide) = (negated.minus(&small), Lanes::sum(a, a));
        let smaller = negated.below_three();
        [
            a,
            small,
            smaller,
            run,
            a.multiply(&b),
            run.multiply(&a),
            wide.multiply(&Lanes::difference(a, b)),
            a.square_less(&small, &run),
            smaller.square_less(&small, &b.minus(&smaller)),
            a.product_less(&b, &small),
            a.product_less(&a, &smaller),
            Lanes::load_sixteenth(ifma, self.0[0].each_ref()),
            Lanes::load_sixteenth(ifma, self.0[0].each_ref()).multiply(&run),
            Lanes::sum(wide, a),
            Lanes::repeat(ifma, &self.0[0][3]),
            Lanes::nothing(ifma),
        ]
        .map(|lanes| lanes.store())
    }
}

fn expected<F: Accumulate>([a, b]: [F; 2], negative: bool, repeated: F) -> [F; OPERATIONS] {
    let negated = if negative { -a } else { a };
    let (run, sixteenth) = (negated - b, a * F::from(16u64).inverse().expect("odd order"));
    [
        a,
        b,
        negated,
        run,
        a * b,
        run * a,
        a.double() * (a - b),
        a.square() - b.double() - run,
        negated.square() - b.double() - (b - negated),
        a * b - b,
        a.square() - negated,
        sixteenth,
        sixteenth * run,
        a.double() + a,
        repeated,
        F::ZERO,
    ]
}

/// Words of Montgomery forms, so that limbs are all ones or nearly the modulus, and random ones.
fn values<F: Accumulate>() -> Vec<F> {
    let mut rng = StdRng::seed_from_u64(5);
    let [a, b, c, d] = F::MODULUS_LIMBS;
    let full = u64::MAX;
    let mut values: Vec<F> = [
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [a - 1, b, c, d],
        [full, b - 1, c, d],
        [full, full, full, d - 1],
        [full, full, full, 0],
        [0, 0, 0, d],
        [full, 0, full, 0],
    ]
    .map(F::from_limbs)
    .to_vec();
    values.extend([F::ONE, -F::ONE, F::from(16u64).inverse().expect("odd order")]);
    values.extend((0..21).map(|_| {
        let mut bytes = [0; 64];
        rng.fill(&mut bytes);
        scalar_from_wide::<F>(&bytes)
    }));
    values
}

fn operations_agree<F: Accumulate>() {
    let Some(ifma) = Ifma::detect() else { return };
    let values = values::<F>();
    for shift in 0..values.len() {
        for start in (0..values.len()).step_by(8) {
            let at = |i: usize| values[i % values.len()];
            let a: [F; 8] = std::array::from_fn(|i| at(start + i));
            let b: [F; 8] = std::array::from_fn(|i| at(start + shift + i));
            for mask in [0, 0xff, 0b0110_1001] {
                let found = ifma.run(Operations([&a, &b], mask));
                for i in 0..8 {
                    let expected = expected([a[i], b[i]], mask >> i & 1 == 1, a[3]);
                    assert_eq!(found.map(|lanes| lanes[i]), expected);
                }
            }
        }
    }
}

/// The inverses, and what the one inverted element was.
struct Invert<'a, F>(&'a [F; 8]);

impl<F: Accumulate> Work for Invert<'_, F> {
    type Output = ([F; 8], F);

    #[inline(always)]
    fn run(self, ifma: Ifma) -> Self::Output {
        let mut product = F::ZERO;
        let lanes = Lanes::load(ifma, self.0.each_ref()).invert(ifma, |all| {
            product = all;
            all.inverse().unwrap_or_default()
        });
        (lanes.store(), product)
    }
}

fn inverses_agree<F: Accumulate>() {
    let Some(ifma) = Ifma::detect() else { return };
    let values = values::<F>();
    for eight in values[1..].as_chunks().0 {
        let (inverses, product) = ifma.run(Invert(eight));
        assert_eq!(inverses, eight.map(|e| e.inverse().expect("not zero")));
        assert_eq!(product, eight.iter().product());
    }
    let with_zero = std::array::from_fn(|i| values[i]);
    assert_eq!(ifma.run(Invert(&with_zero)), ([F::ZERO; 8], F::ZERO));
}

struct OfIntegers<'a, F>([i64; 8], &'a F, &'a F);

impl<F: Accumulate> Work for OfIntegers<'_, F> {
    type Output = [F; 8];

    #[inline(always)]
    fn run(self, ifma: Ifma) -> [F; 8] {
        let [c, k] = [self.1, self.2].map(|e| Lanes::repeat(ifma, e));
        Lanes::of_integers(self.0, &c, &k).store()
    }
}

fn integers_agree<F: Accumulate>() {
    let Some(ifma) = Ifma::detect() else { return };
    let shift = F::from(2u64).pow([260]).inverse().expect("odd order");
    let values = values::<F>();
    for (c, k) in values.iter().zip(values.iter().cycle().skip(5)) {
        let integers = [0, 1, (1 << 52) - 1, 1 << 51, (1 << 16) - 1, 1 << 15, 255, 12345];
        let expected = integers.map(|u: u64| *c + *k * shift * F::from(u));
        let integers = integers.map(u64::cast_signed);
        assert_eq!(ifma.run(OfIntegers(integers, c, k)), expected);
    }
}

/// 48p and the eight elements: the largest numbers that `store` is for.
struct Largest<'a, F>(&'a [F; 8]);

impl<F: Accumulate> Work for Largest<'_, F> {
    type Output = [F; 8];

    #[inline(always)]
    fn run(self, ifma: Ifma) -> [F; 8] {
        let mut t = Lanes::load_sixteenth(ifma, self.0.each_ref()).0;
        let more = const { Modulus::<F>::times(48) };
        for (limb, more) in t.iter_mut().zip(more) {
            *limb = plus(*limb, constant(more));
        }
        Lanes::carried(t).store()
    }
}

fn largest_are_stored<F: Accumulate>() {
    let Some(ifma) = Ifma::detect() else { return };
    let sixteenth = F::from(16u64).inverse().expect("odd order");
    for eight in values::<F>().as_chunks().0 {
        assert_eq!(ifma.run(Largest(eight)), eight.map(|e| e * sixteenth));
    }
}

fn field_agrees<F: Accumulate>() {
    operations_agree::<F>();
    inverses_agree::<F>();
    integers_agree::<F>();
    largest_are_stored::<F>();
}

#[test]
fn lanes_agree_with_arkworks() {
    field_agrees::<<Pallas as Suite>::Base>();
    field_agrees::<<Pallas as Suite>::Scalar>();
    field_agrees::<<Bn254 as Suite>::Base>();
    field_agrees::<<Bn254 as Suite>::Scalar>();
}
