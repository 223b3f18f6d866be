//! Provers that hold a challenge too early, whatever the relation: in one of a sumcheck's rounds; and with all of a proof's challenges but
//! those of the inner product.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ark_ff::Field;
use fedproof_core::group::Suite;
use fedproof_core::recorder::dishonest::{Dishonest, Late};
use fedproof_core::transcript::Label;

use super::Hooks;

/// What a round's first coefficient must be more, so that after the challenge ρ the claim is `more` larger.
pub fn of_plain_round<F: Field>(more: F, rho: F) -> F {
    more / (F::ONE - rho.double())
}

/// The same of a weighted claim's: its c_1, anchored at π.
pub fn of_weighted_round<F: Field>(more: F, rho: F, pi: F) -> F {
    more / (rho - pi)
}

/// An entry of a matrix that was changed: row, column, by how much.
pub type Change<F> = Arc<Mutex<Option<(usize, usize, F)>>>;

struct Pays<F>(&'static str, Change<F>);

impl<S: Suite> Dishonest<S> for Pays<S::Scalar> {
    fn pays(&self) -> Option<&'static str> {
        Some(self.0)
    }

    fn paid(&mut self, change: &Late<S::Scalar>) {
        if let Late::Row {
            row, column, delta, ..
        } = change
        {
            *self.1.lock().expect("one thread") = Some((*row, *column, *delta));
        }
    }
}

/// Whatever is false, a message or a matrix with this name is changed so that the one linear statement holds, when its weights are
/// known. Tells of a change to a matrix.
pub fn pays<S: Suite>(name: &'static str) -> (Hooks<S>, Change<S::Scalar>) {
    let change = Change::default();
    (Some(Box::new(Pays(name, change.clone()))), change)
}

/// By the challenge's name: all that were drawn, the last first, as a sumcheck's point has them.
pub type Challenges<F> = BTreeMap<&'static str, Vec<F>>;

pub type Drawn<F> = Arc<Mutex<Challenges<F>>>;

struct Sees<F>(Drawn<F>);

impl<S: Suite> Dishonest<S> for Sees<S::Scalar> {
    fn challenge(&mut self, Label(name, ..): Label, value: S::Scalar) {
        let mut drawn = self.0.lock().expect("one thread");
        drawn.entry(name).or_default().insert(0, value);
    }
}

/// Honest, but remembers.
pub fn sees<S: Suite>() -> (Hooks<S>, Drawn<S::Scalar>) {
    let drawn = Drawn::default();
    (Some(Box::new(Sees(drawn.clone()))), drawn)
}

/// Once η is known, changes to the statement by all that was drawn.
struct AtEta<F, C>(C, Challenges<F>);

impl<S: Suite, C> Dishonest<S> for AtEta<S::Scalar, C>
where
    C: FnMut(&Challenges<S::Scalar>) -> Vec<Late<S::Scalar>>,
{
    fn challenge(&mut self, Label(name, ..): Label, value: S::Scalar) {
        self.1.entry(name).or_default().insert(0, value);
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<S::Scalar>> {
        if drawn.0 == "combine/eta" {
            (self.0)(&self.1)
        } else {
            vec![]
        }
    }
}

pub fn at_eta<S: Suite>(
    changes: impl FnMut(&Challenges<S::Scalar>) -> Vec<Late<S::Scalar>> + 'static,
) -> Hooks<S> {
    Some(Box::new(AtEta(changes, Challenges::new())))
}

/// The same of η alone.
pub fn after_eta<S: Suite>(mut changes: impl FnMut(S::Scalar) -> Vec<Late<S::Scalar>> + 'static) -> Hooks<S> {
    at_eta::<S>(move |drawn| changes(drawn["combine/eta"][0]))
}
