//! One client of a masked round: its upload, its neighbours' masks, and the statement that both fit.

use fedproof_core::commit::Key;
use fedproof_core::group::{Affine, Suite};
use fedproof_core::masking::{Beacon, Modulus, Seed, fold, mask, pair_fingerprint, row_fingerprints};
use fedproof_core::relation::Shape;
use fedproof_core::relation::consistent_masking::{ConsistentMasking, Fingerprinted, Pair, Secret};
use zeroize::Zeroizing;

use super::{context, numbers};

pub struct Upload {
    pub d: usize,
    pub columns: usize,
    pub modulus: Modulus,
    pub neighbours: u8,
    pub carry_bits: u32,
}

impl Default for Upload {
    fn default() -> Self {
        Self {
            d: 21,
            columns: 8,
            modulus: Modulus::Bits32,
            neighbours: 3,
            carry_bits: 60,
        }
    }
}

/// What a client has after its upload, without the masks that are open.
pub struct Uploaded<S: Suite> {
    pub shape: Shape,
    pub modulus: Modulus,
    pub carry_bits: u32,
    pub values: Vec<i64>,
    pub points: Vec<Affine<S>>,
    pub masked: Vec<u64>,
    pub blinds: Vec<S::Scalar>,
    pub pairs: Vec<Pair<S>>,
    pub repetitions: Vec<Fingerprinted<S::Scalar>>,
}

fn seed(of: u8) -> Seed {
    Seed {
        seed: Zeroizing::new([of; 32]),
        negative: of.is_multiple_of(2),
    }
}

pub const ACCEPTED: [u8; 32] = [9; 32];

impl Upload {
    pub fn make<S: Suite>(&self) -> Uploaded<S> {
        let (context, columns) = (context(), self.columns);
        let shape = Shape {
            d: self.d as u64,
            columns: columns as u32,
        };
        let values = numbers(self.d, 1000, 5);
        let own: Vec<S::Scalar> = (0..shape.rows())
            .map(|i| S::Scalar::from(50 + i as u64))
            .collect();
        let points = Key::<S>::get(columns)
            .commit_rows(&values, columns, 16, &own)
            .expect("rows");
        let seeds: Vec<Seed> = (1..=self.neighbours).map(seed).collect();
        let (masked, blinds) =
            mask(self.modulus, columns, context.weight, &values, &own, &seeds).expect("masks");
        let beacons = Beacon::all(self.modulus, &shape, &context.announcement, &ACCEPTED).expect("a shape");
        let known: Vec<_> = (1..=self.neighbours)
            .map(|j| {
                let Seed { seed, negative } = seed(j);
                let known = pair_fingerprint::<S>(self.modulus, &shape, &beacons, &seed, &[100 + j; 32]);
                (negative, known.expect("a fingerprint"))
            })
            .collect();
        let each = known
            .iter()
            .map(|(negative, k)| (*negative, &k.values[..], &k.blinds[..]));
        let secret = Secret::new(values.clone(), each).expect("all repetitions");
        let pairs = known
            .iter()
            .map(|(negative, k)| Pair {
                negative: *negative,
                points: k.points.clone(),
            })
            .collect();
        Uploaded {
            shape,
            modulus: self.modulus,
            carry_bits: self.carry_bits,
            values,
            points,
            masked,
            blinds,
            pairs,
            repetitions: secret.repetitions.clone(),
        }
    }
}

pub fn fingerprint(modulus: Modulus, shape: &Shape, beacon: &Beacon, residues: &[u64]) -> u64 {
    let rows = row_fingerprints(modulus, shape, beacon, residues).expect("rows");
    fold(modulus, beacon, &rows).expect("rows")
}

impl<S: Suite> Uploaded<S> {
    /// That what was uploaded fits what was committed to.
    pub fn statement(&self) -> (ConsistentMasking<S>, Secret<S::Scalar>) {
        let context = context();
        let beacons =
            Beacon::all(self.modulus, &self.shape, &context.announcement, &ACCEPTED).expect("a shape");
        let values = beacons
            .iter()
            .map(|beacon| fingerprint(self.modulus, &self.shape, beacon, &self.masked))
            .collect();
        let statement = ConsistentMasking {
            context,
            accepted: ACCEPTED,
            shape: self.shape,
            modulus: self.modulus,
            carry_bits: self.carry_bits,
            points: self.points.clone(),
            blinds: self.blinds.clone(),
            pairs: self.pairs.clone(),
            values,
        };
        let secret = Secret {
            values: self.values.clone(),
            repetitions: self.repetitions.clone(),
        };
        (statement, secret)
    }

    /// Another residue than the update's under the same masks.
    pub fn shifted(mut self, by: u64) -> Self {
        self.masked[0] = (self.masked[0] + by) % self.modulus.q();
        self
    }
}
