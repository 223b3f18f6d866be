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
use crate::lookup::{Leaves, Squares, Tree, fractional_sums};
use crate::poly::eq_table;
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

/// log2 of a table with padding, at least one row.
fn table_bits(bound: u64, shape: &Shape) -> usize {
    let bits = (u64::BITS - (2 * bound).leading_zeros()) as usize;
    bits.max(shape.column_bits())
}

/// Bits that hold every number from −bound to bound.
fn signed_bits(bound: u64) -> u32 {
    u64::BITS - bound.leading_zeros() + 1
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

    fn shape(&self) -> &Shape {
        &self.shape
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
        let (depth, columns, digits) = (self.depth(), self.shape.columns(), self.bounds.digits());
        let split = witness.map(|w| {
            #[allow(unused_mut, reason = "only a dishonest prover changes them")]
            let mut x = std::borrow::Cow::from(&w.values);
            #[cfg(feature = "drop-checks")]
            if let Some(d) = rec.dishonest() {
                d.looked_up(x.to_mut());
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
        let mut counts = Vec::new();
        let mut count_rows = Vec::new();
        for (k, (digit, name)) in digits.iter().zip(0u32..).enumerate() {
            let bits = table_bits(digit.bound, &self.shape);
            let count = column(k).map(|c| Arc::new(multiplicities(&c, 1 << depth, digit.bound, bits)));
            let rows = (1usize << bits) / columns;
            let width = u32::try_from(depth).unwrap_or(u32::MAX) + 2;
            let make = || count.as_deref().cloned().unwrap_or_default();
            count_rows.push(rec.commit_matrix(Label("m", name, 0), rows, columns, width, make)?);
            counts.push(count);
        }
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

        // 2. Per limb Σ 1/(α − v_j) = Σ m_t/(α − T_t), both by fractional sums; the norm rides on the leaf layer.
        let sizes = digits
            .iter()
            .map(|d| (1usize << depth).saturating_add(1 << table_bits(d.bound, &self.shape)))
            .sum();
        let alpha = rec.challenge_full("alpha", sizes);
        let mut trees: Vec<Tree<S::Scalar>> = (0..digits.len())
            .map(|k| Tree {
                depth,
                leaves: Leaves::Values { alpha },
                column: column(k),
            })
            .collect();
        trees.extend(digits.iter().zip(counts).map(|(d, count)| Tree {
            depth: table_bits(d.bound, &self.shape),
            leaves: Leaves::Table {
                alpha,
                bound: d.bound,
            },
            column: count,
        }));
        let parts = digits.iter().map(|d| d.weight).zip(0..).collect();
        let sums = fractional_sums(rec, &trees, &Squares { parts, sum: s })?;
        let (values, tables) = sums.roots.split_at(digits.len().min(sums.roots.len()));
        for ((px, qx), (pt, qt)) in values.iter().zip(tables) {
            // No non-zero check is needed: a polynomial identity in α.
            rec.require_zero(
                "look-up",
                Lin::zero(),
                vec![(px.clone(), qt.clone()), (-pt.clone(), qx.clone())],
            );
        }

        // 3. Openings, all at one column point.
        let column_bits = self.shape.column_bits();
        let (row_point, column_point) = sums.point.split_at(sums.point.len().saturating_sub(column_bits));
        let at_columns = rec.column_weights(eq_table(column_point));
        let mut x_at = Lin::zero();
        for (digit, value) in digits.iter().zip(&sums.columns) {
            x_at.add_scaled(value, S::Scalar::from(digit.weight));
        }
        let row_weights = |bits: usize, rows: usize| {
            let suffix = row_point.get(row_point.len().saturating_sub(bits.saturating_sub(column_bits))..);
            let mut weights = eq_table(suffix.unwrap_or_default());
            weights.truncate(rows);
            weights
        };
        let limb_values = std::iter::once(&x_at).chain(sums.columns.iter().take(digits.len()).skip(1));
        let names = std::iter::once("x opening").chain(std::iter::repeat("limb opening"));
        for ((rows, value), name) in limb_rows.iter().zip(limb_values).zip(names) {
            rec.open(
                name,
                *rows,
                row_weights(depth, self.shape.rows()),
                at_columns,
                value.clone(),
            )?;
        }
        for ((rows, digit), value) in count_rows
            .iter()
            .zip(&digits)
            .zip(sums.columns.iter().skip(digits.len()))
        {
            let bits = table_bits(digit.bound, &self.shape);
            rec.open(
                "multiplicity opening",
                *rows,
                row_weights(bits, (1 << bits) / columns),
                at_columns,
                value.clone(),
            )?;
        }
        Ok(())
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

/// How often each table entry occurs in `length` values, zeros at the end included. A value out of range is counted nowhere.
fn multiplicities(values: &[i64], length: usize, bound: u64, bits: usize) -> Vec<i64> {
    let mut counts = vec![0; 1 << bits];
    let zero = usize::try_from(bound).ok().and_then(|i| counts.get_mut(i));
    if let (Some(zero), Some(Ok(missing))) = (zero, length.checked_sub(values.len()).map(i64::try_from)) {
        *zero = missing;
    }
    for v in values {
        let index = v.saturating_add(bound.cast_signed());
        if let Some(count) = usize::try_from(index)
            .ok()
            .filter(|_| v.unsigned_abs() <= bound)
            .and_then(|i| counts.get_mut(i))
        {
            *count += 1;
        }
    }
    counts
}
