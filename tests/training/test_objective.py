"""The residual against plain big integers, and the two formulas of spec/relations/optimum.md, "Why that is enough"."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedproof.data.records import Rows
from fedproof.errors import UsageError
from fedproof.training.objective import (
    BLOCK,
    Loss,
    Objective,
    Weights,
    logit_freedom,
    max_residual_squared,
    residual_squared,
)
from tests.training.world import random_rows

LOSSES: tuple[Loss, ...] = ("ridge", "squared hinge")


def plainly(objective: Objective, rows: Rows, weights: Weights) -> int:
    """‖E‖² by the page, in integers without a limit."""
    p = weights.shape[1]
    x: Any = rows[:, :p].astype(object)
    y: Any = 2 * rows[:, p:].astype(object) - 1
    w: Any = weights.astype(object)
    v = objective.one - y * (x @ w.T)
    if objective.loss == "squared hinge":
        v = np.maximum(v, 0)
    e = objective.regularisation * w - (x.T @ (y * v)).T
    return sum(int(entry) ** 2 for entry in e.ravel())


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(LOSSES),
    st.integers(0, 32),
    st.integers(1, 1 << 40),
    st.tuples(st.integers(1, 30), st.integers(2, 9), st.integers(2, 4)),
    st.integers(0, 2**32),
)
def test_the_residual_is_exact(
    loss: Loss, scale: int, regularisation: int, sizes: tuple[int, int, int], seed: int
) -> None:
    n, p, c = sizes
    objective = Objective(loss, scale, regularisation)
    most = objective.max_weight
    weights = np.random.default_rng(seed).integers(-most, most + 1, size=(c, p))
    rows = random_rows(n, p, c, seed)
    assert residual_squared(objective, rows, weights) == plainly(objective, rows, weights)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_residual_is_exact_where_everything_is_as_large_as_can_be(loss: Loss, sign: int) -> None:
    """More records than a block, a long row, and all products of one sign: the largest sums that these sizes have."""
    n, p, c = BLOCK + 3, 300, 2
    objective = Objective(loss, 32, 1 << 40)
    rows = random_rows(n, p, c, 1)
    rows[:, : p - 1] = 127
    weights = np.full((c, p), sign * objective.max_weight, np.int64)
    assert residual_squared(objective, rows, weights) == plainly(objective, rows, weights)


def test_weights_that_are_none() -> None:
    objective = Objective("ridge", 4, 1)
    rows = random_rows(5, 3, 2, 1)
    wrongs: Any = (np.zeros((2, 3)), np.zeros((2, 4), np.int64), np.full((2, 3), 513), np.full((2, 3), -513))
    for wrong in wrongs:
        with pytest.raises(UsageError, match="weights are"):
            residual_squared(objective, rows, wrong)


@pytest.mark.parametrize(
    ("loss", "scale", "regularisation"),
    [("hinge", 8, 1), ("ridge", -1, 1), ("ridge", 33, 1), ("ridge", 8, 0), ("ridge", 8, (1 << 40) + 1)],
)
def test_objectives_that_are_none(loss: Any, scale: int, regularisation: int) -> None:
    with pytest.raises(UsageError):
        Objective(loss, scale, regularisation)


@given(st.integers(0, 32), st.integers(1, 1 << 40), st.integers(0, 1 << 120), st.integers(1, 1 << 26))
def test_the_freedom_is_rounded_up_and_by_no_more_than_a_double(
    scale: int, regularisation: int, square: int, norm_squared: int
) -> None:
    found = logit_freedom(Objective("ridge", scale, regularisation), square, norm_squared)
    exact = Fraction(norm_squared * square, 2**10 * (regularisation * 2**scale) ** 2)
    assert Fraction(found) ** 2 >= exact
    assert found == 0 or Fraction(np.nextafter(found, 0.0)) ** 2 < exact


@given(
    st.integers(8, 24),
    st.integers(1, 1 << 20),
    st.decimals("0.001", "10", places=5, allow_nan=False),
    st.integers(1, 1 << 26),
)
def test_the_bound_is_the_largest_that_keeps_the_freedom(
    scale: int, regularisation: int, freedom: Any, norm_squared: int
) -> None:
    objective = Objective("ridge", scale, regularisation)
    try:
        bound = max_residual_squared(objective, str(freedom), norm_squared)
    except UsageError:
        bound = 0
    demanded = Fraction(str(freedom)) ** 2

    def square_of(residual: int) -> Fraction:
        return Fraction(norm_squared * residual, 2**10 * (regularisation * 2**scale) ** 2)

    assert square_of(bound) <= demanded < square_of(bound + 1)


@pytest.mark.parametrize("freedom", ["", "a", "1/0", "0", "-1", "nan", "1e-30", "1e30", Fraction(0)])
def test_freedoms_that_are_none(freedom: str | Fraction) -> None:
    with pytest.raises(UsageError, match="logit freedom"):
        max_residual_squared(Objective("ridge", 24, 1024), freedom, 1024)
