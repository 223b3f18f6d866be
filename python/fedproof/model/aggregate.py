"""From the sum of the accepted updates to their mean, and to the next model (spec/model.md §5). Integer arithmetic, so that it
is the same everywhere, bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedproof.errors import Refused
from fedproof.model.quantise import check_state

MAX_TOTAL = 1 << 61
"""Bound on |X_j| and on Σ w_k: 2X + W stays within int64."""


def weighted_mean(total: NDArray[np.int64], weight_sum: int) -> NDArray[np.int64]:
    """X / W rounded to nearest, ties towards +∞: floor((2X + W) / (2W)), coordinate by coordinate.

    total: X = Σ w_k·x_k. weight_sum: W = Σ w_k ≥ 1. Raises `Refused` (subject "aggregate", stage "sum") where
    X or W is beyond 2^61 or nothing was summed.
    """
    check_total(total, weight_sum)
    return (2 * total + np.int64(weight_sum)) // np.int64(2 * weight_sum)


def check_total(total: NDArray[np.int64], weight_sum: int) -> None:
    """Raises `Refused` as `weighted_mean`."""
    if not 1 <= weight_sum < MAX_TOTAL:
        raise Refused("aggregate", "sum", f"the weights sum to {weight_sum}; expected 1 to 2^61 - 1")
    if len(total) and (int(total.max()) >= MAX_TOTAL or int(total.min()) <= -MAX_TOTAL):
        raise Refused("aggregate", "sum", "a coordinate of the total is beyond ±2^61")


def move(W: NDArray[np.int64], change: NDArray[np.int64]) -> NDArray[np.int64]:
    """The next model state, W + change, both in units. Raises `Refused` for another length or a state beyond ±2^53."""
    if W.shape != change.shape:
        raise Refused("aggregate", "shape", f"the total has {len(change)} coordinates, the model {len(W)}")
    check_state(W)
    after = W + change
    check_state(after)
    return after
