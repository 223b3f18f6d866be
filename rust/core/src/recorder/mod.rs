//! The recorder of committed messages (spec/recorder.md): one function per relation, for all roles.
//!
//! A relation commits to messages, draws challenges, and records constraints over symbolic committed values. `make` closures
//! run for the prover only. [`closing::close`] audits that nothing was left unconstrained and proves everything at once;
//! no check happens before it. Roles differ only in how points and scalars travel ([`role`]).

pub mod closing;
pub mod deferred;
#[cfg(feature = "drop-checks")]
pub mod dishonest;
mod inner_product;
pub mod lin;
mod matrix;
mod nonce;
pub mod role;

use ark_ff::{PrimeField, Zero};
use zeroize::Zeroize;

use crate::checks;
use crate::commit::Key;
use crate::error::{Error, Result, Stage};
use crate::group::{Affine, Suite, encode_field, encode_point, to_affine};
use crate::transcript::{Label, Transcript};
pub use deferred::Deferred;
pub use lin::Lin;
pub use matrix::{ColumnsId, MatrixId, Opens, RowSumId, Rows};
use matrix::{Matrix, Opening, RowSum};
pub use nonce::Nonces;
pub use role::{Proof, Role};

pub(crate) const SUBJECT: &str = "recorder";

/// Σ coefficient·point over points that the transcript has absorbed (by index) or that follow from such.
pub(crate) type Combination<F> = Vec<(usize, F)>;

/// Slots first..first + size, one point: slot first + i sits on generator place + i, in a vector of its block.
struct Message {
    point: usize,
    first: usize,
    size: usize,
    block: usize,
    place: usize,
}

/// Messages lie on at least this many generators: enough for the largest of them.
const MIN_BLOCK: usize = 128;

/// linear + Σ a·b = 0.
struct Product<F> {
    linear: Lin<F>,
    pairs: Vec<(Lin<F>, Lin<F>)>,
}

/// What the prover knows: every slot's value and every message's blind.
struct Secrets<F: PrimeField> {
    values: Vec<F>,
    blinds: Vec<F>,
    nonces: Nonces,
}

impl<F: PrimeField> Drop for Secrets<F> {
    fn drop(&mut self) {
        self.values.zeroize();
        self.blinds.zeroize();
    }
}

pub struct Recorder<S: Suite> {
    pub(crate) transcript: Transcript,
    role: Role<S>,
    points: Vec<Affine<S>>,
    messages: Vec<Message>,
    matrices: Vec<Matrix<S::Scalar>>,
    sums: Vec<RowSum<S::Scalar>>,
    columns: Vec<Vec<S::Scalar>>,
    products: Vec<Product<S::Scalar>>,
    linears: Vec<Lin<S::Scalar>>,
    openings: Vec<Opening<S::Scalar>>,
    slots: usize,
    /// Generators that messages and rows lie on.
    block: usize,
    full_degree: u64,
    short_degree: u64,
    secrets: Option<Secrets<S::Scalar>>,
    #[cfg(feature = "drop-checks")]
    rounds: Vec<(Label, usize)>,
    /// Labels of matrices that were absorbed, and their numbers.
    #[cfg(feature = "drop-checks")]
    named: Vec<(Label, usize)>,
    /// Late changes to matrices: (matrix, row, column, by how much).
    #[cfg(feature = "drop-checks")]
    late: Vec<(usize, usize, usize, S::Scalar)>,
    #[cfg(feature = "drop-checks")]
    last: S::Scalar,
}

impl<S: Suite> Recorder<S> {
    /// `columns`: the length of the rows that will be opened, a power of two.
    pub fn new(role: Role<S>, columns: usize) -> Self {
        Self {
            transcript: role.transcript(),
            role,
            points: Vec::new(),
            messages: Vec::new(),
            matrices: Vec::new(),
            sums: Vec::new(),
            columns: Vec::new(),
            products: Vec::new(),
            linears: Vec::new(),
            openings: Vec::new(),
            slots: 0,
            block: columns.max(MIN_BLOCK),
            full_degree: 0,
            short_degree: 0,
            secrets: None,
            #[cfg(feature = "drop-checks")]
            rounds: Vec::new(),
            #[cfg(feature = "drop-checks")]
            named: Vec::new(),
            #[cfg(feature = "drop-checks")]
            late: Vec::new(),
            #[cfg(feature = "drop-checks")]
            last: S::Scalar::zero(),
        }
    }

