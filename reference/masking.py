"""Masks, keys, shares: masks.md. Accepts by returning and refuses by raising."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from typing import NamedTuple

from reference.aes import key_stream
from reference.errors import demand
from reference.generators import DOMAINS, generator
from reference.group import Point, Suite, combination, decode, encode
from reference.transcript import Label, Transcript, scalar_bytes

WIDTHS = {2**32 - 5: 4, 2**40 - 87: 5, 2**48 - 59: 6}  # q: bytes of a residue (§1)


class Masked(NamedTuple):
    """Scalars of rows and residues of coordinates: a mask, or an update with its blinds."""

    scalars: list[int]
    residues: list[int]


def integer(q: int, v: int) -> int:
    """The integer that a residue stands for (§1)."""
    return v - q if v > q // 2 else v


def pack(q: int, residues: Sequence[int]) -> bytes:
    """Little-endian integers of the modulus' width, one after another (§1)."""
    assert all(0 <= v < q for v in residues)
    return b"".join(v.to_bytes(WIDTHS[q], "little") for v in residues)


def unpack(q: int, data: bytes, coordinates: int) -> list[int]:
    """The residues of a packed vector; refuses another length and a residue that is not below q (§1)."""
    width = WIDTHS[q]
    demand(len(data) == width * coordinates, "shape", "length and number of coordinates differ")
    residues = [int.from_bytes(data[i : i + width], "little") for i in range(0, len(data), width)]
    demand(all(v < q for v in residues), "decoding", "a residue that is not below q")
    return residues


def candidates(blocks: Iterator[bytes], width: int) -> Iterator[int]:
    """A stream cut into little-endian integers, across the blocks' ends (§2)."""
    held = b""
    for block in blocks:
        held += block
        whole = len(held) - len(held) % width
        yield from (int.from_bytes(held[i : i + width], "little") for i in range(0, whole, width))
        held = held[whole:]


def row_mask(suite: Suite, q: int, seed: bytes, row: int, coordinates: int) -> tuple[int, list[int]]:
    """The scalar of one row of a seed's mask and the residues of the row's coordinates (§2)."""
    demand(len(seed) == 32, "statement", "a seed has 32 bytes")
    blocks = (key_stream(seed, row, number) for number in count())
    scalar = int.from_bytes(b"".join(islice(blocks, 4)), "big") % suite.r
    residues: list[int] = []
    below = (v for v in candidates(blocks, WIDTHS[q]) if v < q)
    while len(residues) < coordinates:
        residues.append(next(below))
    return scalar, residues


def mask(suite: Suite, q: int, seed: bytes, d: int, columns: int) -> Masked:
    """A seed's mask for d coordinates in rows of C columns; the last row may be shorter (§2)."""
    rows = [
        row_mask(suite, q, seed, i, min(columns, d - start)) for i, start in enumerate(range(0, d, columns))
    ]
    return Masked([scalar for scalar, _ in rows], [v for _, part in rows for v in part])


def add_masks(suite: Suite, q: int, vector: Masked, masks: Sequence[tuple[int, Masked]]) -> Masked:
    """vector + Σ sign·mask: residues modulo q, scalars modulo r (§2). A sign is 1 or −1."""
    scalars, residues = list(vector.scalars), list(vector.residues)
    for sign, other in masks:
        assert sign in (1, -1)
        scalars = [(a + sign * b) % suite.r for a, b in zip(scalars, other.scalars, strict=True)]
        residues = [(a + sign * b) % q for a, b in zip(residues, other.residues, strict=True)]
    return Masked(scalars, residues)


def decode_scalar(suite: Suite, data: bytes) -> int:
    """The scalar of an encoding (commitment.md §2)."""
    demand(len(data) == 32, "decoding", "a scalar has 32 bytes")
    value = int.from_bytes(data, "big")
    demand(value < suite.r, "decoding", "a scalar that is not below r")
    return value


def base(suite: Suite) -> Point:
    """D, which carries keys and shares."""
    return generator(suite, b"D")


def public_key(suite: Suite, secret: int) -> Point:
    """k·D, k ≠ 0 (§3)."""
    assert 0 < secret < suite.r
    return combination(suite, [(secret, base(suite))])


def decode_key(suite: Suite, data: bytes) -> Point:
    """The key of an encoding; refuses the identity (§3)."""
    key = decode(suite, data)
    demand(key is not None, "statement", "the identity is no key")
    return key


def shared_point(suite: Suite, secret: int, key: Point) -> Point:
    """k_1·(k_2·D), which both parties can compute (§3)."""
    assert 0 < secret < suite.r
    assert key is not None
    return combination(suite, [(secret, key)])


