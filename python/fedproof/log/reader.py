"""Reads a log as its files say, and believes none of them: everything has to lead to the signed root."""

from __future__ import annotations

from pathlib import Path

from fedproof.encoding.files import read_capped
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import VerifyKey
from fedproof.log.layout import MAX_BYTES, MAX_ENTRY, MAX_SIZE, WIDTH, levels, tile_path, tiles_from
from fedproof.log.note import MAX_NOTE, Checkpoint, open_note
from fedproof.log.tlog import leaf_hash, tree_root


class TileReader:
    """A log, checked: the checkpoint's signature, and that entries and hash tiles lead to its root."""

    def __init__(self, folder: Path, origin: str, key: VerifyKey) -> None:
        """Raises `Malformed` where a file is missing or not readable, `Refused` where it is not what the checkpoint commits to."""
        self._folder = folder
        self._plain: set[Path] = set()
        self._left = MAX_BYTES
        data = self._read("checkpoint", MAX_NOTE)
        self.checkpoint = Checkpoint.parse(open_note(data, origin, key), origin)
        if self.checkpoint.size > MAX_SIZE:
            raise Malformed(f"a log of {self.checkpoint.size} entries; at most {MAX_SIZE} are read")
        self._entries: list[bytes] = []
        for index, width in tiles_from(0, self.checkpoint.size):
            self._entries += self._bundle(index, width)
        self.leaves = [leaf_hash(e) for e in self._entries]
        if tree_root(self.leaves) != self.checkpoint.root:
            raise Refused("log", "digest", "the entries are not the ones that the checkpoint commits to")
        for level, hashes in levels(self.leaves):
            for index, width in tiles_from(0, len(hashes)):
                path, start = tile_path(str(level), index, width), index * WIDTH
                if self._read(path, WIDTH * 32) != b"".join(hashes[start : start + width]):
                    raise Refused("log", "digest", f"{path} is not what the entries hash to")

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.checkpoint.size

    def root(self) -> bytes:
        """32 bytes."""
        return self.checkpoint.root

    def entries(self) -> list[bytes]:
        """All entries, in order."""
        return list(self._entries)

    def _read(self, relative: str, limit: int) -> bytes:
        """A plain file below the log's folder; no folder on the way to it may be a link either."""
        path = self._folder / relative
        for parent in list(path.parents)[: relative.count("/")]:
            if parent not in self._plain:
                if parent.is_symlink():
                    raise Malformed(f"{printable(str(parent))} is a link; links are not followed here")
                self._plain.add(parent)
        return read_capped(path, limit)

    def _bundle(self, index: int, width: int) -> list[bytes]:
        path = tile_path("entries", index, width)
        data = self._read(path, min(width * (MAX_ENTRY + 2), self._left))
        self._left -= len(data)
        entries, at = [], 0
        # `width` entries and no more: a hostile file may hold millions of empty ones.
        for _ in range(width):
            start = at + 2
            end = start + int.from_bytes(data[at:start], "big")
            if len(data) < end:
                raise Malformed(f"{path} is cut off")
            entries.append(data[start:end])
            at = end
        if at != len(data):
            raise Malformed(f"{path} goes on after its {width} entries")
        return entries
