"""Transactions, and the model that flags fraud among them. **The data is synthetic**, drawn with numpy from normal distributions: one
transaction in a hundred is a fraud, whose amount, hour and frequency lie a little off the others'. It says nothing of real fraud."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flwr.app import Array, ArrayRecord
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]
Records = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Features, one row a transaction; 1 for fraud, else 0."""

FEATURES = 12
FRAUD = 0.01
SIZES = (9000, 6000, 4000, 3000, 2000)
"""Transactions of each bank."""


def new_model() -> Weights:
    """Logistic regression. base.safetensors has these weights."""
    return {"weight": np.zeros(FEATURES, np.float32), "bias": np.zeros(1, np.float32)}


def to_record(weights: Mapping[str, NDArray[np.float32]]) -> ArrayRecord:
    """As Flower sends them."""
    return ArrayRecord({name: Array(array) for name, array in weights.items()})


def from_record(record: ArrayRecord) -> Weights:
    """The inverse."""
    return {name: array.numpy() for name, array in record.items()}


def load_data(bank: int) -> tuple[Records, Records]:
    """A bank's transactions, three quarters of them for training. Banks have different customers: each has its own offset."""
    rng = np.random.default_rng([7, bank])
    size = SIZES[bank]
    y = np.zeros(size)
    y[rng.choice(size, int(FRAUD * size), replace=False)] = 1
    x = rng.normal(size=(size, FEATURES)) + rng.normal(scale=0.2, size=FEATURES)
    x[:, :6] += 1.6 * y[:, None] * np.array([1.5, -1, 1, 0.8, -0.7, 0.5])
    split = size * 3 // 4
    return (x[:split], y[:split]), (x[split:], y[split:])


def train(weights: Weights, records: Records, *, epochs: int = 5, rate: float = 0.5) -> float:
    """Gradient descent, in place, in which all frauds weigh as much as a tenth of all others. Returns the loss before the last step."""
    x, y = records
    each = np.where(y > 0, 0.1 * np.sum(y == 0) / max(np.sum(y), 1), 1.0)
    each /= each.sum()
    loss = 0.0
    for _ in range(epochs):
        p = _probability(weights, x)
        loss = float(-np.sum(each * np.log(np.where(y > 0, p, 1 - p) + 1e-12)))
        error = each * (p - y)
        weights["weight"] -= (rate * x.T @ error).astype(np.float32)
        weights["bias"] -= np.float32(rate * error.sum())
    return loss


def count(weights: Weights, records: Records) -> dict[str, int]:
    """Frauds that were flagged and missed, and others that were flagged. Accuracy would say little: 99 % is had by flagging nothing."""
    x, y = records
    flagged = _probability(weights, x) > 0.5
    return {
        "flagged-frauds": int(np.sum(flagged & (y > 0))),
        "missed-frauds": int(np.sum(~flagged & (y > 0))),
        "false-alarms": int(np.sum(flagged & (y == 0))),
    }


def _probability(weights: Weights, x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-(x @ weights["weight"] + weights["bias"])))
