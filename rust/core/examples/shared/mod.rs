//! What the examples that measure training proofs share: sizes, records, minima of runs.

use std::time::Instant;

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

/// Numbers that look random and are the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        Self(7)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// Of absolute value up to `bound`.
    pub fn within(&mut self, bound: i64) -> i64 {
        self.below(2 * bound as usize + 1) as i64 - bound
    }
}

/// So many features at scale 2^5, the last of them the bias.
pub fn features(random: &mut Random, count: usize) -> Vec<i8> {
    let mut x: Vec<i8> = (1..count).map(|_| random.within(60) as i8).collect();
    x.push(32);
    x
}

/// `text` as so many numbers with an x between them.
pub fn numbers<const N: usize>(text: &str) -> Result<[usize; N], Failure> {
    let all: Vec<usize> = text.split('x').map(str::parse).collect::<Result<_, _>>()?;
    all.try_into()
        .map_err(|_| format!("{text}: {N} numbers with an x between them, such as 569x31x2").into())
}
