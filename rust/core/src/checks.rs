//! Which checks are in force. Always all of them, except in a test build (feature `drop-checks`), where a test may switch
//! off one by its label, for prover and verifier alike, to show that a lie passes without it.

/// Whether this build has anything that only tests may have. The Python binding refuses to be compiled with it.
pub const TEST_BUILD: bool = cfg!(any(feature = "drop-checks", feature = "programmable-oracle"));

/// Whether all of them are.
#[cfg(not(feature = "drop-checks"))]
#[inline(always)]
pub(crate) fn all() -> bool {
    true
}

/// Whether the constraint with this label is in force.
#[cfg(not(feature = "drop-checks"))]
#[inline(always)]
pub(crate) fn keeps(_label: &str) -> bool {
    true
}

/// Whether values with this label are absorbed.
#[cfg(not(feature = "drop-checks"))]
#[inline(always)]
pub(crate) fn absorbs(_label: &str) -> bool {
    true
}

/// Whether the challenge with this label is drawn.
#[cfg(not(feature = "drop-checks"))]
#[inline(always)]
pub(crate) fn draws(_label: &str) -> bool {
    true
}

#[cfg(feature = "drop-checks")]
mod dropping {
    use std::cell::Cell;

    thread_local!(static DROPPED: Cell<Option<&'static str>> = const { Cell::new(None) });

    pub(crate) fn all() -> bool {
        DROPPED.with(Cell::get).is_none()
    }

    pub(crate) fn keeps(label: &str) -> bool {
        DROPPED.with(|d| d.get() != Some(label))
    }

    fn names(kind: &str, label: &str) -> bool {
        DROPPED.with(|d| d.get().and_then(|d| d.strip_prefix(kind)) == Some(label))
    }

    pub(crate) fn absorbs(label: &str) -> bool {
        !names("absorb:", label)
    }

    pub(crate) fn draws(label: &str) -> bool {
        !names("challenge:", label)
    }

    pub(crate) fn reuses(label: &str) -> bool {
        names("reuse:", label)
    }

    /// Whether the challenge with this label is one of sixteen.
    pub(crate) fn weakens(label: &str) -> bool {
        names("weak:", label)
    }

    /// Runs `body` on this thread with one rule switched off: a constraint by its label, `absorb:NAME` (the value is not
    /// absorbed), `challenge:NAME` (it is 1; for the tails of rows, 0; for `batch` and `opening`, all weights are 1), `weak:NAME` (it is one of
    /// 0 … 15), or `reuse:NAME` (it is the challenge before it).
    pub fn without<T>(label: &'static str, body: impl FnOnce() -> T) -> T {
        DROPPED.with(|d| d.set(Some(label)));
        let out = body();
        DROPPED.with(|d| d.set(None));
        out
    }
}

#[cfg(feature = "drop-checks")]
pub use dropping::without;
#[cfg(feature = "drop-checks")]
pub(crate) use dropping::{absorbs, all, draws, keeps, reuses, weakens};
