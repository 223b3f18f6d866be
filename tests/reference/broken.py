"""What tests of heads ask of a prover that is refused: which of the relation's constraints and openings do not hold."""

from collections.abc import Callable, Sequence

import pytest

from reference.errors import Refused
from tests.reference.prover import Prover

CLOSING = ("u", "v", "uv")
"""Linear constraints of the closing argument: they hold in every proof."""


def broken(
    prover: Prover, products: Sequence[str], linear: Sequence[str], openings: Sequence[str]
) -> set[str]:
    """Names of those that do not hold, of all in the order in which they were recorded."""
    found = set()
    for name, constraint in zip(products, prover.products, strict=True):
        pairs = sum(prover.at(a) * prover.at(b) for a, b in constraint.pairs)
        found |= {name} if (prover.at(constraint.linear) + pairs) % prover.suite.r else set()
    for name, form in zip([*linear, *CLOSING], prover.linear, strict=True):
        found |= {name} if prover.at(form) and name not in CLOSING else set()
    for name, opening in zip(openings, prover.openings, strict=True):
        rows, _ = prover.opened[id(opening.matrix)]
        total = sum(
            v * w * x
            for v, row in zip(opening.row_weights, rows, strict=True)
            for w, x in zip(opening.columns.weights, row, strict=False)
        )
        found |= {name} if (total - prover.at(opening.value)) % prover.suite.r else set()
    return found


def refused(verify: Callable[[], None]) -> None:
    """By the argument, and nothing before it."""
    with pytest.raises(Refused, match="argument"):
        verify()
