"""R6, accuracy (spec/relations/accuracy.md): a linear head classifies at least so many of the committed records correctly; which ones stays
hidden. A tie is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.policy.parameters import Digits, digits
from fedproof.proofs.commitment import Integers, point_size
from fedproof.proofs.context import Context, refusals
from fedproof.proofs.optimum import Head, HeadOpening, flat

NAME = "accuracy"


@dataclass(frozen=True)
class Statement:
    """features: with the bias. scale: one unit of W is 2^-scale. correct: T, at least so many. records: one point a record, one after the
    other."""

    ctx: Context
    suite: str
    features: int
    classes: int
    scale: int
    correct: int
    records: bytes = field(repr=False)
    head: Head

    @property
    def size(self) -> tuple[int, int, int]:
        """Records, features, classes."""
        return len(self.records) // point_size(self.suite), self.features, self.classes

    def parts(self) -> tuple[tuple[int, int, int], tuple[int, int], tuple[int, int, int]]:
        """As the engine takes it."""
        d = _digits(self.size, self.scale)
        return self.size, (self.scale, self.correct), (d.bound, d.margins, d.weights)


def _digits(size: tuple[int, int, int], scale: int) -> Digits:
    """Fixed by the sizes and the scale, never by a prover."""
    return digits(*size, scale, hinge=True, committed=False)


def count_correct(rows: NDArray[np.int8], weights: Integers, scale: int) -> int:
    """How many records are classified correctly, ties not. rows: features, bias, one-hot label, one a record; weights: classes × features
    with the bias. A logit beyond ±2^11 may not count. Raises `Refused` where they do not fit each other."""
    classes, features = weights.shape
    size = len(rows), features, classes
    d = _digits(size, scale)
    with refusals():
        return _core.count_correct(
            (size, (d.bound, d.margins, d.weights)), np.ascontiguousarray(rows), flat(weights)
        )


def prove(
    statement: Statement,
    rows: NDArray[np.int8],
    blinds: bytes,
    opening: HeadOpening,
    *,
    unchecked: bool = False,
) -> bytes:
    """rows: one a record, features, bias, one-hot label; blinds: theirs. Raises `Refused` (stage "witness") where the statement is not
    true, unless `unchecked`, as a dishonest prover would."""
    points = None if statement.head.weights is not None else statement.head.points
    with refusals(party=statement.ctx.client):
        return _core.prove_accuracy(
            statement.suite,
            statement.ctx.parts(),
            statement.parts(),
            statement.records,
            np.ascontiguousarray(rows),
            blinds,
            flat(opening.weights),
            points,
            opening.blinds,
            not unchecked,
        )


def verify(statement: Statement, proof: bytes) -> None:
    """Returns nothing, or raises `Refused`."""
    weights = statement.head.weights
    with refusals(party=statement.ctx.client):
        _core.verify_accuracy(
            statement.suite,
            statement.ctx.parts(),
            statement.parts(),
            statement.records,
            None if weights is None else flat(weights),
            statement.head.points,
            proof,
        )
