//! Which checks are in force. Always all of them, except in a test build (feature `drop-checks`), where a test may switch
//! off one by its label, for prover and verifier alike, to show that a lie passes without it.

/// Whether the check or the absorb with this label is in force.
#[cfg(not(feature = "drop-checks"))]
#[inline(always)]
pub(crate) fn keeps(_label: &str) -> bool {
    true
}

#[cfg(feature = "drop-checks")]
mod dropping {
    use std::cell::Cell;

    thread_local!(static DROPPED: Cell<Option<&'static str>> = const { Cell::new(None) });

    pub(crate) fn keeps(label: &str) -> bool {
        DROPPED.with(|d| d.get() != Some(label))
    }

    /// Runs `body` on this thread with the check `label` switched off.
    pub fn without<T>(label: &'static str, body: impl FnOnce() -> T) -> T {
        DROPPED.with(|d| d.set(Some(label)));
        let out = body();
        DROPPED.with(|d| d.set(None));
        out
    }
}

#[cfg(feature = "drop-checks")]
pub(crate) use dropping::keeps;
#[cfg(feature = "drop-checks")]
pub use dropping::without;
