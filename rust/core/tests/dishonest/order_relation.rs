//! Rules of order of the relations (spec/relations/, spec/recorder.md §10): a value that must be absorbed before a challenge, or
//! a challenge that must be unpredictable. For each, a prover that uses its absence; where the rule stands, it fails.

use std::sync::{Arc, Mutex};

use ark_ff::{One, PrimeField};
use fedproof_core::checks::without;
use fedproof_core::error::Stage;
use fedproof_core::generators::{named_generator, row_generator};
use fedproof_core::group::{Suite, to_affine};
use fedproof_core::recorder::Role;
use fedproof_core::recorder::closing::Outcome;
use fedproof_core::recorder::dishonest::{Dishonest, Late};
use fedproof_core::relation::Relation;
use fedproof_core::transcript::Label;

use crate::common::lies::look_up::{
    ends_after_xi, multiplicities_after_alpha, roots_after_lambda, swaps_limbs,
};
use crate::common::lies::norm::{round_after_rho, slack_after_delta};
use crate::common::lies::{Hooks, Knows, above_in_limbs, attempt, earns, honest, long, out_of_range, wrong};
use crate::common::{Case, bounded, numbers, on_both_suites, statement};

on_both_suites!(
    lie:
    roots_are_absorbed_before_lambda,
    rounds_are_absorbed_before_rho,
    ends_are_absorbed_before_xi,
    xi_is_not_known,
    alpha_is_not_known,
    multiplicities_are_absorbed_before_alpha,
    limbs_are_absorbed,
    the_slack_is_absorbed,
    the_paddings_challenge_follows_the_rows,
    the_rows_challenge_follows_the_rows,
    rows_are_absorbed_before_gamma,
    rows_are_absorbed_before_beta
);

mod lie {
    use super::*;

    pub fn roots_are_absorbed_before_lambda<S: Suite>() {
        let (lie, witness) = out_of_range::<S>(8);
        earns("absorb:gkr/roots", &lie, &witness, || {
            roots_after_lambda(Knows::Ahead, 1, false)
        });
        earns("challenge:gkr/lambda", &lie, &witness, || {
            roots_after_lambda(Knows::One, 1, false)
        });
    }

