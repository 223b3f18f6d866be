"""The roster: who may take part, signed by an endorser that clients and verifiers trust, never by the aggregator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name
from fedproof.encoding.time import Time, utc_text
from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.identity.signed import Signed, sign, signer_key

MAX_MEMBERS = 100_000


class Member(Record):
    """client: name. key: raw Ed25519 key, 32 bytes. expires: from then on it is no member any more."""

    client: Name
    key: Annotated[bytes, Field(min_length=32, max_length=32)]
    expires: Time | None = None


class Roster(Message):
    """version: 1, 2, … as members join, leave or change keys. previous: digest of the version before, none for the first.
    expires: from then on nobody is a member. members: sorted by name; names and keys are distinct."""

    KIND: ClassVar[str] = "roster"

    version: Annotated[int, Field(ge=1)]
    federation: Name
    endorser: Name
    previous: Digest | None
    expires: Time | None = None
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

    @cached_property
    def _by_name(self) -> dict[str, Member]:
        return {member.client: member for member in self.members}

    def key_of(self, client: str) -> VerifyKey:
        """A member's key; raises `Refused` (stage "trust") for anybody else."""
        return VerifyKey(self._member(client).key)

    def check_current(self, client: str, at: int) -> None:
        """The client is a member at this time: neither its place nor the roster has expired. Raises `Refused` (stage "trust",
        "expiry")."""
        member = self._member(client)
        if self.expires is not None and at >= self.expires:
            raise Refused("roster", "expiry", f"the roster expired at {utc_text(self.expires)}", party=client)
        if member.expires is not None and at >= member.expires:
            detail = f"its membership expired at {utc_text(member.expires)}"
            raise Refused("roster", "expiry", detail, party=client)

    def _member(self, client: str) -> Member:
        member = self._by_name.get(client)
        if member is None:
            raise Refused("roster", "trust", "not a member", party=client)
        return member


def endorse(roster: Roster, key: SigningKey) -> Signed:
    """The endorser's signature."""
    return sign(roster, key)


def open_roster(signed: Signed, endorsers: Mapping[str, VerifyKey], federation: str) -> Roster:
    """The roster, if an endorser in `endorsers` signed it for this federation. Raises `Refused`."""
    key = signer_key(signed, Roster.KIND, "endorser", endorsers)
    roster = signed.open(Roster, key)
    if roster.federation != federation:
        raise Refused("roster", "statement", "made for another federation")
    return roster
