//! Dishonest provers. Every check and every rule of order earns its place: a lie is refused with it and accepted without it.
//!
//! Needs the feature `drop-checks`, which no wheel has.
#![cfg(feature = "drop-checks")]

mod common;

use ark_ff::{Field, One, Zero};
use common::lies::{F, attempt, earns, honest, long, out_of_range, wrong};
use common::{Case, bounded, commit, context, numbers, statement};
use fedproof_core::checks::without;
use fedproof_core::error::Stage;
use fedproof_core::generators::named_generator;
use fedproof_core::group::{Pallas, scalar_from_i64, to_affine};
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::Rows;
use fedproof_core::recorder::dishonest::Dishonest;
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::{Relation, Shape};
use fedproof_core::transcript::{Label, Short, Transcript, cube_root};

// -- false statements, honest code -----------------------------------------------------------------------------------

#[test]
fn values_out_of_range() {
    for value in [8, -8, 100, 1 << 40, i64::MIN, i64::MAX] {
        for limb in [0, 2, 3, 5, 7] {
            let mut x = numbers(31, 7, 2);
            x.push(value);
            let (lie, witness) = wrong(x, 1 << 119, limb);
            assert_eq!(
                attempt(&lie, &witness, None, "nothing"),
                Err(Stage::Argument),
                "{value} with limb {limb}"
            );
        }
    }
    for limb in [0, 2, 3, 5, 7] {
        let (truth, witness) = wrong([vec![7, -7], numbers(30, 7, 2)].concat(), 1 << 20, limb);
        assert_eq!(attempt(&truth, &witness, None, "nothing"), Ok(()));
    }
}

#[test]
fn norm_at_and_above_its_bound() {
    let x = numbers(32, 7, 3);
    let norm: u128 = x.iter().map(|v| u128::from(v.unsigned_abs()).pow(2)).sum();
    let (truth, witness) = wrong(x.clone(), norm, 0);
    assert_eq!(attempt(&truth, &witness, None, "nothing"), Ok(()));
    let (lie, witness) = wrong(x, norm - 1, 0);
    assert_eq!(attempt(&lie, &witness, None, "nothing"), Err(Stage::Argument));
}

#[test]
fn rows_in_another_order() {
    let (mut lie, witness) = wrong(numbers(32, 7, 4), 1 << 20, 0);
    lie.points.rotate_left(2);
    assert_eq!(attempt(&lie, &witness, None, "nothing"), Err(Stage::Argument));
}

#[test]
fn a_checked_prover_does_not_prove_lies() {
    for (lie, witness) in [out_of_range(8), long()] {
        assert_eq!(
            lie.prove(&witness).map(|_| ()).map_err(|e| e.stage),
            Err(Stage::Witness)
        );
    }
}

/// Adds one to a single committed value, everything else honest.
struct Tampers(Label, usize);

impl Dishonest<Pallas> for Tampers {
    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<F>) {
        if label == self.0 {
            values[self.1] += F::one();
        }
    }
}

/// Collects the labels and sizes of all messages.
#[derive(Clone, Default)]
struct Lists(std::sync::Arc<std::sync::Mutex<Vec<(Label, usize)>>>);

impl Dishonest<Pallas> for Lists {
    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<F>) {
        self.0.lock().expect("one thread").push((label, values.len()));
    }
}

#[test]
fn every_committed_scalar_matters() {
    let (truth, witness) = wrong(numbers(16, 7, 5), 1000, 3);
    let lists = Lists::default();
    assert_eq!(
        attempt(&truth, &witness, Some(Box::new(lists.clone())), "nothing"),
        Ok(())
    );
    let messages = lists.0.lock().expect("one thread").clone();
    assert!(messages.len() > 15);
    for (label, size) in messages {
        for slot in 0..size {
            assert_eq!(
                attempt(&truth, &witness, Some(Box::new(Tampers(label, slot))), "nothing"),
                Err(Stage::Argument),
                "{label:?} {slot}"
            );
        }
    }
}

// -- constraints --------------------------------------------------------------------------------------------------------

#[test]
fn look_up() {
    let (lie, witness) = out_of_range(8);
    earns("look-up", &lie, &witness, honest);
}

/// Claims roots for which the look-up holds; the layers below do not lead to them.
struct LiesAboutRoots;

impl Dishonest<Pallas> for LiesAboutRoots {
    fn message(&mut self, label: Label, _: &Transcript, v: &mut Vec<F>) {
        if label.0 == "gkr/roots" {
            v[0] = v[2] * v[1] / v[3];
        }
    }
}

#[test]
fn gkr_layer() {
    let (lie, witness) = out_of_range(8);
    earns("gkr layer", &lie, &witness, || Some(Box::new(LiesAboutRoots)));
}

#[test]
fn norm() {
    let (lie, witness) = long();
    earns("norm", &lie, &witness, honest);
}

