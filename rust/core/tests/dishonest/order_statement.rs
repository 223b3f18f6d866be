//! R5's statement (spec/relations/optimum.md): records and weights that are chosen after the challenges.

use std::sync::{Arc, Mutex};

use ark_ff::PrimeField;
use fedproof_core::error::Stage;
use fedproof_core::generators::{named_generator, row_generator};
use fedproof_core::group::{Affine, Point, Suite, to_affine};
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::Rows;
use fedproof_core::relation::Relation;
use fedproof_core::relation::head::{Trained, Weights};
use fedproof_core::relation::optimum::{Loss, residual_squared};

use crate::common::lattice::small_solution;
use crate::common::lies::order::{pays, sees};
use crate::common::lies::{Hooks, proved, verdict};
use crate::common::on_both_suites;
use crate::common::optimum::{Head, kinds};
use crate::dishonest::labels::rule;
use crate::dishonest::optimum::{back_door, of};
use crate::dishonest::order_optimum::both;

/// Each has an attack below.
pub const ATTACKED: [&str; 3] = ["records", "W", "weights"];

on_both_suites!(
    lie:
    records_are_absorbed,
    committed_weights_are_absorbed,
    public_weights_are_absorbed,
    public_weights_are_absorbed_with_hinge
);

/// Of a proof, what its prover remembers makes another statement: this passes exactly if what was changed is not absorbed.
pub fn moves<S: Suite, R: Relation<S> + Clone, T>(
    name: &'static str,
    (statement, witness): (&R, &R::Secret),
    hooks: impl Fn() -> (Hooks<S>, Arc<Mutex<T>>),
    change: impl Fn(&mut R, &T),
) {
    let shown = |dropped| {
        let (hooks, remembered) = hooks();
        let proof = proved(statement, witness, hooks, dropped);
        let mut other = statement.clone();
        change(&mut other, &remembered.lock().expect("one thread"));
        verdict(&other, &proof, dropped)
    };
    assert_eq!(shown("nothing"), Err(Stage::Argument), "{name}: the lie passes");
    let dropped = rule("absorb", name);
    assert_eq!(shown(dropped), Ok(()), "{name}: the lie fails for another reason");
}

/// Adds to a row point.
pub fn add<S: Suite>(points: &mut [Affine<S>], row: usize, what: Point<S>) {
    points[row] = to_affine::<S>(&[what + points[row]])[0];
}

/// Numbers, one a class, that vanish at these points of the classes.
pub fn unseen<F: PrimeField>(points: &[&[F]]) -> Vec<i64> {
    let mut equations: Vec<Vec<F>> = points.iter().map(|class| eq_table(class)).collect();
    // They are solved for as many numbers as there are of them.
    for i in 0..equations.len() {
        let first = equations[i][i];
        let row: Vec<F> = equations[i].iter().map(|x| *x / first).collect();
        for other in &mut equations {
            let by = other[i];
            other.iter_mut().zip(&row).for_each(|(to, from)| *to -= by * from);
        }
        equations[i] = row;
    }
    small_solution(&equations)
}

/// Other public weights for a proof's challenges: integers within range, and not near the optimum. With ridge all that is seen of W lies
/// at one point of the classes; with squared hinge at two.
fn other_weights<S: Suite>(loss: Loss, classes: usize) {
    let head = Head {
        p: 2,
        c: classes,
        scale: 32,
        digits: Some((8, 0)),
        ..of(loss, false)
    };
    let (statement, trained) = head.make::<S>();
    let bits = classes.trailing_zeros() as usize;
    moves("weights", (&statement, &trained), sees, |statement, drawn| {
        let mut seen = vec![&drawn["norm/rho"][..bits]];
        seen.extend(drawn.get("hinge/rho").map(|point| &point[..bits]));
        let mut weights = trained.weights.values.clone();
        // So much that it is no nearer to the optimum by chance.
        for (row, change) in weights.chunks_mut(head.p).zip(unseen(&seen)) {
            row[0] += 4 * change;
        }
        let other = Trained {
            records: Arc::clone(&trained.records),
            weights: Arc::new(Rows {
                values: weights.clone(),
                columns: head.p,
                blinds: Vec::new(),
                bits: 64,
            }),
        };
        let objective = &statement.objective;
        let residual = residual_squared(&statement.size, objective, &other).expect("small numbers");
        assert!(residual.is_none_or(|r| r > objective.max_residual_squared));
        statement.weights = Weights::Public(weights);
    });
}

mod lie {
    use super::*;

    /// Nobody can open the first two records. The authority would not attest them; where others say what the records are, a head of
    /// records that do not exist would pass.
    pub fn records_are_absorbed<S: Suite>() {
        for head in kinds() {
            let (statement, trained) = head.make::<S>();
            let bits = head.n.next_power_of_two().trailing_zeros() as usize;
            moves("records", (&statement, &trained), sees, |statement, drawn| {
                let end = drawn.get("hinge/rho").unwrap_or(&drawn["gradient/rho"]);
                let seen = eq_table(&end[end.len() - bits..]);
                let unknown = named_generator::<S>("J");
                add::<S>(&mut statement.records, 0, unknown * seen[1]);
                add::<S>(&mut statement.records, 1, unknown * -seen[0]);
            });
        }
    }

    /// They are those of the false statement but for one, which is out of range.
    pub fn committed_weights_are_absorbed<S: Suite>() {
        for head in both(true) {
            let (statement, trained, ..) = back_door::<S>(&head);
            moves(
                "W",
                (&statement, &trained),
                || pays("W"),
                |statement, change| {
                    let Weights::Committed(points) = &mut statement.weights else {
                        panic!("committed");
                    };
                    let (row, column, by) = change.expect("they pay");
                    let generator = row_generator::<S>(u32::try_from(column).expect("few"));
                    add::<S>(points, row, generator * by);
                },
            );
        }
    }

    pub fn public_weights_are_absorbed<S: Suite>() {
        other_weights::<S>(Loss::Ridge, 8);
    }

    pub fn public_weights_are_absorbed_with_hinge<S: Suite>() {
        other_weights::<S>(Loss::SquaredHinge, 16);
    }
}
