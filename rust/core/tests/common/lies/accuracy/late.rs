//! Provers that choose bits, tops or digits once the anchor is known, so that the claims hold there and nowhere else.

use ark_ff::PrimeField;
use fedproof_core::group::{Suite, scalar_from_i64};
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::dishonest::{Counted, Dishonest, Late};
use fedproof_core::relation::head::Weights;
use fedproof_core::transcript::{Label, Transcript};

use super::{Claims, Lie, Told, counts};
use crate::common::lies::Hooks;
use crate::common::lies::rounds::{Rounds, Weighted};

/// What is chosen late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Where there is no record two "bits" add up to 1; what their squares are off by cancels.
    Correct,
    /// A record's top makes up for a lead that does not follow.
    Top,
    /// Two digits do; where the look-ups end they cancel.
    Digit,
}

/// A matrix, a place in it, by how much it is changed.
type Change<F> = (usize, usize, F);

struct Chooses<F> {
    claims: Claims,
    told: Told<F>,
    chosen: Chosen,
    variables: usize,
    columns: usize,
    /// The number of `correct` among the matrices; `top` and the digits follow.
    first: usize,
    /// Where the look-ups end.
    found: Vec<F>,
    gamma: F,
    changes: Vec<Change<F>>,
    rounds: Rounds<F>,
}

impl<S: Suite> Lie<S> {
    /// The prover that tells it, which holds at the anchor for what is chosen late.
    pub fn chosen(&self, chosen: Chosen) -> Hooks<S> {
        let columns = self.trained.records.columns.next_power_of_two();
        let table = self.truth.classes.next_power_of_two() * self.truth.stride;
        Some(Box::new(Chooses {
            claims: self.told.clone(),
            told: self.asked(),
            chosen,
            variables: table.ilog2() as usize,
            columns,
            first: 1 + usize::from(matches!(self.statement.weights, Weights::Committed(_))),
            found: Vec::new(),
            gamma: S::Scalar::from(0u64),
            changes: Vec::new(),
            rounds: Rounds(Vec::new()),
        }))
    }
}

impl<F: PrimeField> Chooses<F> {
    /// The anchor's part of the records.
    fn records(&self) -> &[F] {
        &self.told.tau[self.told.class_bits()..]
    }

    fn choose(&self) -> Vec<Change<F>> {
        let at_anchor = eq_table(&self.told.tau);
        match self.chosen {
            Chosen::Correct => {
                // x + y = 1, e_x·x² + e_y·y² = 0: of three places two have a root, as −1 is a square.
                let eq = eq_table(self.records());
                let n = self.claims.bits.len();
                let pairs = [[n, n + 1], [n, n + 2], [n + 1, n + 2]];
                let found = pairs
                    .iter()
                    .find_map(|[x, y]| (-eq[*y] / eq[*x]).sqrt().map(|root| (*x, *y, root)));
                let (x, y, root) = found.expect("a root");
                let y_is = (root + F::one()).inverse().expect("not −1");
                vec![(self.first, x, root * y_is), (self.first, y, y_is)]
            }
            Chosen::Top => {
                let by = self.told.lead * self.told.best_at_anchor() / eq_table(self.records())[0];
                vec![(self.first + 1, 0, by)]
            }
            Chosen::Digit => {
                // At the anchor all is well with γ's first power where the class is not the record's own.
                let stride = self.claims.stride;
                let places: Vec<usize> = (0..self.claims.classes)
                    .map(|class| class * stride + self.told.own % stride)
                    .filter(|at| *at != self.told.own)
                    .collect();
                let [x, y] = places[..] else {
                    panic!("three classes")
                };
                let found = eq_table(&self.found[self.found.len() - self.variables..]);
                let ratio = -found[x] / found[y];
                let by = -self.told.missing() / (at_anchor[x] + ratio * at_anchor[y]);
                vec![(self.first + 2, x, by), (self.first + 2, y, ratio * by)]
            }
        }
    }

    /// Row and column: of each class's records, or of the only ones.
    fn place(&self, at: usize) -> (usize, usize) {
        let rows = self.claims.bits.len().div_ceil(self.columns);
        let (class, record) = (at / self.claims.stride, at % self.claims.stride);
        (class * rows + record / self.columns, record % self.columns)
    }

