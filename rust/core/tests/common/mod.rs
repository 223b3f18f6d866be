//! Small statements and witnesses for the tests.

pub mod accuracy;
pub mod lattice;
pub mod lies;
pub mod masking;
pub mod optimum;
pub mod receipt;

/// Each of these functions of a module, generic over the suite, as a test on both suites.
macro_rules! on_both_suites {
    ($module:ident: $($name:ident),+ $(,)?) => {$(
        #[test]
        fn $name() {
            $module::$name::<fedproof_core::group::Pallas>();
            $module::$name::<fedproof_core::group::Bn254>();
        }
    )+};
}
pub(crate) use on_both_suites;

use std::sync::Arc;

use fedproof_core::commit::Key;
use fedproof_core::group::{Affine, Suite};
use fedproof_core::recorder::Rows;
use fedproof_core::relation::bounded_update::{BoundedUpdate, Bounds};
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::{Context, Shape, Witness};
use rand::{Rng, SeedableRng, rngs::StdRng};

pub fn context() -> Context {
    Context {
        announcement: [7; 32],
        client: "hospital-1".into(),
        weight: 3,
        certificate: None,
    }
}

pub struct Case {
    pub d: usize,
    pub columns: usize,
    pub max_abs: u64,
    pub limb: u64,
    /// B2²; the exact norm of x if not given.
    pub max_norm_squared: Option<u128>,
    pub x: Option<Vec<i64>>,
    /// What the statement says of d, if it lies.
    pub claimed_d: Option<usize>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            d: 21,
            columns: 8,
            max_abs: 7,
            limb: 0,
            max_norm_squared: None,
            x: None,
            claimed_d: None,
        }
    }
}

pub fn numbers(d: usize, bound: i64, seed: u64) -> Vec<i64> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..d).map(|_| rng.random_range(-bound..=bound)).collect()
}

pub fn square_norm(x: &[i64]) -> u128 {
    x.iter().map(|v| u128::from(v.unsigned_abs()).pow(2)).sum()
}

/// Points, and what opens them.
pub type Committed<S> = (Vec<Affine<S>>, Witness<S>);

/// Rows with random blinds.
pub fn commit<S: Suite>(x: Vec<i64>, columns: usize) -> Committed<S> {
    let mut rng = StdRng::seed_from_u64(99);
    let blinds: Vec<S::Scalar> = (0..x.len().div_ceil(columns))
        .map(|_| S::Scalar::from(rng.random::<u64>()))
        .collect();
    let points = Key::<S>::get(columns)
        .commit_rows(&x, columns, 64, &blinds)
        .expect("rows");
    (
        points,
        Arc::new(Rows {
            values: x,
            columns,
            blinds,
            bits: 64,
        }),
    )
}

pub fn bounded<S: Suite>(case: &Case) -> (BoundedUpdate<S>, Witness<S>) {
    let x = case
        .x
        .clone()
        .unwrap_or_else(|| numbers(case.d, case.max_abs as i64, 1));
    let norm = square_norm(&x).max(1);
    let (points, witness) = commit::<S>(x, case.columns);
    let shape = Shape {
        d: case.claimed_d.unwrap_or(case.d) as u64,
        columns: case.columns as u32,
    };
    let bounds = Bounds {
        max_abs: case.max_abs,
        max_norm_squared: case.max_norm_squared.unwrap_or(norm),
        limb: case.limb,
    };
    (
        BoundedUpdate {
            context: context(),
            shape,
            bounds,
            points,
        },
        witness,
    )
}

pub fn statement<S: Suite>(d: usize, columns: usize) -> (PlainOpening<S>, Witness<S>) {
    let (points, witness) = commit::<S>(numbers(d, 1000, 5), columns);
    (
        PlainOpening {
            context: context(),
            shape: Shape {
                d: d as u64,
                columns: columns as u32,
            },
            points,
        },
        witness,
    )
}

/// The weighted sum of commitments of one shape, and what opens it.
pub fn aggregate<S: Suite>(terms: &[(u64, &Committed<S>)]) -> (HonestAggregate<S>, Witness<S>) {
    let (_, (_, first)) = terms[0];
    let (d, columns, rows) = (first.values.len(), first.columns, first.blinds.len());
    let value = |j: usize| -> i64 {
        let weighted = terms.iter().map(|(w, (_, part))| *w as i64 * part.values[j]);
        weighted.sum()
    };
    let blind = |row: usize| -> S::Scalar {
        let weighted = terms
            .iter()
            .map(|(w, (_, part))| S::Scalar::from(*w) * part.blinds[row]);
        weighted.sum()
    };
    let context = Context {
        client: "aggregator".into(),
        weight: terms.iter().map(|(w, _)| w).sum(),
        ..context()
    };
    let shape = Shape {
        d: d as u64,
        columns: columns as u32,
    };
    let sum = Arc::new(Rows {
        values: (0..d).map(value).collect(),
        columns,
        blinds: (0..rows).map(blind).collect(),
        bits: 64,
    });
    let statement = HonestAggregate {
        context,
        shape,
        weights: terms.iter().map(|(w, _)| *w).collect(),
        commitments: terms.iter().map(|(_, (points, _))| points.clone()).collect(),
    };
    (statement, sum)
}
