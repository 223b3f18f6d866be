//! Honest aggregate, attacked: what an aggregator or a client does to a sum, one test each, in both forms (with the sum at hand,
//! and by a proof that somebody can open it) and on both suites.

use std::sync::Arc;

use crate::common::{Committed, aggregate, commit, context, numbers, on_both_suites};
use fedproof_core::commit::Key;
use fedproof_core::error::Stage;
use fedproof_core::group::{Point, Suite, to_affine};
use fedproof_core::recorder::Rows;
use fedproof_core::relation::bounded_update::{BoundedUpdate, Bounds};
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::{Context, Relation, Shape, check_opening};

const SHAPE: Shape = Shape { d: 22, columns: 8 };

fn update<S: Suite>(seed: u64) -> Committed<S> {
    commit::<S>(numbers(22, 100, seed), 8)
}

type Terms<'a, S> = [(u64, &'a Committed<S>)];

/// `stated` is on record; the result, and what the prover knows, are those of `used`.
fn caught<S: Suite>(stated: &Terms<S>, used: &Terms<S>) {
    let (statement, truth) = aggregate::<S>(stated);
    statement
        .verify_sum(&truth.values, &truth.blinds)
        .expect("the true sum");
    let (other, lie) = aggregate::<S>(used);
    let argument = Err(Stage::Argument);
    let with_sum = statement.verify_sum(&lie.values, &lie.blinds);
    assert_eq!(with_sum.map_err(|e| e.stage), argument);
    let moved = other.prove(&lie).expect("an honest prover").to_bytes();
    assert_eq!(statement.verify(&moved).map_err(|e| e.stage), argument);
    let forced = statement
        .prove_unchecked(&lie)
        .expect("a prover that does not look");
    assert_eq!(
        statement.verify(&forced.to_bytes()).map_err(|e| e.stage),
        argument
    );
    let checked = statement.prove(&lie).map(|_| ()).map_err(|e| e.stage);
    assert_eq!(checked, Err(Stage::Witness));
}

on_both_suites!(
    attack:
    a_dropped_commitment,
    a_duplicated_commitment,
    an_inserted_commitment,
    a_replaced_commitment,
    a_reweighted_commitment,
    commitments_in_another_order,
    a_result_off_by_one,
    a_sum_that_overflows,
    a_rogue_commitment_that_makes_the_sum_a_target,
    a_copied_commitment,
    errors_of_two_rows_that_cancel,
    weights_that_are_refused,
    commitments_of_unequal_lengths
);

mod attack {
    use super::*;

    pub fn a_dropped_commitment<S: Suite>() {
        let (a, b, c) = (update::<S>(1), update::<S>(2), update::<S>(3));
        caught::<S>(&[(2, &a), (3, &b), (5, &c)], &[(2, &a), (3, &b)]);
        // Its weight given to another, so that the total is as stated.
        caught::<S>(&[(2, &a), (3, &b), (5, &c)], &[(7, &a), (3, &b)]);
    }

    pub fn a_duplicated_commitment<S: Suite>() {
        let (a, b) = (update::<S>(1), update::<S>(2));
        caught::<S>(&[(2, &a), (3, &b)], &[(2, &a), (3, &b), (3, &b)]);
    }

    pub fn an_inserted_commitment<S: Suite>() {
        let (a, b, c) = (update::<S>(1), update::<S>(2), update::<S>(3));
        caught::<S>(&[(2, &a), (3, &b)], &[(2, &a), (3, &b), (1, &c)]);
        caught::<S>(&[(2, &a), (3, &b)], &[(2, &a), (2, &b), (1, &c)]);
    }

    pub fn a_replaced_commitment<S: Suite>() {
        let (a, b, c) = (update::<S>(1), update::<S>(2), update::<S>(3));
        caught::<S>(&[(2, &a), (3, &b)], &[(2, &a), (3, &c)]);
        caught::<S>(&[(2, &a), (3, &b)], &[(2, &a), (3, &a)]);
    }

    pub fn a_reweighted_commitment<S: Suite>() {
        let (a, b) = (update::<S>(1), update::<S>(2));
        caught::<S>(&[(2, &a), (3, &b)], &[(3, &a), (2, &b)]);
        caught::<S>(&[(2, &a), (3, &b)], &[(2, &a), (4, &b)]);
    }

