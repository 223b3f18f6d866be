//! The end of the closing proof: vectors merged into one, then a hiding inner-product argument (Bulletproofs §3, without
//! inverses), which is at the same time the opening of every committed row. Folding ends at [`LAST`] entries.
//!
//! A round sends L = ⟨z_lo, G_hi⟩ + ⟨z_lo, w_hi⟩·χU + l·H and R = ⟨z_hi, G_lo⟩ + ⟨z_hi, w_lo⟩·χU + r·H; then z = z_lo + e·z_hi,
//! G = e·G_lo + G_hi, w = e·w_lo + w_hi and P = L + e·P + e²·R. At the end P = Σ z_i·(G_i + w_i·χU) + ζ·H, by Schnorr.
//! A verifier never folds generators: G = Σ s_j·G_j with s_j = Π_k (e_k where bit k of j, top first, is 0, else 1).

use std::sync::Arc;

use ark_ec::CurveGroup;
use ark_ff::{One, Zero};
use zeroize::{Zeroize, Zeroizing};

use super::{Combination, Deferred, Recorder, Role, SUBJECT};
use crate::commit::Key;
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Point, Suite, to_affine};
use crate::poly::dot;
use crate::transcript::{Label, short_challenge};

/// A vector commitment ⟨secret, G⟩ + blind·H = point, with public weights. `secret` is empty for all but the prover.
pub(super) struct Vector<F: Zeroize> {
    pub point: Combination<F>,
    pub weights: Vec<F>,
    pub secret: Vec<F>,
    pub blind: F,
}

impl<F: Zeroize> Drop for Vector<F> {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.blind.zeroize();
    }
}

/// A commitment secret·U + blind·H = u·U + point to an inner product.
pub(super) struct Value<F> {
    u: F,
    point: Combination<F>,
    secret: F,
    blind: F,
}

impl<F: Zero + Copy> Value<F> {
    pub(super) fn public(value: F) -> Self {
        Self {
            u: value,
            point: Vec::new(),
            secret: value,
            blind: F::zero(),
        }
    }
}

fn scale<F: std::ops::Mul<Output = F> + Copy>(combination: &mut Combination<F>, k: F) {
    for (_, c) in combination {
        *c = *c * k;
    }
}

/// Merges all vectors into the first. Merge k turns ⟨a, w_a⟩ + ⟨b, w_b⟩ + Σ others = value into ⟨a + e·b, e·w_a + w_b⟩ + e·Σ others =
/// low + e·value + e²·high.
pub(super) fn merge_all<S: Suite>(
    rec: &mut Recorder<S>,
    vectors: Vec<Vector<S::Scalar>>,
    mut value: Value<S::Scalar>,
) -> Result<(Vector<S::Scalar>, Value<S::Scalar>)> {
    let mut rest = vectors;
    rest.reverse();
    let Some(mut merged) = rest.pop() else {
        return Err(Error::new(SUBJECT, Stage::Shape, "nothing to prove"));
    };
    // What the weights of the rest are still to be multiplied with: each vector once, not in every merge.
    let mut scaled = S::Scalar::one();
    let mut count = 0;
    while let Some(mut next) = rest.pop() {
        for w in &mut next.weights {
            *w *= scaled;
        }
        let e = merge(rec, count, &mut merged, next, (&rest, scaled), &mut value)?;
        scaled *= e;
        count += 1;
    }
    Ok((merged, value))
}

