//! Fiat–Shamir transcript (spec/transcript.md): a chain of Keccak-256 over typed, labelled, length-prefixed values.
//!
//! A challenge depends on everything absorbed before it. Reading a proof *is* absorbing it: only the recorder asks its role for
//! points and scalars, and it absorbs each as it comes.

use ark_ff::PrimeField;
use sha3::{Digest, Keccak256};

use crate::checks;
use crate::group::scalar_from_wide;

/// Protocol version, part of every statement.
pub const VERSION: &str = "fedproof/v1";

/// What a value or a challenge is called: a name and up to two indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(pub &'static str, pub u32, pub u32);

impl From<&'static str> for Label {
    fn from(name: &'static str) -> Self {
        Self(name, 0, 0)
    }
}

/// One step of a transcript, for the inventory that tests compare between the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Absorb(Label),
    Challenge(Label),
}

#[derive(Clone, Debug)]
pub struct Transcript {
    state: [u8; 32],
    log: Vec<Event>,
    /// The simulator's oracle: (state, answer). Empty for everybody else.
    #[cfg(feature = "programmable-oracle")]
    programmed: Vec<([u8; 32], [u8; 16])>,
}

const ABSORB: u8 = b'A';
const FULL: u8 = b'C';
const SHORT: u8 = b'S';

impl Default for Transcript {
    fn default() -> Self {
        Self::new()
    }
}

impl Transcript {
    pub fn new() -> Self {
        let state = Keccak256::digest(b"fedproof/v1/transcript").into();
        Self {
            state,
            log: Vec::new(),
            #[cfg(feature = "programmable-oracle")]
            programmed: Vec::new(),
        }
    }

    fn advance(&self, kind: u8, label: Label, data: Option<&[u8]>) -> [u8; 32] {
        let Label(name, i, j) = label;
        let mut hash = Keccak256::new();
        hash.update(self.state);
        hash.update([kind]);
        hash.update(u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update(i.to_be_bytes());
        hash.update(j.to_be_bytes());
        if let Some(data) = data {
            hash.update((data.len() as u64).to_be_bytes());
            hash.update(data);
        }
        hash.finalize().into()
    }

    pub fn absorb(&mut self, label: impl Into<Label>, data: &[u8]) {
        let label = label.into();
        self.log.push(Event::Absorb(label));
        if checks::absorbs(label.0) {
            self.state = self.advance(ABSORB, label, Some(data));
        }
    }

    fn output(&self, block: u8) -> [u8; 32] {
        Keccak256::new()
            .chain_update(self.state)
            .chain_update([block])
            .finalize()
            .into()
    }

    /// A challenge from the whole field.
    pub fn full<F: PrimeField>(&mut self, label: impl Into<Label>) -> F {
        let label = label.into();
        self.log.push(Event::Challenge(label));
        self.state = self.advance(FULL, label, None);
        let mut wide = [0; 64];
        let (left, right) = wide.split_at_mut(32);
        left.copy_from_slice(&self.output(0));
        right.copy_from_slice(&self.output(1));
        scalar_from_wide(&wide)
    }

    /// A challenge below 2^128.
    pub fn short<F: PrimeField>(&mut self, label: impl Into<Label>) -> F {
        let label = label.into();
        self.log.push(Event::Challenge(label));
        self.state = self.advance(SHORT, label, None);
        #[cfg(feature = "programmable-oracle")]
        if let Some((_, answer)) = self.programmed.iter().find(|(state, _)| *state == self.state) {
            return short_challenge(*answer);
        }
        let mut half = [0; 16];
        for (to, from) in half.iter_mut().zip(self.output(0)) {
            *to = from;
        }
        short_challenge(half)
    }

    /// The state, for hedging the prover's randomness.
    pub(crate) fn state(&self) -> [u8; 32] {
        self.state
    }

    pub fn log(&self) -> &[Event] {
        &self.log
    }

    pub(crate) fn has_challenged(&self) -> bool {
        self.log.iter().any(|e| matches!(e, Event::Challenge(_)))
    }

    /// Without the feature `programmable-oracle` nobody's oracle answers to a simulator.
    #[cfg(not(feature = "programmable-oracle"))]
    pub(crate) fn program(&mut self, _label: impl Into<Label>, _answer: [u8; 16]) {}
}

/// A simulator's world, in test builds only: an oracle that answers as it was told.
#[cfg(feature = "programmable-oracle")]
impl Transcript {
    /// Makes the next short challenge with this label equal to `answer`.
    pub(crate) fn program(&mut self, label: impl Into<Label>, answer: [u8; 16]) {
        let state = self.advance(SHORT, label.into(), None);
        self.programmed.push((state, answer));
    }

    /// What a simulator programmed; a verifier in its world starts from it.
    pub fn programmed(&self) -> &[([u8; 32], [u8; 16])] {
        &self.programmed
    }

    pub fn with_programmed(programmed: &[([u8; 32], [u8; 16])]) -> Self {
        Self {
            programmed: programmed.to_vec(),
            ..Self::new()
        }
    }
}

/// 16 bytes as a short challenge.
pub fn short_challenge<F: PrimeField>(bytes: [u8; 16]) -> F {
    F::from(u128::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_matters() {
        let run = |name: &'static str, i, data: &[u8], kind_full| {
            let mut t = Transcript::new();
            t.absorb(Label(name, i, 0), data);
            if kind_full {
                t.full::<ark_pallas::Fr>("c")
            } else {
                t.short("c")
            }
        };
        let base = run("a", 0, b"x", true);
        for other in [
            run("b", 0, b"x", true),
            run("a", 1, b"x", true),
            run("a", 0, b"y", true),
            run("a", 0, b"x", false),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(base, run("a", 0, b"x", true));
    }
}
