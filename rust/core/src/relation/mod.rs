//! Relations: statements with prover and verifier, each one function over the recorder, in a file of its own.
//! spec/relations/ has a page for each.

pub mod accuracy;
pub mod bounded_update;
pub mod consistent_masking;
pub mod head;
pub mod honest_aggregate;
pub mod optimum;
pub mod plain_opening;
pub mod receipt;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use ark_ff::Zero;
use rayon::prelude::*;

use crate::commit::{Key, combine_rows};
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite};
use crate::msm::msm;
use crate::poly::dot;
use crate::recorder::closing::{Outcome, close};
use crate::recorder::{Deferred, Nonces, Proof, Recorder, Role, Rows};
pub use crate::shape::Shape;
use crate::transcript::{Transcript, VERSION};

/// What binds a proof to its place: absorbed before anything else.
#[derive(Clone, Debug)]
pub struct Context {
    /// Digest of the round's announcement: it covers policy, federation, round, attempt, roster and base model.
    pub announcement: [u8; 32],
    pub client: String,
    /// The client's public weight in the sum.
    pub weight: u64,
    /// Digest of a data certificate, if one belongs to the statement.
    pub certificate: Option<[u8; 32]>,
}

/// What a prover knows about an update: its coordinates (fewer than rows·columns: the rest is zero) and one blind per row.
pub type Witness<S> = Arc<Rows<<S as Suite>::Scalar>>;

fn absorb_context<S: Suite>(rec: &mut Recorder<S>, relation: &'static str, context: &Context) {
    rec.public("suite", S::ID.as_bytes());
    rec.public("version", VERSION.as_bytes());
    rec.public("relation", relation.as_bytes());
    rec.public("generators", crate::generators::domain::<S>().as_bytes());
    rec.public("announcement", &context.announcement);
    rec.public("client", context.client.as_bytes());
    rec.public("weight", &context.weight.to_be_bytes());
    rec.public("certificate", context.certificate.as_ref().map_or(&[][..], |c| c));
}

/// A statement that the recorder can run: the same function for every role.
pub trait Relation<S: Suite> {
    const NAME: &'static str;

    /// What a prover knows.
    type Secret;

    /// The recorder's row length: a power of two.
    fn columns(&self) -> usize;

    /// Refuses public parameters under which the claim is not what it says.
    fn check(&self) -> Result<()>;

    /// Absorbs the statement and records messages and constraints; `witness` is the prover's.
    fn record(&self, rec: &mut Recorder<S>, witness: Option<&Self::Secret>) -> Result<()>;

    /// Whether the witness makes the statement true: an honest prover's self-check.
    fn holds(&self, witness: &Self::Secret) -> Result<()>;

    fn run(&self, role: Role<S>, witness: Option<&Self::Secret>) -> Result<Outcome<S>> {
        let mut rec = Recorder::new(role, self.columns());
        self.check()
            .and_then(|()| self.record(&mut rec, witness))
            .and_then(|()| close(rec))
            .map_err(|e| e.within(Self::NAME))
    }

    /// Proves a true statement.
    fn prove(&self, witness: &Self::Secret) -> Result<Proof<S>> {
        self.check()
            .and_then(|()| self.holds(witness))
            .map_err(|e| e.within(Self::NAME))?;
        self.prove_unchecked(witness)
    }

    /// Proves without looking whether the statement is true. Any attacker can write this; the verifier refuses the result.
    fn prove_unchecked(&self, witness: &Self::Secret) -> Result<Proof<S>> {
        self.prove_as(Role::prover(), witness)
    }

