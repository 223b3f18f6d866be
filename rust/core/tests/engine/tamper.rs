//! Every element of a proof and every field of a statement counts. Fields are found by taking the types apart, so a new field
//! without a mutation does not compile.

use crate::common::accuracy;
use crate::common::masking::Upload;
use crate::common::optimum::{Head, kinds};
use crate::common::{Case, aggregate, bounded, commit, context, numbers, statement};
use ark_ff::One;
use fedproof_core::error::Stage;
use fedproof_core::generators::named_generator;
use fedproof_core::group::{Affine, Bn254, Pallas, Suite, decode_points, encode_point, to_affine};
use fedproof_core::recorder::{Deferred, Proof, Rows};
use fedproof_core::relation::accuracy::Accuracy;
use fedproof_core::relation::bounded_update::{BoundedUpdate, Bounds};
use fedproof_core::relation::head::{Digits, Size, Weights};
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::optimum::{Loss, Objective, Optimum};
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::{Context, Relation, Shape};
use proptest::prelude::*;

type F = <Pallas as Suite>::Scalar;

fn refused<S: Suite, R: Relation<S>>(statement: &R, proof: &[u8]) -> Stage {
    statement.verify(proof).expect_err("tampered with").stage
}

#[test]
fn every_element_of_a_proof() {
    let (truth, witness) = bounded::<Pallas>(&Case {
        d: 6,
        columns: 4,
        max_abs: 3,
        limb: 2,
        ..Case::default()
    });
    every_element(&truth, &witness);
    for head in kinds() {
        let (truth, trained) = Head {
            n: 2,
            p: 2,
            c: 2,
            ..head
        }
        .make::<Pallas>();
        every_element(&truth, &trained);
    }
    let upload = Upload {
        d: 6,
        columns: 4,
        ..Upload::default()
    };
    let (truth, secret) = upload.make::<Pallas>().statement();
    every_element(&truth, &secret);
}

fn every_element<S: Suite, R: Relation<S>>(truth: &R, witness: &R::Secret) {
    let Proof { points, scalars } = truth.prove(witness).expect("an honest prover");
    for i in 0..points.len() {
        let mut changed = points.clone();
        changed[i] = to_affine::<S>(&[changed[i] + named_generator::<S>("H")])[0];
        let proof = Proof::<S> {
            points: changed,
            scalars: scalars.clone(),
        };
        assert_eq!(refused(truth, &proof.to_bytes()), Stage::Argument, "point {i}");
    }
    for i in 0..scalars.len() {
        let mut changed = scalars.clone();
        changed[i] += S::Scalar::one();
        let proof = Proof::<S> {
            points: points.clone(),
            scalars: changed,
        };
        assert_eq!(refused(truth, &proof.to_bytes()), Stage::Argument, "scalar {i}");
    }
}

fn contexts(original: &Context) -> Vec<Context> {
    let Context {
        announcement,
        client,
        weight,
        certificate,
    } = original.clone();
    let mut other = announcement;
    other[0] ^= 1;
    vec![
        Context {
            announcement: other,
            ..original.clone()
        },
        Context {
            client: format!("{client}x"),
            ..original.clone()
        },
        Context {
            weight: weight + 1,
            ..original.clone()
        },
        Context {
            certificate: certificate.map_or(Some([0; 32]), |_| None),
            ..original.clone()
        },
    ]
}

fn shapes(original: &Shape) -> Vec<Shape> {
    let Shape { d, columns } = *original;
    vec![
        Shape { d: d - 1, columns },
        Shape { d: d + 1, columns },
        Shape {
            d,
            columns: columns * 2,
        },
    ]
}

