//! An inventory of everything that a prover sends, with what hides it. (`simulator.rs` has the simulator.)

use crate::common::accuracy;
use crate::common::masking::Upload;
use crate::common::optimum::kinds;
use crate::common::receipt::Asked;
use crate::common::{Case, bounded};
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::closing::{Outcome, close_and_keep};
use fedproof_core::recorder::{Recorder, Role};
use fedproof_core::relation::Relation;
use fedproof_core::relation::optimum::Loss;
use fedproof_core::transcript::Event;

/// What a bounded update absorbs beyond its statement, and what hides each from everybody.
const SENT: [(&str, &str); 6] = [
    ("limb", "a blind on H per row"),
    ("m", "a blind on H per row"),
    ("slack", "a blind on H"),
    ("gkr/roots", "a blind on H"),
    ("gkr/round", "a blind on H"),
    ("gkr/ends", "a blind on H"),
];
/// The same for the closing argument of every relation.
const CLOSING: [(&str, &str); 10] = [
    ("products/round", "a blind on H"),
    ("product/masks", "a blind on H"),
    ("product/u", "the uniform mask m_a, committed before e"),
    ("product/v", "the uniform mask m_b, committed before e"),
    ("merge/low", "a blind on H"),
    ("merge/high", "a blind on H"),
    ("ipa/low", "a blind on H"),
    ("ipa/high", "a blind on H"),
    ("schnorr/nonce", "two nonces"),
    ("schnorr/answer", "a nonce each"),
];
/// The context of every statement.
const CONTEXT: [&str; 8] = [
    "suite",
    "version",
    "relation",
    "generators",
    "announcement",
    "client",
    "weight",
    "certificate",
];
const STATEMENT: [&str; 3] = ["shape", "bounds", "x"];

