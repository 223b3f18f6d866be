//! What the core promises, honest and under attack. One binary: the curves' code is compiled once for all of it.
//!
//! Needs both test features, which no wheel has.

mod common;
mod dishonest;
mod engine;
