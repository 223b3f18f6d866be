//! The stream of one row's mask: AES-256 in counter mode under the seed, each row with counters of its own, so that rows are made in any
//! order and on any core.

use aes::Aes256;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use ark_ff::PrimeField;
use ctr::{Ctr64BE, CtrCore};
use zeroize::Zeroizing;

use super::masks::Modulus;
use crate::group::scalar_from_wide;

/// Candidates drawn at a time, at most.
const DRAWN: usize = 1024;

/// Where candidates are drawn to, of any modulus. It is wiped when it is dropped, byte by byte: once for many streams.
pub(super) struct Drawn(Zeroizing<[u8; 6 * DRAWN]>);

impl Drawn {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new([0; 6 * DRAWN]))
    }
}

/// A seed, expanded once for all its rows. Round keys and what is left of a stream's last block are wiped when they are dropped.
pub(super) struct Schedule(Aes256);

impl Schedule {
    pub(super) fn new(seed: &[u8; 32]) -> Self {
        Self(Aes256::new(seed.into()))
    }

    /// First counter block: the row as 64 bits, big-endian, and 64 zero bits.
    pub(super) fn row(&self, row: u64) -> Stream {
        let mut counter = [0; 16];
        counter
            .iter_mut()
            .zip(row.to_be_bytes())
            .for_each(|(to, byte)| *to = byte);
        let core = CtrCore::inner_iv_init(self.0.clone(), &counter.into());
        Stream(StreamCipherCoreWrapper::from_core(core))
    }
}

pub(super) struct Stream(Ctr64BE<Aes256>);

impl Stream {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.write_keystream(out);
    }

    /// The stream's first 64 bytes, reduced: within 2^-250 of uniform. Drawn before residues.
    pub(super) fn scalar<F: PrimeField>(&mut self) -> F {
        let mut block = Zeroizing::new([0; 64]);
        self.fill(&mut *block);
        scalar_from_wide(&block)
    }

    /// For who needs residues only.
    pub(super) fn skip_scalar(&mut self) {
        self.fill(&mut [0; 64]);
    }

    /// As many uniform residues as there are places, each `put` in its own: little-endian integers of the modulus' width; those that are not
    /// below it are left out.
    pub(super) fn residues(
        &mut self,
        modulus: Modulus,
        drawn: &mut Drawn,
        places: &mut [u64],
        put: impl Fn(&mut u64, u64),
    ) {
        match modulus.width() {
            4 => self.draw::<4>(modulus.q(), drawn, places, put),
            5 => self.draw::<5>(modulus.q(), drawn, places, put),
            _ => self.draw::<6>(modulus.q(), drawn, places, put),
        }
    }

    fn draw<const WIDTH: usize>(
        &mut self,
        q: u64,
        drawn: &mut Drawn,
        places: &mut [u64],
        put: impl Fn(&mut u64, u64),
    ) {
        let mut left = places;
        while !left.is_empty() {
            let count = left.len().min(DRAWN);
            let drawn = &mut drawn.0[..WIDTH * count];
            self.fill(drawn);
            let candidates = || drawn.as_chunks::<WIDTH>().0.iter().map(integer);
            // A candidate that is not below q has one bit too many with this added.
            let above = (1 << (8 * WIDTH)) - q;
            let seen = candidates().fold(0, |seen, value| seen | (value + above));
            // Whether a candidate is left out depends on the stream alone. Hardly ever one is.
            let filled = if seen >> (8 * WIDTH) == 0 {
                left.iter_mut()
                    .zip(candidates())
                    .for_each(|(place, value)| put(place, value));
                count
            } else {
                let below = candidates().filter(|value| *value < q);
                left.iter_mut()
                    .zip(below)
                    .map(|(place, value)| put(place, value))
                    .count()
            };
            left = left.split_at_mut(filled).1;
        }
    }
}

fn integer<const WIDTH: usize>(candidate: &[u8; WIDTH]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..WIDTH].copy_from_slice(candidate);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// NIST SP 800-38A, F.5.5: the first two output blocks.
    #[test]
    fn known_answers_of_the_cipher() {
        let bytes = |text: &str| -> Vec<u8> {
            let digits = text.as_bytes().chunks(2).map(|c| std::str::from_utf8(c).unwrap());
            digits.map(|c| u8::from_str_radix(c, 16).unwrap()).collect()
        };
        let key = bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let counter = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        let core = CtrCore::inner_iv_init(
            Aes256::new_from_slice(&key).unwrap(),
            counter[..].try_into().unwrap(),
        );
        let mut stream = Stream(StreamCipherCoreWrapper::from_core(core));
        let mut out = [0; 32];
        stream.fill(&mut out);
        assert_eq!(
            hex(&out),
            "0bdf7df1591716335e9a8b15c860c5025a6e699d536119065433863c8f657b94"
        );
    }

    #[test]
    fn rows_and_lengths_do_not_matter_to_each_other() {
        let seed = [7; 32];
        for modulus in Modulus::ALL {
            let draw = |row, count| {
                let mut stream = Schedule::new(&seed).row(row);
                let scalar: ark_pallas::Fr = stream.scalar();
                let mut out = vec![0; count];
                stream.residues(modulus, &mut Drawn::new(), &mut out, |to, v| *to = v);
                (scalar, out)
            };
            let (scalar, long) = draw(3, 5000);
            let (same, short) = draw(3, 17);
            assert_eq!((scalar, long.get(..17)), (same, Some(short.as_slice())));
            assert!(long.iter().all(|v| *v < modulus.q()));
            assert_ne!(draw(4, 17).1, short);
        }
    }

    /// The residues are the cipher's stream, read one after the other; its first 64 bytes are the scalar's.
    #[test]
    fn residues_are_the_stream() {
        let seed = [9; 32];
        let mut bytes = vec![0; 64 + 8 * 1200];
        Schedule::new(&seed).row(5).fill(&mut bytes);
        for modulus in Modulus::ALL {
            let mut stream = Schedule::new(&seed).row(5);
            let _: ark_pallas::Fr = stream.scalar();
            let mut out = vec![0; 1200];
            stream.residues(modulus, &mut Drawn::new(), &mut out, |to, v| *to = v);
            let expected: Vec<u64> = bytes[64..]
                .chunks_exact(modulus.width())
                .map(|c| c.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b)))
                .filter(|v| *v < modulus.q())
                .take(1200)
                .collect();
            assert_eq!(out, expected);
        }
    }

    /// spec/masks.md §2: one candidate is left out, in the second draw.
    #[test]
    fn a_candidate_that_is_not_below_the_modulus() {
        let mut stream = Schedule::new(&[7; 32]).row(332_491);
        stream.skip_scalar();
        let mut out = vec![0; 1853];
        stream.residues(Modulus::Bits32, &mut Drawn::new(), &mut out, |to, v| *to = v);
        assert_eq!(out[1850..], [1_285_398_839, 1_159_259_563, 1_584_245_480]);
    }
}
