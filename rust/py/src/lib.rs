//! The binding: bytes and arrays in, bytes out. No cryptography happens here. One file per relation.

mod accuracy;
mod bounded_update;
mod commitment;
mod consistent_masking;
mod convert;
mod head;
mod honest_aggregate;
mod masking;
mod optimum;
mod plain_opening;
mod receipt;

use pyo3::prelude::*;

const _: () = assert!(
    !fedproof_core::checks::TEST_BUILD,
    "a wheel must not be built from a core whose checks can be dropped or whose oracle can be programmed"
);

/// `fedproof._core`, the engine under `fedproof.proofs`.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("ProofError", module.py().get_type::<convert::ProofError>())?;
    commitment::register(module)?;
    plain_opening::register(module)?;
    bounded_update::register(module)?;
    honest_aggregate::register(module)?;
    optimum::register(module)?;
    accuracy::register(module)?;
    receipt::register(module)?;
    masking::register(module)?;
    consistent_masking::register(module)
}
