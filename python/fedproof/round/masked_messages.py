"""The messages of a masked round (spec/secure-aggregation.md §3). Clients are named; lists are sorted by name, each name once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Protocol, Self, TypeAlias

from pydantic import Field, model_validator

from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name
from fedproof.identity.signed import Signed
from fedproof.round.messages import MAX_PARTICIPANTS, Upload

Scalar = Annotated[bytes, Field(min_length=32, max_length=32, repr=False)]
Point = Annotated[bytes, Field(min_length=32, max_length=64)]
Ciphertext = Annotated[bytes, Field(max_length=128)]
Proof = Annotated[bytes, Field(min_length=64, max_length=192)]
MAX_MASKED = 1000
"""Participants of a masked round at most."""
MAX_SHARING = MAX_MASKED * 512
"""Bytes of a `Sharing`, and of the ciphertexts that belong to it, at most."""


class _Named(Protocol):
    @property
    def client(self) -> str: ...


def check_sorted(entries: Sequence[_Named]) -> None:
    """For validators: raises `ValueError` unless names are sorted, each once."""
    names = [e.client for e in entries]
    if names != sorted(set(names)):
        raise ValueError("clients are sorted by name, each once")


def _check_pairs(pairs: Sequence[Pair]) -> None:
    edges = [(p.member, p.other) for p in pairs]
    if edges != sorted(set(edges)):
        raise ValueError("pairs are sorted, each once")


class Sharing(Message):
    """How a client shared its self secret b and its mask secret e among its neighbours. self_commitments, key_commitments: points of both
    polynomials, the first those of b and e. ciphertexts: SHA-256 of the sealed shares, in the neighbours' order."""

    KIND: ClassVar[str] = "sharing"

    self_commitments: bytes
    key_commitments: bytes
    ciphertexts: Annotated[tuple[Digest, ...], Field(max_length=MAX_MASKED)]


class MaskedUpload(Message):
    """What travels in a masked round. points: the rows of C(x). masked: y, packed residues. blinds: a scalar per row. ciphertexts: sealed
    shares, in the neighbours' order."""

    KIND: ClassVar[str] = "masked-upload"

    header: Signed
    points: bytes = Field(repr=False)
    proof: bytes = Field(repr=False)
    masked: bytes = Field(repr=False)
    blinds: bytes = Field(repr=False)
    sharing: Sharing
    ciphertexts: Annotated[tuple[Ciphertext, ...], Field(max_length=MAX_MASKED)]


AnyUpload: TypeAlias = Upload | MaskedUpload
"""As the policy asks for."""


class FromClient(Record):
    """What a client signed."""

    client: Name
    signed: Signed


class AcceptedSet(Message):
    """The set U, which the aggregator signs: nobody opens any other. headers: of its members' uploads."""

    KIND: ClassVar[str] = "accepted-set"

    session: Digest
    headers: Annotated[tuple[FromClient, ...], Field(min_length=1, max_length=MAX_MASKED)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        check_sorted(self.headers)
        return self


class AgreeRequest(Message):
    """Asks a member to agree to a set. accepted: the signed `AcceptedSet`."""

    KIND: ClassVar[str] = "agree-request"

    accepted: Signed


class Acknowledgement(Message):
    """This is the only set that the client opens in the session. accepted: digest of the `AcceptedSet`."""

    KIND: ClassVar[str] = "acknowledgement"

    session: Digest
    client: Name
    accepted: Digest


class Delivery(Record):
    """What a member sealed for the client that is asked. client: the member. ciphertext: of both shares."""

    client: Name
    sharing: Sharing
    ciphertext: Ciphertext


class UnmaskRequest(Message):
    """Asks a member for its shares. accepted: the signed `AcceptedSet`. acknowledgements: of it, by its members. deliveries: from the
    member's neighbours in the set."""

    KIND: ClassVar[str] = "unmask-request"

    accepted: Signed
    acknowledgements: Annotated[tuple[FromClient, ...], Field(max_length=MAX_MASKED)]
    deliveries: Annotated[tuple[Delivery, ...], Field(max_length=MAX_MASKED)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        check_sorted(self.acknowledgements)
        check_sorted(self.deliveries)
        return self


class SelfShare(Record):
    """The share of the self secret that a member gave to the client that answers."""

    client: Name
    share: Scalar


class OpenedPair(Record):
    """The point that the answering client shares with another participant, and the proof of it."""

    client: Name
    point: Point
    proof: Proof


class Complaint(Record):
    """What a member sealed for the answering client is no share of what the member committed to. point: what their encryption keys share,
    which opens the ciphertext; proof: of it."""

    client: Name
    point: Point
    proof: Proof


class UnmaskAnswer(Message):
    """shares or complaints: one for each neighbour in the set. pairs: one for each neighbour that is not."""

    KIND: ClassVar[str] = "unmask-answer"

    acknowledgement: Signed
    shares: Annotated[tuple[SelfShare, ...], Field(max_length=MAX_MASKED)]
    pairs: Annotated[tuple[OpenedPair, ...], Field(max_length=MAX_MASKED)]
    complaints: Annotated[tuple[Complaint, ...], Field(max_length=MAX_MASKED)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        for entries in (self.shares, self.pairs, self.complaints):
            check_sorted(entries)
        return self


class Pair(Record):
    """Two neighbours, of which `member` is in the set. Of a recovery the other is not; of a disagreement and a repair it is."""

    member: Name
    other: Name


class RecoveryRequest(Message):
    """Asks for shares of pairs. accepted: digest of the set. acknowledgements: of it, by its members."""

    KIND: ClassVar[str] = "recovery-request"

    session: Digest
    accepted: Digest
    pairs: Annotated[tuple[Pair, ...], Field(max_length=MAX_PARTICIPANTS)]
    acknowledgements: Annotated[tuple[FromClient, ...], Field(max_length=MAX_MASKED)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        _check_pairs(self.pairs)
        check_sorted(self.acknowledgements)
        return self


class PairPart(Record):
    """share·E: of the member's mask secret and the other's mask key. proof: against the member's commitments. Of one of both ends, where
    it is asked for its own pair: what both keys share, with its proof."""

    pair: Pair
    point: Point
    proof: Proof


class RecoveryAnswer(Message):
    """In the order of the request; pairs of which the client holds no share are left out."""

    KIND: ClassVar[str] = "recovery-answer"

    session: Digest
    client: Name
    parts: Annotated[tuple[PairPart, ...], Field(max_length=MAX_PARTICIPANTS)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        _check_pairs([part.pair for part in self.parts])
        return self
