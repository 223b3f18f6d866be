//! What the relations on a linear head share: its sizes, its weights, certified records, and the steps that lead from a logit to claims on
//! both (spec/relations/optimum.md, steps 9 and 10).

mod digits;
mod logits;
mod openings;

use std::sync::Arc;

use ark_ff::PrimeField;

use super::check_opening;
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite};
use crate::poly::{below, eq_table};
use crate::recorder::{Lin, MatrixId, Recorder, Rows};

pub use digits::Digits;
pub(super) use digits::{Digited, Kept};
pub(super) use logits::{Logits, largest, terms_at_once};
pub(super) use openings::{LogitEnd, Reached, ends_of, plain};

/// Features are integers at scale 2^5.
pub(super) const FEATURE_SCALE: u32 = 5;

/// n, p (with the bias), c.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub records: u64,
    pub features: u32,
    pub classes: u32,
}

/// W, class by class: as it is, or one row point a class.
#[derive(Clone)]
pub enum Weights<S: Suite> {
    Public(Vec<i64>),
    Committed(Vec<Affine<S>>),
}

/// What the prover knows.
pub struct Trained<F: PrimeField> {
    /// One row of p + c numbers a record.
    pub records: Arc<Rows<F, i8>>,
    /// One row of p numbers a class. Public weights have no blinds.
    pub weights: Arc<Rows<F>>,
}

impl Size {
    pub(super) fn features(&self) -> usize {
        self.features as usize
    }

    pub(super) fn classes(&self) -> usize {
        self.classes as usize
    }

    pub(super) fn records(&self) -> usize {
        usize::try_from(self.records).unwrap_or(usize::MAX)
    }

    /// Entries of a record's row.
    pub(super) fn width(&self) -> usize {
        self.features().saturating_add(self.classes())
    }

    /// q: log2 of the row length.
    pub(super) fn column_bits(&self) -> usize {
        log2_ceil(self.width())
    }

    /// K.
    pub(super) fn class_bits(&self) -> usize {
        log2_ceil(self.classes())
    }

    /// ν.
    pub(super) fn record_bits(&self) -> usize {
        log2_ceil(self.records()).max(self.column_bits())
    }

    /// The recorder's row length.
    pub(super) fn columns(&self) -> usize {
        1 << self.column_bits().min(12)
    }

    pub(super) fn check(&self, subject: &'static str) -> Result<()> {
        let Self {
            records,
            features,
            classes,
        } = *self;
        let fits = (1..=1 << 24).contains(&records)
            && features >= 2
            && (2..=1024).contains(&classes)
            && self.width() <= 4096
            && self.class_bits() + self.record_bits() <= 28;
        if fits {
            Ok(())
        } else {
            let why = format!("refused size: {records} records of {features} features, {classes} classes");
            Err(Error::new(subject, Stage::Statement, why))
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        [
            &self.records.to_be_bytes()[..],
            &self.features.to_be_bytes(),
            &self.classes.to_be_bytes(),
        ]
        .concat()
    }
}

/// ⌈log2 n⌉.
fn log2_ceil(n: usize) -> usize {
    n.checked_next_power_of_two()
        .map_or(usize::BITS, usize::trailing_zeros) as usize
}

impl<S: Suite> Weights<S> {
    pub(super) fn committed(&self) -> bool {
        matches!(self, Self::Committed(_))
    }

    /// The right number of them, public ones within ±`most`.
    pub(super) fn check(&self, subject: &'static str, size: &Size, most: u64) -> Result<()> {
        let (expected, actual) = match self {
            Self::Public(w) => (size.classes() * size.features(), w.len()),
            Self::Committed(points) => (size.classes(), points.len()),
        };
        if expected != actual {
            return Err(Error::lengths(subject, expected, actual));
        }
        match self {
            Self::Public(w) if w.iter().any(|w| w.unsigned_abs() > most) => {
                Err(Error::new(subject, Stage::Statement, "a weight is out of range"))
            }
            _ => Ok(()),
        }
    }
}

/// The largest |W| of public weights at scale 2^scale.
pub(super) fn max_public_weight(scale: u32) -> u64 {
    1 << (FEATURE_SCALE + scale.min(32))
}

/// Records and weights of a statement, in a recorder.
pub(super) struct Head<'a, S: Suite> {
    pub size: &'a Size,
    pub digits: &'a Digits,
    pub weights: &'a Weights<S>,
    pub records: MatrixId,
    /// The rows of committed W.
    pub weight_rows: Option<MatrixId>,
}

