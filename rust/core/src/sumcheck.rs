//! Committed sumcheck of degree two, aligned at the last variable (spec/recorder.md, "Committed sumcheck").
//!
//! Two kinds of claim run side by side under the same challenges; q(X) = c_0 + c_1·X + c_2·X² is a round's polynomial:
//! - weighted, T = Σ_v eq(r, v)·f(v): the message is c_1, c_2 of q with this round's eq factor taken out. c_0 is implied by
//!   T = c_0 + r_i·(c_1 + c_2), and T' = q(ρ) = T + c_1(ρ − r_i) + c_2(ρ² − r_i).
//! - plain, S = Σ_v f(v): the message is c_0, c_2. c_1 is implied by S = 2c_0 + c_1 + c_2, and
//!   S' = q(ρ) = ρS + (1 − 2ρ)c_0 + (ρ² − ρ)c_2.
//!
//! Both updates are linear in committed values, so no round has a check. A sumcheck only reduces its claim to one evaluation:
//! the caller must close that. A part over fewer variables joins at a later round and shares the suffix of r.

use ark_ff::{AdditiveGroup, Field, PrimeField};
use rayon::prelude::*;

use crate::error::Result;
use crate::group::Suite;
use crate::poly::eq_table;
use crate::recorder::{Lin, Recorder};
use crate::transcript::Label;

/// The degree of every round's polynomial.
const DEGREE: usize = 2;

/// The prover's side of a part: a function f on the hypercube.
pub trait SumTable<F>: Send {
    /// c_0 and c_2 of Σ_v weights[v]·f(X, v), X the top variable; no weights: all one.
    fn round(&self, weights: Option<&[F]>) -> [F; 2];
    /// Fixes the top variable.
    fn bind(&mut self, rho: F);
}

/// One claim. `join` is the first round in which it has a variable.
pub struct Part<'a, F> {
    pub join: usize,
    pub claim: Lin<F>,
    pub prover: Option<&'a mut dyn SumTable<F>>,
}

/// Where a sumcheck ends: the point, and what the weighted and the plain functions must evaluate to there.
pub struct End<F> {
    pub point: Vec<F>,
    pub weighted: Lin<F>,
    pub plain: Lin<F>,
}

/// `labels`: of a round's message and of its challenge. `r`: the point of the weighted claims, of length `rounds` if there are any.
pub fn sumcheck<'a, S: Suite>(
    rec: &mut Recorder<S>,
    labels: (impl Fn(u32) -> Label, impl Fn(u32) -> Label),
    rounds: usize,
    r: &[S::Scalar],
    mut weighted: Vec<Part<'a, S::Scalar>>,
    mut plain: Option<Part<'a, S::Scalar>>,
) -> Result<End<S::Scalar>> {
    let (mut t, mut s) = (Lin::zero(), Lin::zero());
    let mut point: Vec<S::Scalar> = Vec::with_capacity(rounds);
    let mut prover = rec.knows().then(|| Weights::new(r));
    for (i, name) in (0..=rounds).zip(0u32..) {
        for part in weighted.iter().filter(|p| p.join == i) {
            t += part.claim.clone();
        }
        if let Some(part) = plain.as_ref().filter(|p| p.join == i) {
            s = part.claim.clone();
        }
        if i == rounds {
            break;
        }
        let has_weighted = weighted.iter().any(|p| p.join <= i);
        let live_plain = plain.as_ref().filter(|p| p.join <= i);
        let split = DEGREE * usize::from(has_weighted);
        let size = split + DEGREE * usize::from(live_plain.is_some());
        let running = rec.value(&t);
        let sent = rec.commit(labels.0(name), size, || {
            let mut message = Vec::with_capacity(size);
            let Some(weights) = &prover else { return message };
            if has_weighted {
                let mut sums = [S::Scalar::ZERO; 2];
                for table in weighted.iter().filter(|p| p.join <= i).flat_map(|p| &p.prover) {
                    let [c0, c2] = table.round(Some(&weights.eq));
                    sums = [sums[0] + c0, sums[1] + c2];
                }
                message.extend(weights.message(i, sums, running));
            }
            message.extend(
                live_plain
                    .and_then(|p| p.prover.as_ref())
                    .into_iter()
                    .flat_map(|t| t.round(None)),
            );
            message
        })?;
        let rho = rec.challenge(labels.1(name), DEGREE);
        point.push(rho);
        let (square, r_i) = (rho.square(), r.get(i).copied().unwrap_or_default());
        let (sent_weighted, sent_plain) = sent.split_at(split);
        for (c, power) in sent_weighted.iter().zip([rho, square]) {
            t.add_scaled(c, power - r_i);
        }
        if let [c0, c2] = sent_plain {
            s = s * rho;
            s.add_scaled(c0, S::Scalar::ONE - rho.double());
            s.add_scaled(c2, square - rho);
        }
        if let Some(weights) = &mut prover {
            weights.advance();
            for part in weighted.iter_mut().chain(&mut plain).filter(|p| p.join <= i) {
                if let Some(table) = &mut part.prover {
                    table.bind(rho);
                }
            }
        }
    }
    Ok(End {
        point,
        weighted: t,
        plain: s,
    })
}

