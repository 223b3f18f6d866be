//! R6: each constraint, by its label: a wrong record that counts without it.

use fedproof_core::group::Suite;
use fedproof_core::transcript::Label;

use crate::common::accuracy::{Test, kinds};
use crate::common::lies::accuracy::{Lie, Says, Told};
use crate::common::lies::optimum::Way;
use crate::common::lies::{Hooks, earns_beside, honest};
use crate::common::on_both_suites;

on_both_suites!(
    lie:
    accuracy,
    logit,
    logit_opening,
    label_opening,
    weight_opening,
    digit_opening,
    look_up,
    gkr_layer,
    multiplicity_opening,
    look_up_opening,
    correct_opening,
    top_opening,
    total_opening
);

/// Beside an honest proof of its kind.
pub fn earns<S: Suite>(dropped: &'static str, test: &Test, lie: &Lie<S>, hooks: impl Fn() -> Hooks<S>) {
    let (truth, trained) = test.make::<S>();
    let false_one = (&lie.statement, &lie.trained);
    earns_beside(dropped, false_one, (&truth, &trained), hooks);
}

fn tells<S: Suite>(
    dropped: &'static str,
    test: &Test,
    says: Says,
    edit: fn(&Told<S::Scalar>, Label, &mut [S::Scalar]),
) {
    let lie = Lie::<S>::new(test, says);
    earns(dropped, test, &lie, || lie.told(edit));
}

fn out_of_range<S: Suite>(dropped: &'static str, way: Way) {
    for test in kinds() {
        let lie = Lie::<S>::new(&test, Says::Negative);
        earns(dropped, &test, &lie, || lie.out_of_range(way));
    }
}

mod lie {
    use super::*;

    pub fn accuracy<S: Suite>() {
        for test in kinds() {
            tells::<S>("accuracy", &test, Says::Level, |_, _, _| {});
        }
    }

    pub fn logit<S: Suite>() {
        for test in kinds() {
            tells::<S>("logit", &test, Says::Higher, |told, label, v| {
                if label.0 == "accuracy/ends" {
                    v[1] += told.logit * told.own_there();
                }
            });
        }
    }

    /// With a public W the weight at θ is not the prover's to divide by.
    pub fn logit_opening<S: Suite>() {
        let [_, committed] = kinds();
        tells::<S>("logit opening", &committed, Says::Higher, |told, label, v| {
            let off = || told.logit * told.own_there();
            match label.0 {
                "accuracy/ends" => v[1] += off(),
                "logit/ends" => v[0] += off() * told.rounds() / v[1],
                _ => {}
            }
        });
    }

    pub fn label_opening<S: Suite>() {
        for test in kinds() {
            tells::<S>("label opening", &test, Says::Relabelled, |told, label, v| {
                if label.0 == "accuracy/ends" {
                    v[0] += told.best_there() - told.own_there();
                }
            });
        }
    }

    pub fn weight_opening<S: Suite>() {
        let [_, committed] = kinds();
        let lie = Lie::<S>::other_weights(&committed);
        earns("weight opening", &committed, &lie, || lie.told(|_, _, _| {}));
    }

    /// Four digits of ±31 wrap at 63^4.
    pub fn digit_opening<S: Suite>() {
        for test in kinds() {
            tells::<S>("digit opening", &test, Says::Negative, |told, label, v| {
                if label.0 == "accuracy/ends" {
                    v[5] -= S::Scalar::from(63u64) * told.best_there();
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

    pub fn correct_opening<S: Suite>() {
        for test in kinds() {
            let lie = Lie::<S>::new(&test, Says::Nothing);
            earns("correct opening", &test, &lie, || lie.only_in_the_total());
        }
    }

    pub fn top_opening<S: Suite>() {
        for test in kinds() {
            tells::<S>("top opening", &test, Says::Level, |told, label, v| {
                if label.0 == "accuracy/top" {
                    v[0] += told.lead * told.best_at_anchor();
                }
            });
        }
    }

    pub fn total_opening<S: Suite>() {
        for test in kinds() {
            let lie = Lie::<S>::new(&test, Says::Nothing);
            earns("total opening", &test, &lie, honest);
        }
    }
}
