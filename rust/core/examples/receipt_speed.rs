//! What receipts (R9) cost: `cargo run --release -p fedproof-core --example receipt_speed -- [PxC …]`: a committed head of P features with
//! the bias and C classes, scale 2^24, random, and answers to random inputs. Prints a Markdown table: answers in one proof, milliseconds to
//! prove and to verify, bytes, all of the batch and per answer. Minima of three runs; generators and tables are left out; the prover's
//! self-check is, too.

mod shared;

use std::sync::Arc;

use fedproof_core::commit::Key;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::{Nonces, Rows};
use fedproof_core::relation::receipt::{Answer, Receipt};
use fedproof_core::relation::{Context, Relation};
use shared::{Failure, Random, best, features, numbers};

type F = <Pallas as Suite>::Scalar;

const BATCHES: [usize; 4] = [1, 16, 128, 1024];
const RUNS: usize = 3;

fn main() -> Result<(), Failure> {
    let mut sizes: Vec<String> = std::env::args().skip(1).collect();
    if sizes.is_empty() {
        sizes = ["31x2", "1281x10"].map(String::from).to_vec();
    }
    println!(
        "| features | classes | answers | prove ms | verify ms | bytes | prove ms each | verify ms each | bytes each |"
    );
    println!("{}|", "|---".repeat(9));
    // In the thread pool, as the Python binding works.
    rayon::scope(|_| sizes.iter().try_for_each(|size| measure(numbers(size)?)))
}

fn measure([p, c]: [usize; 2]) -> Result<(), Failure> {
    let mut random = Random::new();
    let weights: Vec<i64> = (0..c * p).map(|_| random.within(1 << 24)).collect();
    let blinds: Vec<F> = Nonces::unhedged(b"example")?.scalars(c);
    let points = Key::<Pallas>::get(p).commit_rows(&weights, p, 32, &blinds)?;
    let witness = Arc::new(Rows {
        values: weights,
        columns: p,
        blinds,
        bits: 32,
    });
    for count in BATCHES {
        let answers = (0..count)
            .map(|_| answer(features(&mut random, p), &witness.values))
            .collect();
        let statement = Receipt::<Pallas> {
            context: Context {
                announcement: [7; 32],
                client: "example".into(),
                weight: 1,
                certificate: None,
            },
            features: u32::try_from(p)?,
            classes: u32::try_from(c)?,
            scale: 24,
            answers,
            points: points.clone(),
        };
        let (prove, proof) = best(RUNS, || Ok(statement.prove_unchecked(&witness)?))?;
        let bytes = proof.to_bytes();
        let (verify, ()) = best(RUNS, || Ok(statement.verify(&bytes)?))?;
        let each = 1.0 / count as f64;
        println!(
            "| {p} | {c} | {count} | {prove:.1} | {verify:.1} | {} | {:.2} | {:.2} | {:.0} |",
            bytes.len(),
            prove * each,
            verify * each,
            bytes.len() as f64 * each
        );
    }
    Ok(())
}

/// What the head says of an input.
fn answer(input: Vec<i8>, weights: &[i64]) -> Answer {
    let logits = weights.chunks(input.len()).map(|w| {
        let products = input.iter().zip(w).map(|(x, w)| i64::from(*x) * w);
        products.sum::<i64>()
    });
    let best = logits.enumerate().max_by_key(|(_, logit)| *logit);
    let class = best.map_or(0, |(class, _)| class as u32);
    Answer { input, class }
}
