//! Time of a head's proof: `cargo run --release --example optimum_speed -- RECORDS FEATURES CLASSES`. Random records; W is not
//! an optimum, so the bound is what it takes.

use std::sync::Arc;
use std::time::Instant;

use fedproof_core::commit::Key;
use fedproof_core::group::{Pallas, Suite, decode_points, encode_points};
use fedproof_core::recorder::{Nonces, Rows};
use fedproof_core::relation::head::{Digits, Size, Trained, Weights};
use fedproof_core::relation::optimum::{Loss, Objective, Optimum, residual_squared};
use fedproof_core::relation::{Context, Relation};
use rand::{Rng, SeedableRng, rngs::StdRng};

type F = <Pallas as Suite>::Scalar;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut sizes = std::env::args().skip(1).map(|a| a.parse::<usize>());
    let mut next = |default: usize| sizes.next().unwrap_or(Ok(default));
    let (n, p, c) = (next(6_000)?, next(1_281)?, next(10)?);
    let mut rng = StdRng::seed_from_u64(1);
    let width = p + c;
    let mut values: Vec<i8> = Vec::with_capacity(n * width);
    for _ in 0..n {
        let class = rng.random_range(0..c);
        values.extend((1..p).map(|_| rng.random_range(-60i8..=60)));
        values.push(32);
        values.extend((0..c).map(|k| i8::from(k == class)));
    }
    let key = Key::<Pallas>::get(width);
    let blinds: Vec<F> = Nonces::unhedged(b"example")?.scalars(n);
    let mut points = Vec::new();
    let start = Instant::now();
    for (rows, blinds) in values.chunks(width * 2048).zip(blinds.chunks(2048)) {
        let wide: Vec<i64> = rows.iter().map(|x| i64::from(*x)).collect();
        points.extend(key.commit_rows(&wide, width, 8, blinds)?);
    }
    println!("records committed to in {:.2} s", start.elapsed().as_secs_f64());
    let records = Arc::new(Rows {
        values,
        columns: width,
        blinds,
        bits: 8,
    });
    let weights: Vec<i64> = (0..c * p)
        .map(|_| rng.random_range(-(1 << 20)..=1 << 20))
        .collect();
    for loss in [Loss::Ridge, Loss::SquaredHinge] {
        for committed in [false, true] {
            let blinds: Vec<F> = Nonces::unhedged(b"example")?.scalars(c);
            let of_weights = key.commit_rows(&weights, p, 32, &blinds)?;
            let size = Size {
                records: n as u64,
                features: p as u32,
                classes: c as u32,
            };
            let mut objective = Objective {
                loss,
                scale: 24,
                regularisation: 1 << 20,
                max_residual_squared: 1,
            };
            let trained = Trained {
                records: Arc::clone(&records),
                weights: Arc::new(Rows {
                    values: weights.clone(),
                    columns: p,
                    blinds,
                    bits: 32,
                }),
            };
            let margins = if loss == Loss::SquaredHinge { 3 } else { 0 };
            let digits = Digits {
                bound: if margins > 0 || committed {
                    (1 << 13) - 1
                } else {
                    0
                },
                margins,
                weights: if committed { 3 } else { 0 },
            };
            let start = Instant::now();
            objective.max_residual_squared = residual_squared(&size, &objective, &trained)?.unwrap_or(1);
            let residual = start.elapsed().as_secs_f64();
            let statement = Optimum::<Pallas> {
                context: Context {
                    announcement: [7; 32],
                    client: "example".into(),
                    weight: 1,
                    certificate: None,
                },
                size,
                objective,
                digits,
                records: points.clone(),
                weights: if committed {
                    Weights::Committed(of_weights)
                } else {
                    Weights::Public(weights.clone())
                },
            };
            statement.prove_unchecked(&trained)?;
            let start = Instant::now();
            let (proof, spent) = statement.prove_timed(&trained)?;
            let proved = start.elapsed().as_secs_f64();
            let bytes = proof.to_bytes();
            let encoded = encode_points::<Pallas>(&points);
            let start = Instant::now();
            decode_points::<Pallas>(&encoded)?;
            let decoded = start.elapsed().as_secs_f64();
            let start = Instant::now();
            statement.verify(&bytes)?;
            let verified = start.elapsed().as_secs_f64();
            println!(
                "{loss:?}, committed W: {committed}: residual {residual:.2} s, proof {proved:.2} s, {} bytes, verified in {verified:.3} s, points decoded in {decoded:.3} s",
                bytes.len()
            );
            for (name, time) in spent.iter().filter(|(_, t)| t.as_millis() > 15) {
                println!("    {name} {:.3}", time.as_secs_f64());
            }
        }
    }
    Ok(())
}
