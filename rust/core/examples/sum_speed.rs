//! `cargo run --release --example sum_speed -- [clients [d]]`: R2, honest aggregate, over weighted commitments, in one process.
//! Minimum of three warm runs each; generators and tables are left out. One core with RAYON_NUM_THREADS=1.

use std::sync::Arc;
use std::time::Instant;

use fedproof_core::commit::{Key, combine_matrices};
use fedproof_core::error::Result;
use fedproof_core::group::{Affine, Pallas, Suite};
use fedproof_core::recorder::Rows;
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::{Context, Relation, Shape};

type Scalar = <Pallas as Suite>::Scalar;

fn best<T>(what: &str, mut work: impl FnMut() -> Result<T>) -> Result<T> {
    let mut runs = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let out = work()?;
        runs.push((start.elapsed().as_secs_f64(), out));
    }
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (time, out) = runs.swap_remove(0);
    println!("{what:<42} {:>9.1} ms", time * 1e3);
    Ok(out)
}

fn main() -> Result<()> {
    // In the thread pool, as the Python binding works.
    rayon::scope(|_| measure())
}

fn measure() -> Result<()> {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let clients = given.first().copied().unwrap_or(100);
    let d = given.get(1).copied().unwrap_or(1_000_000);
    let log = (usize::BITS - (d - 1).leading_zeros()) as usize;
    let columns = 1usize << (log + 2).div_ceil(2).clamp(7, 12);
    let shape = Shape {
        d: d as u64,
        columns: columns as u32,
    };
    let key = Key::<Pallas>::get(columns);

    // All clients send one update under blinds of their own; weights differ.
    let x: Vec<i64> = (0..d as i64).map(|j| j * 48_271 % 65_535 - 32_767).collect();
    let zeros = vec![Scalar::from(0u64); shape.rows()];
    let plain = key.commit_rows(&x, columns, 16, &zeros)?;
    let blinds = |k: u64| (0..shape.rows() as u64).map(move |i| Scalar::from(1_000 * k + i + 1));
    let commitments: Vec<Vec<Affine<Pallas>>> = (0..clients as u64)
        .map(|k| {
            plain
                .iter()
                .zip(blinds(k))
                .map(|(p, b)| (key.commit_value(&Scalar::from(0u64), &b) + p).into())
                .collect()
        })
        .collect();
    let weights: Vec<u64> = (0..clients as u64).map(|k| 1 + k % 1_000).collect();
    let total: u64 = weights.iter().sum();
    let sum: Vec<i64> = x.iter().map(|v| v * total as i64).collect();
    let mut sum_blinds = zeros;
    for (k, weight) in weights.iter().enumerate() {
        for (to, b) in sum_blinds.iter_mut().zip(blinds(k as u64)) {
            *to += b * Scalar::from(*weight);
        }
    }

    println!("{clients} clients, d = {d}, {} rows of {columns}", shape.rows());
    best("sum of the commitments", || {
        combine_matrices::<Pallas>(&commitments, &weights)
    })?;
    let statement = HonestAggregate::<Pallas> {
        context: Context {
            announcement: [1; 32],
            client: "aggregator".into(),
            weight: total,
            certificate: None,
        },
        shape,
        weights,
        commitments,
    };
    statement.verify_sum(&sum, &sum_blinds)?;
    best("check with the result at hand", || {
        statement.verify_sum(&sum, &sum_blinds)
    })?;
    let witness = Arc::new(Rows {
        values: sum,
        columns,
        blinds: sum_blinds,
        bits: 64,
    });
    let proof = best("prove an opening of the sum", || {
        statement.prove_unchecked(&witness)
    })?
    .to_bytes();
    best("check without the result", || statement.verify(&proof))?;
    println!("{:<42} {:>9} bytes", "opening proof", proof.len());
    Ok(())
}
