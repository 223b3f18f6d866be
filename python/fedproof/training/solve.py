"""The optimum of the objective, class by class, and integers near it.

Both losses are solved by normal equations over integers. With A the records whose margin 1 − y·⟨x, u⟩ is positive (ridge: all of them),
H_A = Λ·I + Σ_A x·xᵀ and b_A = Σ_A y·x, the gradient at u = W/One is H_A·u − b_A. So ridge is one linear system, and squared hinge is the
semismooth Newton method for a piecewise quadratic function: solve for the current A, search the line, until A stays (Mangasarian, "A finite
Newton method for classification", 2002). H_A and b_A are kept exactly, and only records that enter or leave A cost anything.

Integers are found by Babai's nearest-plane rounding (1986): with H = Q·R, ‖H·(W − W*)‖ = ‖R·(W − W*)‖, and W is rounded from the last entry
on, each time making good the errors so far. Rounding to nearest leaves a residual that is up to fourteen times as large."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from fedproof.data.quantise import LIMIT
from fedproof.data.records import Rows, check_rows
from fedproof.errors import Malformed, Refused
from fedproof.training.objective import (
    BLOCK,
    WEIGHT_BITS,
    Objective,
    Weights,
    logit_freedom,
    max_residual_squared,
    residual_squared,
)

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
MAX_LOGIT = (1 << 11) - 1
"""What a proof's digits hold (spec/relations/optimum.md, "Digits")."""
_SINGLE = (1 << 24) // LIMIT**2
"""So many records have sums of products below 2^24, exact in single precision."""
_STEPS = 60
_HALVINGS = 40


@dataclass(frozen=True)
class Solution:
    """weights: c × p, W in units of 2^-s. residual_squared: ‖E‖², exactly. freedom: Φ of W, rounded up."""

    weights: Weights = field(repr=False)
    residual_squared: int
    freedom: float


def solve(
    objective: Objective,
    rows: Rows,
    classes: int,
    norm_squared: int,
    max_freedom: Fraction | str,
    progress: Progress | None = None,
) -> Solution:
    """Integers within `max_freedom` of the optimum (Φ, in units of a logit, as decimals or a fraction).

    rows: n × (p + c) int8, as certified. classes: c. norm_squared: R², by the data certificates. progress: called with (classes done, c).
    Raises `Malformed` where all records have one label; `UsageError` for a freedom that is none; `Refused` for rows that are no records or
    longer than R² (stage "statement"), weights beyond 2^5 or logits beyond 2^11 ("statement"), and a freedom that is not reached
    ("freedom")."""
    p = check_records(rows, classes, norm_squared)
    bound = max_residual_squared(objective, max_freedom, norm_squared)
    weights = np.zeros((classes, p), np.int64)
    last, triangle = None, np.zeros((p, p))
    for k, (u, hessian) in enumerate(optima(objective, rows, classes)):
        if hessian is not last:
            last, triangle = hessian, np.asarray(np.linalg.qr(hessian, mode="r"))
        weights[k] = _round(objective, k, u * objective.one, triangle)
        if progress is not None:
            progress(k + 1, classes)
    found = residual_squared(objective, rows, weights)
    freedom = logit_freedom(objective, found, norm_squared)
    if found > bound:
        detail = (
            f"logits are within {freedom:.3g} of the optimum's, and {float(Fraction(max_freedom)):g} was asked for:"
            " take a larger scale or more regularisation"
        )
        raise Refused("training", "freedom", detail)
    return Solution(weights, found, freedom)


def check_records(rows: Rows, classes: int, norm_squared: int | None = None) -> int:
    """p, the entries of a record with its bias. Raises as `solve` does for rows that cannot be trained on."""
    if rows.ndim != 2 or not len(rows):
        raise Refused("training", "shape", "there are no records")
    p = int(rows.shape[1]) - classes
    if classes < 2 or p < 2:
        raise Refused("training", "shape", "rows have a feature, the bias, and two classes at least")
    longest = check_rows(rows, p - 1)
    if norm_squared is not None and longest > norm_squared:
        raise Refused("training", "statement", "a record is longer than its certificate says")
    if (rows[:, p:] == rows[0, p:]).all():
        raise Malformed("all records have one label: there is nothing to tell apart")
    return p


def optima(objective: Objective, rows: Rows, classes: int) -> Iterator[tuple[Floats, Floats]]:
    """For each class the real optimum u = W/One, and H_A at it; for ridge always the same array. Raises `Refused` (stage "statement") for
    logits beyond 2^11."""
    p = rows.shape[1] - classes
    x = rows[:, :p]
    gram = _gram(x)
    gram[np.diag_indices(p)] += objective.regularisation
    total = x.sum(axis=0, dtype=np.int64).astype(np.float64)
    own = [x[rows[:, p + k] == 1].sum(axis=0, dtype=np.int64).astype(np.float64) for k in range(classes)]
    rights = 2 * np.stack(own, axis=1) - total[:, None]
    start = _solved(gram, rights)
    for k in range(classes):
        hessian, right, u = gram, rights[:, k].copy(), np.ascontiguousarray(start[:, k])
        y = 2 * rows[:, p + k].astype(np.float64) - 1
        logits = _logits(x, u)
        if objective.loss == "squared hinge":
            hessian = gram.copy()
            u, logits = _newton(objective, x, y, u, logits, hessian, right)
        if np.abs(logits).max() > MAX_LOGIT:
            detail = f"class {k} has logits beyond {MAX_LOGIT}: take more regularisation"
            raise Refused("training", "statement", detail)
        yield u, hessian


