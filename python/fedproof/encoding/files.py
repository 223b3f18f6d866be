"""Files: read with a cap and without following links, written whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from pathlib import Path

from fedproof.encoding.text import printable
from fedproof.errors import Malformed, UsageError


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Writes to a temporary name in the same folder, flushes to the disk, renames. A crash leaves the old file or the new one.
    Raises `UsageError` where the file cannot be written: no such folder, no permission, no space."""
    try:
        _write_atomic(path, data, mode)
    except OSError as error:
        raise UsageError(f"cannot write {printable(str(path))}: {error.strerror}") from error


def _write_atomic(path: Path, data: bytes, mode: int) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.", suffix=".tmp")
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
        if error.errno == errno.ELOOP:
            raise Malformed(f"{shown} is a link; links are not followed here, give the file itself") from None
        raise Malformed(f"cannot read {shown}: {error.strerror or 'not readable'}") from None
    except ValueError:
        raise Malformed(f"{shown} is not a path") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(
            status.st_mode
        ):  # before fdopen, which a folder would make fail in a way of its own
            raise Malformed(f"{shown} is not a plain file")
        if status.st_size > limit:
            raise Malformed(f"{shown} has {status.st_size} bytes; at most {limit} are read here")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(status.st_size + 1)  # a read of `limit` would reserve that much
    except OSError as error:
        raise Malformed(f"cannot read {shown}: {error.strerror or 'not readable'}") from None
    finally:
        os.close(handle)
    if len(data) > status.st_size:
        raise Malformed(f"{shown} grew while it was read; try again")
    return data


def lock_file(path: Path, busy: str) -> int:
    """A lock that one holder at a time has, in any process, until the handle returned is closed or its process ends. Raises
    `UsageError`, with `busy` where somebody else holds it."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"cannot lock {printable(str(path))}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise UsageError(busy) from None
    return handle


def make_folder(folder: Path, *, mode: int = 0o700) -> None:
    """It and those above it are on the disk before anything is put into it: a power cut can lose a folder whose
    own name was not flushed, with every flushed file in it. Raises `UsageError`."""
    missing = []
    while not folder.is_dir() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    try:
        for new in reversed(missing):
            new.mkdir(mode=mode, exist_ok=True)
            sync_folder(new.parent)
    except OSError as error:
        raise UsageError(f"cannot make the folder {printable(str(new))}: {error.strerror}") from error