    /// The sum is the same: with it at hand nothing is wrong. A proof names its terms in order.
    pub fn commitments_in_another_order<S: Suite>() {
        let (a, b) = (update::<S>(1), update::<S>(2));
        let (statement, sum) = aggregate::<S>(&[(2, &a), (3, &b)]);
        let (other, _) = aggregate::<S>(&[(3, &b), (2, &a)]);
        other.verify_sum(&sum.values, &sum.blinds).expect("the same sum");
        let proof = statement.prove(&sum).expect("an honest prover").to_bytes();
        assert_eq!(other.verify(&proof).map_err(|e| e.stage), Err(Stage::Argument));
    }

    pub fn a_result_off_by_one<S: Suite>() {
        let (a, b) = (update::<S>(1), update::<S>(2));
        let (statement, sum) = aggregate::<S>(&[(2, &a), (3, &b)]);
        for j in [0, 7, 8, 21] {
            for by in [1, -1] {
                let mut values = sum.values.clone();
                values[j] += by;
                let with_sum = statement.verify_sum(&values, &sum.blinds);
                assert_eq!(with_sum.map_err(|e| e.stage), Err(Stage::Argument));
                let lie = Arc::new(Rows {
                    values,
                    columns: 8,
                    blinds: sum.blinds.clone(),
                    bits: 64,
                });
                let proof = statement
                    .prove_unchecked(&lie)
                    .expect("a prover that does not look");
                let refused = statement.verify(&proof.to_bytes());
                assert_eq!(refused.map_err(|e| e.stage), Err(Stage::Argument));
            }
        }
    }

    /// 2·(2^63 − 1) is −2 in 64 bits and another number in the field.
    pub fn a_sum_that_overflows<S: Suite>() {
        let part = commit::<S>(vec![i64::MAX, 1], 2);
        let statement = HonestAggregate::<S> {
            context: Context {
                weight: 2,
                ..context()
            },
            shape: Shape { d: 2, columns: 2 },
            weights: vec![2],
            commitments: vec![part.0.clone()],
        };
        let blinds: Vec<_> = part.1.blinds.iter().map(|b| *b + b).collect();
        let wrapped = statement.verify_sum(&[-2, 2], &blinds);
        assert_eq!(wrapped.map_err(|e| e.stage), Err(Stage::Argument));
    }

    /// C' = target − Σ others. The sum then is what the rogue wants and everybody's check of it passes; but nobody can open C',
    /// so it never gets that far: no commitment enters a sum without a proof of opening.
    pub fn a_rogue_commitment_that_makes_the_sum_a_target<S: Suite>() {
        let (a, b) = (update::<S>(1), update::<S>(2));
        let target = update::<S>(66);
        let mut rogue = Vec::new();
        for row in 0..3 {
            let sum = Point::<S>::from(target.0[row])
                - a.0[row] * S::Scalar::from(2u64)
                - b.0[row] * S::Scalar::from(3u64);
            rogue.push(sum);
        }
        let rogue = to_affine::<S>(&rogue);
        let statement = HonestAggregate::<S> {
            context: Context {
                weight: 6,
                ..context()
            },
            shape: SHAPE,
            weights: vec![2, 3, 1],
            commitments: vec![a.0.clone(), b.0.clone(), rogue.clone()],
        };
        statement
            .verify_sum(&target.1.values, &target.1.blinds)
            .expect("the sum alone does not show it");

        let opening = PlainOpening::<S> {
            context: context(),
            shape: SHAPE,
            points: rogue.clone(),
        };
        let bounded = BoundedUpdate::<S> {
            context: context(),
            shape: SHAPE,
            bounds: Bounds {
                max_abs: 100,
                max_norm_squared: 1 << 60,
                limb: 0,
            },
            points: rogue,
        };
        // The target, or any update of its own, is all that it can offer.
        for known in [&target.1, &update::<S>(4).1] {
            let stage = |checked: Result<_, fedproof_core::error::Error>| checked.map_err(|e| e.stage);
            let proof = opening
                .prove_unchecked(known)
                .expect("a prover that does not look");
            assert_eq!(stage(opening.verify(&proof.to_bytes())), Err(Stage::Argument));
            let proof = bounded
                .prove_unchecked(known)
                .expect("a prover that does not look");
            assert_eq!(stage(bounded.verify(&proof.to_bytes())), Err(Stage::Argument));
        }
    }

