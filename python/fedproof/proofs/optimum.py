"""R5, optimum (spec/relations/optimum.md): a linear head is the optimum of a convex objective on exactly the committed records, up to a
residual Σ E² ≤ max_residual_squared; exact, in zero knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.policy.parameters import Digits, digits
from fedproof.proofs.context import refusals
from fedproof.proofs.head import HeadOpening, HeadStatement

NAME = "optimum"


@dataclass(frozen=True)
class Statement(HeadStatement):
    """loss: "ridge" or "squared hinge". regularisation: Λ = λ·2^10. max_residual_squared: B2²."""

    loss: Literal["ridge", "squared hinge"]
    regularisation: int
    max_residual_squared: int

    @property
    def hinge(self) -> bool:
        """Whether the loss is the squared hinge."""
        return self.loss == "squared hinge"

    def digits(self) -> Digits:
        """Fixed by the sizes and the objective, never by a prover."""
        return digits(*self.size, self.scale, hinge=self.hinge, committed=self.head.committed)

    def parts(self) -> tuple[tuple[int, int, int], tuple[bool, int, int, int], tuple[int, int, int]]:
        """As the engine takes it."""
        objective = self.hinge, self.scale, self.regularisation, self.max_residual_squared
        return self.size, objective, self.digits().parts()


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
    with refusals(party=statement.ctx.client):
        return _core.prove_optimum(
            statement.suite,
            statement.ctx.parts(),
            statement.parts(),
            *statement.known(rows, blinds, opening),
            not unchecked,
        )


def verify(statement: Statement, proof: bytes) -> None:
    """Returns nothing, or raises `Refused`."""
    with refusals(party=statement.ctx.client):
        _core.verify_optimum(
            statement.suite, statement.ctx.parts(), statement.parts(), *statement.stated(), proof
        )