#[test]
fn every_field_of_a_bounded_update() {
    let (truth, witness) = bounded::<Pallas>(&Case {
        d: 22,
        max_norm_squared: Some(1000),
        ..Case::default()
    });
    let proof = truth.prove(&witness).expect("an honest prover").to_bytes();
    let BoundedUpdate {
        context,
        shape,
        bounds,
        points,
    } = truth;
    let Bounds {
        max_abs,
        max_norm_squared,
        limb,
    } = bounds;
    let with = |context: &Context, shape: Shape, bounds: Bounds, points: &[_]| {
        refused(
            &BoundedUpdate::<Pallas> {
                context: context.clone(),
                shape,
                bounds,
                points: points.to_vec(),
            },
            &proof,
        );
    };
    contexts(&context)
        .iter()
        .for_each(|c| with(c, shape, bounds, &points));
    shapes(&shape)
        .iter()
        .for_each(|s| with(&context, *s, bounds, &points));
    for changed in [
        Bounds {
            max_abs: max_abs + 1,
            ..bounds
        },
        Bounds {
            max_abs: max_abs - 1,
            ..bounds
        },
        Bounds {
            max_norm_squared: max_norm_squared + 1,
            ..bounds
        },
        Bounds {
            max_norm_squared: max_norm_squared - 1,
            ..bounds
        },
        Bounds {
            limb: limb + 2,
            ..bounds
        },
    ] {
        with(&context, shape, changed, &points);
    }
    for i in 0..points.len() {
        let mut changed = points.clone();
        changed[i] = named_generator::<Pallas>("J");
        with(&context, shape, bounds, &changed);
    }
    with(&context, shape, bounds, &points[1..]);
}

#[test]
fn every_field_of_a_plain_opening() {
    let (truth, witness) = statement::<Pallas>(22, 8);
    let proof = truth.prove(&witness).expect("an honest prover").to_bytes();
    let PlainOpening {
        context,
        shape,
        points,
    } = truth;
    let with = |context: &Context, shape: Shape, points: &[_]| {
        refused(
            &PlainOpening::<Pallas> {
                context: context.clone(),
                shape,
                points: points.to_vec(),
            },
            &proof,
        );
    };
    contexts(&context).iter().for_each(|c| with(c, shape, &points));
    shapes(&shape).iter().for_each(|s| with(&context, *s, &points));
    for i in 0..points.len() {
        let mut changed = points.clone();
        changed[i] = named_generator::<Pallas>("J");
        with(&context, shape, &changed);
    }
}

/// What statements about a head have alike.
struct OfHead<'a> {
    context: &'a mut Context,
    size: &'a mut Size,
    digits: &'a mut Digits,
    records: &'a mut Vec<Affine<Pallas>>,
    weights: &'a mut Weights<Pallas>,
}

/// Changes each of it. public: W, to take the place of committed weights.
fn every_part_of_a_head<R: Relation<Pallas> + Clone>(
    truth: &R,
    proof: &[u8],
    public: &[i64],
    parts: impl Fn(&mut R) -> OfHead<'_>,
) {
    let with = |change: &dyn Fn(OfHead<'_>)| {
        let mut other = truth.clone();
        change(parts(&mut other));
        refused(&other, proof)
    };
    let mut own = truth.clone();
    let OfHead {
        context,
        size,
        digits,
        records,
        weights,
    } = parts(&mut own);
    let Size {
        records: _,
        features: _,
        classes: _,
    } = size;
    let Digits {
        bound: _,
        margins: _,
        weights: _,
    } = digits;
    for c in contexts(context) {
        assert_eq!(with(&|s| *s.context = c.clone()), Stage::Argument, "{c:?}");
    }
    for by in [1, -1i32] {
        with(&|s| s.size.records = s.size.records.wrapping_add_signed(by.into()));
        with(&|s| s.size.features = s.size.features.wrapping_add_signed(by));
        with(&|s| s.size.classes = s.size.classes.wrapping_add_signed(by));
        with(&|s| s.digits.bound = s.digits.bound.wrapping_add_signed(by.into()));
        with(&|s| s.digits.margins = s.digits.margins.wrapping_add_signed(by));
        with(&|s| s.digits.weights = s.digits.weights.wrapping_add_signed(by));
    }
    let other = named_generator::<Pallas>("J");
    for i in 0..records.len() {
        assert_eq!(with(&|s| s.records[i] = other), Stage::Argument, "record {i}");
    }
    assert_eq!(with(&|s| s.records.swap(0, 1)), Stage::Argument);
    let (count, swapped) = match weights {
        Weights::Public(w) => (w.len(), Weights::Committed(vec![other; 3])),
        Weights::Committed(w) => (w.len(), Weights::Public(public.to_vec())),
    };
    for i in 0..count {
        let changed = with(&|s| match s.weights {
            Weights::Public(w) => w[i] += 1,
            Weights::Committed(w) => w[i] = other,
        });
        assert_eq!(changed, Stage::Argument, "weight {i}");
    }
    with(&|s| *s.weights = swapped.clone());
}