/// A prover absorbs its context, this statement, these messages, and the closing argument's.
fn sends<S: Suite, R: Relation<S>>(
    truth: &R,
    witness: &R::Secret,
    statement: &[&'static str],
    sent: &[(&'static str, &str)],
) {
    let mut rec = Recorder::<S>::new(Role::prover(), 128);
    truth.record(&mut rec, Some(witness)).expect("an honest prover");
    let (_, transcript) = close_and_keep(rec).expect("an honest prover");
    let mut known: Vec<&str> = [&CONTEXT, statement].concat();
    known.extend(sent.iter().chain(&CLOSING).map(|(name, _)| *name));
    let mut seen: Vec<&str> = Vec::new();
    for event in transcript.log() {
        if let Event::Absorb(label) = event {
            assert!(
                known.contains(&label.0),
                "{} is sent and nobody says what hides it",
                label.0
            );
            seen.push(label.0);
        }
    }
    for name in known {
        assert!(seen.contains(&name), "{name} is listed and never sent");
    }
}

#[test]
fn nothing_else_is_sent() {
    let (truth, witness) = bounded::<Pallas>(&Case {
        limb: 3,
        ..Case::default()
    });
    sends(&truth, &witness, &STATEMENT, &SENT);
}

#[test]
fn receipts_send_leads() {
    let (truth, witness) = Asked::default().make::<Pallas>();
    let sent = [("leads", "a blind on H")];
    sends(&truth, &witness, &["shape", "inputs", "W"], &sent);
}

/// All blinds are on K here; what was uploaded is the statement.
#[test]
fn masking_sends_carries() {
    let (truth, secret) = Upload::default().make::<Pallas>().statement();
    let sent = [("carry", "a blind on K")];
    let statement = [
        "accepted", "shape", "modulus", "rows", "blinds", "sign", "pair", "values", "Q",
    ];
    sends(&truth, &secret, &statement, &sent);
}

/// Records, margins, and committed weights are hidden; nothing of them is sent in the open.
#[test]
fn optima_send_commitments() {
    for head in kinds() {
        let (truth, trained) = head.make::<Pallas>();
        let hinge = head.loss == Loss::SquaredHinge;
        let mut statement = vec!["shape", "loss", "objective", "digits", "records"];
        statement.push(if head.committed { "W" } else { "weights" });
        let mut sent = vec![
            "slack",
            "norm/round",
            "norm/end",
            "gradient/round",
            "gradient/ends",
        ];
        sent.extend(["logit/round", "logit/ends"]);
        sent.extend(if hinge {
            &["digit", "hinge/round", "hinge/ends"][..]
        } else {
            &["ridge/ends"]
        });
        if head.committed {
            sent.extend(["limb", "weights/at"]);
        }
        if hinge || head.committed {
            sent.extend(["m", "gkr/roots", "gkr/round", "gkr/ends"]);
        }
        let sent: Vec<_> = sent.into_iter().map(|name| (name, "a blind on H")).collect();
        sends(&truth, &trained, &statement, &sent);
    }
}

/// Which records count, their logits and their leads are hidden.
#[test]
fn accuracies_send_commitments() {
    for test in accuracy::kinds() {
        let (truth, trained) = test.make::<Pallas>();
        let weights = if test.head.committed { "W" } else { "weights" };
        let statement = ["shape", "claim", "digits", "records", weights];
        let sent = [
            "correct",
            "top",
            "digit",
            "m",
            "gkr/roots",
            "gkr/round",
            "gkr/ends",
            "accuracy/top",
            "accuracy/round",
            "accuracy/ends",
            "logit/round",
            "logit/ends",
        ];
        sends(
            &truth,
            &trained,
            &statement,
            &sent.map(|name| (name, "a blind on H")),
        );
    }
}

/// All roles absorb and draw the same, in the same order: the statement before the first challenge.
#[test]
fn the_roles_keep_step() {
    let (truth, witness) = bounded::<Pallas>(&Case {
        limb: 3,
        ..Case::default()
    });
    let log = |role: Role<Pallas>, witness| {
        let mut rec = Recorder::new(role, 128);
        truth.record(&mut rec, witness).expect("recorded");
        let (outcome, transcript) = close_and_keep(rec).expect("closed");
        (outcome, transcript.log().to_vec())
    };
    let (outcome, proved) = log(Role::prover(), Some(&witness));
    let Outcome::Proof(proof) = outcome else {
        panic!("a proof")
    };
    let (outcome, counted) = log(Role::counter(), None);
    let Outcome::Counts {
        points,
        scalars,
        soundness_bits,
        ..
    } = outcome
    else {
        panic!("counts")
    };
    assert_eq!((points, scalars), (proof.points.len(), proof.scalars.len()));
    assert!(soundness_bits > 115.0);
    assert_eq!(proved, log(Role::verifier(proof), None).1);
    assert_eq!(proved, counted);
    let first = proved
        .iter()
        .position(|e| matches!(e, Event::Challenge(_)))
        .expect("a challenge");
    assert_eq!(proved[first], Event::Challenge("alpha".into()));
    assert!(
        proved[..first]
            .iter()
            .zip(CONTEXT.into_iter().chain(STATEMENT))
            .all(|(e, name)| *e == Event::Absorb(name.into()))
    );
}

/// A real proof and a simulated one look alike: every element is uniform, so bytes of many proofs of one secret and of
/// another have the same frequencies (a coarse test; the argument is in the specification).
#[test]
fn bytes_do_not_depend_on_the_secret() {
    let counts = |x: Vec<i64>| {
        let (truth, witness) = bounded::<Pallas>(&Case {
            d: 4,
            columns: 2,
            max_abs: 3,
            max_norm_squared: Some(40),
            x: Some(x),
            ..Case::default()
        });
        let mut ones = 0u32;
        let mut bits = 0u32;
        for _ in 0..40 {
            for scalar in truth.prove(&witness).expect("an honest prover").scalars {
                let bytes = fedproof_core::group::encode_field(scalar);
                ones += bytes.iter().skip(1).map(|b| b.count_ones()).sum::<u32>();
                bits += 8 * (bytes.len() as u32 - 1);
            }
        }
        (f64::from(ones) - f64::from(bits) / 2.0) / (f64::from(bits) / 4.0).sqrt()
    };
    for x in [vec![0; 4], vec![3, -3, 3, 1]] {
        let deviation = counts(x);
        assert!(deviation.abs() < 6.0, "{deviation} standard deviations off");
    }
}
