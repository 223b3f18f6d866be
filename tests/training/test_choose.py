"""Regularisation is chosen by what is right on a validation split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedproof.errors import Malformed, UsageError
from fedproof.training.choose import CANDIDATES, choose_regularisation
from fedproof.training.objective import Objective
from fedproof.training.solve import solve
from tests.training.world import random_rows, real_rows

OBJECTIVE = Objective("squared hinge", 24, 1)


def test_the_best_of_all_is_chosen() -> None:
    rows, c = real_rows("digits")
    train, other, p = rows[::2][:300], rows[1::2], rows.shape[1] - c
    right = {}
    for regularisation in CANDIDATES:
        weights = solve(replace(OBJECTIVE, regularisation=regularisation), train, c, 1 << 26, "1").weights
        chosen = (other[:, :p].astype(np.int64) @ weights.T).argmax(axis=1)
        right[regularisation] = (other[:, p:].argmax(axis=1) == chosen).sum(), regularisation
    told = []
    found = choose_regularisation(OBJECTIVE, train, other, c, progress=lambda *at: told.append(at))
    assert right[found] == max(right.values())
    assert CANDIDATES[0] < found < CANDIDATES[-1]
    assert told == [(done, len(CANDIDATES)) for done in range(1, len(CANDIDATES) + 1)]


def test_of_equals_the_largest_is_taken() -> None:
    rows = random_rows(40, 3, 2, 1)
    rows[:, 0] = np.where(rows[:, 3] == 1, 100, -100)
    rows[:, 1] = 0
    assert choose_regularisation(OBJECTIVE, rows, rows, 2, [1 << 10, 1 << 12, 1 << 8]) == 1 << 12


def test_choices_that_are_none() -> None:
    rows = random_rows(40, 3, 2, 1)
    with pytest.raises(UsageError, match="no regularisation to choose from"):
        choose_regularisation(OBJECTIVE, rows, rows, 2, [])
    rows[:, 3:] = [0, 1]
    with pytest.raises(Malformed, match="all records have one label"):
        choose_regularisation(OBJECTIVE, rows, rows, 2)