    pub fn rounds_are_absorbed_before_rho<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("absorb:gkr/round", &lie, &witness, || {
            round_after_rho(Knows::Ahead, 4, 5)
        });
        earns("challenge:gkr/rho", &lie, &witness, || {
            round_after_rho(Knows::One, 4, 5)
        });
    }

    pub fn ends_are_absorbed_before_xi<S: Suite>() {
        let (lie, witness) = out_of_range::<S>(8);
        earns("absorb:gkr/ends", &lie, &witness, || ends_after_xi(Knows::Ahead));
    }

    pub fn xi_is_not_known<S: Suite>() {
        let (lie, witness) = out_of_range::<S>(8);
        earns("challenge:gkr/xi", &lie, &witness, || ends_after_xi(Knows::One));
    }

    /// At an entry of the table both sides' denominators vanish, and any value passes.
    pub fn alpha_is_not_known<S: Suite>() {
        let (lie, witness) = wrong::<S>([numbers(29, 7, 2), vec![1, 1, 8]].concat(), 1 << 100, 0);
        earns("challenge:alpha", &lie, &witness, honest);
    }

    pub fn multiplicities_are_absorbed_before_alpha<S: Suite>() {
        let (lie, witness) = out_of_range::<S>(99);
        earns("absorb:m", &lie, &witness, multiplicities_after_alpha);
    }

    pub fn limbs_are_absorbed<S: Suite>() {
        let (inside, (lie, witness)) = above_in_limbs::<S>();
        earns("absorb:limb", &lie, &witness, || {
            swaps_limbs(&inside, &witness.values, 16, true)
        });
    }

    pub fn the_slack_is_absorbed<S: Suite>() {
        let (lie, witness) = long::<S>();
        for _ in 0..4 {
            assert_eq!(
                attempt(&lie, &witness, slack_after_delta(), "nothing"),
                Err(Stage::Argument)
            );
        }
        // Not every δ has a solution.
        assert!((0..8).any(|_| attempt(&lie, &witness, slack_after_delta(), "absorb:slack").is_ok()));
    }

    pub fn the_paddings_challenge_follows_the_rows<S: Suite>() {
        let x = [numbers(21, 7, 6), vec![5, -5]].concat(); // sums to zero against powers of one
        let (lie, witness) = bounded::<S>(&Case {
            claimed_d: Some(21),
            x: Some(x),
            max_norm_squared: Some(1 << 20),
            ..Case::default()
        });
        earns("challenge:padding", &lie, &witness, honest);
    }

    pub fn the_rows_challenge_follows_the_rows<S: Suite>() {
        let (mut lie, witness) = statement::<S>(8, 4);
        let unknown = named_generator::<S>("J");
        lie.points[0] = to_affine::<S>(&[lie.points[0] + unknown])[0];
        lie.points[1] = to_affine::<S>(&[lie.points[1] + (-unknown)])[0];
        earns("challenge:rows", &lie, &witness, honest);
    }

    /// Remembers the challenge with a label.
    #[derive(Clone)]
    struct Sees<F>(&'static str, Arc<Mutex<F>>);

    impl<F: PrimeField> Sees<F> {
        fn new(name: &'static str) -> Self {
            Self(name, Arc::default())
        }

        fn seen(&self) -> F {
            *self.1.lock().expect("one thread")
        }
    }

    impl<S: Suite> Dishonest<S> for Sees<S::Scalar> {
        fn challenge(&mut self, label: Label, value: S::Scalar) {
            if label.0 == self.0 {
                *self.1.lock().expect("one thread") = value;
            }
        }
    }

    /// Rows chosen after γ: without absorbing them, an unknown component cancels.
    pub fn rows_are_absorbed_before_gamma<S: Suite>() {
        let (mut lie, witness) = statement::<S>(8, 4);
        let sees = Sees::new("rows");
        let hooks: Hooks<S> = Some(Box::new(sees.clone()));
        assert_eq!(attempt(&lie, &witness, hooks, "absorb:x"), Ok(()));
        let unknown = named_generator::<S>("J");
        lie.points[0] = to_affine::<S>(&[lie.points[0] + unknown * sees.seen()])[0];
        lie.points[1] = to_affine::<S>(&[lie.points[1] + (-unknown)])[0];
        earns("absorb:x", &lie, &witness, honest);
    }

    /// The first row of an update within its bounds gets components β·G_8 − G_9, which the tails' weights β, β² do not see.
    #[derive(Clone)]
    struct TailsAfterBeta<F>(Sees<F>);

    impl<S: Suite> Dishonest<S> for TailsAfterBeta<S::Scalar> {
        fn challenge(&mut self, label: Label, value: S::Scalar) {
            Dishonest::<S>::challenge(&mut self.0, label, value);
        }

        fn late(&mut self, drawn: Label) -> Vec<Late<S::Scalar>> {
            if drawn.0 != "combine/beta" {
                return vec![];
            }
            [(8, self.0.seen()), (9, -S::Scalar::one())]
                .map(|(column, delta)| Late::Row {
                    matrix: 0,
                    row: 0,
                    column,
                    delta,
                })
                .into()
        }
    }

    pub fn rows_are_absorbed_before_beta<S: Suite>() {
        let attack = |dropped| {
            without(dropped, || {
                let (mut lie, witness) = wrong::<S>(numbers(32, 7, 9), 1 << 20, 0);
                let hooks = TailsAfterBeta(Sees::new("combine/beta"));
                let Ok(Outcome::Proof(proof)) =
                    lie.run(Role::dishonest(Box::new(hooks.clone())), Some(&witness))
                else {
                    panic!("a prover gives a proof");
                };
                let foreign = row_generator::<S>(8) * hooks.0.seen() - row_generator::<S>(9);
                lie.points[0] = to_affine::<S>(&[foreign + lie.points[0]])[0];
                lie.verify(&proof.to_bytes()).map_err(|e| e.stage)
            })
        };
        assert_eq!(attack("nothing"), Err(Stage::Argument));
        assert_eq!(attack("absorb:x"), Ok(()));
    }
}
