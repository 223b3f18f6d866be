//! Provers that count a record which the head gets wrong.

pub mod late;

use ark_ff::{Field, PrimeField};
use fedproof_core::group::{Suite, scalar_from_i64};
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::dishonest::{Counted, Dishonest};
use fedproof_core::relation::accuracy::Accuracy;
use fedproof_core::relation::head::Trained;
use fedproof_core::transcript::{Label, Transcript};

use super::Hooks;
use super::optimum::{Numbers, OutOfRange, Way};
use crate::common::accuracy::Test;

/// What a prover says of its records: as [`Counted`] has it.
#[derive(Clone)]
pub struct Claims {
    weights: Vec<i64>,
    stride: usize,
    classes: usize,
    labels: Vec<i64>,
    logits: Vec<i64>,
    bits: Vec<i64>,
    tops: Vec<i64>,
    leads: Vec<i64>,
}

impl Claims {
    /// Of the records that are right, and no other.
    pub fn of(test: &Test, rows: &[i8], weights: &[i64]) -> Self {
        let head = &test.head;
        let columns = (head.p + head.c).next_power_of_two();
        let stride = head.n.next_power_of_two().max(columns);
        let length = (head.c - 1) * stride + head.n;
        let mut all = Self {
            weights: weights.to_vec(),
            stride,
            classes: head.c,
            labels: vec![0; length],
            logits: vec![0; length],
            bits: vec![0; head.n],
            tops: vec![0; head.n],
            leads: vec![0; length],
        };
        for (i, row) in rows.chunks(head.p + head.c).enumerate() {
            for (k, logit) in test.logits(row, weights).into_iter().enumerate() {
                all.logits[k * stride + i] = logit;
                all.labels[k * stride + i] = 2 * i64::from(row[head.p + k]) - 1;
            }
            if all.would_lead(i).iter().all(|lead| *lead >= 0) {
                all.count(i);
            }
        }
        all
    }

    fn place(&self, class: usize, record: usize) -> usize {
        class * self.stride + record
    }

    pub fn label(&self, record: usize) -> usize {
        let own = |k: &usize| self.labels[self.place(*k, record)] == 1;
        (0..self.classes).find(own).expect("one label")
    }

    /// Z_y − Z_k − 1 + O for every class.
    fn would_lead(&self, record: usize) -> Vec<i64> {
        let own = self.logits[self.place(self.label(record), record)];
        let lead = |k| {
            let at = self.place(k, record);
            own - self.logits[at] - i64::from(self.labels[at] != 1)
        };
        (0..self.classes).map(lead).collect()
    }

    /// Whether or not it is right.
    pub fn count(&mut self, record: usize) {
        self.bits[record] = 1;
        self.tops[record] = self.logits[self.place(self.label(record), record)];
        for (k, lead) in self.would_lead(record).into_iter().enumerate() {
            let at = self.place(k, record);
            self.leads[at] = lead;
        }
    }

    pub fn largest_lead(&self) -> u64 {
        self.leads.iter().max().expect("some").unsigned_abs()
    }

    fn correct(&self) -> u64 {
        self.bits.iter().map(|b| b.unsigned_abs()).sum()
    }
}

/// Why the wrong record counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Its class leads by nothing where it does not lead.
    Level,
    /// Its class has a higher logit.
    Higher,
    /// Its label is the class that leads.
    Relabelled,
    /// Its class leads by less than nothing.
    Negative,
    /// Its class leads itself, and all others by twice that more: right for γ = 1 alone.
    Itself,
    /// It does not: only the total has it.
    Nothing,
}

/// A lie, the statement for which it would do, and the witness.
pub struct Lie<S: Suite> {
    pub statement: Accuracy<S>,
    pub trained: Trained<S::Scalar>,
    truth: Claims,
    told: Claims,
    record: usize,
    /// The class that leads.
    best: usize,
}

