//! Step 8 of spec/relations/optimum.md for the squared hinge: N = |V|, and A = Y·(V + N)/2.

use ark_ff::{AdditiveGroup, Field};

use super::integers::Integers;
use super::protocol::{After, Claims, Protocol};
use crate::error::Result;
use crate::fractions::TwoProducts;
use crate::group::{Suite, scalar_from_i64};
use crate::poly::{dot, eq_table};
use crate::recorder::{Lin, Recorder};
use crate::relation::head::Kept;
use crate::sumcheck::{LinearTable, Part, WeightedTable, sumcheck};
use crate::transcript::Label;

impl<S: Suite> Protocol<'_, S> {
    pub(super) fn squared_hinge(
        &self,
        rec: &mut Recorder<S>,
        kept: &Kept,
        u: &[S::Scalar],
        projected: Option<Vec<S::Scalar>>,
        claims: Claims<S::Scalar>,
    ) -> Result<After<S::Scalar>> {
        let (size, head) = (&self.statement.size, &self.head);
        let (bits, one) = (head.record_bits(), self.one());
        let variables = head.class_bits() + bits;
        let gamma = rec.challenge("hinge/gamma", 2 + variables);
        let mut tables = self.integers.as_ref().zip(projected).map(|(known, projected)| {
            let projected = LinearTable {
                values: projected,
                weight: gamma.square(),
            };
            (margin_table::<S>(known, one, gamma), projected)
        });
        let (margins, projected) = match &mut tables {
            Some((m, p)) => (
                Some(m as &mut dyn WeightedTable<_>),
                Some(p as &mut dyn WeightedTable<_>),
            ),
            None => (None, None),
        };
        let Claims {
            anchor,
            pull,
            gradient,
        } = claims;
        let everywhere = gamma * one.square() * head.inside(&anchor);
        let parts = vec![
            Part {
                variables,
                claim: pull - Lin::constant(everywhere),
                prover: margins,
            },
            Part {
                variables: bits,
                claim: gradient * gamma.square(),
                prover: projected,
            },
        ];
        let labels = (|i| Label("hinge/round", 0, i), |i| Label("hinge/rho", 0, i));
        let end = sumcheck(rec, labels, variables, &anchor.joined(), parts, None)?;
        let of_u = |row: &[S::Scalar]| dot(&row[..size.features().min(row.len())], &eq_table(u));
        let at = head.point(end.point);
        let (reached, gradient) = head.ends(rec, "hinge/ends", kept, at, self.logits(), of_u)?;

        let y = reached.label.clone() * S::Scalar::from(2u64) - Lin::constant(head.inside(&reached.at));
        let (z, n) = (&reached.logit, head.number(&reached));
        let half = S::Scalar::from(2u64).inverse().unwrap_or_default();
        let linear = (y.clone() * one - z.clone()) * half + gradient.clone() * gamma.square() - end.weighted;
        let with_label = n.clone() * half - z.clone() * (gamma.double() * one);
        rec.require_zero(
            "hinge",
            linear,
            vec![
                (y, with_label),
                (z.clone(), z.clone() * gamma),
                (n.clone(), n * -gamma),
            ],
        );
        Ok(After { reached, gradient })
    }
}

/// ½(One·y − z + y·N) + γ(z² − 2·One·y·z − N²), as two products and a constant:
/// y·(½N − 2γ·One·z + ½One) + (z − N − 1/(4γ))·(γ(z + N) − ¼) − 1/(16γ).
fn margin_table<S: Suite>(known: &Integers<'_>, one: S::Scalar, gamma: S::Scalar) -> TwoProducts<S::Scalar> {
    // γ = 0 has probability 2^-128 and costs the honest prover a proof that fails.
    let inverse = gamma.inverse().unwrap_or_default();
    let half = S::Scalar::from(2u64).inverse().unwrap_or_default();
    let quarter = half.square();
    let (cross, shift) = (-gamma.double() * one, quarter * inverse);
    let node = |y: S::Scalar, z: S::Scalar, n: S::Scalar| {
        [
            y,
            half * (n + one) + cross * z,
            z - n - shift,
            gamma * (z + n) - quarter,
        ]
    };
    let zero = S::Scalar::ZERO;
    let (labels, logits, margins) = (&known.of.labels, &known.of.logits, &known.margins);
    TwoProducts::new(labels.len(), node(zero, zero, zero), quarter * shift, |v| {
        node(
            scalar_from_i64(labels[v]),
            scalar_from_i64(logits[v]),
            scalar_from_i64(margins[v]),
        )
    })
}
