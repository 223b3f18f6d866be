"""What a node trained and did not upload yet: it waits in the node's state folder between two messages, through a restart, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedproof.errors import Refused
from fedproof.identity.at_rest import read_sealed, write_sealed
from fedproof.round.node import Node

_LIMIT = 1 << 33


def _name(round: int, attempt: int) -> str:
    return f"trained-{round}-{attempt}.sealed"


def keep(state: Path, node: Node, attempt: int, x: NDArray[np.int64]) -> None:
    """Before the node says that it is ready. state: its state folder, which it has the lock of. x: within the policy's bounds. Raises
    `UsageError` where the folder cannot be written."""
    name = _name(node.client.chain.round, attempt)
    write_sealed(state / name, x.astype("<i4").tobytes(), node.client.key, name)
    _forget_but(state, name)


def kept(state: Path, node: Node, round: int, attempt: int) -> NDArray[np.int64]:
    """The update for this round and attempt. Raises `Refused` (object "update") if none was kept for it, and for a file that another key
    sealed."""
    name = _name(round, attempt)
    if not (state / name).exists():
        detail = "nothing was trained for this round and attempt"
        raise Refused("update", "statement", detail, party=node.client.name, round=round)
    return np.frombuffer(read_sealed(state / name, node.client.key, name, limit=_LIMIT), "<i4").astype(
        np.int64
    )


def forget_old(state: Path, node: Node) -> None:
    """Of rounds that the node has adopted."""
    _forget_but(state, f"trained-{node.client.chain.round}-*")


def _forget_but(state: Path, pattern: str) -> None:
    for path in state.glob("trained-*.sealed"):
        if not path.match(pattern):
            path.unlink()
