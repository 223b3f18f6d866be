"""The messages of a round (spec/round.md), each signed by its sender. Fields that masked uploads will need are there, and empty."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name, Reason
from fedproof.identity.signed import Signed

Count = Annotated[int, Field(ge=0, le=1 << 32)]
Weight = Annotated[int, Field(ge=1, le=1 << 32)]
Word = Annotated[str, Field(max_length=64)]
MAX_PARTICIPANTS = 100_000


class Ready(Message):
    """A client will take part. weight: what it declares. previous: digest of the last record it adopted (zero before the first).
    keys: room for this round's mask and encryption keys."""

    KIND: ClassVar[str] = "ready"

    federation: Name
    round: Count
    attempt: Count
    client: Name
    weight: Weight
    previous: Digest
    keys: Annotated[tuple[bytes, ...], Field(max_length=0)] = ()


class Participant(Record):
    """client and weight as in `ready`, which the client signed."""

    client: Name
    weight: Weight
    ready: Signed


class State(Record):
    """A model state W. weights: SHA-256 of the coordinates as little-endian int64. commitment: root of C(W) with zero blinds."""

    weights: Digest
    commitment: Digest


class Announcement(Message):
    """The opening of a round; its digest is the session, and every proof of the round is bound to it.

    policy, roster, layout: digests. base: the model that the round starts from. previous: digest of the last record's entry.
    reference, privacy, seed: room for what robust weights, noise and masks need.
    """

    KIND: ClassVar[str] = "announcement"

    version: Literal[1]
    suite: Word
    federation: Name
    round: Count
    attempt: Count
    policy: Digest
    roster: Digest
    layout: Digest
    participants: Annotated[tuple[Participant, ...], Field(min_length=1, max_length=MAX_PARTICIPANTS)]
    base: State
    previous: Digest
    nonce: Digest
    reference: None = None
    privacy: None = None
    seed: None = None

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        names = [p.client for p in self.participants]
        if names != sorted(set(names)):
            raise ValueError("participants are sorted by name, each once")
        return self

    def weight_of(self, client: str) -> int | None:
        """A participant's weight, None for anybody else."""
        return next((p.weight for p in self.participants if p.client == client), None)


class UploadHeader(Message):
    """What a client signs. commitment: row-tree root of C(x). proof: SHA-256 of the proof. There is no hash of x, since x could be
    guessed from it. masked, blinds, sharing: room for masked uploads."""

    KIND: ClassVar[str] = "upload-header"

    session: Digest
    client: Name
    commitment: Digest
    proof: Digest
    masked: None = None
    blinds: None = None
    sharing: None = None


class Upload(Message):
    """What travels. points: the rows of C(x). values: x as little-endian int32. blinds: one scalar per row. values and blinds are
    readable by the aggregator in this version, and go no further."""

    KIND: ClassVar[str] = "upload"

    header: Signed
    points: bytes = Field(repr=False)
    proof: bytes = Field(repr=False)
    values: bytes = Field(repr=False)
    blinds: bytes = Field(repr=False)


class Verdict(Message):
    """The aggregator's receipt. header: digest of the signed header it is about. subject, stage, reason: empty if accepted."""

    KIND: ClassVar[str] = "verdict"

    session: Digest
    client: Name
    header: Digest
    accepted: bool
    subject: Word
    stage: Word
    reason: Reason


class Accepted(Record):
    """header: digest of the client's signed header."""

    client: Name
    header: Digest


class Dropped(Record):
    """Left out, and why. kind: "refused" (something failed) or "dropped" (no valid answer in time). evidence: whether the record
    holds the upload, so that anyone can see it fail; without it the reason is the aggregator's assertion."""

    client: Name
    kind: Literal["refused", "dropped"]
    subject: Word
    stage: Word
    reason: Reason
    evidence: bool


class Result(Message):
    """The end of a round. accepted and dropped together are the participants, each sorted by name. void: too few were accepted,
    nothing was summed and the model stays. total: SHA-256 of the encoded `Total`. proof: SHA-256 of the honest-aggregate proof."""

    KIND: ClassVar[str] = "result"

    session: Digest
    void: bool
    accepted: Annotated[tuple[Accepted, ...], Field(max_length=MAX_PARTICIPANTS)]
    dropped: Annotated[tuple[Dropped, ...], Field(max_length=MAX_PARTICIPANTS)]
    total: Digest | None
    proof: Digest | None
    after: State

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for names in ([a.client for a in self.accepted], [d.client for d in self.dropped]):
            if names != sorted(set(names)):
                raise ValueError("accepted and dropped are sorted by name, each once")
        if {a.client for a in self.accepted} & {d.client for d in self.dropped}:
            raise ValueError("a client is both accepted and dropped")
        if self.void == (self.total is not None) or self.void == (self.proof is not None):
            raise ValueError("a round has a total and its proof, or it is void")
        return self


class Total(Message):
    """Σ w_k·x_k as little-endian int64 and Σ w_k·ρ_k, one scalar per row."""

    KIND: ClassVar[str] = "total"

    values: bytes = Field(repr=False)
    blinds: bytes = Field(repr=False)