class KeyClaim(NamedTuple):
    """The statement of a key proof: one k with images[i] = k·B_i, B_0 = D, then `further` (§3)."""

    context: bytes
    images: Sequence[Point]
    further: Sequence[Point] = ()

    def bases(self, suite: Suite) -> list[Point]:
        """B_0 = D, B_1, …, one for each image."""
        bases = [base(suite), *self.further]
        demand(len(bases) == len(self.images), "shape", "not as many bases as images")
        demand(None not in (*bases, *self.images), "statement", "the identity is no base and no image")
        return bases

    def challenge(self, suite: Suite, nonces: Sequence[Point]) -> int:
        """c, after the whole statement and the points N_i."""
        transcript = Transcript(suite)
        transcript.absorb(Label("suite"), suite.id.encode("ascii"))
        transcript.absorb(Label("version"), b"fedproof/v1")
        transcript.absorb(Label("relation"), b"key proof")
        transcript.absorb(Label("generators"), DOMAINS[suite.id].encode("ascii"))
        transcript.absorb(Label("context"), self.context)
        for i, (point, image) in enumerate(zip(self.bases(suite), self.images, strict=True)):
            transcript.absorb(Label("base", i), encode(point))
            transcript.absorb(Label("image", i), encode(image))
        for i, point in enumerate(nonces):
            transcript.absorb(Label("nonce", i), encode(point))
        return transcript.full(Label("challenge"))


def prove_key(suite: Suite, claim: KeyClaim, secret: int, nonce: int) -> bytes:
    """point(N_0) ‖ point(N_1) ‖ … ‖ scalar(n + c·k) (§3). Does not ask whether the claim is true."""
    assert 0 < nonce < suite.r
    points = [combination(suite, [(nonce, point)]) for point in claim.bases(suite)]
    z = (nonce + claim.challenge(suite, points) * secret) % suite.r
    return b"".join(encode(point) for point in points) + scalar_bytes(z)


def verify_key(suite: Suite, claim: KeyClaim, proof: bytes) -> None:
    """Refuses unless z·B_i = N_i + c·I_i for every i (§3)."""
    bases = claim.bases(suite)
    demand(len(proof) == 32 * (len(bases) + 1), "shape", "length and number of bases differ")
    nonces = [decode(suite, proof[i : i + 32]) for i in range(0, len(proof) - 32, 32)]
    z = decode_scalar(suite, proof[-32:])
    c = claim.challenge(suite, nonces)
    for point, image, nonce in zip(bases, claim.images, nonces, strict=True):
        rest = combination(suite, [(z, point), (-c, image), (-1, nonce)])
        demand(rest is None, "argument", "an equation of the key proof does not hold")


def share(suite: Suite, coefficients: Sequence[int], holder: int) -> int:
    """f(l) for the coefficients s, a_1, … (§4)."""
    assert 0 < holder < suite.r
    return sum(a * pow(holder, i, suite.r) for i, a in enumerate(coefficients)) % suite.r


def share_commitments(suite: Suite, coefficients: Sequence[int]) -> list[Point]:
    """s·D, a_1·D, … (§4)."""
    return [combination(suite, [(a, base(suite))]) for a in coefficients]


def share_image(suite: Suite, commitments: Sequence[Point], holder: int) -> Point:
    """f(l)·D = Σ_i l^i·(a_i·D) (§4)."""
    assert 0 < holder < suite.r
    return combination(suite, [(pow(holder, i, suite.r), point) for i, point in enumerate(commitments)])


def check_share(suite: Suite, commitments: Sequence[Point], holder: int, value: int) -> None:
    """Refuses a share that is not the one committed to (§4)."""
    image = combination(suite, [(value, base(suite))])
    demand(image == share_image(suite, commitments, holder), "argument", "a share differs from its image")


def lagrange(suite: Suite, holders: Sequence[int], threshold: int) -> list[int]:
    """λ_l for the holders of a set of t (§4); refuses other numbers of holders, 0 and repetitions."""
    r = suite.r
    demand(len(holders) == threshold > 0, "shape", "not as many holders as values")
    demand(all(0 < holder < 1 << 32 for holder in holders), "statement", "a holder's number is out of range")
    demand(len(set(holders)) == len(holders), "statement", "a holder comes twice")
    weights = []
    for holder in holders:
        weight = 1
        for other in holders:
            if other != holder:
                weight = weight * other * pow(other - holder, -1, r) % r
        weights.append(weight)
    return weights


def interpolate(suite: Suite, shares: Mapping[int, int], threshold: int) -> int:
    """s = Σ λ_l·f(l) (§4)."""
    weights = lagrange(suite, list(shares), threshold)
    return sum(weight * value for weight, value in zip(weights, shares.values(), strict=True)) % suite.r


def interpolate_points(suite: Suite, points: Mapping[int, Point], threshold: int) -> Point:
    """s·E = Σ λ_l·(f(l)·E) (§4)."""
    return combination(
        suite, list(zip(lagrange(suite, list(points), threshold), points.values(), strict=True))
    )