    /// The same, with the time that went into each kind of message, by name and in the order in which they first occur.
    fn prove_timed(&self, witness: &Self::Secret) -> Result<(Proof<S>, Vec<(&'static str, Duration)>)> {
        let (watcher, sent) = channel();
        let mut last = Instant::now();
        let proof = self.prove_as(Role::watched_prover(watcher), witness)?;
        let mut spent: Vec<(&'static str, Duration)> = Vec::new();
        for (name, at) in sent {
            let time = at.duration_since(last);
            last = at;
            match spent.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += time,
                None => spent.push((name, time)),
            }
        }
        Ok((proof, spent))
    }

    fn prove_as(&self, role: Role<S>, witness: &Self::Secret) -> Result<Proof<S>> {
        match self.run(role, Some(witness))? {
            Outcome::Proof(proof) => Ok(proof),
            _ => Err(Error::new(Self::NAME, Stage::Witness, "not a prover")),
        }
    }

    /// Reads and reduces a proof to one linear combination of points that must vanish.
    fn defer(&self, proof: &[u8]) -> Result<Deferred<S>> {
        let proof = Proof::from_bytes(proof).map_err(|e| e.within(Self::NAME))?;
        self.defer_in(proof, Transcript::new())
    }

    fn defer_in(&self, proof: Proof<S>, transcript: Transcript) -> Result<Deferred<S>> {
        match self.run(Role::verifier_in(proof, transcript), None)? {
            Outcome::Deferred(deferred) => Ok(deferred),
            _ => Err(Error::new(Self::NAME, Stage::Argument, "not a verifier")),
        }
    }

    /// Refuses, or returns nothing.
    fn verify(&self, proof: &[u8]) -> Result<()> {
        self.defer(proof)?.check().map_err(|e| e.within(Self::NAME))
    }
}

/// Many proofs in one multi-scalar multiplication: all hold, or an error that does not say which one is bad.
pub fn verify_all<S: Suite, R: Relation<S> + Sync>(claims: &[(R, Vec<u8>)]) -> Result<()> {
    let deferred = claims
        .par_iter()
        .map(|(statement, proof)| statement.defer(proof))
        .collect::<Result<Vec<_>>>()?;
    Deferred::check_all(deferred).map_err(|e| e.within(R::NAME))
}

/// Whether Σ_j values[i·columns + j]·G_j + blinds[i]·H is points[i] for every row i: one random combination of the rows, with weights
/// that are drawn now; a false opening passes with probability 2^-250. Variable time in that combination.
pub fn check_opening<S: Suite, V: Copy + Into<i64> + Sync>(
    points: &[Affine<S>],
    columns: usize,
    values: &[V],
    blinds: &[S::Scalar],
) -> Result<()> {
    const SUBJECT: &str = "update";
    let rows = values.len().div_ceil(columns.max(1));
    for (expected, actual) in [(points.len(), rows), (points.len(), blinds.len())] {
        if expected != actual {
            return Err(Error::lengths(SUBJECT, expected, actual));
        }
    }
    let mut weights: Vec<S::Scalar> = Nonces::unhedged(b"opening")?.scalars(rows);
    let mut scalars = combine_rows(values, columns, &weights)?;
    scalars.push(dot(&weights, blinds));
    let key = Key::<S>::get(columns);
    let generators = key
        .g()
        .get(..columns)
        .ok_or_else(|| Error::new(SUBJECT, Stage::Shape, "more columns than generators"))?;
    let all = [points, generators, &[key.h()]].concat();
    weights.extend(scalars.into_iter().map(|k| -k));
    if msm::<S>(&all, &weights)?.is_zero() {
        Ok(())
    } else {
        Err(Error::new(
            SUBJECT,
            Stage::Opening,
            "the update is not what was committed to",
        ))
    }
}

/// The rows of a witness must open the points of the statement.
fn opens<S: Suite>(points: &[Affine<S>], shape: &Shape, witness: &Witness<S>) -> Result<()> {
    let fail = |why: &'static str| Error::new("witness", Stage::Witness, why);
    if witness.columns != shape.columns() || witness.values.len() as u64 != shape.d {
        return Err(fail("its shape is not the statement's"));
    }
    check_opening::<S, i64>(points, witness.columns, &witness.values, &witness.blinds)
        .map_err(|_| fail("it does not open the commitment"))
}
