//! Lies, and what it takes for a rule to earn its place.

use fedproof_core::checks::without;
use fedproof_core::error::Stage;
use fedproof_core::group::{Pallas, Suite};
use fedproof_core::recorder::Role;
use fedproof_core::recorder::closing::Outcome;
use fedproof_core::recorder::dishonest::Dishonest;
use fedproof_core::relation::bounded_update::BoundedUpdate;
use fedproof_core::relation::{Relation, Witness};

use super::{Case, bounded, numbers};

pub type F = <Pallas as Suite>::Scalar;
pub type Hooks = Box<dyn Dishonest<Pallas>>;

/// Proves with these hooks and verifies, both with `dropped` switched off. The proof travels as bytes.
pub fn attempt<R: Relation<Pallas>>(
    statement: &R,
    witness: &Witness<Pallas>,
    hooks: Option<Hooks>,
    dropped: &'static str,
) -> Result<(), Stage> {
    without(dropped, || {
        let role = hooks.map_or_else(Role::prover, Role::dishonest);
        let Outcome::Proof(proof) = statement
            .run(role, Some(witness))
            .expect("a prover that does not look")
        else {
            panic!("a prover gives a proof");
        };
        statement.verify(&proof.to_bytes()).map_err(|e| e.stage)
    })
}

/// The lie is refused, and accepted without the rule; without the rule the honest are accepted still.
pub fn earns<R: Relation<Pallas>>(
    dropped: &'static str,
    lie: &R,
    witness: &Witness<Pallas>,
    hooks: impl Fn() -> Option<Hooks>,
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
    let (honest, truth) = bounded::<Pallas>(&Case {
        d: 21,
        ..Case::default()
    });
    assert_eq!(
        attempt(&honest, &truth, None, dropped),
        Ok(()),
        "{dropped}: the honest fail without it"
    );
}

pub fn honest() -> Option<Hooks> {
    None
}

pub fn wrong(x: Vec<i64>, max_norm_squared: u128, limb: u64) -> (BoundedUpdate<Pallas>, Witness<Pallas>) {
    bounded::<Pallas>(&Case {
        d: x.len(),
        x: Some(x),
        max_norm_squared: Some(max_norm_squared),
        limb,
        ..Case::default()
    })
}

/// 31 numbers within ±7 and one that is not.
pub fn out_of_range(value: i64) -> (BoundedUpdate<Pallas>, Witness<Pallas>) {
    let mut x = numbers(31, 7, 2);
    x.push(value);
    wrong(x, 1 << 100, 0)
}

/// Everything within range, the norm five above its bound.
pub fn long() -> (BoundedUpdate<Pallas>, Witness<Pallas>) {
    let x = numbers(32, 7, 3);
    let norm: u128 = x.iter().map(|v| u128::from(v.unsigned_abs()).pow(2)).sum();
    wrong(x, norm - 5, 0)
}
