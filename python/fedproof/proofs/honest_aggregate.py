"""R2, honest aggregate (spec/relations/honest-aggregate.md; the idea is zkFL's): the result is exactly Σ w_k·x_k of the
accepted commitments. With the result at hand, `verify`; without it, `verify_proof`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedproof import _core
from fedproof.errors import Refused
from fedproof.policy.parameters import Shape, shape
from fedproof.proofs.commitment import Commitment, Opening, blinds_size, width
from fedproof.proofs.context import Context, refusals

NAME = "honest aggregate"


class RunningTotal:
    """Σ w·x in exact int64 and Σ w·ρ, one opening at a time: nothing of an opening is kept. One of no openings is all zeros."""

    def __init__(self, suite: str, shape: Shape) -> None:
        """shape: of every opening that will be added. Raises `Refused`."""
        self._suite = suite
        self._values = np.zeros(shape.d, dtype=np.int64)
        self._blinds = bytes(blinds_size(suite, shape))  # zero has this encoding in every suite
        self._largest = 0

    def add(self, opening: Opening, weight: int) -> None:
        """Raises `Refused` for another shape, and where the sum could overflow; then nothing was added."""
        values = opening.values
        if values.shape != self._values.shape:
            raise Refused(NAME, "shape", f"{len(values)} coordinates in a sum of {len(self._values)}")
        largest = self._largest + weight * max(int(values.max()), -int(values.min()))
        if largest >= 1 << 62:
            raise Refused(NAME, "sum", "the weighted sum could overflow 63 bits")
        with refusals():
            blinds = _core.combine_blinds(self._suite, [self._blinds, opening.blinds], [1, weight])
        self._values += values * np.int64(weight)
        self._blinds, self._largest = blinds, largest

    def total(self) -> Opening:
        """The sum so far, which does not change with what is added later."""
        return Opening(self._values.copy(), self._blinds)


def combine_openings(suite: str, openings: Sequence[Opening], weights: Sequence[int]) -> Opening:
    """The `RunningTotal` of openings that are all at hand. Raises `Refused`."""
    if not openings:
        raise Refused(NAME, "shape", "nothing to add")
    running = RunningTotal(suite, shape(len(openings[0].values)))
    for opening, weight in zip(openings, weights, strict=True):
        running.add(opening, weight)
    return running.total()


def combine(commitments: Sequence[Commitment], weights: Sequence[int]) -> Commitment:
    """Σ w·C, row by row. All commitments have one suite and one shape, else `Refused`."""
    first = _same(commitments)
    with refusals():
        points = _core.combine(first.suite, [c.points for c in commitments], list(weights))
    return Commitment(first.suite, first.shape, points)


def verify(
    ctx: Context,
    commitments: Sequence[Commitment],
    weights: Sequence[int],
    total: Opening,
    proof: bytes | None = None,
) -> None:
    """Σ w_k·C_k = C(values; blinds), for a verifier that holds the result; `ctx.weight` is Σ w_k. proof: the short one, checked as well
    as by `verify_proof` if it is given. Raises `Refused`."""
    first = _same(commitments)
    with refusals():
        _core.verify_sum(
            first.suite,
            ctx.parts(),
            first.shape.parts(),
            _terms(commitments, weights),
            total.values,
            total.blinds,
            proof,
        )


def prove(ctx: Context, commitments: Sequence[Commitment], weights: Sequence[int], total: Opening) -> bytes:
    """A short proof that the sum's opening is known, for verifiers without the result. Raises `Refused` (stage "witness")."""
    first = _same(commitments)
    with refusals():
        return _core.prove_honest_aggregate(
            first.suite,
            ctx.parts(),
            first.shape.parts(),
            _terms(commitments, weights),
            total.values,
            width(total.values),
            total.blinds,
            True,
        )


def verify_proof(
    ctx: Context, commitments: Sequence[Commitment], weights: Sequence[int], proof: bytes
) -> None:
    """The short proof, without the result: says nothing about a model file. Raises `Refused`."""
    first = _same(commitments)
    with refusals():
        _core.verify_honest_aggregate_proof(
            first.suite, ctx.parts(), first.shape.parts(), _terms(commitments, weights), proof
        )


def _terms(commitments: Sequence[Commitment], weights: Sequence[int]) -> list[tuple[int, bytes]]:
    if len(commitments) != len(weights):
        raise Refused(NAME, "shape", f"{len(commitments)} commitments, {len(weights)} weights")
    return [(w, c.points) for w, c in zip(weights, commitments, strict=True)]


def _same(commitments: Sequence[Commitment]) -> Commitment:
    if not commitments:
        raise Refused(NAME, "shape", "nothing to add")
    first = commitments[0]
    for other in commitments:
        if (other.suite, other.shape) != (first.suite, first.shape):
            raise Refused(NAME, "shape", "commitments of different suites or shapes")
    return first
