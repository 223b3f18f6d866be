"""Revocation lists from files and addresses."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO
from urllib.parse import urlsplit
from urllib.request import Request

from fedproof.data.certificate import RevocationList
from fedproof.data.files import MAX_LIST, parse_list, read_list
from fedproof.data.selection import open_revocations
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, UsageError
from fedproof.identity.signed import Signed
from fedproof.identity.training_trust import TrainingTrust

_TIMEOUT = 20
"""Seconds without a byte."""
_DEADLINE = 120
"""Seconds for all of a list."""


def newer_lists(files: Sequence[Path], refresh: bool, trust: TrainingTrust) -> list[RevocationList]:
    """Lists that a verifier brings: from files and, if it asks to refresh, from where its own trust file says. Raises `Malformed`;
    `Refused` for a list that no authority of the trust file signed; `UsageError` where there is no address to refresh from."""
    signed = [read_list(path) for path in files]
    if refresh:
        addresses = {n: a.revocations for n, a in trust.authorities.items() if a.revocations is not None}
        if not addresses:
            raise UsageError("--refresh-revocations: the trust file has no address of a revocation list")
        keys = trust.keys()
        # Its own list and nobody else's: another's would look like an answer.
        fetched = [open_revocations(fetch_list(at), {name: keys[name]}) for name, at in addresses.items()]
    else:
        fetched = []
    return [*(open_revocations(one, trust.keys()) for one in signed), *fetched]


def fetch_list(address: str) -> Signed:
    """From an address of http or https, its signature not looked at. Raises `Malformed`, also where nothing answers, or not all of it in
    time."""
    done: SimpleQueue[bytes | Exception] = SimpleQueue()
    # A server that sends byte after byte never runs into a socket's time-out.
    Thread(target=lambda: done.put(_read(address)), daemon=True).start()
    try:
        data = done.get(timeout=_DEADLINE)
    except Empty:
        data = TimeoutError(f"not all of it was there after {_DEADLINE} seconds")
    if isinstance(data, Exception):
        why = data.reason if isinstance(data, urllib.error.URLError) else data
        raise Malformed(f"cannot fetch {printable(address)}: {printable(str(why))}")
    if len(data) > MAX_LIST:
        raise Malformed(f"{printable(address)}: more than {MAX_LIST} bytes")
    return parse_list(data, address)


class _OnlyHttp(urllib.request.HTTPRedirectHandler):
    """Trust files allow http and https, and redirects lead to nothing else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """None of another scheme."""
        if urlsplit(newurl).scheme not in {"http", "https"}:
            raise urllib.error.URLError(f"it leads to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read(address: str) -> bytes | Exception:
    """What is there, or why it cannot be had."""
    try:
        with urllib.request.build_opener(_OnlyHttp).open(address, timeout=_TIMEOUT) as answer:
            found: bytes = answer.read(MAX_LIST + 1)
            return found
    except (OSError, ValueError, HTTPException) as error:
        return error
