//! What the examples that measure training proofs share: sizes, records, minima of runs.

use std::time::Instant;

use rand::{Rng, rngs::StdRng};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Milliseconds of the fastest of so many runs, and what the last one made.
pub fn best<T>(runs: usize, mut work: impl FnMut() -> Result<T, Failure>) -> Result<(f64, T), Failure> {
    let mut fastest = f64::INFINITY;
    let mut timed = || {
        let start = Instant::now();
        let out = work();
        fastest = fastest.min(start.elapsed().as_secs_f64() * 1e3);
        out
    };
    let mut out = timed()?;
    for _ in 1..runs {
        out = timed()?;
    }
    Ok((fastest, out))
}

/// n features at scale 2^5, the last of them the bias.
pub fn features(rng: &mut StdRng, count: usize) -> Vec<i8> {
    let mut x: Vec<i8> = (1..count).map(|_| rng.random_range(-60..=60)).collect();
    x.push(32);
    x
}

/// `text` as so many numbers with an x between them.
pub fn numbers<const N: usize>(text: &str) -> Result<[usize; N], Failure> {
    let all: Vec<usize> = text.split('x').map(str::parse).collect::<Result<_, _>>()?;
    all.try_into()
        .map_err(|_| format!("{text}: {N} numbers with an x between them, such as 569x31x2").into())
}
