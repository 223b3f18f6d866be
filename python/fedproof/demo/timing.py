"""Where the demo's time goes, beside the same training without fedproof."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PARTS = {
    "train": "the hospitals' training itself",
    "quantise": "updates to integers within the bounds",
    "prove": "commit, prove, sign, keep, at the hospitals",
    "verify": "check proof and opening, keep, at the aggregator",
    "unmask": "agree on the set, and take the masks off its sum",
    "sum": "add, prove the sum, and put the round on record",
    "check": "every hospital checks the whole round again",
    "certificate": "bundle, audit of all rounds, signature",
}
"""In the order in which they come."""


@dataclass
class Timing:
    """seconds: by part, summed over rounds and hospitals, which all share one process here. plain: of the same training without
    fedproof."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    plain: float = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Adds what the block takes to a part. An unknown name is a `KeyError`."""
        before, start = self.seconds[name], time.perf_counter()
        yield
        self.seconds[name] = before + time.perf_counter() - start

    @property
    def total(self) -> float:
        """Seconds of all parts."""
        return sum(self.seconds.values())

    @property
    def ratio(self) -> float:
        """How many times as long as without fedproof."""
        return self.total / self.plain if self.plain else 0.0

    def to_json(self) -> dict[str, object]:
        """For `--json`: seconds with and without fedproof, their ratio, and the parts."""
        return {
            "with": round(self.total, 4),
            "without": round(self.plain, 4),
            "ratio": round(self.ratio, 1),
            "parts": {name: round(value, 4) for name, value in self.seconds.items()},
        }
