"""`fedproof keygen` and `fedproof endorse`: keys and rosters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, Field

from fedproof.cli.app import Json, app, emit
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.message import validated
from fedproof.encoding.text import Name, printable
from fedproof.encoding.time import parse_utc, utc_text
from fedproof.encoding.toml import parse_toml
from fedproof.errors import Malformed, UsageError
from fedproof.identity.keys import EnvelopeKey, SigningKey, VerifyKey
from fedproof.identity.roster import Member, Roster, endorse, open_roster
from fedproof.identity.signed import Signed

_LIMIT = 1 << 24


@app.command()
def keygen(
    out: Annotated[Path, typer.Argument(help="Where the private key goes (PEM, readable by you alone).")],
    envelope: Annotated[
        bool, typer.Option(help="An ECDSA P-256 key for certificates instead of an Ed25519 one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Makes a key and prints its public half, as trust files and rosters write it."""
    if out.exists():
        raise UsageError(f"{printable(str(out))} exists; a key is never overwritten")
    if envelope:
        envelope_key = EnvelopeKey.generate()
        envelope_key.save(out)
        public = envelope_key.verify_key.pem
    else:
        key = SigningKey.generate()
        key.save(out)
        public = key.verify_key.text
    if as_json:
        emit({"file": str(out), "public": public})
    else:
        print(public.rstrip("\n"))


class _Listed(BaseModel):
    """A member with a time."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str
    expires: str

    def member(self, client: str) -> Member:
        """As rosters list it. Raises `Malformed`."""
        return Member(client=client, key=VerifyKey.parse(self.key).raw, expires=parse_utc(self.expires))


class _Members(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    federation: Name
    endorser: Name
    members: dict[Name, str | _Listed] = Field(min_length=1)


@app.command(name="endorse")
def endorse_roster(
    members: Annotated[
        Path,
        typer.Argument(
            help="TOML: federation, endorser, and [members] with name = key or name = { key, expires }."
        ),
    ],
    key: Annotated[Path, typer.Option(help="The endorser's private key.")],
    out: Annotated[Path, typer.Option(help="Where the endorsed roster goes.")],
    previous: Annotated[
        Path | None, typer.Option(help="The version before, if this is not the first.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When the whole roster ends, in UTC: 2027-01-31T00:00:00Z.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Signs who may take part. The endorser does this, never the aggregator."""
    shown = printable(str(members))
    try:
        raw = parse_toml(read_capped(members, _LIMIT).decode())
    except UnicodeDecodeError:
        raise Malformed(f"{shown}: not UTF-8") from None
    listed = validated(_Members, raw, shown)
    signing = SigningKey.load(key)
    version, before = 1, None
    if previous is not None:
        signed = Signed.from_bytes(read_capped(previous, _LIMIT), limit=_LIMIT)
        version = open_roster(signed, {listed.endorser: signing.verify_key}, listed.federation).version + 1
        before = signed.digest()
    roster = validated(
        Roster,
        {
            "version": version,
            "federation": listed.federation,
            "endorser": listed.endorser,
            "previous": before,
            "expires": parse_utc(expires) if expires is not None else None,
            "members": [
                listing.member(client)
                if isinstance(listing, _Listed)
                else Member(client=client, key=VerifyKey.parse(listing).raw)
                for client, listing in sorted(listed.members.items())
            ],
        },
        "roster",
    )
    endorsed = endorse(roster, signing)
    write_atomic(out, endorsed.to_bytes())
    summary = {
        "file": str(out),
        "version": version,
        "members": len(roster.members),
        "expires": utc_text(roster.expires) if roster.expires is not None else None,
        "digest": endorsed.digest().hex(),
    }
    if as_json:
        emit(summary)
    else:
        print(f"roster version {version} with {len(roster.members)} members: {printable(str(out))}")