#[test]
fn every_field_of_an_optimum() {
    for head in kinds() {
        let (mut truth, trained) = head.make::<Pallas>();
        truth.objective.max_residual_squared += 1;
        let proof = truth.prove(&trained).expect("an honest prover").to_bytes();
        truth.verify(&proof).expect("an honest proof");
        every_part_of_a_head(&truth, &proof, &trained.weights.values, |s| {
            let Optimum {
                context,
                size,
                objective: _,
                digits,
                records,
                weights,
            } = s;
            OfHead {
                context,
                size,
                digits,
                records,
                weights,
            }
        });
        let with = |change: &dyn Fn(&mut Objective)| {
            let mut other = truth.clone();
            change(&mut other.objective);
            refused(&other, &proof)
        };
        let Objective {
            loss,
            scale: _,
            regularisation: _,
            max_residual_squared: _,
        } = truth.objective;
        let loss = match loss {
            Loss::Ridge => Loss::SquaredHinge,
            Loss::SquaredHinge => Loss::Ridge,
        };
        with(&|o| o.loss = loss);
        for by in [1, -1i32] {
            let numbers: [&dyn Fn(&mut Objective); 3] = [
                &|o| o.scale = o.scale.wrapping_add_signed(by),
                &|o| o.regularisation = o.regularisation.wrapping_add_signed(by.into()),
                &|o| o.max_residual_squared = o.max_residual_squared.wrapping_add_signed(by.into()),
            ];
            for change in numbers {
                assert_eq!(with(change), Stage::Argument);
            }
        }
    }
}

/// Both forms: with the sum at hand, and by a proof that somebody can open it.
#[test]
fn every_field_of_an_honest_aggregate() {
    let parts = [1, 2, 3].map(|seed| commit::<Pallas>(numbers(22, 100, seed), 8));
    let (truth, sum) = aggregate::<Pallas>(&[(2, &parts[0]), (3, &parts[1]), (5, &parts[2])]);
    truth.verify_sum(&sum.values, &sum.blinds).expect("the sum");
    let proof = truth.prove(&sum).expect("an honest prover").to_bytes();
    truth.verify(&proof).expect("an honest proof");

    let Rows {
        values,
        columns: _, // the shape's
        blinds,
        bits: _, // the prover's own
    } = &*sum;
    for j in 0..values.len() {
        for by in [1, -1] {
            let mut changed = values.clone();
            changed[j] += by;
            let refused = truth.verify_sum(&changed, blinds).expect_err("another result");
            assert_eq!(refused.stage, Stage::Argument, "coordinate {j}");
        }
    }
    for r in 0..blinds.len() {
        let mut changed = blinds.clone();
        changed[r] += F::one();
        let refused = truth.verify_sum(values, &changed).expect_err("another blind");
        assert_eq!(refused.stage, Stage::Argument, "blind {r}");
    }

    let HonestAggregate {
        context,
        shape,
        weights,
        commitments,
    } = &truth;
    let with = |context: &Context, shape: Shape, weights: &[u64], commitments: &[Vec<_>]| {
        let other = HonestAggregate::<Pallas> {
            context: context.clone(),
            shape,
            weights: weights.to_vec(),
            commitments: commitments.to_vec(),
        };
        let opened = other.verify_sum(values, blinds).map_err(|e| e.stage);
        (refused(&other, &proof), opened)
    };
    for c in contexts(context) {
        let (stage, opened) = with(&c, *shape, weights, commitments);
        // A sum that everybody can add up needs no announcement, but its weights add up to the total that is stated.
        let (stated, opens) = if c.weight == context.weight {
            (Stage::Argument, Ok(()))
        } else {
            (Stage::Statement, Err(Stage::Statement))
        };
        assert_eq!((stage, opened), (stated, opens), "{c:?}");
    }
    for s in shapes(shape) {
        with(context, s, weights, commitments)
            .1
            .expect_err("another shape");
    }
    for k in 0..weights.len() {
        let mut changed = weights.clone();
        changed[k] += 1;
        let (stage, opened) = with(context, *shape, &changed, commitments);
        assert_eq!((stage, opened), (Stage::Statement, Err(Stage::Statement)));
        // The total stays.
        changed[(k + 1) % 3] -= 1;
        let (stage, opened) = with(context, *shape, &changed, commitments);
        assert_eq!((stage, opened), (Stage::Argument, Err(Stage::Argument)));
        with(context, *shape, &weights[1..], commitments)
            .1
            .expect_err("a weight too few");

        let mut changed = commitments.clone();
        changed.swap(k, (k + 1) % 3);
        let (stage, opened) = with(context, *shape, weights, &changed);
        assert_eq!((stage, opened), (Stage::Argument, Err(Stage::Argument)));
        for row in 0..commitments[k].len() {
            let mut changed = commitments.clone();
            changed[k][row] = named_generator::<Pallas>("J");
            let (stage, opened) = with(context, *shape, weights, &changed);
            assert_eq!((stage, opened), (Stage::Argument, Err(Stage::Argument)));
        }
        let mut changed = commitments.clone();
        changed[k].pop();
        let (stage, opened) = with(context, *shape, weights, &changed);
        assert_eq!((stage, opened), (Stage::Shape, Err(Stage::Shape)));
    }
}

