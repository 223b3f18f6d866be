//! One field element or several side by side: what formulas over either are written in.

use crate::wide::{Accumulate, two_products};

/// What a formula is made of. A factor is an input, the sum or difference of two inputs, or the product of two inputs. An output is a
/// factor, a product of two factors, the sum of two such products, or a factor plus the formula's constant times a factor. The bounds
/// in [`crate::kernel`] hold for that and no more: a factor plus a product of any two factors may be too large.
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
