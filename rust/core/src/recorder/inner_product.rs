//! The end of the closing proof: vectors merged into one, then a hiding inner-product argument (Bulletproofs §3, without
//! inverses), which is at the same time the opening of every committed row.
//!
//! A round sends L = ⟨z_lo, G_hi⟩ + ⟨z_lo, w_hi⟩·χU + l·H and R = ⟨z_hi, G_lo⟩ + ⟨z_hi, w_lo⟩·χU + r·H; then z = z_lo + e·z_hi,
//! G = e·G_lo + G_hi, w = e·w_lo + w_hi and P = L + e·P + e²·R. At length one P = z·(G + w·χU) + ζ·H, by Schnorr.
//! A verifier never folds generators: G = Σ s_j·G_j with s_j = Π_k (e_k where bit k of j, top first, is 0, else 1).

use std::sync::Arc;

use ark_ec::CurveGroup;
use ark_ff::{One, Zero};
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

use super::{Combination, Deferred, Recorder, Role, SUBJECT};
use crate::commit::Key;
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Endomorphism, Point, Suite, msm, to_affine};
use crate::poly::dot;
use crate::transcript::{Label, Short};

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

/// ⟨a, w_a⟩ + ⟨b, w_b⟩ + Σ others = value, made ⟨a + e·b, e·w_a + w_b⟩ + e·Σ others = low + e·value + e²·high.
pub(super) fn merge<S: Suite>(
    rec: &mut Recorder<S>,
    count: u32,
    mut a: Vector<S::Scalar>,
    mut b: Vector<S::Scalar>,
    others: Vec<Vector<S::Scalar>>,
    mut value: Value<S::Scalar>,
) -> Result<(Vec<Vector<S::Scalar>>, Value<S::Scalar>)> {
    #[cfg(feature = "drop-checks")]
    let smuggled = smuggle(rec, &mut a, &b, &value)?;
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
        let all = [&a, &b].into_iter().chain(&others);
        let truth: S::Scalar = all.map(|v| dot(&v.secret, &v.weights)).sum();
        let error = value.secret - truth;
        known.map(|points| cheat(rec, Label("merge/e", count, 0), S::Scalar::one(), points, error))
    };
    let at = |k: usize| known.as_ref().and_then(|p| p.get(k).copied());
    let low = rec.point(Label("merge/low", count, 0), at(0))?;
    let high = rec.point(Label("merge/high", count, 0), at(1))?;
    let e = rec.challenge(Label("merge/e", count, 0), 2);

    scale(&mut b.point, e);
    let mut point = std::mem::take(&mut a.point);
    point.append(&mut b.point);
    let merged = Vector {
        point,
        weights: a.weights.iter().zip(&b.weights).map(|(x, y)| e * x + y).collect(),
        secret: a.secret.iter().zip(&b.secret).map(|(x, y)| *x + e * y).collect(),
        blind: a.blind + e * b.blind,
    };
    let mut vectors = vec![merged];
    for mut other in others {
        for w in &mut other.weights {
            *w *= e;
        }
        vectors.push(other);
    }
    scale(&mut value.point, e);
    value.point.extend([(low, S::Scalar::one()), (high, e * e)]);
    value.u *= e;
    value.secret = cross[0] + e * value.secret + e * e * cross[1];
    value.blind = blinds[0] + e * value.blind + e * e * blinds[1];
    Ok((vectors, value))
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

/// Rounds over the original generators, whose tables make full-size scalars cheap; then they are folded 2^3 to one at once.
const ROUNDS_BEFORE_FOLDING: usize = 3;

/// The prover's side. Generators after k rounds are Σ_b factors[b]·G_{i + b·n}; once folded they are in `g`.
struct Folding<S: Suite> {
    key: Arc<Key<S>>,
    factors: Vec<S::Scalar>,
    g: Vec<Affine<S>>,
    z: Vec<S::Scalar>,
    w: Vec<S::Scalar>,
    blind: S::Scalar,
    endomorphism: Endomorphism<S>,
}

