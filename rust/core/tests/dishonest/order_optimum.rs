//! R5's rules of order (spec/relations/optimum.md): for each value that is absorbed and each challenge, a prover that uses its absence.

use ark_ff::{AdditiveGroup, Field, Zero};
use fedproof_core::error::Stage;
use fedproof_core::group::Suite;
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::dishonest::Dishonest;
use fedproof_core::relation::head::Trained;
use fedproof_core::relation::optimum::{Loss, Optimum};
use fedproof_core::transcript::Label;

use crate::common::lies::optimum::{Lie, Numbers, Says, Way};
use crate::common::lies::order::{of_plain_round, of_weighted_round, pays};
use crate::common::lies::{Hooks, Knows, attempt, edits};
use crate::common::on_both_suites;
use crate::common::optimum::{Head, kinds};
use crate::dishonest::labels::{labels, rule};
use crate::dishonest::optimum::{back_door, earns, of};

/// Messages and matrices inside a proof. Whichever is not absorbed can be changed when the weights of the last, linear statement are
/// known, and pays for all that is false.
pub const SENT: [&str; 19] = [
    "digit",
    "limb",
    "m",
    "slack",
    "gkr/roots",
    "gkr/round",
    "gkr/ends",
    "norm/round",
    "norm/end",
    "weights/at",
    "gradient/round",
    "gradient/ends",
    "hinge/round",
    "hinge/ends",
    "ridge/ends",
    "logit/round",
    "logit/ends",
    "products/round",
    "product/masks",
];

/// Absorbed without an attack that needs it. The verifier holds them and computes with them; the loss and the numbers of digits fix what is
/// sent. What is left to choose, B2², Λ, s and h, has fewer than 2^190 values, and one equation modulo r, above 2^253, would have to
/// hold for one of them: a try succeeds with probability below 2^-60, and each needs a proof. No lattice helps, for there is no solution.
pub const NOT_ATTACKED: [&str; 3] = ["objective", "loss", "digits"];

/// Challenges of the relation's own that an attack uses where they are known.
pub const FORESEEN: [&str; 6] = [
    "alpha",
    "norm/rho",
    "gradient/rho",
    "hinge/gamma",
    "hinge/rho",
    "logit/rho",
];

on_both_suites!(
    lie:
    what_is_sent_is_absorbed,
    alpha_is_not_known,
    norm_rounds_are_absorbed_before_rho,
    gradient_rounds_are_absorbed_before_rho,
    gradient_ends_are_absorbed_before_gamma,
    gamma_is_not_known,
    hinge_rounds_are_absorbed_before_rho,
    logit_rounds_are_absorbed_before_rho
);

