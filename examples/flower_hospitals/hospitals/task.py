"""The hospitals' records, and the network that they train: scikit-learn's breast-cancer data, 143 records held out, the others split
unevenly over seven hospitals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flwr.app import Array, ArrayRecord
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer

Weights = dict[str, NDArray[np.float32]]
Records = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Features, one row a record; labels, 0 or 1."""

SHARES = (24, 20, 17, 14, 11, 8, 6)
"""Per cent of the training records, hospital by hospital."""
HIDDEN = 16


def new_model() -> Weights:
    """A network with one hidden layer of tanh. base.safetensors has these weights."""
    rng = np.random.default_rng(1)
    return {
        "hidden.weight": rng.normal(scale=30**-0.5, size=(30, HIDDEN)).astype(np.float32),
        "hidden.bias": np.zeros(HIDDEN, np.float32),
        "output.weight": rng.normal(scale=HIDDEN**-0.5, size=HIDDEN).astype(np.float32),
        "output.bias": np.zeros(1, np.float32),
    }


def to_record(weights: Mapping[str, NDArray[np.float32]]) -> ArrayRecord:
    """As Flower sends them."""
    return ArrayRecord({name: Array(array) for name, array in weights.items()})


def from_record(record: ArrayRecord) -> Weights:
    """The inverse."""
    return {name: array.numpy() for name, array in record.items()}


def load_data() -> tuple[list[Records], Records]:
    """The records of each hospital, and those held out. All hospitals use the scale of all records, as if agreed beforehand."""
    data = load_breast_cancer()
    x = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    y = data.target.astype(np.float64)
    order = np.random.default_rng(0).permutation(len(y))
    held_out, rest = order[:143], order[143:]
    ends = np.cumsum(SHARES) * len(rest) // 100
    return [(x[part], y[part]) for part in np.split(rest, ends[:-1])], (x[held_out], y[held_out])


def train(weights: Weights, records: Records, *, epochs: int = 10, rate: float = 0.3) -> float:
    """Gradient descent, in place. Returns the loss before the last step."""
    x, y = records
    loss = 0.0
    for _ in range(epochs):
        hidden, p = _forward(weights, x)
        loss = _loss(p, y)
        error = (p - y) / len(y)
        inner = np.outer(error, weights["output.weight"]) * (1 - hidden**2)
        steps = {
            "output.weight": hidden.T @ error,
            "output.bias": error.sum(keepdims=True),
            "hidden.weight": x.T @ inner,
            "hidden.bias": inner.sum(axis=0),
        }
        for name, step in steps.items():
            weights[name] -= (rate * step).astype(np.float32)
    return loss


def evaluate(weights: Weights, records: Records) -> tuple[float, float]:
    """Loss, and the share of records that are classified correctly."""
    x, y = records
    _, p = _forward(weights, x)
    return _loss(p, y), float(np.mean((p > 0.5) == y))


def _forward(weights: Weights, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hidden = np.tanh(x @ weights["hidden.weight"] + weights["hidden.bias"])
    return hidden, 1 / (1 + np.exp(-(hidden @ weights["output.weight"] + weights["output.bias"])))


def _loss(p: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(-np.mean(np.log(np.where(y > 0, p, 1 - p) + 1e-12)))
