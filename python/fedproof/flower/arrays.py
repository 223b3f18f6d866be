"""Flower's arrays and numpy's. Floats travel in whatever width an app computes them; what is counted has the base model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord
from numpy.typing import NDArray


def record_of(arrays: Mapping[str, NDArray[Any]]) -> ArrayRecord:
    """As they travel, under the same names."""
    return ArrayRecord({name: Array(array) for name, array in arrays.items()})


def arrays_of(record: ArrayRecord) -> dict[str, NDArray[Any]]:
    """Of a message, by name."""
    return {name: array.numpy() for name, array in record.items()}


def as_wide_as(
    kinds: Mapping[str, np.dtype[Any]], arrays: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Floats in the types that the base model has under these names: numpy widens, and the update is its holder's own to round. All
    else stays as it is, to be refused by name where a model has no place for it."""
    return {
        name: array.astype(kinds[name], copy=False)
        if name in kinds and array.dtype.kind == kinds[name].kind == "f"
        else array
        for name, array in arrays.items()
    }
