"""Bounds from a dry run: scale, max_abs and max_norm that honest updates keep, and what they cost those that do not.

With Δ what training changed in an update's coordinates, in floats, and x the same in units of 2^-scale:

    quantile q of a quantity: the smallest of its values that at least the share q of all updates does not exceed
    scale     the largest s ≤ 24 with (quantile of max_j |Δ_j|) · coordinate room · 2^s + 1 ≤ 32767, at which every weight of these
              updates is below 2^52 units, so that later rounds have one bit to grow
    max_abs   (quantile of max_j |x_j|) · coordinate room, at most 32767
    max_norm  (quantile of ‖x‖) · norm room, at most max_abs·√d rounded up: nothing within max_abs is longer

A quantile, not the maximum: one update that went wrong, or one client that lies in the dry run, does not set the bounds of all. Of fewer
than 1/(1 − q) updates (20 at q = 0.95) it is the maximum all the same. The 1 beside the scale is rounding: x is a difference of two
rounded numbers.
Every update whose quantities do not exceed both quantiles is within the bounds, so clipping leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, isqrt, sqrt

import numpy as np
from numpy.typing import NDArray

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.model.layout import Arrays, Layout, flatten
from fedproof.model.quantise import MAX_STATE, clip_update, square_sum, to_integers, update

MAX_SCALE = 24
MAX_ABS = 32767
"""What policies allow."""
_UNBOUNDED = 1 << 62


@dataclass(frozen=True)
class Trained:
    """What a client's training made of the round's weights. start, new: by name. weight: how much it would count."""

    round: int
    client: str
    weight: int
    start: Arrays
    new: Arrays


@dataclass(frozen=True)
class Margins:
    """quantile: share of the updates that is to be within each bound, above 0, at most 1. norm, coordinate: by which factors the bounds are
    larger than that takes, 1 to 1000. Raises `UsageError`."""

    quantile: float = 0.95
    norm: float = 1.1
    coordinate: float = 1.5

    def __post_init__(self) -> None:
        if not 0 < self.quantile <= 1:
            raise UsageError("the quantile is a share of the updates, above 0 and at most 1")
        if not (1 <= self.norm <= 1000 and 1 <= self.coordinate <= 1000):
            raise UsageError("room above a quantile is a factor from 1 to 1000")


@dataclass(frozen=True)
class Bounds:
    """As in a policy's table `update`: one unit is 2^-scale, max_abs and max_norm are in units."""

    scale: int
    max_abs: int
    max_norm: int


@dataclass(frozen=True)
class Effect:
    """What bounds do to one update. norm: ‖Δ‖, in the model's own units. norm_kept: share of the norm that clipping leaves. clamped: share
    of the coordinates that are cut down to max_abs, after the norm was. rounding: ‖x·2^-scale − Δ‖/‖Δ‖. counted: False where a weight
    has no place in 2^53 units: its client would refuse to make an update, nothing of it is kept, and nothing else is known."""

    round: int
    client: str
    weight: int
    norm: float
    norm_kept: float
    clamped: float
    rounding: float
    counted: bool = True

    @property
    def unchanged(self) -> bool:
        """Whether clipping leaves it as it is."""
        return self.counted and self.norm_kept == 1 and self.clamped == 0


def propose(updates: Iterable[Trained], layout: Layout, margins: Margins = Margins()) -> Bounds:
    """Bounds from a dry run's updates. updates: gone through more than once, so a list or what reads files anew. layout: of the base model.

    Raises `Refused` (object "model") with client and round, stage "shape" for other tensors than the layout's, "decoding" for NaN and
    infinities; `Malformed` where there is no update, where as many as the quantile asks for change nothing, or where no scale holds them.
    """
    sizes = [_sizes(one, layout) for one in updates]
    if not sizes:
        raise Malformed("a dry run without updates")
    reach = _quantile([size for size, _ in sizes], margins.quantile)
    if reach == 0:
        raise Malformed(
            f"{margins.quantile:.0%} of the updates change nothing: were the weights written after training?"
        )
    largest = max(weight for size, weight in sizes if size <= reach)
    scale = _scale(reach * margins.coordinate, largest)
    limits = [_limits(one, layout, scale) for one in updates]
    most = _quantile([size for size, _ in limits], margins.quantile)
    max_abs = min(MAX_ABS, max(1, ceil(most * margins.coordinate)))
    furthest = furthest_norm(layout.size, max_abs)
    norm = _quantile([norm for _, norm in limits], margins.quantile)
    max_norm = furthest if norm * margins.norm >= furthest else max(1, ceil(norm * margins.norm))
    return Bounds(scale, max_abs, max_norm)


