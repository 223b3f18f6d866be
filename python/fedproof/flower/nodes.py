"""Which of Flower's nodes is which client, in the round under way: another process asks them on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name

_FILE = "nodes.cbor"
_LIMIT = 1 << 24


class _Node(Record):
    node: Annotated[int, Field(ge=0, lt=1 << 64)]
    client: Name


class _Nodes(Message):
    KIND: ClassVar[str] = "flower-nodes"

    nodes: tuple[_Node, ...]


def keep(round: Path, client_of: Mapping[int, str]) -> None:
    """round: folder of the round under way (`Store.round`), with which the file goes. Raises `UsageError` where it cannot be written."""
    nodes = tuple(_Node(node=node, client=client) for node, client in client_of.items())
    write_atomic(round / _FILE, _Nodes(nodes=nodes).to_bytes(), mode=0o600)


def kept(round: Path) -> dict[int, str]:
    """Empty where nothing was kept. Raises `Malformed`."""
    path = round / _FILE
    if not path.exists():
        return {}
    return {n.node: n.client for n in _Nodes.from_bytes(read_capped(path, _LIMIT)).nodes}
