"""A proof's bytes: transcript.md §6."""

from reference.errors import demand
from reference.group import Point, Suite, decode

MOST = 1 << 20


class Proof:
    """Points and scalars in the order of sending; decoded one by one as they are read."""

    def __init__(self, suite: Suite, data: bytes) -> None:
        demand(len(data) >= 8, "decoding", "no room for the two counts")
        points, scalars = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
        demand(points <= MOST and scalars <= MOST, "decoding", "a count above 2^20")
        demand(len(data) == 8 + 32 * (points + scalars), "decoding", "length and counts differ")
        pieces = [data[i : i + 32] for i in range(8, len(data), 32)]
        self.suite = suite
        self.points = pieces[:points]
        self.scalars = pieces[points:]
        self.points_read = 0
        self.scalars_read = 0

    def next_point(self) -> Point:
        """Reads one point."""
        demand(self.points_read < len(self.points), "shape", "too few points")
        self.points_read += 1
        return decode(self.suite, self.points[self.points_read - 1])

    def next_scalar(self) -> int:
        """Reads one scalar."""
        demand(self.scalars_read < len(self.scalars), "shape", "too few scalars")
        self.scalars_read += 1
        value = int.from_bytes(self.scalars[self.scalars_read - 1], "big")
        demand(value < self.suite.r, "decoding", "a scalar that is not below r")
        return value

    def finish(self) -> None:
        """Refuses what was not read."""
        demand(self.points_read == len(self.points), "shape", "too many points")
        demand(self.scalars_read == len(self.scalars), "shape", "too many scalars")
