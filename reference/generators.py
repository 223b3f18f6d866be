"""The public generators, by hashing to the curve (commitment.md §3; RFC 9380)."""

import hashlib
from collections.abc import Sequence
from functools import cache

from reference.group import BN254, PALLAS, Point, Suite, plus, square_root
from reference.transcript import u16, u32

DOMAINS = {
    PALLAS.id: "fedproof/v1/generators-pallas_XMD:SHA-256_SVDW_RO_",
    BN254.id: "fedproof/v1/generators-BN254G1_XMD:SHA-256_SVDW_RO_",
}
L = 48  # bytes hashed for one field element


def expand_message(message: bytes, tag: bytes, length: int) -> bytes:
    """expand_message_xmd with SHA-256 (§5.3.1)."""
    tagged = tag + bytes([len(tag)])
    first = hashlib.sha256(bytes(64) + message + u16(length) + b"\x00" + tagged).digest()
    block = hashlib.sha256(first + b"\x01" + tagged).digest()
    out = block
    for i in range(2, -(-length // 32) + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha256(mixed + bytes([i]) + tagged).digest()
        out += block
    return out[:length]


def is_square(p: int, a: int) -> bool:
    """Whether a is 0 or a quadratic residue."""
    return pow(a, (p - 1) // 2, p) in (0, 1)


@cache
def svdw_z(suite: Suite) -> int:
    """The Z of appendix H.1, for A = 0."""
    p = suite.p

    def g(x: int) -> int:
        return (x**3 + suite.b) % p

    for counter in range(1, p):
        for z in (counter, p - counter):
            if g(z) == 0:
                continue
            h = -3 * z * z * pow(4 * g(z), -1, p) % p
            if h != 0 and is_square(p, h) and (is_square(p, g(z)) or is_square(p, g(-z * pow(2, -1, p)))):
                return z
    raise AssertionError("there is no Z")


def map_to_curve(suite: Suite, u: int) -> Point:
    """The Shallue–van de Woestijne map (§6.6.1), for A = 0."""
    p, z = suite.p, svdw_z(suite)

    def g(x: int) -> int:
        return (x**3 + suite.b) % p

    def root(a: int) -> int:
        found = square_root(p, a)
        assert found is not None
        return found

    gz = g(z)
    tv1 = u * u * gz % p
    plus_one, minus_one = (1 + tv1) % p, (1 - tv1) % p
    product = plus_one * minus_one % p
    tv3 = pow(product, -1, p) if product else 0
    tv4 = root(-gz * 3 * z * z)
    if tv4 % 2 == 1:
        tv4 = p - tv4
    tv5 = u * minus_one * tv3 * tv4 % p
    tv6 = -4 * gz * pow(3 * z * z, -1, p) % p
    middle = -z * pow(2, -1, p)
    x = (middle - tv5) % p
    if not is_square(p, g(x)):
        x = (middle + tv5) % p
        if not is_square(p, g(x)):
            x = (z + tv6 * (plus_one * plus_one * tv3) ** 2) % p
    y = root(g(x))
    return x, y if y % 2 == u % 2 else (p - y) % p


def hash_to_curve(suite: Suite, message: bytes, tag: str) -> Point:
    """The random-oracle encoding: two field elements, two points, their sum."""
    wide = expand_message(message, tag.encode("ascii"), 2 * L)
    u0, u1 = (int.from_bytes(wide[i : i + L], "big") % suite.p for i in (0, L))
    return plus(suite, map_to_curve(suite, u0), map_to_curve(suite, u1))


@cache
def generator(suite: Suite, message: bytes) -> Point:
    """One generator of the suite."""
    return hash_to_curve(suite, message, DOMAINS[suite.id])


def columns(suite: Suite, count: int) -> Sequence[Point]:
    """G_0 … G_{count−1}: columns of rows and slots of messages."""
    return [generator(suite, b"G" + u32(i)) for i in range(count)]


def blind(suite: Suite) -> Point:
    """H, which carries blinds."""
    return generator(suite, b"H")


def value(suite: Suite) -> Point:
    """U, which carries inner products."""
    return generator(suite, b"U")
