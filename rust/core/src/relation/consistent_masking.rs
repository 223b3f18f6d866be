//! R4, consistent masking (spec/relations/consistent-masking.md). Claim: what a client uploaded under masks is its weight times the update
//! that it committed to, plus the masks that it and its neighbours signed fingerprints of: rows and blinds.

use ark_ff::{Field, One, PrimeField, Zero};
use zeroize::Zeroize;

use super::{Context, Relation, Shape, absorb_context};
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Point, Suite, WithoutH, encode_rows, encode_scalars, to_affine};
use crate::masking::{Beacon, Modulus, REPETITIONS, weighted};
use crate::msm::msm;
use crate::poly::{dot, powers};
use crate::recorder::{Lin, Opens, Recorder};
use crate::transcript::Label;

pub const NAME: &str = "consistent masking";

const MAX_PAIRS: usize = 1000;
const MAX_CARRY_BITS: u32 = 126;

/// A neighbour's mask as the client signed for it.
#[derive(Clone)]
pub struct Pair<S: Suite> {
    /// Whether the client subtracts it.
    pub negative: bool,
    /// Φ of every repetition.
    pub points: Vec<Affine<S>>,
}

#[derive(Clone)]
pub struct ConsistentMasking<S: Suite> {
    pub context: Context,
    /// Digest of the accepted set.
    pub accepted: [u8; 32],
    pub shape: Shape,
    pub modulus: Modulus,
    /// ℓ: a carry lies in [−2^ℓ, 2^ℓ).
    pub carry_bits: u32,
    /// C(x), row by row.
    pub points: Vec<Affine<S>>,
    /// σ without the masks that are open, one a row.
    pub blinds: Vec<S::Scalar>,
    /// Of the neighbours in the set.
    pub pairs: Vec<Pair<S>>,
    /// φ(y) without the masks that are open, mod q, of every repetition.
    pub values: Vec<u64>,
}

/// What the client knows of one repetition.
#[derive(Clone)]
pub struct Fingerprinted<F: PrimeField> {
    /// Σ ε·φ of the pairs' masks, an integer.
    pub pairs: i128,
    /// Σ ε·β of the pairs.
    pub blind: F,
}

pub struct Secret<F: PrimeField> {
    /// x, d integers.
    pub values: Vec<i64>,
    pub repetitions: Vec<Fingerprinted<F>>,
}

impl<F: PrimeField> Secret<F> {
    /// values: x. pairs: whether the mask is subtracted, φ and β of every repetition.
    pub fn new<'a>(
        values: Vec<i64>,
        pairs: impl Iterator<Item = (bool, &'a [u64], &'a [F])>,
    ) -> Result<Self> {
        let nothing = Fingerprinted {
            pairs: 0,
            blind: F::zero(),
        };
        let mut secret = Self {
            values,
            repetitions: vec![nothing; REPETITIONS],
        };
        for (negative, values, blinds) in pairs {
            if values.len() != REPETITIONS || blinds.len() != REPETITIONS {
                return Err(Error::lengths(NAME, REPETITIONS, values.len().min(blinds.len())));
            }
            for ((known, value), blind) in secret.repetitions.iter_mut().zip(values).zip(blinds) {
                if negative {
                    known.pairs -= i128::from(*value);
                    known.blind -= blind;
                } else {
                    known.pairs += i128::from(*value);
                    known.blind += blind;
                }
            }
        }
        Ok(secret)
    }
}

impl<F: PrimeField> Drop for Secret<F> {
    fn drop(&mut self) {
        self.values.zeroize();
        for known in &mut self.repetitions {
            known.pairs.zeroize();
            known.blind.zeroize();
        }
    }
}

/// z_0 … z_{C − 1}, f of every repetition: rows of field elements.
struct Folded<F: PrimeField> {
    rows: Vec<Vec<F>>,
    blinds: Vec<F>,
}

impl<F: PrimeField> Opens<F> for Folded<F> {
    fn combine(&self, weights: &[F]) -> Result<Vec<F>> {
        let mut sum = vec![F::zero(); self.rows.first().map_or(0, Vec::len)];
        for (row, weight) in self.rows.iter().zip(weights) {
            sum.iter_mut().zip(row).for_each(|(to, v)| *to += *v * weight);
        }
        Ok(sum)
    }

    fn blinds(&self) -> &[F] {
        &self.blinds
    }
}

impl<F: PrimeField> Drop for Folded<F> {
    fn drop(&mut self) {
        self.rows.zeroize();
        self.blinds.zeroize();
    }
}

