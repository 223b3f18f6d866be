"""Files: read with a cap and without following links, written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from fedproof.encoding.text import printable
from fedproof.errors import Malformed


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Writes to a temporary name in the same folder, flushes to the disk, renames. A crash leaves the old file or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Makes renames in this folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_capped(path: Path, limit: int) -> bytes:
    """A regular file of at most `limit` bytes. Raises `Malformed`: not there, a link, not a plain file, too large."""
    shown = printable(str(path))
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Malformed(f"cannot read {shown}: {error.strerror or 'not readable'}") from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Malformed(f"{shown} is not a plain file")
        if status.st_size > limit:
            raise Malformed(f"{shown} has {status.st_size} bytes; at most {limit} are read here")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Malformed(f"{shown} grew beyond {limit} bytes while it was read")
    return data
