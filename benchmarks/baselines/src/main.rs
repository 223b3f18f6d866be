//! One client's bounded update beside other systems' proofs of the same statement, in one process:
//! `cargo run --release -- [--json FILE] [d …]`. With `training` in front: a trained head's proof beside Groth16, in `training`.
//!
//! - fedproof: every coordinate within ±32767 and the Euclidean norm, exactly, in zero knowledge; the commitment adds.
//! - `bulletproofs` (RoFL's and roughly ACORN's core): 16-bit ranges only, no norm; measured on groups of 1,024 values, all
//!   of d extrapolated from one group.
//! - `prio` 0.17, Prio3FixedPointBoundedL2VecSum: 16-bit and L2, but two servers that must not collude.
//!
//! Times are minima of three warm runs, generators and tables left out; the commitment is part of fedproof's time. prio and
//! bulletproofs use one thread; fedproof as many as RAYON_NUM_THREADS says.

mod circuit;
#[path = "../../../rust/core/examples/shared/head.rs"]
mod head;
#[path = "../../../rust/core/examples/shared/mod.rs"]
mod shared;
mod training;

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use bulletproofs::{BulletproofGens, PedersenGens, RangeProof};
use curve25519_dalek::scalar::Scalar as Ristretto;
use fedproof_core::commit::Key;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::Rows;
use fedproof_core::relation::bounded_update::{BoundedUpdate, Bounds};
use fedproof_core::relation::{Context, Relation, Shape};
use fixed::types::I1F15;
use merlin::Transcript;
use prio::codec::Encode;
use prio::vdaf::prio3::Prio3FixedPointBoundedL2VecSum;
use prio::vdaf::{Aggregator, Client};
use shared::Failure;

struct Row {
    system: &'static str,
    statement: &'static str,
    d: usize,
    prove: f64,
    verify: f64,
    bytes: usize,
}

fn best<T>(mut work: impl FnMut() -> Result<T, Failure>) -> Result<(f64, T), Failure> {
    let mut out = (f64::INFINITY, work()?);
    for _ in 0..3 {
        let start = Instant::now();
        let value = work()?;
        let time = start.elapsed().as_secs_f64();
        if time < out.0 {
            out = (time, value);
        }
    }
    Ok(out)
}

fn update(d: usize) -> Vec<i64> {
    let mut state = 7u64;
    (0..d)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            i64::from((state >> 49) as i32) - 16384
        })
        .collect()
}

fn fedproof(d: usize) -> Result<Row, Failure> {
    let log = d.next_power_of_two().trailing_zeros();
    let columns = 1u32 << (log + 2).div_ceil(2).clamp(7, 12);
    let limb = if d >= 1 << 18 { 0 } else { 256 };
    let x = update(d);
    let max_norm_squared: u128 = x.iter().map(|v| u128::from(v.unsigned_abs()).pow(2)).sum();
    let shape = Shape { d: d as u64, columns };
    let key = Key::<Pallas>::get(columns as usize);
    let blinds: Vec<<Pallas as Suite>::Scalar> =
        (0..shape.rows() as u64).map(|i| (i + 1000).into()).collect();
    let prove = || {
        let points = key.commit_rows(&x, columns as usize, 16, &blinds)?;
        let witness = Arc::new(Rows {
            values: x.clone(),
            columns: columns as usize,
            blinds: blinds.clone(),
            bits: 16,
        });
        let context = Context {
            announcement: [1; 32],
            client: "client".into(),
            weight: 1,
            certificate: None,
        };
        let bounds = Bounds {
            max_abs: 32767,
            max_norm_squared,
            limb,
        };
        let statement = BoundedUpdate::<Pallas> {
            context,
            shape,
            bounds,
            points,
        };
        let proof = statement.prove_unchecked(&witness)?.to_bytes();
        Ok((statement, proof))
    };
    let (time, (statement, proof)) = best(prove)?;
    let (verify, ()) = best(|| Ok(statement.verify(&proof)?))?;
    let bytes = proof.len() + 32 * statement.points.len();
    Ok(Row {
        system: "fedproof",
        statement: "range and norm, zero knowledge",
        d,
        prove: time,
        verify,
        bytes,
    })
}

