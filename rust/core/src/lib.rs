//! fedproof's proof engine: commitments that add, a recorder of committed messages, and the relations on top of it.
//!
//! A relation ([`relation`]) is one function for prover, verifier, simulator and counter over a [`recorder::Recorder`]; spec/
//! is normative for everything here. Layers, each using only its own modules and those before it (tests/test_layers.py holds that):
//! `error`, `checks`; `wide`, `number`, `kernel`, `batch`, `group`, `sqrt`; `transcript`, `poly`, `generators`, `shape`; `affine`, `jacobian`, `msm`,
//! `commit`, `rowtree`; `recorder`, `sumcheck`; `masking`, `fractions`, `lookup`, `range`; `relation`.

mod affine;
mod batch;
pub mod checks;
pub mod commit;
pub mod error;
mod fractions;
pub mod generators;
pub mod group;
mod jacobian;
mod kernel;
mod lookup;
pub mod masking;
mod msm;
mod number;
pub mod poly;
mod range;
pub mod recorder;
pub mod relation;
pub mod rowtree;
mod shape;
mod sqrt;
mod sumcheck;
pub mod transcript;
mod wide;
