//! The roles, and all that differs between them: how a point or a scalar travels.

use std::sync::mpsc::Sender;
use std::time::Instant;

use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::Zero;

use super::nonce::Nonces;
use crate::error::{Error, Result, Stage};
use crate::group::{
    Affine, Point, Suite, decode_points, decode_scalars, encode_points, encode_scalars, point_size,
    scalar_size,
};
use crate::transcript::{Label, Transcript};

const SUBJECT: &str = "proof";

/// No relation of this version sends more; a cap before anything is allocated.
const MAX_ELEMENTS: usize = 1 << 20;

/// Points and scalars apart, in the order in which they were sent.
#[derive(Clone, Debug)]
pub struct Proof<S: Suite> {
    pub points: Vec<Affine<S>>,
    pub scalars: Vec<S::Scalar>,
}

impl<S: Suite> Proof<S> {
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
        let mut out = [count(self.points.len()), count(self.scalars.len())].concat();
        out.extend(encode_points::<S>(&self.points));
        out.extend(encode_scalars::<S>(&self.scalars));
        out
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let fail = |why| Error::new(SUBJECT, Stage::Decoding, why);
        let (points, rest) = read_count(bytes).ok_or_else(|| fail("no point count"))?;
        let (scalars, rest) = read_count(rest).ok_or_else(|| fail("no scalar count"))?;
        if points > MAX_ELEMENTS || scalars > MAX_ELEMENTS {
            return Err(fail("too many elements"));
        }
        let split = points * point_size::<S>();
        if rest.len() != split + scalars * scalar_size::<S>() {
            return Err(fail("length does not match the counts"));
        }
        let (points, scalars) = rest.split_at_checked(split).ok_or_else(|| fail("truncated"))?;
        Ok(Self {
            points: decode_points::<S>(points)?,
            scalars: decode_scalars::<S>(scalars)?,
        })
    }
}

fn read_count(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_be_bytes(*head)).ok()?, rest))
}

/// When something of a message's name was sent.
pub type Sent = (&'static str, Instant);

/// Writes a proof.
pub struct Prover<S: Suite> {
    pub(super) proof: Proof<S>,
    /// Told of everything that is sent: benchmarks ask where the time goes.
    watcher: Option<Sender<Sent>>,
    /// What a dishonest prover changes.
    #[cfg(feature = "drop-checks")]
    pub dishonest: Option<Box<dyn super::dishonest::Dishonest<S>>>,
}

/// Reads a proof.
pub struct Verifier<S: Suite> {
    points: std::vec::IntoIter<Affine<S>>,
    scalars: std::vec::IntoIter<S::Scalar>,
    transcript: Transcript,
}

/// Knows nothing; writes uniform points and scalars, and programs one challenge. Only a test build can make one, and only a
/// verifier of that build can be in its world.
pub struct Simulator<S: Suite> {
    pub(super) proof: Proof<S>,
    pub(super) random: Nonces,
}

/// Counts what a prover would send.
#[derive(Default)]
pub struct Counter {
    pub points: usize,
    pub scalars: usize,
}

pub enum Role<S: Suite> {
    Prover(Prover<S>),
    Verifier(Verifier<S>),
    Simulator(Box<Simulator<S>>),
    Counter(Counter),
}

impl<S: Suite> Prover<S> {
    fn new(watcher: Option<Sender<Sent>>) -> Self {
        Self {
            proof: Proof {
                points: Vec::new(),
                scalars: Vec::new(),
            },
            watcher,
            #[cfg(feature = "drop-checks")]
            dishonest: None,
        }
    }

    fn sent(&self, label: Label) {
        if let Some(watcher) = &self.watcher {
            // Nobody listens any more: nobody wants to know.
            let _ = watcher.send((label.0, Instant::now()));
        }
    }
}

impl<S: Suite> Role<S> {
    pub fn prover() -> Self {
        Self::Prover(Prover::new(None))
    }

    /// A prover whose messages are reported as they are sent.
    pub fn watched_prover(watcher: Sender<Sent>) -> Self {
        Self::Prover(Prover::new(Some(watcher)))
    }

    #[cfg(feature = "drop-checks")]
    pub fn dishonest(hooks: Box<dyn super::dishonest::Dishonest<S>>) -> Self {
        Self::Prover(Prover {
            dishonest: Some(hooks),
            ..Prover::new(None)
        })
    }

    pub fn verifier(proof: Proof<S>) -> Self {
        Self::verifier_in(proof, Transcript::new())
    }

    /// The same, from the caller's transcript.
    pub fn verifier_in(proof: Proof<S>, transcript: Transcript) -> Self {
        Self::Verifier(Verifier {
            points: proof.points.into_iter(),
            scalars: proof.scalars.into_iter(),
            transcript,
        })
    }

    #[cfg(feature = "programmable-oracle")]
    pub fn simulator() -> Result<Self> {
        let proof = Proof {
            points: Vec::new(),
            scalars: Vec::new(),
        };
        let random = Nonces::unhedged(b"simulator")?;
        Ok(Self::Simulator(Box::new(Simulator { proof, random })))
    }

    pub fn counter() -> Self {
        Self::Counter(Counter::default())
    }

    pub(super) fn transcript(&self) -> Transcript {
        match self {
            Self::Verifier(v) => v.transcript.clone(),
            _ => Transcript::new(),
        }
    }

    pub(super) fn point(&mut self, label: Label, known: Option<Affine<S>>) -> Result<Affine<S>> {
        match self {
            Self::Prover(p) => {
                let point = known.ok_or_else(|| missing(label))?;
                p.proof.points.push(point);
                p.sent(label);
                Ok(point)
            }
            Self::Verifier(v) => v.points.next().ok_or_else(|| missing(label)),
            Self::Simulator(s) => {
                let point =
                    known.unwrap_or((Point::<S>::generator() * s.random.scalar::<S::Scalar>()).into_affine());
                s.proof.points.push(point);
                Ok(point)
            }
            Self::Counter(c) => {
                c.points += 1;
                Ok(Affine::<S>::default())
            }
        }
    }

    pub(super) fn scalar(&mut self, label: Label, known: Option<S::Scalar>) -> Result<S::Scalar> {
        match self {
            Self::Prover(p) => {
                let scalar = known.ok_or_else(|| missing(label))?;
                p.proof.scalars.push(scalar);
                p.sent(label);
                Ok(scalar)
            }
            Self::Verifier(v) => v.scalars.next().ok_or_else(|| missing(label)),
            Self::Simulator(s) => {
                let scalar = known.unwrap_or_else(|| s.random.scalar());
                s.proof.scalars.push(scalar);
                Ok(scalar)
            }
            Self::Counter(c) => {
                c.scalars += 1;
                Ok(S::Scalar::zero())
            }
        }
    }

    /// A verifier has read everything there was.
    pub(super) fn finished(&self) -> Result<()> {
        match self {
            Self::Verifier(v) if v.points.len() + v.scalars.len() > 0 => Err(Error::new(
                SUBJECT,
                Stage::Shape,
                "more elements than the relation reads",
            )),
            _ => Ok(()),
        }
    }
}

fn missing(label: Label) -> Error {
    Error::new(
        SUBJECT,
        Stage::Shape,
        format!("nothing left to read for {} {} {}", label.0, label.1, label.2),
    )
}
