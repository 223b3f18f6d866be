//! Rules of order (spec/recorder.md §10 and the relations' pages): each is one value that must be absorbed before a challenge,
//! or one challenge that must be unpredictable. For each, a prover that uses its absence; where the rule stands, it fails.
//!
//! Needs the feature `drop-checks`, which no wheel has.
#![cfg(feature = "drop-checks")]

mod common;

use std::sync::{Arc, Mutex};

use ark_ff::{AdditiveGroup, Field, One, Zero};
use common::lies::{F, attempt, earns, honest, long, out_of_range, wrong};
use common::{Case, bounded, commit, context, numbers};
use fedproof_core::checks::without;
use fedproof_core::error::Stage;
use fedproof_core::generators::row_generator;
use fedproof_core::group::{Pallas, scalar_from_i64, to_affine};
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::Rows;
use fedproof_core::recorder::dishonest::{Dishonest, Late};
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::{Context, Relation, Shape};
use fedproof_core::transcript::{Label, Transcript, cube_root};

/// How a prover comes to know a challenge too early.
#[derive(Clone, Copy)]
enum Knows {
    /// What it depends on is not absorbed.
    Ahead,
    /// It is one.
    One,
}

impl Knows {
    fn short(self, transcript: &Transcript, label: Label) -> F {
        match self {
            Self::Ahead => transcript.clone().short(label).scalar(cube_root()),
            Self::One => F::one(),
        }
    }
}

// -- fractional sums -----------------------------------------------------------------------------------------------------

/// A value out of range. The value tree's root is another (P, Q), with the same P + λQ, for which the look-up holds.
struct RootsAfterLambda(Knows);

impl Dishonest<Pallas> for RootsAfterLambda {
    fn message(&mut self, label: Label, transcript: &Transcript, v: &mut Vec<F>) {
        if label.0 == "gkr/roots" {
            let lambda = self.0.short(transcript, Label("gkr/lambda", 0, 0));
            let ratio = v[2] / v[3];
            let q = (v[0] + lambda * v[1]) / (ratio + lambda);
            (v[0], v[1]) = (q * ratio, q);
        }
    }
}

#[test]
fn roots_are_absorbed_before_lambda() {
    let (lie, witness) = out_of_range(8);
    earns("absorb:gkr/roots", &lie, &witness, || {
        Some(Box::new(RootsAfterLambda(Knows::Ahead)))
    });
    earns("challenge:gkr/lambda", &lie, &witness, || {
        Some(Box::new(RootsAfterLambda(Knows::One)))
    });
}

/// A norm five above its bound, the slack zero: the norm's first round is solved to be right at ρ.
struct RoundAfterRho(Knows);

impl Dishonest<Pallas> for RoundAfterRho {
    fn message(&mut self, label: Label, transcript: &Transcript, v: &mut Vec<F>) {
        if label.0 == "slack" {
            v.fill(F::zero());
        }
        if label == Label("gkr/round", 4, 0) {
            let rho = self.0.short(transcript, Label("gkr/rho", 4, 0));
            v[2] += rho * F::from(5u64) / (F::one() - rho.double());
        }
    }
}

#[test]
fn rounds_are_absorbed_before_rho() {
    let (lie, witness) = long();
    earns("absorb:gkr/round", &lie, &witness, || {
        Some(Box::new(RoundAfterRho(Knows::Ahead)))
    });
    earns("challenge:gkr/rho", &lie, &witness, || {
        Some(Box::new(RoundAfterRho(Knows::One)))
    });
}

/// A false root, and ends of the first layer that only at ξ = 1 are right.
struct EndsForOne(F);

impl Dishonest<Pallas> for EndsForOne {
    fn message(&mut self, label: Label, _: &Transcript, v: &mut Vec<F>) {
        if label.0 == "gkr/roots" {
            v[0] = v[2] * v[1] / v[3];
            self.0 = v[0];
        }
        if label == Label("gkr/ends", 0, 0) {
            v[0] = (self.0 - v[1] * v[2]) / v[3];
        }
    }
}

#[test]
fn xi_is_not_known() {
    let (lie, witness) = out_of_range(8);
    earns("challenge:gkr/xi", &lie, &witness, || {
        Some(Box::new(EndsForOne(F::zero())))
    });
}

