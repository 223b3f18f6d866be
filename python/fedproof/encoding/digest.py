"""SHA-256 digests: 32 bytes in messages, `sha256:<hex>` in files that people write."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from pydantic import Field

from fedproof.errors import Malformed

Digest = Annotated[bytes, Field(min_length=32, max_length=32)]
"""A SHA-256 or Keccak-256 digest in a message."""

ZERO = bytes(32)


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def text_of(digest: bytes) -> str:
    """`sha256:<64 lower-case hex digits>`."""
    return f"sha256:{digest.hex()}"


def parse_sha256(text: str) -> bytes:
    """Reads `sha256:<64 lower-case hex digits>`; raises `Malformed`."""
    match = re.fullmatch(r"sha256:([0-9a-f]{64})", text)
    if match is None:
        raise Malformed("a digest is written as sha256: and 64 lower-case hex digits")
    return bytes.fromhex(match[1])
