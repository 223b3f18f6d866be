//! One trained head's proof (R5, squared hinge, public W) beside Groth16 of the same arithmetic, in one process, on the same records:
//! `cargo run --release -- training [--json FILE] [NxPxC …]`.
//!
//! Groth16's circuit does not open the records' commitments: alone it says that *some* records fit, which is easy to make true. fedproof's
//! proof opens them. A multiply-accumulate is one product of a logit or of a gradient: 2·N·P·C of them.

use std::io::Write;
use std::sync::Arc;

use ark_bn254::Bn254;
use ark_groth16::{Groth16, prepare_verifying_key};
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystem};
use ark_serialize::CanonicalSerialize;
use ark_snark::SNARK;
use fedproof_core::group::Pallas;
use fedproof_core::relation::Relation;
use fedproof_core::relation::optimum::{Loss, Optimum};
use rand::{SeedableRng, rngs::StdRng};

use crate::circuit::SquaredHinge;
use crate::head::{Head, SCALE};
use crate::shared::{Failure, best, numbers};

const SIZES: [&str; 3] = ["64x31x2", "569x31x2", "120x129x10"];
const RUNS: usize = 3;

struct Row {
    system: &'static str,
    constraints: Option<usize>,
    /// What is done once: of fedproof the commitment to the records, of Groth16 the keys of this size.
    setup: f64,
    prove: f64,
    verify: f64,
    bytes: usize,
    /// The key that a prover must have, made by whoever is trusted with that.
    key_bytes: Option<usize>,
}

fn fedproof(head: &Head, statement: &Optimum<Pallas>) -> Result<Row, Failure> {
    let trained = head.trained();
    let (prove, proof) = best(RUNS, || Ok(statement.prove_unchecked(&trained)?))?;
    let bytes = proof.to_bytes();
    let (verify, ()) = best(RUNS, || Ok(statement.verify(&bytes)?))?;
    Ok(Row {
        system: "fedproof",
        constraints: None,
        setup: head.commit,
        prove,
        verify,
        bytes: bytes.len(),
        key_bytes: None,
    })
}

fn groth16(head: &Head, statement: &Optimum<Pallas>) -> Result<Row, Failure> {
    let digits = statement.digits;
    let reach = u128::from(2 * digits.bound + 1).pow(digits.margins);
    let circuit = SquaredHinge {
        features: statement.size.features as usize,
        classes: statement.size.classes as usize,
        records: Arc::new(head.records.values.clone()),
        weights: Arc::new(head.weights.values.clone()),
        one: 1 << (5 + SCALE),
        regularisation: statement.objective.regularisation,
        max_residual_squared: statement.objective.max_residual_squared,
        margin_bits: u128::BITS - (reach - 1).leading_zeros(),
    };
    let cs = ConstraintSystem::new_ref();
    circuit.clone().generate_constraints(cs.clone())?;
    if !cs.is_satisfied()? {
        return Err("the circuit does not hold".into());
    }
    let constraints = cs.num_constraints();
    let mut random = StdRng::seed_from_u64(1);
    let (setup, (key, verifying)) = best(1, || {
        Ok(Groth16::<Bn254>::circuit_specific_setup(
            circuit.clone(),
            &mut random,
        )?)
    })?;
    let (prove, proof) = best(RUNS, || {
        Ok(Groth16::<Bn254>::prove(&key, circuit.clone(), &mut random)?)
    })?;
    let (prepared, public) = (prepare_verifying_key(&verifying), circuit.public());
    let (verify, holds) = best(RUNS, || {
        Ok(Groth16::<Bn254>::verify_with_processed_vk(
            &prepared, &public, &proof,
        )?)
    })?;
    let mut other = public.clone();
    other[0] += ark_bn254::Fr::from(1u64);
    if !holds || Groth16::<Bn254>::verify_with_processed_vk(&prepared, &other, &proof)? {
        return Err("the verifier of the baseline is wrong".into());
    }
    Ok(Row {
        system: "ark-groth16 0.6",
        constraints: Some(constraints),
        setup,
        prove,
        verify,
        bytes: proof.compressed_size(),
        key_bytes: Some(key.compressed_size()),
    })
}

pub fn run(json: Option<String>, mut sizes: Vec<String>) -> Result<(), Failure> {
    if sizes.is_empty() {
        sizes = SIZES.map(String::from).to_vec();
    }
    let mut rows = Vec::new();
    println!(
        "| system | size | constraints | set-up ms | key, MB | prove ms | verify ms | bytes | prove, ns per multiply-accumulate | bytes per 1,000 of them | prove, ratio |"
    );
    println!("{}|", "|---".repeat(11));
    for size in sizes {
        let [n, p, c] = numbers(&size)?;
        let head = Head::new([n, p, c])?;
        let statement = head.statement(Loss::SquaredHinge, false)?;
        let ours = fedproof(&head, &statement)?;
        let base = ours.prove;
        let multiplications = (2 * n * p * c) as f64;
        for row in [ours, groth16(&head, &statement)?] {
            let Row {
                system,
                constraints,
                setup,
                prove,
                verify,
                bytes,
                key_bytes,
            } = row;
            let (each, ratio) = (prove * 1e6 / multiplications, prove / base);
            let share = bytes as f64 * 1e3 / multiplications;
            let none = || "–".to_string();
            let megabytes = key_bytes.map_or_else(none, |b| format!("{:.1}", b as f64 / 1e6));
            let count = constraints.map_or_else(none, |c| c.to_string());
            println!(
                "| {system} | {size} | {count} | {setup:.0} | {megabytes} | {prove:.0} | {verify:.1} | {bytes} | {each:.0} | {share:.2} | {ratio:.1} |"
            );
            rows.push(format!(
                r#"{{"system":"{system}","statement":"squared hinge","records":{n},"features":{p},"classes":{c},"constraints":{},"setup_s":{},"key_bytes":{},"prove_s":{},"verify_s":{},"bytes":{bytes},"ratio":{ratio}}}"#,
                constraints.unwrap_or(0),
                setup / 1e3,
                key_bytes.unwrap_or(0),
                prove / 1e3,
                verify / 1e3
            ));
        }
    }
    if let Some(path) = json {
        writeln!(std::fs::File::create(path)?, "[\n{}\n]", rows.join(",\n"))?;
    }
    Ok(())
}
