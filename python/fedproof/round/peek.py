"""Where a node stands, as its state folder says: read without taking the folder, beside a node that may be at work in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fedproof.encoding import cbor
from fedproof.encoding.files import read_capped
from fedproof.encoding.text import printable
from fedproof.errors import Malformed

PLACE, ANSWERS, AUDIT = "state.cbor", "answers.sealed", "audit.jsonl"
NODE_STATE, NODE_PLACE = "node-state", "node-place"
"""Kind of the message that `PLACE` holds, and of the one within it."""
_LIMIT = 1 << 33


@dataclass(frozen=True)
class Place:
    """round: the next one. time: when the last round was announced, Unix seconds, 0 before the first. parameters: of the model."""

    round: int
    time: int
    parameters: int


def is_node_state(folder: Path) -> bool:
    """Whether it has one of the files by which a node's state folder is known."""
    return (folder / PLACE).is_file() or (folder / AUDIT).is_file()


def node_place(folder: Path) -> Place | None:
    """What `state.cbor` says; nothing where there is none yet. Raises `Malformed`."""
    path = folder / PLACE
    if not path.exists():
        return None
    value = cbor.decode(read_capped(path, _LIMIT), limit=_LIMIT)
    place = value.get("place") if isinstance(value, dict) and value.get("kind") == NODE_STATE else None
    value = cbor.decode(place, limit=_LIMIT) if isinstance(place, bytes) else None
    if isinstance(value, dict) and value.get("kind") == NODE_PLACE:
        round, time, weights = (value.get(name) for name in ("round", "time", "weights"))
        if type(round) is int and type(time) is int and isinstance(weights, bytes) and not len(weights) % 8:
            return Place(round, time, len(weights) // 8)
    raise Malformed(f"{printable(str(path))} is not what a node writes")
