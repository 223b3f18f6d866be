//! The prover's randomness: from the operating system, hedged with the witness's blinds and the transcript, so that a weak
//! system generator alone does not reveal a secret or repeat a nonce. What nobody can hedge says so in its name.

use ark_ff::PrimeField;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha3::{Digest, Keccak256};
use zeroize::Zeroize;

use crate::error::{Error, Result, Stage};
use crate::group::{encode_field, scalar_from_wide};

pub struct Nonces {
    random: ChaCha20Rng,
    /// Every scalar is one: a test build without a batch's weights.
    #[cfg(feature = "drop-checks")]
    ones: bool,
}

impl Nonces {
    /// `secrets`: the witness's blinds; `context`: the transcript's state.
    pub fn hedged<F: PrimeField>(secrets: &[F], context: &[u8]) -> Result<Self> {
        Self::seeded(context, |hash| {
            for secret in secrets {
                let mut bytes = encode_field(*secret);
                hash.update(&bytes);
                bytes.zeroize();
            }
        })
    }

    /// The operating system's generator alone, where there is no secret yet to hedge with: a commitment's own blinds, a
    /// verifier's weights. `context` says what for.
    pub fn unhedged(context: &[u8]) -> Result<Self> {
        Self::seeded(context, |_| ())
    }

    fn seeded(context: &[u8], hedge: impl FnOnce(&mut Keccak256)) -> Result<Self> {
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
        hedge(&mut hash);
        system.zeroize();
        let mut seed: [u8; 32] = hash.finalize().into();
        let random = ChaCha20Rng::from_seed(seed);
        seed.zeroize();
        Ok(Self {
            random,
            #[cfg(feature = "drop-checks")]
            ones: std::str::from_utf8(context).is_ok_and(|name| !crate::checks::draws(name)),
        })
    }

    pub fn scalar<F: PrimeField>(&mut self) -> F {
        #[cfg(feature = "drop-checks")]
        if self.ones {
            return F::one();
        }
        let mut wide = [0; 64];
        self.random.fill_bytes(&mut wide);
        let value = scalar_from_wide(&wide);
        wide.zeroize();
        value
    }

    /// A short challenge of the simulator's choice.
    pub fn short(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random.fill_bytes(&mut bytes);
        bytes
    }

    pub fn scalars<F: PrimeField>(&mut self, count: usize) -> Vec<F> {
        (0..count).map(|_| self.scalar()).collect()
    }
}
