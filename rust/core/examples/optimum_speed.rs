//! What proofs of a head (R5, optimum; R6, accuracy) cost: `cargo run --release -p fedproof-core --example optimum_speed -- [--cores | --parts] [NxPxC …]`, N
//! records of P features with the bias, C classes. Prints a Markdown table: the curve over records; with `--cores` the squared hinge on
//! one core and two, portable and not; with `--parts` where bytes and time of a proof go.
//!
//! Records and W are random: W is no optimum, so the bound is what it takes; nothing of the cost depends on that. Scale 2^24, digits as the
//! policy fixes them (spec/relations/optimum.md). Every size runs in a process of its own, so that its peak of memory is its own.
//! Minima of three runs; generators and tables are left out; the prover's self-check is, too.

#[path = "shared/head.rs"]
mod head;
mod shared;

use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Instant;

use fedproof_core::group::{Affine, Pallas, decode_points, encode_points};
use fedproof_core::recorder::Role;
use fedproof_core::relation::Relation;
use fedproof_core::relation::accuracy::{Accuracy, correct};
use fedproof_core::relation::head::Trained;
use fedproof_core::relation::optimum::Loss;
use head::{F, Head, SCALE, context, digits};
use shared::{Failure, best, numbers};

const SIZES: [&str; 6] = [
    "569x31x2",
    "7348x385x12",
    "937x1281x10",
    "3750x1281x10",
    "15000x1281x10",
    "60000x1281x10",
];
const RUNS: usize = 3;

fn main() -> Result<(), Failure> {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    if given.first().is_some_and(|first| first == "--one") {
        let [_, table, size] = given.as_slice() else {
            return Err("--one TABLE SIZE".into());
        };
        // In the thread pool, as the Python binding works.
        return rayon::scope(|_| measure(table, numbers(size)?));
    }
    let table = if given.first().is_some_and(|first| first.starts_with("--")) {
        given.remove(0)
    } else {
        "--curve".into()
    };
    if given.is_empty() {
        given = SIZES.map(String::from).to_vec();
    }
    let before = "| records | features | classes ";
    let columns = match table.as_str() {
        "--curve" => {
            "| claim, W | commit ms | prove ms | processor ms | verify ms | processor ms | of it decoding | of it field | of it points | proof, bytes | peak MB |"
        }
        "--cores" => "| cores | code | commit ms | prove ms | processor ms | verify ms | processor ms |",
        "--parts" => {
            "| claim, W | bytes | rows looked up | look-ups | the relation's own | closing | ms | rows looked up | look-ups | the relation's own | closing |"
        }
        other => return Err(format!("{other}: --cores, --parts, or neither").into()),
    };
    println!("{before}{columns}");
    println!(
        "{}|",
        "|---".repeat((before.matches('|').count() + columns.matches('|').count()) - 1)
    );
    for size in given {
        let run = |environment: &[(&str, &str)]| -> Result<(), Failure> {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["--one", &table, &size]);
            let done = command.envs(environment.iter().copied()).status()?.success();
            done.then_some(()).ok_or_else(|| format!("{size} failed").into())
        };
        if table == "--cores" {
            for cores in ["1", "2"] {
                for portable in ["0", "1"] {
                    run(&[("RAYON_NUM_THREADS", cores), ("FEDPROOF_PORTABLE", portable)])?;
                }
            }
        } else {
            run(&[])?;
        }
    }
    Ok(())
}

fn measure(table: &str, numbers: [usize; 3]) -> Result<(), Failure> {
    let head = Head::new(numbers)?;
    if table == "--cores" {
        return row(table, &head, "", &head.statement(Loss::SquaredHinge, false)?);
    }
    for (name, loss, committed) in [
        ("ridge, public", Loss::Ridge, false),
        ("squared hinge, public", Loss::SquaredHinge, false),
        ("squared hinge, committed", Loss::SquaredHinge, true),
    ] {
        row(table, &head, name, &head.statement(loss, committed)?)?;
    }
    let of_margins = digits(&head.size, true, false);
    let accuracy = Accuracy::<Pallas> {
        context: context(),
        size: head.size,
        scale: SCALE,
        correct: correct(&head.size, &of_margins, &head.trained())?,
        digits: of_margins,
        records: head.points.clone(),
        weights: head.stated(true),
    };
    row(table, &head, "accuracy, committed", &accuracy)
}

