//! Masks: a residue for every coordinate and a scalar for every row. They add, and are added where they are made.

use ark_ff::PrimeField;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::stream::{Drawn, Schedule};
use crate::error::{Error, Result, Stage};

pub(super) const SUBJECT: &str = "mask";

/// The largest primes below 2^32, 2^40 and 2^48.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modulus {
    Bits32,
    Bits40,
    Bits48,
}

impl Modulus {
    pub const ALL: [Self; 3] = [Self::Bits32, Self::Bits40, Self::Bits48];

    pub fn new(q: u64) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|m| m.q() == q)
            .ok_or_else(|| Error::new(SUBJECT, Stage::Statement, format!("{q} is no modulus of masks")))
    }

    pub const fn q(self) -> u64 {
        match self {
            Self::Bits32 => (1 << 32) - 5,
            Self::Bits40 => (1 << 40) - 87,
            Self::Bits48 => (1 << 48) - 59,
        }
    }

    /// Constants are divided by with multiplications.
    fn reduce(self, row: &mut [u64]) {
        match self {
            Self::Bits32 => row.iter_mut().for_each(|v| *v %= Self::Bits32.q()),
            Self::Bits40 => row.iter_mut().for_each(|v| *v %= Self::Bits40.q()),
            Self::Bits48 => row.iter_mut().for_each(|v| *v %= Self::Bits48.q()),
        }
    }

    /// Bytes of a residue.
    pub fn width(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits40 => 5,
            Self::Bits48 => 6,
        }
    }
}

/// A mask to add (or, negative, to take away).
pub struct Seed {
    pub seed: Zeroizing<[u8; 32]>,
    pub negative: bool,
}

/// So many residues below 2^48 are added before they are reduced, and fit 64 bits.
const MAX_SEEDS: usize = 1 << 15;

/// residues[j] ← residues[j] ± mask mod q, blinds[i] ← blinds[i] ± mask, for every seed. Residues are below q; rows have `columns` of them,
/// the last one may be short.
pub fn add_masks<F: PrimeField>(
    modulus: Modulus,
    columns: usize,
    seeds: &[Seed],
    residues: &mut [u64],
    blinds: &mut [F],
) -> Result<()> {
    check(columns, residues.len(), blinds.len())?;
    if seeds.len() >= MAX_SEEDS {
        return Err(Error::new(
            SUBJECT,
            Stage::Statement,
            "too many masks for one sum",
        ));
    }
    let q = modulus.q();
    if residues.iter().any(|v| *v >= q) {
        return Err(Error::new(
            SUBJECT,
            Stage::Statement,
            "a residue is not below the modulus",
        ));
    }
    let masks: Vec<_> = seeds
        .iter()
        .map(|Seed { seed, negative }| (Schedule::new(seed), *negative))
        .collect();
    residues
        .par_chunks_mut(columns)
        .zip(blinds)
        .enumerate()
        .for_each(|(index, (row, blind))| {
            let mut drawn = Drawn::new();
            for (schedule, negative) in &masks {
                let mut stream = schedule.row(index as u64);
                let scalar: F = stream.scalar();
                // Signs are public: they follow from the order of names.
                if *negative {
                    *blind -= scalar;
                    stream.residues(modulus, &mut drawn, row, |to, mask| *to += q - mask);
                } else {
                    *blind += scalar;
                    stream.residues(modulus, &mut drawn, row, |to, mask| *to += mask);
                }
            }
            modulus.reduce(row);
        });
    Ok(())
}

