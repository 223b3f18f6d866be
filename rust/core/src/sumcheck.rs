//! Committed sumcheck of any degree, aligned at the last variable (spec/recorder.md, "Sumcheck").
//!
//! Two kinds of claim run side by side under the same challenges; q(X) = Σ c_i·X^i is a round's polynomial:
//! - weighted, T = Σ_v eq(r, v)·f(v): the message is c_1 … c_D of q with this round's eq factor taken out. c_0 is implied by
//!   T = c_0 + r_i·Σ_{i≥1} c_i, and T' = q(ρ) = T + Σ_{i≥1} c_i(ρ^i − r_i).
//! - plain, S = Σ_v f(v): the message is c_0, c_2 … c_D. c_1 is implied by S = 2c_0 + Σ_{i≥1} c_i, and
//!   S' = q(ρ) = ρS + (1 − 2ρ)c_0 + Σ_{i≥2} c_i(ρ^i − ρ).
//!
//! Both updates are linear in committed values, so no round has a check. A sumcheck only reduces its claim to one evaluation:
//! the caller must close that. A part over fewer variables joins at a later round and shares the suffix of r.

use ark_ff::{AdditiveGroup, Field, PrimeField};
use rayon::prelude::*;

use crate::error::Result;
use crate::group::Suite;
use crate::poly::{eq_table, powers};
use crate::recorder::{Lin, Recorder};
use crate::transcript::Label;

/// The prover's side of a part: a function f on the hypercube.
pub trait SumTable<F>: Send {
    /// c_0, c_2 … c_degree of Σ_v weights[v]·f(X, v), X the top variable; no weights: all one.
    fn round(&self, weights: Option<&[F]>) -> Vec<F>;
    /// Fixes the top variable.
    fn bind(&mut self, rho: F);
}

/// One claim. `join` is the first round in which it has a variable.
pub struct Part<'a, F> {
    pub join: usize,
    pub claim: Lin<F>,
    pub degree: usize,
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
    let mut point = Vec::with_capacity(rounds);
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
        let degree = weighted
            .iter()
            .filter(|p| p.join <= i)
            .map(|p| p.degree)
            .max()
            .unwrap_or(0);
        let plain_degree = plain.as_ref().filter(|p| p.join <= i).map_or(0, |p| p.degree);
        let running = rec.value(&t);
        let sent = rec.commit(labels.0(name), degree + plain_degree, || {
            let mut message = Vec::with_capacity(degree + plain_degree);
            if let Some(weights) = &prover {
                if degree > 0 {
                    let active = weighted.iter().filter(|p| p.join <= i);
                    message.extend(weights.weighted_message(active, i, degree, running));
                }
                if let Some(table) = plain
                    .as_ref()
                    .filter(|p| p.join <= i)
                    .and_then(|p| p.prover.as_ref())
                {
                    message.extend(table.round(None));
                }
            }
            message
        })?;
        let rho = rec.challenge(labels.1(name), degree.max(plain_degree));
        point.push(rho);
        let rho_powers = powers(rho, degree.max(plain_degree) + 1);
        let (sent_weighted, sent_plain) = sent.split_at(degree);
        let r_i = r.get(i).copied().unwrap_or_default();
        for (c, power) in sent_weighted.iter().zip(rho_powers.iter().skip(1)) {
            t.add_scaled(c, *power - r_i);
        }
        if let Some((c0, rest)) = sent_plain.split_first() {
            s = s * rho;
            s.add_scaled(c0, S::Scalar::ONE - rho.double());
            for (c, power) in rest.iter().zip(rho_powers.iter().skip(2)) {
                s.add_scaled(c, *power - rho);
            }
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

    /// c_1 … c_degree of all active parts together; c_1 from the running claim.
    fn weighted_message<'a, 'b: 'a>(
        &self,
        active: impl Iterator<Item = &'a Part<'b, F>>,
        i: usize,
        degree: usize,
        running: F,
    ) -> Vec<F>
    where
        F: 'b,
    {
        let mut sums = vec![F::ZERO; degree];
        for table in active.filter_map(|p| p.prover.as_ref()) {
            for (to, c) in sums.iter_mut().zip(table.round(Some(&self.eq))) {
                *to += c;
            }
        }
        let (c0, rest) = sums
            .split_first()
            .map_or((F::ZERO, &[][..]), |(c, rest)| (*c, rest));
        let inverse = self.inverses.get(i).copied().unwrap_or_default();
        let mut out = vec![(running - c0) * inverse - rest.iter().sum::<F>()];
        out.extend(rest);
        out
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
    fn round(&self, weights: Option<&[F]>) -> Vec<F> {
        let Self(a, b) = self;
        let (a_low, a_high) = a.split_at(a.len() / 2);
        let (b_low, b_high) = b.split_at(b.len() / 2);
        let (mut c0, mut c2) = (F::ZERO, F::ZERO);
        for (v, ((al, ah), (bl, bh))) in a_low.iter().zip(a_high).zip(b_low.iter().zip(b_high)).enumerate() {
            let weight = weights.and_then(|w| w.get(v)).copied().unwrap_or(F::ONE);
            c0 += weight * al * bl;
            c2 += weight * (*ah - al) * (*bh - bl);
        }
        vec![c0, c2]
    }

    fn bind(&mut self, rho: F) {
        bind(&mut self.0, rho);
        bind(&mut self.1, rho);
    }
}
