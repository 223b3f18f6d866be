"""A number that only grows, kept where a roll-back of a node's state folder does not reach: with it a node that was set back to an earlier
state refuses to work, instead of answering twice (spec/secure-aggregation.md §13)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused

_MAX_FILE = 32


class Counter(Protocol):
    """A TPM's counter, say, or a service of the hospital's."""

    def read(self) -> int:
        """0 before the first `advance`. Raises `UsageError`, `Malformed` where it cannot be read."""

    def advance(self, to: int) -> None:
        """From here on `read` gives this, durably. to: more than it gave, by one but for the first time that a folder is opened with this
        counter. Raises `UsageError`."""


@dataclass(frozen=True)
class FileCounter:
    """A file. It helps where its disk is not set back together with the state folder's: on another machine's share, say, beside a virtual
    machine of which snapshots are taken."""

    path: Path

    def read(self) -> int:
        """Raises `Malformed`."""
        if not self.path.exists():
            return 0
        text = read_capped(self.path, _MAX_FILE).strip()
        if not text.isdigit():
            raise Malformed(f"{printable(str(self.path))} holds no number")
        return int(text)

    def advance(self, to: int) -> None:
        """Raises `UsageError` where the file cannot be written, `Refused` (object "state folder") for a number that is not more than it
        has."""
        if to <= self.read():
            raise Refused("state folder", "chain", f"a counter does not go back from {self.read()} to {to}")
        write_atomic(self.path, f"{to}\n".encode(), mode=0o600)
