//! `cargo run --release --example commit_speed`: what commitments cost, for both suites. Minimum of five warm runs; one core
//! with RAYON_NUM_THREADS=1.

use std::hint::black_box;
use std::time::Instant;

use fedproof_core::commit::{Key, combine_rows};
use fedproof_core::error::Result;
use fedproof_core::group::{Bn254, Pallas, Suite};

/// Milliseconds of the fastest of five runs.
fn best<T>(mut work: impl FnMut() -> Result<T>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        black_box(work()?);
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(best)
}

/// A linear congruential generator: the same values on every machine.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    fn value(&mut self, bits: u32) -> i64 {
        self.next().cast_signed() >> (64 - bits)
    }

    fn scalar<S: Suite>(&mut self) -> S::Scalar {
        (0..4).fold(S::Scalar::from(0u64), |sum, _| {
            sum * S::Scalar::from(1u128 << 64) + S::Scalar::from(self.next())
        })
    }
}

fn measure<S: Suite>() -> Result<()> {
    let mut sequence = Sequence(1);
    println!("{} on {} threads", S::ID, rayon::current_num_threads());
    let start = Instant::now();
    let key = Key::<S>::get(2048);
    println!(
        "  {:>9.1} ms  2,048 generators, once",
        start.elapsed().as_secs_f64() * 1e3
    );
    let start = Instant::now();
    key.commit_rows(&[1], 2048, 8, &[S::Scalar::from(1u64)])?;
    println!(
        "  {:>9.1} ms  tables for rows, once",
        start.elapsed().as_secs_f64() * 1e3
    );
    let start = Instant::now();
    let _ = black_box(key.commit_scalars(0, &[S::Scalar::from(1u64)], &S::Scalar::from(1u64))?);
    println!(
        "  {:>9.1} ms  tables for messages, once",
        start.elapsed().as_secs_f64() * 1e3
    );
    for (d, columns, bits) in [
        (1_000usize, 256usize, 16u32),
        (100_000, 1024, 16),
        (1 << 17, 1024, 16),
        (1 << 17, 1024, 8),
        (1 << 16, 2048, 21),
        (1 << 20, 2048, 16),
        (1 << 16, 1024, 64),
    ] {
        let values: Vec<i64> = (0..d).map(|_| sequence.value(bits)).collect();
        let scalars: Vec<S::Scalar> = (0..d.div_ceil(columns)).map(|_| sequence.scalar::<S>()).collect();
        let time = best(|| key.commit_rows(&values, columns, bits, &scalars))?;
        let combine = best(|| combine_rows(&values, columns, &scalars))?;
        println!(
            "  {time:>9.2} ms  rows of {columns:>4}, {d:>8} values of {bits:>2} bits: {:>5.0} ns per value; combination {combine:.2} ms",
            time * 1e6 / d as f64
        );
    }
    for count in [1, 2, 3, 4, 8, 64, 2048] {
        let values: Vec<S::Scalar> = (0..count).map(|_| sequence.scalar::<S>()).collect();
        let blind = sequence.scalar::<S>();
        let runs = if count > 8 { 4 } else { 200 };
        let time = best(|| {
            (0..runs).try_for_each(|_| {
                let _ = black_box(key.commit_scalars(0, &values, &blind)?);
                Ok(())
            })
        })?;
        println!(
            "  {:>9.1} µs  message of {count} scalars",
            time * 1e3 / f64::from(runs)
        );
    }
    let (value, blind) = (sequence.scalar::<S>(), sequence.scalar::<S>());
    let time = best(|| {
        for _ in 0..200 {
            let _ = black_box(key.commit_value(black_box(&value), &blind));
        }
        Ok(())
    })?;
    println!("  {:>9.1} µs  value·U + blind·H", time * 1e3 / 200.0);
    Ok(())
}

fn main() -> Result<()> {
    measure::<Pallas>()?;
    measure::<Bn254>()
}