/// One merge, into `a`; the challenge. `others`: the vectors that are left, and a factor of their weights.
#[cfg_attr(
    not(feature = "drop-checks"),
    allow(unused_variables, reason = "only a dishonest prover looks at the others")
)]
fn merge<S: Suite>(
    rec: &mut Recorder<S>,
    count: u32,
    a: &mut Vector<S::Scalar>,
    mut b: Vector<S::Scalar>,
    (others, scaled): (&[Vector<S::Scalar>], S::Scalar),
    value: &mut Value<S::Scalar>,
) -> Result<S::Scalar> {
    #[cfg(feature = "drop-checks")]
    let smuggled = smuggle(rec, a, &b, value)?;
    let cross = [dot(&a.secret, &b.weights), dot(&b.secret, &a.weights)];
    let blinds = [rec.blind()?, rec.blind()?];
    let key = Key::<S>::get(1);
    let known = rec.knows().then(|| {
        let low = key.commit_value(&cross[0], &blinds[0]);
        #[cfg(feature = "drop-checks")]
        let low = low + smuggled;
        to_affine::<S>(&[low, key.commit_value(&cross[1], &blinds[1])])
    });
    #[cfg(feature = "drop-checks")]
    let known = {
        let rest: S::Scalar = others.iter().map(|v| dot(&v.secret, &v.weights)).sum();
        let truth = dot(&a.secret, &a.weights) + dot(&b.secret, &b.weights) + scaled * rest;
        let error = value.secret - truth;
        known.map(|points| cheat(rec, Label("merge/e", count, 0), S::Scalar::one(), points, error))
    };
    let at = |k: usize| known.as_ref().and_then(|p| p.get(k).copied());
    let low = rec.point(Label("merge/low", count, 0), at(0))?;
    let high = rec.point(Label("merge/high", count, 0), at(1))?;
    let e = rec.challenge(Label("merge/e", count, 0), 2);

    scale(&mut b.point, e);
    a.point.append(&mut b.point);
    for (x, y) in a.weights.iter_mut().zip(&b.weights) {
        *x = e * *x + y;
    }
    for (x, y) in a.secret.iter_mut().zip(&b.secret) {
        *x += e * y;
    }
    a.blind += e * b.blind;
    scale(&mut value.point, e);
    value.point.extend([(low, S::Scalar::one()), (high, e * e)]);
    value.u *= e;
    value.secret = cross[0] + e * value.secret + e * e * cross[1];
    value.blind = blinds[0] + e * value.blind + e * e * blinds[1];
    Ok(e)
}

/// A dishonest prover adds to the two cross terms.
#[cfg(feature = "drop-checks")]
fn cheat<S: Suite>(
    rec: &mut Recorder<S>,
    challenge: Label,
    unit: S::Scalar,
    points: Vec<Affine<S>>,
    error: S::Scalar,
) -> Vec<Affine<S>> {
    let encoded: Vec<_> = points.iter().map(crate::group::encode_point::<S>).collect();
    let transcript = rec.transcript.clone();
    let Some(d) = rec.dishonest() else { return points };
    let shifts = d.cross(challenge, &transcript, [&encoded[0], &encoded[1]], error);
    let key = Key::<S>::get(1);
    let shifted: Vec<Point<S>> = points
        .iter()
        .zip(shifts)
        .map(|(p, k)| key.commit_value(&(unit * k), &S::Scalar::zero()) + p)
        .collect();
    to_affine::<S>(&shifted)
}

/// A dishonest prover shifts a slot so that the sum comes out, and hides the shift in the cross term's point.
#[cfg(feature = "drop-checks")]
fn smuggle<S: Suite>(
    rec: &mut Recorder<S>,
    a: &mut Vector<S::Scalar>,
    b: &Vector<S::Scalar>,
    value: &Value<S::Scalar>,
) -> Result<Point<S>> {
    if !rec.dishonest().is_some_and(|d| d.smuggles()) {
        return Ok(Point::<S>::zero());
    }
    let error = value.secret - dot(&a.secret, &a.weights) - dot(&b.secret, &b.weights);
    let slot = a.weights.iter().position(|w| !w.is_zero()).unwrap_or_default();
    let delta = error / a.weights[slot];
    a.secret[slot] += delta;
    Key::<S>::get(slot + 1).commit_scalars(slot, &[delta], &S::Scalar::zero())
}

/// Folding ends at this length: as many answers as points that four more rounds would send, and less work.
const LAST: usize = 16;

/// The prover's side. Generators are never folded: after some rounds generator i is Σ_b factors[b]·G_{i + b·n}, and the tables of
/// the original ones make full-size scalars cheap.
struct Folding<S: Suite> {
    key: Arc<Key<S>>,
    z: Vec<S::Scalar>,
    blind: S::Scalar,
}

impl<S: Suite> Drop for Folding<S> {
    fn drop(&mut self) {
        self.z.zeroize();
        self.blind.zeroize();
    }
}

impl<S: Suite> Folding<S> {
    /// ⟨z, z.len() of the n generators from `start` on⟩.
    fn product(&self, s: &[S::Scalar], z: &[S::Scalar], start: usize, n: usize) -> Result<Point<S>> {
        let ranges: Vec<_> = (0..s.len())
            .map(|b| b * n + start..b * n + start + z.len())
            .collect();
        let scalars: Zeroizing<Vec<_>> =
            Zeroizing::new(s.iter().flat_map(|f| z.iter().map(move |z| *z * f)).collect());
        self.key.multiply_ranges(&ranges, &scalars)
    }

