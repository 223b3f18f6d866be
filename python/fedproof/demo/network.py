"""A small neural network in plain numpy: 30 inputs, one hidden layer of 16 tanh units, one logistic output. Training is the same,
bit for bit, for the same seed on the same machine."""

from __future__ import annotations

import numpy as np

from fedproof.demo.data import Floats, Records

HIDDEN = 16
Weights = dict[str, Floats]


def initial(seed: int) -> Weights:
    """The base model."""
    rng = np.random.default_rng(seed)
    return {
        "hidden.weight": (rng.normal(size=(30, HIDDEN)) / np.sqrt(30)).astype(np.float32),
        "hidden.bias": np.zeros(HIDDEN, np.float32),
        "output.weight": (rng.normal(size=(HIDDEN, 1)) / np.sqrt(HIDDEN)).astype(np.float32),
        "output.bias": np.zeros(1, np.float32),
    }


def logits(weights: Weights, x: Floats) -> Floats:
    """n logits for n×30 inputs."""
    hidden = np.tanh(x @ weights["hidden.weight"] + weights["hidden.bias"])
    out: Floats = hidden @ weights["output.weight"] + weights["output.bias"]
    return out[:, 0]


def accuracy(weights: Weights, records: Records) -> float:
    """Fraction of records that are classified correctly."""
    return float(np.mean((logits(weights, records.x) > 0) == (records.y > 0.5)))


def train(
    weights: Weights,
    records: Records,
    seed: tuple[int, ...],
    *,
    epochs: int = 3,
    batch: int = 16,
    rate: float = 0.05,
) -> Weights:
    """Stochastic gradient descent on the logistic loss; returns new weights. seed: fixes the order of the records."""
    rng = np.random.default_rng(seed)
    w = {name: value.astype(np.float32).copy() for name, value in weights.items()}
    for _ in range(epochs):
        for chosen in np.array_split(rng.permutation(len(records.y)), max(1, len(records.y) // batch)):
            x, y = records.x[chosen], records.y[chosen]
            hidden = np.tanh(x @ w["hidden.weight"] + w["hidden.bias"])
            scores = (hidden @ w["output.weight"] + w["output.bias"])[:, 0]
            error = ((1 / (1 + np.exp(-scores)) - y) / len(y)).astype(np.float32)[:, None]
            back = (error @ w["output.weight"].T) * (1 - hidden**2)
            w["output.weight"] -= np.float32(rate) * (hidden.T @ error)
            w["output.bias"] -= np.float32(rate) * error.sum(axis=0)
            w["hidden.weight"] -= np.float32(rate) * (x.T @ back)
            w["hidden.bias"] -= np.float32(rate) * back.sum(axis=0)
    return w


def plain_federation(
    base: Weights, hospitals: tuple[Records, ...], seeds: list[list[tuple[int, ...]]]
) -> Weights:
    """The same rounds without fedproof and without an attacker: weighted averages in floats. seeds: per round, per hospital."""
    weights = base
    total = sum(len(h.y) for h in hospitals)
    for round_seeds in seeds:
        trained = [train(weights, h, s) for h, s in zip(hospitals, round_seeds, strict=True)]
        weights = {
            name: sum(
                (w[name] * np.float32(len(h.y) / total) for w, h in zip(trained, hospitals, strict=True)),
                np.zeros_like(value),
            )
            for name, value in weights.items()
        }
    return weights
