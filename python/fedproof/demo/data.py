"""scikit-learn's breast-cancer data (569 records, 30 features), 143 held out, the rest split unevenly over seven hospitals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer

from fedproof.data.table import Table

HELD_OUT = 143
SHARES = (0.24, 0.19, 0.16, 0.14, 0.11, 0.09, 0.07)
"""Of the training records, per hospital."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Records:
    """x: n×30, standardised. y: n, 1 for benign."""

    x: Floats
    y: Floats


def load(seed: int) -> tuple[tuple[Records, ...], Records]:
    """The hospitals' records and the held-out ones. Features are standardised by the training records' mean and deviation, public
    here."""
    data = load_breast_cancer()
    order = np.random.default_rng(seed).permutation(len(data.target))
    x, y = data.data[order], data.target[order].astype(np.float32)
    train = x[HELD_OUT:]
    x = ((x - train.mean(axis=0)) / train.std(axis=0)).astype(np.float32)
    bounds = np.cumsum([round(share * len(train)) for share in SHARES[:-1]])
    parts = zip(np.split(x[HELD_OUT:], bounds), np.split(y[HELD_OUT:], bounds), strict=True)
    return tuple(Records(px, py) for px, py in parts), Records(x[:HELD_OUT], y[:HELD_OUT])


def load_table(seed: int) -> Table:
    """All records as a hospital has them, in an order of their own: raw features and a label in words."""
    data = load_breast_cancer()
    order = np.random.default_rng(seed).permutation(len(data.target))
    labels = tuple(str(data.target_names[k]) for k in data.target[order])
    return Table(tuple(str(name) for name in data.feature_names), data.data[order], labels)