impl<S: Suite> ConsistentMasking<S> {
    fn beacons(&self) -> Result<Vec<Beacon>> {
        Beacon::all(
            self.modulus,
            &self.shape,
            &self.context.announcement,
            &self.accepted,
        )
    }

    /// Q of every repetition: weight·Σ a_r·P_r − (Σ a_r·σ_r)·H + Σ ε·Φ.
    fn sums(&self, beacons: &[Beacon]) -> Result<Vec<Affine<S>>> {
        let weight = S::Scalar::from(self.context.weight);
        let h = crate::generators::named_generator::<S>(S::BLIND);
        let sums = beacons.iter().enumerate().map(|(s, beacon)| {
            let mut points = self.points.clone();
            let mut scalars: Vec<S::Scalar> =
                beacon.rows.iter().map(|a| weight * S::Scalar::from(*a)).collect();
            points.push(h);
            scalars.push(-weighted(beacon, &self.blinds));
            for pair in &self.pairs {
                let point = pair.points.get(s);
                points.push(*point.ok_or_else(|| Error::lengths(NAME, REPETITIONS, s))?);
                scalars.push(if pair.negative {
                    -S::Scalar::one()
                } else {
                    S::Scalar::one()
                });
            }
            msm::<S>(&points, &scalars)
        });
        Ok(to_affine::<S>(&sums.collect::<Result<Vec<Point<S>>>>()?))
    }

    /// b of a repetition, and 1 for f.
    fn columns_of(beacon: &Beacon) -> Vec<S::Scalar> {
        let weights = beacon.columns.iter().map(|b| S::Scalar::from(*b));
        weights.chain([S::Scalar::one()]).collect()
    }

    fn folded(&self, beacons: &[Beacon], secret: &Secret<S::Scalar>) -> Folded<S::Scalar> {
        let weight = S::Scalar::from(self.context.weight);
        let of = |(beacon, known): (&Beacon, &Fingerprinted<S::Scalar>)| {
            let mut row = vec![S::Scalar::zero(); self.shape.columns() + 1];
            for (values, a) in secret.values.chunks(self.shape.columns()).zip(&beacon.rows) {
                let a = weight * S::Scalar::from(*a);
                row.iter_mut()
                    .zip(values)
                    .for_each(|(to, x)| *to += a * S::Scalar::from(*x));
            }
            if let Some(last) = row.last_mut() {
                *last = S::Scalar::from(known.pairs);
            }
            row
        };
        let known = secret.repetitions.iter();
        Folded {
            rows: beacons.iter().zip(known.clone()).map(of).collect(),
            blinds: known.map(|k| k.blind).collect(),
        }
    }

    /// κ + 2^ℓ of every repetition: of an honest client an integer below 2^(ℓ + 1), of others whatever solves the claim in F.
    pub fn carries(&self, secret: &Secret<S::Scalar>) -> Result<Vec<S::Scalar>> {
        let beacons = self.beacons()?;
        Ok(self.carries_of(&beacons, &self.folded(&beacons, secret)))
    }

    fn carries_of(&self, beacons: &[Beacon], folded: &Folded<S::Scalar>) -> Vec<S::Scalar> {
        let inverse = S::Scalar::from(self.modulus.q()).inverse().unwrap_or_default();
        let of = |((beacon, row), value): ((&Beacon, &Vec<S::Scalar>), &u64)| {
            (dot(&Self::columns_of(beacon), row) - S::Scalar::from(*value)) * inverse + self.offset()
        };
        beacons
            .iter()
            .zip(&folded.rows)
            .zip(&self.values)
            .map(of)
            .collect()
    }

    fn offset(&self) -> S::Scalar {
        S::Scalar::from(1u128 << self.carry_bits.min(MAX_CARRY_BITS))
    }

    fn absorb(&self, rec: &mut Recorder<WithoutH<S>>) {
        absorb_context(rec, NAME, &self.context);
        rec.public("accepted", &self.accepted);
        rec.public("shape", &self.shape.encode());
        let bounds = [
            self.modulus.q().to_be_bytes(),
            u64::from(self.carry_bits).to_be_bytes(),
        ];
        rec.public("modulus", bounds.as_flattened());
        rec.public("rows", &encode_rows::<S>(&self.points));
        rec.public("blinds", &encode_scalars::<S>(&self.blinds));
        for (i, pair) in (0u32..).zip(&self.pairs) {
            rec.public(Label("sign", i, 0), &[u8::from(pair.negative)]);
            rec.public(Label("pair", i, 0), &encode_rows::<S>(&pair.points));
        }
        let values: Vec<u8> = self.values.iter().flat_map(|v| v.to_be_bytes()).collect();
        rec.public("values", &values);
    }
}

