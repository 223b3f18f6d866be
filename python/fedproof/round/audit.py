"""A node's own audit log: one JSON object a line, each with the SHA-256 of the line before. The aggregator's log could be tampered
with; this one stays at the node, and shows if a line was changed, added or taken out before its last one."""

from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Self

from fedproof.encoding.digest import sha256
from fedproof.encoding.files import read_capped, sync_folder
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused, UsageError

_LIMIT = 1 << 30
_START = "0" * 64


class AuditLog:
    """Append-only. A line that a crash cut off is dropped when the log is opened: it was never complete."""

    def __init__(self, path: Path) -> None:
        """Raises `Refused` (stage "chain") if a complete line does not follow from the one before."""
        self._path = path
        history = History.parse(read_capped(path, _LIMIT) if path.exists() else b"")
        self._last = history.last
        self._size = history.size

    def append(self, event: str, **details: str | int | bool) -> None:
        """Written through to the disk before this returns. Raises `UsageError` where it cannot be: then nothing was appended."""
        line = {"previous": self._last, "time": int(time.time()), "event": event, **details}
        data = json.dumps(line, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        try:
            if self._size == 0:
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
                sync_folder(self._path.parent)
            handle = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW)
            with os.fdopen(handle, "r+b", buffering=0) as file:
                self._cut(file)
                try:
                    file.seek(self._size)
                    if file.write(data) != len(data):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(self._size)
                    raise
        except OSError as error:
            where = printable(str(self._path))
            raise UsageError(f"cannot write the audit log {where}: {error.strerror}") from error
        self._last = sha256(data).hex()
        self._size += len(data)

    def _cut(self, file: FileIO) -> None:
        """Removes the half line that a failed write left: it would spoil every later one. Lines of somebody else stay."""
        size = os.fstat(file.fileno()).st_size
        file.seek(self._size)
        if size < self._size or b"\n" in file.read(size - self._size):
            where = printable(str(self._path))
            raise UsageError(f"the audit log {where} was written by another process; open it again")
        file.truncate(self._size)

    def events(self) -> list[dict[str, Any]]:
        """All lines, in order."""
        if not self._path.exists():
            return []
        return list(History.parse(read_capped(self._path, _LIMIT)[: self._size]).events)


@dataclass(frozen=True)
class History:
    """What an audit log says, each line checked to follow from the one before. events: its complete lines, in order. last: SHA-256 of the
    last one, hex. size: bytes of the complete lines. cut: whether a half line comes after them."""

    events: tuple[dict[str, Any], ...]
    last: str
    size: int
    cut: bool

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Raises `Malformed` if the first line is not a JSON object: then this is no audit log. Raises `Refused` (stage "chain"), with its
        number, for a line that does not follow from the line before."""
        size = data.rfind(b"\n") + 1
        events: list[dict[str, Any]] = []
        last = _START
        for number, line in enumerate(data[:size].split(b"\n")[:-1], 1):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                event = None
            if number == 1 and not isinstance(event, dict):
                raise Malformed("audit log: line 1 is not a JSON object")
            if not isinstance(event, dict) or event.get("previous") != last:
                raise Refused("audit log", "chain", f"line {number} does not follow from the line before")
            last = sha256(line + b"\n").hex()
            events.append(event)
        return cls(tuple(events), last, size, size < len(data))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Of a file. Raises `Malformed`, `Refused`."""
        return cls.parse(read_capped(path, _LIMIT))
