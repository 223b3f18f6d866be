"""What an honest member of a masked round commits to, by brute force from the page."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reference.commitment import commit
from reference.generators import blind, columns, generator
from reference.group import Point, Suite, combination
from reference.masking import Masked, add_masks, mask, row_mask
from reference.relations.consistent_masking import Pair, Statement, Weights, beacon
from reference.statement import Context, Shape
from reference.transcript import Label
from tests.reference.prover import Prover

SET = bytes(range(100, 132))  # H(U)
MAX_ABS = 1000
WEIGHT_MAX = 1000


@dataclass(frozen=True)
class Shared:
    """A pair's mask and β of every repetition, from two seeds that only both ends know."""

    mask: Masked
    betas: list[int]


@dataclass(frozen=True)
class Secret:
    """An update, and the pairs of its client with ε."""

    x: list[int]
    pairs: list[tuple[int, Shared]]


def shared(suite: Suite, q: int, shape: Shape, choice: random.Random) -> Shared:
    """A pair's secrets."""
    first, second = choice.randbytes(32), choice.randbytes(32)
    betas = [row_mask(suite, q, second, s, 0)[0] for s in range(3)]
    return Shared(mask(suite, q, first, shape.d, shape.columns), betas)


def rows_of(shape: Shape, v: Sequence[int]) -> list[Sequence[int]]:
    """v by row; the last may be shorter."""
    starts = range(0, len(v) + shape.columns, shape.columns)
    return [v[start:end] for start, end in pairwise(starts)][: shape.rows]


def fingerprint(shape: Shape, weights: Weights, v: Sequence[int]) -> int:
    """Σ_r a_r·Σ_c b_c·v_rc, an integer."""
    return sum(
        a * b * entry
        for a, row in zip(weights.a, rows_of(shape, v), strict=True)
        for b, entry in zip(weights.b, row, strict=False)
    )


def column_sums(shape: Shape, weights: Weights, v: Sequence[int]) -> list[int]:
    """Σ_r a_r·v_rc by column, integers."""
    sums = [0] * shape.columns
    for a, row in zip(weights.a, rows_of(shape, v), strict=True):
        for c, entry in enumerate(row):
            sums[c] += a * entry
    return sums


def weights_of(suite: Suite, q: int, shape: Shape, context: Context, accepted: bytes = SET) -> list[Weights]:
    """a and b of every repetition."""
    return [beacon(suite, q, shape, context.announcement, accepted, s) for s in range(3)]


def mask_points(suite: Suite, q: int, shape: Shape, weights: list[Weights], pair: Shared) -> list[Point]:
    """Φ of every repetition."""
    J, H, K = columns(suite, shape.columns + 1)[-1], blind(suite), generator(suite, b"K")
    return [
        combination(
            suite,
            [
                (fingerprint(shape, each, pair.mask.residues) % q, J),
                (sum(a * mu for a, mu in zip(each.a, pair.mask.scalars, strict=True)), H),
                (beta, K),
            ],
        )
        for each, beta in zip(weights, pair.betas, strict=True)
    ]


def carry_bits(q: int, d: int, neighbours: int) -> int:
    """The least ℓ with 2^ℓ > w_max·d·q·B + k + 2."""
    return (WEIGHT_MAX * d * q * MAX_ABS + neighbours + 2).bit_length()


def stated(
    suite: Suite, context: Context, q: int, shape: Shape, x: list[int], rho: list[int],
    pairs: list[tuple[int, Shared]],
) -> tuple[Statement, Masked]:  # fmt: skip
    """The statement of one member, and its upload without the masks that are open."""
    weights = weights_of(suite, q, shape, context)
    w = context.weight
    plain = Masked([w * blind for blind in rho], [w * entry % q for entry in x])
    upload = add_masks(suite, q, plain, [(sign, pair.mask) for sign, pair in pairs])
    statement = Statement(
        SET,
        shape,
        q,
        carry_bits(q, shape.d, len(pairs)),
        commit(suite, shape, x, rho),
        [scalar % suite.r for scalar in upload.scalars],
        [Pair(sign == -1, mask_points(suite, q, shape, weights, pair)) for sign, pair in pairs],
        [fingerprint(shape, each, upload.residues) % q for each in weights],
    )
    return statement, upload


def made_up(
    suite: Suite, context: Context, q: int, shape: Shape, signs: Sequence[int]
) -> tuple[Statement, Secret]:
    """An update, and a neighbour for each sign."""
    choice = random.Random(shape.d)
    x = [choice.randint(-MAX_ABS, MAX_ABS) for _ in range(shape.d)]
    rho = [choice.randrange(suite.r) for _ in range(shape.rows)]
    pairs = [(sign, shared(suite, q, shape, choice)) for sign in signs]
    statement, _ = stated(suite, context, q, shape, x, rho, pairs)
    return statement, Secret(x, pairs)


@dataclass(frozen=True)
class Opened:
    """z, f and β of one repetition, and what the fingerprints come to: Σ b·z + f."""

    z: list[int]
    f: int
    beta: int
    total: int


def opened(suite: Suite, context: Context, statement: Statement, secret: Secret) -> list[Opened]:
    """Of every repetition, all but β integers."""
    q, shape = statement.q, statement.shape
    found = []
    for s, weights in enumerate(weights_of(suite, q, shape, context, statement.accepted)):
        z = [context.weight * entry for entry in column_sums(shape, weights, secret.x)]
        f = sum(sign * (fingerprint(shape, weights, pair.mask.residues) % q) for sign, pair in secret.pairs)
        beta = sum(sign * pair.betas[s] for sign, pair in secret.pairs) % suite.r
        found.append(Opened(z, f, beta, f + sum(b * entry for b, entry in zip(weights.b, z, strict=True))))
    return found


class MaskingWitness:
    """Bits of κ. One that is no integer in range leaves what is no bit in the last slot."""

    def __init__(self, r: int, statement: Statement, found: list[Opened]) -> None:
        self.r, self.statement, self.found = r, statement, found

    def __call__(self, _prover: Prover, label: Label) -> list[int]:
        assert label.name == "carry"
        q, ell = self.statement.q, self.statement.carry_bits
        difference = self.found[label.i].total - self.statement.values[label.i]
        carry = difference // q if difference % q == 0 else difference * pow(q, -1, self.r) % self.r
        return self.expand(carry + 2**ell, ell)

    def expand(self, n: int, ell: int) -> list[int]:
        """Σ 2^i·b_i = n."""
        return [*(n >> i & 1 for i in range(ell)), (n >> ell) % self.r]


class WrappedWitness(MaskingWitness):
    """Only bits, whatever κ is."""

    def expand(self, n: int, ell: int) -> list[int]:
        return [n >> i & 1 for i in range(ell + 1)]


def prover_of(
    suite: Suite, context: Context, statement: Statement, secret: Secret,
    witness: type[MaskingWitness] = MaskingWitness,
) -> Prover:  # fmt: skip
    """A prover that holds the openings of Q: C numbers, that of J, and nothing up to 2C."""
    found = opened(suite, context, statement, secret)
    length = 2 * statement.shape.columns
    padding = [0] * (statement.shape.columns - 1)
    numbers = [entry for each in found for entry in [*each.z, each.f, *padding]]
    betas = [each.beta for each in found]
    return Prover(suite, witness(suite.r, statement, found), (length, numbers, betas))
