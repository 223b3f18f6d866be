"""Records to train on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits

from fedproof.data.quantise import Quantisation
from fedproof.data.records import Rows, make_rows
from fedproof.data.table import Table


def random_rows(n: int, p: int, c: int, seed: int) -> Rows:
    """Rows of uniform features, p entries with the bias, and labels of c classes, not all the same where n > 1."""
    random = np.random.default_rng(seed)
    rows = np.zeros((n, p + c), np.int8)
    rows[:, : p - 1] = random.integers(-127, 128, size=(n, p - 1))
    rows[:, p - 1] = 32
    labels = random.integers(0, c, size=n)
    labels[0], labels[-1] = 0, 1
    rows[np.arange(n), p + labels] = 1
    return rows


def real_rows(name: str) -> tuple[Rows, int]:
    """scikit-learn's "breast cancer" or "digits" as records, and the number of classes."""
    X, y = real_data(name)
    table = Table(tuple(f"x{j}" for j in range(X.shape[1])), X, tuple(str(label) for label in y))
    classes = tuple(sorted(set(table.labels)))
    return make_rows(table, Quantisation.fit(table), classes), len(classes)


def real_data(name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Features that are not constant, and labels."""
    data = load_breast_cancer() if name == "breast cancer" else load_digits()
    X = data.data.astype(np.float64)
    return X[:, X.std(axis=0) > 0], data.target
