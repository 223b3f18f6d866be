//! Honest provers, what anybody could send instead, and the simulator: with all checks in force.

mod accuracy;
mod aggregate;
mod encodings;
mod head;
mod honest;
mod masking;
mod optimum;
mod receipt;
mod recorder;
mod simulator;
mod tamper;
mod vectors;
mod zero_knowledge;
