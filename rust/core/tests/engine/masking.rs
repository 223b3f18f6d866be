//! R4, consistent masking: honest clients, and each way in which an upload does not fit.

use ark_ff::One;
use fedproof_core::commit::Key;
use fedproof_core::error::Stage;
use fedproof_core::group::{Suite, WithoutH, to_affine};
use fedproof_core::masking::Modulus;
use fedproof_core::recorder::Role;
use fedproof_core::recorder::closing::Outcome;
use fedproof_core::relation::Relation;
use fedproof_core::relation::consistent_masking::{ConsistentMasking, Secret};

use crate::common::masking::{Upload, Uploaded};
use crate::common::on_both_suites;

on_both_suites!(
    masks:
    many_sizes,
    uploads_that_do_not_fit,
    pairs_that_do_not_fit,
    other_statements,
    refused_statements,
);

fn refused<S: Suite>(statement: &ConsistentMasking<S>, secret: &Secret<S::Scalar>) {
    let checked = statement.prove(secret).map(|_| ()).map_err(|e| e.stage);
    assert_eq!(checked, Err(Stage::Witness));
    let proof = statement
        .prove_unchecked(secret)
        .expect("any attacker can")
        .to_bytes();
    let verified = statement.verify(&proof).map_err(|e| e.stage);
    assert_eq!(verified, Err(Stage::Argument));
}

mod masks {
    use super::*;

    pub fn many_sizes<S: Suite>() {
        for (d, columns, modulus, neighbours) in [
            (1, 2, Modulus::Bits32, 1),
            (21, 8, Modulus::Bits40, 2),
            (64, 8, Modulus::Bits48, 0),
            (300, 128, Modulus::Bits40, 5),
            (257, 256, Modulus::Bits32, 1),
        ] {
            let upload = Upload {
                d,
                columns,
                modulus,
                neighbours,
                carry_bits: 80,
            };
            let (statement, secret) = upload.make::<S>().statement();
            let proof = statement.prove(&secret).expect("true").to_bytes();
            statement.verify(&proof).expect("proved");
            let Ok(Outcome::Counts { points, scalars, .. }) = statement.run(Role::counter(), None) else {
                panic!("a counter counts")
            };
            assert_eq!(proof.len(), 8 + 32 * (points + scalars));
        }
    }

    pub fn uploads_that_do_not_fit<S: Suite>() {
        let made = || Upload::default().make::<S>();
        let lie = |change: fn(&mut Uploaded<S>)| {
            let mut upload = made();
            change(&mut upload);
            let (statement, secret) = upload.statement();
            refused(&statement, &secret);
        };
        lie(|u| u.masked[20] = (u.masked[20] + 1) % u.modulus.q());
        lie(|u| u.blinds[2] += S::Scalar::one()); // the sum would have another blind
        lie(|u| u.values[3] += 1); // committed to another update
        let (mut heavier, secret) = made().statement();
        heavier.context.weight += 1;
        refused(&heavier, &secret);
    }

    pub fn pairs_that_do_not_fit<S: Suite>() {
        let (statement, secret) = Upload::default().make::<S>().statement();
        let shape = statement.shape;
        let key = Key::<S>::get(2 * shape.columns());
        let on = |column: usize| {
            key.commit_scalars(column, &[S::Scalar::one()], &S::Scalar::from(0u64))
                .unwrap()
        };
        let h = key.commit_scalars(0, &[], &S::Scalar::one()).unwrap();
        // By one on J, on a column's generator, on one behind J, on H.
        for shift in [on(shape.columns()), on(0), on(shape.columns() + 1), h] {
            let mut changed = statement.clone();
            let point = &mut changed.pairs[0].points[1];
            *point = to_affine::<S>(&[shift + *point])[0];
            refused(&changed, &secret);
        }
        let mut turned = statement.clone();
        turned.pairs[1].negative ^= true;
        refused(&turned, &secret);
        // Under another β than the client knows.
        let mut hidden = statement;
        let k = Key::<WithoutH<S>>::get(1)
            .commit_scalars(0, &[], &S::Scalar::one())
            .unwrap();
        let point = &mut hidden.pairs[0].points[2];
        *point = to_affine::<S>(&[k + *point])[0];
        refused(&hidden, &secret);
    }

    pub fn other_statements<S: Suite>() {
        let (truth, secret) = Upload::default().make::<S>().statement();
        let proof = truth.prove(&secret).expect("true").to_bytes();
        truth.verify(&proof).expect("proved");
        // A new field without a change below does not compile.
        let ConsistentMasking {
            context: _,
            accepted: _,
            shape: _,
            modulus: _,
            carry_bits: _,
            points: _,
            blinds: _,
            pairs: _,
            values: _,
        } = &truth;
        let denied = |change: fn(&mut ConsistentMasking<S>)| {
            let mut changed = truth.clone();
            change(&mut changed);
            assert_eq!(changed.verify(&proof).map_err(|e| e.stage), Err(Stage::Argument));
        };
        denied(|s| s.context.announcement[0] ^= 1);
        denied(|s| s.context.client.push('x'));
        denied(|s| s.context.weight += 1);
        denied(|s| s.accepted[0] ^= 1);
        denied(|s| s.shape.d -= 1);
        denied(|s| s.modulus = Modulus::Bits40);
        denied(|s| s.points.swap(0, 1));
        denied(|s| s.blinds.swap(0, 1));
        denied(|s| s.pairs.swap(0, 1));
        denied(|s| s.pairs[2].points.swap(0, 1));
        denied(|s| s.pairs[2].negative ^= true);
        denied(|s| s.values.swap(0, 1));
    }

    pub fn refused_statements<S: Suite>() {
        let (truth, _) = Upload::default().make::<S>().statement();
        let refused = |stage: Stage, change: fn(&mut ConsistentMasking<S>)| {
            let mut changed = truth.clone();
            change(&mut changed);
            assert_eq!(changed.check().map_err(|e| e.stage), Err(stage));
        };
        refused(Stage::Shape, |s| s.points.truncate(1));
        refused(Stage::Shape, |s| s.blinds.truncate(1));
        refused(Stage::Shape, |s| s.values.truncate(2));
        refused(Stage::Shape, |s| s.pairs[1].points.truncate(2));
        refused(Stage::Statement, |s| s.shape.columns = 7);
        refused(Stage::Statement, |s| s.carry_bits = 0);
        refused(Stage::Statement, |s| s.carry_bits = 127);
        refused(Stage::Statement, |s| s.values[0] = s.modulus.q());
        refused(Stage::Statement, |s| s.pairs = vec![s.pairs[0].clone(); 1001]);
    }
}
