"""Revocation lists from files and addresses; signatures are looked at by whoever knows the authorities."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

from fedproof.encoding.files import read_capped
from fedproof.encoding.text import printable
from fedproof.errors import Malformed
from fedproof.identity.signed import Signed
from fedproof.provenance.training_bundle import MAX_LIST

_TIMEOUT = 20
"""Seconds."""


def read_list(path: Path) -> Signed:
    """Raises `Malformed`."""
    return _parse(read_capped(path, MAX_LIST), str(path))


def fetch_list(address: str) -> Signed:
    """From an address of http or https. Raises `Malformed`, also where nothing answers."""
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:  # noqa: S310 # trust files allow http and https only
            data = answer.read(MAX_LIST + 1)
    except (OSError, ValueError) as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        raise Malformed(f"cannot fetch {printable(address)}: {printable(str(why))}") from None
    if len(data) > MAX_LIST:
        raise Malformed(f"{printable(address)}: more than {MAX_LIST} bytes")
    return _parse(data, address)


def _parse(data: bytes, where: str) -> Signed:
    try:
        return Signed.from_bytes(data, limit=MAX_LIST)
    except Malformed as error:
        raise Malformed(f"{printable(where)}: no revocation list: {error}") from None
