"""Between floats and integers. Floats stop here: everything committed, proved or added is an integer vector.

The model state W and all updates are in units of 2^-scale. Rounding is to nearest, ties to even, in both
directions.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.text import printable
from fedproof.errors import Refused
from fedproof.model.layout import Arrays, Layout, flatten, unflatten

MAX_STATE = 1 << 53
"""|W_j| stays below this, so that float64 holds every coordinate exactly."""

_CHUNK = 256


def to_integers(arrays: Arrays, layout: Layout, scale: int) -> NDArray[np.int64]:
    """round(2^scale · value) for each of the d values, ties to even.

    Raises `Refused` (subject "model"): stage "shape" where the arrays don't have this layout, "decoding" for
    NaN and infinities (by tensor and index), "statement" for values too large to be counted in units.
    """
    flat = flatten(arrays, layout)
    if not np.isfinite(flat).all():
        tensor, index = _locate(layout, int(np.flatnonzero(~np.isfinite(flat))[0]))
        detail = f"tensor {tensor}, element {index} is not a finite number; has training diverged?"
        raise Refused("model", "decoding", detail)
    with np.errstate(over="ignore", under="ignore"):
        units = np.rint(np.ldexp(flat, scale))
    if (np.abs(units) >= MAX_STATE).any():
        tensor, index = _locate(layout, int(np.flatnonzero(np.abs(units) >= MAX_STATE)[0]))
        detail = f"tensor {tensor}, element {index} is beyond ±2^53 units; lower the policy's scale"
        raise Refused("model", "statement", detail)
    return units.astype(np.int64)


def to_arrays(W: NDArray[np.int64], layout: Layout, scale: int) -> dict[str, NDArray[np.floating]]:
    """The floats of a model state: W_j · 2^-scale, rounded once to the tensor's type.

    Raises `Refused` (subject "model", stage "sum") where a value is beyond ±2^53 units or beyond the type's
    range.
    """
    check_state(W)
    return unflatten(np.ldexp(W.astype(np.float64), -scale), layout)


def check_state(W: NDArray[np.int64]) -> None:
    """Raises `Refused` (subject "model", stage "sum") if a coordinate is beyond ±2^53 units."""
    if len(W) and (int(W.max()) >= MAX_STATE or int(W.min()) <= -MAX_STATE):
        raise Refused(
            "model", "sum", "a coordinate of the model is beyond ±2^53 units; lower the policy's scale"
        )


def update(new: Arrays, base: NDArray[np.int64], layout: Layout, scale: int) -> NDArray[np.int64]:
    """x: the quantised new weights minus the base model's state. Not clipped yet. Raises `Refused` as
    `to_integers`.
    """
    return to_integers(new, layout, scale) - base


def clip_update(x: NDArray[np.int64], max_abs: int, max_norm: int) -> NDArray[np.int64]:
    """The update within the policy's bounds: scaled down to the norm where it is longer, floored towards zero
    (so that rounding never breaks the bound), then clamped coordinate by coordinate.

    The result has |x_j| ≤ max_abs for every j and Σ x_j² ≤ max_norm², exactly; an update that already has is
    returned unchanged. The norm is shortened by a fraction q/2^m ≤ max_norm/‖x‖ with as many bits in q as
    int64 allows.
    """
    size = np.abs(x)
    squares = square_sum(x)
    if squares > max_norm**2:
        norm = isqrt(squares - 1) + 1  # rounded up, so that the fraction is never too large
        shift = max(0, min(62, 61 - int(size.max()).bit_length() + norm.bit_length() - max_norm.bit_length()))
        factor = (max_norm << shift) // norm
        size = (size * np.int64(factor)) >> np.int64(shift)
    return np.sign(x) * np.minimum(size, np.int64(max_abs))


def square_sum(x: NDArray[np.int64]) -> int:
    """Σ x_j², exactly, for |x_j| ≤ 2^54: in two limbs of 27 bits, summed by chunks that can't overflow."""
    if len(x) == 0:
        return 0
    size = np.abs(x)
    high, low = size >> 27, size & ((1 << 27) - 1)
    starts = np.arange(0, len(x), _CHUNK)
    parts = ((high * high, 54), (high * low, 28), (low * low, 0))
    return sum(sum(np.add.reduceat(part, starts).tolist()) << shift for part, shift in parts)


def _locate(layout: Layout, position: int) -> tuple[str, int]:
    for tensor in layout.tensors:
        if position < tensor.size:
            return printable(tensor.name), position
        position -= tensor.size
    raise AssertionError("position lies beyond the layout")
