"""The server's step from a round's total to the next model state: the exact mean, or an optimiser's step (spec/model.md §5).

Optimisers work with doubles in real units, coordinate by coordinate. Every operation is one of +, −, ×, ÷, √, which IEEE 754 rounds
correctly, on its own: no sums over coordinates, no powers, nothing fused. So everybody comes to the same bits, and at the end to the same
integers. The updates are those of Reddi et al., Adaptive Federated Optimization, and of Hsu et al. (FedAvgM), as Flower computes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fedproof.errors import Refused
from fedproof.model.aggregate import check_total, move, weighted_mean
from fedproof.model.quantise import MAX_STATE
from fedproof.policy.aggregate import Aggregate, Optimiser

Doubles = NDArray[np.float64]

_FIRST = ("FedAvgM", "FedAdam", "FedYogi")
_SECOND = ("FedAdagrad", "FedAdam", "FedYogi")


@dataclass(frozen=True)
class Moments:
    """What an optimiser remembers. steps: how many it made, one a round that was not void. first: momentum m, second: v, d doubles each, in
    real units; empty where the strategy has none."""

    steps: int
    first: Doubles
    second: Doubles

    @classmethod
    def start(cls, aggregate: Aggregate, d: int) -> Self:
        """Zeros, before the first step."""
        strategy = aggregate.strategy
        return cls(0, np.zeros(d if strategy in _FIRST else 0), np.zeros(d if strategy in _SECOND else 0))


def step(
    aggregate: Aggregate,
    moments: Moments,
    W: NDArray[np.int64],
    total: NDArray[np.int64],
    weight_sum: int,
    scale: int,
) -> tuple[NDArray[np.int64], Moments]:
    """The next model state, and what the optimiser remembers after it. W: d int64 in units of 2^-scale. total: X = Σ w_k·x_k. weight_sum:
    w = Σ w_k.

    Raises `Refused` (subject "aggregate", stage "sum") where X or w is beyond 2^61, nothing was summed, or a step is no finite number or
    beyond ±2^53 units; (subject "model", stage "sum") where the state leaves ±2^53.
    """
    optimiser = aggregate.optimiser
    if optimiser is None:
        return move(W, weighted_mean(total, weight_sum)), moments
    check_total(total, weight_sum)
    with np.errstate(all="ignore"):
        mean = np.ldexp(total.astype(np.float64) / float(weight_sum), -scale)
        after, change = _STEPS[aggregate.strategy](optimiser, moments, mean)
        units = np.rint(np.ldexp(change, scale))
        finite = all(np.isfinite(part).all() for part in (after.first, after.second, units))
    if not finite or (np.abs(units) >= MAX_STATE).any():
        detail = f"{aggregate.strategy}'s step is no finite number, or beyond ±2^53 units; lower its rate"
        raise Refused("aggregate", "sum", detail)
    return move(W, units.astype(np.int64)), after


def _momentum(optimiser: Optimiser, moments: Moments, mean: Doubles) -> tuple[Moments, Doubles]:
    m = optimiser.value("server_momentum") * moments.first + mean
    return Moments(moments.steps + 1, m, moments.second), optimiser.value("server_learning_rate") * m


def _adagrad(optimiser: Optimiser, moments: Moments, mean: Doubles) -> tuple[Moments, Doubles]:
    v = moments.second + mean * mean
    change = optimiser.value("eta") * mean / (np.sqrt(v) + optimiser.value("tau"))
    return Moments(moments.steps + 1, moments.first, v), change


def _adam(optimiser: Optimiser, moments: Moments, mean: Doubles) -> tuple[Moments, Doubles]:
    beta_1, beta_2 = optimiser.value("beta_1"), optimiser.value("beta_2")
    m = _first(beta_1, moments, mean)
    v = beta_2 * moments.second + (1.0 - beta_2) * (mean * mean)
    steps = moments.steps + 1
    # Flower's exponent: rounds count from 1, and one is added.
    rate = optimiser.value("eta") * sqrt(1.0 - _power(beta_2, steps + 1)) / (1.0 - _power(beta_1, steps + 1))
    return Moments(steps, m, v), rate * m / (np.sqrt(v) + optimiser.value("tau"))


def _yogi(optimiser: Optimiser, moments: Moments, mean: Doubles) -> tuple[Moments, Doubles]:
    beta_2, squares = optimiser.value("beta_2"), mean * mean
    m = _first(optimiser.value("beta_1"), moments, mean)
    v = moments.second - (1.0 - beta_2) * squares * np.sign(moments.second - squares)
    change = optimiser.value("eta") * m / (np.sqrt(v) + optimiser.value("tau"))
    return Moments(moments.steps + 1, m, v), change


_STEPS = {"FedAvgM": _momentum, "FedAdagrad": _adagrad, "FedAdam": _adam, "FedYogi": _yogi}


def _first(beta: float, moments: Moments, mean: Doubles) -> Doubles:
    return beta * moments.first + (1.0 - beta) * mean


def _power(base: float, exponent: int) -> float:
    """By multiplying from the left: `pow` is rounded differently on different machines."""
    power = base
    for _ in range(exponent - 1):
        power *= base
    return power
