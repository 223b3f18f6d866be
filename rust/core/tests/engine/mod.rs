//! What the core promises, honest and under attack. One binary: the curves' code is compiled once for all of it.
//!
//! Provers that need a check dropped are in `tests/dishonest`, a build of its own.

#[path = "../common/mod.rs"]
mod common;

mod accuracy;
mod aggregate;
mod encodings;
mod head;
mod honest;
mod optimum;
mod receipt;
mod recorder;
#[cfg(feature = "programmable-oracle")]
mod simulator;
mod tamper;
mod vectors;
mod zero_knowledge;
