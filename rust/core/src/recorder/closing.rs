//! The closing proof: everything recorded, in one argument (spec/recorder.md, "Closing").
//!
//! 1. Products → one product. With δ, Σ_j δ^j(linear_j + Σ a·b) = 0 is a plain committed sumcheck of A·B over the list of
//!    products, A = δ^j·a; it ends in one claim Ã·B̃ = T over symbols.
//! 2. One product → three linear constraints, by masks committed before the challenge e.
//! 3. Linear constraints and openings → one, with powers of η.
//! 4. Messages → one vector per block, with powers of τ drawn after all of them; rows → one vector per column weight, with weights
//!    β, β², … beyond a row's length, so that a component on a foreign generator does not pass.
//! 5. Vectors with different weights → one ([`inner_product::merge_all`]); 6. one hiding inner-product argument.

use std::borrow::Cow;

use ark_ff::{One, Zero};

use super::inner_product::{self, Value, Vector};
use super::{Combination, Deferred, Lin, Proof, Recorder, Role, SUBJECT};
use crate::error::{Error, Result, Stage};
use crate::group::Suite;
use crate::poly::{eq_table, powers};
use crate::sumcheck::{Part, ProductTable, sumcheck};
use crate::transcript::{Label, Transcript};

/// The summed soundness error of a proof is at most 2^-115.
pub const MIN_SOUNDNESS_BITS: f64 = 115.0;

/// What a run leaves behind.
pub enum Outcome<S: Suite> {
    Proof(Proof<S>),
    Deferred(Deferred<S>),
    Counts {
        points: usize,
        scalars: usize,
        slots: usize,
        messages: usize,
        products: usize,
        soundness_bits: f64,
    },
}

/// Audits and proves, or checks, everything that was recorded. Consumes the recorder.
pub fn close<S: Suite>(rec: Recorder<S>) -> Result<Outcome<S>> {
    close_and_keep(rec).map(|(outcome, _)| outcome)
}

/// The same, with the transcript: for inventories, and for the world of a simulator.
pub fn close_and_keep<S: Suite>(mut rec: Recorder<S>) -> Result<(Outcome<S>, Transcript)> {
    let products = rec.products.iter().map(|p| p.pairs.len()).sum();
    reduce_products(&mut rec)?;
    rec.audit()?;
    let (vectors, value) = combine(&mut rec)?;
    let (vector, value) = inner_product::merge_all(&mut rec, vectors, value)?;
    let deferred = inner_product::prove(&mut rec, vector, value)?;
    rec.role.finished()?;
    let soundness_bits = rec.soundness_bits();
    if soundness_bits < MIN_SOUNDNESS_BITS {
        return Err(Error::new(
            SUBJECT,
            Stage::Statement,
            format!("soundness of only {soundness_bits:.1} bits"),
        ));
    }
    let outcome = match rec.role {
        Role::Prover(p) => Outcome::Proof(p.proof),
        Role::Simulator(s) => Outcome::Proof(s.proof),
        Role::Verifier(_) => Outcome::Deferred(deferred),
        Role::Counter(c) => Outcome::Counts {
            points: c.points,
            scalars: c.scalars,
            slots: rec.slots,
            messages: rec.messages.len(),
            products,
            soundness_bits,
        },
    };
    Ok((outcome, rec.transcript))
}

fn reduce_products<S: Suite>(rec: &mut Recorder<S>) -> Result<()> {
    let products = std::mem::take(&mut rec.products);
    if products.is_empty() {
        return Ok(());
    }
    let delta = rec.challenge_full("products/delta", products.len());
    let (mut claim, mut left, mut right) = (Lin::zero(), Vec::new(), Vec::new());
    let mut power = S::Scalar::one();
    for product in &products {
        claim.add_scaled(&product.linear, -power);
        for (a, b) in &product.pairs {
            left.push(a.clone() * power);
            right.push(b.clone());
        }
        power *= delta;
    }
    // Kept for the audit, which comes after the product gadget's own constraints.
    rec.products = products;

    let rounds = left.len().next_power_of_two().trailing_zeros() as usize;
    let mut table = rec.knows().then(|| {
        let values = |forms: &[Lin<S::Scalar>]| {
            let mut values: Vec<S::Scalar> = forms.iter().map(|f| rec.value(f)).collect();
            values.resize(1 << rounds, S::Scalar::zero());
            values
        };
        ProductTable(values(&left), values(&right))
    });
    let part = Part {
        variables: rounds,
        claim,
        prover: table.as_mut().map(|t| t as _),
    };
    let labels = (
        |i| Label("products/round", 0, i),
        |i| Label("products/sigma", 0, i),
    );
    let end = sumcheck(rec, labels, rounds, &[], Vec::new(), Some(part))?;
    let eq = eq_table(&end.point);
    let fold = |forms: &[Lin<S::Scalar>]| {
        let mut sum = Lin::zero();
        for (form, e) in forms.iter().zip(&eq) {
            sum.add_scaled(form, *e);
        }
        sum
    };
    one_product(rec, &fold(&left), &fold(&right), &end.plain)
}

