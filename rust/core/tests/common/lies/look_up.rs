//! Provers of values out of range.

use ark_ff::{Field, One, Zero};
use fedproof_core::group::{Suite, scalar_from_i64};
use fedproof_core::poly::eq_table;
use fedproof_core::recorder::dishonest::{Dishonest, Late};
use fedproof_core::transcript::{Label, Transcript};

use super::{Hooks, Knows, edits};

/// Claims roots for which the look-up holds; the layers below do not lead to them.
pub fn lies_about_roots<S: Suite>() -> Hooks<S> {
    edits(|label, _, v| {
        if label.0 == "gkr/roots" {
            v[0] = v[2] * v[1] / v[3];
        }
    })
}

/// A false root: what the first layer lies off is what the look-up lies off.
pub fn two_errors<S: Suite>() -> Hooks<S> {
    edits::<S>(|label, _, v| {
        if label.0 == "gkr/roots" {
            let (px, qx, pt, qt) = (v[0], v[1], v[2], v[3]);
            v[0] = px - (px * qt - pt * qx) / (qt - S::Scalar::one());
        }
    })
}

/// With `digits` look-ups, the root of the first one's values (or of its table, the deeper of the two) is another (P, Q), with
/// the same P + λQ, for which the look-up holds.
pub fn roots_after_lambda<S: Suite>(knows: Knows, digits: usize, table: bool) -> Hooks<S> {
    edits::<S>(move |label, transcript, v| {
        if label.0 == "gkr/roots" {
            let lambda = knows.short::<S>(transcript, Label("gkr/lambda", 0, 0));
            let (mine, other) = if table { (2 * digits, 0) } else { (0, 2 * digits) };
            let ratio = v[other] / v[other + 1];
            let q = (v[mine] + lambda * v[mine + 1]) / (ratio + lambda);
            (v[mine], v[mine + 1]) = (q * ratio, q);
        }
    })
}

/// Lies about the root, then solves the first layer's ends with ξ in hand.
pub fn ends_after_xi<S: Suite>(knows: Knows) -> Hooks<S> {
    let mut root = S::Scalar::zero();
    edits::<S>(move |label, transcript, v| {
        if label.0 == "gkr/roots" {
            v[0] = v[2] * v[1] / v[3];
            root = v[0];
        }
        if label == Label("gkr/ends", 0, 0) {
            let xi = knows.short::<S>(transcript, Label("gkr/xi", 0, 0));
            let (p0, p1, q0, q1) = (v[0], v[1], v[2], v[3]);
            // (1−ξ)·a + ξ·b stays true, and q1·a + q0·b becomes the false root.
            let (p, rest) = (p0 + xi * (p1 - p0), S::Scalar::one() - xi);
            let det = rest * q0 - xi * q1;
            v[0] = (p * q0 - xi * root) / det;
            v[1] = (rest * root - p * q1) / det;
        }
    })
}

/// Looks up other numbers than were committed to.
struct LooksUp(Vec<i64>);

impl<S: Suite> Dishonest<S> for LooksUp {
    fn looked_up(&mut self, _: Label, x: &mut Vec<i64>) {
        x.clone_from(&self.0);
    }
}

pub fn looks_up<S: Suite>(x: &[i64]) -> Hooks<S> {
    Some(Box::new(LooksUp(x.to_vec())))
}

/// After α, other numerators for the tables, field elements that give the right sums.
struct LateMultiplicities {
    /// Per digit: the values that are looked up, padding included, and the digit's bound.
    digits: Vec<(Vec<i64>, u64)>,
    next: usize,
}

impl<S: Suite> Dishonest<S> for LateMultiplicities {
    fn multiplicities(&mut self, alpha: S::Scalar, counts: &mut Vec<S::Scalar>) {
        let (values, bound) = &self.digits[self.next];
        self.next += 1;
        let inverse = |v: &i64| (alpha - scalar_from_i64::<S::Scalar>(*v)).inverse();
        let sum: S::Scalar = values.iter().map(|v| inverse(v).expect("not a value")).sum();
        counts.fill(S::Scalar::zero());
        counts[0] = sum * (alpha + S::Scalar::from(*bound)); // table entry 0 is −bound
    }
}

pub fn late_multiplicities<S: Suite>(digits: &[(Vec<i64>, u64)]) -> Hooks<S> {
    Some(Box::new(LateMultiplicities {
        digits: digits.to_vec(),
        next: 0,
    }))
}

/// After α, one multiplicity of the table of ±7 pays for the value 99; the commitment is changed to fit.
struct MultiplicitiesAfterAlpha<F>(F);

impl<S: Suite> Dishonest<S> for MultiplicitiesAfterAlpha<S::Scalar> {
    fn challenge(&mut self, label: Label, alpha: S::Scalar) {
        if label.0 == "alpha" {
            self.0 = (alpha + S::Scalar::from(7u64)) / (alpha - S::Scalar::from(99u64)); // table entry 0 is −7
        }
    }

