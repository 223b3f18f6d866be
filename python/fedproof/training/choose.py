"""Regularisation by a validation split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fedproof.data.records import Rows
from fedproof.errors import UsageError
from fedproof.training.objective import Objective
from fedproof.training.solve import Progress, check_records, optima

CANDIDATES = tuple(1 << bits for bits in range(6, 25, 2))


def choose_regularisation(
    objective: Objective,
    rows: Rows,
    validation: Rows,
    classes: int,
    candidates: Sequence[int] = CANDIDATES,
    progress: Progress | None = None,
) -> int:
    """The Λ whose optimum on `rows` is right on most of `validation`; the largest of several such, for it leaves the least freedom.

    objective: its regularisation is not looked at. rows, validation: records by p + c, as certified. progress: called with (candidates
    done, all). Raises as `solve` does for records; `UsageError` where there is no candidate."""
    if not candidates:
        raise UsageError("there is no regularisation to choose from")
    p = check_records(rows, classes)
    features = validation[:, :p].astype(np.float64)
    label = validation[:, p:].argmax(axis=1)
    best = (-1, 0)
    for done, regularisation in enumerate(candidates):
        tried = replace(objective, regularisation=regularisation)
        weights = np.stack([u for u, _ in optima(tried, rows, classes)], axis=1)
        right = int(((features @ weights).argmax(axis=1) == label).sum())
        best = max(best, (right, regularisation))
        if progress is not None:
            progress(done + 1, len(candidates))
    return best[1]
