"""The roster: who may take part, signed by an endorser that clients and verifiers trust, never by the aggregator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.identity.signed import Signed, peek, sign

MAX_MEMBERS = 100_000


class Member(Record):
    """client: name. key: raw Ed25519 key, 32 bytes."""

    client: Name
    key: Annotated[bytes, Field(min_length=32, max_length=32)]


class Roster(Message):
    """version: 1, 2, … as members join, leave or change keys. previous: digest of the version before, none for the first.
    members: sorted by name; names and keys are distinct."""

    KIND: ClassVar[str] = "roster"

    version: Annotated[int, Field(ge=1)]
    federation: Name
    endorser: Name
    previous: Digest | None
    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=MAX_MEMBERS)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [m.client for m in self.members]
        if names != sorted(set(names)):
            raise ValueError("members are sorted by name, each once")
        if len({m.key for m in self.members}) != len(self.members):
            raise ValueError("two members have the same key")
        if (self.version == 1) != (self.previous is None):
            raise ValueError("every version but the first names the one before")
        return self

    def key_of(self, client: str) -> VerifyKey:
        """A member's key; raises `Refused` (stage "trust") for anybody else."""
        for member in self.members:
            if member.client == client:
                return VerifyKey(member.key)
        raise Refused("roster", "trust", "not a member", party=client)


def endorse(roster: Roster, key: SigningKey) -> Signed:
    """The endorser's signature."""
    return sign(roster, key)


def open_roster(signed: Signed, endorsers: Mapping[str, VerifyKey], federation: str) -> Roster:
    """The roster, if an endorser in `endorsers` signed it for this federation. Raises `Refused`."""
    try:
        name = peek(signed).get("endorser")
    except Malformed as error:
        raise Refused("roster", "decoding", str(error)) from None
    key = endorsers.get(name) if isinstance(name, str) else None
    if key is None:
        raise Refused("roster", "trust", "no endorser that is trusted here signed it")
    roster = signed.open(Roster, key)
    if roster.federation != federation:
        raise Refused("roster", "statement", "made for another federation")
    return roster