/// The first "bit" of the slack is all of it, a negative number.
struct OneBigBit(F);

impl Dishonest<Pallas> for OneBigBit {
    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<F>) {
        if label.0 == "slack" {
            values.fill(F::zero());
            values[0] = self.0;
        }
    }
}

#[test]
fn slack_bit() {
    let (lie, witness) = long();
    earns("slack bit", &lie, &witness, || {
        Some(Box::new(OneBigBit(-F::from(5u64))))
    });
}

#[test]
fn padding() {
    let x = [numbers(21, 7, 6), vec![0, 3]].concat();
    let (lie, witness) = bounded::<Pallas>(&Case {
        claimed_d: Some(21),
        x: Some(x),
        max_norm_squared: Some(1 << 20),
        ..Case::default()
    });
    earns("padding", &lie, &witness, honest);
}

/// Looks up other numbers than were committed to.
struct LooksUp(Vec<i64>);

impl Dishonest<Pallas> for LooksUp {
    fn looked_up(&mut self, x: &mut Vec<i64>) {
        x.clone_from(&self.0);
    }
}

#[test]
fn x_opening() {
    // 8² = 4·4²: what is looked up is within range and has the same norm.
    let start = numbers(28, 7, 7);
    let (lie, witness) = wrong([start.clone(), vec![0, 0, 0, 8]].concat(), 1 << 20, 0);
    let inside = [start, vec![4; 4]].concat();
    earns("x opening", &lie, &witness, || {
        Some(Box::new(LooksUp(inside.clone())))
    });
}

/// Looks up numbers within range, and then chooses the ends at the leaves so that lo + m·hi is the committed x, which is not.
struct SwapsLimbs {
    inside: Vec<i64>,
    x: Vec<i64>,
    m: i64,
    depth: u32,
    alpha: F,
    lambda: F,
    rho: Vec<F>,
}

impl Dishonest<Pallas> for SwapsLimbs {
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
            _ => {}
        }
    }

    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<F>) {
        if label != Label("gkr/ends", self.depth - 1, 0) {
            return;
        }
        let eq = eq_table(&self.rho);
        let at = |bit: usize| -> F {
            eq.iter()
                .enumerate()
                .map(|(v, e)| *e * scalar_from_i64::<F>(self.x.get(2 * v + bit).copied().unwrap_or(0)))
                .sum()
        };
        let (x0, x1, m) = (at(0), at(1), F::from(self.m as u64));
        let (alpha, lambda) = (self.alpha, self.lambda);
        let half = |v0: F, v1: F| (alpha - v1) * (F::one() + lambda * (alpha - v0)) + (alpha - v0);
        let layer = |lo0, lo1, hi0, hi1| half(lo0, lo1) + lambda.square() * half(hi0, hi1);
        let target = layer(values[0], values[1], values[2], values[3]);
        let hi0 = values[2];
        let with = |h: F| layer(x0 - m * hi0, x1 - m * h, hi0, h);
        let (at0, at1) = (with(F::zero()), with(F::one()));
        let hi1 = (target - at0) / (at1 - at0);
        values[..4].copy_from_slice(&[x0 - m * hi0, x1 - m * hi1, hi0, hi1]);
    }
}

#[test]
fn limb_opening() {
    let mut x = numbers(64, 100, 8);
    let inside = x.clone();
    x[5] = 101;
    let case = Case {
        d: 64,
        max_abs: 100,
        limb: 16,
        x: Some(x.clone()),
        max_norm_squared: Some(1 << 30),
        ..Case::default()
    };
    let (lie, witness) = bounded::<Pallas>(&case);
    earns("limb opening", &lie, &witness, || {
        Some(Box::new(SwapsLimbs {
            inside: inside.clone(),
            x: x.clone(),
            m: 16,
            depth: 6,
            alpha: F::zero(),
            lambda: F::zero(),
            rho: Vec::new(),
        }))
    });
}

/// After α, other numerators for the table, field elements that give the right sum.
struct LateMultiplicities(Vec<i64>);

impl Dishonest<Pallas> for LateMultiplicities {
    fn multiplicities(&mut self, alpha: F, counts: &mut Vec<F>) {
        let sum: F = self
            .0
            .iter()
            .map(|v| (alpha - scalar_from_i64::<F>(*v)).inverse().expect("not a value"))
            .sum();
        counts.fill(F::zero());
        counts[0] = sum * (alpha + F::from(7u64)); // table entry 0 is −7
    }
}

#[test]
fn multiplicity_opening() {
    let (lie, witness) = out_of_range(99);
    let x = witness.values.clone();
    earns("multiplicity opening", &lie, &witness, || {
        Some(Box::new(LateMultiplicities(x.clone())))
    });
}

/// Solves one of the masked factors so that the last of the three constraints holds.
struct SolvesFactor(usize);