def furthest_norm(d: int, max_abs: int) -> int:
    """No update of d coordinates within max_abs is longer: max_abs·√d, rounded up. In units."""
    return isqrt(d * max_abs**2 - 1) + 1


def effect(one: Trained, layout: Layout, bounds: Bounds) -> Effect:
    """What these bounds do to an update. Raises `Refused` as `propose`."""
    delta = _delta(one, layout)
    with np.errstate(over="ignore"):
        norm = _norm(delta)
    x = _integers(one, layout, bounds.scale)
    if x is None:
        return Effect(one.round, one.client, one.weight, norm, 0.0, 0.0, 1.0, counted=False)
    shortened = np.abs(clip_update(x, _UNBOUNDED, bounds.max_norm))
    clipped = clip_update(x, bounds.max_abs, bounds.max_norm)
    kept = 1.0 if np.array_equal(clipped, x) else min(1.0, sqrt(square_sum(clipped) / square_sum(x)))
    error = _norm(np.ldexp(x.astype(np.float64), -bounds.scale) - delta)
    return Effect(
        one.round,
        one.client,
        one.weight,
        norm,
        kept,
        float(np.mean(shortened > bounds.max_abs)),
        error / norm if norm > 0 else 0.0,
    )


def _quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return sorted(values)[max(1, ceil(share * len(values) - 1e-9)) - 1]


def _scale(reach: float, largest: float) -> int:
    """reach: of a coordinate, room included. largest: weight, in the model's own units."""
    for scale in range(MAX_SCALE, -1, -1):
        if reach * 2**scale + 1 <= MAX_ABS and largest * 2**scale < MAX_STATE >> 1:
            return scale
    raise Malformed(
        f"updates change coordinates by up to {reach:.4g} (room included), weights are up to {largest:.4g}: no scale holds them."
        " Has training diverged? Leave out what did, or train with smaller steps"
    )


def _sizes(one: Trained, layout: Layout) -> tuple[float, float]:
    """max_j |Δ_j|, and the largest weight before and after."""
    delta = _delta(one, layout)
    weights = (flatten(arrays, layout) for arrays in (one.start, one.new))
    return float(np.abs(delta).max()), max(float(np.abs(w).max()) for w in weights)


def _limits(one: Trained, layout: Layout, scale: int) -> tuple[float, float]:
    """max_j |x_j| and ‖x‖ rounded up; infinite where it cannot be counted."""
    x = _integers(one, layout, scale)
    if x is None:
        return inf, inf
    squares = square_sum(x)
    return int(np.abs(x).max()), isqrt(squares - 1) + 1 if squares else 0


def _delta(one: Trained, layout: Layout) -> NDArray[np.float64]:
    """Δ; infinite where the difference of two finite numbers has no place in float64."""
    found = []
    for what, arrays in (("the round's start", one.start), ("its weights", one.new)):
        try:
            flat = flatten(arrays, layout)
        except Refused as error:
            raise _of(one, error.stage, f"{what}: {error.detail}") from None
        if not np.isfinite(flat).all():
            place = int(np.flatnonzero(~np.isfinite(flat))[0])
            detail = f"{what}: coordinate {place} is not a finite number; has training diverged?"
            raise _of(one, "decoding", detail)
        found.append(flat)
    with np.errstate(over="ignore"):
        return np.asarray(found[1] - found[0])


def _integers(one: Trained, layout: Layout, scale: int) -> NDArray[np.int64] | None:
    """x, or nothing where a weight cannot be counted in these units. What else can be wrong was looked at before."""
    try:
        return update(one.new, to_integers(one.start, layout, scale), layout, scale)
    except Refused as error:
        if error.stage != "statement":
            raise _of(one, error.stage, error.detail) from None
        return None


def _of(one: Trained, stage: str, detail: str) -> Refused:
    return Refused("model", stage, detail, party=one.client, round=one.round)


def _norm(values: NDArray[np.float64]) -> float:
    """Euclidean, without squares that overflow or vanish."""
    largest = float(np.abs(values).max())
    if largest == 0 or not isfinite(largest):
        return largest
    shift = int(
        np.frexp(largest)[1]
    )  # a power of two, by which nothing is rounded; 1/largest may be infinite
    return float(np.ldexp(np.linalg.norm(np.ldexp(values, -shift)), shift))
