"""Files that are written whole or not at all, and read with a cap, without following anybody's links (POSIX)."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from fedproof.encoding.text import printable
from fedproof.errors import Malformed, UsageError

_CHUNK: Final = 1 << 20


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644, exclusive: bool = False) -> None:
    """Write `data` under `path`, durably, so that a reader sees the old file or the new one, never a part.

    A temporary file in the same folder is written, synced and renamed, then the folder is synced. With
    `exclusive` an existing file is left alone. Raises `UsageError` when the file exists (exclusive only) or can't
    be written; nothing half-written stays behind.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name[:64]}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode
        )
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if exclusive:
                os.link(temporary, path)
                os.unlink(temporary)
            else:
                os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        sync_folder(path.parent)
    except FileExistsError as error:
        raise UsageError(
            f"{_shown(path)} exists already; move it away first if it may be replaced"
        ) from error
    except OSError as error:
        raise UsageError(f"{_shown(path)} can't be written: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_capped(path: Path, limit: int, *, follow_links: bool = False) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Links are refused; `follow_links` is for paths that the user of this machine typed (mounted secrets are
    links), never for what came in a bundle. Raises `Malformed` when the file is missing, not regular, longer
    than `limit`, or unreadable.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise Malformed(_why(str(path), error)) from error
    return _read(descriptor, str(path), limit)


def read_below(root: Path, relative: str, limit: int) -> bytes:
    """The content of `root`/`relative`, without leaving `root`: no `..`, no absolute path, no link on the way.

    `relative` is a POSIX path. Every folder on the way is opened without following links, so swapping one for a
    link while this reads changes nothing. Raises `Malformed`.
    """
    steps = relative.split("/")
    if any(step in ("", ".", "..") or "\0" in step or "\\" in step for step in steps):
        raise Malformed(f"{printable(relative)!r} isn't a plain relative path")
    folder_flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        folder = os.open(root, folder_flags)
    except OSError as error:
        raise Malformed(_why(str(root), error)) from error
    try:
        for step in steps[:-1]:
            inner = os.open(step, folder_flags | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        file = os.open(steps[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except (OSError, ValueError) as error:
        raise Malformed(_why(relative, error)) from error
    finally:
        os.close(folder)
    return _read(file, relative, limit)


def _read(descriptor: int, name: str, limit: int) -> bytes:
    """Read and close `descriptor`. The size is a first look only: a file that grows is still capped."""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Malformed(f"{_shown(name)} isn't a regular file")
        if status.st_size > limit:
            raise Malformed(f"{_shown(name)} has {status.st_size} bytes, more than the {limit} allowed here")
        pieces: list[bytes] = []
        left = limit + 1
        while left > 0 and (piece := os.read(descriptor, min(left, _CHUNK))):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise Malformed(_why(name, error)) from error
    finally:
        os.close(descriptor)
    if left <= 0:
        raise Malformed(f"{_shown(name)} has more than the {limit} bytes allowed here")
    return b"".join(pieces)


def _shown(path: Path | str) -> str:
    return printable(str(path))


def _why(name: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{_shown(name)} is missing"
    if isinstance(error, OSError) and error.errno in (errno.ELOOP, errno.ENOTDIR):  # O_NOFOLLOW
        return f"{_shown(name)} is a link or lies behind one; links aren't followed here"
    reason = error.strerror if isinstance(error, OSError) else "not a path"
    return f"{_shown(name)} can't be read: {reason}"