/// The lowest bits of a field element, least significant first.
fn bits_of<F: PrimeField>(value: F, count: usize) -> Vec<F> {
    let value = value.into_bigint();
    let limbs = value.as_ref();
    let bit = |i: usize| limbs.get(i / 64).is_some_and(|limb| limb >> (i % 64) & 1 == 1);
    (0..count).map(|i| F::from(bit(i))).collect()
}

impl<S: Suite> Relation<WithoutH<S>> for ConsistentMasking<S> {
    const NAME: &'static str = NAME;
    type Secret = Secret<S::Scalar>;

    fn columns(&self) -> usize {
        (self.shape.columns() + 1).next_power_of_two()
    }

    fn check(&self) -> Result<()> {
        self.shape.check(NAME, self.points.len())?;
        let fail = |why: String| Err(Error::new(NAME, Stage::Statement, why));
        if self.blinds.len() != self.shape.rows() {
            return Err(Error::lengths(NAME, self.shape.rows(), self.blinds.len()));
        }
        if self.values.len() != REPETITIONS {
            return Err(Error::lengths(NAME, REPETITIONS, self.values.len()));
        }
        if let Some(pair) = self.pairs.iter().find(|p| p.points.len() != REPETITIONS) {
            return Err(Error::lengths(NAME, REPETITIONS, pair.points.len()));
        }
        if self.pairs.len() > MAX_PAIRS || !(1..=MAX_CARRY_BITS).contains(&self.carry_bits) {
            return fail(format!(
                "refused: {} pairs, {} bits",
                self.pairs.len(),
                self.carry_bits
            ));
        }
        if self.values.iter().any(|v| *v >= self.modulus.q()) {
            return fail("a fingerprint is not below the modulus".into());
        }
        Ok(())
    }

    fn record(&self, rec: &mut Recorder<WithoutH<S>>, witness: Option<&Self::Secret>) -> Result<()> {
        self.absorb(rec);
        let beacons = self.beacons()?;
        let folded = witness.map(|secret| std::sync::Arc::new(self.folded(&beacons, secret)));
        let carries = folded.as_ref().map(|f| self.carries_of(&beacons, f));
        let sums = rec.statement_matrix("Q", &self.sums(&beacons)?, folded)?;
        let bits = self.carry_bits as usize + 1;
        let mut numbers = Vec::with_capacity(REPETITIONS);
        for (s, name) in (0..REPETITIONS).zip(0u32..) {
            let make = || {
                let carry = carries.as_deref().and_then(|c| c.get(s)).copied();
                bits_of(carry.unwrap_or_default(), bits)
            };
            let bits = rec.commit(Label("carry", name, 0), bits, make)?;
            numbers.push(rec.number_in_bits("carry bit", &bits));
        }
        let q = S::Scalar::from(self.modulus.q());
        for (s, ((beacon, number), value)) in beacons.iter().zip(numbers).zip(&self.values).enumerate() {
            let mut rows = vec![S::Scalar::zero(); REPETITIONS];
            if let Some(row) = rows.get_mut(s) {
                *row = S::Scalar::one();
            }
            let mut claimed = Lin::constant(S::Scalar::from(*value) - q * self.offset());
            claimed.add_scaled(&number, q);
            let columns = rec.column_weights(Self::columns_of(beacon));
            rec.open("fingerprint", sums, rows, columns, claimed)?;
        }
        Ok(())
    }

    fn holds(&self, secret: &Self::Secret) -> Result<()> {
        let fail = |why: &'static str| Err(Error::new(NAME, Stage::Witness, why));
        if secret.values.len() as u64 != self.shape.d || secret.repetitions.len() != REPETITIONS {
            return fail("its shape is not the statement's");
        }
        let beacons = self.beacons()?;
        let folded = self.folded(&beacons, secret);
        let key = crate::commit::Key::<WithoutH<S>>::get(self.columns());
        for ((row, blind), sum) in folded.rows.iter().zip(&folded.blinds).zip(self.sums(&beacons)?) {
            if to_affine::<S>(&[key.commit_scalars(0, row, blind)?]) != [sum] {
                return fail("masks, blinds or weight are not those of the upload");
            }
        }
        let limit = self.carry_bits as usize + 1;
        let small =
            |carry: &S::Scalar| dot(&bits_of(*carry, limit), &powers(S::Scalar::from(2u64), limit)) == *carry;
        if !self.carries_of(&beacons, &folded).iter().all(small) {
            return fail("the fingerprint of the upload is another one");
        }
        Ok(())
    }
}