#[test]
fn two_bad_proofs_do_not_cancel() {
    let (truth, witness) = bounded::<Pallas>(&Case::default());
    let good = || truth.prove(&witness).expect("an honest prover");
    let shifted = |by: F| {
        let mut proof = good();
        proof.scalars[3] += by;
        truth.defer(&proof.to_bytes()).expect("well-formed")
    };
    let honest = || truth.defer(&good().to_bytes()).expect("well-formed");
    Deferred::check_all(vec![honest(), honest()]).expect("two honest proofs");
    Deferred::<Pallas>::check_all(Vec::<Deferred<Pallas>>::new()).expect("nothing to check");
    let pair = vec![shifted(F::one()), shifted(-F::one())];
    assert_eq!(
        Deferred::check_all(pair)
            .expect_err("they would cancel in a plain sum")
            .stage,
        Stage::Argument
    );
    Deferred::check_all(vec![honest(), shifted(F::one()), honest()]).expect_err("one bad among good ones");
    let bad = [1, 4, 5, 6];
    let some = |k: usize| match k {
        5 => None,
        _ if bad.contains(&k) => Some(shifted(F::from(k as u64))),
        _ => Some(honest()),
    };
    let all: Vec<_> = (0..9).map(some).collect();
    let expected: Vec<bool> = (0..9).map(|k| !bad.contains(&k)).collect();
    assert_eq!(Deferred::holding(&all).unwrap(), expected);
    assert!(Deferred::<Pallas>::holding(&[]).unwrap().is_empty());
}

/// 32 bytes: any, small ones (below every modulus), or the encoding of a point.
fn element() -> impl Strategy<Value = [u8; 32]> {
    let point = |name| -> [u8; 32] {
        let encoded = encode_point::<Pallas>(&named_generator::<Pallas>(name));
        encoded.as_slice().try_into().expect("32 bytes")
    };
    prop_oneof![
        any::<[u8; 32]>(),
        any::<u8>().prop_map(|v| [[0; 31].as_slice(), &[v]].concat().try_into().expect("32 bytes")),
        prop::sample::select(vec![point("H"), point("U"), [0; 32], [255; 32]]),
    ]
}

