//! `cargo run --release --example prove_speed -- [d …]`: commitment, proof and verification of a bounded update, in one process.
//! Minimum of three warm runs each (verification: ten); generators and tables are left out. One core with RAYON_NUM_THREADS=1.

use std::sync::Arc;
use std::time::Instant;

use fedproof_core::commit::Key;
use fedproof_core::error::Result;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::Rows;
use fedproof_core::relation::bounded_update::{BoundedUpdate, Bounds};
use fedproof_core::relation::{Context, Relation, Shape, verify_all};

type Scalar = <Pallas as Suite>::Scalar;

fn best<T>(runs: usize, mut work: impl FnMut() -> Result<T>) -> Result<(f64, T)> {
    let mut best: Option<(f64, T)> = None;
    for _ in 0..runs {
        let start = Instant::now();
        let out = work()?;
        let time = start.elapsed().as_secs_f64();
        if best.as_ref().is_none_or(|(t, _)| time < *t) {
            best = Some((time, out));
        }
    }
    best.ok_or_else(|| unreachable!("at least one run"))
}

fn main() -> Result<()> {
    // In the thread pool, as the Python binding works.
    rayon::scope(|_| measure())
}

fn measure() -> Result<()> {
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 100_000, 1 << 17, 1 << 20];
    }
    println!(
        "{:>10} {:>6} {:>5} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8}",
        "d", "C", "limb", "commit ms", "prove ms", "verify ms", "batched ms", "proof B", "rows B"
    );
    for d in sizes {
        let log = (usize::BITS - (d - 1).leading_zeros()) as usize;
        let columns = 1u32 << (log + 2).div_ceil(2).clamp(7, 12);
        let max_abs = 32767u64;
        let limb = if d >= 1 << 18 { 0 } else { 256 };
        let mut state = 1u64;
        let x: Vec<i64> = (0..d)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                i64::from((state >> 48) as u16) - 32768
            })
            .map(|v| v.max(-32767))
            .collect();
        let norm: u128 = x.iter().map(|v| u128::from(v.unsigned_abs()).pow(2)).sum();
        let shape = Shape { d: d as u64, columns };
        let blinds: Vec<Scalar> = (0..shape.rows()).map(|i| Scalar::from(i as u64 + 77)).collect();
        let key = Key::<Pallas>::get(columns as usize);
        let commit = || key.commit_rows(&x, columns as usize, 16, &blinds);
        commit()?;
        let (commit_time, points) = best(3, commit)?;
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
            max_abs,
            max_norm_squared: norm,
            limb,
        };
        let statement = BoundedUpdate::<Pallas> {
            context,
            shape,
            bounds,
            points,
        };
        statement.prove_unchecked(&witness)?;
        let (prove_time, proof) = best(3, || statement.prove_unchecked(&witness))?;
        let bytes = proof.to_bytes();
        let (verify_time, ()) = best(10, || statement.verify(&bytes))?;
        let claims = vec![(statement.clone(), bytes.clone()); 16];
        let (batch_time, ()) = best(10, || verify_all(&claims))?;
        println!(
            "{d:>10} {columns:>6} {limb:>5} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>8} {:>8}",
            commit_time * 1e3,
            prove_time * 1e3,
            verify_time * 1e3,
            batch_time * 1e3 / claims.len() as f64,
            bytes.len(),
            statement.points.len() * 32
        );
    }
    Ok(())
}
