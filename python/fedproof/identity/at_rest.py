"""Files that only the holder of a signing key reads, or writes (spec/round.md §6): a copy of a state folder without it tells nothing."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey

_SALT = 32
_TAG = 16
_NONCE = bytes(12)
"""Every salt makes a key that is used once."""


def tag(data: bytes, key: SigningKey, purpose: str) -> bytes:
    """32 bytes that nobody makes without the key. purpose: what the data is; for another the tag is another."""
    info = b"fedproof/v1/at rest tag\0" + purpose.encode()
    mac = hmac.HMAC(HKDF(hashes.SHA256(), 32, None, info).derive(key.seed()), hashes.SHA256())
    mac.update(data)
    return mac.finalize()


def _cipher(key: SigningKey, salt: bytes, purpose: str) -> ChaCha20Poly1305:
    info = b"fedproof/v1/at rest\0" + purpose.encode()
    return ChaCha20Poly1305(HKDF(hashes.SHA256(), 32, salt, info).derive(key.seed()))


def write_sealed(path: Path, data: bytes, key: SigningKey, purpose: str) -> None:
    """Encrypted, whole or not at all, for the owner alone. purpose: what it is; a file opens for no other. Raises `UsageError` where it
    cannot be written."""
    salt = secrets.token_bytes(_SALT)
    write_atomic(path, salt + _cipher(key, salt, purpose).encrypt(_NONCE, data, None), mode=0o600)


def read_sealed(path: Path, key: SigningKey, purpose: str, *, limit: int) -> bytes:
    """limit: bytes of what was sealed, at most. Raises `Malformed` where it cannot be read, `Refused` (object "state folder", stage
    "digest") where it was changed, or sealed by another key or for another purpose."""
    data = read_capped(path, limit + _SALT + _TAG)
    salt, sealed = data[:_SALT], data[_SALT:]
    try:
        return _cipher(key, salt, purpose).decrypt(_NONCE, sealed, None)
    except InvalidTag:
        detail = f"{printable(path.name)} was changed, or sealed with another key"
        raise Refused("state folder", "digest", detail) from None
