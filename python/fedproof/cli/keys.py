"""`fedproof keygen` and `fedproof endorse`: keys and rosters."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from fedproof.cli.app import Json, app, emit
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.message import validated
from fedproof.encoding.text import printable
from fedproof.encoding.time import parse_utc, utc_text
from fedproof.errors import Malformed, UsageError
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.members import read_members
from fedproof.identity.roster import Roster, endorse, open_roster
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
    """Makes a key and prints its public half. As trust files and rosters write it."""
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


def _check_new(out: Path, previous: Path | None) -> None:
    """Raises `UsageError` where a roster would be written over, but for the one that `--previous` names."""
    if not out.exists() or (previous is not None and previous.exists() and out.samefile(previous)):
        return
    raise UsageError(
        f"{printable(str(out))} exists; give it as --previous to make the next version of it, or another --out"
    )


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
    _check_new(out, previous)
    ends = parse_utc(expires) if expires is not None else None
    if ends is not None and ends <= time.time():
        raise UsageError(f"--expires {utc_text(ends)} is over; nobody could take part under this roster")
    shown = printable(str(members))
    try:
        text = read_capped(members, _LIMIT).decode()
    except UnicodeDecodeError:
        raise Malformed(f"{shown}: not UTF-8") from None
    listed = read_members(text, shown)
    for member in listed.members:
        if member.expires is not None and member.expires <= time.time():
            raise UsageError(
                f"{shown}: members.{member.client}: the time is over; leave it out of the roster"
            )
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
            "expires": ends,
            "members": listed.members,
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