fn ranges(d: usize) -> Result<Row, Failure> {
    const GROUP: usize = 1024;
    let (generators, pedersen) = (BulletproofGens::new(16, GROUP), PedersenGens::default());
    let values: Vec<u64> = update(GROUP).iter().map(|v| (v + 32768) as u64).collect();
    let blinds: Vec<Ristretto> = (0..GROUP as u64).map(|i| Ristretto::from(i + 1000)).collect();
    let prove = || {
        let mut transcript = Transcript::new(b"bench");
        Ok(RangeProof::prove_multiple(
            &generators,
            &pedersen,
            &mut transcript,
            &values,
            &blinds,
            16,
        )?)
    };
    let (time, (proof, commitments)) = best(prove)?;
    let check = || {
        let mut transcript = Transcript::new(b"bench");
        Ok(proof.verify_multiple(&generators, &pedersen, &mut transcript, &commitments, 16)?)
    };
    let (verify, ()) = best(check)?;
    let groups = d as f64 / GROUP as f64;
    let bytes = (groups * (proof.to_bytes().len() + 32 * GROUP) as f64) as usize;
    Ok(Row {
        system: "bulletproofs 5",
        statement: "range only (extrapolated)",
        d,
        prove: time * groups,
        verify: verify * groups,
        bytes,
    })
}

fn two_servers(d: usize) -> Result<Row, Failure> {
    let vdaf = Prio3FixedPointBoundedL2VecSum::<I1F15>::new_fixedpoint_boundedl2_vec_sum(2, d)?;
    let small = I1F15::from_bits((32768.0 / (d as f64).sqrt() / 2.0) as i16);
    let measurement = vec![small; d];
    let (context, nonce, key) = (b"bench", [7u8; 16], [9u8; 32]);
    let (time, (public, shares)) = best(|| Ok(vdaf.shard(context, &measurement, &nonce)?))?;
    let check = || {
        let mut sent = Vec::new();
        for (id, share) in shares.iter().enumerate() {
            let (state, prepared) = vdaf.prepare_init(&key, context, id, &(), &nonce, &public, share)?;
            black_box(state);
            sent.push(prepared);
        }
        Ok(vdaf.prepare_shares_to_prepare_message(context, &(), sent)?)
    };
    let (verify, _) = best(check)?;
    let mut bytes = public.get_encoded()?.len();
    for share in &shares {
        bytes += share.get_encoded()?.len();
    }
    Ok(Row {
        system: "prio 0.17",
        statement: "range and norm, two servers",
        d,
        prove: time,
        verify,
        bytes,
    })
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).peekable();
    let of_training = arguments.next_if(|a| a == "training").is_some();
    let mut json = None;
    if arguments.peek().is_some_and(|a| a == "--json") {
        arguments.next();
        json = arguments.next();
    }
    if of_training {
        return training::run(json, arguments.collect());
    }
    let mut sizes: Vec<usize> = arguments.filter_map(|a| a.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 16_384, 100_000];
    }
    let mut rows = Vec::new();
    println!(
        "{:<16}{:<34}{:>9}{:>12}{:>12}{:>12}{:>10}",
        "system", "statement", "d", "prove ms", "verify ms", "bytes", "ratio"
    );
    for d in sizes {
        let ours = fedproof(d)?;
        let base = ours.prove;
        for row in [ours, two_servers(d)?, ranges(d)?] {
            let Row {
                system,
                statement,
                d,
                prove,
                verify,
                bytes,
            } = &row;
            let (p, v, ratio) = (prove * 1e3, verify * 1e3, prove / base);
            println!("{system:<16}{statement:<34}{d:>9}{p:>12.1}{v:>12.1}{bytes:>12}{ratio:>9.1}x");
            rows.push(format!(
                r#"{{"system":"{system}","statement":"{statement}","d":{d},"prove_s":{prove},"verify_s":{verify},"bytes":{bytes},"ratio":{ratio}}}"#
            ));
        }
    }
    if let Some(path) = json {
        writeln!(std::fs::File::create(path)?, "[\n{}\n]", rows.join(",\n"))?;
    }
    Ok(())
}