/// One line of the table.
fn row<R>(table: &str, head: &Head, name: &str, statement: &R) -> Result<(), Failure>
where
    R: Relation<Pallas, Secret = Trained<F>>,
{
    let size = head.size;
    let before = format!("| {} | {} | {} ", size.records, size.features, size.classes);
    if table == "--parts" {
        println!("{before}| {name} {}", parts(statement, &head.trained())?);
        return Ok(());
    }
    let Cost {
        prove,
        processor: [of_proving, of_verifying],
        decode,
        field,
        points,
        bytes,
        peak,
    } = Cost::of(statement, &head.points, &head.trained())?;
    let (commit, verify) = (head.commit, decode + field + points);
    if table == "--cores" {
        let cores = rayon::current_num_threads();
        let portable = std::env::var_os("FEDPROOF_PORTABLE").is_some_and(|v| v == "1");
        let code = if portable { "portable" } else { "this processor's" };
        println!(
            "{before}| {cores} | {code} | {commit:.0} | {prove:.0} | {of_proving:.0} | {verify:.0} | {of_verifying:.0} |"
        );
    } else {
        println!(
            "{before}| {name} | {commit:.0} | {prove:.0} | {of_proving:.0} | {verify:.1} | {of_verifying:.0} | {decode:.1} | {field:.1} | {points:.1} | {bytes} | {peak} |"
        );
    }
    Ok(())
}

/// Milliseconds, bytes, megabytes.
struct Cost {
    prove: f64,
    /// Of all cores together, to prove and to verify: what other work on the machine does not lengthen much.
    processor: [f64; 2],
    /// The records' points, from their encoding.
    decode: f64,
    /// The verifier up to its one multi-scalar multiplication.
    field: f64,
    points: f64,
    bytes: usize,
    peak: String,
}

impl Cost {
    fn of<R>(statement: &R, records: &[Affine<Pallas>], trained: &Trained<F>) -> Result<Self, Failure>
    where
        R: Relation<Pallas, Secret = Trained<F>>,
    {
        let mut of_proving = f64::INFINITY;
        let (prove, proof) = best(RUNS, || {
            let before = processor_time();
            let proof = statement.prove_unchecked(trained)?;
            of_proving = of_proving.min(processor_time() - before);
            Ok(proof)
        })?;
        let peak = peak();
        let bytes = proof.to_bytes();
        let encoded = encode_points::<Pallas>(records);
        let (decode, _) = best(RUNS, || Ok(decode_points::<Pallas>(&encoded)?))?;
        let (field, _) = best(RUNS, || Ok(statement.defer(&bytes)?))?;
        let (mut points, mut of_verifying) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..RUNS {
            let before = processor_time();
            decode_points::<Pallas>(&encoded)?;
            let deferred = statement.defer(&bytes)?;
            let start = Instant::now();
            deferred.check()?;
            points = points.min(start.elapsed().as_secs_f64() * 1e3);
            of_verifying = of_verifying.min(processor_time() - before);
        }
        Ok(Self {
            prove,
            processor: [of_proving, of_verifying],
            decode,
            field,
            points,
            bytes: bytes.len(),
            peak,
        })
    }
}

/// The most memory that this process had at once so far, where the system tells.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
    });
    kilobytes.map_or("–".into(), |kb| (kb / 1024).to_string())
}

/// Milliseconds that this process has had on processors, all threads together, where the system tells.
fn processor_time() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let told = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        told.split_whitespace().next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e6
}

/// Bytes and milliseconds of a proof by what its messages are for; of the fastest of the runs.
fn parts<R>(statement: &R, trained: &Trained<F>) -> Result<String, Failure>
where
    R: Relation<Pallas, Secret = Trained<F>>,
{
    let mut fastest: Option<(f64, usize, [(usize, f64); 4])> = None;
    for _ in 0..RUNS {
        let (watcher, sent) = channel();
        let start = Instant::now();
        let proof = statement.prove_as(Role::watched_prover(watcher), trained)?;
        let total = start.elapsed().as_secs_f64() * 1e3;
        let mut of = [(0, 0.0); 4];
        let mut last = start;
        for (name, at) in sent {
            let (bytes, time) = &mut of[part(name)];
            *bytes += 32;
            *time += at.duration_since(last).as_secs_f64() * 1e3;
            last = at;
        }
        if fastest.as_ref().is_none_or(|(time, ..)| total < *time) {
            fastest = Some((total, proof.to_bytes().len(), of));
        }
    }
    let (time, bytes, of) = fastest.ok_or("no run")?;
    let of_bytes: Vec<String> = of.iter().map(|(bytes, _)| bytes.to_string()).collect();
    let of_time: Vec<String> = of.iter().map(|(_, time)| format!("{time:.1}")).collect();
    Ok(format!(
        "| {bytes} | {} | {time:.1} | {} |",
        of_bytes.join(" | "),
        of_time.join(" | ")
    ))
}

/// Which of the columns of `--parts` a message belongs to.
fn part(message: &str) -> usize {
    match message.split('/').next() {
        Some("digit" | "limb" | "m") => 0,
        Some("gkr") => 1,
        Some("product" | "products" | "merge" | "ipa" | "schnorr") => 3,
        _ => 2,
    }
}
