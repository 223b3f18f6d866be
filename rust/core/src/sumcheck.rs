//! Committed sumcheck of degree two, aligned at the last variable (spec/recorder.md, "Committed sumcheck").
//!
//! Two kinds of claim run side by side under the same challenges. Of n rounds, round i binds variable ι = n − 1 − i:
//! - weighted, anchored at π, T = Σ_v eq(π, v)·f(v): q(X) = c_0 + c_1·X + c_2·X² is the round's polynomial with this round's eq factor
//!   taken out, and the message is c_1, c_2. c_0 is implied by T = c_0 + π_ι·(c_1 + c_2), and
//!   T' = q(ρ) = T + c_1(ρ − π_ι) + c_2(ρ² − π_ι).
//! - plain, S = Σ_v f(v): of q(X) = a_0 + a_1·X + a_2·X² the message is a_0, a_2. a_1 is implied by S = 2a_0 + a_1 + a_2, and
//!   S' = q(ρ) = ρS + (1 − 2ρ)a_0 + (ρ² − ρ)a_2.
//!
//! Both updates are linear in committed values, so no round has a check. A sumcheck only reduces its claim to one evaluation:
//! the caller must close that. Rounds bind the last variable first. A part over fewer variables lives on the last of them, so it
//! is done after as many rounds and stays constant then.

use ark_ff::{AdditiveGroup, Field, PrimeField};

use crate::error::{Error, Result};
use crate::group::Suite;
use crate::poly::SplitEq;
use crate::recorder::{Lin, Recorder};
use crate::transcript::Label;

/// The degree of every round's polynomial.
const DEGREE: usize = 2;

/// The prover's side of a weighted part: a function f on the hypercube.
pub trait WeightedTable<F>: Send {
    /// c_0 and c_2 of Σ_v eq(v)·f(v, X), X the last variable.
    fn round(&self, eq: &SplitEq<F>) -> [F; 2];
    /// Fixes the last variable.
    fn bind(&mut self, rho: F);
    /// f, once no variable is left: a constant of the others' rounds.
    fn value(&self) -> F;
}

/// The prover's side of a plain part.
pub trait PlainTable<F>: Send {
    /// a_0 and a_2 of Σ_v f(v, X), X the last variable.
    fn round(&self) -> [F; 2];
    /// Fixes the last variable.
    fn bind(&mut self, rho: F);
}

/// One claim on the last `variables` coordinates, with the prover's table.
pub struct Part<'a, F, T: ?Sized> {
    pub variables: usize,
    pub claim: Lin<F>,
    pub prover: Option<&'a mut T>,
}

pub type WeightedPart<'a, F> = Part<'a, F, dyn WeightedTable<F> + 'a>;
pub type PlainPart<'a, F> = Part<'a, F, dyn PlainTable<F> + 'a>;

/// Where a sumcheck ends: the point, and what the weighted and the plain functions must evaluate to there.
pub struct End<F> {
    pub point: Vec<F>,
    pub weighted: Lin<F>,
    pub plain: Lin<F>,
}

