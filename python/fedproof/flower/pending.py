"""What a node trained and did not upload yet: it waits in the node's state folder between two messages, through a restart, too."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.message import Message
from fedproof.errors import Refused
from fedproof.round.messages import Count
from fedproof.round.node import Node

_FILE = "trained.cbor"
_LIMIT = 1 << 33


class _Trained(Message):
    """values: the update as little-endian int32."""

    KIND: ClassVar[str] = "trained"

    round: Count
    attempt: Count
    values: bytes = Field(repr=False)


def keep(state: Path, node: Node, attempt: int, x: NDArray[np.int64]) -> None:
    """Before the node says that it is ready. state: its state folder, which it has the lock of. x: within the policy's bounds. Raises
    `UsageError` where the folder cannot be written."""
    trained = _Trained(round=node.client.chain.round, attempt=attempt, values=x.astype("<i4").tobytes())
    write_atomic(state / _FILE, trained.to_bytes(), mode=0o600)


def kept(state: Path, node: Node, round: int, attempt: int) -> NDArray[np.int64]:
    """The update for this round and attempt. Raises `Refused` (object "update") if none was kept for it."""
    path = state / _FILE
    trained = _Trained.from_bytes(read_capped(path, _LIMIT), limit=_LIMIT) if path.exists() else None
    if trained is None or (trained.round, trained.attempt) != (round, attempt):
        detail = "nothing was trained for this round and attempt"
        raise Refused("update", "statement", detail, party=node.client.name, round=round)
    return np.frombuffer(trained.values, "<i4").astype(np.int64)


def forget(state: Path) -> None:
    """After the round was adopted."""
    (state / _FILE).unlink(missing_ok=True)