    /// Only a prover knows secrets; `make` closures run for it alone.
    pub fn knows(&self) -> bool {
        matches!(self.role, Role::Prover(_))
    }

    /// Slots that one message can have.
    pub fn longest_message(&self) -> usize {
        self.block
    }

    fn secrets(&mut self) -> Result<&mut Secrets<S::Scalar>> {
        if self.secrets.is_none() {
            let blinds: Vec<S::Scalar> = self
                .matrices
                .iter()
                .filter_map(|m| m.rows.as_ref())
                .flat_map(|r| r.blinds().iter().copied())
                .collect();
            let nonces = Nonces::hedged(&blinds, &self.transcript.state())?;
            self.secrets = Some(Secrets {
                values: Vec::new(),
                blinds: Vec::new(),
                nonces,
            });
        }
        self.secrets
            .as_mut()
            .ok_or_else(|| Error::new(SUBJECT, Stage::Witness, "no secrets"))
    }

    /// A fresh uniform scalar for the prover, zero for everybody else.
    pub(crate) fn blind(&mut self) -> Result<S::Scalar> {
        if self.knows() {
            Ok(self.secrets()?.nonces.scalar())
        } else {
            Ok(S::Scalar::zero())
        }
    }

    pub(crate) fn value(&self, form: &Lin<S::Scalar>) -> S::Scalar {
        self.secrets
            .as_ref()
            .map_or(S::Scalar::zero(), |s| form.evaluate(&s.values))
    }

    // -- public data and challenges ----------------------------------------------------------------------------------

    pub fn public(&mut self, label: impl Into<Label>, data: &[u8]) {
        self.transcript.absorb(label, data);
    }

    /// A challenge from the whole field. `degree`: a false claim survives it with probability at most degree/r.
    pub fn challenge_full(&mut self, label: impl Into<Label>, degree: usize) -> S::Scalar {
        self.full_degree = self.full_degree.saturating_add(degree as u64);
        let label = label.into();
        let drawn = self.transcript.full(label);
        self.drawn(label, drawn)
    }

    /// One of 2^128 challenges. `degree`: a false claim survives it with probability at most degree/2^128.
    pub fn challenge(&mut self, label: impl Into<Label>, degree: usize) -> S::Scalar {
        let label = label.into();
        self.short_degree = self.short_degree.saturating_add(degree as u64);
        let drawn = self.transcript.short(label);
        self.drawn(label, drawn)
    }

    /// The challenge as it is used: another one only in a test build that drops its rule.
    #[cfg(not(feature = "drop-checks"))]
    fn drawn(&mut self, _label: Label, value: S::Scalar) -> S::Scalar {
        value
    }

    /// −log2 of the summed soundness error: Σ degrees/r over full challenges + Σ degrees/2^128 over short ones.
    pub fn soundness_bits(&self) -> f64 {
        let full = self.full_degree as f64 * (-f64::from(S::Scalar::MODULUS_BIT_SIZE - 1)).exp2();
        let short = self.short_degree as f64 * (-128f64).exp2();
        -(full + short).log2()
    }

    // -- messages and matrices ---------------------------------------------------------------------------------------

    /// The prover commits to `size` secret scalars in fresh slots; everybody gets them as symbols.
    pub fn commit(
        &mut self,
        label: impl Into<Label>,
        size: usize,
        make: impl FnOnce() -> Vec<S::Scalar>,
    ) -> Result<Vec<Lin<S::Scalar>>> {
        let label = label.into();
        let first = self.slots;
        self.slots += size;
        let (block, place) = self.place(size)?;
        #[cfg(feature = "drop-checks")]
        self.rounds.push((label, first));
        let mut committed = None;
        if self.knows() {
            #[allow(unused_mut, reason = "only a dishonest prover changes them")]
            let mut values = make();
            #[cfg(feature = "drop-checks")]
            let smuggled = self.cheat(label, &mut values)?;
            if values.len() != size {
                return Err(Error::lengths("message", size, values.len()));
            }
            let blind = self.blind()?;
            let point = Key::<S>::get(self.block).commit_scalars(place, &values, &blind)?;
            #[cfg(feature = "drop-checks")]
            let point = point + smuggled;
            committed = to_affine::<S>(&[point]).first().copied();
            let secrets = self.secrets()?;
            secrets.values.extend_from_slice(&values);
            secrets.blinds.push(blind);
            values.zeroize();
        }
        let point = self.point(label, committed)?;
        self.messages.push(Message {
            point,
            first,
            size,
            block,
            place,
        });
        Ok((first..self.slots).map(Lin::slot).collect())
    }

