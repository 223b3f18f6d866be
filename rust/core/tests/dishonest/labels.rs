//! The inventory: everything that a relation absorbs and draws has an attack that needs it, or a reason.

use std::collections::BTreeSet;

use fedproof_core::error::Stage;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::closing::close_and_keep;
use fedproof_core::recorder::{Recorder, Role};
use fedproof_core::relation::Relation;
use fedproof_core::transcript::Event;

use crate::common::accuracy;
use crate::common::lies::accuracy::{Lie, Says};
use crate::common::lies::{attempt, long, out_of_range};
use crate::common::masking::Upload;
use crate::common::optimum::kinds;
use crate::common::receipt::Asked;
use crate::common::{Case, aggregate, bounded, commit, numbers, statement};
use crate::dishonest::optimum::back_door;
use crate::dishonest::receipt::loses;
use crate::dishonest::{order_accuracy, order_masking, order_optimum, order_receipt, order_statement};

/// Of a bounded update: values whose absence from the transcript an attack of this suite uses.
pub const ATTACKED: [&str; 20] = [
    "announcement",
    "client",
    "weight",
    "certificate",
    "x",
    "limb",
    "m",
    "slack",
    "gkr/roots",
    "gkr/round",
    "gkr/ends",
    "products/round",
    "product/masks",
    "product/u",
    "product/v",
    "merge/low",
    "merge/high",
    "ipa/low",
    "ipa/high",
    "schnorr/nonce",
];

/// Absorbed without an attack that needs it: a verifier holds these before it sees a proof, and its equation contains what they
/// fix. They keep a proof from being one for two statements at once. Nothing is drawn after the last answer.
pub const NOT_ATTACKED: [&str; 7] = [
    "suite",
    "version",
    "relation",
    "generators",
    "shape",
    "bounds",
    "schnorr/answer",
];

/// Challenges that an attack uses where they are known.
pub const FORESEEN: [&str; 15] = [
    "alpha",
    "padding",
    "gkr/lambda",
    "gkr/rho",
    "gkr/xi",
    "products/delta",
    "products/sigma",
    "product/e",
    "combine/eta",
    "combine/tau",
    "combine/beta",
    "merge/e",
    "ipa/chi",
    "schnorr/e",
    "ipa/e", // by way of `ipa/low` and `ipa/high`
];

/// A rule's name, for as long as the tests run.
pub fn rule(kind: &str, name: &str) -> &'static str {
    Box::leak(format!("{kind}:{name}").into_boxed_str())
}

/// Honest code is refused, whatever is not absorbed.
fn proves_nothing<S: Suite, R: Relation<S>>(lie: &R, witness: &R::Secret) {
    for name in labels(lie).0 {
        let dropped = rule("absorb", name);
        assert_eq!(
            attempt(lie, witness, None, dropped),
            Err(Stage::Argument),
            "{dropped}"
        );
    }
}

/// It is the attacks that pass: without a value in the transcript, honest code proves lies no better.
#[test]
fn absence_alone_proves_nothing() {
    for (lie, witness) in [long::<Pallas>(), out_of_range(8)] {
        proves_nothing(&lie, &witness);
    }
    for head in kinds() {
        let (lie, trained, ..) = back_door::<Pallas>(&head);
        proves_nothing(&lie, &trained);
    }
    for test in accuracy::kinds() {
        let lie = Lie::<Pallas>::new(&test, Says::Nothing);
        proves_nothing(&lie.statement, &lie.trained);
    }
    let (lie, witness) = loses::<Pallas>();
    proves_nothing(&lie, &witness);
    let (lie, secret) = Upload::default().make::<Pallas>().shifted(777).statement();
    proves_nothing(&lie, &secret);
}

pub type Names = BTreeSet<&'static str>;

/// What a relation absorbs, and what it draws.
pub fn labels<S: Suite, R: Relation<S>>(statement: &R) -> (Names, Names) {
    let mut rec = Recorder::<S>::new(Role::counter(), 128);
    statement
        .record(&mut rec, None)
        .expect("a counter needs no witness");
    let (_, transcript) = close_and_keep(rec).expect("a counter closes");
    let (mut absorbed, mut drawn) = (Names::new(), Names::new());
    for event in transcript.log() {
        match event {
            Event::Absorb(label) => absorbed.insert(label.0),
            Event::Challenge(label) => drawn.insert(label.0),
        };
    }
    (absorbed, drawn)
}

