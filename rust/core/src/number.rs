//! One field element or several side by side: what formulas over either are written in.

use crate::wide::{Accumulate, two_products};

/// What a formula is made of. Factors may be inputs, sums or differences of two inputs, and products of two such things; outputs may be
/// factors, products, and a factor plus a product. The bounds in [`crate::kernel`] hold for that much.
pub(crate) trait Number: Copy {
    fn sum(a: Self, b: Self) -> Self;
    fn difference(a: Self, b: Self) -> Self;
    fn product(a: Self, b: Self) -> Self;
    /// a·b + c·d.
    fn two_products(a: Self, b: Self, c: Self, d: Self) -> Self;
}

impl<F: Accumulate> Number for F {
    #[inline(always)]
    fn sum(a: Self, b: Self) -> Self {
        a + b
    }

    #[inline(always)]
    fn difference(a: Self, b: Self) -> Self {
        a - b
    }

    #[inline(always)]
    fn product(a: Self, b: Self) -> Self {
        a * b
    }

    #[inline(always)]
    fn two_products(a: Self, b: Self, c: Self, d: Self) -> Self {
        two_products(&a, &b, &c, &d)
    }
}
