//! Lies: what it takes for a rule to earn its place, the dishonest provers, and false statements for them.
//!
//! A prover is a function that gives hooks ([`Dishonest`]); those of the look-ups stand in [`look_up`], those of the norm in
//! [`norm`], those of the closing argument in [`closing`], those of heads in [`optimum`]. [`order`] has what a prover does with a
//! challenge that comes too early, whatever the relation; [`rounds`] a sumcheck's prover over any numbers.

pub mod accuracy;
pub mod closing;
pub mod look_up;
pub mod norm;
pub mod optimum;
pub mod order;
pub mod rounds;

use ark_ff::One;
use fedproof_core::checks::without;
use fedproof_core::error::Stage;
use fedproof_core::group::Suite;
use fedproof_core::recorder::Role;
use fedproof_core::recorder::closing::Outcome;
use fedproof_core::recorder::dishonest::Dishonest;
use fedproof_core::relation::bounded_update::BoundedUpdate;
use fedproof_core::relation::{Relation, Witness};
use fedproof_core::transcript::{Label, Transcript};

use super::{Case, bounded, numbers, square_norm};

/// What a prover changes; none: honest code.
pub type Hooks<S> = Option<Box<dyn Dishonest<S>>>;

/// Proves with these hooks, with `dropped` switched off. The proof travels as bytes.
pub fn proved<S: Suite, R: Relation<S>>(
    statement: &R,
    witness: &R::Secret,
    hooks: Hooks<S>,
    dropped: &'static str,
) -> Vec<u8> {
    without(dropped, || {
        let role = hooks.map_or_else(Role::prover, Role::dishonest);
        match statement.run(role, Some(witness)) {
            Ok(Outcome::Proof(proof)) => proof.to_bytes(),
            Ok(_) => panic!("a prover gives a proof"),
            Err(e) => panic!("a prover that does not look: {e}"),
        }
    })
}

/// What a verifier says, with `dropped` switched off.
pub fn verdict<S: Suite, R: Relation<S>>(
    statement: &R,
    proof: &[u8],
    dropped: &'static str,
) -> Result<(), Stage> {
    without(dropped, || statement.verify(proof).map_err(|e| e.stage))
}

/// Proves with these hooks and verifies, both with `dropped` switched off.
pub fn attempt<S: Suite, R: Relation<S>>(
    statement: &R,
    witness: &R::Secret,
    hooks: Hooks<S>,
    dropped: &'static str,
) -> Result<(), Stage> {
    verdict(statement, &proved(statement, witness, hooks, dropped), dropped)
}

/// The lie is refused, and accepted without the rule; without the rule the honest are accepted still.
pub fn earns<S: Suite, R: Relation<S>>(
    dropped: &'static str,
    lie: &R,
    witness: &R::Secret,
    hooks: impl Fn() -> Hooks<S>,
) {
    let (honest, truth) = bounded::<S>(&Case {
        d: 21,
        ..Case::default()
    });
    earns_beside(dropped, (lie, witness), (&honest, &truth), hooks);
}

/// The same, with the honest statement to hold it against.
pub fn earns_beside<S: Suite, R: Relation<S>, T: Relation<S>>(
    dropped: &'static str,
    (lie, witness): (&R, &R::Secret),
    (honest, truth): (&T, &T::Secret),
    hooks: impl Fn() -> Hooks<S>,
) {
    assert_eq!(
        attempt(lie, witness, hooks(), "nothing"),
        Err(Stage::Argument),
        "{dropped}: the lie passes"
    );
    assert_eq!(
        attempt(lie, witness, hooks(), dropped),
        Ok(()),
        "{dropped}: the lie fails for another reason"
    );
    assert_eq!(
        attempt(honest, truth, None, dropped),
        Ok(()),
        "{dropped}: the honest fail without it"
    );
}

pub fn honest<S: Suite>() -> Hooks<S> {
    None
}

/// How a prover comes to know a challenge too early.
#[derive(Clone, Copy)]
pub enum Knows {
    /// What it depends on is not absorbed.
    Ahead,
    /// It is one.
    One,
}

impl Knows {
    pub fn short<S: Suite>(self, transcript: &Transcript, label: Label) -> S::Scalar {
        match self {
            Self::Ahead => transcript.clone().short(label),
            Self::One => S::Scalar::one(),
        }
    }
}

/// A prover that only changes messages before it commits to them.
struct Edits<C>(C);

impl<S: Suite, C: FnMut(Label, &Transcript, &mut [S::Scalar])> Dishonest<S> for Edits<C> {
    fn message(&mut self, label: Label, transcript: &Transcript, values: &mut Vec<S::Scalar>) {
        (self.0)(label, transcript, values);
    }
}

pub fn edits<S: Suite>(change: impl FnMut(Label, &Transcript, &mut [S::Scalar]) + 'static) -> Hooks<S> {
    Some(Box::new(Edits(change)))
}

/// The trees of a bounded update (spec/relations/bounded-update.md, "Derived numbers"): n, the k_i, D.
pub struct Trees {
    pub values: usize,
    pub tables: Vec<usize>,
    pub deepest: usize,
}

impl Trees {
    pub fn of<S: Suite>(statement: &BoundedUpdate<S>) -> Self {
        let log = |n: usize| n.next_power_of_two().trailing_zeros() as usize;
        let columns = log(statement.shape.columns());
        let values = log(statement.shape.rows()) + columns;
        let bits = |bound: u64| (u64::BITS - (2 * bound).leading_zeros()) as usize;
        let digits = statement.bounds.digits();
        let tables: Vec<usize> = digits.iter().map(|d| bits(d.bound).max(columns)).collect();
        let deepest = tables.iter().copied().max().unwrap_or(0).max(values);
        Self {
            values,
            tables,
            deepest,
        }
    }

    /// The number of the leaves' layer.
    pub fn leaf(&self) -> u32 {
        u32::try_from(self.deepest).expect("few") - 1
    }
}

// -- false statements ----------------------------------------------------------------------------------------------------

pub fn wrong<S: Suite>(x: Vec<i64>, max_norm_squared: u128, limb: u64) -> (BoundedUpdate<S>, Witness<S>) {
    bounded::<S>(&Case {
        d: x.len(),
        x: Some(x),
        max_norm_squared: Some(max_norm_squared),
        limb,
        ..Case::default()
    })
}

/// 31 numbers within ±7 and one that is not.
pub fn out_of_range<S: Suite>(value: i64) -> (BoundedUpdate<S>, Witness<S>) {
    let mut x = numbers(31, 7, 2);
    x.push(value);
    wrong(x, 1 << 100, 0)
}

/// 64 numbers within ±100, in limbs of 16, and the same with a 101 among them.
pub fn above_in_limbs<S: Suite>() -> (Vec<i64>, (BoundedUpdate<S>, Witness<S>)) {
    let inside = numbers(64, 100, 8);
    let mut x = inside.clone();
    x[5] = 101;
    let lie = bounded::<S>(&Case {
        d: 64,
        max_abs: 100,
        limb: 16,
        x: Some(x),
        max_norm_squared: Some(1 << 30),
        ..Case::default()
    });
    (inside, lie)
}

/// Everything within range, the norm five above its bound.
pub fn long<S: Suite>() -> (BoundedUpdate<S>, Witness<S>) {
    let x = numbers(32, 7, 3);
    let norm = square_norm(&x);
    wrong(x, norm - 5, 0)
}
