"""R5, optimum (spec/relations/optimum.md): a linear head is the optimum of a convex objective on exactly the committed records, up to a
residual Σ E² ≤ max_residual_squared; exact, in zero knowledge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.errors import Refused
from fedproof.policy.parameters import Digits, digits
from fedproof.proofs.commitment import Integers, point_size
from fedproof.proofs.context import Context, refusals

NAME = "optimum"


@dataclass(frozen=True)
class Head:
    """W as the statement has it: public integers (classes × features with the bias), or one point a class."""

    weights: Integers | None = field(repr=False)
    points: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class HeadOpening:
    """W, classes × features with the bias, and one blind a class; none for a public head."""

    weights: Integers = field(repr=False)
    blinds: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class Statement:
    """features: with the bias. loss: "ridge" or "squared hinge". scale: one unit of W is 2^-scale. regularisation: Λ = λ·2^10.
    max_residual_squared: B2². records: one point a record, one after the other."""

    ctx: Context
    suite: str
    features: int
    classes: int
    loss: Literal["ridge", "squared hinge"]
    scale: int
    regularisation: int
    max_residual_squared: int
    records: bytes = field(repr=False)
    head: Head

    @property
    def size(self) -> tuple[int, int, int]:
        """Records, features, classes."""
        return len(self.records) // point_size(self.suite), self.features, self.classes

    @property
    def hinge(self) -> bool:
        """Whether the loss is the squared hinge."""
        return self.loss == "squared hinge"

    def digits(self) -> Digits:
        """Fixed by the sizes and the objective, never by a prover."""
        return digits(*self.size, self.scale, hinge=self.hinge, committed=self.head.weights is None)

    def parts(self) -> tuple[tuple[int, int, int], tuple[bool, int, int, int], tuple[int, int, int]]:
        """As the engine takes it."""
        d = self.digits()
        objective = self.hinge, self.scale, self.regularisation, self.max_residual_squared
        return self.size, objective, (d.bound, d.margins, d.weights)


def commit_head(suite: str, weights: Integers) -> tuple[Head, HeadOpening]:
    """Commits to W (classes × features with the bias) under fresh blinds."""
    numbers = flat(weights)
    with refusals():
        points, blinds = _core.commit(suite, numbers, weights.shape[1], 64)
    return Head(None, points), HeadOpening(weights, blinds)


def check_head(statement: Statement, opening: HeadOpening) -> None:
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
        raise Refused(NAME, "shape", "weights are classes × features")
    return np.ascontiguousarray(weights, dtype=np.int64).ravel()


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
        return _core.prove_optimum(
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
        _core.verify_optimum(
            statement.suite,
            statement.ctx.parts(),
            statement.parts(),
            statement.records,
            None if weights is None else flat(weights),
            statement.head.points,
            proof,
        )