impl<'a, S: Suite> Head<'a, S> {
    /// Absorbs weights and records: the end of the statement.
    pub fn absorb(
        rec: &mut Recorder<S>,
        size: &'a Size,
        digits: &'a Digits,
        points: &[Affine<S>],
        weights: &'a Weights<S>,
        witness: Option<&Trained<S::Scalar>>,
    ) -> Result<Self> {
        if let Weights::Public(w) = weights {
            let bytes: Vec<u8> = w.iter().flat_map(|w| w.to_be_bytes()).collect();
            rec.public("weights", &bytes);
        }
        let known = witness.map(|w| Arc::clone(&w.records));
        let records = rec.statement_matrix("records", points, known)?;
        let weight_rows = match weights {
            Weights::Committed(points) => {
                let known = witness.map(|w| Arc::clone(&w.weights));
                Some(rec.statement_matrix("W", points, known)?)
            }
            Weights::Public(_) => None,
        };
        Ok(Self {
            size,
            digits,
            weights,
            records,
            weight_rows,
        })
    }

    pub fn q(&self) -> usize {
        self.size.column_bits()
    }

    pub fn class_bits(&self) -> usize {
        self.size.class_bits()
    }

    pub fn record_bits(&self) -> usize {
        self.size.record_bits()
    }

    /// A point of (class, record) or (class, column).
    pub fn point(&self, mut class: Vec<S::Scalar>) -> Point<S::Scalar> {
        let rest = class.split_off(self.class_bits().min(class.len()));
        Point { class, rest }
    }

    /// Ĩ: the extension of what is 1 where there are a class and a record.
    pub fn inside(&self, at: &Point<S::Scalar>) -> S::Scalar {
        self.classes_inside(at) * self.records_inside(at)
    }

    pub fn classes_inside(&self, at: &Point<S::Scalar>) -> S::Scalar {
        below(&at.class, u64::from(self.size.classes)).0
    }

    pub fn records_inside(&self, at: &Point<S::Scalar>) -> S::Scalar {
        below(&at.rest, self.size.records).0
    }
}

/// A point of (class, record) or (class, column).
pub(super) struct Point<F> {
    pub class: Vec<F>,
    pub rest: Vec<F>,
}

impl<F: PrimeField> Point<F> {
    pub fn joined(&self) -> Vec<F> {
        [&self.class[..], &self.rest].concat()
    }
}

/// eq(point, ·), its first `count` entries.
pub(super) fn eq_first<F: PrimeField>(point: &[F], count: usize) -> Vec<F> {
    let mut table = eq_table(point);
    table.truncate(count);
    table
}

pub(super) fn padded<F: PrimeField>(mut values: Vec<F>, bits: usize) -> Vec<F> {
    values.resize(1 << bits, F::zero());
    values
}

pub(super) fn first<F: PrimeField>(forms: &[Lin<F>]) -> Lin<F> {
    forms.first().cloned().unwrap_or_else(Lin::zero)
}

pub(super) fn last<F: PrimeField>(forms: &[Lin<F>]) -> Lin<F> {
    forms.last().cloned().unwrap_or_else(Lin::zero)
}

/// That the witness opens a statement's records and weights.
pub(super) fn opens<S: Suite>(
    subject: &'static str,
    size: &Size,
    points: &[Affine<S>],
    stated: &Weights<S>,
    witness: &Trained<S::Scalar>,
) -> Result<()> {
    let fail = |why: &'static str| Error::new(subject, Stage::Witness, why);
    let (records, weights) = (&witness.records, &witness.weights);
    check_opening::<S, i8>(points, size.width(), &records.values, &records.blinds)
        .map_err(|_| fail("the records do not open their commitments"))?;
    match stated {
        Weights::Public(w) if *w != weights.values => Err(fail("other weights than the statement's")),
        Weights::Public(_) => Ok(()),
        Weights::Committed(points) => {
            check_opening::<S, i64>(points, size.features(), &weights.values, &weights.blinds)
                .map_err(|_| fail("the weights do not open their commitment"))
        }
    }
}