impl<S: Suite> Lie<S> {
    pub fn new(test: &Test, says: Says) -> Self {
        let (rows, weights) = test.numbers();
        let truth = Claims::of(test, &rows, &weights);
        let record = truth.bits.iter().position(|bit| *bit == 0).expect("a wrong one");
        let own = truth.label(record);
        let best = (0..truth.classes)
            .max_by_key(|k| truth.logits[truth.place(*k, record)])
            .expect("classes");
        let mut told = truth.clone();
        match says {
            Says::Nothing => {}
            Says::Level => {
                told.count(record);
                let at = told.place(best, record);
                told.leads[at] = 0;
            }
            Says::Negative => told.count(record),
            Says::Itself => {
                let behind = -told.would_lead(record).into_iter().min().expect("classes");
                let by = (behind + 1) / 2;
                told.count(record);
                told.tops[record] += 2 * by;
                for class in 0..told.classes {
                    let at = told.place(class, record);
                    told.leads[at] += if class == own { by } else { 2 * by };
                }
            }
            Says::Higher => {
                let at = told.place(own, record);
                told.logits[at] = told.logits[told.place(best, record)] + 1;
                told.count(record);
            }
            Says::Relabelled => {
                for (class, label) in [(own, -1), (best, 1)] {
                    let at = told.place(class, record);
                    told.labels[at] = label;
                }
                told.count(record);
            }
        }
        let test = Test {
            correct: Some(truth.correct() + 1),
            ..test.clone()
        };
        let (statement, trained) = test.of(&rows, weights);
        Self {
            statement,
            trained,
            truth,
            told,
            record,
            best,
        }
    }

    /// The same of other weights than the committed ones: those for which every record counts that the total has.
    pub fn other_weights(test: &Test) -> Self {
        let mut lie = Self::new(test, Says::Nothing);
        let (rows, mut weights) = test.numbers();
        let own = lie.truth.label(lie.record);
        let row: Vec<i8> = rows
            .chunks(test.head.p + test.head.c)
            .nth(lie.record)
            .expect("it")
            .to_vec();
        for (w, x) in weights[own * test.head.p..].iter_mut().zip(&row[..test.head.p]) {
            *w += 40 * i64::from(*x);
        }
        lie.told = Claims::of(test, &rows, &weights);
        assert_eq!(lie.told.bits[lie.record], 1);
        lie.statement.correct = lie.told.correct();
        lie
    }

    /// The prover that tells it, and changes its messages by what it says and what it was asked.
    pub fn told(&self, edit: impl Fn(&Told<S::Scalar>, Label, &mut [S::Scalar]) + 'static) -> Hooks<S> {
        self.told_ahead(move |told, _, label, values| edit(told, label, values))
    }

    /// The same, of a prover that looks at the transcript, too.
    pub fn told_ahead(
        &self,
        edit: impl Fn(&Told<S::Scalar>, &Transcript, Label, &mut [S::Scalar]) + 'static,
    ) -> Hooks<S> {
        Some(Box::new(Tells {
            claims: self.told.clone(),
            told: self.asked(),
            uncounted: None,
            edit,
        }))
    }

    /// What the lie is about, before the first challenge.
    fn asked(&self) -> Told<S::Scalar> {
        let own = self.truth.place(self.truth.label(self.record), self.record);
        let best = self.truth.place(self.best, self.record);
        let less =
            |told: &[i64], truth: &[i64], at: usize| scalar_from_i64::<S::Scalar>(told[at] - truth[at]);
        // A lead that is not what bits, tops and logits make it.
        let follows = if self.told.bits[self.record] == 1 {
            self.told.would_lead(self.record)[self.best]
        } else {
            0
        };
        Told {
            classes: self.truth.classes,
            own,
            best,
            logit: less(&self.told.logits, &self.truth.logits, own),
            lead: scalar_from_i64(self.told.leads[best] - follows),
            tau: Vec::new(),
            rho: Vec::new(),
            theta: Vec::new(),
        }
    }

    /// The prover that commits to a bit for the wrong record and proves of none.
    pub fn only_in_the_total(&self) -> Hooks<S> {
        Some(Box::new(Tells {
            claims: self.told.clone(),
            told: self.asked(),
            uncounted: Some(self.record),
            edit: |_: &Told<S::Scalar>, _: &Transcript, _: Label, _: &mut [S::Scalar]| {},
        }))
    }

    /// The prover of [`Says::Negative`], whose highest digit is out of range.
    pub fn out_of_range(&self, way: Way) -> Hooks<S> {
        let at = self.truth.place(self.best, self.record);
        Some(Box::new(Below {
            claims: self.told.clone(),
            digits: OutOfRange::new(Numbers::default(), at, &self.statement.digits, way),
        }))
    }
}