/// a·b = product, for symbolic a, b, product: opened under masks.
fn one_product<S: Suite>(
    rec: &mut Recorder<S>,
    a: &Lin<S::Scalar>,
    b: &Lin<S::Scalar>,
    product: &Lin<S::Scalar>,
) -> Result<()> {
    let (mask_a, mask_b) = (rec.blind()?, rec.blind()?);
    let (value_a, value_b) = (rec.value(a), rec.value(b));
    let masks = rec.commit("product/masks", 4, || {
        vec![
            mask_a,
            mask_b,
            mask_a * mask_b,
            mask_a * value_b + mask_b * value_a,
        ]
    })?;
    let [ma, mb, t0, t1] =
        <[Lin<S::Scalar>; 4]>::try_from(masks).map_err(|m| Error::lengths("product masks", 4, m.len()))?;
    let e = rec.challenge("product/e", 2);
    #[allow(unused_mut, reason = "only a dishonest prover changes them")]
    let mut masked = [mask_a + value_a * e, mask_b + value_b * e];
    #[cfg(feature = "drop-checks")]
    {
        let (transcript, gap) = (rec.transcript.clone(), rec.value(product) - value_a * value_b);
        if let Some(d) = rec.dishonest() {
            d.masked(&transcript, e, gap, &mut masked);
        }
    }
    let knows = rec.knows();
    let u = rec.scalar("product/u".into(), knows.then_some(masked[0]))?;
    let v = rec.scalar("product/v".into(), knows.then_some(masked[1]))?;
    let minus = |k: S::Scalar| Lin::constant(-k);
    rec.require_zero("product u", ma + a.clone() * e + minus(u), vec![]);
    rec.require_zero("product v", mb + b.clone() * e + minus(v), vec![]);
    rec.require_zero(
        "product uv",
        t0 + t1 * e + product.clone() * (e * e) + minus(u * v),
        vec![],
    );
    Ok(())
}

/// The vectors (messages first, then one per column weight) and the value that Σ ⟨vector, weights⟩ must have.
fn combine<S: Suite>(rec: &mut Recorder<S>) -> Result<(Vec<Vector<S::Scalar>>, Value<S::Scalar>)> {
    let size = rec.block;
    if let Some(long) = rec.columns.iter().find(|c| c.len() > size) {
        return Err(Error::lengths("columns", size, long.len()));
    }
    if !size.is_power_of_two() {
        return Err(Error::new(SUBJECT, Stage::Shape, "rows of no power of two"));
    }
    let eta = rec.challenge_full("combine/eta", rec.linears.len() + rec.openings.len());
    let tau = rec.challenge_full("combine/tau", 2 * rec.messages.len());
    let beta = rec.challenge_full("combine/beta", size);

    let (mut power, mut total) = (S::Scalar::one(), Lin::zero());
    for form in &rec.linears {
        total.add_scaled(form, power);
        power *= eta;
    }
    #[cfg(feature = "drop-checks")]
    let first_opening = power;
    let mut groups: Vec<(usize, Vec<(S::Scalar, usize)>)> = Vec::new();
    for (k, opening) in rec.openings.iter().enumerate() {
        total.add_scaled(&opening.value, -power);
        match groups.iter_mut().find(|(columns, _)| *columns == opening.columns) {
            Some((_, members)) => members.push((power, k)),
            None => groups.push((opening.columns, vec![(power, k)])),
        }
        power *= eta;
    }
    #[cfg(feature = "drop-checks")]
    rec.pay(&total, first_opening, eta)?;

    let taus = powers(tau, rec.messages.len().max(1));
    let top = taus.last().copied().unwrap_or(S::Scalar::one());
    let mut of_slots = vec![S::Scalar::zero(); rec.slots];
    for (slot, c) in &total.terms {
        if let Some(to) = of_slots.get_mut(*slot) {
            *to += c;
        }
    }
    let mut vectors = Vec::new();
    for block in 0..rec.messages.last().map_or(0, |m| m.block + 1) {
        vectors.push(message_vector(rec, block, &of_slots, &taus, size));
    }
    for (columns, members) in groups {
        vectors.push(row_vector(rec, columns, &members, top, beta, size)?);
    }
    let constant = -total.constant * top;
    Ok((vectors, Value::public(constant)))
}