    fn cross(
        &self,
        s: &[S::Scalar],
        w: &[S::Scalar],
        chi: S::Scalar,
        blinds: [S::Scalar; 2],
    ) -> Result<[Affine<S>; 2]> {
        let half = self.z.len() / 2;
        let (z_lo, z_hi) = self.z.split_at(half);
        let (w_lo, w_hi) = w.split_at(half);
        let side = |z: &[S::Scalar], start: usize, w: &[S::Scalar], blind: &S::Scalar| -> Result<Point<S>> {
            Ok(self.product(s, z, start, 2 * half)? + self.key.commit_value(&(chi * dot(z, w)), blind))
        };
        let [low_blind, high_blind] = &blinds;
        let (low, high) = rayon::join(
            || side(z_lo, half, w_hi, low_blind),
            || side(z_hi, 0, w_lo, high_blind),
        );
        let both = to_affine::<S>(&[low?, high?]);
        <[Affine<S>; 2]>::try_from(both).map_err(|p| Error::lengths("round", 2, p.len()))
    }

    fn fold(&mut self, e: S::Scalar, blinds: [S::Scalar; 2]) {
        let half = self.z.len() / 2;
        let (lo, hi) = self.z.split_at(half);
        let mut z: Vec<S::Scalar> = lo.iter().zip(hi).map(|(l, h)| *l + e * h).collect();
        std::mem::swap(&mut self.z, &mut z);
        z.zeroize();
        self.blind = blinds[0] + e * self.blind + e * e * blinds[1];
    }
}

/// Proves vector.point = ⟨z, G⟩ + …·H and value = ⟨z, w⟩. χ ties the two together after all merges.
pub(super) fn prove<S: Suite>(
    rec: &mut Recorder<S>,
    mut vector: Vector<S::Scalar>,
    mut value: Value<S::Scalar>,
) -> Result<Deferred<S>> {
    let chi = rec.challenge("ipa/chi", 2);
    let size = vector.weights.len();
    let rounds = (size / LAST).max(1).trailing_zeros();
    let mut point = std::mem::take(&mut vector.point);
    scale(&mut value.point, chi);
    point.append(&mut value.point);
    let mut u = chi * value.u;
    let mut folding = if rec.knows() {
        Some(Folding {
            key: Key::<S>::get(size),
            z: std::mem::take(&mut vector.secret),
            blind: vector.blind + chi * value.blind,
        })
    } else {
        None
    };

    #[cfg(feature = "drop-checks")]
    let error = folding
        .as_ref()
        .map_or(S::Scalar::zero(), |f| value.secret - dot(&f.z, &vector.weights));
    let (mut s, mut w) = (vec![S::Scalar::one()], std::mem::take(&mut vector.weights));
    for k in 0..rounds {
        let blinds = [rec.blind()?, rec.blind()?];
        let known = folding
            .as_ref()
            .map(|f| f.cross(&s, &w, chi, blinds))
            .transpose()?;
        #[cfg(feature = "drop-checks")]
        let known = known.map(|p| cheat(rec, Label("ipa/e", k, 0), chi, p.to_vec(), error));
        #[cfg(feature = "drop-checks")]
        let known = known.as_ref();
        let low = rec.point(Label("ipa/low", k, 0), known.map(|p| p[0]))?;
        let high = rec.point(Label("ipa/high", k, 0), known.map(|p| p[1]))?;
        let e = rec.challenge(Label("ipa/e", k, 0), 2);
        if let Some(f) = &mut folding {
            f.fold(e, blinds);
        }
        scale(&mut point, e);
        u *= e;
        point.extend([(low, S::Scalar::one()), (high, e * e)]);
        s = s.iter().flat_map(|t| [*t * e, *t]).collect();
        let (lo, hi) = w.split_at(w.len() / 2);
        w = lo.iter().zip(hi).map(|(l, h)| e * l + h).collect();
    }

    let base_u = w.iter().map(|w| chi * w).collect();
    schnorr(rec, Claim { s, base_u, point, u }, folding)
}

/// point + u·U = Σ_i z_i·(Σ_b s_b·G_{i + b·n} + base_u_i·U) + ζ·H for some z_0, …, z_{n−1}, ζ.
struct Claim<F> {
    s: Vec<F>,
    base_u: Vec<F>,
    point: Combination<F>,
    u: F,
}

impl<F: ark_ff::PrimeField> Claim<F> {
    /// Σ z_i·base_i + h·H − e·(point + u·U), as a combination that the verifier wants to equal the nonce point.
    fn equation<S: Suite<Scalar = F>>(self, rec: &Recorder<S>, z: &[F], h: F, e: F) -> Result<Deferred<S>> {
        let mut points = Vec::with_capacity(self.point.len());
        let mut scalars = Vec::with_capacity(self.point.len());
        for (index, c) in self.point {
            points.push(
                *rec.points
                    .get(index)
                    .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such point"))?,
            );
            scalars.push(-e * c);
        }
        Ok(Deferred {
            g: self
                .s
                .iter()
                .flat_map(|s| z.iter().map(move |z| *s * z))
                .collect(),
            h,
            u: dot(z, &self.base_u) - e * self.u,
            points,
            scalars,
        })
    }
}

