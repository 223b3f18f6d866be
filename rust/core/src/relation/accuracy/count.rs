//! The prover's integers: which records count, and by how much their classes lead.

use ark_ff::PrimeField;
use zeroize::Zeroize;

use super::NAME;
use crate::error::Result;
#[cfg(feature = "drop-checks")]
use crate::recorder::dishonest::{Counted, Dishonest};
use crate::relation::head::{Digits, Logits, Size, Trained};

pub struct Count<'a> {
    pub of: Logits<'a>,
    /// b, by record.
    pub bits: Vec<i64>,
    /// t = b·Z_y, by record.
    pub tops: Vec<i64>,
    /// D = b·(Z_y − Z − 1 + O), by class and record.
    pub leads: Vec<i64>,
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.bits.zeroize();
        self.tops.zeroize();
        self.leads.zeroize();
    }
}

impl<'a> Count<'a> {
    /// The first `wanted` records that are classified correctly count, if `digits` hold their leads.
    pub fn new<F: PrimeField>(
        size: &Size,
        digits: &Digits,
        wanted: u64,
        trained: &'a Trained<F>,
    ) -> Result<Self> {
        let most = digits.most().cast_signed();
        let of = Logits::new(NAME, size, trained)?;
        let n = size.records();
        let (mut bits, mut tops) = (vec![0; n], vec![0; n]);
        let mut leads = vec![0; of.logits.len()];
        let mut left = wanted;
        for (i, (bit, top)) in bits.iter_mut().zip(&mut tops).enumerate() {
            let places = (0..size.classes()).map(|k| k * of.stride + i);
            let own = places.clone().find(|at| of.labels[*at] == 1);
            let Some(own) = own.map(|at| of.logits[at]) else {
                continue;
            };
            let lead = |at: usize| own - of.logits[at] - i64::from(of.labels[at] != 1);
            if left == 0 || !places.clone().all(|at| (0..=most).contains(&lead(at))) {
                continue;
            }
            left -= 1;
            (*bit, *top) = (1, own);
            for at in places {
                leads[at] = lead(at);
            }
        }
        Ok(Self {
            of,
            bits,
            tops,
            leads,
        })
    }

    pub fn correct(&self) -> u64 {
        self.bits.iter().map(|b| b.unsigned_abs()).sum()
    }

    /// A dishonest prover's changes.
    #[cfg(feature = "drop-checks")]
    pub fn cheat<S: crate::group::Suite>(&mut self, prover: &mut dyn Dishonest<S>) {
        prover.counted(Counted {
            weights: self.of.weights.to_mut(),
            stride: self.of.stride,
            labels: &mut self.of.labels,
            logits: &mut self.of.logits,
            bits: &mut self.bits,
            tops: &mut self.tops,
            leads: &mut self.leads,
        });
    }
}
