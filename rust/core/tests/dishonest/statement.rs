//! What a statement absorbs: a proof for another place, or of other terms, passes exactly if what names them is not absorbed.

use fedproof_core::error::Stage;
use fedproof_core::group::Pallas;
use fedproof_core::relation::accuracy::Accuracy;
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::optimum::Optimum;
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::receipt::Receipt;
use fedproof_core::relation::{Context, Relation, Shape};

use crate::common::lies::{proved, verdict};
use crate::common::optimum::kinds;
use crate::common::receipt::Asked;
use crate::common::{accuracy, aggregate, commit, context, numbers};

/// A statement that is true anywhere, `at` each place.
fn holds_at_one_place<R: Relation<Pallas>>(at: impl Fn(Context) -> R, witness: &R::Secret) {
    let original = at(context());
    let changes: [(&'static str, fn(&mut Context)); 4] = [
        ("absorb:announcement", |c| c.announcement[31] ^= 1),
        ("absorb:client", |c| c.client.push('2')),
        ("absorb:weight", |c| c.weight += 1),
        ("absorb:certificate", |c| c.certificate = Some([0; 32])),
    ];
    for (dropped, change) in changes {
        let mut moved = context();
        change(&mut moved);
        let moved = at(moved);
        let shown = |dropped| verdict(&moved, &proved(&original, witness, None, dropped), dropped);
        assert_eq!(shown("nothing"), Err(Stage::Argument), "{dropped}");
        assert_eq!(shown(dropped), Ok(()), "{dropped}");
    }
}

#[test]
fn every_part_of_the_context_is_absorbed() {
    let (points, witness) = commit::<Pallas>(numbers(21, 7, 1), 8);
    let at = |context| PlainOpening::<Pallas> {
        context,
        shape: Shape { d: 21, columns: 8 },
        points: points.clone(),
    };
    holds_at_one_place(at, &witness);
    for head in kinds() {
        let (statement, trained) = head.make::<Pallas>();
        holds_at_one_place(
            |context| Optimum {
                context,
                ..statement.clone()
            },
            &trained,
        );
    }
    for test in accuracy::kinds() {
        let (statement, trained) = test.make::<Pallas>();
        holds_at_one_place(
            |context| Accuracy {
                context,
                ..statement.clone()
            },
            &trained,
        );
    }
    let (statement, witness) = Asked::default().make::<Pallas>();
    holds_at_one_place(
        |context| Receipt {
            context,
            ..statement.clone()
        },
        &witness,
    );
}

/// The same sum from other terms: a proof for one list of who added what is none for another.
#[test]
fn terms_are_absorbed() {
    let first = commit::<Pallas>(numbers(22, 100, 1), 8);
    let second = commit::<Pallas>(numbers(22, 100, 2), 8);
    let cases: [(_, (HonestAggregate<Pallas>, _), (HonestAggregate<Pallas>, _)); 2] = [
        // two clients with one update, the weights exchanged
        (
            "absorb:term",
            aggregate(&[(2, &first), (3, &first)]),
            aggregate(&[(3, &first), (2, &first)]),
        ),
        // two clients of one weight, the updates exchanged
        (
            "absorb:term/rows",
            aggregate(&[(2, &first), (2, &second)]),
            aggregate(&[(2, &second), (2, &first)]),
        ),
    ];
    for (dropped, (original, witness), (other, _)) in cases {
        let shown = |dropped| {
            let proof = proved(&original, &witness, None, dropped);
            assert_eq!(
                verdict(&original, &proof, dropped),
                Ok(()),
                "{dropped}: an honest proof"
            );
            verdict(&other, &proof, dropped)
        };
        assert_eq!(shown("nothing"), Err(Stage::Argument), "{dropped}");
        assert_eq!(shown(dropped), Ok(()), "{dropped}");
    }
}