def _newton(
    objective: Objective, x: Rows, y: Floats, u: Floats, logits: Floats, hessian: Floats, right: Floats
) -> tuple[Floats, Floats]:
    """From u to the optimum of the squared hinge. hessian, right: H_A and b_A where A is everything; changed to those of the optimum."""
    active = np.ones(len(x), bool)
    for _ in range(_STEPS):
        new = y * logits < 1
        changes: tuple[tuple[NDArray[np.bool_], int], ...] = (new & ~active, 1), (active & ~new, -1)
        if sum(records.sum() for records, _ in changes) > new.sum():
            # Fewer records are in A than enter or leave it.
            hessian[:] = np.diag(np.full(len(u), float(objective.regularisation)))
            right[:] = 0
            changes = ((new, 1),)
        for records, sign in changes:
            at = np.flatnonzero(records)
            hessian += sign * _gram(x, at)
            right += sign * _moment(x, at, y)
        active = new
        full = np.asarray(np.linalg.solve(hessian, right), np.float64)
        ahead = _logits(x, full)
        if ((y * ahead < 1) == active).all() or np.abs(ahead - logits).max() < 1e-13:
            full = _refined(hessian, right, full)
            return full, _logits(x, full)
        step = _search(objective, y, u, full, logits, ahead)
        u, logits = u + step * (full - u), logits + step * (ahead - logits)
    return u, logits


def _solved(hessian: Floats, right: Floats) -> Floats:
    """H⁻¹·b, refined once."""
    return _refined(hessian, right, np.asarray(np.linalg.solve(hessian, right), np.float64))


def _refined(hessian: Floats, right: Floats, found: Floats) -> Floats:
    return np.asarray(found + np.linalg.solve(hessian, right - hessian @ found), np.float64)


def _search(objective: Objective, y: Floats, u: Floats, full: Floats, logits: Floats, ahead: Floats) -> float:
    """The t in (0, 1] where F(u + t·(full − u)) is least: its derivative grows, and is bisected."""
    direction, change = full - u, y * (ahead - logits)
    margin = 1 - y * logits
    constant, slope = direction @ u, direction @ direction

    def derivative(t: float) -> float:
        return float(
            objective.regularisation * (constant + t * slope) - change @ np.maximum(margin - t * change, 0)
        )

    low, high = 0.0, 1.0
    if derivative(1.0) <= 1e-9 * abs(derivative(0.0)):
        return 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if derivative(middle) > 0 else (middle, high)
    return high


def _gram(x: Rows, at: NDArray[np.intp] | None = None) -> Floats:
    """Σ x·xᵀ over the records `at` (all, if none are named), exactly."""
    p = x.shape[1]
    total = np.zeros((p, p))
    for part in _blocks(x, at, _SINGLE):
        single = part.astype(np.float32)
        total += single.T @ single
    return total


def _moment(x: Rows, at: NDArray[np.intp], y: Floats) -> Floats:
    """Σ y·x over the records `at`."""
    total = np.zeros(x.shape[1])
    for start in range(0, len(at), BLOCK):
        some = at[start : start + BLOCK]
        total += y[some] @ x[some].astype(np.float64)
    return total


def _logits(x: Rows, u: Floats) -> Floats:
    return np.concatenate([part.astype(np.float64) @ u for part in _blocks(x, None, BLOCK)])


def _blocks(x: Rows, at: NDArray[np.intp] | None, size: int) -> Iterator[Rows]:
    for start in range(0, len(x) if at is None else len(at), size):
        yield x[start : start + size] if at is None else x[at[start : start + size]]


def _round(objective: Objective, k: int, target: Floats, triangle: Floats) -> NDArray[np.int64]:
    """Integers W for which ‖R·(W − target)‖ is small. triangle: R, upper triangular."""
    if np.abs(target).max() > objective.max_weight - 1:
        detail = f"class {k} has weights beyond {1 << WEIGHT_BITS}: take more regularisation"
        raise Refused("training", "statement", detail)
    error = np.zeros(len(target))
    for j in range(len(target) - 1, -1, -1):
        wanted = target[j] - triangle[j, j + 1 :] @ error[j + 1 :] / triangle[j, j]
        error[j] = np.rint(wanted) - target[j]
    return np.rint(target + error).astype(np.int64)