impl Dishonest<Pallas> for SolvesFactor {
    fn masked(&mut self, _: &Transcript, e: F, gap: F, uv: &mut [F; 2]) {
        let other = uv[1 - self.0];
        uv[self.0] += e * e * gap / other;
    }
}

#[test]
fn product_u() {
    let (lie, witness) = long();
    earns("product u", &lie, &witness, || Some(Box::new(SolvesFactor(0))));
}

#[test]
fn product_v() {
    let (lie, witness) = long();
    earns("product v", &lie, &witness, || Some(Box::new(SolvesFactor(1))));
}

#[test]
fn product_uv() {
    let (lie, witness) = long();
    earns("product uv", &lie, &witness, honest);
}

#[test]
fn rows() {
    let (mut lie, witness) = statement::<Pallas>(6, 4);
    lie.points[0] = to_affine::<Pallas>(&[lie.points[0] + named_generator::<Pallas>("J")])[0];
    earns("rows", &lie, &witness, honest);
}

// -- rules of order ---------------------------------------------------------------------------------------------------------

/// The slack is claimed to be zero; the products' first message carries, in the slot of an earlier round, what mends the norm.
struct Rewrites;

impl Dishonest<Pallas> for Rewrites {
    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<F>) {
        if label.0 == "slack" {
            values.fill(F::zero());
        }
    }

    fn rewrites(&self) -> Option<(Label, usize)> {
        Some((Label("gkr/round", 4, 0), 2)) // the norm's first coefficient in the leaf layer
    }
}

#[test]
fn powers_of_tau_separate_the_messages() {
    let (lie, witness) = long();
    earns("challenge:combine/tau", &lie, &witness, || {
        Some(Box::new(Rewrites))
    });
}

struct Smuggles;

impl Dishonest<Pallas> for Smuggles {
    fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<F>) {
        if label.0 == "slack" {
            values.fill(F::zero());
        }
    }

    fn smuggles(&self) -> bool {
        true
    }
}

#[test]
fn chi_comes_after_the_merges() {
    let (lie, witness) = long();
    earns("challenge:ipa/chi", &lie, &witness, || Some(Box::new(Smuggles)));
}

/// Knows a component of the first row on the generator after its columns.
struct Foreign;

impl Dishonest<Pallas> for Foreign {
    fn foreign(&self) -> Option<F> {
        Some(F::from(5u64))
    }
}

#[test]
fn rows_have_weights_beyond_their_length() {
    let (mut lie, witness) = wrong(numbers(32, 7, 9), 1 << 20, 0);
    let foreign = fedproof_core::generators::row_generator::<Pallas>(8);
    lie.points[0] = to_affine::<Pallas>(&[lie.points[0] + foreign * F::from(5u64)])[0];
    earns("challenge:combine/beta", &lie, &witness, || {
        Some(Box::new(Foreign))
    });
}

#[test]
fn the_paddings_challenge_follows_the_rows() {
    let x = [numbers(21, 7, 6), vec![5, -5]].concat(); // sums to zero against powers of one
    let (lie, witness) = bounded::<Pallas>(&Case {
        claimed_d: Some(21),
        x: Some(x),
        max_norm_squared: Some(1 << 20),
        ..Case::default()
    });
    earns("challenge:padding", &lie, &witness, honest);
}

#[test]
fn the_rows_challenge_follows_the_rows() {
    let (mut lie, witness) = statement::<Pallas>(8, 4);
    let unknown = named_generator::<Pallas>("J");
    lie.points[0] = to_affine::<Pallas>(&[lie.points[0] + unknown])[0];
    lie.points[1] = to_affine::<Pallas>(&[lie.points[1] + (-unknown)])[0];
    earns("challenge:rows", &lie, &witness, honest);
}

/// A value out of range. Lies about the root, then solves the first layer's ends with ξ in hand.
struct EndsAfterXi {
    root: [F; 2],
}

impl Dishonest<Pallas> for EndsAfterXi {
    fn message(&mut self, label: Label, transcript: &Transcript, v: &mut Vec<F>) {
        if label.0 == "gkr/roots" {
            v[0] = v[2] * v[1] / v[3];
            self.root = [v[0], v[1]];
        }
        if label == Label("gkr/ends", 0, 0) {
            let xi: F = transcript
                .clone()
                .short(Label("gkr/xi", 0, 0))
                .scalar(cube_root());
            let (p0, p1, q0, q1) = (v[0], v[1], v[2], v[3]);
            // (1−ξ)·a + ξ·b stays true, and q1·a + q0·b becomes the false root.
            let p = p0 + xi * (p1 - p0);
            let det = (F::one() - xi) * q0 - xi * q1;
            v[0] = (p * q0 - xi * self.root[0]) / det;
            v[1] = ((F::one() - xi) * self.root[0] - p * q1) / det;
        }
    }
}

