//! Each constraint, by its label: a lie that passes without it.

use fedproof_core::generators::named_generator;
use fedproof_core::group::{Suite, to_affine};

use crate::common::lies::closing::{Factor, solves_factor};
use crate::common::lies::look_up::{late_multiplicities, lies_about_roots, looks_up, swaps_limbs};
use crate::common::lies::norm::one_big_bit;
use crate::common::lies::{above_in_limbs, earns, honest, long, out_of_range, wrong};
use crate::common::{Case, bounded, numbers, on_both_suites, statement};

on_both_suites!(
    lie:
    look_up,
    gkr_layer,
    norm,
    slack_bit,
    padding,
    x_opening,
    limb_opening,
    multiplicity_opening,
    product_u,
    product_v,
    product_uv,
    rows
);

mod lie {
    use super::*;

    pub fn look_up<S: Suite>() {
        let (lie, witness) = out_of_range::<S>(8);
        earns("look-up", &lie, &witness, honest);
    }

    pub fn gkr_layer<S: Suite>() {
        let (lie, witness) = out_of_range::<S>(8);
        earns("gkr layer", &lie, &witness, lies_about_roots);
    }

    pub fn norm<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("norm", &lie, &witness, honest);
    }

    pub fn slack_bit<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("slack bit", &lie, &witness, || one_big_bit(5));
    }

    pub fn padding<S: Suite>() {
        let x = [numbers(21, 7, 6), vec![0, 3]].concat();
        let (lie, witness) = bounded::<S>(&Case {
            claimed_d: Some(21),
            x: Some(x),
            max_norm_squared: Some(1 << 20),
            ..Case::default()
        });
        earns("padding", &lie, &witness, honest);
    }

    pub fn x_opening<S: Suite>() {
        // 8² = 4·4²: what is looked up is within range and has the same norm.
        let start = numbers(28, 7, 7);
        let (lie, witness) = wrong::<S>([start.clone(), vec![0, 0, 0, 8]].concat(), 1 << 20, 0);
        let inside = [start, vec![4; 4]].concat();
        earns("x opening", &lie, &witness, || looks_up(&inside));
    }

    pub fn limb_opening<S: Suite>() {
        let (inside, (lie, witness)) = above_in_limbs::<S>();
        earns("limb opening", &lie, &witness, || {
            swaps_limbs(&inside, &witness.values, 16, false)
        });
    }

    pub fn multiplicity_opening<S: Suite>() {
        let (lie, witness) = out_of_range::<S>(99);
        let digits = [(witness.values.clone(), 7)];
        earns("multiplicity opening", &lie, &witness, || {
            late_multiplicities(&digits)
        });
    }

    pub fn product_u<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("product u", &lie, &witness, || solves_factor(Factor::U));
    }

    pub fn product_v<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("product v", &lie, &witness, || solves_factor(Factor::V));
    }

    pub fn product_uv<S: Suite>() {
        let (lie, witness) = long::<S>();
        earns("product uv", &lie, &witness, honest);
    }

    pub fn rows<S: Suite>() {
        let (mut lie, witness) = statement::<S>(6, 4);
        lie.points[0] = to_affine::<S>(&[lie.points[0] + named_generator::<S>("J")])[0];
        earns("rows", &lie, &witness, honest);
    }
}
