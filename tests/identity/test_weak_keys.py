"""Ed25519 keys under which anybody could sign, or that have a second spelling, are no keys."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fedproof.encoding.message import Message
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.identity.roster import Member, Roster
from fedproof.identity.signed import Signed

P = (1 << 255) - 19
D = -121665 * pow(121666, -1, P) % P
GROUP_ORDER = (1 << 252) + 27742317777372353535851937790883648493
IDENTITY = (1).to_bytes(32, "little")

Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    """The group law of edwards25519 (RFC 8032, section 5.1.4), in affine coordinates."""
    t = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + t, -1, P) % P
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P


def multiply(k: int, point: Point) -> Point:
    total = (0, 1)
    while k:
        if k & 1:
            total = add(total, point)
        point, k = add(point, point), k >> 1
    return total


def at(y: int) -> Point | None:
    """The point with this y and one of its two x, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x, y) if x * x % P == square else None


def small_order() -> list[Point]:
    """All eight points whose order divides 8, found by multiplying points by the order of the large group."""
    for y in range(2, 100):
        point = at(y)
        if point is not None:
            generator = multiply(GROUP_ORDER, point)
            if multiply(4, generator) != (0, 1):
                return [multiply(k, generator) for k in range(8)]
    raise AssertionError("no point of order 8 below 100")


def spellings() -> list[bytes]:
    """Every 32 bytes that some decoder reads as a point of small order: y or y + p, either sign."""
    found = set()
    for _, y in small_order():
        for value in (y, y + P):
            if value < 1 << 255:
                found |= {(value | sign << 255).to_bytes(32, "little") for sign in (0, 1)}
    return sorted(found)


def test_there_are_eight_points_and_fourteen_spellings() -> None:
    assert len(set(small_order())) == 8
    assert len(spellings()) == 14


@pytest.mark.parametrize("raw", spellings(), ids=bytes.hex)
def test_keys_of_small_order_are_refused(raw: bytes) -> None:
    with pytest.raises(Malformed, match="large order"):
        VerifyKey.parse("ed25519:" + base64.b64encode(raw).decode())
    with pytest.raises(Refused) as refused:
        VerifyKey(raw).verify(IDENTITY + bytes(32), b"anything")
    assert refused.value.stage == "signature"


@pytest.mark.parametrize(
    "raw", [(2).to_bytes(32, "little"), P.to_bytes(32, "little"), b"\xff" * 32], ids=bytes.hex
)
def test_bytes_that_are_no_point_or_another_spelling_are_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        VerifyKey.parse("ed25519:" + base64.b64encode(raw).decode())


@pytest.mark.parametrize("length", [0, 31, 33])
def test_keys_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(Refused):
        VerifyKey(bytes(length)).verify(bytes(64), b"")


def test_the_forgery_that_this_stops() -> None:
    """The library alone accepts one constant signature over any message under the identity as key; a roster with such
    a member would let anybody speak for it."""

    class Claim(Message):
        KIND = "test claim"
        text: str

    Ed25519PublicKey.from_public_bytes(IDENTITY).verify(IDENTITY + bytes(32), b"no exception: it verifies")
    payload = Claim(text="I, hospital 4, agree").to_bytes()
    forged = Signed(payload=payload, signer=IDENTITY, signature=IDENTITY + bytes(32))
    member = Member(client="hospital-4", key=IDENTITY)
    roster = Roster(version=1, federation="f", endorser="e", previous=None, members=(member,))
    with pytest.raises(Refused) as refused:
        forged.open(Claim, roster.key_of("hospital-4"))
    assert refused.value.stage == "signature"


def test_a_signature_has_one_spelling() -> None:
    """S + group order passes a verifier that reduces S first; then one message has two signatures, and two digests."""
    key = SigningKey.generate()
    good = key.sign(b"data")
    s = int.from_bytes(good[32:], "little") + GROUP_ORDER
    key.verify_key.verify(good, b"data")
    for bad in (good[:32] + s.to_bytes(32, "little"), good[:63], good + b"\0", b""):
        with pytest.raises(Refused):
            key.verify_key.verify(bad, b"data")


def test_ordinary_keys_are_keys() -> None:
    for _ in range(50):
        text = SigningKey.generate().verify_key.text
        assert VerifyKey.parse(text).text == text
