//! R1, bounded update (spec/relations/bounded-update.md). Claim: |x_j| ≤ B for every j exactly, Σ x_j² ≤ B2² over the integers,
//! and x_j = 0 for j ≥ d.
//!
//! Range by logUp against the table of [−B, B] (or of two limbs), with GKR fractional sums; the norm shares the leaf layer:
//! Σ x² is *defined* as B2² minus committed bits.

use std::sync::Arc;

use ark_ff::{BigInteger, PrimeField};

use super::plain_opening::padding;
use super::{Context, Relation, Shape, Witness, absorb_context, opens};
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite, encode_field};
use crate::lookup::Squares;
use crate::range::{self, Looked, signed_bits};
use crate::recorder::{Lin, MatrixId, Recorder};
use crate::transcript::Label;

pub const NAME: &str = "bounded update";

/// The bounds that the verifier's policy asks for.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// B: the exact bound on every coordinate.
    pub max_abs: u64,
    /// B2²: the exact bound on the squared Euclidean norm.
    pub max_norm_squared: u128,
    /// 0: one table of 2B + 1 entries. m > 0: x = lo + m·hi with two tables.
    pub limb: u64,
}

/// One limb of x: x = Σ weight·digit with |digit| ≤ bound.
#[derive(Clone, Copy, Debug)]
pub struct Digit {
    pub weight: u64,
    pub bound: u64,
}

impl Bounds {
    /// The limbs, lowest first. With two, m·h + l = B and 2l + 1 ≥ m, so that the intervals m·hi + [−l, l] touch: they cover
    /// exactly [−B, B] for every B and m ≤ B, and zero is (0, 0).
    pub fn digits(&self) -> Vec<Digit> {
        let m = self.limb;
        if m == 0 {
            return vec![Digit {
                weight: 1,
                bound: self.max_abs,
            }];
        }
        let half = m / 2;
        let low = half + self.max_abs.saturating_sub(half) % m;
        vec![
            Digit {
                weight: 1,
                bound: low,
            },
            Digit {
                weight: m,
                bound: self.max_abs.saturating_sub(low) / m,
            },
        ]
    }

    /// κ: bits of the slack B2² − Σ x².
    fn slack_bits(&self) -> u32 {
        u128::BITS - self.max_norm_squared.leading_zeros()
    }
}

const MAX_ABS: u64 = 1 << 20;

#[derive(Clone)]
pub struct BoundedUpdate<S: Suite> {
    pub context: Context,
    pub shape: Shape,
    pub bounds: Bounds,
    /// ceil(d / columns) rows.
    pub points: Vec<Affine<S>>,
}

impl<S: Suite> BoundedUpdate<S> {
    /// log2 of the number of coordinates, padding included.
    fn depth(&self) -> usize {
        self.shape.row_bits() + self.shape.column_bits()
    }
}

impl<S: Suite> Relation<S> for BoundedUpdate<S> {
    const NAME: &'static str = NAME;
    type Secret = Witness<S>;

    fn columns(&self) -> usize {
        self.shape.columns()
    }

    fn check(&self) -> Result<()> {
        self.shape.check(NAME, self.points.len())?;
        let Bounds {
            max_abs,
            max_norm_squared,
            limb,
        } = self.bounds;
        let field_bits = S::Scalar::MODULUS_BIT_SIZE - 1;
        // d·B² + 2^κ < r, so that Σ x² and the slack are integers; all factors are small enough for u128.
        let no_wrap = (1..=MAX_ABS).contains(&max_abs)
            && max_norm_squared >= 1
            && self.bounds.slack_bits() <= 120
            && field_bits >= 250;
        if !no_wrap || limb > max_abs || limb == 1 {
            let why = format!(
                "refused bounds: {max_abs} on coordinates, {max_norm_squared} on the squared norm, limbs of {limb}"
            );
            return Err(Error::new(NAME, Stage::Statement, why));
        }
        Ok(())
    }

    fn record(&self, rec: &mut Recorder<S>, witness: Option<&Witness<S>>) -> Result<()> {
        absorb_context(rec, NAME, &self.context);
        rec.public("shape", &self.shape.encode());
        let norm = encode_field(S::Scalar::from(self.bounds.max_norm_squared));
        let bounds = [
            &self.bounds.max_abs.to_be_bytes()[..],
            &norm,
            &self.bounds.limb.to_be_bytes(),
        ]
        .concat();
        rec.public("bounds", &bounds);
        let x = rec.statement_matrix("x", &self.points, witness.cloned())?;
        self.bounded(rec, x, witness)?;
        padding(rec, &self.shape, x)
    }

