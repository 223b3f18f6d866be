//! Hooks for dishonest provers, in test builds only: what an attacker would change in this code.

use crate::group::Suite;
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
}

/// Every method may do nothing: then the prover is honest.
pub trait Dishonest<S: Suite> {
    /// Changes a message before it is committed to.
    fn message(&mut self, _label: Label, _transcript: &Transcript, _values: &mut Vec<S::Scalar>) {}

    /// Sees a challenge.
    fn challenge(&mut self, _label: Label, _value: S::Scalar) {}

    /// Changes a table's multiplicities after α.
    fn multiplicities(&mut self, _alpha: S::Scalar, _counts: &mut Vec<S::Scalar>) {}

    /// Changes what is looked up: other numbers than the committed ones.
    fn looked_up(&mut self, _x: &mut Vec<i64>) {}

    /// Changes the column whose squares the norm is proved of.
    fn squares(&mut self, _column: &mut Vec<i64>) {}

    /// Changes the two masked factors u, v; `gap` is what the claimed product lies off. `transcript` stands before u.
    fn masked(&mut self, _transcript: &Transcript, _e: S::Scalar, _gap: S::Scalar, _uv: &mut [S::Scalar; 2]) {
    }

    /// Whether to rewrite an earlier round with the products' first message: (label of the round, slot within it, name of the
    /// constraint that it mends).
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
