//! A prover that starts again with fresh blinds until a challenge suits it. Where challenges are one of sixteen it wins within a
//! few tries; against the real ones it is refused every time. It need not ask a verifier: whether a challenge suits is public.

use fedproof_core::error::Stage;
use fedproof_core::generators::{named_generator, row_generator};
use fedproof_core::group::{Pallas, Suite, to_affine};
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::{Relation, Shape};

use crate::common::lies::closing::foreign;
use crate::common::lies::look_up::two_errors;
use crate::common::lies::norm::rewrites;
use crate::common::lies::{Hooks, attempt, honest, long, out_of_range, wrong};
use crate::common::{Case, bounded, commit, context, numbers};

type F = <Pallas as Suite>::Scalar;

/// Where one challenge in sixteen suits, 200 tries fail with probability below 2^-18.
fn grinds<R: Relation<Pallas>>(
    weak: &'static str,
    lie: impl Fn(u64) -> (R, R::Secret),
    hooks: impl Fn() -> Hooks<Pallas>,
) {
    let run = |seed, dropped| {
        let (lie, witness) = lie(seed);
        attempt(&lie, &witness, hooks(), dropped)
    };
    for seed in 0..20 {
        assert_eq!(run(seed, "nothing"), Err(Stage::Argument), "{weak}");
    }
    let wins = (0..200).any(|seed| run(seed, weak).is_ok());
    assert!(wins, "{weak}: not even one in sixteen suits");
}

/// A value out of range passes where α is an entry of the table that x has: both sides' denominators vanish. x has them all, but
/// which one α is can't be prepared.
#[test]
fn for_an_alpha_that_is_a_value_of_the_table() {
    let x = [(-7..8).collect(), numbers(16, 7, 2), vec![99]].concat();
    grinds("weak:alpha", |_| wrong(x.clone(), 1 << 100, 0), honest);
}

#[test]
fn for_a_tau_that_confuses_messages() {
    grinds("weak:combine/tau", |_| long(), rewrites);
}

#[test]
fn for_a_delta_that_confuses_products() {
    grinds("weak:products/delta", |_| out_of_range(8), two_errors);
}

#[test]
fn for_a_challenge_that_padding_cancels_at() {
    let x = [numbers(21, 7, 6), vec![5, -5]].concat();
    let lie = |_| {
        bounded(&Case {
            claimed_d: Some(21),
            x: Some(x.clone()),
            max_norm_squared: Some(1 << 20),
            ..Case::default()
        })
    };
    grinds("weak:padding", lie, honest);
}

/// This challenge depends on the statement alone: the prover tries other updates.
#[test]
fn for_a_challenge_that_rows_cancel_at() {
    let unknown = named_generator::<Pallas>("J");
    let lie = |seed| {
        let (mut points, witness) = commit::<Pallas>(numbers(8, 1000, seed), 4);
        points[0] = to_affine::<Pallas>(&[points[0] + unknown])[0];
        points[1] = to_affine::<Pallas>(&[points[1] + (-unknown)])[0];
        let shape = Shape { d: 8, columns: 4 };
        let context = context();
        (
            PlainOpening {
                context,
                shape,
                points,
            },
            witness,
        )
    };
    grinds("weak:rows", lie, honest);
}

#[test]
fn for_a_beta_that_hides_a_foreign_component() {
    let lie = |_| {
        let (mut lie, witness) = wrong::<Pallas>(numbers(32, 7, 9), 1 << 20, 0);
        let foreign = row_generator::<Pallas>(8) * F::from(5u64);
        lie.points[0] = to_affine::<Pallas>(&[foreign + lie.points[0]])[0];
        (lie, witness)
    };
    grinds("weak:combine/beta", lie, || foreign(F::from(5u64)));
}
