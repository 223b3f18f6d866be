//! Each constraint, by its label: a lie that passes without it.

use fedproof_core::generators::named_generator;
use fedproof_core::group::{Pallas, to_affine};

use crate::common::lies::closing::{Factor, solves_factor};
use crate::common::lies::look_up::{late_multiplicities, lies_about_roots, looks_up, swaps_limbs};
use crate::common::lies::norm::one_big_bit;
use crate::common::lies::{earns, honest, long, out_of_range, wrong};
use crate::common::{Case, bounded, numbers, statement};

#[test]
fn look_up() {
    let (lie, witness) = out_of_range::<Pallas>(8);
    earns("look-up", &lie, &witness, honest);
}

#[test]
fn gkr_layer() {
    let (lie, witness) = out_of_range::<Pallas>(8);
    earns("gkr layer", &lie, &witness, lies_about_roots);
}

#[test]
fn norm() {
    let (lie, witness) = long::<Pallas>();
    earns("norm", &lie, &witness, honest);
}

#[test]
fn slack_bit() {
    let (lie, witness) = long::<Pallas>();
    earns("slack bit", &lie, &witness, || one_big_bit(5));
}

#[test]
fn padding() {
    let x = [numbers(21, 7, 6), vec![0, 3]].concat();
    let (lie, witness) = bounded::<Pallas>(&Case {
        claimed_d: Some(21),
        x: Some(x),
        max_norm_squared: Some(1 << 20),
        ..Case::default()
    });
    earns("padding", &lie, &witness, honest);
}

#[test]
fn x_opening() {
    // 8² = 4·4²: what is looked up is within range and has the same norm.
    let start = numbers(28, 7, 7);
    let (lie, witness) = wrong::<Pallas>([start.clone(), vec![0, 0, 0, 8]].concat(), 1 << 20, 0);
    let inside = [start, vec![4; 4]].concat();
    earns("x opening", &lie, &witness, || looks_up(&inside));
}

#[test]
fn limb_opening() {
    let inside = numbers(64, 100, 8);
    let mut x = inside.clone();
    x[5] = 101;
    let (lie, witness) = bounded::<Pallas>(&Case {
        d: 64,
        max_abs: 100,
        limb: 16,
        x: Some(x.clone()),
        max_norm_squared: Some(1 << 30),
        ..Case::default()
    });
    earns("limb opening", &lie, &witness, || {
        swaps_limbs(&inside, &x, 16, false)
    });
}

#[test]
fn multiplicity_opening() {
    let (lie, witness) = out_of_range::<Pallas>(99);
    let digits = [(witness.values.clone(), 7)];
    earns("multiplicity opening", &lie, &witness, || {
        late_multiplicities(&digits)
    });
}

#[test]
fn product_u() {
    let (lie, witness) = long::<Pallas>();
    earns("product u", &lie, &witness, || solves_factor(Factor::U));
}

#[test]
fn product_v() {
    let (lie, witness) = long::<Pallas>();
    earns("product v", &lie, &witness, || solves_factor(Factor::V));
}

#[test]
fn product_uv() {
    let (lie, witness) = long::<Pallas>();
    earns("product uv", &lie, &witness, honest);
}

#[test]
fn rows() {
    let (mut lie, witness) = statement::<Pallas>(6, 4);
    lie.points[0] = to_affine::<Pallas>(&[lie.points[0] + named_generator::<Pallas>("J")])[0];
    earns("rows", &lie, &witness, honest);
}