impl<S: Suite> Folding<S> {
    /// ⟨z, half of the generators⟩; `high`: which half.
    fn product(&self, z: &[S::Scalar], high: bool) -> Result<Point<S>> {
        let (n, half) = (self.z.len(), z.len());
        if self.factors.is_empty() {
            let (low_g, high_g) = self.g.split_at(half);
            return msm::<S>(if high { high_g } else { low_g }, z);
        }
        let start = if high { half } else { 0 };
        let ranges: Vec<_> = (0..self.factors.len())
            .map(|b| b * n + start..b * n + start + half)
            .collect();
        let scalars: Zeroizing<Vec<_>> = Zeroizing::new(
            self.factors
                .iter()
                .flat_map(|f| z.iter().map(move |z| *z * f))
                .collect(),
        );
        self.key.multiply_ranges(&ranges, &scalars)
    }

    fn cross(&self, chi: S::Scalar, blinds: [S::Scalar; 2]) -> Result<[Affine<S>; 2]> {
        let half = self.z.len() / 2;
        let (z_lo, z_hi) = self.z.split_at(half);
        let (w_lo, w_hi) = self.w.split_at(half);
        let side = |z: &[S::Scalar], high: bool, w: &[S::Scalar], blind: &S::Scalar| -> Result<Point<S>> {
            Ok(self.product(z, high)? + self.key.commit_value(&(chi * dot(z, w)), blind))
        };
        let [low_blind, high_blind] = &blinds;
        let (low, high) = rayon::join(
            || side(z_lo, true, w_hi, low_blind),
            || side(z_hi, false, w_lo, high_blind),
        );
        let both = to_affine::<S>(&[low?, high?]);
        <[Affine<S>; 2]>::try_from(both).map_err(|p| Error::lengths("round", 2, p.len()))
    }

    fn fold(&mut self, challenge: Short, e: S::Scalar, blinds: [S::Scalar; 2]) -> Result<()> {
        let half = self.z.len() / 2;
        let (lo, hi) = self.z.split_at(half);
        let mut z: Vec<S::Scalar> = lo.iter().zip(hi).map(|(l, h)| *l + e * h).collect();
        std::mem::swap(&mut self.z, &mut z);
        z.zeroize();
        let (lo, hi) = self.w.split_at(half);
        self.w = lo.iter().zip(hi).map(|(l, h)| e * l + h).collect();
        self.blind = blinds[0] + e * self.blind + e * e * blinds[1];
        if !self.factors.is_empty() {
            self.factors = self.factors.iter().flat_map(|t| [*t * e, *t]).collect();
            return if self.factors.len() == 1 << ROUNDS_BEFORE_FOLDING {
                self.materialise()
            } else {
                Ok(())
            };
        }
        let (lo, hi) = self.g.split_at(half);
        let folded: Vec<Point<S>> = lo
            .par_iter()
            .zip(hi)
            .with_min_len(16)
            .map(|(l, h)| self.endomorphism.multiply(l, challenge.a, challenge.b) + h)
            .collect();
        self.g = to_affine::<S>(&folded);
        Ok(())
    }

