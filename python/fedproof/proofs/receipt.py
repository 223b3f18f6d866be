"""R9, receipt (spec/relations/receipt.md): a committed head gave these answers; the logits stay hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.proofs.context import Context, refusals
from fedproof.proofs.head import HeadOpening, flat

NAME = "receipt"


@dataclass(frozen=True)
class Statement:
    """inputs: int8, one a row, the bias last. answers: a class each. scale: one unit of W is 2^-scale. points: of W, one a class."""

    ctx: Context
    suite: str
    scale: int
    points: bytes = field(repr=False)
    classes: int
    inputs: NDArray[np.int8] = field(repr=False)
    answers: Sequence[int] = field(repr=False)

    def head(self) -> tuple[int, int, int]:
        """Features, classes, scale."""
        return int(self.inputs.shape[1]), self.classes, self.scale


def prove(statement: Statement, opening: HeadOpening, *, unchecked: bool = False) -> bytes:
    """Raises `Refused` (stage "witness") where another class scores higher or the opening is another head's, unless `unchecked`, as a
    dishonest service would."""
    with refusals(party=statement.ctx.client):
        return _core.prove_receipt(
            statement.suite,
            statement.ctx.parts(),
            statement.head(),
            statement.points,
            np.ascontiguousarray(statement.inputs),
            list(statement.answers),
            flat(opening.weights),
            opening.blinds,
            not unchecked,
        )


def verify(statement: Statement, proof: bytes) -> None:
    """Returns nothing, or raises `Refused`."""
    with refusals(party=statement.ctx.client):
        _core.verify_receipt(
            statement.suite,
            statement.ctx.parts(),
            statement.head(),
            statement.points,
            np.ascontiguousarray(statement.inputs),
            list(statement.answers),
            proof,
        )
