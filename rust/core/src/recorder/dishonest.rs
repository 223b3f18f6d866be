//! Hooks for dishonest provers, in test builds only: what an attacker would change in this code.

use ark_ff::{PrimeField, Zero};

use super::{Lin, Recorder, Role, SUBJECT};
use crate::checks;
use crate::commit::Key;
use crate::error::{Error, Result, Stage};
use crate::group::{Point, Suite, to_affine};
use crate::poly::dot;
use crate::transcript::{Label, Transcript};

/// A change to what was committed to long before. It only helps where the commitment was not absorbed.
pub enum Late<F> {
    /// Adds to one entry of a matrix, counted in order of recording.
    Row {
        matrix: usize,
        row: usize,
        column: usize,
        delta: F,
    },
    /// Adds to one slot of the message with this label.
    Slot { label: Label, slot: usize, delta: F },
    /// Adds to a public weight of an opening, which is the statement's; vectors are counted in order of recording.
    Weight { vector: usize, column: usize, delta: F },
}

/// What the prover of an optimum computes of each class and record, class by class with `stride` places each.
pub struct Learned<'a> {
    /// W, class by class, where the statement commits to it.
    pub weights: &'a mut Vec<i64>,
    pub stride: usize,
    /// ±1.
    pub labels: &'a mut [i64],
    pub logits: &'a mut [i64],
    pub margins: &'a mut [i64],
    /// What the record adds to the gradient, in multiples of its features.
    pub pulls: &'a mut [i64],
}

/// What the prover of an accuracy computes of each record, and of each class and record, class by class with `stride` places each.
pub struct Counted<'a> {
    /// W, class by class, where the statement commits to it.
    pub weights: &'a mut Vec<i64>,
    pub stride: usize,
    /// ±1.
    pub labels: &'a mut [i64],
    pub logits: &'a mut [i64],
    /// 1 where the record counts, by record.
    pub bits: &'a mut [i64],
    /// The logit of the record's class where it counts, by record.
    pub tops: &'a mut [i64],
    /// How far that class leads, where the record counts.
    pub leads: &'a mut [i64],
}

/// Every method may do nothing: then the prover is honest.
pub trait Dishonest<S: Suite> {
    /// Changes a message before it is committed to.
    fn message(&mut self, _label: Label, _transcript: &Transcript, _values: &mut Vec<S::Scalar>) {}

    /// Changes a matrix of integers before it is committed to.
    fn matrix(&mut self, _label: Label, _values: &mut Vec<i64>) {}

    /// Sees a challenge.
    fn challenge(&mut self, _label: Label, _value: S::Scalar) {}

    /// Changes a table's multiplicities after α.
    fn multiplicities(&mut self, _alpha: S::Scalar, _counts: &mut Vec<S::Scalar>) {}

    /// Changes what is looked up: other numbers than the statement's, and the limbs or digits that are committed to follow.
    fn looked_up(&mut self, _label: Label, _x: &mut Vec<i64>) {}

    /// Changes what a head says of its records; its residual follows.
    fn learned(&mut self, _numbers: Learned<'_>) {}

    /// Changes which records of a test set count, and why.
    fn counted(&mut self, _numbers: Counted<'_>) {}

    /// Changes the column whose squares the norm is proved of.
    fn squares(&mut self, _column: &mut Vec<i64>) {}

    /// Changes the two masked factors u, v; `gap` is what the claimed product lies off. `transcript` stands before u.
    fn masked(&mut self, _transcript: &Transcript, _e: S::Scalar, _gap: S::Scalar, _uv: &mut [S::Scalar; 2]) {
    }

    /// Whether to rewrite an earlier round with the products' first message: (label of the round, slot within it).
    fn rewrites(&self) -> Option<(Label, usize)> {
        None
    }

    /// A component on the generator just beyond the first row of the first matrix, that the prover knows.
    fn foreign(&self) -> Option<S::Scalar> {
        None
    }

    /// What to change now that the challenge with this label is known.
    fn late(&mut self, _drawn: Label) -> Vec<Late<S::Scalar>> {
        Vec::new()
    }

    /// A name: of what is changed, once the weights of the one linear statement are known, so that this holds.
    fn pays(&self) -> Option<&'static str> {
        None
    }

    /// Hears how it was changed.
    fn paid(&mut self, _change: &Late<S::Scalar>) {}

    /// Multiples of U (in rounds of χ·U) to add to the two cross terms before the challenge with this label. `encoded`: the
    /// honest terms; `error`: what the claimed inner product lies above the true one.
    fn cross(
        &mut self,
        _challenge: Label,
        _transcript: &Transcript,
        _encoded: [&[u8]; 2],
        _error: S::Scalar,
    ) -> [S::Scalar; 2] {
        [S::Scalar::from(0u64); 2]
    }

    /// The last challenge, if this prover believes that it knows it: then the nonce's point is solved for any answers.
    fn last_challenge(&mut self, _transcript: &Transcript) -> Option<S::Scalar> {
        None
    }

    /// Whether to put generators into the cross term of a merge.
    fn smuggles(&self) -> bool {
        false
    }
}

impl<S: Suite> Recorder<S> {
    pub(crate) fn dishonest(&mut self) -> Option<&mut Box<dyn Dishonest<S>>> {
        match &mut self.role {
            Role::Prover(p) => p.dishonest.as_mut(),
            _ => None,
        }
    }

    pub(super) fn foreign(&self) -> Option<S::Scalar> {
        match &self.role {
            Role::Prover(p) => p.dishonest.as_ref().and_then(|d| d.foreign()),
            _ => None,
        }
    }

