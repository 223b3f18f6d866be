//! Hooks for dishonest provers, in test builds only: what an attacker would change in this code.

use crate::group::Suite;
use crate::transcript::{Label, Transcript};

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

    /// Whether to put generators into the cross term of a merge.
    fn smuggles(&self) -> bool {
        false
    }
}