/// At an entry of the table both sides' denominators vanish, and any value passes.
#[test]
fn alpha_is_not_known() {
    let (lie, witness) = wrong([numbers(29, 7, 2), vec![1, 1, 8]].concat(), 1 << 100, 0);
    earns("challenge:alpha", &lie, &witness, honest);
}

/// After α, one multiplicity pays for the value 99; the commitment is changed to fit.
struct MultiplicitiesAfterAlpha(F);

impl Dishonest<Pallas> for MultiplicitiesAfterAlpha {
    fn challenge(&mut self, label: Label, alpha: F) {
        if label.0 == "alpha" {
            self.0 = (alpha + F::from(7u64)) / (alpha - F::from(99u64)); // table entry 0 is −7
        }
    }

    fn multiplicities(&mut self, _: F, counts: &mut Vec<F>) {
        counts[0] += self.0;
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<F>> {
        let change = Late::Row {
            matrix: 1,
            row: 0,
            column: 0,
            delta: self.0,
        };
        if drawn.0 == "alpha" { vec![change] } else { vec![] }
    }
}

#[test]
fn multiplicities_are_absorbed_before_alpha() {
    let (lie, witness) = out_of_range(99);
    earns("absorb:m", &lie, &witness, || {
        Some(Box::new(MultiplicitiesAfterAlpha(F::zero())))
    });
}

/// Looks up other numbers, within range; ends at the leaves make lo + m·hi the committed x; then hi's commitment is changed to
/// open to them.
struct LimbsAtTheEnd {
    inside: Vec<i64>,
    x: Vec<i64>,
    m: i64,
    depth: u32,
    alpha: F,
    lambda: F,
    rho: Vec<F>,
    xi: F,
    shift: F,
}

impl Dishonest<Pallas> for LimbsAtTheEnd {
    fn looked_up(&mut self, x: &mut Vec<i64>) {
        x.clone_from(&self.inside);
    }

    fn squares(&mut self, column: &mut Vec<i64>) {
        column[..self.x.len()].copy_from_slice(&self.x);
    }

    fn challenge(&mut self, label: Label, value: F) {
        let last = self.depth - 1;
        match label {
            Label("alpha", ..) => self.alpha = value,
            Label("gkr/lambda", j, _) if j == last => self.lambda = value,
            Label("gkr/rho", j, _) if j == last => self.rho.push(value),
            Label("gkr/xi", j, _) if j == last => self.xi = value,
            _ => {}
        }
    }

    fn message(&mut self, label: Label, _: &Transcript, v: &mut Vec<F>) {
        if label != Label("gkr/ends", self.depth - 1, 0) {
            return;
        }
        let eq = eq_table(&self.rho);
        let at = |bit: usize| -> F {
            let x = |i: usize| scalar_from_i64::<F>(self.x.get(i).copied().unwrap_or(0));
            eq.iter().enumerate().map(|(i, e)| *e * x(2 * i + bit)).sum()
        };
        let (x0, x1, m) = (at(0), at(1), F::from(self.m.unsigned_abs()));
        let (alpha, lambda) = (self.alpha, self.lambda);
        let half = |v0: F, v1: F| (alpha - v1) * (F::one() + lambda * (alpha - v0)) + (alpha - v0);
        let layer = |lo0, lo1, hi0, hi1| half(lo0, lo1) + lambda.square() * half(hi0, hi1);
        let (target, hi0) = (layer(v[0], v[1], v[2], v[3]), v[2]);
        let with = |h: F| layer(x0 - m * hi0, x1 - m * h, hi0, h);
        let hi1 = (target - with(F::zero())) / (with(F::one()) - with(F::zero()));
        self.shift = hi1 - v[3];
        v[..4].copy_from_slice(&[x0 - m * hi0, x1 - m * hi1, hi0, hi1]);
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<F>> {
        if drawn != Label("gkr/xi", self.depth - 1, 0) {
            return vec![];
        }
        let first: F = self.rho.iter().chain([&self.xi]).map(|p| F::one() - p).product();
        vec![Late::Row {
            matrix: 1,
            row: 0,
            column: 0,
            delta: self.xi * self.shift / first,
        }]
    }
}

#[test]
fn limbs_are_absorbed() {
    let inside = numbers(64, 100, 8);
    let mut x = inside.clone();
    x[5] = 101;
    let (lie, witness) = bounded::<Pallas>(&Case {
        d: 64,
        max_abs: 100,
        limb: 16,
        x: Some(x.clone()),
        max_norm_squared: Some(1 << 30),
        ..Case::default()
    });
    earns("absorb:limb", &lie, &witness, || {
        Some(Box::new(LimbsAtTheEnd {
            inside: inside.clone(),
            x: x.clone(),
            m: 16,
            depth: 6,
            alpha: F::zero(),
            lambda: F::zero(),
            rho: Vec::new(),
            xi: F::zero(),
            shift: F::zero(),
        }))
    });
}

/// After δ, two "bits" that add up to the slack −5 and whose two false constraints cancel.
struct SlackAfterDelta(F, u32);

impl Dishonest<Pallas> for SlackAfterDelta {
    fn message(&mut self, label: Label, _: &Transcript, v: &mut Vec<F>) {
        if label.0 == "slack" {
            v.fill(F::zero());
            self.1 = u32::try_from(v.len()).expect("few bits");
        }
    }