    /// Where a message of `size` slots goes: behind the one before it, or to the start of a new block.
    fn place(&self, size: usize) -> Result<(usize, usize)> {
        if size > self.block {
            return Err(Error::new(
                SUBJECT,
                Stage::Statement,
                "a message longer than a block",
            ));
        }
        Ok(match self.messages.last() {
            None => (0, 0),
            Some(m) if m.place + m.size + size > self.block => (m.block + 1, 0),
            Some(m) => (m.block, m.place + m.size),
        })
    }

    /// Moves one point, absorbs it, and returns its index.
    fn point(&mut self, label: Label, known: Option<Affine<S>>) -> Result<usize> {
        let point = self.role.point(label, known)?;
        self.transcript.absorb(label, &encode_point::<S>(&point));
        Ok(self.remember(point))
    }

    fn remember(&mut self, point: Affine<S>) -> usize {
        self.points.push(point);
        self.points.len() - 1
    }

    /// Moves one scalar in the clear and absorbs it. The only callers are the product gadget and the final Schnorr proof.
    fn scalar(&mut self, label: Label, known: Option<S::Scalar>) -> Result<S::Scalar> {
        let scalar = self.role.scalar(label, known)?;
        self.transcript.absorb(label, &encode_field(scalar));
        Ok(scalar)
    }

    // -- constraints -------------------------------------------------------------------------------------------------

    /// linear + Σ a·b = 0 for pairs (a, b) of forms; pairs with a public factor are folded into the linear part.
    /// `check` names the constraint.
    pub fn require_zero(
        &mut self,
        check: &'static str,
        mut linear: Lin<S::Scalar>,
        pairs: Vec<(Lin<S::Scalar>, Lin<S::Scalar>)>,
    ) {
        if !checks::keeps(check) {
            return;
        }
        let mut proper = Vec::with_capacity(pairs.len());
        for (a, b) in pairs {
            if a.is_public() {
                linear.add_scaled(&b, a.constant);
            } else if b.is_public() {
                linear.add_scaled(&a, b.constant);
            } else {
                proper.push((a, b));
            }
        }
        if proper.is_empty() {
            self.linears.push(linear);
        } else {
            self.products.push(Product {
                linear,
                pairs: proper,
            });
        }
    }

    /// Against forgotten constraints: every matrix is opened and every committed scalar occurs somewhere.
    fn audit(&self) -> Result<()> {
        let mut used = vec![false; self.slots];
        let products = self
            .products
            .iter()
            .flat_map(|p| std::iter::once(&p.linear).chain(p.pairs.iter().flat_map(|(a, b)| [a, b])));
        for form in self
            .linears
            .iter()
            .chain(self.openings.iter().map(|o| &o.value))
            .chain(products)
        {
            for (slot, _) in &form.terms {
                if let Some(used) = used.get_mut(*slot) {
                    *used = true;
                }
            }
        }
        let complete = used.iter().all(|u| *u) && self.matrices.iter().all(|m| m.opened);
        if complete || !checks::all() {
            Ok(())
        } else {
            Err(Error::new(
                SUBJECT,
                Stage::Shape,
                "the relation leaves something unconstrained",
            ))
        }
    }

    /// A secret number in [0, 2^bits) by committed bits, least significant first: one message, `bits` products.
    pub fn range_bits(
        &mut self,
        check: &'static str,
        label: impl Into<Label>,
        bits: u32,
        make: impl FnOnce() -> Vec<S::Scalar>,
    ) -> Result<Lin<S::Scalar>> {
        let bits = self.commit(label, bits as usize, make)?;
        Ok(self.number_in_bits(check, &bits))
    }

    /// The number with these bits, least significant first; each is required to be one.
    pub fn number_in_bits(&mut self, check: &'static str, bits: &[Lin<S::Scalar>]) -> Lin<S::Scalar> {
        let (mut sum, mut power) = (Lin::zero(), S::Scalar::from(1u64));
        for bit in bits {
            sum.add_scaled(bit, power);
            power += power;
            self.require_zero(check, -bit.clone(), vec![(bit.clone(), bit.clone())]);
        }
        sum
    }
}
