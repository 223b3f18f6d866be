//! A verifier's final equation, deferred: one linear combination of points that must vanish. Many of them batch into one.

use std::borrow::Borrow;

use ark_ff::Zero;

use super::nonce::Nonces;
use crate::commit::Key;
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Point, Suite};
use crate::msm::msm;

/// Σ g[j]·G_j + h·H + u·U + Σ scalar·point = identity.
#[derive(Clone, Debug)]
pub struct Deferred<S: Suite> {
    pub(super) g: Vec<S::Scalar>,
    pub(super) h: S::Scalar,
    pub(super) u: S::Scalar,
    pub(super) points: Vec<Affine<S>>,
    pub(super) scalars: Vec<S::Scalar>,
}

impl<S: Suite> Deferred<S> {
    fn add_scaled(&mut self, other: &Self, k: S::Scalar) {
        if self.g.len() < other.g.len() {
            self.g.resize(other.g.len(), S::Scalar::zero());
        }
        for (to, from) in self.g.iter_mut().zip(&other.g) {
            *to += *from * k;
        }
        self.h += other.h * k;
        self.u += other.u * k;
        self.points.extend(&other.points);
        self.scalars.extend(other.scalars.iter().map(|s| *s * k));
    }

    /// The combination itself: one multi-scalar multiplication.
    pub(super) fn sum(&self) -> Result<Point<S>> {
        let key = Key::<S>::get(self.g.len());
        let g = key
            .g()
            .get(..self.g.len())
            .ok_or_else(|| Error::lengths("generators", self.g.len(), key.g().len()))?;
        let points = [g, &[key.h(), key.u()], &self.points].concat();
        let scalars = [&self.g[..], &[self.h, self.u], &self.scalars].concat();
        msm::<S>(&points, &scalars)
    }

    pub fn check(&self) -> Result<()> {
        if self.sum()?.is_zero() {
            Ok(())
        } else {
            Err(Error::new(
                "proof",
                Stage::Argument,
                "the proof does not hold: what it claims is false, or it was made for another round, client or policy",
            ))
        }
    }

    /// All of them in one multi-scalar multiplication, each weighted by a random scalar that the verifier draws now, after
    /// every proof is fixed: two bad proofs cannot cancel.
    pub fn check_all<D: Borrow<Self>>(all: impl IntoIterator<Item = D>) -> Result<()> {
        let mut random = Nonces::unhedged(b"batch")?;
        let mut all = all.into_iter();
        let Some(first) = all.next() else { return Ok(()) };
        let mut sum = first.borrow().clone();
        for other in all {
            sum.add_scaled(other.borrow(), random.scalar());
        }
        sum.check()
    }

    /// Which of them hold: all at once, and by halves where one does not. None never does.
    pub fn holding(all: &[Option<Self>]) -> Result<Vec<bool>> {
        let mut holds = vec![false; all.len()];
        Self::mark(all, &mut holds, false)?;
        Ok(holds)
    }

    /// Returns whether none fails. `one_fails`: that is known before.
    fn mark(all: &[Option<Self>], holds: &mut [bool], one_fails: bool) -> Result<bool> {
        if !one_fails {
            match Self::check_all(all.iter().flatten()) {
                Ok(()) => {
                    holds
                        .iter_mut()
                        .zip(all)
                        .for_each(|(to, one)| *to = one.is_some());
                    return Ok(true);
                }
                Err(error) if error.stage == Stage::Argument => (),
                Err(of_this_machine) => return Err(of_this_machine),
            }
        }
        let half = all.len() / 2;
        if half > 0 {
            let ((first, second), (left, right)) = (all.split_at(half), holds.split_at_mut(half));
            let none_in_first = Self::mark(first, left, false)?;
            // One fails in both together: where none does in the first, one does in the second.
            Self::mark(second, right, none_in_first)?;
        }
        Ok(false)
    }
}