/// Σ_i τ^i·M_i against weights scaled by τ^(N−1−i) in the slots of message i: the coefficient of τ^(N−1) is the statement;
/// what a later message holds in an earlier one's slots only spoils it. One vector for each block.
fn message_vector<S: Suite>(
    rec: &Recorder<S>,
    block: usize,
    of_slots: &[S::Scalar],
    taus: &[S::Scalar],
    size: usize,
) -> Vector<S::Scalar> {
    let mut weights = vec![S::Scalar::zero(); size];
    let mut secret = vec![S::Scalar::zero(); if rec.knows() { size } else { 0 }];
    let mut blind = S::Scalar::zero();
    let mut point: Combination<S::Scalar> = Vec::with_capacity(rec.messages.len());
    for (i, (message, (up, down))) in rec
        .messages
        .iter()
        .zip(taus.iter().zip(taus.iter().rev()))
        .enumerate()
        .filter(|(_, (message, _))| message.block == block)
    {
        let slots = message.first..message.first + message.size;
        let places = message.place..message.place + message.size;
        let own = of_slots.get(slots.clone()).unwrap_or_default();
        for (to, c) in weights
            .get_mut(places.clone())
            .unwrap_or_default()
            .iter_mut()
            .zip(own)
        {
            *to = *c * down;
        }
        point.push((message.point, *up));
        if let Some(secrets) = rec.secrets.as_ref().filter(|_| rec.knows()) {
            let values = secrets.values.get(slots).unwrap_or_default();
            for (to, v) in secret.get_mut(places).unwrap_or_default().iter_mut().zip(values) {
                *to = *v * up;
            }
            blind += secrets.blinds.get(i).map_or(S::Scalar::zero(), |b| *b * up);
        }
    }
    Vector {
        point,
        weights,
        secret,
        blind,
    }
}

fn row_vector<S: Suite>(
    rec: &Recorder<S>,
    columns: usize,
    members: &[(S::Scalar, usize)],
    scale: S::Scalar,
    beta: S::Scalar,
    size: usize,
) -> Result<Vector<S::Scalar>> {
    let own = rec
        .columns
        .get(columns)
        .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such columns"))?;
    // Without the tails, a test build shows, a component beyond the row goes unnoticed.
    let beta = if crate::checks::draws("combine/beta") {
        beta
    } else {
        S::Scalar::zero()
    };
    let tail = powers(beta, size - own.len() + 1);
    let weights = own
        .iter()
        .chain(tail.iter().skip(1))
        .map(|w| *w * scale)
        .collect();
    let (mut point, mut blind) = (Vec::new(), S::Scalar::zero());
    let mut secret = vec![S::Scalar::zero(); if rec.knows() { size } else { 0 }];
    for (power, k) in members {
        let opening = rec
            .openings
            .get(*k)
            .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such opening"))?;
        let sum = rec
            .sums
            .get(opening.sum)
            .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such sum"))?;
        let matrix = rec
            .matrices
            .get(sum.matrix)
            .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such matrix"))?;
        point.extend(
            matrix
                .points
                .iter()
                .zip(&sum.weights)
                .filter(|(_, w)| !w.is_zero())
                .map(|(at, w)| (*at, *w * power)),
        );
        if let Some(rows) = &matrix.rows {
            let row = match &sum.row {
                Some(row) => Cow::Borrowed(row),
                None => Cow::Owned(rows.combine(&sum.weights)?),
            };
            for (to, v) in secret.iter_mut().zip(row.iter()) {
                *to += *v * power;
            }
            blind += crate::poly::dot(&sum.weights, rows.blinds()) * power;
            #[cfg(feature = "drop-checks")]
            for (_, row, column, delta) in rec.late.iter().filter(|l| l.0 == sum.matrix) {
                secret[*column] += sum.weights[*row] * power * delta;
            }
            #[cfg(feature = "drop-checks")]
            if let (Some(known), 0, Some(to)) = (rec.foreign(), sum.matrix, secret.get_mut(own.len())) {
                *to += known * sum.weights.first().copied().unwrap_or_default() * power;
            }
        }
    }
    Ok(Vector {
        point,
        weights,
        secret,
        blind,
    })
}