/// What a lie is about, and the challenges so far.
pub struct Told<F> {
    classes: usize,
    own: usize,
    best: usize,
    /// What was said of the own class's logit, less what it is.
    pub logit: F,
    /// What was said of the best class's lead, less what follows.
    pub lead: F,
    tau: Vec<F>,
    rho: Vec<F>,
    theta: Vec<F>,
}

impl<F: Field + PrimeField> Told<F> {
    /// eq of the own class's place where the sumcheck ends.
    pub fn own_there(&self) -> F {
        eq_table(&self.rho)[self.own]
    }

    /// eq of the best class's place where the sumcheck ends.
    pub fn best_there(&self) -> F {
        eq_table(&self.rho)[self.best]
    }

    /// K.
    fn class_bits(&self) -> usize {
        self.classes.next_power_of_two().trailing_zeros() as usize
    }

    /// eq of the best class's place at the anchor, as a part of what counts for t_r.
    pub fn best_at_anchor(&self) -> F {
        let classes: F = eq_table(&self.tau[..self.class_bits()])
            .iter()
            .take(self.classes)
            .sum();
        eq_table(&self.tau)[self.best] / classes
    }

    /// What the claims at the anchor lie below what was told.
    pub fn missing(&self) -> F {
        self.lead * eq_table(&self.tau)[self.best]
    }

    /// The anchor's coordinate in the first round.
    pub fn first_anchor(&self) -> F {
        *self.tau.last().expect("drawn")
    }

    fn hears(&mut self, Label(name, ..): Label, value: F) {
        // In a sumcheck the last variable comes first.
        match name {
            "accuracy/tau" => self.tau.push(value),
            "accuracy/rho" => self.rho.insert(0, value),
            "logit/rho" => self.theta.push(value),
            _ => {}
        }
    }

    /// What a plain claim that was off by one is off by after the logit's rounds.
    pub fn rounds(&self) -> F {
        self.theta.iter().product()
    }
}

fn counts(claims: &Claims, counted: Counted<'_>) {
    counted.weights.clone_from(&claims.weights);
    counted.labels.clone_from_slice(&claims.labels);
    counted.logits.clone_from_slice(&claims.logits);
    counted.bits.clone_from_slice(&claims.bits);
    counted.tops.clone_from_slice(&claims.tops);
    counted.leads.clone_from_slice(&claims.leads);
}

struct Tells<F, E> {
    claims: Claims,
    told: Told<F>,
    /// A record for which a bit is committed to that is not proved of.
    uncounted: Option<usize>,
    edit: E,
}

impl<S: Suite, E> Dishonest<S> for Tells<S::Scalar, E>
where
    E: Fn(&Told<S::Scalar>, &Transcript, Label, &mut [S::Scalar]),
{
    fn counted(&mut self, counted: Counted<'_>) {
        counts(&self.claims, counted);
    }

    fn matrix(&mut self, label: Label, values: &mut Vec<i64>) {
        if let (Some(record), "correct") = (self.uncounted, label.0) {
            values[record] = 1;
        }
    }

    fn challenge(&mut self, label: Label, value: S::Scalar) {
        self.told.hears(label, value);
    }

    fn message(&mut self, label: Label, transcript: &Transcript, values: &mut Vec<S::Scalar>) {
        (self.edit)(&self.told, transcript, label, values);
    }
}

/// Leads below nothing, in digits out of range.
struct Below {
    claims: Claims,
    digits: OutOfRange,
}

impl<S: Suite> Dishonest<S> for Below {
    fn counted(&mut self, counted: Counted<'_>) {
        counts(&self.claims, counted);
    }

    fn looked_up(&mut self, label: Label, values: &mut Vec<i64>) {
        Dishonest::<S>::looked_up(&mut self.digits, label, values);
    }

    fn matrix(&mut self, label: Label, values: &mut Vec<i64>) {
        Dishonest::<S>::matrix(&mut self.digits, label, values);
    }

    fn multiplicities(&mut self, alpha: S::Scalar, counts: &mut Vec<S::Scalar>) {
        Dishonest::<S>::multiplicities(&mut self.digits, alpha, counts);
    }

    fn message(&mut self, label: Label, transcript: &Transcript, values: &mut Vec<S::Scalar>) {
        Dishonest::<S>::message(&mut self.digits, label, transcript, values);
    }
}
