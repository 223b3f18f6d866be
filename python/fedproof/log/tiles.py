"""The log's files in C2SP tlog-tiles layout: `checkpoint`, `tile/entries/…` and `tile/<level>/…`, 256 entries or hashes a tile.

Growing writes new files only: a partial tile's name carries its width. The checkpoint is renamed into place last, and that is when
the log has grown; whatever a crash leaves beyond it counts for nothing and is written over.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from fedproof.encoding.files import read_capped, write_atomic
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.log.note import MAX_NOTE, Checkpoint, open_note, sign_note
from fedproof.log.tlog import leaf_hash, tree_root

WIDTH = 256
MAX_ENTRY = 65535
MAX_SIZE = 1 << 24
"""Entries of a log that this version reads."""


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


def _tiles(count: int) -> Iterator[tuple[int, int]]:
    """(index, width) of the tiles that hold `count` items."""
    for index in range(-(-count // WIDTH)):
        yield index, min(WIDTH, count - index * WIDTH)


def _levels(leaves: Sequence[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """(level, hashes): level 0 the leaves, each further one the roots of full tiles of the one below."""
    level, hashes = 0, list(leaves)
    while hashes:
        yield level, hashes
        full = len(hashes) // WIDTH
        hashes = [tree_root(hashes[i * WIDTH : (i + 1) * WIDTH]) for i in range(full)]
        level += 1


class TileReader:
    """A log as its files say, checked: the checkpoint's signature, and that entries and hash tiles lead to its root."""

    def __init__(self, folder: Path, origin: str, key: VerifyKey) -> None:
        """Raises `Malformed` where a file is missing or not readable, `Refused` where it is not what the checkpoint commits to."""
        self._folder = folder
        data = read_capped(folder / "checkpoint", MAX_NOTE)
        self.checkpoint = Checkpoint.parse(open_note(data, origin, key), origin)
        if self.checkpoint.size > MAX_SIZE:
            raise Malformed(f"a log of {self.checkpoint.size} entries; at most {MAX_SIZE} are read")
        self._entries = [
            e for index, width in _tiles(self.checkpoint.size) for e in self._bundle(index, width)
        ]
        self.leaves = [leaf_hash(e) for e in self._entries]
        if tree_root(self.leaves) != self.checkpoint.root:
            raise Refused("log", "digest", "the entries are not the ones that the checkpoint commits to")
        for level, hashes in _levels(self.leaves):
            for index, width in _tiles(len(hashes)):
                path = tile_path(str(level), index, width)
                if read_capped(folder / path, WIDTH * 32) != b"".join(hashes[index * WIDTH :][:width]):
                    raise Refused("log", "digest", f"{path} is not what the entries hash to")

    @property
    def size(self) -> int:
        return self.checkpoint.size

    def root(self) -> bytes:
        """32 bytes."""
        return self.checkpoint.root

    def entries(self) -> list[bytes]:
        """All entries, in order."""
        return list(self._entries)

    def _bundle(self, index: int, width: int) -> list[bytes]:
        path = tile_path("entries", index, width)
        data = read_capped(self._folder / path, WIDTH * (MAX_ENTRY + 2))
        entries = []
        while data:
            length = int.from_bytes(data[:2], "big")
            if len(data) < 2 + length:
                raise Malformed(f"{path} is cut off")
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
        if len(entries) != width:
            raise Malformed(f"{path} holds {len(entries)} entries instead of {width}")
        return entries


class TileLog:
    """The writer: one at a time, held by a lock on the file `<folder>.lock` until `close`."""

    def __init__(self, folder: Path, origin: str, key: SigningKey, lock: int, entries: list[bytes]) -> None:
        self._folder, self._origin, self._key, self._lock = folder, origin, key, lock
        self._entries = entries
        self._leaves = [leaf_hash(e) for e in entries]

    @classmethod
    def create(cls, folder: Path, origin: str, key: SigningKey) -> Self:
        """An empty log. Raises `UsageError` if there is one, or if another process writes it."""
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = _lock(folder)
        if (folder / "checkpoint").exists():
            os.close(lock)
            raise UsageError(f"{folder} holds a log already")
        log = cls(folder, origin, key, lock, [])
        log._commit()
        return log

    @classmethod
    def open(cls, folder: Path, origin: str, key: SigningKey) -> Self:
        """Takes a log up again after checking all of it. Raises `Malformed`, `Refused`; `UsageError` if another writes it."""
        lock = _lock(folder)
        try:
            reader = TileReader(folder, origin, key.verify_key)
        except BaseException:
            os.close(lock)
            raise
        return cls(folder, origin, key, lock, reader.entries())

    @property
    def size(self) -> int:
        return len(self._entries)

    def root(self) -> bytes:
        """32 bytes."""
        return tree_root(self._leaves)

    def entry(self, index: int) -> bytes:
        """Raises `IndexError`."""
        return self._entries[index]

    def checkpoint(self) -> bytes:
        """The signed note."""
        return read_capped(self._folder / "checkpoint", MAX_NOTE)

    def append(self, entries: Sequence[bytes]) -> None:
        """Durable when it returns; after a crash within, the log is as before or has grown by all of them. Raises `UsageError` for
        an entry of more than 65,535 bytes."""
        if any(len(e) > MAX_ENTRY for e in entries):
            raise UsageError(f"an entry of more than {MAX_ENTRY} bytes")
        old = len(self._entries)
        grown = [*self._entries, *entries]
        leaves = [*self._leaves, *(leaf_hash(e) for e in entries)]
        for index, width in _tiles(len(grown)):
            if (index + 1) * WIDTH > old:
                bundle = grown[index * WIDTH :][:width]
                self._write(
                    tile_path("entries", index, width),
                    b"".join(len(e).to_bytes(2, "big") + e for e in bundle),
                )
        done = old
        for level, hashes in _levels(leaves):
            for index, width in _tiles(len(hashes)):
                if (index + 1) * WIDTH > done:
                    self._write(
                        tile_path(str(level), index, width), b"".join(hashes[index * WIDTH :][:width])
                    )
            done //= WIDTH
        self._entries, self._leaves = grown, leaves
        self._commit()

    def _commit(self) -> None:
        text = Checkpoint(self._origin, self.size, self.root()).text()
        write_atomic(self._folder / "checkpoint", sign_note(text, self._origin, self._key))

    def _write(self, path: str, data: bytes) -> None:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, data)

    def close(self) -> None:
        """Gives the lock back."""
        os.close(self._lock)


def _lock(folder: Path) -> int:
    # Beside the folder: what is in it is the log and nothing else.
    handle = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise UsageError(f"another process writes the log in {folder}") from None
    return handle
