"""Secure aggregation in a policy: how many may collude or fall silent, and what follows for a round (spec/secure-aggregation.md §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from fedproof.encoding.message import Record

MODULI = {(1 << 32) - 5: 4, (1 << 40) - 87: 5, (1 << 48) - 59: 6}
"""q, and the bytes of a residue on the wire (spec/masks.md §1)."""

COMPLETE = 32
"""Up to so many participants everybody is everybody else's neighbour."""

Few = Annotated[int, Field(ge=0, le=1000)]


class Masking(Record):
    """Whether the aggregator sees sums only. colluders: clients that may work with the aggregator against the others. silent: honest
    clients that may fall silent. min_set: a sum of fewer updates is not opened. min_honest_group: honest updates in any sum that is
    opened, at least. max_clients: participants of a round at most. agree_first: clients tell each other which set they open before
    they open it. max_releases_per_base: sums that a client helps to open from one base model. suspend_rounds: rounds in which a client has
    no part after evidence named it."""

    enabled: bool = False
    colluders: Few = 1
    silent: Few = 1
    min_set: Annotated[int, Field(ge=2, le=1000)] = 4
    min_honest_group: Annotated[int, Field(ge=2, le=1000)] = 2
    max_clients: Annotated[int, Field(ge=2, le=1000)] = 100
    agree_first: bool = True
    max_releases_per_base: Annotated[int, Field(ge=1, le=1000)] = 1
    suspend_rounds: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.enabled:
            if self.model_fields_set - {"enabled"}:
                raise ValueError(
                    "says how rounds are masked, and not that they are: enabled = true is missing"
                )
            return self
        if self.min_set <= self.colluders + 1:
            raise ValueError(
                f"min_set is {self.min_set}, and has to be above colluders + 1, {self.colluders + 1}: else a sum hides one honest"
                " update from nobody"
            )
        if self.min_set > self.max_clients:
            raise ValueError("min_set is above max_clients: no round could be opened")
        if self.max_clients < self.fewest:
            detail = f"{self.colluders} colluders and {self.silent} silent need {self.fewest} participants"
            raise ValueError(f"max_clients is {self.max_clients}, but {detail}")
        return self

    @property
    def fewest(self) -> int:
        """Participants that a round has at least: all inequalities of `MaskParameters.of` hold from there on."""
        return max(3 * self.colluders + 2 * self.silent + self.min_honest_group, self.min_set)

    @property
    def sparse(self) -> int:
        """Neighbours of each client in a round of many: enough whoever the colluders and the silent are, so nobody has to trust in how the
        graph was drawn. All inequalities of `MaskParameters.of` hold; honest updates in anything that is opened are at least `min_set`
        less the colluders, as in a complete graph, and as many for each of several sums from one base model. Even."""
        m, silent = self.colluders, self.silent
        least = 3 * m + 2 * silent + max(self.min_honest_group, self.min_set - m)
        return least + least % 2

    def written(self) -> dict[str, Any]:
        """As a policy's encoding has it: `enabled` alone where it is false."""
        return self.model_dump() if self.enabled else {"enabled": False}


def modulus(masking: Masking, max_abs: int, max_weight: int) -> int:
    """The smallest modulus in which the largest weighted sum has a place with its sign: 2·B·W < q. Raises `ValueError`."""
    largest = max_abs * max_weight * masking.max_clients
    for q in MODULI:
        if 2 * largest < q:
            return q
    raise ValueError(
        f"a weighted sum up to {largest} has no place below 2^47: lower weights.max or max_clients"
    )


@dataclass(frozen=True)
class MaskParameters:
    """Of one round. neighbours: of each client, k; all others, or an even number. threshold: holders that open a secret, t; a client opens
    no set with fewer of its neighbours. modulus: q. width: bytes of a residue."""

    neighbours: int
    threshold: int
    modulus: int
    width: int

    @classmethod
    def of(cls, masking: Masking, max_abs: int, max_weight: int, participants: int) -> Self:
        """For a round of so many. Raises `ValueError` for more or fewer than a round may have; in between all inequalities of the protocol
        hold (spec/secure-aggregation.md §2)."""
        if participants > masking.max_clients:
            raise ValueError(
                f"{participants} participants, at most {masking.max_clients} (masking.max_clients)"
            )
        m, silent = masking.colluders, masking.silent
        complete = participants <= max(COMPLETE, masking.sparse)
        k = participants - 1 if complete else masking.sparse
        if participants < masking.fewest:
            detail = f"with {m} that may collude and {silent} that may fall silent a masked round needs {masking.fewest}"
            raise ValueError(f"{participants} participants; {detail}")
        q = modulus(masking, max_abs, max_weight)
        return cls(k, k - m - silent, q, MODULI[q])