    fn challenge(&mut self, label: Label, value: F) {
        if label.0 == "products/delta" {
            self.0 = value;
        }
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<F>> {
        if drawn.0 != "products/delta" {
            return vec![];
        }
        // a = −5 − 2^k·b and a² − a + δ^k(b² − b) = 0.
        for k in 1..self.1 {
            let (two, weight, five) = (
                F::from(2u64).pow([u64::from(k)]),
                self.0.pow([u64::from(k)]),
                F::from(5u64),
            );
            let square = two.square() + weight;
            let linear = two * (five + five + F::one()) - weight;
            let constant = five.square() + five;
            let Some(root) = (linear.square() - F::from(4u64) * square * constant).sqrt() else {
                continue;
            };
            let b = (root - linear) / square.double();
            let label = Label("slack", 0, 0);
            return vec![
                Late::Slot {
                    label,
                    slot: 0,
                    delta: -five - two * b,
                },
                Late::Slot {
                    label,
                    slot: k as usize,
                    delta: b,
                },
            ];
        }
        vec![] // every discriminant without a root: once in 2^κ runs; `earns` tries again
    }
}

#[test]
fn the_slack_is_absorbed() {
    let x = numbers(32, 7, 3);
    let norm: u128 = x.iter().map(|v| u128::from(v.unsigned_abs()).pow(2)).sum();
    let (lie, witness) = wrong(x, norm - 5, 0);
    let hooks = || -> Option<common::lies::Hooks> { Some(Box::new(SlackAfterDelta(F::zero(), 0))) };
    for _ in 0..4 {
        assert_eq!(attempt(&lie, &witness, hooks(), "nothing"), Err(Stage::Argument));
    }
    assert!((0..8).any(|_| attempt(&lie, &witness, hooks(), "absorb:slack").is_ok()));
}

// -- products ------------------------------------------------------------------------------------------------------------

/// A false root: what the first layer lies off is what the look-up lies off.
struct TwoErrors;

impl Dishonest<Pallas> for TwoErrors {
    fn message(&mut self, label: Label, _: &Transcript, v: &mut Vec<F>) {
        if label.0 == "gkr/roots" {
            let (px, qx, pt, qt) = (v[0], v[1], v[2], v[3]);
            v[0] = px - (px * qt - pt * qx) / (qt - F::one());
        }
    }
}

#[test]
fn delta_separates_the_products() {
    let (lie, witness) = out_of_range(8);
    earns("challenge:products/delta", &lie, &witness, || {
        Some(Box::new(TwoErrors))
    });
}

/// A norm five above its bound, the slack zero. Follows what the products' claim then lies off.
#[derive(Default)]
struct Gap {
    /// The norm's number among the products.
    number: u64,
    rho: Vec<F>,
    delta: F,
    sigma: Vec<F>,
}

impl Gap {
    fn message(&mut self, label: Label, v: &mut [F]) {
        if label.0 == "slack" {
            v.fill(F::zero());
            self.number = v.len() as u64 + 5;
        }
    }

    fn challenge(&mut self, label: Label, value: F) {
        match label {
            Label("gkr/rho", 4, _) => self.rho.push(value),
            Label("products/delta", ..) => self.delta = value,
            Label("products/sigma", ..) => self.sigma.push(value),
            _ => {}
        }
    }