fn schnorr<S: Suite>(
    rec: &mut Recorder<S>,
    claim: Claim<S::Scalar>,
    folding: Option<Folding<S>>,
) -> Result<Deferred<S>> {
    if matches!(rec.role, Role::Simulator(_)) {
        return simulate(rec, claim);
    }
    #[cfg(feature = "drop-checks")]
    {
        let transcript = rec.transcript.clone();
        if let Some(e) = rec.dishonest().and_then(|d| d.last_challenge(&transcript)) {
            return forge(rec, claim, e);
        }
    }
    let n = claim.base_u.len();
    let nonces = Zeroizing::new((0..n).map(|_| rec.blind()).collect::<Result<Vec<_>>>()?);
    let blind_nonce = rec.blind()?;
    let known = folding
        .as_ref()
        .map(|f| -> Result<_> {
            let u = Key::<S>::get(1).commit_value(&dot(&nonces, &claim.base_u), &blind_nonce);
            let (front, back) = claim.s.split_at(claim.s.len() / 2);
            let (front, back) = rayon::join(
                || f.product(front, &nonces, 0, n),
                || f.product(back, &nonces, front.len() * n, n),
            );
            Ok((front? + back? + u).into_affine())
        })
        .transpose()?;
    let nonce = rec.point("schnorr/nonce".into(), known)?;
    let e = rec.challenge("schnorr/e", 1);
    let answers: Option<Vec<_>> = folding.as_ref().map(|f| {
        let z = nonces.iter().zip(&f.z).map(|(nonce, z)| *nonce + e * z);
        z.chain([blind_nonce + e * f.blind]).collect()
    });
    let mut z = Vec::with_capacity(n + 1);
    for i in 0..n + 1 {
        let known = answers.as_ref().and_then(|a| a.get(i).copied());
        z.push(rec.scalar(answer(i), known)?);
    }
    let h = z.pop().unwrap_or_default();
    let mut deferred = claim.equation(rec, &z, h, e)?;
    deferred.points.push(
        *rec.points
            .get(nonce)
            .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such point"))?,
    );
    deferred.scalars.push(-S::Scalar::one());
    Ok(deferred)
}

/// The label of an answer.
fn answer(i: usize) -> Label {
    Label("schnorr/answer", u32::try_from(i).unwrap_or(u32::MAX), 0)
}

/// Sends the answers z, h, after the point for which they solve the equation.
fn solved<S: Suite>(
    rec: &mut Recorder<S>,
    claim: Claim<S::Scalar>,
    (z, h): (Vec<S::Scalar>, S::Scalar),
    e: S::Scalar,
    program: impl FnOnce(&mut Recorder<S>),
) -> Result<Deferred<S>> {
    let equation = claim.equation(rec, &z, h, e)?;
    rec.point("schnorr/nonce".into(), Some(equation.sum()?.into_affine()))?;
    program(rec);
    rec.challenge("schnorr/e", 1);
    for (i, z) in z.into_iter().chain([h]).enumerate() {
        rec.scalar(answer(i), Some(z))?;
    }
    Ok(equation)
}

/// A dishonest prover that believes to know the last challenge solves for the nonce's point, as the simulator does.
#[cfg(feature = "drop-checks")]
fn forge<S: Suite>(rec: &mut Recorder<S>, claim: Claim<S::Scalar>, e: S::Scalar) -> Result<Deferred<S>> {
    let z = claim.base_u.iter().map(|_| rec.blind()).collect::<Result<_>>()?;
    let h = rec.blind()?;
    solved(rec, claim, (z, h), e, |_| ())
}

/// The simulator chooses challenge and answers first and solves for the nonce point.
fn simulate<S: Suite>(rec: &mut Recorder<S>, claim: Claim<S::Scalar>) -> Result<Deferred<S>> {
    let Role::Simulator(simulator) = &mut rec.role else {
        return Err(Error::new(SUBJECT, Stage::Witness, "not a simulator"));
    };
    let z = simulator.random.scalars(claim.base_u.len());
    let (h, e) = (simulator.random.scalar(), simulator.random.short());
    solved(rec, claim, (z, h), short_challenge(e), |rec| {
        rec.transcript.program("schnorr/e", e);
    })
}
