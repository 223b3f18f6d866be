"""A node's own audit log: one JSON object a line, each with the SHA-256 of the line before. The aggregator's log could be tampered
with; this one stays at the node, and shows if a line was changed, added or taken out before its last one."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from fedproof.encoding.digest import sha256
from fedproof.encoding.files import read_capped
from fedproof.errors import Malformed, Refused

_LIMIT = 1 << 30
_START = "0" * 64


class AuditLog:
    """Append-only. A line that a crash cut off is dropped when the log is opened: it was never complete."""

    def __init__(self, path: Path) -> None:
        """Raises `Refused` (stage "chain") if a complete line does not follow from the one before."""
        self._path = path
        data = read_capped(path, _LIMIT) if path.exists() else b""
        complete = data[: data.rfind(b"\n") + 1]
        self._last = _check(complete)
        if complete != data:
            with path.open("r+b") as file:
                file.truncate(len(complete))

    def append(self, event: str, **details: str | int | bool) -> None:
        """Written through to the disk before this returns."""
        line = {"previous": self._last, "time": int(time.time()), "event": event, **details}
        data = json.dumps(line, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        with self._path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._last = sha256(data).hex()

    def events(self) -> list[dict[str, Any]]:
        """All lines, in order."""
        if not self._path.exists():
            return []
        return [json.loads(line) for line in read_capped(self._path, _LIMIT).splitlines()]


def _check(data: bytes) -> str:
    last = _START
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        try:
            previous = json.loads(line).get("previous")
        except (ValueError, AttributeError):
            raise Malformed(f"audit log: line {number} is not a JSON object") from None
        if previous != last:
            raise Refused("audit log", "chain", f"line {number} does not follow from the line before")
        last = sha256(line).hex()
    return last
