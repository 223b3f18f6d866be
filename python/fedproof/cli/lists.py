"""Revocation lists from files and addresses."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from fedproof.data.certificate import RevocationList
from fedproof.data.files import MAX_LIST, parse_list, read_list
from fedproof.data.selection import open_revocations
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, UsageError
from fedproof.identity.signed import Signed
from fedproof.identity.training_trust import TrainingTrust

_TIMEOUT = 20
"""Seconds."""


def newer_lists(files: Sequence[Path], refresh: bool, trust: TrainingTrust) -> list[RevocationList]:
    """Lists that a verifier brings: from files and, if it asks to refresh, from where its own trust file says. Raises `Malformed`;
    `Refused` for a list that no authority of the trust file signed; `UsageError` where there is no address to refresh from."""
    signed = [read_list(path) for path in files]
    if refresh:
        addresses = [a.revocations for a in trust.authorities.values() if a.revocations is not None]
        if not addresses:
            raise UsageError("--refresh-revocations: the trust file has no address of a revocation list")
        signed += [fetch_list(address) for address in addresses]
    return [open_revocations(one, trust.keys()) for one in signed]


def fetch_list(address: str) -> Signed:
    """From an address of http or https, its signature not looked at. Raises `Malformed`, also where nothing answers."""
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:  # noqa: S310 # trust files allow http and https only
            data = answer.read(MAX_LIST + 1)
    except (OSError, ValueError) as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        raise Malformed(f"cannot fetch {printable(address)}: {printable(str(why))}") from None
    if len(data) > MAX_LIST:
        raise Malformed(f"{printable(address)}: more than {MAX_LIST} bytes")
    return parse_list(data, address)
