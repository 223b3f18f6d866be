"""Signed messages: the signature covers the kind, so that it says nothing about a message of another kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, TypeVar

from pydantic import Field

from fedproof.encoding import cbor
from fedproof.encoding.message import Message
from fedproof.encoding.text import is_name, printable
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey, VerifyKey

M = TypeVar("M", bound=Message)
_SHORT = 1 << 16
"""Bytes that are decoded to find out who is said to have signed them."""


class Signed(Message):
    """payload: a message's encoding. signer: raw Ed25519 key. signature: 64 bytes over domain, kind and payload."""

    KIND: ClassVar[str] = "signed"

    payload: bytes
    signer: Annotated[bytes, Field(min_length=32, max_length=32)]
    signature: Annotated[bytes, Field(min_length=64, max_length=64)]

    def open(self, cls: type[M], key: VerifyKey, *, party: str | None = None) -> M:
        """The message, if `key` signed it. Raises `Refused` (stage "signature", "decoding"); nothing in the payload is read
        before the signature is good."""
        if self.signer != key.raw:
            detail = f"signed by another key than expected, which is {key.text}"
            raise Refused(cls.KIND, "signature", detail, party=party)
        try:
            key.verify(self.signature, _signed_bytes(cls.KIND, self.payload))
        except Refused:
            raise Refused(cls.KIND, "signature", "the signature does not verify", party=party) from None
        try:
            return cls.from_bytes(self.payload)
        except Malformed as error:
            raise Refused(cls.KIND, "decoding", str(error), party=party) from None


def sign(message: Message, key: SigningKey) -> Signed:
    """The message with its sender's signature over kind and encoding."""
    payload = message.to_bytes()
    signature = key.sign(_signed_bytes(message.KIND, payload))
    return Signed(payload=payload, signer=key.verify_key.raw, signature=signature)


def _signed_bytes(kind: str, payload: bytes) -> bytes:
    return b"fedproof/v1/signed/" + kind.encode() + b"\0" + payload


def signer_key(signed: Signed, kind: str, field: str, trusted: Mapping[str, VerifyKey]) -> VerifyKey:
    """The key of whom the payload names as its signer, if that is somebody who is trusted: nothing of the payload is believed by that, it
    only says whose key is to be tried. A long payload is not even looked at unless somebody who is trusted signed it. Raises `Refused`
    (subject `kind`, stage "decoding", "trust", "signature")."""
    if len(signed.payload) > _SHORT:
        own = [key for key in trusted.values() if key.raw == signed.signer]
        if not own:
            raise Refused(kind, "trust", f"no {field} that is trusted here signed it")
        try:
            own[0].verify(signed.signature, _signed_bytes(kind, signed.payload))
        except Refused:
            raise Refused(kind, "signature", "the signature does not verify") from None
    try:
        name = peek(signed).get(field)
    except Malformed as error:
        raise Refused(kind, "decoding", str(error)) from None
    key = trusted.get(name) if isinstance(name, str) else None
    if key is None:
        known = ", ".join(sorted(trusted)) or "nobody"
        detail = f"no {field} that is trusted here signed it: it names {printable(str(name))}, trusted here: {known}"
        raise Refused(kind, "trust", detail)
    return key


def peek(signed: Signed) -> dict[str, object]:
    """The payload's fields, unverified: only to find out whose key to ask. Raises `Malformed`."""
    value = cbor.decode(signed.payload)
    if not isinstance(value, dict):
        raise Malformed("a signed payload is a map")
    return dict(value)


def claimed_client(signed: Signed) -> str | None:
    """Who the payload says it is from: whose key to ask, nothing more. None where it names no client."""
    try:
        client = peek(signed).get("client")
    except Malformed:
        return None
    return client if isinstance(client, str) and is_name(client) else None
