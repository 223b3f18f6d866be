//! Provers of heads that are not as near to the optimum as they say: what they say of one class and record is false.

use std::collections::BTreeMap;

use ark_ff::{Field, Zero};
use fedproof_core::group::{Suite, scalar_from_i64};
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::dishonest::{Dishonest, Learned};
use fedproof_core::relation::head::{Digits, Trained};
use fedproof_core::relation::optimum::{Loss, Optimum};
use fedproof_core::transcript::{Label, Transcript};

use super::Hooks;
use crate::common::optimum::Head;

/// What a class says of its records: as [`Learned`] has it.
#[derive(Clone, Default)]
pub struct Numbers {
    pub weights: Vec<i64>,
    pub stride: usize,
    pub labels: Vec<i64>,
    pub logits: Vec<i64>,
    pub margins: Vec<i64>,
    pub pulls: Vec<i64>,
}

impl Numbers {
    pub fn of(head: &Head, rows: &[i8], weights: &[i64]) -> Self {
        let columns = (head.p + head.c).next_power_of_two();
        let stride = head.n.next_power_of_two().max(columns);
        let length = (head.c - 1) * stride + head.n;
        let mut all = Self {
            weights: weights.to_vec(),
            stride,
            labels: vec![0; length],
            logits: vec![0; length],
            margins: vec![0; length],
            pulls: vec![0; length],
        };
        for (k, w) in weights.chunks(head.p).enumerate() {
            for (i, row) in rows.chunks(head.p + head.c).enumerate() {
                let at = k * stride + i;
                all.labels[at] = 2 * i64::from(row[head.p + k]) - 1;
                all.logits[at] = row.iter().zip(w).map(|(x, w)| i64::from(*x) * w).sum();
                all.follow(head, at);
            }
        }
        all
    }

    /// 1 − y·z at its scale.
    fn lack(&self, head: &Head, at: usize) -> i64 {
        (1 << (5 + head.scale)) - self.labels[at] * self.logits[at]
    }

    /// The margin and the pull that follow from a label and a logit.
    fn follow(&mut self, head: &Head, at: usize) {
        let v = self.lack(head, at);
        self.margins[at] = v.abs();
        let kept = match head.loss {
            Loss::Ridge => v,
            Loss::SquaredHinge => v.max(0),
        };
        self.pulls[at] = self.labels[at] * kept;
    }

    /// Σ E².
    pub fn residual(&self, head: &Head, rows: &[i8]) -> u128 {
        let mut sum = 0;
        for (k, w) in self.weights.chunks(head.p).enumerate() {
            for (j, w) in w.iter().enumerate() {
                let mut e = i128::from(head.regularisation) * i128::from(*w);
                for (i, row) in rows.chunks(head.p + head.c).enumerate() {
                    e -= i128::from(row[j]) * i128::from(self.pulls[k * self.stride + i]);
                }
                sum += e.unsigned_abs().pow(2);
            }
        }
        sum
    }
}

/// What is said of one class and record.
#[derive(Clone, Copy, Debug)]
pub enum Says {
    /// It pulls at nothing, although it lies within the margin: as if the record were left out.
    Nothing,
    /// Its logit is the margin's.
    Enough,
    /// Its label is the other one.
    Flipped,
    /// Its margin is −|V|: the record is left out.
    Negative,
    /// Its margin is two more or less, and its pull what makes up for the square: right for γ = 1 alone.
    Squared,
}

/// A lie, the statement for which it would do, and the witness.
pub struct Lie<S: Suite> {
    pub statement: Optimum<S>,
    pub trained: Trained<S::Scalar>,
    truth: Numbers,
    told: Numbers,
    at: usize,
    class_bits: usize,
}

