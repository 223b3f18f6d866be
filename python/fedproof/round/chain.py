"""Where a federation stands: the model state, and the record it follows from. Clients, the aggregator and verifiers each keep their
own, and move it on only by rounds that they checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.digest import ZERO, sha256
from fedproof.errors import Refused
from fedproof.model.base import Base, parse_base
from fedproof.model.commitment import model_commitment
from fedproof.model.layout import Layout
from fedproof.model.optimiser import Moments, step
from fedproof.model.quantise import to_integers
from fedproof.policy.policy import Policy
from fedproof.round.messages import State


@dataclass(frozen=True)
class Chain:
    """policy: the holder's own. base: what the base model fixes. round: the next one. previous: digest of the last entry, zero before the
    first. time: when the last round was announced, 0 before the first. W: model state after it, d int64 in units of 2^-scale. moments:
    what the policy's optimiser remembers. suspended: clients that evidence named, each with the first round in which it may have a part
    again; sorted by client."""

    policy: Policy
    base: Base
    round: int
    previous: bytes
    time: int
    W: NDArray[np.int64]
    moments: Moments
    suspended: tuple[tuple[str, int], ...] = ()

    @classmethod
    def start(cls, policy: Policy, base: bytes) -> Self:
        """Round 0, from the base model's file. Raises `Refused` if the policy names another, `Malformed` if it cannot be read or is none
        for this policy: `model.frozen` matches nothing, or leaves nothing to train."""
        if sha256(base) != policy.base_digest:
            raise Refused("model", "digest", "the base model is not the one that the policy names")
        fixed, arrays = parse_base(base, policy.model.frozen)
        W = to_integers(arrays, fixed.layout, policy.update.scale)
        return cls(policy, fixed, 0, ZERO, 0, W, Moments.start(policy.aggregate, len(W)))

    @property
    def layout(self) -> Layout:
        """The tensors that are trained."""
        return self.base.layout

    @property
    def suite(self) -> str:
        """The policy's first: no announcement chooses another."""
        return self.policy.suites[0]

    @cached_property
    def state(self) -> State:
        """The state as messages name it."""
        commitment = model_commitment(self.suite, self.W).root()
        return State(weights=sha256(self.W.astype("<i8").tobytes()), commitment=commitment)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All tensors of the model as it is now, constants too, in the base model's order. Raises `Refused` for a value beyond its type's
        range, `Malformed` for a constant of an element type that numpy has not."""
        return self.base.arrays(self.W, self.policy.update.scale)

    def released(self) -> bytes:
        """The model's file as it is now, bit for bit the one that a certificate can be about. Raises `Refused` for a value beyond its
        type's range."""
        return self.base.released(self.W, self.policy.update.scale)

    def known(self, state: State) -> Self:
        """The same place, whose state was computed before: it is not committed to again. For what the holder wrote itself."""
        chain = replace(self)
        vars(chain)["state"] = state
        return chain

    def recorded(self, entry: bytes) -> Self:
        """The same place, its last round on record. entry: its digest."""
        return replace(self, previous=entry).known(self.state)

    def advance(
        self,
        entry: bytes,
        time: int,
        total: NDArray[np.int64] | None,
        weight_sum: int,
        named: Iterable[str] = (),
    ) -> Self:
        """The chain after a round: the strategy's step from the total, or the same state if the round was void. entry: its digest. time:
        when it was announced. named: clients that evidence names. Raises `Refused` for a step that cannot be made."""
        W, moments = self.W, self.moments
        if total is not None:
            policy = self.policy
            W, moments = step(policy.aggregate, moments, W, total, weight_sum, policy.update.scale)
        number = self.round + 1
        until = number + self.policy.masking.suspend_rounds
        out = dict(self.suspended) | dict.fromkeys(named, until)
        suspended = tuple(sorted((client, until) for client, until in out.items() if until > number))
        return replace(
            self, round=number, previous=entry, time=time, W=W, moments=moments, suspended=suspended
        )