#[test]
fn ends_are_absorbed_before_xi() {
    let (lie, witness) = out_of_range(8);
    earns("absorb:gkr/ends", &lie, &witness, || {
        Some(Box::new(EndsAfterXi { root: [F::zero(); 2] }))
    });
}

/// Solves u for η, the challenge that joins the linear constraints.
struct KnowsEta;

impl Dishonest<Pallas> for KnowsEta {
    fn masked(&mut self, transcript: &Transcript, e: F, gap: F, uv: &mut [F; 2]) {
        let mut ahead = transcript.clone();
        ahead.absorb("product/v", &fedproof_core::group::encode_field(uv[1]));
        let eta: F = ahead.full("combine/eta");
        uv[0] += eta.square() * e * e * gap / (F::one() + eta.square() * uv[1]);
    }
}

#[test]
fn masked_factors_are_absorbed_before_eta() {
    let (lie, witness) = long();
    earns("absorb:product/u", &lie, &witness, || Some(Box::new(KnowsEta)));
}

#[test]
fn roots_that_are_all_zero() {
    struct Zero;
    impl Dishonest<Pallas> for Zero {
        fn message(&mut self, label: Label, _: &Transcript, values: &mut Vec<F>) {
            if label.0 == "gkr/roots" {
                values.fill(F::zero());
            }
        }
    }
    let (lie, witness) = out_of_range(8);
    assert_eq!(
        attempt(&lie, &witness, Some(Box::new(Zero)), "nothing"),
        Err(Stage::Argument)
    );
}

/// A proof for another place passes exactly if what names the place is not absorbed.
#[test]
fn every_part_of_the_context_is_absorbed() {
    let (points, witness) = commit::<Pallas>(numbers(21, 7, 1), 8);
    let at = |context| PlainOpening::<Pallas> {
        context,
        shape: Shape { d: 21, columns: 8 },
        points: points.clone(),
    };
    let original = at(context());
    let changes: [(&'static str, Box<dyn Fn(&mut fedproof_core::relation::Context)>); 4] = [
        ("absorb:announcement", Box::new(|c| c.announcement[31] ^= 1)),
        ("absorb:client", Box::new(|c| c.client.push('2'))),
        ("absorb:weight", Box::new(|c| c.weight += 1)),
        ("absorb:certificate", Box::new(|c| c.certificate = Some([0; 32]))),
    ];
    for (dropped, change) in changes {
        let mut moved = context();
        change(&mut moved);
        let moved = at(moved);
        let proof = original.prove(&witness).expect("an honest prover").to_bytes();
        assert_eq!(
            moved.verify(&proof).map_err(|e| e.stage),
            Err(Stage::Argument),
            "{dropped}"
        );
        without(dropped, || {
            let proof = original.prove(&witness).expect("an honest prover").to_bytes();
            moved.verify(&proof).expect(dropped);
        });
    }
}

/// Rows chosen after γ: without absorbing them, an unknown component cancels.
#[test]
fn rows_are_absorbed_before_gamma() {
    struct Sees(std::sync::Arc<std::sync::Mutex<Vec<F>>>);
    impl Dishonest<Pallas> for Sees {
        fn challenge(&mut self, label: Label, value: F) {
            if label.0 == "rows" {
                self.0.lock().expect("one thread").push(value);
            }
        }
    }
    let (truth, witness) = statement::<Pallas>(8, 4);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    assert_eq!(
        attempt(&truth, &witness, Some(Box::new(Sees(seen.clone()))), "absorb:x"),
        Ok(())
    );
    let gamma = seen.lock().expect("one thread")[0];
    let unknown = named_generator::<Pallas>("J");
    let mut lie = PlainOpening::<Pallas> {
        context: context(),
        shape: truth.shape,
        points: truth.points.clone(),
    };
    lie.points[0] = to_affine::<Pallas>(&[lie.points[0] + unknown * gamma])[0];
    lie.points[1] = to_affine::<Pallas>(&[lie.points[1] + (-unknown)])[0];
    earns("absorb:x", &lie, &witness, honest);
}

#[test]
fn wrong_blinds_and_wrong_shapes_of_witnesses() {
    let (truth, witness) = statement::<Pallas>(8, 4);
    let other = std::sync::Arc::new(Rows {
        values: witness.values.clone(),
        columns: 4,
        blinds: witness.blinds.iter().map(|b| *b + F::one()).collect(),
        bits: 64,
    });
    assert_eq!(attempt(&truth, &other, None, "nothing"), Err(Stage::Argument));
    assert_eq!(
        truth.prove(&other).map(|_| ()).map_err(|e| e.stage),
        Err(Stage::Witness)
    );
    assert_eq!(Short::from_bytes([0; 16]).scalar::<F>(cube_root()), F::zero());
}
