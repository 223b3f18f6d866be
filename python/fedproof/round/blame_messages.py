"""The messages of a masked round whose sum did not open: fingerprints, what is opened to find who is to blame, and evidence
(spec/secure-aggregation.md §8 to §11). Clients are named; lists are sorted by name, each name once."""

from __future__ import annotations

from bisect import bisect_left
from typing import Annotated, ClassVar, Self, TypeAlias, get_args

from pydantic import Field, model_validator

from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record, read_one_of
from fedproof.encoding.text import Name
from fedproof.identity.signed import Signed
from fedproof.round.masked_messages import (
    MAX_MASKED,
    Ciphertext,
    OpenedPair,
    Pair,
    Point,
    Proof,
    Scalar,
    Sharing,
    check_sorted,
)

MAX_EVIDENCE = 1 << 26
"""Bytes of evidence at most: several times what the largest update's has, since all that goes into it is limited."""


class FingerprintRequest(Message):
    """Asks a member that opened this set for fingerprints of its upload. accepted: digest of the set."""

    KIND: ClassVar[str] = "fingerprint-request"

    session: Digest
    accepted: Digest


class PairPoints(Record):
    """What a member signs of the mask between it and `client`: Φ of every repetition."""

    client: Name
    points: Annotated[bytes, Field(max_length=192)]


class Fingerprints(Message):
    """What a member answers for. rows: packed residues, the fingerprint of each row of its upload, repetition after repetition. pairs: of
    its neighbours in the set. proof: R4, that the upload is the weighted update under these pairs' masks."""

    KIND: ClassVar[str] = "fingerprints"

    session: Digest
    client: Name
    accepted: Digest
    rows: Annotated[bytes, Field(max_length=1 << 21, repr=False)]
    pairs: Annotated[tuple[PairPoints, ...], Field(max_length=MAX_MASKED)]
    proof: Annotated[bytes, Field(max_length=1 << 16, repr=False)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        check_sorted(self.pairs)
        return self

    def points_of(self, other: str) -> bytes | None:
        """Of the mask that it shares with another client, if it signed for one."""
        at = bisect_left(self.pairs, other, key=lambda pair: pair.client)  # they are sorted
        return self.pairs[at].points if at < len(self.pairs) and self.pairs[at].client == other else None


class HolderPart(Record):
    """share·E, by a holder of a share of the other end's mask secret."""

    client: Name
    point: Point
    proof: Proof


class ShownPair(Record):
    """What the mask keys of two neighbours share. proof: by `pair.member`. Where it stays silent, parts: by holders of its shares, as many
    as it takes, and the `Sharing` that they are held against."""

    pair: Pair
    point: Point
    proof: Proof | None = None
    parts: Annotated[tuple[HolderPart, ...], Field(max_length=MAX_MASKED)] = ()
    sharing: Sharing | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        check_sorted(self.parts)
        if (self.proof is None) != bool(self.parts) or (self.proof is None) != (self.sharing is not None):
            raise ValueError("a pair is opened by an end, or by parts and the sharing that they are of")
        return self


# --- evidence: each is complete with the round's announcement and the set ------------------------------------------------


class WrongRow(Message):
    """The accused signed a row fingerprint that is not that of the row it uploaded. fingerprints: signed. hashes: of all rows, one after
    the other. row: packed residues."""

    KIND: ClassVar[str] = "wrong-row"

    fingerprints: Signed
    hashes: bytes = Field(repr=False)
    number: Annotated[int, Field(ge=0, le=1 << 32)]
    row: bytes = Field(repr=False)


class FailedProof(Message):
    """The accused signed a proof that does not hold for what it signed. points: the rows of C(x). blinds: masked. secret: of its own mask.
    pairs: with its neighbours outside the set, as it opened them."""

    KIND: ClassVar[str] = "failed-proof"

    fingerprints: Signed
    points: bytes = Field(repr=False)
    blinds: bytes = Field(repr=False)
    sharing: Sharing
    secret: Scalar
    pairs: Annotated[tuple[OpenedPair, ...], Field(max_length=MAX_MASKED)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        check_sorted(self.pairs)
        return self


class WrongPair(Message):
    """The accused signed points of a pair that are not those of the mask it opens to."""

    KIND: ClassVar[str] = "wrong-pair"

    fingerprints: Signed
    shown: ShownPair


class BadShare(Message):
    """What the accused sealed for `holder` is no share of what it committed to. point: what their encryption keys share; proof: by the
    holder."""

    KIND: ClassVar[str] = "bad-share"

    client: Name
    holder: Name
    point: Point
    proof: Proof
    ciphertext: Ciphertext
    sharing: Sharing


Evidence: TypeAlias = WrongRow | FailedProof | WrongPair | BadShare


def read_evidence(data: bytes) -> Evidence:
    """Raises `Malformed`."""
    evidence: Evidence = read_one_of(get_args(Evidence), data, what="evidence", limit=MAX_EVIDENCE)
    return evidence


# --- what is opened ------------------------------------------------------------------------------------------------------


class ConflictRequest(Message):
    """Two ends signed different points for one pair: asks whoever can to open it."""

    KIND: ClassVar[str] = "conflict-request"

    session: Digest
    accepted: Digest
    first: Signed
    second: Signed


class RepairRequest(Message):
    """Evidence names somebody: asks for pairs of members that stay with the one that is named. evidence: encoded. members: of these
    pairs."""

    KIND: ClassVar[str] = "repair-request"

    session: Digest
    accepted: Digest
    evidence: Annotated[bytes, Field(max_length=MAX_EVIDENCE, repr=False)]
    members: Annotated[tuple[Name, ...], Field(max_length=MAX_MASKED)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        if list(self.members) != sorted(set(self.members)):
            raise ValueError("members are sorted by name, each once")
        return self
