"""The file from which an endorser makes a roster: who may take part, as people write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from fedproof.encoding.message import validated
from fedproof.encoding.text import Name
from fedproof.encoding.time import parse_utc, utc_seconds
from fedproof.encoding.toml import parse_toml
from fedproof.errors import Malformed
from fedproof.identity.keys import VerifyKey
from fedproof.identity.roster import Member


class _Listed(BaseModel):
    """A member with a time, as text or as TOML's own date and time."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str
    expires: str | datetime


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    federation: Name
    endorser: Name
    members: dict[Name, str | _Listed] = Field(min_length=1)


@dataclass(frozen=True)
class Members:
    """members: sorted by name, as rosters list them; no two have the same key."""

    federation: str
    endorser: str
    members: tuple[Member, ...]


def read_members(text: str, shown: str) -> Members:
    """Reads the TOML text. shown: the file's name, for errors. Raises `Malformed` with file and member."""
    try:
        tables = parse_toml(text)
    except Malformed as error:
        raise Malformed(f"{shown}: {error}") from None
    file = validated(_File, tables, shown)
    found: dict[bytes, Member] = {}
    for client, listing in sorted(file.members.items()):
        try:
            member = _member(client, listing)
        except Malformed as error:
            raise Malformed(f"{shown}: members.{client}: {error}") from None
        if member.key in found:
            raise Malformed(
                f"{shown}: members.{client}: has the same key as members.{found[member.key].client}"
            )
        found[member.key] = member
    return Members(file.federation, file.endorser, tuple(found.values()))


def _member(client: str, listing: str | _Listed) -> Member:
    if isinstance(listing, str):
        return Member(client=client, key=VerifyKey.parse(listing).raw)
    ends = listing.expires
    expires = parse_utc(ends) if isinstance(ends, str) else utc_seconds(ends)
    return Member(client=client, key=VerifyKey.parse(listing.key).raw, expires=expires)
