//! A running sum of affine points, in Jacobian coordinates, without branches and special cases: equal or opposite operands give a
//! wrong sum. Whoever adds must know that they cannot meet.

use crate::group::{Point, Suite};
use crate::wide::{Accumulate, two_products};

/// x = X/Z², y = Y/Z³ on y² = x³ + b.
#[derive(Clone, Copy)]
pub(crate) struct Jacobian<F> {
    x: F,
    y: F,
    z: F,
}

impl<F: Accumulate> Jacobian<F> {
    pub(crate) fn new((x, y): (F, F)) -> Self {
        Self { x, y, z: F::ONE }
    }

    /// Explicit-Formulas Database, dbl-2009-l: seven multiplications. There are no points of order two.
    pub(crate) fn double(&mut self) {
        let a = self.x.square();
        let b = self.y.square();
        let c = b.square();
        let d = ((self.x + b).square() - a - c).double();
        let e = a.double() + a;
        self.z = (self.y * self.z).double();
        self.x = e.square() - d.double();
        self.y = e * (d - self.x) - c.double().double().double();
    }

    /// Explicit-Formulas Database, madd-2007-bl: eleven multiplications.
    pub(crate) fn add(&mut self, (x, y): (F, F)) {
        let zz = self.z.square();
        let h = x * zz - self.x;
        let rise = (y * (self.z * zz) - self.y).double();
        let hh = h.square();
        let i = hh.double().double();
        let j = h * i;
        let v = self.x * i;
        let next = rise.square() - j - v.double();
        self.y = two_products(&rise, &(v - next), &-self.y.double(), &j);
        self.z = (self.z + h).square() - zz - hh;
        self.x = next;
    }

    pub(crate) fn point<S: Suite<Base = F>>(self) -> Point<S> {
        Point::<S>::new_unchecked(self.x, self.y, self.z)
    }
}

/// The sum of entries that do not meet; nothing for none.
pub(crate) fn sum<S: Suite>(mut entries: impl Iterator<Item = (S::Base, S::Base)>) -> Point<S> {
    let Some(first) = entries.next() else {
        return Point::<S>::default();
    };
    let mut sum = Jacobian::new(first);
    entries.for_each(|entry| sum.add(entry));
    sum.point::<S>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generators::row_generator;
    use crate::group::{Affine, Bn254, Pallas};

    fn agrees<S: Suite>() {
        let points: Vec<Affine<S>> = (0..6).map(row_generator::<S>).collect();
        let mut fast = Jacobian::new((points[0].x, points[0].y));
        let mut plain = Point::<S>::from(points[0]);
        for point in &points[1..] {
            fast.double();
            fast.add((point.x, point.y));
            plain = plain + plain + point;
            assert_eq!(fast.point::<S>(), plain);
        }
        let all = points.iter().map(|p| (p.x, p.y));
        assert_eq!(
            sum::<S>(all),
            points.iter().map(|p| Point::<S>::from(*p)).sum::<Point<S>>()
        );
        assert_eq!(sum::<S>(std::iter::empty()), Point::<S>::default());
    }

    #[test]
    fn sums_agree_with_complete_ones() {
        agrees::<Pallas>();
        agrees::<Bn254>();
    }
}