    fn changed(&self, matrix: usize) -> impl Iterator<Item = (usize, F)> {
        let of = self.changes.iter().filter(move |change| change.0 == matrix);
        of.map(|(_, at, by)| (*at, *by))
    }

    /// Step 5's sums of what is proved now.
    fn tables(&self) -> Rounds<F> {
        let (stride, size) = (self.claims.stride, 1 << self.variables);
        let (zero, one) = (F::zero(), F::one());
        let padded = |numbers: &[i64], size: usize| {
            let mut numbers: Vec<F> = numbers.iter().map(|x| scalar_from_i64(*x)).collect();
            numbers.resize(size, zero);
            numbers
        };
        let mut bits = padded(&self.claims.bits, stride);
        let mut leads = padded(&self.claims.leads, size);
        for (at, by) in self.changed(self.first) {
            bits[at] += by;
        }
        for (at, by) in self.changed(self.first + 2) {
            leads[at] += by;
        }
        let inside = |at: usize| at / stride < self.claims.classes && at % stride < self.claims.bits.len();
        let own = |at: usize| inside(at) && self.claims.labels[at] == 1;
        let logits = padded(&self.claims.logits, size);
        let each = 0..size;
        let weights = each
            .clone()
            .map(|at| one + if own(at) { self.gamma } else { zero });
        let masks = each.clone().map(|at| {
            if at / stride < self.claims.classes {
                bits[at % stride]
            } else {
                zero
            }
        });
        let rivals = each.map(|at| logits[at] + if inside(at) && !own(at) { one } else { zero });
        let rest = (0..stride).map(|at| bits[at] - if inside(at) { one } else { zero });
        let square = self.gamma.square();
        Rounds(vec![
            Weighted {
                anchor: self.told.tau.clone(),
                products: vec![[leads, weights.collect()], [masks.collect(), rivals.collect()]],
            },
            Weighted {
                anchor: self.records().to_vec(),
                products: vec![[bits.iter().map(|bit| square * bit).collect(), rest.collect()]],
            },
        ])
    }
}

impl<S: Suite> Dishonest<S> for Chooses<S::Scalar> {
    fn counted(&mut self, counted: Counted<'_>) {
        counts(&self.claims, counted);
    }

    fn challenge(&mut self, label: Label, value: S::Scalar) {
        self.told.hears(label, value);
        match label {
            Label("gkr/rho", _, 0) => self.found = vec![value],
            Label("gkr/rho", ..) => self.found.insert(0, value),
            Label("gkr/xi", ..) => self.found.push(value),
            Label("accuracy/gamma", ..) => {
                self.gamma = value;
                self.rounds = self.tables();
            }
            Label("accuracy/rho", ..) => self.rounds.bind(value),
            _ => {}
        }
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<S::Scalar>> {
        if drawn.0 != "accuracy/tau" || self.told.tau.len() < self.variables {
            return vec![];
        }
        self.changes = self.choose();
        let change = |(matrix, at, delta): &Change<S::Scalar>| {
            let (row, column) = self.place(*at);
            Late::Row {
                matrix: *matrix,
                row,
                column,
                delta: *delta,
            }
        };
        self.changes.iter().map(change).collect()
    }

    fn message(&mut self, Label(name, ..): Label, _: &Transcript, v: &mut Vec<S::Scalar>) {
        let seen = |matrix: usize, eq: Vec<S::Scalar>| -> S::Scalar {
            self.changed(matrix).map(|(at, by)| by * eq[at]).sum()
        };
        match name {
            "accuracy/top" => v[0] += seen(self.first + 1, eq_table(self.records())),
            "accuracy/round" => v.copy_from_slice(&self.rounds.message()),
            "accuracy/ends" => {
                let last = v.len() - 1;
                v[2] += seen(self.first + 2, eq_table(&self.told.rho));
                v[last] += seen(self.first, eq_table(&self.told.rho[self.told.class_bits()..]));
            }
            _ => {}
        }
    }
}
