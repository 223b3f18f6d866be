//! Whole-number multiplicities that are committed to before α, as an honest prover's are, for a value that no table has.

use fedproof_core::group::{Bn254, Pallas, Suite};

use crate::common::lies::look_up::whole_multiplicities;
use crate::common::lies::{earns, out_of_range};

/// The table of −7 … 7: entry t is t − 7, and there is one entry of padding, a zero.
const ENTRIES: usize = 15;

/// The lie "8" with these additions to the true multiplicities of the other 31 values.
fn forged<S: Suite>(additions: &[(usize, i64)]) {
    let (lie, witness) = out_of_range::<S>(8);
    earns("look-up", &lie, &witness, || {
        let additions = additions.to_vec();
        whole_multiplicities(move |counts| {
            for (entry, by) in &additions {
                counts[*entry] += by;
            }
        })
    });
}

fn both(additions: &[(usize, i64)]) {
    forged::<Pallas>(additions);
    forged::<Bn254>(additions);
}

#[test]
fn a_value_counted_as_its_neighbour() {
    both(&[(ENTRIES - 1, 1)]);
}

#[test]
fn a_value_counted_as_the_tables_padding() {
    both(&[(ENTRIES, 1)]); // where a table that goes on counting has its 8
}

#[test]
fn a_value_counted_as_a_difference() {
    both(&[(ENTRIES - 1, 2), (ENTRIES - 2, -1)]); // 8 = 2·7 − 6
}

#[test]
fn a_negative_count() {
    both(&[(0, -1), (ENTRIES - 1, 2)]);
}

/// The best that fifteen whole numbers do: Σ m_t·T_t^k = 8^k for every k < 15. The two sums differ all the same.
#[test]
fn multiplicities_that_agree_in_fifteen_moments() {
    // f(8) = Σ_i (−1)^i·C(15, i + 1)·f(7 − i) for polynomials f of degree below 15.
    let (mut additions, mut binomial) = (Vec::new(), 1i64);
    for i in 0..ENTRIES {
        binomial = binomial * (ENTRIES - i) as i64 / (i as i64 + 1);
        let sign = if i % 2 == 0 { 1 } else { -1 };
        additions.push((ENTRIES - 1 - i, sign * binomial));
    }
    for k in 0..ENTRIES as u32 {
        let moment: i128 = additions
            .iter()
            .map(|(t, m)| i128::from(*m) * (*t as i128 - 7).pow(k))
            .sum();
        assert_eq!(moment, 8i128.pow(k), "moment {k}");
    }
    both(&additions);
}