    /// Another client's commitment with that client's proof: it names its client.
    pub fn a_copied_commitment<S: Suite>() {
        let (points, witness) = update::<S>(1);
        let of = |client: &str| PlainOpening::<S> {
            context: Context {
                client: client.into(),
                ..context()
            },
            shape: SHAPE,
            points: points.clone(),
        };
        let theirs = of("hospital-1");
        let proof = theirs.prove(&witness).expect("an honest prover").to_bytes();
        theirs.verify(&proof).expect("an honest proof");
        let copied = of("hospital-2").verify(&proof);
        assert_eq!(copied.map_err(|e| e.stage), Err(Stage::Argument));
    }

    /// Zero drops a client without a record; a negative weight is no u64; a total beyond 64 bits would wrap.
    pub fn weights_that_are_refused<S: Suite>() {
        let part = update::<S>(1);
        for (weights, total) in [
            (vec![0, 5], 5),
            (vec![u64::MAX, 2], 1),
            (vec![u64::MAX, u64::MAX], u64::MAX - 1),
            (vec![2, 3], 6),
        ] {
            let statement = HonestAggregate::<S> {
                context: Context {
                    weight: total,
                    ..context()
                },
                shape: SHAPE,
                weights,
                commitments: vec![part.0.clone(); 2],
            };
            let with_sum = statement.verify_sum(&part.1.values, &part.1.blinds);
            assert_eq!(with_sum.map_err(|e| e.stage), Err(Stage::Statement));
            assert_eq!(
                statement.verify(&[0; 8]).map_err(|e| e.stage),
                Err(Stage::Statement)
            );
        }
    }

    /// Rows are checked in one combination: its weights are random, so what is missing in one row cannot be put into another.
    pub fn errors_of_two_rows_that_cancel<S: Suite>() {
        let (points, witness) = update::<S>(1);
        let opens = |values: &[i64], blinds: &[S::Scalar]| {
            check_opening::<S, i64>(&points, SHAPE.columns(), values, blinds).map_err(|e| e.stage)
        };
        let (values, blinds) = (&witness.values, &witness.blinds);
        assert_eq!(opens(values, blinds), Ok(()));
        let (mut moved, mut shifted) = (values.clone(), blinds.clone());
        moved[0] += 1;
        moved[SHAPE.columns()] -= 1;
        shifted[0] += S::Scalar::from(1u64);
        shifted[1] -= S::Scalar::from(1u64);
        assert_eq!(opens(&moved, blinds), Err(Stage::Opening));
        assert_eq!(opens(values, &shifted), Err(Stage::Opening));
        assert_eq!(opens(values, &blinds[1..]), Err(Stage::Shape));
        assert_eq!(opens(&values[..SHAPE.columns()], blinds), Err(Stage::Shape));
    }

    /// Nothing is cut to the shortest.
    pub fn commitments_of_unequal_lengths<S: Suite>() {
        let key = Key::<S>::get(8);
        let short = key
            .commit_rows(&[1; 16], 8, 64, &[S::Scalar::from(3u64); 2])
            .expect("rows");
        let part = update::<S>(1);
        for commitments in [
            vec![part.0.clone(), short.clone()],
            vec![short.clone(), part.0.clone()],
            vec![short.clone(), short],
            vec![part.0.clone(), vec![]],
            vec![part.0.clone()],
            vec![],
        ] {
            let statement = HonestAggregate::<S> {
                context: Context {
                    weight: 5,
                    ..context()
                },
                shape: SHAPE,
                weights: vec![2, 3],
                commitments,
            };
            let with_sum = statement.verify_sum(&part.1.values, &part.1.blinds);
            assert_eq!(with_sum.map_err(|e| e.stage), Err(Stage::Shape));
            assert_eq!(statement.verify(&[0; 8]).map_err(|e| e.stage), Err(Stage::Shape));
        }
    }
}
