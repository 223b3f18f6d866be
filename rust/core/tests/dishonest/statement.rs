//! What a statement absorbs: a proof for another place, or of other terms, passes exactly if what names them is not absorbed.

use fedproof_core::error::Stage;
use fedproof_core::group::Pallas;
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::{Context, Shape};

use crate::common::lies::{proved, verdict};
use crate::common::{aggregate, commit, context, numbers};

#[test]
fn every_part_of_the_context_is_absorbed() {
    let (points, witness) = commit::<Pallas>(numbers(21, 7, 1), 8);
    let at = |context| PlainOpening::<Pallas> {
        context,
        shape: Shape { d: 21, columns: 8 },
        points: points.clone(),
    };
    let original = at(context());
    let changes: [(&'static str, Box<dyn Fn(&mut Context)>); 4] = [
        ("absorb:announcement", Box::new(|c| c.announcement[31] ^= 1)),
        ("absorb:client", Box::new(|c| c.client.push('2'))),
        ("absorb:weight", Box::new(|c| c.weight += 1)),
        ("absorb:certificate", Box::new(|c| c.certificate = Some([0; 32]))),
    ];
    for (dropped, change) in changes {
        let mut moved = context();
        change(&mut moved);
        let moved = at(moved);
        let shown = |dropped| verdict(&moved, &proved(&original, &witness, None, dropped), dropped);
        assert_eq!(shown("nothing"), Err(Stage::Argument), "{dropped}");
        assert_eq!(shown(dropped), Ok(()), "{dropped}");
    }
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
