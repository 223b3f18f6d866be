"""The certificate's envelope: DSSE with one ECDSA P-256 signature (spec/certificate.md §1).

Signing and checking go through securesystemslib. The envelope is canonical: whatever is read is written again
and compared, since base64 and ECDSA both know several spellings of the same thing.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import Signature, SSlibKey  # type: ignore[attr-defined]

from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import EnvelopeKey, EnvelopeVerifyKey
from fedproof.provenance.statement import MAX_STATEMENT, canonical_json

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_ENVELOPE: Final = 2 * MAX_STATEMENT
"""Bytes."""
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group P-256 (SEC 2, 2.4.2)."""


def sign_envelope(payload: bytes, key: EnvelopeKey) -> bytes:
    """The canonical envelope around `payload`, signed by `key`; the smaller of the two equivalent
    signatures.
    """
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    r, s = decode_dss_signature(key.sign(envelope.pae()))
    signature = encode_dss_signature(r, min(s, _ORDER - s))
    keyid = key.verify_key.keyid
    envelope.signatures[keyid] = Signature(keyid, signature.hex())
    return _encode(envelope)


def open_envelope(data: bytes, key: EnvelopeVerifyKey) -> bytes:
    """The payload of an envelope that `key` signed.

    Raises `Malformed` where the envelope can't be read or is not in its canonical form, and `Refused`
    (subject "certificate"): stage "trust" where another key signed, "signature" where the signature is wrong.
    """
    envelope = _decode(data)
    (signature,) = envelope.signatures.values()
    if signature.keyid != key.keyid:
        named = printable(signature.keyid)
        raise Refused("certificate", "trust", f"signed by key {named}; the trust file pins {key.keyid}")
    raw = bytes.fromhex(signature.signature)
    try:
        r, s = decode_dss_signature(raw)
    except ValueError:
        raise Refused("certificate", "signature", "not an ECDSA signature") from None
    if not 0 < s <= _ORDER // 2 or encode_dss_signature(r, s) != raw:
        raise Refused("certificate", "signature", "the signature is not in its canonical form")
    try:
        envelope.verify([_library_key(key)], 1)
    except VerificationError:
        raise Refused("certificate", "signature", "the envelope's signature is wrong") from None
    return envelope.payload


def _library_key(key: EnvelopeVerifyKey) -> SSlibKey:
    return SSlibKey(key.keyid, "ecdsa", "ecdsa-sha2-nistp256", {"public": key.pem})


def _encode(envelope: Envelope) -> bytes:
    return canonical_json(envelope.to_dict()) + b"\n"


def _decode(data: bytes) -> Envelope:
    if len(data) > MAX_ENVELOPE:
        raise Malformed(f"certificate: the envelope has {len(data)} bytes, more than {MAX_ENVELOPE}")
    try:
        value = json.loads(data)
        payload = base64.b64decode(_text(value, "payload"), validate=True)
        (entry,) = value["signatures"]
        keyid = _text(entry, "keyid")
        signature = base64.b64decode(_text(entry, "sig"), validate=True)
        kind = _text(value, "payloadType")
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        detail = "expected a DSSE envelope in JSON with payload, payloadType and one signature"
        raise Malformed(f"certificate: {detail}") from None
    if kind != PAYLOAD_TYPE:
        raise Malformed(f"certificate: the payload is of type {printable(kind)}, expected {PAYLOAD_TYPE}")
    envelope = Envelope(payload, kind, {keyid: Signature(keyid, signature.hex())})
    if _encode(envelope) != data:
        raise Malformed("certificate: the envelope is not in its canonical form")
    return envelope


def _text(value: dict[str, object], name: str) -> str:
    found = value[name]
    if not isinstance(found, str):
        raise TypeError(name)
    return found
