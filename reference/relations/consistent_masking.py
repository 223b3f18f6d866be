"""R4, consistent masking: an upload under masks is the weighted update and the masks that were signed for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reference.closing import close
from reference.errors import demand
from reference.gadgets import bits
from reference.generators import blind
from reference.group import Point, Suite, combination
from reference.masking import WIDTHS, row_mask
from reference.recorder import Columns, Matrix, Recorder
from reference.statement import Context, Shape, absorb_context
from reference.transcript import Label, points_bytes, scalar_bytes, u32, u64

REPETITIONS = 3
HIDING = b"K"  # in place of H, so that what is shown is free of H


class Pair(NamedTuple):
    """A neighbour: whether ε = −1, and Φ of every repetition."""

    negative: bool
    points: Sequence[Point]


@dataclass(frozen=True)
class Statement:
    """All but the context."""

    accepted: bytes  # H(U)
    shape: Shape
    q: int
    carry_bits: int  # ℓ
    points: Sequence[Point]  # P
    blinds: Sequence[int]  # σ'
    pairs: Sequence[Pair]
    values: Sequence[int]  # v

    def check(self) -> None:
        """The limits of the statement. That blinds are scalars is for whoever decodes them."""
        demand(len(self.accepted) == 32, "statement", "a set's digest has 32 bytes")
        self.shape.check()
        demand(self.q in WIDTHS, "statement", "no such modulus")
        demand(1 <= self.carry_bits <= 126, "statement", "no such number of carry bits")
        demand(all(0 <= v < self.q for v in self.values), "statement", "a fingerprint that is not below q")
        demand(len(self.pairs) <= 1000, "statement", "too many neighbours")
        demand(len(self.points) == self.shape.rows, "shape", "not R rows")
        demand(len(self.blinds) == self.shape.rows, "shape", "not R blinds")
        three = all(len(pair.points) == REPETITIONS for pair in self.pairs)
        demand(three, "shape", "not three points of a neighbour")
        demand(len(self.values) == REPETITIONS, "shape", "not three fingerprints")


class Weights(NamedTuple):
    """Of a repetition: a by row and b by column."""

    a: Sequence[int]
    b: Sequence[int]


def beacon(suite: Suite, q: int, shape: Shape, session: bytes, accepted: bytes, s: int) -> Weights:
    """The weights of repetition s, which the set fixes."""
    seed = hashlib.sha256(b"fedproof/v1/beacon\x00" + session + accepted + u32(s)).digest()
    _, a = row_mask(suite, q, seed, 0, shape.rows)
    _, b = row_mask(suite, q, seed, 1, shape.columns)
    return Weights(a, b)


def row_point(suite: Suite, weight: int, statement: Statement, a: Sequence[int], s: int) -> Point:
    """Q of repetition s: w·Σ a·P − (Σ a·σ')·H + Σ ε·Φ."""
    blinds = sum(factor * scalar for factor, scalar in zip(a, statement.blinds, strict=True))
    rows = [(weight * factor, point) for factor, point in zip(a, statement.points, strict=True)]
    masks = [(-1 if pair.negative else 1, pair.points[s]) for pair in statement.pairs]
    return combination(suite, [*rows, (-blinds, blind(suite)), *masks])


def verify(recorder: Recorder, context: Context, statement: Statement) -> None:
    """Returns if the proof is accepted, raises Refused if not."""
    statement.check()
    assert recorder.columns == 2 * statement.shape.columns, "a recorder for another row length"
    recorder.hiding = HIDING
    absorb(recorder, context, statement)
    suite, shape = recorder.suite, statement.shape
    session, accepted = context.announcement, statement.accepted
    weights = [beacon(suite, statement.q, shape, session, accepted, s) for s in range(REPETITIONS)]
    points = [row_point(suite, context.weight, statement, a, s) for s, (a, _) in enumerate(weights)]
    Q = recorder.statement_matrix(Label("Q"), points)
    relation(recorder, statement, Q, [b for _, b in weights])
    close(recorder)


def absorb(recorder: Recorder, context: Context, statement: Statement) -> None:
    """Step 1 but for Q, which follows from this and is absorbed after it."""
    absorb_context(recorder, "consistent masking", context)
    recorder.public(Label("accepted"), statement.accepted)
    recorder.public(Label("shape"), u64(statement.shape.d) + u32(statement.shape.columns))
    recorder.public(Label("modulus"), u64(statement.q) + u64(statement.carry_bits))
    recorder.public(Label("rows"), points_bytes(statement.points))
    recorder.public(Label("blinds"), b"".join(map(scalar_bytes, statement.blinds)))
    for i, pair in enumerate(statement.pairs):
        recorder.public(Label("sign", i), bytes([pair.negative]))
        recorder.public(Label("pair", i), points_bytes(pair.points))
    recorder.public(Label("values"), b"".join(map(u64, statement.values)))


def relation(recorder: Recorder, statement: Statement, Q: Matrix, b: Sequence[Sequence[int]]) -> None:
    """Steps 2 and 3."""
    # 2. Carries
    carries = [
        bits(recorder, Label("carry", s), statement.carry_bits + 1) - (1 << statement.carry_bits)
        for s in range(REPETITIONS)
    ]

    # 3. Openings: the last column is J's
    for s, carry in enumerate(carries):
        rows = [int(i == s) for i in range(REPETITIONS)]
        recorder.open(Q, rows, Columns([*b[s], 1]), carry * statement.q + statement.values[s])
