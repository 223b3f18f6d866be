"""What a client must remember of its answers across a crash, as one sealed file of its state folder: it says nothing twice, and opens no
second set (spec/round.md §6, spec/secure-aggregation.md §13)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field

from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name
from fedproof.proofs import masking
from fedproof.round.client import Client
from fedproof.round.masked import MaskedRound
from fedproof.round.masked_messages import MAX_MASKED, AcceptedSet, Scalar, SelfShare
from fedproof.round.masker import Masker
from fedproof.round.messages import Announcement, Count, RoundKey, UploadHeader, Weight

LIMIT = 1 << 28
"""Bytes that are read at most: many times what a round of 1,000 participants leaves."""


class _Masks(Record):
    """What a `Masker` has, but for its upload. announcement, opens: encoded, empty before there is one; own likewise."""

    keys: tuple[RoundKey, RoundKey]
    mask: Scalar
    encryption: Scalar
    announcement: Annotated[bytes, Field(repr=False)]
    own: Annotated[bytes, Field(max_length=32, repr=False)]
    opens: Annotated[bytes, Field(repr=False)]
    answered: bool
    shares: Annotated[tuple[SelfShare, ...], Field(max_length=MAX_MASKED)]
    left_out: Annotated[tuple[Name, ...], Field(max_length=MAX_MASKED)]


class _Answered(Record):
    """An `Attempt`."""

    round: Count
    attempt: Count
    weight: Weight
    session: Digest | None
    header: Digest | None
    accepted: bool
    masks: _Masks | None


class Answers(Message):
    """number: how many of these the node wrote. counted: whether a counter outside the folder knows of them. round: the next one of its
    chain. releases: sums that it helped to open from the base model `base`. ended: the round of which it saw the aggregator's result."""

    KIND: ClassVar[str] = "node-answers"

    number: Count
    counted: bool
    round: Count
    base: Digest
    releases: Count
    ended: Count | None
    answered: tuple[_Answered, ...]

    @classmethod
    def of(cls, client: Client, number: int, *, counted: bool) -> Self:
        """What is over binds nobody, and is left out."""
        at = client.chain.round
        return cls(
            number=number,
            counted=counted,
            round=at,
            base=client.chain.state.weights,
            releases=client.releases,
            ended=client.ended,
            answered=tuple(
                _Answered(
                    round=place[0],
                    attempt=place[1],
                    weight=said.weight,
                    session=said.session,
                    header=said.header,
                    accepted=said.accepted,
                    masks=_masks(said.masker) if said.masker is not None else None,
                )
                for place, said in client.attempts.items()
                if place[0] >= at
            ),
        )

    def restore(self, client: Client) -> None:
        """client: where its chain stands. Of rounds before that nothing counts, nor of another base model."""
        at = client.chain.round
        client.ended = self.ended
        client.releases = self.releases if self.base == client.chain.state.weights else 0
        for kept in self.answered:
            if kept.round >= at:
                said = client.attempts.declare((kept.round, kept.attempt), kept.weight)
                said.session, said.header, said.accepted = kept.session, kept.header, kept.accepted
                said.masker = _masker(kept.masks, client) if kept.masks is not None else None


def _masks(masker: Masker) -> _Masks:
    return _Masks(
        keys=masker.keys,
        mask=masker.mask.secret,
        encryption=masker.encryption.secret,
        announcement=masker.round.announcement.to_bytes() if masker.round else b"",
        own=masker.own.secret if masker.own else b"",
        opens=masker.opens.to_bytes() if masker.opens else b"",
        answered=masker.answered,
        shares=tuple(SelfShare(client=c, share=s) for c, s in sorted(masker.shares.items())),
        left_out=tuple(sorted(masker.left_out)),
    )


def _masker(kept: _Masks, client: Client) -> Masker:
    """As it was: what it holds was checked before it was kept."""
    suite = client.chain.suite

    def pair(secret: bytes) -> masking.KeyPair:
        return masking.KeyPair(secret, masking.public_keys(suite, secret))

    masker = Masker(client.name, kept.keys, pair(kept.mask), pair(kept.encryption))
    if kept.announcement:
        announcement = Announcement.from_bytes(kept.announcement, limit=LIMIT)
        masker.round = MaskedRound(announcement, announcement.digest(), client.chain, client.roster)
    if kept.own:
        masker.own = pair(kept.own)
    if kept.opens:
        opens = AcceptedSet.from_bytes(kept.opens, limit=LIMIT)
        headers = {m.client: UploadHeader.from_bytes(m.signed.payload) for m in opens.headers}
        masker.take_set(opens, headers)
    masker.answered = kept.answered
    masker.shares = {s.client: s.share for s in kept.shares}
    masker.left_out = set(kept.left_out)
    return masker
