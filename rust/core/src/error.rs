//! The one error type. Every refusal names the relation (or object) and the stage; values only where they are public.

use std::borrow::Cow;
use std::fmt;

pub type Result<T> = std::result::Result<T, Error>;

/// Where a check failed. Which constraint was false a zero-knowledge argument cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes that are not the one encoding of anything.
    Decoding,
    /// Public parameters for which the claim would not be a claim about integers.
    Statement,
    /// Well-formed parts in the wrong number.
    Shape,
    /// The proof does not hold.
    Argument,
    /// Values and blinds do not open the commitment.
    Opening,
    /// A prover's own mistake: nothing was sent.
    Witness,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Self::Decoding => "decoding",
            Self::Statement => "statement",
            Self::Shape => "shape",
            Self::Argument => "argument",
            Self::Opening => "opening",
            Self::Witness => "witness",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub subject: &'static str,
    pub stage: Stage,
    pub detail: Cow<'static, str>,
}

impl Error {
    pub fn new(subject: &'static str, stage: Stage, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            subject,
            stage,
            detail: detail.into(),
        }
    }

    pub fn lengths(subject: &'static str, expected: usize, actual: usize) -> Self {
        Self::new(
            subject,
            Stage::Shape,
            format!("expected {expected}, got {actual}"),
        )
    }

    /// The same error, seen from the relation in which it occurred.
    #[must_use]
    pub fn within(self, subject: &'static str) -> Self {
        if self.subject == subject {
            return self;
        }
        // "proof" says no more than the relation's own name.
        let detail = match self.subject {
            "proof" => self.detail,
            inner => format!("{inner}: {}", self.detail).into(),
        };
        Self {
            subject,
            stage: self.stage,
            detail,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.subject, self.stage.name(), self.detail)
    }
}

impl std::error::Error for Error {}
