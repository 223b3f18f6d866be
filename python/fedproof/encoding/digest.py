"""SHA-256 digests, as bytes and as text."""

import hashlib
import re
from typing import Annotated

from pydantic import Field

from fedproof.encoding.text import printable
from fedproof.errors import Malformed

Digest = Annotated[bytes, Field(min_length=32, max_length=32)]
"""32 bytes in a message: a SHA-256 digest, or a root of that size."""

NO_DIGEST = bytes(32)
"""Stands where a digest of something earlier belongs and there is nothing earlier."""

_TEXT = re.compile(r"sha256:[0-9a-f]{64}")


def sha256(data: bytes) -> bytes:
    """SHA-256 of `data`, 32 bytes."""
    return hashlib.sha256(data).digest()


def hex_of(digest: bytes) -> str:
    """A digest as people and file names spell it: lower-case hexadecimal."""
    return digest.hex()


def sha256_text(digest: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits; the inverse of `parse_sha256`."""
    if len(digest) != 32:
        raise Malformed(f"a SHA-256 digest has 32 bytes, not {len(digest)}")
    return "sha256:" + digest.hex()


def parse_sha256(text: str) -> bytes:
    """The 32 bytes of `sha256:<64 lower-case hexadecimal digits>`; `Malformed` for anything else."""
    if not isinstance(text, str) or not _TEXT.fullmatch(text):
        raise Malformed(
            f"a digest is written sha256: and 64 lower-case hexadecimal digits, not {printable(str(text), 80)!r}"
        )
    return bytes.fromhex(text[7:])
