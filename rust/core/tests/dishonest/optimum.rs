//! R5: each constraint, by its label: a lie that passes without it.

use fedproof_core::group::Suite;
use fedproof_core::relation::head::Trained;
use fedproof_core::relation::optimum::{Loss, Optimum};
use fedproof_core::transcript::Label;

use crate::common::lies::look_up::swaps_limbs;
use crate::common::lies::optimum::{Lie, Numbers, OtherWeights, Says, Told, Way, whole_slack};
use crate::common::lies::{Hooks, earns_beside, honest};
use crate::common::on_both_suites;
use crate::common::optimum::{Head, kinds};

on_both_suites!(
    lie:
    slack_bit,
    norm,
    gradient,
    ridge,
    hinge,
    logit,
    gradient_opening,
    logit_opening,
    label_opening,
    weight_opening,
    digit_opening,
    look_up,
    gkr_layer,
    multiplicity_opening,
    look_up_opening,
    weight_look_up_opening,
    limb_opening
);

pub fn of(loss: Loss, committed: bool) -> Head {
    Head {
        loss,
        committed,
        ..Head::default()
    }
}

/// Beside an honest head of its kind.
pub fn earns<S: Suite>(
    dropped: &'static str,
    head: &Head,
    lie: (&Optimum<S>, &Trained<S::Scalar>),
    hooks: impl Fn() -> Hooks<S>,
) {
    let (truth, trained) = head.make::<S>();
    earns_beside(dropped, lie, (&truth, &trained), hooks);
}

fn tells<S: Suite>(
    dropped: &'static str,
    head: &Head,
    says: Says,
    edit: fn(&Told<S::Scalar>, Label, &mut [S::Scalar]),
) {
    let lie = Lie::<S>::new(head, says);
    earns(dropped, head, (&lie.statement, &lie.trained), || lie.told(edit));
}

/// Weights with a back door, for which the bound is that of those without; how far the residual's square lies above.
pub fn back_door<S: Suite>(head: &Head) -> (Optimum<S>, Trained<S::Scalar>, Numbers, u128) {
    let (rows, clean) = head.numbers();
    let without = Numbers::of(head, &rows, &clean);
    let bound = without.residual(head, &rows);
    let (weights, above) = [-9, 9]
        .map(|by| {
            let mut weights = clean.clone();
            weights[1] += by;
            let residual = Numbers::of(head, &rows, &weights).residual(head, &rows);
            (weights, residual.saturating_sub(bound))
        })
        .into_iter()
        .max_by_key(|(_, above)| *above)
        .expect("two");
    assert!(above > 0);
    let head = Head {
        max_residual_squared: Some(bound),
        ..head.clone()
    };
    let (statement, trained) = head.of::<S>(&rows, weights);
    (statement, trained, without, above)
}

/// The head that omits a record by the sign of its margin.
fn out_of_range<S: Suite>(dropped: &'static str, way: Way) {
    for committed in [false, true] {
        let head = of(Loss::SquaredHinge, committed);
        let lie = Lie::<S>::new(&head, Says::Negative);
        earns(dropped, &head, (&lie.statement, &lie.trained), || {
            lie.out_of_range(way)
        });
    }
}

/// Weights one of which is one beyond ±112, two digits of ±7.
pub fn far_out<S: Suite>(loss: Loss) -> (Head, Optimum<S>, Trained<S::Scalar>) {
    let head = Head {
        bound: 7,
        ..of(loss, true)
    };
    let (rows, mut weights) = head.numbers();
    weights[2] = 113;
    let (statement, trained) = head.of::<S>(&rows, weights);
    (head, statement, trained)
}

mod lie {
    use super::*;

    pub fn slack_bit<S: Suite>() {
        for head in kinds() {
            let (statement, trained, _, above) = back_door::<S>(&head);
            earns("slack bit", &head, (&statement, &trained), || whole_slack(above));
        }
    }

    pub fn norm<S: Suite>() {
        for head in kinds() {
            let (statement, trained, ..) = back_door::<S>(&head);
            earns("norm", &head, (&statement, &trained), honest);
        }
    }

    pub fn gradient<S: Suite>() {
        for head in kinds() {
            tells::<S>("gradient", &head, Says::Nothing, |told, label, v| {
                if label.0 == "gradient/ends" {
                    v[1] -= told.pull * told.here();
                }
            });
        }
    }

    pub fn ridge<S: Suite>() {
        for committed in [false, true] {
            tells::<S>("ridge", &of(Loss::Ridge, committed), Says::Nothing, |_, _, _| {});
        }
    }

