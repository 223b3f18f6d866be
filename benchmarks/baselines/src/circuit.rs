//! The arithmetic of R5's squared hinge (spec/relations/optimum.md, "Objective") as a rank-1 constraint system, for Groth16.
//!
//! Public: W and the bound. Witness: records with their labels. Two products for every cell of the records and class, one decomposition into
//! bits for every margin. The records are *not* opened against commitments, and their ranges are not shown (an authority attests them).

use std::sync::Arc;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};

type Terms = Vec<(Fr, Variable)>;

#[derive(Clone)]
pub struct SquaredHinge {
    pub features: usize,
    pub classes: usize,
    /// Rows of features and a one-hot label.
    pub records: Arc<Vec<i8>>,
    pub weights: Arc<Vec<i64>>,
    /// The number 1 at the logits' scale.
    pub one: u64,
    pub regularisation: u64,
    pub max_residual_squared: u128,
    /// |V| < 2^bits.
    pub margin_bits: u32,
}

/// A variable and what it is worth.
#[derive(Clone, Copy)]
struct Known {
    at: Variable,
    value: Fr,
}

impl Known {
    fn times(self, k: Fr) -> (Fr, Variable) {
        (k, self.at)
    }
}

struct Circuit(ConstraintSystemRef<Fr>);

impl Circuit {
    fn witness(&self, value: Fr) -> Result<Known, SynthesisError> {
        let at = self.0.new_witness_variable(|| Ok(value))?;
        Ok(Known { at, value })
    }

    /// a·b = c.
    fn require(&self, a: &Terms, b: &Terms, c: &Terms) -> Result<(), SynthesisError> {
        let sum = |terms: &Terms| LinearCombination::from_sum_coeff_vars(terms);
        self.0.enforce_r1cs_constraint(|| sum(a), || sum(b), || sum(c))
    }

    fn product(&self, (a, of_a): (&Terms, Fr), (b, of_b): (&Terms, Fr)) -> Result<Known, SynthesisError> {
        let product = self.witness(of_a * of_b)?;
        self.require(a, b, &vec![product.times(Fr::ONE)])?;
        Ok(product)
    }

    fn product_of(&self, a: Known, b: Known) -> Result<Known, SynthesisError> {
        self.product(
            (&vec![a.times(Fr::ONE)], a.value),
            (&vec![b.times(Fr::ONE)], b.value),
        )
    }

    fn bit(&self, bit: bool) -> Result<Known, SynthesisError> {
        let bit = self.witness(Fr::from(bit))?;
        let itself = vec![bit.times(Fr::ONE)];
        self.require(&itself, &itself, &itself)?;
        Ok(bit)
    }

    /// A number in [0, 2^bits) as Σ 2^j·b_j.
    fn bits(&self, number: Fr, bits: u32) -> Result<Terms, SynthesisError> {
        let number = number.into_bigint();
        let mut terms = Vec::with_capacity(bits as usize);
        let mut power = Fr::ONE;
        for j in 0..bits {
            terms.push(self.bit(number.get_bit(j as usize))?.times(power));
            power.double_in_place();
        }
        Ok(terms)
    }
}

impl SquaredHinge {
    /// W, class by class, and the bound.
    pub fn public(&self) -> Vec<Fr> {
        let weights = self.weights.iter().map(|w| Fr::from(*w));
        weights.chain([Fr::from(self.max_residual_squared)]).collect()
    }

    /// A_ik = y·max(0, V) of a record and a class: y from the label, z the logit.
    fn pull(&self, circuit: &Circuit, label: Known, z: (Terms, Fr)) -> Result<Known, SynthesisError> {
        let y = vec![label.times(Fr::from(2u64)), (-Fr::ONE, Variable::One)];
        let of_y = label.value.double() - Fr::ONE;
        let yz = circuit.product((&y, of_y), (&z.0, z.1))?;
        // V = One − y·Z = (2b − 1)·N.
        let v = Fr::from(self.one) - yz.value;
        let positive = v.into_bigint() < Fr::MODULUS_MINUS_ONE_DIV_TWO;
        let size = if positive { v } else { -v };
        let n = circuit.bits(size, self.margin_bits)?;
        let b = circuit.bit(positive)?;
        let sign = vec![b.times(Fr::from(2u64)), (-Fr::ONE, Variable::One)];
        let margin = vec![(Fr::from(self.one), Variable::One), yz.times(-Fr::ONE)];
        circuit.require(&sign, &n, &margin)?;
        let loss = circuit.product((&vec![b.times(Fr::ONE)], b.value), (&n, size))?;
        circuit.product((&y, of_y), (&vec![loss.times(Fr::ONE)], loss.value))
    }
}

impl ConstraintSynthesizer<Fr> for SquaredHinge {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let circuit = Circuit(cs);
        let input = |value: Fr| -> Result<Known, SynthesisError> {
            let at = circuit.0.new_input_variable(|| Ok(value))?;
            Ok(Known { at, value })
        };
        let public = self.public().into_iter().map(input);
        let mut weights = public.collect::<Result<Vec<_>, _>>()?;
        let bound = weights.pop().ok_or(SynthesisError::AssignmentMissing)?;

        // E_kj = Λ·W_kj − Σ_i x_ij·A_ki.
        let regularisation = Fr::from(self.regularisation);
        let mut residual: Vec<(Terms, Fr)> = weights
            .iter()
            .map(|w| (vec![w.times(regularisation)], w.value * regularisation))
            .collect();
        for row in self.records.chunks(self.features + self.classes) {
            let row = row.iter().map(|x| circuit.witness(Fr::from(*x)));
            let row = row.collect::<Result<Vec<_>, _>>()?;
            let (x, label) = row.split_at(self.features);
            let classes = weights
                .chunks(self.features)
                .zip(residual.chunks_mut(self.features));
            for ((w, e), label) in classes.zip(label) {
                let mut z = (Vec::with_capacity(self.features), Fr::from(0u64));
                for (x, w) in x.iter().zip(w) {
                    let product = circuit.product_of(*x, *w)?;
                    z.0.push(product.times(Fr::ONE));
                    z.1 += product.value;
                }
                let pull = self.pull(&circuit, *label, z)?;
                for (x, e) in x.iter().zip(e) {
                    let product = circuit.product_of(*x, pull)?;
                    e.0.push(product.times(-Fr::ONE));
                    e.1 -= product.value;
                }
            }
        }
        // Σ E² + slack = B2².
        let mut sum = Vec::with_capacity(residual.len());
        let mut slack = bound.value;
        for (e, value) in &residual {
            let square = circuit.product((e, *value), (e, *value))?;
            sum.push(square.times(Fr::ONE));
            slack -= square.value;
        }
        let bits = u128::BITS - self.max_residual_squared.leading_zeros();
        sum.extend(circuit.bits(slack, bits)?);
        let one = vec![(Fr::ONE, Variable::One)];
        circuit.require(&sum, &one, &vec![bound.times(Fr::ONE)])
    }
}