#[test]
fn every_label_has_an_attack_or_a_reason() {
    let (truth, _) = bounded::<Pallas>(&Case {
        limb: 3,
        ..Case::default()
    });
    let (absorbed, drawn) = labels(&truth);
    assert_eq!(absorbed, ATTACKED.into_iter().chain(NOT_ATTACKED).collect());
    assert_eq!(drawn, FORESEEN.into_iter().collect());
}

/// Of what a relation absorbs or draws: all of its own, and nothing else that is not among `known`.
fn are_own(all: &Names, own: impl IntoIterator<Item = &'static str>, known: &Names) {
    let own: Names = own.into_iter().collect();
    assert_eq!(&own - all, Names::new());
    assert_eq!(all - known, &own - known);
}

/// What some of these absorb, and draw.
fn of_all(each: impl Iterator<Item = (Names, Names)>) -> (Names, Names) {
    each.reduce(|(a, b), (c, d)| (&a | &c, &b | &d))
        .unwrap_or_default()
}

/// Of every kind of head, and of their accuracies; and of receipts and masked uploads, which draw nothing of their own.
#[test]
fn every_label_of_the_others_has_an_attack_or_a_reason() {
    let known: Names = ATTACKED.into_iter().chain(NOT_ATTACKED).collect();
    let foreseen: Names = FORESEEN.into_iter().collect();

    let (absorbed, drawn) = of_all(kinds().iter().map(|head| labels(&head.make::<Pallas>().0)));
    let own = [
        &order_optimum::SENT[..],
        &order_statement::ATTACKED,
        &order_optimum::NOT_ATTACKED,
    ];
    are_own(&absorbed, own.concat(), &known);
    are_own(&drawn, order_optimum::FORESEEN, &foreseen);

    let tests = accuracy::kinds();
    let (absorbed, drawn) = of_all(tests.iter().map(|test| labels(&test.make::<Pallas>().0)));
    let own = [
        &order_accuracy::SENT[..],
        &order_accuracy::ATTACKED,
        &order_accuracy::NOT_ATTACKED,
    ];
    are_own(&absorbed, own.concat(), &known);
    are_own(&drawn, order_accuracy::FORESEEN, &foreseen);

    let (absorbed, drawn) = labels(&Asked::default().make::<Pallas>().0);
    are_own(&absorbed, order_receipt::ATTACKED, &known);
    are_own(&drawn, [], &foreseen);

    let (absorbed, drawn) = labels(&Upload::default().make::<Pallas>().statement().0);
    let own = [&order_masking::ATTACKED[..], &order_masking::NOT_ATTACKED];
    are_own(&absorbed, own.concat(), &known);
    are_own(&drawn, [], &foreseen);
}

/// The other relations' labels are among these, but for what an opening and a sum have of their own.
#[test]
fn every_label_of_openings_and_sums_has_an_attack_or_a_reason() {
    // Attacked in `statement.rs`; the count follows from the terms.
    let of_sums = ["term", "term/rows", "terms"];
    // Attacked in `order_relation.rs`.
    let of_openings = "rows";
    let known: Names = ATTACKED.into_iter().chain(NOT_ATTACKED).collect();
    let foreseen: Names = FORESEEN.into_iter().collect();

    let (opening, _) = statement::<Pallas>(22, 8);
    let part = commit::<Pallas>(numbers(22, 100, 1), 8);
    let (sum, _) = aggregate::<Pallas>(&[(2, &part), (3, &part)]);
    for ((absorbed, drawn), own) in [(labels(&opening), &of_sums[..0]), (labels(&sum), &of_sums)] {
        let new: Names = absorbed.difference(&known).copied().collect();
        assert_eq!(new, own.iter().copied().collect());
        let new: Vec<_> = drawn.difference(&foreseen).copied().collect();
        assert_eq!(new, [of_openings]);
    }
}
