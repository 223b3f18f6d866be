//! The central lies on both suites and on many shapes: one coordinate, one row and several, with and without padding, one table
//! and two limbs, trees of values deeper and less deep than those of tables. (A commitment is one matrix: there are no chunks.)

use ark_ff::{Field, One};
use fedproof_core::checks::without;
use fedproof_core::commit::Key;
use fedproof_core::error::Stage;
use fedproof_core::generators::row_generator;
use fedproof_core::group::{Bn254, Pallas, Suite, to_affine};
use fedproof_core::relation::bounded_update::BoundedUpdate;
use fedproof_core::relation::{Relation, Witness};

use crate::common::lies::closing::nonce_after_e;
use crate::common::lies::look_up::{
    field_sized, late_multiplicities, roots_after_lambda, whole_multiplicities,
};
use crate::common::lies::norm::{one_big_bit, round_after_rho};
use crate::common::lies::{Knows, Trees, attempt, earns, honest, proved, verdict};
use crate::common::{Case, bounded, numbers, square_norm};
use crate::dishonest::labels::{ATTACKED, FORESEEN, NOT_ATTACKED, rule};

/// (d, columns, B, limb base)
type Size = (usize, usize, i64, u64);

const SIZES: [Size; 7] = [
    (1, 2, 7, 0),   // one coordinate; table deeper than values
    (5, 8, 7, 0),   // one row, with padding
    (21, 8, 7, 0),  // three rows, with padding
    (16, 8, 7, 0),  // two full rows
    (8, 8, 7, 3),   // one full row, two limbs
    (33, 4, 31, 8), // nine rows, two limbs
    (9, 2, 3, 0),   // many short rows; values deeper than the table
];

/// Runs a test on both suites and all sizes.
macro_rules! everywhere {
    ($name:ident) => {
        for size in SIZES {
            $name::<Pallas>(size);
            $name::<Bn254>(size);
        }
    };
}

/// x within its bound, not all zero.
fn update((d, _, b, _): Size) -> Vec<i64> {
    let mut x = numbers(d, b, 11);
    x[0] = b;
    x
}

/// What is claimed of x: d coordinates; with a norm bound that is out of the way if none is given.
fn claim<S: Suite>(size: Size, x: &[i64], norm: Option<u128>) -> (BoundedUpdate<S>, Witness<S>) {
    let (d, columns, b, limb) = size;
    bounded::<S>(&Case {
        d,
        columns,
        max_abs: b.unsigned_abs(),
        limb,
        max_norm_squared: Some(norm.unwrap_or(1 << 100)),
        x: Some(x.to_vec()),
        claimed_d: Some(d),
    })
}

fn with_last(size: Size, value: i64) -> Vec<i64> {
    let mut x = update(size);
    *x.last_mut().expect("coordinates") = value;
    x
}

fn values<S: Suite>(size: Size) {
    let (_, _, b, _) = size;
    for value in [b + 1, -b - 1] {
        let (lie, witness) = claim::<S>(size, &with_last(size, value), None);
        earns("look-up", &lie, &witness, honest);
    }
    for value in [b, -b] {
        let (truth, witness) = claim::<S>(size, &with_last(size, value), None);
        assert_eq!(attempt(&truth, &witness, None, "nothing"), Ok(()), "{size:?}");
    }
}

#[test]
fn one_above_and_one_below_the_bound() {
    everywhere!(values);
}

/// The residue r − 1 is the integer −1, and is held to its bounds as such; any other big residue is an integer out of range.
fn residues<S: Suite>(size: Size) {
    let (_, columns, b, _) = size;
    let key = Key::<S>::get(columns);
    let blind = [S::Scalar::from(9u64)];
    let residue = key.commit_scalars(0, &[-S::Scalar::one()], &blind[0]);
    let integer = key.commit_rows(&[-1], columns, 8, &blind);
    assert_eq!(
        to_affine::<S>(&[residue.expect("a slot")]),
        integer.expect("a row")
    );

    let x = update(size);
    let half = S::Scalar::from(2u64).inverse().expect("odd order");
    // (r + 1)/2, and r − B − 1, in the place of x_0 = B.
    for residue in [half, -S::Scalar::from(b.unsigned_abs() + 1)] {
        let delta = residue - S::Scalar::from(b.unsigned_abs());
        let (mut lie, witness) = claim::<S>(size, &x, None);
        lie.points[0] = to_affine::<S>(&[row_generator::<S>(0) * delta + lie.points[0]])[0];
        earns("x opening", &lie, &witness, || field_sized(delta));
    }
}

#[test]
fn residues_of_the_fields_size() {
    everywhere!(residues);
}

/// r − 1 among the bits of the slack: the norm is one above its bound.
fn norms<S: Suite>(size: Size) {
    let x = update(size);
    let norm = square_norm(&x);
    let (lie, witness) = claim::<S>(size, &x, Some(norm - 1));
    earns("norm", &lie, &witness, honest);
    earns("slack bit", &lie, &witness, || one_big_bit(1));
    let trees = Trees::of(&lie);
    if trees.values > 1 {
        earns("absorb:gkr/round", &lie, &witness, || {
            round_after_rho(Knows::Ahead, trees.leaf(), 1)
        });
    }
    let (truth, witness) = claim::<S>(size, &x, Some(norm));
    assert_eq!(attempt(&truth, &witness, None, "nothing"), Ok(()), "{size:?}");
}

#[test]
fn a_squared_norm_one_above_its_bound() {
    everywhere!(norms);
}