impl<S: Suite> Lie<S> {
    /// About a class and record where it makes the residual smaller than it is.
    pub fn new(head: &Head, says: Says) -> Self {
        let (rows, weights) = head.numbers();
        let truth = Numbers::of(head, &rows, &weights);
        let tell = |at: usize, by: i64| {
            let mut told = truth.clone();
            match says {
                Says::Nothing => told.pulls[at] = 0,
                Says::Enough => {
                    told.logits[at] = told.labels[at] << (5 + head.scale);
                    told.follow(head, at);
                }
                Says::Flipped => {
                    told.labels[at] *= -1;
                    told.follow(head, at);
                }
                Says::Negative => {
                    told.margins[at] *= -1;
                    told.pulls[at] = 0;
                }
                Says::Squared => {
                    // With γ = 1: A' = A + Y(N' − N)/2 + N² − N'².
                    let (n, y) = (truth.margins[at], truth.labels[at]);
                    told.margins[at] += 2 * by;
                    told.pulls[at] += y * by - 4 * by * (n + by);
                }
            }
            told
        };
        let exact = truth.residual(head, &rows);
        let counted = (0..truth.labels.len()).filter(|at| truth.pulls[*at] != 0);
        let (at, told) = counted
            .flat_map(|at| [1, -1].map(|by| (at, tell(at, by))))
            .find(|(_, told)| told.residual(head, &rows) < exact)
            .expect("a record that is in the way");
        let head = Head {
            max_residual_squared: Some(told.residual(head, &rows)),
            ..head.clone()
        };
        let (statement, trained) = head.of(&rows, weights);
        Self {
            statement,
            trained,
            truth,
            told,
            at,
            class_bits: head.c.next_power_of_two().trailing_zeros() as usize,
        }
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
        let at = self.at;
        let less = |told: &[i64], truth: &[i64]| scalar_from_i64::<S::Scalar>(told[at] - truth[at]);
        Some(Box::new(Tells {
            numbers: self.told.clone(),
            told: Told {
                at,
                class_bits: self.class_bits,
                label: less(&self.told.labels, &self.truth.labels) / S::Scalar::from(2u64),
                logit: less(&self.told.logits, &self.truth.logits),
                pull: less(&self.told.pulls, &self.truth.pulls),
                points: BTreeMap::new(),
            },
            edit,
        }))
    }

    /// The prover of [`Says::Negative`], whose highest digit is out of range somewhere.
    pub fn out_of_range(&self, way: Way) -> Hooks<S> {
        let digits = &self.statement.digits;
        Some(Box::new(OutOfRange::new(self.told.clone(), self.at, digits, way)))
    }
}

/// What a lie is about, and the challenges so far.
pub struct Told<F> {
    at: usize,
    class_bits: usize,
    /// What was said of the label's entry, less what it is; and so on.
    pub label: F,
    pub logit: F,
    pub pull: F,
    points: BTreeMap<&'static str, Vec<F>>,
}

impl<F: Field + ark_ff::PrimeField> Told<F> {
    /// The point where a sumcheck ends.
    pub fn point(&self, challenges: &str) -> &[F] {
        &self.points[challenges]
    }

    /// Whether a challenge with this name was drawn.
    pub fn asked(&self, challenge: &str) -> bool {
        self.points.contains_key(challenge)
    }

    /// eq of the place that the lie is about, where the gradient ends.
    pub fn here(&self) -> F {
        self.at_record(self.point("gradient/rho"))
    }

    /// The same where it will end, with this challenge to come.
    pub fn here_after(&self, rho: F) -> F {
        self.at_record(&[&[rho], self.point("gradient/rho")].concat())
    }

    fn at_record(&self, record: &[F]) -> F {
        let class = &self.point("norm/rho")[..self.class_bits];
        eq_table(&[class, record].concat())[self.at]
    }

    /// The column's part of the point where the norm ends.
    pub fn column(&self) -> &[F] {
        &self.point("norm/rho")[self.class_bits..]
    }

    /// The same where the margins end.
    pub fn there(&self) -> F {
        eq_table(self.point("hinge/rho"))[self.at]
    }
}

fn learns(numbers: &Numbers, learned: Learned<'_>) {
    learned.weights.clone_from(&numbers.weights);
    learned.labels.clone_from_slice(&numbers.labels);
    learned.logits.clone_from_slice(&numbers.logits);
    learned.margins.clone_from_slice(&numbers.margins);
    learned.pulls.clone_from_slice(&numbers.pulls);
}

