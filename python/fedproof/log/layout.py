"""Where a log's entries and hashes lie: C2SP tlog-tiles paths, 256 entries or hashes a tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fedproof.log.tlog import tree_root

WIDTH = 256
MAX_ENTRY = 65535
"""Bytes of an entry."""
MAX_SIZE = 1 << 24
"""Entries of a log that this version writes and reads."""
MAX_BYTES = 1 << 30
"""Bytes of all entries together, each with its two bytes of length; a log is held in memory."""


def index_path(index: int) -> str:
    """001 for tile 1, x001/x234/067 for tile 1234067."""
    parts = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        parts.insert(0, f"x{index % 1000:03}")
    return "/".join(parts)


def tile_path(level: str, index: int, width: int) -> str:
    """level: "entries", or the height of the hashes as a number. width: 1 to 256."""
    suffix = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{index_path(index)}{suffix}"


def tiles_from(first: int, count: int) -> Iterator[tuple[int, int]]:
    """(index, width) of the tiles that hold items `first` to `count` of `count`."""
    for index in range(first // WIDTH, -(-count // WIDTH)):
        yield index, min(WIDTH, count - index * WIDTH)


def levels(leaves: Sequence[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """(level, hashes): level 0 the leaves, each further one the roots of full tiles of the one below."""
    level, hashes = 0, list(leaves)
    while hashes:
        yield level, hashes
        full = len(hashes) // WIDTH
        hashes = [tree_root(hashes[i * WIDTH : (i + 1) * WIDTH]) for i in range(full)]
        level += 1


def log_files(size: int) -> Iterator[str]:
    """Every file of a log of this size. Partial tiles of earlier sizes may lie beside them where it grows; they count for nothing."""
    yield "checkpoint"
    for index, width in tiles_from(0, size):
        yield tile_path("entries", index, width)
    level, count = 0, size
    while count:
        for index, width in tiles_from(0, count):
            yield tile_path(str(level), index, width)
        level, count = level + 1, count // WIDTH


def pack(entries: Sequence[bytes]) -> bytes:
    """A bundle: each entry after its length as u16 big-endian."""
    return b"".join(len(e).to_bytes(2, "big") + e for e in entries)