    /// The true sum of the products, less the claimed one, after the rounds so far.
    fn now(&self) -> F {
        let rounds: F = self.rho.iter().chain(&self.sigma).product();
        self.delta.pow([self.number]) * F::from(5u64) * rounds
    }
}

struct ProductsAfterSigma(Knows, Gap);

impl Dishonest<Pallas> for ProductsAfterSigma {
    fn message(&mut self, label: Label, transcript: &Transcript, v: &mut Vec<F>) {
        self.1.message(label, v);
        if label == Label("products/round", 0, 0) {
            let sigma = self.0.short(transcript, Label("products/sigma", 0, 0));
            v[0] += sigma * self.1.now() / (F::one() - sigma.double());
        }
    }

    fn challenge(&mut self, label: Label, value: F) {
        self.1.challenge(label, value);
    }
}

#[test]
fn products_are_absorbed_before_sigma() {
    let (lie, witness) = long();
    earns("absorb:products/round", &lie, &witness, || {
        Some(Box::new(ProductsAfterSigma(Knows::Ahead, Gap::default())))
    });
    earns("challenge:products/sigma", &lie, &witness, || {
        Some(Box::new(ProductsAfterSigma(Knows::One, Gap::default())))
    });
}

struct MasksAfterE(Knows, Gap);

impl Dishonest<Pallas> for MasksAfterE {
    fn message(&mut self, label: Label, transcript: &Transcript, v: &mut Vec<F>) {
        self.1.message(label, v);
        if label.0 == "product/masks" {
            v[3] += self.0.short(transcript, "product/e".into()) * self.1.now();
        }
    }