    pub fn hinge<S: Suite>() {
        for committed in [false, true] {
            let head = of(Loss::SquaredHinge, committed);
            tells::<S>("hinge", &head, Says::Nothing, |_, _, _| {});
        }
    }

    pub fn logit<S: Suite>() {
        for head in kinds() {
            tells::<S>("logit", &head, Says::Enough, |told, label, v| match label.0 {
                "ridge/ends" => v[1] += told.logit * told.here(),
                "hinge/ends" => v[1] += told.logit * told.there(),
                _ => {}
            });
        }
    }

    /// Another feature, so that the true pull makes the false gradient.
    pub fn gradient_opening<S: Suite>() {
        for committed in [false, true] {
            let head = of(Loss::Ridge, committed);
            tells::<S>("gradient opening", &head, Says::Nothing, |told, label, v| {
                if label.0 == "gradient/ends" {
                    let end = v[0] * v[1];
                    v[1] -= told.pull * told.here();
                    v[0] = end / v[1];
                }
            });
        }
    }

    pub fn logit_opening<S: Suite>() {
        for loss in [Loss::Ridge, Loss::SquaredHinge] {
            tells::<S>(
                "logit opening",
                &of(loss, true),
                Says::Enough,
                |told, label, v| {
                    let off = |at: S::Scalar| told.logit * at;
                    match label.0 {
                        "ridge/ends" => v[1] += off(told.here()),
                        "hinge/ends" => v[1] += off(told.there()),
                        "logit/ends" => {
                            let at = if told.asked("hinge/rho") {
                                told.there()
                            } else {
                                told.here()
                            };
                            // A plain claim that is off is off by ρ times that after a round.
                            let rounds: S::Scalar = told.point("logit/rho").iter().product();
                            v[0] += off(at) * rounds / v[1];
                        }
                        _ => {}
                    }
                },
            );
        }
    }

    pub fn label_opening<S: Suite>() {
        for head in kinds() {
            tells::<S>(
                "label opening",
                &head,
                Says::Flipped,
                |told, label, v| match label.0 {
                    "ridge/ends" => v[0] += told.label * told.here(),
                    "hinge/ends" => v[0] += told.label * told.there(),
                    _ => {}
                },
            );
        }
    }

    pub fn weight_opening<S: Suite>() {
        for loss in [Loss::Ridge, Loss::SquaredHinge] {
            let head = of(loss, true);
            let (statement, trained, numbers, _) = back_door::<S>(&head);
            let rows = trained.weights.values.chunks(head.p);
            let committed: Vec<i64> = rows.flat_map(|w| [w, &[0; 4]].concat()).collect();
            earns("weight opening", &head, (&statement, &trained), || {
                Some(Box::new(OtherWeights {
                    numbers: numbers.clone(),
                    committed: committed.clone(),
                }))
            });
        }
    }

    pub fn digit_opening<S: Suite>() {
        for committed in [false, true] {
            let head = of(Loss::SquaredHinge, committed);
            tells::<S>("digit opening", &head, Says::Negative, |told, label, v| {
                if label.0 == "hinge/ends" {
                    v[5] -= S::Scalar::from(63u64) * told.there();
                }
            });
        }
    }

    pub fn look_up<S: Suite>() {
        out_of_range::<S>("look-up", Way::LookedUp);
    }

    pub fn gkr_layer<S: Suite>() {
        out_of_range::<S>("gkr layer", Way::Roots);
    }

    pub fn multiplicity_opening<S: Suite>() {
        out_of_range::<S>("multiplicity opening", Way::Counted);
    }

    pub fn look_up_opening<S: Suite>() {
        out_of_range::<S>("look-up opening", Way::Hidden);
    }

    pub fn weight_look_up_opening<S: Suite>() {
        for loss in [Loss::Ridge, Loss::SquaredHinge] {
            let (head, statement, trained) = far_out::<S>(loss);
            earns("weight look-up opening", &head, (&statement, &trained), honest);
        }
    }

    pub fn limb_opening<S: Suite>() {
        let (head, statement, trained) = far_out::<S>(Loss::Ridge);
        let rows = trained.weights.values.chunks(head.p);
        let mut x: Vec<i64> = rows.flat_map(|w| [w, &[0; 4]].concat()).collect();
        x.resize(32, 0);
        earns("limb opening", &head, (&statement, &trained), || {
            swaps_limbs(&x, &x, 15, false)
        });
    }
}
