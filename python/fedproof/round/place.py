"""Where a node stands: the file that says it, for whoever may read the folder, with a tag that only the node's key makes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from fedproof.encoding.digest import Digest
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name, printable
from fedproof.encoding.time import Time
from fedproof.errors import Malformed, Refused
from fedproof.identity.at_rest import tag
from fedproof.identity.keys import SigningKey
from fedproof.model.optimiser import Moments
from fedproof.round.chain import Chain
from fedproof.round.messages import Count, State

PLACE, ANSWERS, AUDIT = "state.cbor", "answers.sealed", "audit.jsonl"
"""Files of a node's state folder: where it stands, what it answered, what happened."""
_LIMIT = 1 << 33


class _Suspended(Record):
    client: Name
    until: Count


class Place(Message):
    """Where the chain stands. round: the next one. time: when the last round was announced, Unix seconds, 0 before the first. weights: W as
    little-endian int64. model: what messages say of it, which takes time to compute. steps, first, second: what the optimiser
    remembers, vectors as little-endian doubles. suspended: by client, the first round in which it may have a part again."""

    KIND: ClassVar[str] = "node-place"

    round: Count
    previous: Digest
    time: Time
    weights: bytes = Field(repr=False)
    model: State
    steps: Count
    first: bytes = Field(repr=False)
    second: bytes = Field(repr=False)
    suspended: tuple[_Suspended, ...]

    @classmethod
    def of(cls, chain: Chain) -> Self:
        """Where it stands now."""
        moments = chain.moments
        return cls(
            round=chain.round,
            previous=chain.previous,
            time=chain.time,
            weights=chain.W.astype("<i8").tobytes(),
            model=chain.state,
            steps=moments.steps,
            first=moments.first.astype("<f8").tobytes(),
            second=moments.second.astype("<f8").tobytes(),
            suspended=tuple(_Suspended(client=client, until=until) for client, until in chain.suspended),
        )

    @property
    def parameters(self) -> int:
        """Of the model, as far as this says."""
        return len(self.weights) // 8

    def restore(self, start: Chain) -> Chain:
        """start: of the same federation, at its beginning. Raises `Refused` (object "state folder", stage "shape") for another model's."""
        lengths = [len(vector) for vector in (self.weights, self.first, self.second)]
        if lengths != [8 * len(vector) for vector in (start.W, start.moments.first, start.moments.second)]:
            raise Refused("state folder", "shape", "holds another model's state")
        W = np.frombuffer(self.weights, "<i8").astype(np.int64)
        first, second = (np.frombuffer(m, "<f8").astype(np.float64) for m in (self.first, self.second))
        moments = Moments(self.steps, first, second)
        here = replace(
            start,
            round=self.round,
            previous=self.previous,
            time=self.time,
            W=W,
            moments=moments,
            suspended=tuple((each.client, each.until) for each in self.suspended),
        )
        return here.known(self.model)


class _State(Message):
    """place: encoded. tag: by the node's key."""

    KIND: ClassVar[str] = "node-state"

    place: bytes = Field(repr=False)
    tag: Digest


def write_place(path: Path, chain: Chain, key: SigningKey, purpose: str) -> None:
    """purpose: of the tag. Raises `UsageError` where it cannot be written."""
    data = Place.of(chain).to_bytes()
    write_atomic(path, _State(place=data, tag=tag(data, key, purpose)).to_bytes(), mode=0o600)


def read_place(path: Path, key: SigningKey, purpose: str) -> Place:
    """What this key wrote for the same purpose. Raises `Refused` (object "state folder", stage "digest"), `Malformed`."""
    state = _read(path)
    if state.tag != tag(state.place, key, purpose):
        raise Refused("state folder", "digest", f"{path.name} was changed, or is another key's")
    return Place.from_bytes(state.place, limit=_LIMIT)


def is_node_state(folder: Path) -> bool:
    """Whether it has one of the files by which a node's state folder is known."""
    return (folder / PLACE).is_file() or (folder / AUDIT).is_file()


def peek_place(folder: Path) -> Place | None:
    """What a state folder says, read without taking it, beside a node that may be at work in it; nobody's word yet. Nothing where there is
    none. Raises `Malformed`."""
    path = folder / PLACE
    if not path.exists():
        return None
    try:
        return Place.from_bytes(_read(path).place, limit=_LIMIT)
    except Malformed:
        raise Malformed(f"{printable(str(path))} is not what a node writes") from None


def _read(path: Path) -> _State:
    return _State.from_bytes(read_capped(path, _LIMIT), limit=_LIMIT)
