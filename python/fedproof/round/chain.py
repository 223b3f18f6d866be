"""Where a federation stands: the model state, and the record it follows from. Clients, the aggregator and verifiers each keep their
own, and move it on only by rounds that they checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.digest import ZERO, sha256
from fedproof.errors import Refused
from fedproof.model.aggregate import apply
from fedproof.model.commitment import model_commitment
from fedproof.model.layout import Layout
from fedproof.model.quantise import to_integers
from fedproof.model.tensors import parse_model
from fedproof.policy.policy import Policy
from fedproof.round.messages import State


@dataclass(frozen=True)
class Chain:
    """policy: the holder's own. round: the next one. previous: digest of the last entry, zero before the first. time: when the last
    round was announced, 0 before the first. W: model state after it, d int64 in units of 2^-scale."""

    policy: Policy
    layout: Layout
    round: int
    previous: bytes
    time: int
    W: NDArray[np.int64]

    @classmethod
    def start(cls, policy: Policy, base: bytes) -> Self:
        """Round 0, from the base model's file. Raises `Refused` if the policy names another, `Malformed` if it cannot be read."""
        if sha256(base) != policy.base_digest:
            raise Refused("model", "digest", "the base model is not the one that the policy names")
        layout, arrays = parse_model(base)
        W = to_integers(arrays, layout, policy.update.scale)
        return cls(policy, layout, 0, ZERO, 0, W)

    @property
    def suite(self) -> str:
        """The policy's first: no announcement chooses another."""
        return self.policy.suites[0]

    @cached_property
    def state(self) -> State:
        """The state as messages name it."""
        commitment = model_commitment(self.suite, self.W).root()
        return State(weights=sha256(self.W.astype("<i8").tobytes()), commitment=commitment)

    def recorded(self, entry: bytes) -> Self:
        """The same place, its last round on record. entry: its digest. The state stays what it was, and is not committed to again."""
        chain = replace(self, previous=entry)
        vars(chain)["state"] = self.state
        return chain

    def advance(self, entry: bytes, time: int, total: NDArray[np.int64] | None, weight_sum: int) -> Self:
        """The chain after a round: W + f(total), or W if the round was void. entry: its digest. time: when it was announced."""
        W = self.W if total is None else apply(self.W, total, weight_sum)
        return replace(self, round=self.round + 1, previous=entry, time=time, W=W)
