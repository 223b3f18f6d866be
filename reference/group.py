"""The two groups: Pallas y² = x³ + 5 and BN254's G1 y² = x³ + 3, both of prime order.

A point is None (the identity) or an affine pair (x, y). Sums run in Jacobian coordinates (X, Y, Z), which
stand for (X/Z², Y/Z³); Z = 0 is the identity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from reference.errors import Refused, demand

Point = tuple[int, int] | None
Jacobian = tuple[int, int, int]

IDENTITY: Jacobian = (1, 1, 0)
SIGN = 1 << 255


@dataclass(frozen=True)
class Suite:
    """A suite: its id, its curve y² = x³ + b over the field of p elements, and its order r."""

    id: str
    p: int
    b: int
    r: int

    def contains(self, point: Point) -> bool:
        """Whether the point is on the curve."""
        return point is None or (point[1] ** 2 - point[0] ** 3 - self.b) % self.p == 0


PALLAS = Suite(
    id="pallas-keccak-ed25519-v1",
    p=0x40000000000000000000000000000000224698FC094CF91B992D30ED00000001,
    b=5,
    r=0x40000000000000000000000000000000224698FC0994A8DD8C46EB2100000001,
)
BN254 = Suite(
    id="bn254-keccak-ed25519-v1",
    p=21888242871839275222246405745257275088696311157297823662689037894645226208583,
    b=3,
    r=21888242871839275222246405745257275088548364400416034343698204186575808495617,
)
SUITES = {suite.id: suite for suite in (PALLAS, BN254)}


def double(suite: Suite, a: Jacobian) -> Jacobian:
    """a + a. No point has order 2, so Y is never 0."""
    x, y, z = a
    if z == 0:
        return a
    p = suite.p
    yy = y * y % p
    s = 4 * x * yy % p
    m = 3 * x * x % p
    x3 = (m * m - 2 * s) % p
    return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p


def add(suite: Suite, a: Jacobian, b: Jacobian) -> Jacobian:
    """a + b, all cases."""
    if a[2] == 0:
        return b
    if b[2] == 0:
        return a
    p = suite.p
    x1, y1, z1 = a
    x2, y2, z2 = b
    zz1 = z1 * z1 % p
    u2, s2 = x2 * zz1 % p, y2 * zz1 * z1 % p
    if z2 == 1:  # of every point that was not computed
        u1, s1 = x1, y1
    else:
        zz2 = z2 * z2 % p
        u1, s1 = x1 * zz2 % p, y1 * zz2 * z2 % p
    h, t = (u2 - u1) % p, (s2 - s1) % p
    if h == 0:
        return double(suite, a) if t == 0 else IDENTITY
    hh = h * h % p
    hhh, v = h * hh % p, u1 * hh % p
    x3 = (t * t - hhh - 2 * v) % p
    return x3, (t * (v - x3) - s1 * hhh) % p, z1 * z2 * h % p


def jacobian(point: Point) -> Jacobian:
    """The same point in Jacobian coordinates."""
    return IDENTITY if point is None else (point[0], point[1], 1)


def affine(suite: Suite, a: Jacobian) -> Point:
    """The same point in affine coordinates."""
    if a[2] == 0:
        return None
    inverse = pow(a[2], -1, suite.p)
    square = inverse * inverse % suite.p
    return a[0] * square % suite.p, a[1] * square * inverse % suite.p


def plus(suite: Suite, a: Point, b: Point) -> Point:
    """a + b in affine coordinates."""
    return affine(suite, add(suite, jacobian(a), jacobian(b)))


def minus(suite: Suite, a: Point) -> Point:
    """−a."""
    return None if a is None else (a[0], -a[1] % suite.p)


def combination(suite: Suite, terms: Sequence[tuple[int, Point]]) -> Point:
    """Σ scalar·point: windows of some bits from the top, one bucket for each digit."""
    pairs = [(scalar % suite.r, jacobian(point)) for scalar, point in terms if point is not None]
    width = max(1, len(pairs).bit_length() - 2)  # buckets cost as much as points
    total = IDENTITY
    for shift in reversed(range(0, suite.r.bit_length(), width)):
        for _ in range(width):
            total = double(suite, total)
        buckets = [IDENTITY] * (1 << width)
        for scalar, point in pairs:
            digit = (scalar >> shift) & ((1 << width) - 1)
            if digit:
                buckets[digit] = add(suite, buckets[digit], point)
        running = IDENTITY
        for bucket in reversed(buckets[1:]):  # Σ digit·bucket as a sum of running sums
            running = add(suite, running, bucket)
            total = add(suite, total, running)
    return affine(suite, total)


@cache
def non_square(p: int) -> int:
    """The smallest non-square modulo p."""
    return next(z for z in range(2, p) if pow(z, (p - 1) // 2, p) == p - 1)


def square_root(p: int, a: int) -> int | None:
    """A square root of a modulo p, or None (Tonelli and Shanks)."""
    a %= p
    if a == 0:
        return 0
    if pow(a, (p - 1) // 2, p) != 1:
        return None
    odd, twos = p - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    c, root, rest = pow(non_square(p), odd, p), pow(a, (odd + 1) // 2, p), pow(a, odd, p)
    while rest != 1:  # root² = a·rest, and the order of rest is a power of two below 2^twos
        order, power = 0, rest
        while power != 1:
            order, power = order + 1, power * power % p
        step = pow(c, 1 << (twos - order - 1), p)
        c, root, rest, twos = step * step % p, root * step % p, rest * step * step % p, order
    return root


def encode(point: Point) -> bytes:
    """32 bytes: x big-endian with the parity of y in the top bit; the identity is all zeros."""
    if point is None:
        return bytes(32)
    return (point[0] + SIGN * (point[1] % 2)).to_bytes(32, "big")


def decode(suite: Suite, data: bytes) -> Point:
    """The point of an encoding; refuses all but the one encoding that each point has."""
    demand(len(data) == 32, "decoding", "a point has 32 bytes")
    if data == bytes(32):
        return None
    odd, x = divmod(int.from_bytes(data, "big"), SIGN)
    demand(x < suite.p, "decoding", "x is not below p")
    y = square_root(suite.p, x**3 + suite.b)
    if y is None:
        raise Refused("decoding", "x is no point's")
    demand(y != 0 and x != 0, "decoding", "x = 0 and y = 0 are no point's")  # 5 and 3 are no squares
    return x, y if y % 2 == odd else suite.p - y


def decode_all(suite: Suite, data: bytes) -> list[Point]:
    """Points one after the other."""
    demand(len(data) % 32 == 0, "decoding", "points have 32 bytes each")
    return [decode(suite, data[i : i + 32]) for i in range(0, len(data), 32)]