struct Tells<F, E> {
    numbers: Numbers,
    told: Told<F>,
    edit: E,
}

impl<S: Suite, E> Dishonest<S> for Tells<S::Scalar, E>
where
    E: Fn(&Told<S::Scalar>, &Transcript, Label, &mut [S::Scalar]),
{
    fn learned(&mut self, learned: Learned<'_>) {
        learns(&self.numbers, learned);
    }

    fn challenge(&mut self, Label(name, ..): Label, value: S::Scalar) {
        // The last variable comes first.
        self.told.points.entry(name).or_default().insert(0, value);
    }

    fn message(&mut self, label: Label, transcript: &Transcript, values: &mut Vec<S::Scalar>) {
        (self.edit)(&self.told, transcript, label, values);
    }
}

/// What becomes of a digit out of range.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is looked up.
    LookedUp,
    /// The same; the roots say that it was found.
    Roots,
    /// The same; after α a multiplicity pays for it.
    Counted,
    /// Another one is looked up than is committed to.
    Hidden,
}

/// One place's highest digit is out of range.
pub struct OutOfRange {
    numbers: Numbers,
    at: usize,
    bound: u64,
    columns: u32,
    way: Way,
    value: i64,
    next: u32,
}

impl OutOfRange {
    pub fn new(numbers: Numbers, at: usize, digits: &Digits, way: Way) -> Self {
        Self {
            numbers,
            at,
            bound: digits.bound,
            columns: digits.margins,
            way,
            value: 0,
            next: 0,
        }
    }

    /// The highest digit: what wraps does so in it.
    fn change(&mut self, label: Label, values: &mut [i64]) {
        if label == Label("digit", self.columns - 1, 0) {
            values[self.at] -= 2 * self.bound.cast_signed() + 1;
            self.value = values[self.at];
        }
    }
}

impl<S: Suite> Dishonest<S> for OutOfRange {
    fn learned(&mut self, learned: Learned<'_>) {
        learns(&self.numbers, learned);
    }

    fn looked_up(&mut self, label: Label, values: &mut Vec<i64>) {
        if self.way != Way::Hidden {
            self.change(label, values);
        }
    }

    /// Where the records fill their rows, a place in these is one in what is looked up.
    fn matrix(&mut self, label: Label, values: &mut Vec<i64>) {
        if self.way == Way::Hidden {
            self.change(label, values);
        }
    }

    fn multiplicities(&mut self, alpha: S::Scalar, counts: &mut Vec<S::Scalar>) {
        self.next += 1;
        if self.way == Way::Counted && self.next == self.columns {
            // Table entry 0 is −bound.
            let off = alpha - scalar_from_i64::<S::Scalar>(self.value);
            counts[0] += (alpha + S::Scalar::from(self.bound)) / off;
        }
    }

    fn message(&mut self, label: Label, _: &Transcript, v: &mut Vec<S::Scalar>) {
        if self.way == Way::Roots && label.0 == "gkr/roots" {
            let x = 2 * self.columns as usize - 2;
            let t = x + v.len() / 2;
            v[x] = v[t] * v[x + 1] / v[t + 1];
        }
    }
}

/// Proves of another W than was committed to; what is looked up is the committed one's.
pub struct OtherWeights {
    /// Those of the proof.
    pub numbers: Numbers,
    /// Row after row as it is looked up, in one digit.
    pub committed: Vec<i64>,
}

impl<S: Suite> Dishonest<S> for OtherWeights {
    fn learned(&mut self, learned: Learned<'_>) {
        learns(&self.numbers, learned);
    }

    fn looked_up(&mut self, label: Label, values: &mut Vec<i64>) {
        if label == Label("limb", 0, 0) {
            values.clone_from(&self.committed);
        }
    }
}

/// What the slack is set to: all of it in its first "bit".
pub fn whole_slack<S: Suite>(above: u128) -> Hooks<S> {
    super::edits::<S>(move |label, _, v| {
        if label.0 == "slack" {
            v.fill(S::Scalar::zero());
            v[0] = -S::Scalar::from(above);
        }
    })
}