/// With the message not absorbed, and with the challenge known.
fn earns_twice<S: Suite>(
    [message, challenge]: [&'static str; 2],
    head: &Head,
    lie: (&Optimum<S>, &Trained<S::Scalar>),
    hooks: impl Fn(Knows) -> Hooks<S>,
) {
    earns(rule("absorb", message), head, lie, || hooks(Knows::Ahead));
    earns(rule("challenge", challenge), head, lie, || hooks(Knows::One));
}

pub fn both(committed: bool) -> [Head; 2] {
    [Loss::Ridge, Loss::SquaredHinge].map(|loss| of(loss, committed))
}

/// A digit of W, looked up as another one.
struct LooksUp(i64);

impl<S: Suite> Dishonest<S> for LooksUp {
    fn looked_up(&mut self, label: Label, values: &mut Vec<i64>) {
        if label == Label("limb", 1, 0) {
            values[2] = self.0;
        }
    }
}

mod lie {
    use super::*;

    pub fn what_is_sent_is_absorbed<S: Suite>() {
        for head in kinds() {
            let (statement, trained, ..) = back_door::<S>(&head);
            let (absorbed, _) = labels(&statement);
            for name in SENT.into_iter().filter(|name| absorbed.contains(name)) {
                earns(rule("absorb", name), &head, (&statement, &trained), || {
                    pays(name).0
                });
            }
        }
    }

    /// Where a digit is α, and α an entry of the table, both sides' denominators vanish, and any other digit passes.
    pub fn alpha_is_not_known<S: Suite>() {
        for head in both(true) {
            let head = Head { bound: 7, ..head };
            let (rows, mut weights) = head.numbers();
            // Digits 8 and −7, one beyond ±112; and 1 and 0.
            (weights[2], weights[3]) = (113, 15);
            let (statement, trained) = head.of::<S>(&rows, weights);
            earns("challenge:alpha", &head, (&statement, &trained), || {
                Some(Box::new(LooksUp(8)))
            });
        }
        for committed in [false, true] {
            let head = of(Loss::SquaredHinge, committed);
            let (rows, weights) = head.numbers();
            let margins = Numbers::of(&head, &rows, &weights).margins;
            // The largest margin is the only digit 1.
            let head = Head {
                bound: margins.into_iter().max().expect("some").unsigned_abs() - 1,
                digits: Some((1, 2)),
                ..head
            };
            let lie = Lie::<S>::new(&head, Says::Negative);
            earns("challenge:alpha", &head, (&lie.statement, &lie.trained), || {
                lie.out_of_range(Way::LookedUp)
            });
        }
    }

    /// The slack is zero, and the norm's first round right at ρ.
    pub fn norm_rounds_are_absorbed_before_rho<S: Suite>() {
        for head in kinds() {
            let (statement, trained, _, above) = back_door::<S>(&head);
            let labels = ["norm/round", "norm/rho"];
            earns_twice(labels, &head, (&statement, &trained), |knows| {
                edits::<S>(move |label, transcript, v| match label {
                    Label("slack", ..) => v.fill(S::Scalar::zero()),
                    Label("norm/round", 0, 0) => {
                        let rho = knows.short::<S>(transcript, Label("norm/rho", 0, 0));
                        v[0] += of_plain_round(rho * S::Scalar::from(above), rho);
                    }
                    _ => {}
                })
            });
        }
    }

    /// A record pulls at nothing until the last round, which ends in its true pull.
    pub fn gradient_rounds_are_absorbed_before_rho<S: Suite>() {
        for head in kinds() {
            let lie = Lie::<S>::new(&head, Says::Nothing);
            let labels = ["gradient/round", "gradient/rho"];
            let last = head.n.next_power_of_two().trailing_zeros() - 1;
            earns_twice(labels, &head, (&lie.statement, &lie.trained), |knows| {
                let (head, rows) = (head.clone(), lie.trained.records.values.clone());
                lie.told_ahead(move |told, transcript, label, v| match label {
                    Label("gradient/round", 0, i) if i == last => {
                        let rho = knows.short::<S>(transcript, Label("gradient/rho", 0, i));
                        let records = [&[rho], told.point("gradient/rho")].concat();
                        let x = at_point::<S>(&head, &rows, &records, told.column());
                        v[0] -= of_plain_round(x * told.pull * told.here_after(rho), rho);
                    }
                    Label("gradient/ends", ..) => v[1] -= told.pull * told.here(),
                    _ => {}
                })
            });
        }
    }

    /// A record pulls at nothing; the ends still multiply to that, and add up to the truth for γ. Not every γ has a solution.
    pub fn gradient_ends_are_absorbed_before_gamma<S: Suite>() {
        for committed in [false, true] {
            let lie = Lie::<S>::new(&of(Loss::SquaredHinge, committed), Says::Nothing);
            let hooks = || {
                lie.told_ahead(|told, transcript, label, v| {
                    if label.0 != "gradient/ends" {
                        return;
                    }
                    let weight = Knows::Ahead.short::<S>(transcript, "hinge/gamma".into()).square();
                    let (x, a) = (v[0], v[1]);
                    let sum = a - told.pull * told.here() + weight * x;
                    let four = S::Scalar::from(4u64);
                    if let Some(root) = (sum.square() - four * weight * x * a).sqrt() {
                        v[0] = (sum + root) / weight.double();
                        v[1] = sum - weight * v[0];
                    }
                })
            };
            let attempt = |dropped| attempt(&lie.statement, &lie.trained, hooks(), dropped);
            for _ in 0..4 {
                assert_eq!(attempt("nothing"), Err(Stage::Argument));
            }
            assert!((0..40).any(|_| attempt("absorb:gradient/ends").is_ok()));
        }
    }

    /// A margin's error makes up for that of its square.
    pub fn gamma_is_not_known<S: Suite>() {
        for committed in [false, true] {
            let head = of(Loss::SquaredHinge, committed);
            let lie = Lie::<S>::new(&head, Says::Squared);
            earns(
                "challenge:hinge/gamma",
                &head,
                (&lie.statement, &lie.trained),
                || lie.told(|_, _, _| {}),
            );
        }
    }

    /// A record pulls at nothing; the first round of the margins, which do not say so, is right at ρ.
    pub fn hinge_rounds_are_absorbed_before_rho<S: Suite>() {
        for committed in [false, true] {
            let head = of(Loss::SquaredHinge, committed);
            let lie = Lie::<S>::new(&head, Says::Nothing);
            let labels = ["hinge/round", "hinge/rho"];
            earns_twice(labels, &head, (&lie.statement, &lie.trained), |knows| {
                lie.told_ahead(move |told, transcript, label, v| {
                    if label == Label("hinge/round", 0, 0) {
                        let rho = knows.short::<S>(transcript, Label("hinge/rho", 0, 0));
                        let pi = *told.point("gradient/rho").last().expect("rounds");
                        // The prover's c_1 is off by the error over π.
                        v[0] -= of_weighted_round(rho * told.pull * told.here() / pi, rho, pi);
                    }
                })
            });
        }
    }

    /// A logit is the margin's; the first round of the logits, which are not, is right at ρ.
    pub fn logit_rounds_are_absorbed_before_rho<S: Suite>() {
        for head in kinds() {
            let lie = Lie::<S>::new(&head, Says::Enough);
            let labels = ["logit/round", "logit/rho"];
            earns_twice(labels, &head, (&lie.statement, &lie.trained), |knows| {
                lie.told_ahead(move |told, transcript, label, v| {
                    let hinge = told.asked("hinge/rho");
                    let off = || told.logit * if hinge { told.there() } else { told.here() };
                    match label {
                        Label("ridge/ends" | "hinge/ends", ..) => v[1] += off(),
                        Label("logit/round", 0, 0) => {
                            let rho = knows.short::<S>(transcript, Label("logit/rho", 0, 0));
                            v[0] -= of_plain_round(rho * off(), rho);
                        }
                        _ => {}
                    }
                })
            });
        }
    }
}

/// X̃ at a point of records and columns.
fn at_point<S: Suite>(head: &Head, rows: &[i8], records: &[S::Scalar], columns: &[S::Scalar]) -> S::Scalar {
    let columns = eq_table(columns);
    let row = |row: &[i8]| -> S::Scalar {
        let features = row[..head.p].iter().zip(&columns);
        features.map(|(x, e)| S::Scalar::from(*x) * e).sum()
    };
    let rows = rows.chunks(head.p + head.c).zip(eq_table(records));
    rows.map(|(x, e)| row(x) * e).sum()
}