    /// A dishonest prover's changes to a message, and what it adds to the message's point: rewriting an earlier slot.
    pub(super) fn cheat(&mut self, label: Label, values: &mut Vec<S::Scalar>) -> Result<Point<S>> {
        let transcript = self.transcript.clone();
        let mut rewrites = None;
        if let Some(d) = self.dishonest() {
            d.message(label, &transcript, values);
            rewrites = d.rewrites().filter(|_| label == Label("products/round", 0, 0));
        }
        let mut smuggled = Point::<S>::zero();
        if let Some((round, k)) = rewrites {
            let at = self
                .rounds
                .iter()
                .find(|(l, _)| *l == round)
                .map(|(_, first)| first + k);
            let slot = at.ok_or_else(|| Error::new(SUBJECT, Stage::Witness, "no such round"))?;
            let product = self
                .products
                .iter()
                .find(|p| p.linear.terms.iter().any(|(s, _)| *s == slot));
            let product = product.ok_or_else(|| Error::new(SUBJECT, Stage::Witness, "no such constraint"))?;
            let weight: S::Scalar = product
                .linear
                .terms
                .iter()
                .filter(|(s, _)| *s == slot)
                .map(|(_, c)| *c)
                .sum();
            let error = product
                .pairs
                .iter()
                .fold(self.value(&product.linear), |sum, (a, b)| {
                    sum + self.value(a) * self.value(b)
                });
            let delta = -error / weight;
            if let Some(value) = self.secrets()?.values.get_mut(slot) {
                *value += delta;
            }
            let place = self
                .messages
                .iter()
                .find(|m| (m.first..m.first + m.size).contains(&slot))
                .map_or(0, |m| m.place + slot - m.first);
            smuggled = Key::<S>::get(place + 1).commit_scalars(place, &[delta], &S::Scalar::zero())?;
        }
        Ok(smuggled)
    }

    /// A dishonest prover's changes to a matrix, and how wide its numbers are then.
    pub(super) fn cheat_rows(&mut self, label: Label, bits: u32, values: &mut Vec<i64>) -> u32 {
        match self.dishonest() {
            Some(d) => {
                d.matrix(label, values);
                64
            }
            None => bits,
        }
    }

    /// The challenge as it is used, by the rule that is dropped; a dishonest prover hears of it and makes its late changes.
    pub(super) fn drawn(&mut self, label: Label, value: S::Scalar) -> S::Scalar {
        let value = if !checks::draws(label.0) {
            S::Scalar::from(1u64)
        } else if checks::reuses(label.0) {
            self.last
        } else if checks::weakens(label.0) {
            S::Scalar::from(value.into_bigint().as_ref().first().copied().unwrap_or_default() % 16)
        } else {
            value
        };
        self.last = value;
        let Some(d) = self.dishonest() else { return value };
        d.challenge(label, value);
        for change in d.late(label) {
            self.change(&change);
        }
        value
    }

    /// Where a linear statement is false, changes what pays for it. `total`: constraints, less the openings' values; `power`: the first
    /// opening's weight.
    pub(super) fn pay(&mut self, total: &Lin<S::Scalar>, mut power: S::Scalar, eta: S::Scalar) -> Result<()> {
        let Some(name) = self.dishonest().and_then(|d| d.pays()) else {
            return Ok(());
        };
        let mut gap = self.value(total);
        // By the matrix's number: what its first entry counts.
        let mut first = vec![S::Scalar::zero(); self.matrices.len()];
        for opening in &self.openings {
            let (sum, columns) = (&self.sums[opening.sum], &self.columns[opening.columns]);
            gap += power * dot(&self.make_sum(sum)?, columns);
            first[sum.matrix] += power * sum.weights[0] * columns[0];
            power *= eta;
        }
        let own = self.rounds.iter().filter(|(label, _)| label.0 == name);
        let slots = own.filter_map(|(label, first)| {
            let of = |slot: usize| total.terms.iter().filter(move |(s, _)| *s == slot);
            let weight: S::Scalar = of(*first).map(|(_, c)| *c).sum();
            (!weight.is_zero()).then(|| Late::Slot {
                label: *label,
                slot: 0,
                delta: -gap / weight,
            })
        });
        let row = self.named.iter().find(|(label, _)| label.0 == name);
        let row = row.map(|(_, matrix)| Late::Row {
            matrix: *matrix,
            row: 0,
            column: 0,
            delta: -gap / first[*matrix],
        });
        let change = slots.chain(row).next();
        let change = change.ok_or_else(|| Error::new(SUBJECT, Stage::Witness, "nothing to pay with"))?;
        self.change(&change);
        if let Some(d) = self.dishonest() {
            d.paid(&change);
        }
        Ok(())
    }

    fn change(&mut self, change: &Late<S::Scalar>) {
        let (point, generator, delta) = match *change {
            Late::Row {
                matrix,
                row,
                column,
                delta,
            } => {
                self.late.push((matrix, row, column, delta));
                (self.matrices[matrix].points[row], column, delta)
            }
            Late::Slot { label, slot, delta } => {
                let Some((_, first)) = self.rounds.iter().find(|(l, _)| *l == label).copied() else {
                    return;
                };
                let Some(message) = self.messages.iter().find(|m| m.first == first) else {
                    return;
                };
                let (point, place) = (message.point, message.place);
                if let Some(secrets) = &mut self.secrets {
                    secrets.values[first + slot] += delta;
                }
                (point, place + slot, delta)
            }
            Late::Weight {
                vector,
                column,
                delta,
            } => {
                self.columns[vector][column] += delta;
                return;
            }
        };
        let old = self.points[point];
        let new = to_affine::<S>(&[old + crate::generators::row_generator::<S>(generator as u32) * delta])[0];
        self.points[point] = new;
        if let Role::Prover(p) = &mut self.role {
            p.proof
                .points
                .iter_mut()
                .filter(|p| **p == old)
                .for_each(|p| *p = new);
        }
    }
}
