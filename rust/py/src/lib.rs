//! The binding: bytes and arrays in, bytes out. No cryptography happens here.

use pyo3::prelude::*;

/// `fedproof._core`, the engine under `fedproof.proofs`.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
