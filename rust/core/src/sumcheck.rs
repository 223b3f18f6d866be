//! Committed sumcheck of degree two, aligned at the last variable (spec/recorder.md, "Committed sumcheck").
//!
//! Two kinds of claim run side by side under the same challenges; q(X) = c_0 + c_1·X + c_2·X² is a round's polynomial:
//! - weighted, T = Σ_v eq(r, v)·f(v): the message is c_1, c_2 of q with this round's eq factor taken out. c_0 is implied by
//!   T = c_0 + r_i·(c_1 + c_2), and T' = q(ρ) = T + c_1(ρ − r_i) + c_2(ρ² − r_i).
//! - plain, S = Σ_v f(v): the message is c_0, c_2. c_1 is implied by S = 2c_0 + c_1 + c_2, and
//!   S' = q(ρ) = ρS + (1 − 2ρ)c_0 + (ρ² − ρ)c_2.
//!
//! Both updates are linear in committed values, so no round has a check. A sumcheck only reduces its claim to one evaluation:
//! the caller must close that. Rounds bind the last variable first. A part over fewer variables lives on the last of them, so it
//! is done after as many rounds and stays constant then.

use ark_ff::{AdditiveGroup, Field, PrimeField};

use crate::error::Result;
use crate::group::Suite;
use crate::poly::SplitEq;
use crate::recorder::{Lin, Recorder};
use crate::transcript::Label;

/// The degree of every round's polynomial.
const DEGREE: usize = 2;

/// The prover's side of a part: a function f on the hypercube.
pub trait SumTable<F>: Send {
    /// c_0 and c_2 of Σ_v eq(v)·f(v, X), X the last variable; without eq all weights are one.
    fn round(&self, eq: Option<&SplitEq<F>>) -> [F; 2];
    /// Fixes the last variable.
    fn bind(&mut self, rho: F);
    /// f, once no variable is left.
    fn value(&self) -> F;
}

/// One claim on the last `variables` coordinates.
pub struct Part<'a, F> {
    pub variables: usize,
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
    let mut t = Lin::zero();
    for part in &weighted {
        t += part.claim.clone();
    }
    let mut s = plain.as_ref().map_or(Lin::zero(), |p| p.claim.clone());
    let mut point: Vec<S::Scalar> = Vec::with_capacity(rounds);
    let mut weights = rec.knows().then(|| Weights::new(r, &weighted));
    for (i, name) in (0..rounds).zip(0u32..) {
        let live_plain = plain.as_ref().filter(|p| i < p.variables);
        let split = if weighted.is_empty() { 0 } else { DEGREE };
        let size = split + DEGREE * usize::from(live_plain.is_some());
        let running = rec.value(&t);
        let sent = rec.commit(labels.0(name), size, || {
            let mut message = Vec::with_capacity(size);
            if let Some(weights) = weights.as_ref().filter(|_| split > 0) {
                message.extend(weights.message(i, &weighted, running));
            }
            let plain_table = live_plain.and_then(|p| p.prover.as_ref());
            message.extend(plain_table.into_iter().flat_map(|table| table.round(None)));
            message
        })?;
        let rho = rec.challenge(labels.1(name), DEGREE);
        point.push(rho);
        let square = rho.square();
        let r_i = r.get(rounds - 1 - i).copied().unwrap_or_default();
        let (sent_weighted, sent_plain) = sent.split_at(split);
        for (c, power) in sent_weighted.iter().zip([rho, square]) {
            t.add_scaled(c, power - r_i);
        }
        if let [c0, c2] = sent_plain {
            s = s * rho;
            s.add_scaled(c0, S::Scalar::ONE - rho.double());
            s.add_scaled(c2, square - rho);
        }
        if let Some(weights) = &mut weights {
            for (_, eq) in &mut weights.eq {
                eq.shorten();
            }
            for part in weighted.iter_mut().chain(&mut plain).filter(|p| i < p.variables) {
                if let Some(table) = &mut part.prover {
                    table.bind(rho);
                }
            }
        }
    }
    point.reverse();
    Ok(End {
        point,
        weighted: t,
        plain: s,
    })
}

/// The prover's weights in a round: eq of what is left of r, and 1/r_i.
struct Weights<F> {
    /// By the number of variables that parts have: eq(those of r but the ones that are bound and the one of this round, ·).
    eq: Vec<(usize, SplitEq<F>)>,
    inverses: Vec<F>,
}

impl<F: PrimeField> Weights<F> {
    fn new(r: &[F], parts: &[Part<F>]) -> Self {
        let mut inverses: Vec<F> = r.iter().rev().copied().collect();
        // r_i = 0 has probability 2^-128 and costs the honest prover a proof that fails.
        ark_ff::batch_inversion(&mut inverses);
        let mut eq: Vec<(usize, SplitEq<F>)> = Vec::new();
        for part in parts {
            let n = part.variables;
            let known = eq.iter().any(|(variables, _)| *variables == n);
            if let Some(own) = r
                .get(r.len() - n..r.len().saturating_sub(1))
                .filter(|_| n > 0 && !known)
            {
                eq.push((n, SplitEq::new(own)));
            }
        }
        Self { eq, inverses }
    }

    /// c_1 and c_2 of all parts together; c_1 from the running claim.
    fn message(&self, i: usize, parts: &[Part<F>], running: F) -> [F; 2] {
        let (mut c0, mut c2) = (F::ZERO, F::ZERO);
        for part in parts {
            let Some(table) = &part.prover else { continue };
            let eq = self.eq.iter().find(|(variables, _)| *variables == part.variables);
            match eq.filter(|_| i < part.variables) {
                Some((_, eq)) => {
                    let [more0, more2] = table.round(Some(eq));
                    (c0, c2) = (c0 + more0, c2 + more2);
                }
                None => c0 += table.value(),
            }
        }
        let inverse = self.inverses.get(i).copied().unwrap_or_default();
        [(running - c0) * inverse - c2, c2]
    }
}

/// f(v) = a(v)·b(v).
pub struct ProductTable<F>(pub Vec<F>, pub Vec<F>);

impl<F: PrimeField> SumTable<F> for ProductTable<F> {
    fn round(&self, _eq: Option<&SplitEq<F>>) -> [F; 2] {
        let Self(a, b) = self;
        let (mut c0, mut c2) = (F::ZERO, F::ZERO);
        for ([al, ah], [bl, bh]) in a.as_chunks().0.iter().zip(b.as_chunks().0) {
            c0 += *al * bl;
            c2 += (*ah - al) * (*bh - bl);
        }
        [c0, c2]
    }

    fn bind(&mut self, rho: F) {
        for table in [&mut self.0, &mut self.1] {
            *table = table
                .as_chunks()
                .0
                .iter()
                .map(|[low, high]| *low + rho * (*high - low))
                .collect();
        }
    }

    fn value(&self) -> F {
        self.0.iter().zip(&self.1).map(|(a, b)| *a * b).sum()
    }
}
