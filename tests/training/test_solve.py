"""Solutions are optima: by their exact residual, by their gradient in doubles, and by what moving away from them does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fedproof.data.records import Rows, largest_norm
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.training.objective import Loss, Objective, residual_squared
from fedproof.training.solve import Solution, optima, solve
from tests.training.world import random_rows, real_rows

LOSSES: tuple[Loss, ...] = ("ridge", "squared hinge")
Floats = NDArray[np.float64]


def solved(objective: Objective, rows: Rows, classes: int, max_freedom: str = "0.01") -> Solution:
    norm_squared = largest_norm(rows[:, : rows.shape[1] - classes])
    return solve(objective, rows, classes, norm_squared, max_freedom)


def gradient(objective: Objective, rows: Rows, w: Floats) -> Floats:
    """∇F_k(ŵ_k) by the page's real numbers. w: ŵ, c × p."""
    p = w.shape[1]
    x, y = rows[:, :p] / 32, 2.0 * rows[:, p:] - 1
    v = 1 - y * (x @ w.T)
    if objective.loss == "squared hinge":
        v = np.maximum(v, 0)
    found: Floats = objective.regularisation / 1024 * w - (y * v).T @ x
    return found


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["breast cancer", "digits"])
@pytest.mark.parametrize(("regularisation", "freedom"), [(256, "0.05"), (1 << 15, "0.001")])
def test_real_data_is_solved_and_the_gradient_vanishes(
    loss: Loss, name: str, regularisation: int, freedom: str
) -> None:
    rows, c = real_rows(name)
    objective = Objective(loss, 24, regularisation)
    found = solved(objective, rows, c, freedom)
    assert 0 < found.freedom <= float(freedom)
    assert found.residual_squared == residual_squared(objective, rows, found.weights)
    slope = gradient(objective, rows, found.weights / 2.0**24)
    # E is the gradient at scale 2^(10+s)
    assert np.linalg.norm(slope) * 2.0**34 == pytest.approx(found.residual_squared**0.5, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(LOSSES),
    st.tuples(st.integers(2, 60), st.integers(2, 40), st.integers(2, 5)),
    st.integers(0, 20),
    st.integers(0, 2**32),
)
def test_any_records_are_solved(loss: Loss, sizes: tuple[int, int, int], bits: int, seed: int) -> None:
    """Also fewer records than features, records twice, features twice, features that are constant."""
    n, p, c = sizes
    rows = random_rows(n, p, c, seed)
    rows[:, 0] = rows[0, 0]
    rows[:, (p - 1) // 2] = rows[:, 0]
    rows = np.concatenate([rows, rows[: n // 2]])
    found = solved(Objective(loss, 32, 1 << bits), rows, c, "10")
    assert found.freedom < 1


@pytest.mark.parametrize("loss", LOSSES)
def test_a_class_without_records_is_told_from_the_others(loss: Loss) -> None:
    rows = np.hstack([random_rows(40, 5, 2, 1), np.zeros((40, 1), np.int8)])
    found = solved(Objective(loss, 24, 1024), rows, 3)
    assert (rows[:, :5].astype(np.int64) @ found.weights[2] < 0).all()


def test_records_that_can_be_told_apart_leave_the_hinge_with_few() -> None:
    """A hinge that is zero nearly everywhere: Newton's steps must be shortened, or they jump to and fro."""
    random = np.random.default_rng(3)
    rows = random_rows(300, 20, 2, 3)
    label = (rows[:, :19] @ random.normal(size=19) > 0).astype(np.int64)
    rows[:, 20:] = np.eye(2, dtype=np.int8)[label]
    objective = Objective("squared hinge", 32, 1)
    found = solved(objective, rows, 2)
    logits = rows[:, :20].astype(np.int64) @ found.weights.T
    assert (logits.argmax(axis=1) == label).all()


def test_a_better_rounding_is_used() -> None:
    """Nearest-plane rounding against rounding to nearest."""
    rows, c = real_rows("digits")
    objective = Objective("squared hinge", 20, 1024)
    nearest = np.stack([np.rint(u * objective.one) for u, _ in optima(objective, rows, c)]).astype(np.int64)
    assert 4 * solved(objective, rows, c).residual_squared < residual_squared(objective, rows, nearest)


def test_a_freedom_that_is_not_reached_is_refused_with_what_helps() -> None:
    rows, c = real_rows("digits")
    said = "training refused at freedom: logits are within 81.5 of .*, and 0.01 was asked for: take a larger scale"
    with pytest.raises(Refused, match=said):
        solved(Objective("ridge", 10, 1 << 10), rows, c)
    assert solved(Objective("ridge", 24, 1 << 10), rows, c).freedom < 0.01
    assert solved(Objective("ridge", 18, 1 << 20), rows, c).freedom < 0.01
    with pytest.raises(UsageError, match="a logit freedom is a positive number"):
        solved(Objective("ridge", 24, 1 << 10), rows, c, "none")


def test_weights_and_logits_beyond_what_is_proved_are_refused() -> None:
    rows = random_rows(40, 2, 2, 1)
    rows[:, 0] = rows[:, 2]  # a feature of 0 and 1/32 that tells the classes apart: its weight is 64
    with pytest.raises(Refused, match="statement: class 0 has weights beyond 32: take more regularisation"):
        solved(Objective("ridge", 24, 1), rows, 2)
    rows = random_rows(81, 41, 2, 1)
    rows[:, :40], rows[:, 41:] = 0, [0, 1]
    rows[:40, :40], rows[:40, 41:] = 3 * np.eye(40), [1, 0]
    rows[0, :40] = 127  # forty features, each of which is enough
    with pytest.raises(Refused, match="statement: class 0 has logits beyond 2047: take more regularisation"):
        solved(Objective("squared hinge", 24, 1), rows, 2)


def test_records_that_are_none() -> None:
    objective = Objective("ridge", 24, 1024)
    rows = random_rows(9, 4, 2, 1)
    norm_squared = largest_norm(rows[:, :4])
    with pytest.raises(Refused, match="statement: a record is longer than its certificate says"):
        solve(objective, rows, 2, norm_squared - 1, "1")
    with pytest.raises(Refused, match="shape: there are no records"):
        solve(objective, rows[:0], 2, norm_squared, "1")
    for classes in (1, 5):
        with pytest.raises(Refused, match="shape: rows have a feature"):
            solve(objective, rows, classes, norm_squared, "1")
    with pytest.raises(Refused, match="its rows are not features"):
        solve(objective, rows, 3, norm_squared, "1")
    rows[:, 4:] = [1, 0]
    with pytest.raises(Malformed, match="all records have one label"):
        solve(objective, rows, 2, norm_squared, "1")


def test_progress_is_told_class_by_class() -> None:
    told = []
    rows = random_rows(50, 4, 3, 1)
    solve(Objective("squared hinge", 24, 1024), rows, 3, 1 << 20, "1", lambda *at: told.append(at))
    assert told == [(1, 3), (2, 3), (3, 3)]