    fn challenge(&mut self, label: Label, value: F) {
        self.1.challenge(label, value);
    }
}

#[test]
fn masks_are_absorbed_before_e() {
    let (lie, witness) = long();
    earns("absorb:product/masks", &lie, &witness, || {
        Some(Box::new(MasksAfterE(Knows::Ahead, Gap::default())))
    });
    earns("challenge:product/e", &lie, &witness, || {
        Some(Box::new(MasksAfterE(Knows::One, Gap::default())))
    });
}

/// Where the prover of the masked factors has η from.
enum Eta {
    /// u is absorbed, v is not.
    Ahead,
    One,
    /// η is e.
    E,
}

struct FactorsForEta(Eta);

impl Dishonest<Pallas> for FactorsForEta {
    fn masked(&mut self, transcript: &Transcript, e: F, gap: F, uv: &mut [F; 2]) {
        let eta: F = match self.0 {
            Eta::Ahead => {
                let mut ahead = transcript.clone();
                ahead.absorb("product/u", &fedproof_core::group::encode_field(uv[0]));
                ahead.full("combine/eta")
            }
            Eta::One => F::one(),
            Eta::E => e,
        };
        uv[1] += eta * e * e * gap / (F::one() + eta * uv[0]);
    }
}

#[test]
fn eta_is_new_and_follows_the_factors() {
    let (lie, witness) = long();
    earns("absorb:product/v", &lie, &witness, || {
        Some(Box::new(FactorsForEta(Eta::Ahead)))
    });
    earns("challenge:combine/eta", &lie, &witness, || {
        Some(Box::new(FactorsForEta(Eta::One)))
    });
    earns("reuse:combine/eta", &lie, &witness, || {
        Some(Box::new(FactorsForEta(Eta::E)))
    });
}

// -- the inner product ---------------------------------------------------------------------------------------------------

/// The linear statement is false; a cross term of the first merge, or of the first round, pays for it.
struct CrossAfterE {
    challenge: &'static str,
    terms: [&'static str; 2],
    /// Which of the two pays.
    pays: usize,
    knows: Knows,
}

impl Dishonest<Pallas> for CrossAfterE {
    fn cross(&mut self, challenge: Label, transcript: &Transcript, encoded: [&[u8]; 2], error: F) -> [F; 2] {
        let mut shifts = [F::zero(); 2];
        if challenge == Label(self.challenge, 0, 0) {
            let mut ahead = transcript.clone();
            for (term, bytes) in self.terms.into_iter().zip(encoded) {
                ahead.absorb(term, bytes);
            }
            let e = self.knows.short(&ahead, challenge);
            shifts[self.pays] = if self.pays == 0 { -e * error } else { -error / e };
        }
        shifts
    }
}

#[test]
fn cross_terms_are_absorbed_before_their_challenge() {
    let (lie, witness) = long();
    let hooks = |challenge, terms, pays, knows| -> Option<common::lies::Hooks> {
        Some(Box::new(CrossAfterE {
            challenge,
            terms,
            pays,
            knows,
        }))
    };
    let merge = ["merge/low", "merge/high"];
    let round = ["ipa/low", "ipa/high"];
    earns("absorb:merge/low", &lie, &witness, || {
        hooks("merge/e", merge, 0, Knows::Ahead)
    });
    earns("absorb:merge/high", &lie, &witness, || {
        hooks("merge/e", merge, 1, Knows::Ahead)
    });
    earns("challenge:merge/e", &lie, &witness, || {
        hooks("merge/e", merge, 0, Knows::One)
    });
    earns("absorb:ipa/low", &lie, &witness, || {
        hooks("ipa/e", round, 0, Knows::Ahead)
    });
    earns("absorb:ipa/high", &lie, &witness, || {
        hooks("ipa/e", round, 1, Knows::Ahead)
    });
}

/// What the simulator does, without programming anything.
struct NonceAfterE(Knows);

impl Dishonest<Pallas> for NonceAfterE {
    fn last_challenge(&mut self, transcript: &Transcript) -> Option<F> {
        Some(self.0.short(transcript, "schnorr/e".into()))
    }
}

#[test]
fn the_nonce_is_absorbed_before_its_challenge() {
    let (lie, witness) = long();
    earns("absorb:schnorr/nonce", &lie, &witness, || {
        Some(Box::new(NonceAfterE(Knows::Ahead)))
    });
    earns("challenge:schnorr/e", &lie, &witness, || {
        Some(Box::new(NonceAfterE(Knows::One)))
    });
}

// -- statements ----------------------------------------------------------------------------------------------------------

/// The first row of an update within its bounds gets components β·G_8 − G_9, which the tails' weights β, β² do not see.
#[derive(Clone, Default)]
struct TailsAfterBeta(Arc<Mutex<F>>);

impl Dishonest<Pallas> for TailsAfterBeta {
    fn challenge(&mut self, label: Label, value: F) {
        if label.0 == "combine/beta" {
            *self.0.lock().expect("one thread") = value;
        }
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<F>> {
        if drawn.0 != "combine/beta" {
            return vec![];
        }
        let beta = *self.0.lock().expect("one thread");
        [(8, beta), (9, -F::one())]
            .map(|(column, delta)| Late::Row {
                matrix: 0,
                row: 0,
                column,
                delta,
            })
            .into()
    }
}

#[test]
fn rows_are_absorbed_before_beta() {
    let attack = |dropped| {
        without(dropped, || {
            let (mut lie, witness) = wrong(numbers(32, 7, 9), 1 << 20, 0);
            let hooks = TailsAfterBeta::default();
            let role = fedproof_core::recorder::Role::dishonest(Box::new(hooks.clone()));
            let Ok(fedproof_core::recorder::closing::Outcome::Proof(proof)) = lie.run(role, Some(&witness))
            else {
                panic!("a prover gives a proof");
            };
            let beta = *hooks.0.lock().expect("one thread");
            let foreign = row_generator::<Pallas>(8) * beta - row_generator::<Pallas>(9);
            lie.points[0] = to_affine::<Pallas>(&[foreign + lie.points[0]])[0];
            lie.verify(&proof.to_bytes()).map_err(|e| e.stage)
        })
    };
    assert_eq!(attack("nothing"), Err(Stage::Argument));
    assert_eq!(attack("absorb:x"), Ok(()));
}

/// The same sum from other terms: a proof for one list of who added what is none for another.
#[test]
fn terms_are_absorbed() {
    let shape = Shape { d: 22, columns: 8 };
    let (first, a) = commit::<Pallas>(numbers(22, 100, 1), 8);
    let (second, b) = commit::<Pallas>(numbers(22, 100, 2), 8);
    let total = |parts: [(u64, &fedproof_core::relation::Witness<Pallas>); 2]| {
        let sum = |pick: &dyn Fn(&Rows<F>) -> i64| -> i64 {
            parts
                .iter()
                .map(|(w, part)| i64::try_from(*w).expect("small") * pick(part))
                .sum()
        };
        let blinds = (0..3)
            .map(|r| parts.iter().map(|(w, part)| F::from(*w) * part.blinds[r]).sum())
            .collect();
        Arc::new(Rows {
            values: (0..22).map(|j| sum(&|part| part.values[j])).collect(),
            columns: 8,
            blinds,
            bits: 64,
        })
    };
    let make = |weights: [u64; 2], points: [&Vec<_>; 2]| {
        let context = Context {
            client: "aggregator".into(),
            weight: weights.iter().sum(),
            ..context()
        };
        HonestAggregate::<Pallas>::new(
            context,
            shape,
            weights.to_vec(),
            points.map(Clone::clone).to_vec(),
        )
    };
    let cases = [
        // two clients with one update, the weights exchanged
        (
            "absorb:term",
            make([2, 3], [&first, &first]),
            make([3, 2], [&first, &first]),
            total([(2, &a), (3, &a)]),
        ),
        // two clients of one weight, the updates exchanged
        (
            "absorb:term/rows",
            make([2, 2], [&first, &second]),
            make([2, 2], [&second, &first]),
            total([(2, &a), (2, &b)]),
        ),
    ];
    for (dropped, original, other, witness) in cases {
        let shown = || {
            let proof = original.prove(&witness).expect("an honest prover").to_bytes();
            original.verify(&proof).expect("an honest proof");
            other.verify(&proof).map_err(|e| e.stage)
        };
        assert_eq!(shown(), Err(Stage::Argument), "{dropped}");
        assert_eq!(without(dropped, shown), Ok(()), "{dropped}");
    }
}

// -- nothing left out ----------------------------------------------------------------------------------------------------

/// Values whose absence from the transcript an attack above, or in `dishonest.rs`, uses.
const ATTACKED: [&str; 20] = [
    "announcement",
    "client",
    "weight",
    "certificate",
    "x",
    "limb",
    "m",
    "slack",
    "gkr/roots",
    "gkr/round",
    "gkr/ends",
    "products/round",
    "product/masks",
    "product/u",
    "product/v",
    "merge/low",
    "merge/high",
    "ipa/low",
    "ipa/high",
    "schnorr/nonce",
];

/// Absorbed without an attack that needs it: a verifier holds these before it sees a proof, and its equation contains what they
/// fix. They keep a proof from being one for two statements at once. Nothing is drawn after the last answer.
const NOT_ATTACKED: [&str; 7] = [
    "suite",
    "version",
    "relation",
    "generators",
    "shape",
    "bounds",
    "schnorr/answer",
];

/// Challenges that an attack uses where they are known.
const FORESEEN: [&str; 15] = [
    "alpha",
    "padding",
    "gkr/lambda",
    "gkr/rho",
    "gkr/xi",
    "products/delta",
    "products/sigma",
    "product/e",
    "combine/eta",
    "combine/tau",
    "combine/beta",
    "merge/e",
    "ipa/chi",
    "schnorr/e",
    "ipa/e", // by way of `ipa/low` and `ipa/high`
];

/// It is the attacks that pass: without a value in the transcript, honest code proves lies no better.
#[test]
fn absence_alone_proves_nothing() {
    for (lie, witness) in [long(), out_of_range(8)] {
        for name in ATTACKED.into_iter().chain(NOT_ATTACKED) {
            let dropped: &'static str = Box::leak(format!("absorb:{name}").into_boxed_str());
            assert_eq!(
                attempt(&lie, &witness, None, dropped),
                Err(Stage::Argument),
                "{dropped}"
            );
        }
    }
}

#[test]
fn every_label_has_an_attack_or_a_reason() {
    use fedproof_core::recorder::closing::close_and_keep;
    use fedproof_core::recorder::{Recorder, Role};
    use fedproof_core::transcript::Event;
    use std::collections::BTreeSet;

    let (truth, _) = bounded::<Pallas>(&Case {
        limb: 3,
        ..Case::default()
    });
    let mut rec = Recorder::new(Role::counter());
    truth.record(&mut rec, None).expect("a counter needs no witness");
    let (_, transcript) = close_and_keep(rec).expect("a counter closes");
    let (mut absorbed, mut drawn) = (BTreeSet::new(), BTreeSet::new());
    for event in transcript.log() {
        match event {
            Event::Absorb(label) => absorbed.insert(label.0),
            Event::Challenge(label) => drawn.insert(label.0),
        };
    }
    assert_eq!(absorbed, ATTACKED.into_iter().chain(NOT_ATTACKED).collect());
    assert_eq!(drawn, FORESEEN.into_iter().collect());
}