/// `labels`: of a round's message and of its challenge. `anchor`: π, with a coordinate for each round if there is a weighted claim.
pub fn sumcheck<'a, S: Suite>(
    rec: &mut Recorder<S>,
    labels: (impl Fn(u32) -> Label, impl Fn(u32) -> Label),
    rounds: usize,
    anchor: &[S::Scalar],
    mut weighted: Vec<WeightedPart<'a, S::Scalar>>,
    mut plain: Option<PlainPart<'a, S::Scalar>>,
) -> Result<End<S::Scalar>> {
    if !weighted.is_empty() && anchor.len() != rounds {
        return Err(Error::lengths("sumcheck anchor", rounds, anchor.len()));
    }
    let mut t = Lin::zero();
    for part in &weighted {
        t += part.claim.clone();
    }
    let mut s = plain.as_ref().map_or(Lin::zero(), |p| p.claim.clone());
    let mut point: Vec<S::Scalar> = Vec::with_capacity(rounds);
    let mut weights = rec.knows().then(|| Weights::new(anchor, &weighted));
    for (i, name) in (0..rounds).zip(0u32..) {
        let iota = rounds - 1 - i;
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
            message.extend(plain_table.into_iter().flat_map(|table| table.round()));
            message
        })?;
        let rho = rec.challenge(labels.1(name), DEGREE);
        point.push(rho);
        let square = rho.square();
        let (sent_weighted, sent_plain) = sent.split_at(split);
        // Without weighted claims there may be no anchor, and nothing was sent for them.
        if let ([c1, c2], Some(pi)) = (sent_weighted, anchor.get(iota)) {
            t.add_scaled(c1, rho - pi);
            t.add_scaled(c2, square - pi);
        }
        if let [a0, a2] = sent_plain {
            s = s * rho;
            s.add_scaled(a0, S::Scalar::ONE - rho.double());
            s.add_scaled(a2, square - rho);
        }
        if let Some(weights) = &mut weights {
            for (_, eq) in &mut weights.eq {
                eq.shorten();
            }
            for part in weighted.iter_mut().filter(|p| i < p.variables) {
                if let Some(table) = &mut part.prover {
                    table.bind(rho);
                }
            }
            if let Some(table) = plain
                .as_mut()
                .filter(|p| i < p.variables)
                .and_then(|p| p.prover.as_mut())
            {
                table.bind(rho);
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

/// The prover's weights in a round: eq of what is left of π, and 1/π_ι.
struct Weights<F> {
    /// By the number of variables that parts have: eq(those of π but the ones that are bound and the one of this round, ·).
    eq: Vec<(usize, SplitEq<F>)>,
    /// By i, not ι.
    inverses: Vec<F>,
}

impl<F: PrimeField> Weights<F> {
    fn new(anchor: &[F], parts: &[WeightedPart<F>]) -> Self {
        let mut inverses: Vec<F> = anchor.iter().rev().copied().collect();
        // π_ι = 0 has probability 2^-128 and costs the honest prover a proof that fails.
        ark_ff::batch_inversion(&mut inverses);
        let mut eq: Vec<(usize, SplitEq<F>)> = Vec::new();
        for part in parts {
            let n = part.variables;
            let known = eq.iter().any(|(variables, _)| *variables == n);
            if let Some(own) = anchor
                .get(anchor.len() - n..anchor.len().saturating_sub(1))
                .filter(|_| n > 0 && !known)
            {
                eq.push((n, SplitEq::new(own)));
            }
        }
        Self { eq, inverses }
    }

    /// c_1 and c_2 of all parts together; c_1 from the running claim.
    fn message(&self, i: usize, parts: &[WeightedPart<F>], running: F) -> [F; 2] {
        let (mut c0, mut c2) = (F::ZERO, F::ZERO);
        for part in parts {
            let Some(table) = &part.prover else { continue };
            let eq = self.eq.iter().find(|(variables, _)| *variables == part.variables);
            match eq.filter(|_| i < part.variables) {
                Some((_, eq)) => {
                    let [more0, more2] = table.round(eq);
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

impl<F: PrimeField> PlainTable<F> for ProductTable<F> {
    fn round(&self) -> [F; 2] {
        let Self(a, b) = self;
        let (mut a0, mut a2) = (F::ZERO, F::ZERO);
        for ([al, ah], [bl, bh]) in a.as_chunks().0.iter().zip(b.as_chunks().0) {
            a0 += *al * bl;
            a2 += (*ah - al) * (*bh - bl);
        }
        [a0, a2]
    }

    fn bind(&mut self, rho: F) {
        bind(&mut self.0, rho);
        bind(&mut self.1, rho);
    }
}

/// f(v) = weight·a(v).
pub struct LinearTable<F> {
    pub values: Vec<F>,
    pub weight: F,
}

impl<F: PrimeField> WeightedTable<F> for LinearTable<F> {
    fn round(&self, eq: &SplitEq<F>) -> [F; 2] {
        let couples: &[[F; 2]] = self.values.as_chunks().0;
        let [sum] = eq.blocks(couples.len(), |weights, first| {
            let each = weights.iter().zip(&couples[first..]);
            [each.map(|(w, [low, _])| *w * low).sum()]
        });
        [sum * self.weight, F::ZERO]
    }

    fn bind(&mut self, rho: F) {
        bind(&mut self.values, rho);
    }

    fn value(&self) -> F {
        self.values.first().copied().unwrap_or_default() * self.weight
    }
}

/// Fixes a table's last variable.
fn bind<F: PrimeField>(table: &mut Vec<F>, rho: F) {
    *table = table
        .as_chunks()
        .0
        .iter()
        .map(|[low, high]| *low + rho * (*high - low))
        .collect();
}
