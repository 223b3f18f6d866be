"""The name of a model: the SHA-256 that OpenSSF model-signing computes for its files.

That root ignores the files' names, so what binds a model names the sorted (name, digest) pairs beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedproof.encoding.digest import sha256


@dataclass(frozen=True)
class FileDigest:
    """One file of a model: its path below the model ("." for a model that is a single file) and its
    SHA-256.
    """

    name: str
    sha256: bytes


def root_of(files: Sequence[FileDigest]) -> bytes:
    """SHA-256 of the concatenated digests, 32 bytes. A single file's root is therefore the SHA-256 of its digest."""
    return sha256(b"".join(file.sha256 for file in files))
