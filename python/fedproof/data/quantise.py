"""Features as integers within ±127, by public numbers (spec/dataset.md §1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fedproof.data.table import Table
from fedproof.encoding.text import printable
from fedproof.errors import Malformed

FRACTION_BITS = 5
LIMIT = 127
BIAS = 1 << FRACTION_BITS
"""A feature that is one in every record."""
_BLOCK = 1 << 12
"""Records at a time."""


@dataclass(frozen=True)
class Quantisation:
    """x = (v − centre)/spread in units of 2^-5, cut to ±127. centre, spread: a double for each feature; spread > 0."""

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def fit(cls, table: Table) -> Self:
        """Mean and standard deviation of every column. Raises `Malformed` for a column that is constant, or too large to square."""
        with np.errstate(over="ignore", invalid="ignore"):
            centre, spread = table.values.mean(axis=0), table.values.std(axis=0)
        for name, c, s in zip(table.features, centre, spread, strict=True):
            if not (np.isfinite(c) and np.isfinite(s)):
                raise Malformed(f"column {printable(name)} has values too large for a mean and a deviation")
            if s == 0:
                raise Malformed(f"column {printable(name)} is constant: it says nothing, leave it out")
        return cls(centre, spread)

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.int8]:
        """values: records by features. Each step is rounded as IEEE 754 says, so every machine gets the same."""
        found = np.empty(values.shape, np.int8)
        for start in range(0, len(values), _BLOCK):  # so that no second table of doubles is there
            part = slice(start, start + _BLOCK)
            with np.errstate(over="ignore"):
                scaled = (values[part] - self.centre) / self.spread * float(1 << FRACTION_BITS)
            found[part] = np.clip(np.rint(scaled), -LIMIT, LIMIT)
        return found

    def to_bytes(self) -> tuple[bytes, bytes]:
        """Centre and spread, eight bytes a feature, as certificates have them."""
        return self.centre.astype(">f8").tobytes(), self.spread.astype(">f8").tobytes()

    @classmethod
    def from_bytes(cls, centre: bytes, spread: bytes, features: int) -> Self:
        """Raises `Malformed`: not a finite double for each feature, or a spread that is not positive."""
        if len(centre) != 8 * features or len(spread) != 8 * features:
            raise Malformed("centre and spread have eight bytes for each feature")
        found = cls(
            np.frombuffer(centre, ">f8").astype(np.float64), np.frombuffer(spread, ">f8").astype(np.float64)
        )
        if not (
            np.isfinite(found.centre).all() and np.isfinite(found.spread).all() and (found.spread > 0).all()
        ):
            raise Malformed("centre and spread are finite, and spreads positive")
        return found