proptest! {
    /// Whatever the bytes: an error, never a panic.
    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Proof::<Pallas>::from_bytes(&bytes);
        let (truth, _) = bounded::<Pallas>(&Case { d: 5, columns: 4, max_abs: 3, ..Case::default() });
        prop_assert!(truth.verify(&bytes).is_err());
    }

    /// The same where the counts are those of the relation, or near, and fit the length: what is read after them.
    #[test]
    fn arbitrary_elements(
        points in proptest::collection::vec(element(), 0..40),
        scalars in proptest::collection::vec(element(), 0..6),
        exact in any::<bool>(),
    ) {
        let (truth, witness) = bounded::<Pallas>(&Case { d: 5, columns: 4, max_abs: 3, ..Case::default() });
        let real = truth.prove(&witness).expect("an honest prover");
        let (mut points, mut scalars) = (points, scalars);
        if exact {
            points.resize(real.points.len(), [0; 32]);
            scalars.resize(real.scalars.len(), [0; 32]);
        }
        let count = |n: usize| u32::try_from(n).expect("few").to_be_bytes();
        let bytes = [&count(points.len()), &count(scalars.len()), points.concat().as_slice(), scalars.concat().as_slice()].concat();
        if let Ok(proof) = Proof::<Pallas>::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes.clone(), "one encoding each");
        }
        prop_assert!(truth.verify(&bytes).is_err());
    }

    /// What decodes to points is their only encoding; both suites.
    #[test]
    fn arbitrary_points(elements in proptest::collection::vec(element(), 0..6), rest in proptest::collection::vec(any::<u8>(), 0..33)) {
        let bytes = [elements.concat(), rest].concat();
        if let Ok(points) = decode_points::<Pallas>(&bytes) {
            let again: Vec<u8> = points.iter().flat_map(encode_point::<Pallas>).collect();
            prop_assert_eq!(&again, &bytes);
        }
        if let Ok(points) = decode_points::<Bn254>(&bytes) {
            let again: Vec<u8> = points.iter().flat_map(encode_point::<Bn254>).collect();
            prop_assert_eq!(&again, &bytes);
        }
    }

    /// Arbitrary public parameters: checked before anything is allocated.
    #[test]
    fn arbitrary_parameters(d in any::<u64>(), columns in any::<u32>(), max_abs in any::<u64>(), norm in any::<u128>(), limb in any::<u64>()) {
        let (truth, witness) = statement::<Pallas>(8, 4);
        let proof = truth.prove(&witness).expect("an honest prover").to_bytes();
        let bounds = Bounds { max_abs, max_norm_squared: norm, limb };
        let lie = BoundedUpdate::<Pallas> { context: context(), shape: Shape { d, columns }, bounds, points: truth.points.clone() };
        prop_assert!(lie.verify(&proof).is_err());
    }

    #[test]
    fn flipped_bits(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let (truth, witness) = statement::<Pallas>(6, 4);
        let mut proof = truth.prove(&witness).expect("an honest prover").to_bytes();
        let at = at.index(proof.len());
        proof[at] ^= 1 << bit;
        prop_assert!(truth.verify(&proof).is_err());
    }
}

#[test]
fn every_field_of_an_accuracy() {
    for test in accuracy::kinds() {
        // One less than is true, so that one more and one less could be proved.
        let (mut truth, trained) = test.make::<Pallas>();
        truth.correct -= 1;
        let proof = truth.prove(&trained).expect("an honest prover").to_bytes();
        truth.verify(&proof).expect("an honest proof");
        every_part_of_a_head(&truth, &proof, &trained.weights.values, |s| {
            let Accuracy {
                context,
                size,
                scale: _,
                correct: _,
                digits,
                records,
                weights,
            } = s;
            OfHead {
                context,
                size,
                digits,
                records,
                weights,
            }
        });
        for by in [1, -1i32] {
            let (mut total, mut scale) = (truth.clone(), truth.clone());
            total.correct = total.correct.wrapping_add_signed(by.into());
            scale.scale = scale.scale.wrapping_add_signed(by);
            for other in [total, scale] {
                assert_eq!(refused(&other, &proof), Stage::Argument);
            }
        }
    }
}
