import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import EnvelopeKey
from fedproof.provenance.dsse import MAX_ENVELOPE, PAYLOAD_TYPE, open_envelope, sign_envelope
from fedproof.provenance.statement import canonical_json

KEY = EnvelopeKey.generate()
OTHER = EnvelopeKey.generate()
PAYLOAD = b'{"a":"b"}'
DATA = sign_envelope(PAYLOAD, KEY)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def changed(**fields: object) -> bytes:
    return canonical_json({**json.loads(DATA), **fields}) + b"\n"


def with_signature(raw: bytes) -> bytes:
    signature = {"keyid": KEY.verify_key.keyid, "sig": base64.b64encode(raw).decode()}
    return changed(signatures=[signature])


def raw_signature() -> bytes:
    return base64.b64decode(json.loads(DATA)["signatures"][0]["sig"])


def test_what_was_signed_is_opened() -> None:
    assert open_envelope(DATA, KEY.verify_key) == PAYLOAD


def test_securesystemslib_verifies_ours() -> None:
    envelope = Envelope.from_dict(json.loads(DATA))
    assert envelope.payload == PAYLOAD
    assert envelope.payload_type == PAYLOAD_TYPE
    keyid = KEY.verify_key.keyid
    key = SSlibKey(keyid, "ecdsa", "ecdsa-sha2-nistp256", {"public": KEY.verify_key.pem})
    assert set(envelope.verify([key], 1)) == {keyid}
    stranger = SSlibKey(keyid, "ecdsa", "ecdsa-sha2-nistp256", {"public": OTHER.verify_key.pem})
    with pytest.raises(VerificationError):
        envelope.verify([stranger], 1)


def test_another_key_is_refused() -> None:
    with pytest.raises(Refused, match="trust file pins") as refused:
        open_envelope(DATA, OTHER.verify_key)
    assert refused.value.stage == "trust"


def test_a_keyid_that_is_not_the_keys_is_refused() -> None:
    """Signed by another key under the pinned key's name."""
    forged = json.loads(sign_envelope(PAYLOAD, OTHER))
    forged["signatures"][0]["keyid"] = KEY.verify_key.keyid
    with pytest.raises(Refused) as refused:
        open_envelope(canonical_json(forged) + b"\n", KEY.verify_key)
    assert refused.value.stage == "signature"


def test_another_payload_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        open_envelope(changed(payload=base64.b64encode(b'{"a":"c"}').decode()), KEY.verify_key)
    assert refused.value.stage == "signature"


def test_the_other_spelling_of_the_signature_is_refused() -> None:
    r, s = decode_dss_signature(raw_signature())
    with pytest.raises(Refused, match="canonical"):
        open_envelope(with_signature(encode_dss_signature(r, ORDER - s)), KEY.verify_key)


@pytest.mark.parametrize("raw", [b"", b"\x30\x00", bytes(64)])
def test_what_is_no_signature_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        open_envelope(with_signature(raw), KEY.verify_key)
    assert refused.value.stage == "signature"


def test_each_byte_of_the_envelope_counts() -> None:
    for position in range(len(DATA)):
        for bit in (0, 5):
            damaged = bytearray(DATA)
            damaged[position] ^= 1 << bit
            with pytest.raises((Refused, Malformed)):
                open_envelope(bytes(damaged), KEY.verify_key)
    for length in range(0, len(DATA), 7):
        with pytest.raises(Malformed):
            open_envelope(DATA[:length], KEY.verify_key)


@pytest.mark.parametrize(
    "data",
    [
        DATA + b"\n",
        DATA[:-1],
        DATA.replace(b'"payload":', b'"payload": '),
        DATA.replace(b'"payload":', b'"extra":"","payload":'),
        DATA.replace(b'"payload":', b'"payload":"e30=","payload":'),
        changed(signatures=[]),
        changed(signatures=json.loads(DATA)["signatures"] * 2),
        changed(payloadType="text/plain"),
        changed(payload=7),
        changed(payload=json.loads(DATA)["payload"][:-1] + "\u00e9"),
        b"[" * 100_000,
        b"9" * 10_000,
        b" " * (MAX_ENVELOPE + 1),
    ],
)
def test_there_is_one_spelling(data: bytes) -> None:
    with pytest.raises(Malformed):
        open_envelope(data, KEY.verify_key)


def test_base64_that_decodes_to_the_same_is_refused() -> None:
    """The last character before padding has unused bits."""
    payload = b'{"a":"bb"}'
    data = sign_envelope(payload, KEY)
    text = json.loads(data)["payload"]
    assert text.endswith("==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = text[:-3] + alphabet[alphabet.index(text[-3]) + 1] + "=="
    assert base64.b64decode(twin) == payload
    with pytest.raises(Malformed, match="canonical"):
        open_envelope(data.replace(text.encode(), twin.encode()), KEY.verify_key)


@given(st.binary(max_size=100))
def test_bytes_from_anywhere_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        open_envelope(data, KEY.verify_key)