fn padded<S: Suite>(size: Size) {
    let (d, columns, ..) = size;
    let free = d.next_multiple_of(columns) - d;
    for at in 0..free {
        let mut x = update(size);
        x.resize(d + at, 0);
        x.push(-1);
        let (lie, witness) = claim::<S>(size, &x, None);
        earns("padding", &lie, &witness, honest);
    }
}

#[test]
fn padding_that_is_not_zero() {
    everywhere!(padded);
}

/// x's digits, padded, with each digit's bound: as the relation's prover splits them.
fn digits<S: Suite>(lie: &BoundedUpdate<S>, x: &[i64]) -> Vec<(Vec<i64>, u64)> {
    let mut padded = x.to_vec();
    padded.resize(1 << Trees::of(lie).values, 0);
    let digits = lie.bounds.digits();
    let Some([low, high]) = digits.first_chunk::<2>() else {
        return vec![(padded, digits[0].bound)];
    };
    let (m, bound) = (high.weight as i64, high.bound as i64);
    let hi: Vec<i64> = padded
        .iter()
        .map(|v| (v + m / 2).div_euclid(m).clamp(-bound, bound))
        .collect();
    let lo = padded.iter().zip(&hi).map(|(v, h)| v - m * h).collect();
    vec![(lo, low.bound), (hi, high.bound)]
}

fn multiplicities<S: Suite>(size: Size) {
    let x = with_last(size, size.2 + 1);
    let (lie, witness) = claim::<S>(size, &x, None);
    let digits = digits(&lie, &x);
    earns("multiplicity opening", &lie, &witness, || {
        late_multiplicities(&digits)
    });
    // Whole numbers, before α: counted as the greatest entry.
    let greatest = 2 * digits[0].1 as usize;
    earns("look-up", &lie, &witness, || {
        whole_multiplicities(move |counts| counts[greatest] += 1)
    });
}

#[test]
fn forged_multiplicities() {
    everywhere!(multiplicities);
}

fn last_message<S: Suite>(size: Size) {
    let x = with_last(size, -size.2 - 1);
    let (lie, witness) = claim::<S>(size, &x, None);
    earns("absorb:schnorr/nonce", &lie, &witness, || {
        nonce_after_e(Knows::Ahead)
    });
    earns("challenge:schnorr/e", &lie, &witness, || {
        nonce_after_e(Knows::One)
    });
}

#[test]
fn the_last_message_solved_after_the_last_challenge() {
    everywhere!(last_message);
}

fn roots<S: Suite>(size: Size) {
    let (lie, witness) = claim::<S>(size, &with_last(size, size.2 + 1), None);
    let trees = Trees::of(&lie);
    let table = trees.values < trees.deepest;
    let hooks = |knows| roots_after_lambda(knows, trees.tables.len(), table);
    earns("absorb:gkr/roots", &lie, &witness, || hooks(Knows::Ahead));
    earns("challenge:gkr/lambda", &lie, &witness, || hooks(Knows::One));
}

#[test]
fn a_value_used_before_it_is_absorbed() {
    everywhere!(roots);
}

/// One side keeps a rule that the other drops: they draw different challenges, or prove different things.
fn out_of_step<S: Suite>((d, columns, b, limb): Size) {
    let (truth, witness) = claim::<S>((d, columns, b, limb), &update((d, columns, b, limb)), None);
    let padded = d % columns != 0;
    let absorbed = ATTACKED.into_iter().chain(NOT_ATTACKED);
    let absorbed = absorbed.filter(|name| limb > 0 || *name != "limb");
    // After the last answer nothing is drawn: whether it is absorbed makes no difference.
    let absorbed = absorbed.filter(|name| *name != "schnorr/answer");
    let drawn = FORESEEN.into_iter().filter(|name| padded || *name != "padding");
    let rules: Vec<&'static str> = absorbed
        .map(|name| rule("absorb", name))
        // `ipa/e` is not one that a test can drop.
        .chain(drawn.filter(|n| *n != "ipa/e").map(|name| rule("challenge", name)))
        .chain(["norm", "look-up", "gkr layer", "slack bit", "x opening", "product uv"])
        .collect();
    let honest = proved(&truth, &witness, None, "nothing");
    assert_eq!(verdict(&truth, &honest, "nothing"), Ok(()));
    for dropped in rules {
        let proof = proved(&truth, &witness, None, dropped);
        assert_eq!(verdict(&truth, &proof, dropped), Ok(()), "{dropped}: in step");
        for (who, refused) in [
            ("prover", verdict(&truth, &proof, "nothing")),
            ("verifier", verdict(&truth, &honest, dropped)),
        ] {
            assert!(
                matches!(refused, Err(Stage::Argument | Stage::Shape)),
                "{dropped}: only the {who} drops it: {refused:?}"
            );
        }
    }
}

#[test]
fn prover_and_verifier_out_of_step() {
    for size in [(21, 8, 7, 0), (33, 4, 31, 8)] {
        out_of_step::<Pallas>(size);
        out_of_step::<Bn254>(size);
    }
}

/// A proof of one suite is none of the other.
#[test]
fn a_proof_of_the_other_suite() {
    for size in SIZES {
        let (ours, witness) = claim::<Pallas>(size, &update(size), None);
        let (theirs, _) = claim::<Bn254>(size, &update(size), None);
        let proof = without("absorb:suite", || ours.prove(&witness)).expect("an honest prover");
        let refused = theirs.verify(&proof.to_bytes()).map_err(|e| e.stage);
        assert!(
            matches!(refused, Err(Stage::Decoding | Stage::Argument)),
            "{refused:?}"
        );
    }
}
