"""What proofs about a linear head share (R5 `optimum`, R6 `accuracy`, R9 `receipt`): W, what opens it, and certified records."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.errors import Refused
from fedproof.proofs.commitment import Integers, point_size
from fedproof.proofs.context import Context, refusals


@dataclass(frozen=True)
class Head:
    """W as the statement has it: public integers (classes × features with the bias), or one point a class."""

    weights: Integers | None = field(repr=False)
    points: bytes = field(repr=False, default=b"")

    @property
    def committed(self) -> bool:
        """Whether W is hidden."""
        return self.weights is None


@dataclass(frozen=True)
class HeadOpening:
    """W, classes × features with the bias, and one blind a class; none for a public head."""

    weights: Integers = field(repr=False)
    blinds: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class HeadStatement:
    """What is said of a head and certified records. features: with the bias. scale: one unit of W is 2^-scale. records: one point a record,
    one after the other."""

    ctx: Context
    suite: str
    features: int
    classes: int
    scale: int
    records: bytes = field(repr=False)
    head: Head

    @property
    def size(self) -> tuple[int, int, int]:
        """Records, features, classes."""
        return len(self.records) // point_size(self.suite), self.features, self.classes

    def known(
        self, rows: NDArray[np.int8], blinds: bytes, opening: HeadOpening
    ) -> tuple[bytes, NDArray[np.int8], bytes, Integers, bytes | None, bytes]:
        """Records and W as the engine takes them from a prover. rows: one a record, features, bias, one-hot label; blinds: theirs."""
        points = self.head.points if self.head.committed else None
        return (
            self.records,
            np.ascontiguousarray(rows),
            blinds,
            flat(opening.weights),
            points,
            opening.blinds,
        )

    def stated(self) -> tuple[bytes, Integers | None, bytes]:
        """Records and W as the engine takes them from a verifier."""
        weights = self.head.weights
        return self.records, None if weights is None else flat(weights), self.head.points


def commit_head(suite: str, weights: Integers) -> tuple[Head, HeadOpening]:
    """Commits to W (classes × features with the bias) under fresh blinds."""
    numbers = flat(weights)
    with refusals():
        points, blinds = _core.commit(suite, numbers, weights.shape[1], 64)
    return Head(None, points), HeadOpening(weights, blinds)


def check_head(statement: HeadStatement, opening: HeadOpening) -> None:
    """Raises `Refused` (subject "model") unless these are the statement's weights: the public ones, or what opens the committed ones."""
    shape = statement.classes, statement.features
    public = statement.head.weights
    if opening.weights.shape != shape:
        raise Refused("model", "shape", f"it has {opening.weights.shape} weights, the training {shape}")
    if public is not None:
        if opening.blinds or not np.array_equal(public, opening.weights):
            raise Refused("model", "chain", "the file is not the head that was trained, bit for bit")
        return
    try:
        with refusals():
            _core.check_opening(
                statement.suite,
                statement.head.points,
                statement.features,
                flat(opening.weights),
                opening.blinds,
            )
    except Refused:
        raise Refused("model", "opening", "the file is not the head that was committed to") from None


def flat(weights: Integers) -> Integers:
    """Class by class, as the engine takes them. Raises `Refused` for what is no matrix."""
    if weights.ndim != 2:
        raise Refused("model", "shape", "weights are classes × features")
    return np.ascontiguousarray(weights, dtype=np.int64).ravel()
