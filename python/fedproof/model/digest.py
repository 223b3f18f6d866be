"""The name of a model: the SHA-256 that OpenSSF model-signing computes for a file or a directory of files.

That root ignores the files' names, so what binds a model names the sorted (name, digest) pairs beside it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from fedproof.encoding.text import printable
from fedproof.errors import Malformed

_CHUNK = 1 << 20
_GIT = (".git", ".gitattributes", ".github", ".gitignore")
"""What model-signing leaves out at the top of a directory."""


@dataclass(frozen=True)
class FileDigest:
    """One file of a model: its path below the model ("." for a model that is a single file) and its
    SHA-256.
    """

    name: str
    sha256: bytes


def file_list(path: Path) -> tuple[FileDigest, ...]:
    """Every file of the model at `path`, sorted by path, part by part.

    Raises `Malformed` if there is nothing there, or a link or a special file in it: those could change
    without the digest.
    """
    if path.is_symlink() or not path.exists():
        raise Malformed(f"{path}: no model there; expected a file or a directory, not a link")
    if path.is_file():
        return (FileDigest(".", _digest(path)),)
    found: list[tuple[tuple[str, ...], Path]] = []
    for folder, folders, files in os.walk(path, onerror=_raise):
        below = Path(folder)
        if below == path:
            folders[:] = [name for name in folders if name not in _GIT]
            files = [name for name in files if name not in _GIT]
        for name in [*folders, *files]:
            entry = below / name
            if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                raise Malformed(f"{printable(str(entry))}: a model holds regular files only, no links")
        found += [((below / name).relative_to(path).parts, below / name) for name in files]
    return tuple(FileDigest(str(PurePosixPath(*parts)), _digest(file)) for parts, file in sorted(found))


def root_of(files: Sequence[FileDigest]) -> bytes:
    """SHA-256 of the concatenated digests. A single file's root is therefore the SHA-256 of its digest."""
    return sha256(b"".join(file.sha256 for file in files)).digest()


def model_root(path: Path) -> bytes:
    """32 bytes: what model-signing puts into the subject of its own signature. Raises `Malformed` as
    `file_list`.
    """
    return root_of(file_list(path))


def _digest(path: Path) -> bytes:
    state = sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                state.update(chunk)
    except OSError as error:
        raise Malformed(f"{printable(str(path))}: {error.strerror}") from None
    return state.digest()


def _raise(error: OSError) -> None:
    raise Malformed(f"{printable(str(error.filename))}: {error.strerror}")