    /// The generators as points of their own.
    fn materialise(&mut self) -> Result<()> {
        if !self.factors.is_empty() {
            self.g = to_affine::<S>(&self.key.fold(&self.factors, self.z.len())?);
            self.factors.clear();
        }
        Ok(())
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
    let rounds = size.trailing_zeros();
    let mut point = std::mem::take(&mut vector.point);
    scale(&mut value.point, chi);
    point.append(&mut value.point);
    let mut u = chi * value.u;
    let mut folding = if rec.knows() {
        Some(Folding {
            key: Key::<S>::get(size),
            factors: vec![S::Scalar::one()],
            g: Vec::new(),
            z: std::mem::take(&mut vector.secret),
            w: vector.weights.clone(),
            blind: vector.blind + chi * value.blind,
            endomorphism: Endomorphism::new(rec.zeta),
        })
    } else {
        None
    };

    #[cfg(feature = "drop-checks")]
    let error = folding
        .as_ref()
        .map_or(S::Scalar::zero(), |f| value.secret - dot(&f.z, &f.w));
    let mut challenges = Vec::new();
    for k in 0..rounds {
        let blinds = [rec.blind()?, rec.blind()?];
        let known = folding.as_ref().map(|f| f.cross(chi, blinds)).transpose()?;
        #[cfg(feature = "drop-checks")]
        let known = known.map(|p| cheat(rec, Label("ipa/e", k, 0), chi, p.to_vec(), error));
        #[cfg(feature = "drop-checks")]
        let known = known.as_ref();
        let low = rec.point(Label("ipa/low", k, 0), known.map(|p| p[0]))?;
        let high = rec.point(Label("ipa/high", k, 0), known.map(|p| p[1]))?;
        let pair = rec.challenge_pair(Label("ipa/e", k, 0), 2);
        let e = pair.scalar(rec.zeta);
        if let Some(f) = &mut folding {
            f.fold(pair, e, blinds)?;
        }
        scale(&mut point, e);
        u *= e;
        point.extend([(low, S::Scalar::one()), (high, e * e)]);
        challenges.push(e);
    }

    if let Some(f) = &mut folding {
        f.materialise()?;
    }
    let mut s = vec![S::Scalar::one()];
    for e in &challenges {
        s = s.iter().flat_map(|t| [*t * e, *t]).collect();
    }
    let base_u = chi * dot(&s, &vector.weights);
    schnorr(rec, Claim { s, base_u, point, u }, folding)
}

/// point + u·U = z·(Σ s_j·G_j + base_u·U) + ζ·H for some z, ζ.
struct Claim<F> {
    s: Vec<F>,
    base_u: F,
    point: Combination<F>,
    u: F,
}

impl<F: ark_ff::PrimeField> Claim<F> {
    /// z·base + h·H − e·(point + u·U), as a combination that the verifier wants to equal the nonce point.
    fn equation<S: Suite<Scalar = F>>(self, rec: &Recorder<S>, z: F, h: F, e: F) -> Result<Deferred<S>> {
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
            g: self.s.into_iter().map(|s| s * z).collect(),
            h,
            u: z * self.base_u - e * self.u,
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
    let nonces = [rec.blind()?, rec.blind()?];
    let known = folding.as_ref().map(|f| {
        let g = f.g.first().map_or(Point::<S>::zero(), |g| *g * nonces[0]);
        (g + Key::<S>::get(1).commit_value(&(nonces[0] * claim.base_u), &nonces[1])).into_affine()
    });
    let nonce = rec.point("schnorr/nonce".into(), known)?;
    let e = rec.challenge("schnorr/e", 1);
    let answers = folding.as_ref().map(|f| {
        let z = f.z.first().copied().unwrap_or_default();
        [nonces[0] + e * z, nonces[1] + e * f.blind]
    });
    let z = rec.scalar(Label("schnorr/answer", 0, 0), answers.map(|a| a[0]))?;
    let h = rec.scalar(Label("schnorr/answer", 1, 0), answers.map(|a| a[1]))?;
    let mut deferred = claim.equation(rec, z, h, e)?;
    deferred.points.push(
        *rec.points
            .get(nonce)
            .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "no such point"))?,
    );
    deferred.scalars.push(-S::Scalar::one());
    Ok(deferred)
}

/// A dishonest prover that believes to know the last challenge solves for the nonce's point, as the simulator does.
#[cfg(feature = "drop-checks")]
fn forge<S: Suite>(rec: &mut Recorder<S>, claim: Claim<S::Scalar>, e: S::Scalar) -> Result<Deferred<S>> {
    let (z, h) = (rec.blind()?, rec.blind()?);
    let equation = claim.equation(rec, z, h, e)?;
    rec.point("schnorr/nonce".into(), Some(equation.sum()?.into_affine()))?;
    rec.challenge("schnorr/e", 1);
    rec.scalar(Label("schnorr/answer", 0, 0), Some(z))?;
    rec.scalar(Label("schnorr/answer", 1, 0), Some(h))?;
    Ok(equation)
}

/// The simulator chooses challenge and answers first and solves for the nonce point.
fn simulate<S: Suite>(rec: &mut Recorder<S>, claim: Claim<S::Scalar>) -> Result<Deferred<S>> {
    let Role::Simulator(simulator) = &mut rec.role else {
        return Err(Error::new(SUBJECT, Stage::Witness, "not a simulator"));
    };
    let (z, h) = (simulator.random.scalar::<S::Scalar>(), simulator.random.scalar());
    let answer = simulator.random.short();
    let e = Short::from_bytes(answer).scalar(rec.zeta);
    let equation = claim.equation(rec, z, h, e)?;
    let nonce = equation.sum()?.into_affine();
    rec.point("schnorr/nonce".into(), Some(nonce))?;
    rec.transcript.program("schnorr/e", answer);
    rec.challenge("schnorr/e", 1);
    rec.scalar(Label("schnorr/answer", 0, 0), Some(z))?;
    rec.scalar(Label("schnorr/answer", 1, 0), Some(h))?;
    Ok(equation)
}