/// (weight·x + masks mod q, weight·blinds + masks): what a client uploads. values: x.
pub fn mask<F: PrimeField>(
    modulus: Modulus,
    columns: usize,
    weight: u64,
    values: &[i64],
    blinds: &[F],
    seeds: &[Seed],
) -> Result<(Vec<u64>, Vec<F>)> {
    let q = modulus.q();
    let residue = |x: &i64| match i64::try_from(weight).ok().and_then(|w| x.checked_mul(w)) {
        // So it is for every update within a policy's bounds.
        Some(short) if short.unsigned_abs() < q => (short + ((short >> 63) & q as i64)) as u64,
        _ => (i128::from(*x) * i128::from(weight)).rem_euclid(i128::from(q)) as u64,
    };
    let mut residues: Vec<u64> = values.par_iter().map(residue).collect();
    let weight: F = F::from(weight);
    let mut blinds: Vec<F> = blinds.iter().map(|b| weight * b).collect();
    add_masks(modulus, columns, seeds, &mut residues, &mut blinds)?;
    Ok((residues, blinds))
}

fn check(columns: usize, residues: usize, blinds: usize) -> Result<()> {
    if columns == 0 {
        return Err(Error::new(
            SUBJECT,
            Stage::Statement,
            "rows have at least one entry",
        ));
    }
    let rows = residues.div_ceil(columns);
    if rows != blinds {
        return Err(Error::lengths(SUBJECT, rows, blinds));
    }
    Ok(())
}

/// Residues that one core packs or unpacks before it looks for more.
const AT_A_TIME: usize = 1 << 12;

/// Residues as little-endian integers of the modulus' width, one after another.
pub fn pack(modulus: Modulus, residues: &[u64]) -> Vec<u8> {
    let width = modulus.width();
    let mut out = vec![0; residues.len() * width];
    out.par_chunks_mut(width * AT_A_TIME)
        .zip(residues.par_chunks(AT_A_TIME))
        .for_each(|(to, residues)| {
            for (to, v) in to.chunks_exact_mut(width).zip(residues) {
                to.iter_mut()
                    .zip(v.to_le_bytes())
                    .for_each(|(to, byte)| *to = byte);
            }
        });
    out
}

