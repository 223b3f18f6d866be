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

    /// One of 2^128 challenges a + b·ζ with 64-bit a, b.
    pub fn short(&mut self, label: impl Into<Label>) -> Short {
        let label = label.into();
        self.log.push(Event::Challenge(label));
        self.state = self.advance(SHORT, label, None);
        #[cfg(feature = "programmable-oracle")]
        if let Some((_, answer)) = self.programmed.iter().find(|(state, _)| *state == self.state) {
            return Short::from_bytes(*answer);
        }
        let mut half = [0; 16];
        for (to, from) in half.iter_mut().zip(self.output(0)) {
            *to = from;
        }
        Short::from_bytes(half)
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

/// A short challenge a + b·ζ, ζ the smaller primitive cube root of unity: multiplying a point by it takes 64 doublings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    pub a: u64,
    pub b: u64,
}

impl Short {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let value = u128::from_be_bytes(bytes);
        let mask = u128::from(u64::MAX);
        Self {
            a: u64::try_from(value >> 64).unwrap_or_default(),
            b: u64::try_from(value & mask).unwrap_or_default(),
        }
    }

    /// The challenge as a scalar; `zeta` is [`cube_root`], which callers keep.
    pub fn scalar<F: PrimeField>(self, zeta: F) -> F {
        F::from(self.a) + zeta * F::from(self.b)
    }
}

/// The smaller (as an integer) of the two primitive cube roots of unity; both suites' scalar fields have them.
pub fn cube_root<F: PrimeField>() -> F {
    // ζ = g^((r−1)/3) for a generator g; the other root is ζ².
    let third = {
        let mut limbs = F::MODULUS_MINUS_ONE_DIV_TWO.as_ref().to_vec();
        divide_by_three(&mut limbs);
        limbs
    };
    let root = F::GENERATOR.pow(&third).square();
    let other = root.square();
    if root.into_bigint() < other.into_bigint() {
        root
    } else {
        other
    }
}

/// (r − 1)/2 is a multiple of three: schoolbook division of little-endian limbs.
fn divide_by_three(limbs: &mut [u64]) {
    let mut rest = 0u128;
    for limb in limbs.iter_mut().rev() {
        let value = (rest << 64) | u128::from(*limb);
        *limb = u64::try_from(value / 3).unwrap_or_default();
        rest = value % 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Bn254, Pallas, Suite};
    use ark_ff::Field;

    fn root_is_primitive<S: Suite>() {
        let root = cube_root::<S::Scalar>();
        let one = S::Scalar::from(1u64);
        assert!(root != one && root.square() * root == one);
        assert!(root.into_bigint() < root.square().into_bigint());
    }

    #[test]
    fn cube_roots() {
        root_is_primitive::<Pallas>();
        root_is_primitive::<Bn254>();
    }

    #[test]
    fn everything_matters() {
        let run = |name: &'static str, i, data: &[u8], kind_full| {
            let mut t = Transcript::new();
            t.absorb(Label(name, i, 0), data);
            if kind_full {
                t.full::<ark_pallas::Fr>("c")
            } else {
                t.short("c").scalar(cube_root())
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
