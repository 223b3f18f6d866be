"""Keys (spec/identity.md): Ed25519 for messages and checkpoints, ECDSA P-256 for the certificate's envelope."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fedproof.encoding.digest import sha256
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused

_KEY_FILE_LIMIT = 1 << 16

_P = (1 << 255) - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y coordinates of the eight points whose order divides 8. Under such a key anybody can sign anything."""


@lru_cache(maxsize=1 << 12)
def _is_strong(raw: bytes) -> bool:
    """Whether these 32 bytes are the one encoding of a point on edwards25519 of large order."""
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    if len(raw) != 32 or y >= _P or y in _SMALL_ORDER:
        return False
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    return pow(x_squared, (_P - 1) // 2, _P) == 1


@dataclass(frozen=True)
class VerifyKey:
    """An Ed25519 public key. raw: 32 bytes."""

    raw: bytes

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raises `Refused` (stage "signature"): another signature, or a key under which anybody could sign."""
        if not _is_strong(self.raw):
            raise Refused("signature", "signature", f"{self.text} is not a key: no point of large order")
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except (InvalidSignature, ValueError):
            raise Refused("signature", "signature", f"does not verify under {self.text}") from None

    @property
    def text(self) -> str:
        """`ed25519:<base64>`, as trust files write it."""
        return "ed25519:" + base64.b64encode(self.raw).decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `ed25519:<base64>`; raises `Malformed`."""
        kind, _, encoded = text.partition(":")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        key = cls(raw)
        if kind != "ed25519" or len(raw) != 32 or key.text != text:
            raise Malformed(f"not a key: {printable(text, 80)}; write ed25519: and 44 characters of base64")
        if not _is_strong(raw):
            raise Malformed(f"{text} is not a key: no point of large order")
        return key


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 private key."""

    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """A fresh key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(self._key.public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(data)

    def seed(self) -> bytes:
        """The 32 secret bytes that the key is: only to derive other secrets from."""
        return self._key.private_bytes_raw()

    def save(self, path: Path) -> None:
        """PEM (PKCS#8), readable by the owner alone."""
        write_atomic(path, _private_pem(self._key), mode=0o600)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises `Malformed`."""
        key = _load_private(path)
        if not isinstance(key, Ed25519PrivateKey):
            raise Malformed(f"{printable(str(path))} holds another kind of key than Ed25519")
        return cls(key)


@dataclass(frozen=True)
class EnvelopeVerifyKey:
    """An ECDSA P-256 public key, as PEM text."""

    pem: str

    @classmethod
    def parse(cls, pem: str) -> Self:
        """Any PEM spelling of a P-256 public key; raises `Malformed`."""
        try:
            key = serialization.load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise Malformed("not a public key in PEM") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise Malformed("an envelope key is an ECDSA key on P-256")
        return cls(
            key.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ).decode()
        )

    @property
    def _key(self) -> ec.EllipticCurvePublicKey:
        key = serialization.load_pem_public_key(self.pem.encode())
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Malformed("an envelope key is an ECDSA key on P-256")
        return key

    @property
    def keyid(self) -> str:
        """SHA-256 of the DER key, hex."""
        der = self._key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return sha256(der).hex()

    def verify(self, signature: bytes, data: bytes) -> None:
        """DER signature over SHA-256. Raises `Refused` (stage "signature")."""
        try:
            self._key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise Refused("signature", "signature", f"does not verify under key {self.keyid[:16]}…") from None


@dataclass(frozen=True)
class EnvelopeKey:
    """An ECDSA P-256 private key."""

    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """A fresh key from the operating system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @property
    def verify_key(self) -> EnvelopeVerifyKey:
        """The public half."""
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return EnvelopeVerifyKey(pem.decode())

    def sign(self, data: bytes) -> bytes:
        """DER signature over SHA-256."""
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))

    def save(self, path: Path) -> None:
        """PEM (PKCS#8), readable by the owner alone."""
        write_atomic(path, _private_pem(self._key), mode=0o600)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises `Malformed`."""
        key = _load_private(path)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise Malformed(f"{printable(str(path))} holds another kind of key than ECDSA P-256")
        return cls(key)


def _private_pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def parse_private(data: bytes) -> SigningKey | EnvelopeKey:
    """A private key of either kind, as `save` writes it. Raises `Malformed`."""
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Malformed("not a private key in PEM") from None
    if isinstance(key, Ed25519PrivateKey):
        return SigningKey(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return EnvelopeKey(key)
    raise Malformed("another kind of key than Ed25519 and ECDSA P-256")


def _load_private(path: Path) -> object:
    try:
        return serialization.load_pem_private_key(read_capped(path, _KEY_FILE_LIMIT), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Malformed(f"{printable(str(path))} is not a private key in PEM") from None
