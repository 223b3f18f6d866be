//! What crosses the border: errors, contexts, scalars, and how long work runs.

use std::sync::mpsc;
use std::time::Duration;

use fedproof_core::error::{Error, Result, Stage};
use fedproof_core::relation::Context;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

pyo3::create_exception!(
    fedproof._core,
    ProofError,
    PyException,
    "A check of the engine failed; args: subject, stage, detail."
);

pub fn raise(error: Error) -> PyErr {
    ProofError::new_err((error.subject, error.stage.name(), error.detail.into_owned()))
}

/// (announcement, client, weight, certificate)
pub type ContextParts = (Vec<u8>, String, u64, Option<Vec<u8>>);

pub fn context(parts: ContextParts) -> Result<Context> {
    let (announcement, client, weight, certificate) = parts;
    let digest = |bytes: Vec<u8>, what: &'static str| {
        <[u8; 32]>::try_from(bytes)
            .map_err(|b| Error::new(what, Stage::Statement, format!("{} bytes, not 32", b.len())))
    };
    Ok(Context {
        announcement: digest(announcement, "announcement digest")?,
        client,
        weight,
        certificate: certificate.map(|c| digest(c, "certificate digest")).transpose()?,
    })
}

pub fn unknown(suite: &str) -> Error {
    Error::new("suite", Stage::Statement, format!("unknown suite {suite:?}"))
}

/// Runs `$body` with the type alias `$S` set to the suite named by `$id`.
macro_rules! with_suite {
    ($id:expr, $S:ident => $body:expr) => {
        match $id {
            id if id == <fedproof_core::group::Pallas as fedproof_core::group::Suite>::ID => {
                type $S = fedproof_core::group::Pallas;
                $body
            }
            id if id == <fedproof_core::group::Bn254 as fedproof_core::group::Suite>::ID => {
                type $S = fedproof_core::group::Bn254;
                $body
            }
            other => Err($crate::convert::unknown(other)),
        }
    };
}
pub(crate) use with_suite;

/// Runs long work in the thread pool, where its parallel parts start without a hand-over, without the interpreter lock, and looks
/// for Ctrl-C meanwhile. An interrupted computation ends by itself; its result is dropped.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        // The receiver is gone only after an interrupt.
        let _ = sender.send(rayon::scope(|_| work()));
    });
    let receiver = std::sync::Mutex::new(receiver);
    loop {
        let waited = py.detach(|| {
            receiver
                .lock()
                .ok()
                .map(|r| r.recv_timeout(Duration::from_millis(50)))
        });
        match waited {
            Some(Ok(result)) => return result.map_err(raise),
            Some(Err(mpsc::RecvTimeoutError::Timeout)) => py.check_signals()?,
            // Our own fault, never a statement's: it must not look like a refusal.
            _ => {
                return Err(pyo3::exceptions::PyRuntimeError::new_err(
                    "internal error: a worker stopped",
                ));
            }
        }
    }
}
