"""R6, accuracy (spec/relations/accuracy.md): a linear head classifies at least so many of the committed records correctly; which ones stays
hidden. A tie is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.policy.parameters import Digits, digits
from fedproof.proofs.commitment import Integers
from fedproof.proofs.context import refusals
from fedproof.proofs.head import HeadOpening, HeadStatement, flat

NAME = "accuracy"


@dataclass(frozen=True)
class Statement(HeadStatement):
    """correct: T, at least so many."""

    correct: int

    def parts(self) -> tuple[tuple[int, int, int], tuple[int, int], tuple[int, int, int]]:
        """As the engine takes it."""
        return self.size, (self.scale, self.correct), _digits(self.size, self.scale).parts()


def _digits(size: tuple[int, int, int], scale: int) -> Digits:
    """Fixed by the sizes and the scale, never by a prover."""
    return digits(*size, scale, hinge=True, committed=False)


def count_correct(rows: NDArray[np.int8], weights: Integers, scale: int) -> int:
    """How many records are classified correctly, ties not. rows: features, bias, one-hot label, one a record; weights: classes × features
    with the bias. A logit beyond ±2^11 may not count. Raises `Refused` where they do not fit each other."""
    classes, features = weights.shape
    size = len(rows), features, classes
    with refusals():
        return _core.count_correct(
            (size, _digits(size, scale).parts()), np.ascontiguousarray(rows), flat(weights)
        )


def prove(
    statement: Statement,
    rows: NDArray[np.int8],
    blinds: bytes,
    opening: HeadOpening,
    *,
    unchecked: bool = False,
) -> bytes:
    """As `fedproof.proofs.optimum.prove`."""
    with refusals(party=statement.ctx.client):
        return _core.prove_accuracy(
            statement.suite,
            statement.ctx.parts(),
            statement.parts(),
            *statement.known(rows, blinds, opening),
            not unchecked,
        )


def verify(statement: Statement, proof: bytes) -> None:
    """Returns nothing, or raises `Refused`."""
    with refusals(party=statement.ctx.client):
        _core.verify_accuracy(
            statement.suite, statement.ctx.parts(), statement.parts(), *statement.stated(), proof
        )
