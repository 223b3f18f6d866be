"""What a client said in each attempt at a round, so that it says nothing twice (spec/round.md §6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fedproof.round.masker import Masker

Place: TypeAlias = tuple[int, int]
"""(round, attempt)"""

MAX_AGREED = 16
"""Sets of one round that a client agrees to, of attempts that were given up: it remembers each of them."""


@dataclass
class Attempt:
    """weight: as it declared it. session: digest of the announcement that it took. header: digest of the header that it
    signed for it. accepted: whether the aggregator's verdict came that its upload counts. masker: its part in a masked round, until
    nobody can ask for it any more."""

    weight: int
    session: bytes | None = None
    header: bytes | None = None
    accepted: bool = False
    masker: Masker | None = field(default=None, repr=False)


class Attempts(Mapping[Place, Attempt]):
    """Those of rounds that are not over, in order."""

    def __init__(self) -> None:
        self._at: dict[Place, Attempt] = {}

    def __getitem__(self, place: Place) -> Attempt:
        return self._at[place]

    def __iter__(self) -> Iterator[Place]:
        return iter(sorted(self._at))

    def __len__(self) -> int:
        return len(self._at)

    def declare(self, place: Place, weight: int) -> Attempt:
        """With this weight from here on."""
        attempt = self._at.setdefault(place, Attempt(weight))
        attempt.weight = weight
        return attempt

    def of(self, session: bytes) -> Attempt | None:
        """That of which it took this announcement."""
        return next((a for a in self._at.values() if a.session == session), None)

    def gave_up(self, place: Place) -> bool:
        """Whether it took an announcement of a later attempt."""
        return any(place < later and a.session is not None for later, a in self._at.items())

    def agreed(self) -> int:
        """Sets that it agreed to."""
        return sum(a.masker is not None and bool(a.masker.accepted) for a in self._at.values())

    def forget_masks(self, before: Place) -> None:
        """Of attempts of which nobody can ask for secrets any more: given up, and no set of theirs was agreed to."""
        for place, attempt in self._at.items():
            if place < before and attempt.masker is not None and not attempt.masker.accepted:
                attempt.masker = None

    def forget(self, round: int) -> None:
        """All that was said of rounds before this one."""
        self._at = {place: attempt for place, attempt in self._at.items() if place[0] >= round}
