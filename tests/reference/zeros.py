"""A proof of zeros: with it a relation runs to its end, and is refused there."""

from reference.group import Point


class Zeros:
    """A source of identities and zeros that counts what is read."""

    def __init__(self) -> None:
        self.points = self.scalars = 0
        self.finished = False

    def next_point(self) -> Point:
        self.points += 1
        return None

    def next_scalar(self) -> int:
        self.scalars += 1
        return 0

    def finish(self) -> None:
        self.finished = True
