"""The messages of a round (spec/round.md), each signed by its sender. What only masked rounds have stands in `masked_messages`."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name, Reason
from fedproof.encoding.time import Time
from fedproof.identity.signed import Signed
from fedproof.proofs import Opening

Count = Annotated[int, Field(ge=0, le=1 << 32)]
Weight = Annotated[int, Field(ge=1, le=1 << 32)]
Word = Annotated[str, Field(max_length=64)]
MAX_PARTICIPANTS = 100_000


class RoundKey(Record):
    """A key for one round. key: a point. proof: that its maker has the secret (spec/masks.md §3)."""

    key: Annotated[bytes, Field(min_length=32, max_length=64)]
    proof: Annotated[bytes, Field(min_length=64, max_length=96)]


class Ready(Message):
    """A client will take part. weight: what it declares. policy, roster: digests of those that it holds. previous: digest of the last
    record it adopted (zero before the first). keys: of a masked round its mask key and its encryption key, of others none."""

    KIND: ClassVar[str] = "ready"

    federation: Name
    round: Count
    attempt: Count
    client: Name
    weight: Weight
    policy: Digest
    roster: Digest
    previous: Digest
    keys: Annotated[tuple[RoundKey, ...], Field(max_length=2)] = ()


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

    time: the aggregator's clock; no earlier than the round's before. policy, roster, layout: digests. base: the model that the round
    starts from. previous: digest of the last record's entry.
    reference, privacy, seed: room for what robust weights and noise need.
    """

    KIND: ClassVar[str] = "announcement"

    version: Literal[1]
    suite: Word
    federation: Name
    round: Count
    attempt: Count
    time: Time
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
        return self._weights.get(client)

    @cached_property
    def _weights(self) -> dict[str, int]:
        return {p.client: p.weight for p in self.participants}


class UploadHeader(Message):
    """What a client signs. commitment: row-tree root of C(x). proof: SHA-256 of the proof. opening: digest of the `UploadOpening`; its
    salt keeps x from being guessed, as from a hash of x alone it could. A masked upload has none; masked, blinds, sharing are of it
    alone: digests of its rows, its blinds, its `Sharing`."""

    KIND: ClassVar[str] = "upload-header"

    session: Digest
    client: Name
    commitment: Digest
    proof: Digest
    opening: Digest | None
    masked: Digest | None = None
    blinds: Digest | None = None
    sharing: Digest | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        there = [part is not None for part in (self.masked, self.blinds, self.sharing)]
        if there != [self.opening is None] * 3:
            raise ValueError("an upload is in clear, or it is masked: with masked, blinds and sharing")
        return self


class UploadOpening(Message):
    """What opens C(x). values: x as little-endian int32. blinds: one scalar per row. salt: random, used nowhere else, so that the
    digest hides the rest even from somebody who learns to compute blinds from commitments. The aggregator reads it; it
    goes no further, unless its client signed for it and it is false: then it is evidence."""

    KIND: ClassVar[str] = "upload-opening"

    salt: Digest = Field(repr=False)
    values: bytes = Field(repr=False)
    blinds: bytes = Field(repr=False)

    @classmethod
    def of(cls, opening: Opening) -> Self:
        """With a fresh salt."""
        values = opening.values.astype("<i4").tobytes()
        return cls(salt=secrets.token_bytes(32), values=values, blinds=opening.blinds)


class Upload(Message):
    """What travels. points: the rows of C(x). values, blinds, salt: as in `UploadOpening`."""

    KIND: ClassVar[str] = "upload"

    header: Signed
    points: bytes = Field(repr=False)
    proof: bytes = Field(repr=False)
    values: bytes = Field(repr=False)
    blinds: bytes = Field(repr=False)
    salt: Digest = Field(repr=False)

    def opening(self) -> UploadOpening:
        """The clear values, as the header names them."""
        return UploadOpening(salt=self.salt, values=self.values, blinds=self.blinds)


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
    """Left out, and why. kind: "refused" (what the client signed failed: the record holds it, so that anyone can see it fail), "named"
    (what it uploaded under masks, sealed or signed about it is false: the record holds the evidence) or "dropped" (no valid answer in
    time: the aggregator's assertion)."""

    client: Name
    kind: Literal["refused", "named", "dropped"]
    subject: Word
    stage: Word
    reason: Reason


class Result(Message):
    """The end of a round. accepted and dropped together are the participants, each sorted by name. void: too few were accepted,
    or the sum of a masked round stayed closed; there is no total and the model stays. total: SHA-256 of the encoded `Total`. proof:
    SHA-256 of the honest-aggregate proof. closed: by the aggregator's clock."""

    KIND: ClassVar[str] = "result"

    session: Digest
    void: bool
    accepted: Annotated[tuple[Accepted, ...], Field(max_length=MAX_PARTICIPANTS)]
    dropped: Annotated[tuple[Dropped, ...], Field(max_length=MAX_PARTICIPANTS)]
    total: Digest | None
    proof: Digest | None
    after: State
    closed: Time

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