    fn holds(&self, witness: &Witness<S>) -> Result<()> {
        opens::<S>(&self.points, &self.shape, witness)?;
        let fail = |why: &'static str| Error::new(NAME, Stage::Witness, why);
        if witness
            .values
            .iter()
            .any(|v| v.unsigned_abs() > self.bounds.max_abs)
        {
            return Err(fail("a coordinate is out of bounds"));
        }
        if square_norm(&witness.values) > self.bounds.max_norm_squared {
            return Err(fail("the norm is out of bounds"));
        }
        Ok(())
    }
}

fn square_norm(values: &[i64]) -> u128 {
    values.iter().fold(0, |sum: u128, v| {
        sum.saturating_add(u128::from(v.unsigned_abs()).pow(2))
    })
}

impl<S: Suite> BoundedUpdate<S> {
    /// The bounds as constraints on a matrix.
    pub fn bounded(
        &self,
        rec: &mut Recorder<S>,
        x_rows: MatrixId,
        witness: Option<&Witness<S>>,
    ) -> Result<()> {
        let (depth, column_bits, digits) = (self.depth(), self.shape.column_bits(), self.bounds.digits());
        let columns = self.shape.columns();
        let split = witness.map(|w| {
            #[allow(unused_mut, reason = "only a dishonest prover changes them")]
            let mut x = std::borrow::Cow::from(&w.values);
            #[cfg(feature = "drop-checks")]
            if let Some(d) = rec.dishonest() {
                d.looked_up("x".into(), x.to_mut());
            }
            split(&x, &digits)
        });
        let column = |k: usize| split.as_ref().and_then(|s| s.get(k).cloned());

        // 1. Limbs above the lowest, multiplicities, in rows; the slack of the norm, in bits. The lowest limb is x − m·hi and
        //    needs no commitment; rows that x leaves out are zero in hi, too.
        let mut limb_rows = vec![x_rows];
        let padded = self.shape.rows().saturating_mul(columns);
        for (k, name) in (1..digits.len()).zip(1u32..) {
            let make = || {
                column(k)
                    .and_then(|c| c.get(..padded.min(c.len())).map(<[i64]>::to_vec))
                    .unwrap_or_default()
            };
            limb_rows.push(rec.commit_matrix(
                Label("limb", name, 0),
                self.shape.rows(),
                columns,
                signed_bits(digits.get(k).map_or(0, |d| d.bound)),
                make,
            )?);
        }
        let looked: Vec<Looked> = digits
            .iter()
            .enumerate()
            .map(|(k, digit)| Looked {
                depth,
                bound: digit.bound,
                values: column(k),
            })
            .collect();
        let counts = range::count(rec, &looked, column_bits)?;
        let slack_bits = self.bounds.slack_bits();
        let slack = rec.range_bits("slack bit", "slack", slack_bits, || {
            let slack = S::Scalar::from(self.bounds.max_norm_squared)
                - S::Scalar::from(witness.map_or(0, |w| square_norm(&w.values)));
            let bits = slack.into_bigint();
            (0..slack_bits as usize)
                .map(|i| S::Scalar::from(u64::from(bits.get_bit(i))))
                .collect()
        })?;
        let s = Lin::constant(S::Scalar::from(self.bounds.max_norm_squared)) - slack;

        // 2. The look-ups; the norm rides on their leaf layer.
        let squares = Squares {
            parts: digits.iter().map(|d| d.weight).zip(0..).collect(),
            sum: s,
        };
        let found = range::look_up(rec, &looked, &counts, column_bits, Some(&squares))?;

        // 3. Openings, all at one column point.
        let at_columns = rec.column_weights(found.column_weights(column_bits));
        let mut x_at = Lin::zero();
        for (digit, value) in digits.iter().zip(&found.values) {
            x_at.add_scaled(value, S::Scalar::from(digit.weight));
        }
        let mut row_weights = found.row_weights(depth, column_bits);
        row_weights.truncate(self.shape.rows());
        let limb_values = std::iter::once(&x_at).chain(found.values.iter().skip(1));
        let names = std::iter::once("x opening").chain(std::iter::repeat("limb opening"));
        for ((rows, value), name) in limb_rows.iter().zip(limb_values).zip(names) {
            rec.open(name, *rows, row_weights.clone(), at_columns, value.clone())?;
        }
        found.open_counts(rec, &looked, &counts, column_bits, at_columns)
    }
}

/// x as its digits; zeros stay zeros. A value out of range gets some split; then a look-up fails.
fn split(x: &[i64], digits: &[Digit]) -> Vec<Arc<Vec<i64>>> {
    let Some([_, high]) = digits.first_chunk::<2>() else {
        return vec![Arc::new(x.to_vec())];
    };
    let (m, bound) = (high.weight.cast_signed(), high.bound.cast_signed());
    let hi: Vec<i64> = x
        .iter()
        .map(|v| v.saturating_add(m / 2).div_euclid(m).clamp(-bound, bound))
        .collect();
    let lo = x.iter().zip(&hi).map(|(v, h)| v - m * h).collect();
    vec![Arc::new(lo), Arc::new(hi)]
}
