//! What masked rounds are made of (spec/secure-aggregation.md): streams of masks, keys and proofs about them, shares of secrets.
//! Who sends what to whom, and who answers what, is not known here.

mod fingerprint;
mod keys;
mod masks;
mod sharing;
mod stream;

pub(crate) use fingerprint::weighted;
pub use fingerprint::{Beacon, PairFingerprint, REPETITIONS, fold, pair_fingerprint, row_fingerprints};
pub use keys::{generate, prove_key, public_key, shared_points, verify_key};
pub use masks::{Modulus, Seed, add_masks, mask, pack, unpack};
pub use sharing::{Dealt, deal, interpolate, interpolate_points, share_images};