/// The prover's eq(r[i+1..], ·) in round i, and 1/r_i.
struct Weights<F> {
    eq: Vec<F>,
    inverses: Vec<F>,
}

impl<F: PrimeField> Weights<F> {
    fn new(r: &[F]) -> Self {
        let mut inverses = r.to_vec();
        // r_i = 0 has probability 2^-128 and costs the honest prover a proof that fails.
        ark_ff::batch_inversion(&mut inverses);
        Self {
            eq: eq_table(r.get(1..).unwrap_or_default()),
            inverses,
        }
    }

    /// eq(r[i+2..], v) = eq(r[i+1..], 0‖v) + eq(r[i+1..], 1‖v).
    fn advance(&mut self) {
        let half = self.eq.len() / 2;
        let (low, high) = self.eq.split_at(half);
        self.eq = low.iter().zip(high).map(|(l, h)| *l + h).collect();
    }

    /// c_1 and c_2 of all parts together; c_1 from the running claim.
    fn message(&self, i: usize, [c0, c2]: [F; 2], running: F) -> [F; 2] {
        let inverse = self.inverses.get(i).copied().unwrap_or_default();
        [(running - c0) * inverse - c2, c2]
    }
}

/// table[v] + ρ(table[v + half] − table[v]), in place.
pub fn bind<F: PrimeField>(table: &mut Vec<F>, rho: F) {
    let half = table.len() / 2;
    let (low, high) = table.split_at_mut(half);
    low.par_iter_mut()
        .zip(high)
        .with_min_len(1 << 10)
        .for_each(|(l, h)| *l += rho * (*h - *l));
    table.truncate(half);
}

/// f(v) = a(v)·b(v).
pub struct ProductTable<F>(pub Vec<F>, pub Vec<F>);

impl<F: PrimeField> SumTable<F> for ProductTable<F> {
    fn round(&self, weights: Option<&[F]>) -> [F; 2] {
        let Self(a, b) = self;
        let (a_low, a_high) = a.split_at(a.len() / 2);
        let (b_low, b_high) = b.split_at(b.len() / 2);
        let (mut c0, mut c2) = (F::ZERO, F::ZERO);
        for (v, ((al, ah), (bl, bh))) in a_low.iter().zip(a_high).zip(b_low.iter().zip(b_high)).enumerate() {
            let weight = weights.and_then(|w| w.get(v)).copied().unwrap_or(F::ONE);
            c0 += weight * al * bl;
            c2 += weight * (*ah - al) * (*bh - bl);
        }
        [c0, c2]
    }

    fn bind(&mut self, rho: F) {
        bind(&mut self.0, rho);
        bind(&mut self.1, rho);
    }
}