/// The reverse of [`pack`], of `count` residues, each below the modulus.
pub fn unpack(modulus: Modulus, count: usize, bytes: &[u8]) -> Result<Vec<u64>> {
    let width = modulus.width();
    if count.checked_mul(width) != Some(bytes.len()) {
        return Err(Error::lengths(SUBJECT, count.saturating_mul(width), bytes.len()));
    }
    let mut residues = vec![0; count];
    residues
        .par_chunks_mut(AT_A_TIME)
        .zip(bytes.par_chunks(width * AT_A_TIME))
        .for_each(|(to, bytes)| {
            for (to, c) in to.iter_mut().zip(bytes.chunks_exact(width)) {
                *to = c.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b));
            }
        });
    if residues.iter().any(|v| *v >= modulus.q()) {
        return Err(Error::new(
            SUBJECT,
            Stage::Decoding,
            "a residue is not below the modulus",
        ));
    }
    Ok(residues)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::encode_field;

    type F = ark_pallas::Fr;

    fn seeds(signs: &[(u8, bool)]) -> Vec<Seed> {
        let seed = |(byte, negative): &(u8, bool)| Seed {
            seed: Zeroizing::new([*byte; 32]),
            negative: *negative,
        };
        signs.iter().map(seed).collect()
    }

    /// Three clients: each pair's mask is added by one and taken away by the other, self masks are taken away at the end.
    #[test]
    fn masks_cancel_in_the_sum() {
        for modulus in Modulus::ALL {
            let (columns, weights) = (16, [3, 1, 7]);
            let updates: Vec<Vec<i64>> = (0..3)
                .map(|k| (0..37).map(|j| (j - 18) * (k + 1)).collect())
                .collect();
            let blinds: Vec<Vec<F>> = (0..3u64)
                .map(|k| (0..3).map(|i| F::from(10 * k + i)).collect())
                .collect();
            let own = [(1, false), (2, false), (3, false)];
            let pairs = [
                vec![own[0], (12, false), (13, false)],
                vec![own[1], (12, true), (23, false)],
                vec![own[2], (13, true), (23, true)],
            ];
            let (mut sum, mut blind) = (vec![0u64; 37], vec![F::from(0u64); 3]);
            for k in 0..3 {
                let (y, sigma) = mask(
                    modulus,
                    columns,
                    weights[k],
                    &updates[k],
                    &blinds[k],
                    &seeds(&pairs[k]),
                )
                .unwrap();
                assert_ne!(y[0], 0);
                let packed = pack(modulus, &y);
                assert_eq!(unpack(modulus, 37, &packed).unwrap(), y);
                sum.iter_mut()
                    .zip(y)
                    .for_each(|(s, v)| *s = (*s + v) % modulus.q());
                blind.iter_mut().zip(sigma).for_each(|(s, v)| *s += v);
            }
            let taken: Vec<_> = own.iter().map(|(byte, _)| (*byte, true)).collect();
            add_masks(modulus, columns, &seeds(&taken), &mut sum, &mut blind).unwrap();
            for j in 0..37 {
                let expected: i64 = (0..3).map(|k| weights[k] as i64 * updates[k][j]).sum();
                let q = modulus.q() as i64;
                assert_eq!(sum[j] as i64, expected.rem_euclid(q));
            }
            for i in 0..3 {
                let expected: F = (0..3).map(|k| F::from(weights[k]) * blinds[k][i]).sum();
                assert_eq!(blind[i], expected);
            }
        }
    }

    /// spec/masks.md §2, computed with another implementation of the cipher.
    #[test]
    fn known_answers() {
        let known = [
            (
                0,
                "0773fe787335f9b5728a22af8a1e3f7ca24d4615d4a44fbb03b46950f544ad98",
                [
                    [1414121965, 4268487299, 2147007172],
                    [564054837741, 802168925170, 312049434616],
                    [266645868759533, 140706262089323, 141040992954264],
                ],
            ),
            (
                1,
                "1b4eab577417661dc04c2e5b1316e521eb9e18e47ed7245ca0f86627f7f52dc4",
                [
                    [941093785, 4082261984, 2158848833],
                    [963013768089, 460667966047, 301394067629],
                    [105416618406809, 141482317181778, 13180370037884],
                ],
            ),
            (
                1 << 20,
                "3ba06bbd6b1ad3921891784c712759778d6ff941af1c045206f895a2e66abeee",
                [
                    [659975054, 637544939, 4287577663],
                    [1009977289614, 267347427369, 492690734991],
                    [46089954028430, 280990689732096, 89368260949671],
                ],
            ),
        ];
        for (row, scalar, by_modulus) in known {
            for (modulus, residues) in Modulus::ALL.into_iter().zip(by_modulus) {
                let mut stream = Schedule::new(&[7; 32]).row(row);
                let drawn: F = stream.scalar();
                let hex: String = encode_field(drawn).iter().map(|b| format!("{b:02x}")).collect();
                let mut out = [0; 3];
                stream.residues(modulus, &mut Drawn::new(), &mut out, |to, v| *to = v);
                assert_eq!((hex.as_str(), out), (scalar, residues));
            }
        }
    }

    #[test]
    fn refused() {
        let modulus = Modulus::Bits40;
        let q = modulus.q();
        assert!(Modulus::new(q).is_ok());
        assert!(Modulus::new(1 << 40).is_err());
        assert!(unpack(modulus, 1, &[0; 4]).is_err());
        assert!(unpack(modulus, 1, &q.to_le_bytes()[..5]).is_err());
        assert_eq!(unpack(modulus, 1, &(q - 1).to_le_bytes()[..5]).unwrap(), [q - 1]);
        let mut blinds = [F::from(0u64)];
        assert!(add_masks(modulus, 4, &[], &mut [q], &mut blinds).is_err());
        assert!(add_masks(modulus, 0, &[], &mut [0], &mut blinds).is_err());
        assert!(add_masks(modulus, 4, &[], &mut [0; 5], &mut blinds).is_err());
        let many: Vec<_> = (0..MAX_SEEDS).map(|_| (0, false)).collect();
        assert!(add_masks(modulus, 4, &seeds(&many), &mut [0], &mut blinds).is_err());
    }
}
