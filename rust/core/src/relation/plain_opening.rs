//! R0, plain opening (spec/relations/plain-opening.md). Claim: knowledge of x and blinds with every row on its own generators
//! only, and x_j = 0 for j ≥ d.

use ark_ff::{One, Zero};

use super::{Context, Relation, Shape, Witness, absorb_context, opens};
use crate::error::Result;
use crate::group::{Affine, Suite};
use crate::poly::powers;
use crate::recorder::{Lin, MatrixId, Recorder};

pub const NAME: &str = "plain opening";

pub struct PlainOpening<S: Suite> {
    pub context: Context,
    pub shape: Shape,
    /// ceil(d / columns) rows.
    pub points: Vec<Affine<S>>,
}

impl<S: Suite> Relation<S> for PlainOpening<S> {
    const NAME: &'static str = NAME;
    type Secret = Witness<S>;

    fn columns(&self) -> usize {
        self.shape.columns()
    }

    fn check(&self) -> Result<()> {
        self.shape.check(NAME, self.points.len())
    }

    fn record(&self, rec: &mut Recorder<S>, witness: Option<&Witness<S>>) -> Result<()> {
        absorb_context(rec, NAME, &self.context);
        rec.public("shape", &self.shape.encode());
        let x = rec.statement_matrix("x", &self.points, witness.cloned())?;
        opening(rec, &self.shape, x)?;
        padding(rec, &self.shape, x)
    }

    fn holds(&self, witness: &Witness<S>) -> Result<()> {
        opens::<S>(&self.points, &self.shape, witness)
    }
}

/// Knowledge of every row, on its own generators: one random combination of the rows, opened against weights that are zero
/// within the rows' length and random beyond it.
pub(super) fn opening<S: Suite>(rec: &mut Recorder<S>, shape: &Shape, x: MatrixId) -> Result<()> {
    let gamma = rec.challenge_full("rows", shape.rows());
    let columns = rec.column_weights(vec![S::Scalar::zero(); shape.columns()]);
    rec.open("rows", x, powers(gamma, shape.rows()), columns, Lin::zero())
}

/// x_j = 0 for j ≥ d: the last row against powers of a challenge on its unused columns.
pub(super) fn padding<S: Suite>(rec: &mut Recorder<S>, shape: &Shape, x: MatrixId) -> Result<()> {
    let used = shape.last_row();
    if used == shape.columns() {
        return Ok(());
    }
    let beta = rec.challenge_full("padding", shape.columns());
    let mut weights = vec![S::Scalar::zero(); used];
    weights.extend(powers(beta, shape.columns() - used));
    let columns = rec.column_weights(weights);
    let mut rows = vec![S::Scalar::zero(); shape.rows()];
    if let Some(last) = rows.last_mut() {
        *last = S::Scalar::one();
    }
    rec.open("padding", x, rows, columns, Lin::zero())
}
