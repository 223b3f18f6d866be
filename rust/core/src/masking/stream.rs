//! The stream of one row's mask: ChaCha20 (RFC 8439) under a 256-bit seed, nonce and counter the row's own, so that rows are made in any
//! order and on any core.

use ark_ff::PrimeField;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use zeroize::{Zeroize, Zeroizing};

use super::masks::Modulus;
use crate::group::scalar_from_wide;

/// Bytes drawn at a time: whole blocks of the cipher, and whole residues of 4, 5 and 6 bytes.
const DRAWN: usize = 960;

pub(super) struct Stream(ChaCha20Rng);

impl Stream {
    /// Key: the seed. Nonce: 32 zero bits and the row as 64 bits, little-endian. Counter from 0.
    pub(super) fn new(seed: &[u8; 32], row: u64) -> Self {
        let mut random = ChaCha20Rng::from_seed(*seed);
        random.set_stream(row);
        Self(random)
    }

    /// The stream's first block, reduced: within 2^-250 of uniform. Drawn before residues.
    pub(super) fn scalar<F: PrimeField>(&mut self) -> F {
        let mut block = Zeroizing::new([0; 64]);
        self.0.fill_bytes(&mut *block);
        scalar_from_wide(&block)
    }

    /// For who needs residues only.
    pub(super) fn skip_scalar(&mut self) {
        self.0.fill_bytes(&mut [0; 64]);
    }

    /// As many uniform residues as fit: little-endian integers of the modulus' width; those that are not below it are left out.
    pub(super) fn residues(&mut self, modulus: Modulus, out: &mut [u64]) {
        match modulus.width() {
            4 => self.draw::<4>(modulus.q(), out),
            5 => self.draw::<5>(modulus.q(), out),
            _ => self.draw::<6>(modulus.q(), out),
        }
    }

    fn draw<const WIDTH: usize>(&mut self, q: u64, out: &mut [u64]) {
        let mut drawn = Zeroizing::new([0u8; DRAWN]);
        let mut filled = 0;
        while filled < out.len() {
            self.0.fill_bytes(&mut *drawn);
            // Whether a candidate is left out depends on the stream alone.
            for candidate in drawn.as_chunks::<WIDTH>().0 {
                let mut bytes = [0; 8];
                bytes.iter_mut().zip(candidate).for_each(|(to, from)| *to = *from);
                let value = u64::from_le_bytes(bytes);
                let Some(place) = out.get_mut(filled) else { break };
                *place = value;
                filled += usize::from(value < q);
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // The generator has no way to wipe itself; a new seed takes the old one's place.
        let mut nothing = [0; 32];
        self.0 = ChaCha20Rng::from_seed(nothing);
        nothing.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// RFC 8439, appendix A.1, test vectors 1 and 4 (all-zero nonce, counters 0 and 1), and §2.3.2's (its nonce has a word where
    /// rows have zeros, so the counter is set across both).
    #[test]
    fn chacha20_known_answers() {
        let mut out = [0; 64];
        let mut stream = Stream::new(&[0; 32], 0);
        stream.0.fill_bytes(&mut out);
        assert!(hex(&out).starts_with("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"));
        stream.0.fill_bytes(&mut out);
        assert!(hex(&out).starts_with("9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"));
        let mut key = [0; 32];
        key.iter_mut().zip(0u8..).for_each(|(k, i)| *k = i);
        let mut stream = Stream::new(&key, 0x4a00_0000);
        stream.0.set_word_pos(16 * (1 | 0x0900_0000u128 << 32));
        stream.0.fill_bytes(&mut out);
        assert!(hex(&out).starts_with("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"));
    }

    #[test]
    fn rows_and_lengths_do_not_matter_to_each_other() {
        let seed = [7; 32];
        for modulus in Modulus::ALL {
            let draw = |row, count| {
                let mut stream = Stream::new(&seed, row);
                let scalar: ark_pallas::Fr = stream.scalar();
                let mut out = vec![0; count];
                stream.residues(modulus, &mut out);
                (scalar, out)
            };
            let (scalar, long) = draw(3, 5000);
            let (same, short) = draw(3, 17);
            assert_eq!((scalar, long.get(..17)), (same, Some(short.as_slice())));
            assert!(long.iter().all(|v| *v < modulus.q()));
            assert_ne!(draw(4, 17).1, short);
        }
    }

    /// The residues are those of RFC 8439's stream, read one after the other; the first block is the scalar's.
    #[test]
    fn residues_are_the_stream() {
        let seed = [9; 32];
        let mut bytes = vec![0; 64 + 8 * DRAWN];
        Stream::new(&seed, 5).0.fill_bytes(&mut bytes);
        for modulus in Modulus::ALL {
            let mut stream = Stream::new(&seed, 5);
            let _: ark_pallas::Fr = stream.scalar();
            let mut out = vec![0; 1200];
            stream.residues(modulus, &mut out);
            let expected: Vec<u64> = bytes[64..]
                .chunks_exact(modulus.width())
                .map(|c| c.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b)))
                .filter(|v| *v < modulus.q())
                .take(1200)
                .collect();
            assert_eq!(out, expected);
        }
    }
}
