//! What the recorder refuses of relations, and the error that it adds up.

use crate::common::context;
use std::sync::Arc;

use fedproof_core::error::Stage;
use fedproof_core::group::{Affine, Bn254, Pallas, Suite};
use fedproof_core::recorder::closing::{Outcome, close};
use fedproof_core::recorder::{Recorder, Role, Rows};
use fedproof_core::relation::bounded_update::{BoundedUpdate, Bounds};
use fedproof_core::relation::{Relation, Shape};

/// (points, scalars, bits) of a bounded update.
fn counts<S: Suite>(d: u64, columns: u32, max_abs: u64, norm: u128, limb: u64) -> (usize, usize, f64) {
    match counted::<S>(d, columns, max_abs, norm, limb) {
        Outcome::Counts {
            points,
            scalars,
            soundness_bits,
            ..
        } => (points, scalars, soundness_bits),
        _ => panic!("a counter counts"),
    }
}

fn counted<S: Suite>(d: u64, columns: u32, max_abs: u64, norm: u128, limb: u64) -> Outcome<S> {
    let shape = Shape { d, columns };
    let statement = BoundedUpdate::<S> {
        context: context(),
        shape,
        bounds: Bounds {
            max_abs,
            max_norm_squared: norm,
            limb,
        },
        points: vec![Affine::<S>::default(); shape.rows()],
    };
    statement.run(Role::counter(), None).expect("a counter counts")
}

/// The same page's "Worked counts": messages, slots, products.
#[test]
fn worked_counts() {
    for (d, limb, expected) in [(6, 0, (14, 53, 18)), (8, 0, (14, 53, 18)), (6, 2, (14, 69, 25))] {
        let Outcome::Counts {
            messages,
            slots,
            products,
            ..
        } = counted::<Pallas>(d, 4, 3, 30, limb)
        else {
            panic!("a counter counts")
        };
        assert_eq!((messages, slots, products), expected, "d = {d}, limb {limb}");
    }
}

/// The specification's tables (spec/relations/bounded-update.md).
#[test]
fn worked_numbers() {
    let quarter = |d: u64, b: u64| u128::from(d) * u128::from(b) * u128::from(b) / 4;
    for (d, columns, max_abs, norm, limb, bits, points) in [
        (6, 4, 3, 30, 0, 122.57, 27),
        (8, 4, 3, 30, 0, 122.64, 25),
        (6, 4, 3, 30, 2, 122.22, 29),
        (1_000, 128, 127, quarter(1_000, 127), 0, 120.69, 79),
        (1_000, 128, 32_767, quarter(1_000, 32_767), 256, 120.33, 94),
        (100_000, 1_024, 32_767, quarter(100_000, 32_767), 256, 119.20, 281),
        (131_072, 1_024, 32_767, quarter(131_072, 32_767), 256, 119.21, 309),
        (
            1_048_576,
            2_048,
            32_767,
            quarter(1_048_576, 32_767),
            0,
            119.05,
            269,
        ),
        (
            10_000_000,
            4_096,
            32_767,
            quarter(10_000_000, 32_767),
            0,
            118.57,
            348,
        ),
        (
            1 << 28,
            4_096,
            1 << 20,
            quarter(1 << 28, 1 << 20),
            0,
            118.18,
            1_460,
        ),
    ] {
        let (counted, scalars, sound) = counts::<Pallas>(d, columns, max_abs, norm, limb);
        assert_eq!((counted, scalars), (points, 19), "d = {d}");
        assert!((sound - bits).abs() < 0.006, "d = {d}: {sound} bits, not {bits}");
    }
}

/// At its limits a statement has more than 117 bits in both suites.
#[test]
fn the_largest_statement() {
    let largest = |columns| {
        let pallas = counts::<Pallas>(1 << 28, columns, 1 << 20, (1 << 120) - 1, 0).2;
        pallas.min(counts::<Bn254>(1 << 28, columns, 1 << 20, (1 << 120) - 1, 0).2)
    };
    for bits in [largest(4_096), largest(1 << 16)] {
        assert!(bits > 117.0, "{bits} bits");
    }
}

#[test]
fn a_statement_after_a_challenge() {
    let mut rec = Recorder::<Pallas>::new(Role::counter(), 128);
    rec.challenge("early", 1);
    let late = rec.statement_matrix("x", &[Affine::<Pallas>::default()], None::<Arc<Rows<_>>>);
    assert_eq!(late.map(|_| ()).map_err(|e| e.stage), Err(Stage::Statement));
}

/// A relation that forgets to constrain a value or to open a matrix runs for nobody.
#[test]
fn nothing_stays_unconstrained() {
    use fedproof_core::recorder::Lin;

    let stage = |relation: &dyn Fn(&mut Recorder<Pallas>)| {
        let mut rec = Recorder::new(Role::counter(), 128);
        relation(&mut rec);
        close(rec).map(|_| ()).map_err(|e| e.stage)
    };
    let commit = |rec: &mut Recorder<Pallas>, n| rec.commit("m", n, Vec::new).expect("a message");
    assert_eq!(
        stage(&|rec| {
            let slots = commit(rec, 2);
            rec.require_zero(
                "both",
                slots[0].clone(),
                vec![(slots[1].clone(), slots[1].clone())],
            );
        }),
        Ok(())
    );
    assert_eq!(
        stage(&|rec| {
            let slots = commit(rec, 2);
            rec.require_zero("one", slots[0].clone(), vec![]);
        }),
        Err(Stage::Shape)
    );
    assert_eq!(
        stage(&|rec| {
            rec.commit_matrix("rows", 1, 2, 8, Vec::new).expect("a matrix");
            let slots = commit(rec, 1);
            rec.require_zero("one", slots[0].clone(), vec![]);
        }),
        Err(Stage::Shape)
    );
    assert_eq!(
        stage(&|rec| {
            let rows = rec.commit_matrix("rows", 1, 2, 8, Vec::new).expect("a matrix");
            let columns = rec.column_weights(vec![1u64.into(), 2u64.into()]);
            rec.open("opening", rows, vec![1u64.into()], columns, Lin::zero())
                .expect("an opening");
        }),
        Ok(())
    );
}

#[test]
fn closing_without_anything() {
    assert!(close(Recorder::<Pallas>::new(Role::counter(), 128)).is_err());
}
