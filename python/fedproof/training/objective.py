"""The objective of spec/relations/optimum.md over integers, exactly: the residual of weights, and the logit freedom that it leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fedproof.data.quantise import FRACTION_BITS, LIMIT
from fedproof.data.records import Rows
from fedproof.errors import UsageError

Loss = Literal["ridge", "squared hinge"]
Weights = NDArray[np.int64]
MAX_SCALE = 32
MAX_REGULARISATION = 1 << 40
REGULARISATION_BITS = 10
WEIGHT_BITS = 5
"""Weights are at most 2^5 in absolute value."""
MAX_BOUND_BITS = 120
BLOCK = 1 << 12
"""Records that are doubles at a time."""
_EXACT_BITS = 53
"""Integers up to 2^53 are doubles, and so are their sums as long as all partial sums are."""
_SUM_BITS = 62


@dataclass(frozen=True)
class Objective:
    """F_k(ŵ) = (λ/2)·‖ŵ‖² + Σ_i ℓ(1 − y_ik·⟨x̂_i, ŵ⟩), class by class. scale: s, weights are integers in units of 2^-s.
    regularisation: Λ = 2^10·λ. Raises `UsageError` for what no proof can be about."""

    loss: Loss
    scale: int
    regularisation: int

    def __post_init__(self) -> None:
        """Raises `UsageError`."""
        if self.loss not in get_args(Loss):
            raise UsageError(f"loss is one of {', '.join(get_args(Loss))}, not {self.loss!r}")
        if type(self.scale) is not int or not 0 <= self.scale <= MAX_SCALE:
            raise UsageError(f"scale is an integer from 0 to {MAX_SCALE}, not {self.scale}")
        if type(self.regularisation) is not int or not 1 <= self.regularisation <= MAX_REGULARISATION:
            raise UsageError(f"regularisation is an integer from 1 to 2^40, not {self.regularisation}")

    @property
    def one(self) -> int:
        """The number 1 at a logit's scale."""
        return 1 << (FRACTION_BITS + self.scale)

    @property
    def max_weight(self) -> int:
        """The largest |W|."""
        return 1 << (self.scale + WEIGHT_BITS)


def residual_squared(objective: Objective, rows: Rows, weights: Weights) -> int:
    """‖E‖², exactly. rows: n × (p + c), as they are certified. weights: c × p, within ±`max_weight`. Raises `UsageError` for others.

    Matrices are multiplied as doubles, cut into limbs so short that no partial sum is rounded."""
    classes, p = weights.shape
    if weights.dtype != np.int64 or rows.shape[1:] != (p + classes,):
        raise UsageError("weights are int64, classes by entries of a record")
    if (np.abs(weights) > objective.max_weight).any():
        raise UsageError(f"weights are at most 2^{WEIGHT_BITS} in absolute value")
    limb = _EXACT_BITS - (p * LIMIT).bit_length()
    parts = _limbs(weights.T, limb)
    wide = min(_EXACT_BITS - (BLOCK * LIMIT).bit_length(), _SUM_BITS - (len(rows) * LIMIT).bit_length())
    sums: list[NDArray[np.int64]] = []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        x = block[:, :p].astype(np.float64)
        y = 2 * block[:, p:].astype(np.int64) - 1
        logits = sum((x @ part).astype(np.int64) << (limb * at) for at, part in enumerate(parts))
        margin = objective.one - y * logits
        if objective.loss == "squared hinge":
            np.maximum(margin, 0, out=margin)
        for at, part in enumerate(_limbs(y * margin, wide)):
            if at == len(sums):
                sums.append(np.zeros((classes, p), np.int64))
            sums[at] += (part.T @ x).astype(np.int64)
    residual: Any = objective.regularisation * weights.astype(object)
    for at, total in enumerate(sums):
        residual -= total.astype(object) << (wide * at)
    return int((residual * residual).sum())


def _limbs(values: NDArray[np.int64], bits: int) -> list[NDArray[np.float64]]:
    """Σ_l 2^(bits·l)·limb_l = values, each limb within ±2^bits."""
    found = []
    while (values >= 1 << bits).any() or (values < -(1 << bits)).any():
        found.append((values & ((1 << bits) - 1)).astype(np.float64))
        values = values >> bits
    return [*found, values.astype(np.float64)]


def logit_freedom(objective: Objective, residual_squared: int, norm_squared: int) -> float:
    """Φ = R̂·‖E‖/(Λ·2^s): no logit of a record of norm R̂ is farther from that of the optimum. norm_squared: R². The least double that is
    not below Φ."""
    scaled = objective.regularisation << (objective.scale + FRACTION_BITS)
    square = Fraction(norm_squared * residual_squared, scaled * scaled)
    found = math.sqrt(square)
    while Fraction(found) ** 2 < square:
        found = math.nextafter(found, math.inf)
    while found > 0 and Fraction(below := math.nextafter(found, 0.0)) ** 2 >= square:
        found = below
    return found


def max_residual_squared(objective: Objective, freedom: Fraction | str, norm_squared: int) -> int:
    """B2² = ⌊(Φ·Λ·2^(s+5))²/R²⌋: what ‖E‖² may be where `freedom`, Φ in decimals or as a fraction, is demanded. Raises `UsageError` for
    what is no positive number, or is a bound that no proof can be about."""
    try:
        demanded = Fraction(freedom)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"a logit freedom is a positive number, not {freedom!r}") from None
    if demanded <= 0:
        raise UsageError(f"a logit freedom is a positive number, not {freedom}")
    root = demanded * (objective.regularisation << (objective.scale + FRACTION_BITS))
    bound = math.floor(root * root / norm_squared)
    if bound < 1:
        raise UsageError(
            f"logit freedom {freedom} is too small for scale {objective.scale}: take a larger one"
        )
    if bound.bit_length() > MAX_BOUND_BITS:
        raise UsageError(
            f"logit freedom {freedom} is too large at this scale and regularisation: ask for less"
        )
    return bound
