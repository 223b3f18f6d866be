//! The prover's randomness: from the operating system, hedged with the witness's blinds and the transcript, so that a weak
//! system generator alone does not reveal a secret or repeat a nonce.

use ark_ff::PrimeField;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha3::{Digest, Keccak256};
use zeroize::Zeroize;

use crate::error::{Error, Result, Stage};
use crate::group::{encode_field, scalar_from_wide};

pub struct Nonces(ChaCha20Rng);

impl Nonces {
    /// `secrets`: the witness's blinds; `context`: the transcript's state.
    pub fn hedged<F: PrimeField>(secrets: &[F], context: &[u8]) -> Result<Self> {
        let mut system = [0; 32];
        getrandom::fill(&mut system).map_err(|e| {
            Error::new(
                "randomness",
                Stage::Witness,
                format!("the operating system gave none: {e}"),
            )
        })?;
        let mut hash = Keccak256::new_with_prefix(b"fedproof/v1/nonces");
        hash.update(system);
        hash.update(context);
        for secret in secrets {
            let mut bytes = encode_field(*secret);
            hash.update(&bytes);
            bytes.zeroize();
        }
        system.zeroize();
        let mut seed: [u8; 32] = hash.finalize().into();
        let rng = ChaCha20Rng::from_seed(seed);
        seed.zeroize();
        Ok(Self(rng))
    }

    pub fn scalar<F: PrimeField>(&mut self) -> F {
        let mut wide = [0; 64];
        self.0.fill_bytes(&mut wide);
        let value = scalar_from_wide(&wide);
        wide.zeroize();
        value
    }

    /// A short challenge of the simulator's choice.
    pub fn short(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub fn scalars<F: PrimeField>(&mut self, count: usize) -> Vec<F> {
        (0..count).map(|_| self.scalar()).collect()
    }
}