    fn multiplicities(&mut self, _: S::Scalar, counts: &mut Vec<S::Scalar>) {
        counts[0] += self.0;
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<S::Scalar>> {
        let change = Late::Row {
            matrix: 1,
            row: 0,
            column: 0,
            delta: self.0,
        };
        if drawn.0 == "alpha" { vec![change] } else { vec![] }
    }
}

pub fn multiplicities_after_alpha<S: Suite>() -> Hooks<S> {
    Some(Box::new(MultiplicitiesAfterAlpha(S::Scalar::zero())))
}

/// Looks up numbers within range, and chooses the ends at the leaves so that lo + m·hi is the committed x, which is not.
struct SwapsLimbs<F> {
    inside: Vec<i64>,
    x: Vec<i64>,
    m: i64,
    depth: u32,
    /// Whether hi's commitment is then changed to open to the ends.
    late: bool,
    alpha: F,
    lambda: F,
    rho: Vec<F>,
    xi: F,
    shift: F,
}

/// For x of 2^depth values.
pub fn swaps_limbs<S: Suite>(inside: &[i64], x: &[i64], m: i64, late: bool) -> Hooks<S> {
    Some(Box::new(SwapsLimbs {
        inside: inside.to_vec(),
        x: x.to_vec(),
        m,
        depth: x.len().trailing_zeros(),
        late,
        alpha: S::Scalar::zero(),
        lambda: S::Scalar::zero(),
        rho: Vec::new(),
        xi: S::Scalar::zero(),
        shift: S::Scalar::zero(),
    }))
}

impl<S: Suite> Dishonest<S> for SwapsLimbs<S::Scalar> {
    fn looked_up(&mut self, label: Label, x: &mut Vec<i64>) {
        // Digits of W out of range are within range as they are: those of another W.
        if label.0 == "x" {
            x.clone_from(&self.inside);
        }
    }

    fn squares(&mut self, column: &mut Vec<i64>) {
        column[..self.x.len()].copy_from_slice(&self.x);
    }

    fn challenge(&mut self, label: Label, value: S::Scalar) {
        let last = self.depth - 1;
        match label {
            Label("alpha", ..) => self.alpha = value,
            Label("gkr/lambda", j, _) if j == last => self.lambda = value,
            // The last variable comes first.
            Label("gkr/rho", j, _) if j == last => self.rho.insert(0, value),
            Label("gkr/xi", j, _) if j == last => self.xi = value,
            _ => {}
        }
    }

    fn message(&mut self, label: Label, _: &Transcript, v: &mut Vec<S::Scalar>) {
        if label != Label("gkr/ends", self.depth - 1, 0) {
            return;
        }
        let (zero, one) = (S::Scalar::zero(), S::Scalar::one());
        let eq = eq_table(&self.rho);
        let at = |bit: usize| -> S::Scalar {
            let x = |i: usize| scalar_from_i64::<S::Scalar>(self.x.get(i).copied().unwrap_or(0));
            eq.iter().enumerate().map(|(i, e)| *e * x(2 * i + bit)).sum()
        };
        let (x0, x1, m) = (at(0), at(1), S::Scalar::from(self.m.unsigned_abs()));
        let (alpha, lambda) = (self.alpha, self.lambda);
        let half = |v0, v1| (alpha - v1) * (one + lambda * (alpha - v0)) + (alpha - v0);
        let layer = |lo0, lo1, hi0, hi1| half(lo0, lo1) + lambda.square() * half(hi0, hi1);
        let (target, hi0) = (layer(v[0], v[1], v[2], v[3]), v[2]);
        let with = |h: S::Scalar| layer(x0 - m * hi0, x1 - m * h, hi0, h);
        let hi1 = (target - with(zero)) / (with(one) - with(zero));
        self.shift = hi1 - v[3];
        v[..4].copy_from_slice(&[x0 - m * hi0, x1 - m * hi1, hi0, hi1]);
    }

    fn late(&mut self, drawn: Label) -> Vec<Late<S::Scalar>> {
        if !self.late || drawn != Label("gkr/xi", self.depth - 1, 0) {
            return vec![];
        }
        let one = S::Scalar::one();
        let first: S::Scalar = self.rho.iter().chain([&self.xi]).map(|p| one - p).product();
        vec![Late::Row {
            matrix: 1,
            row: 0,
            column: 0,
            delta: self.xi * self.shift / first,
        }]
    }
}

/// Whole numbers as the first table's multiplicities, committed to before α like an honest prover's.
struct WholeMultiplicities<C> {
    change: C,
    next: usize,
}

impl<S: Suite, C: Fn(&mut [i64])> Dishonest<S> for WholeMultiplicities<C> {
    fn matrix(&mut self, label: Label, values: &mut Vec<i64>) {
        if label == Label("m", 0, 0) {
            (self.change)(values);
        }
    }

    fn multiplicities(&mut self, _: S::Scalar, counts: &mut Vec<S::Scalar>) {
        if self.next == 0 {
            let mut changes = vec![0; counts.len()];
            (self.change)(&mut changes);
            for (count, change) in counts.iter_mut().zip(changes) {
                *count += scalar_from_i64::<S::Scalar>(change);
            }
        }
        self.next += 1;
    }
}

/// `change` adds to them.
pub fn whole_multiplicities<S: Suite>(change: impl Fn(&mut [i64]) + 'static) -> Hooks<S> {
    Some(Box::new(WholeMultiplicities { change, next: 0 }))
}

/// The first coordinate is off by a field element from the integers that are looked up; the statement's first row says so.
struct FieldSized<F>(F);

impl<S: Suite> Dishonest<S> for FieldSized<S::Scalar> {
    fn late(&mut self, drawn: Label) -> Vec<Late<S::Scalar>> {
        let change = Late::Row {
            matrix: 0,
            row: 0,
            column: 0,
            delta: self.0,
        };
        if drawn.0 == "alpha" { vec![change] } else { vec![] }
    }
}

pub fn field_sized<S: Suite>(delta: S::Scalar) -> Hooks<S> {
    Some(Box::new(FieldSized(delta)))
}
