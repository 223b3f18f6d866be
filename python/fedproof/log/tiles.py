"""Writes a log's files: `checkpoint`, `tile/entries/…` and `tile/<level>/…` (`fedproof.log.layout`).

Growing writes new files only: a partial tile's name carries its width. The checkpoint is renamed into place last, and that is when
the log has grown; whatever a crash leaves beyond it counts for nothing and is written over.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from fedproof.encoding.files import lock_file, make_folder, read_capped, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import UsageError
from fedproof.identity.keys import SigningKey
from fedproof.log.layout import MAX_BYTES, MAX_ENTRY, MAX_SIZE, WIDTH, levels, pack, tile_path, tiles_from
from fedproof.log.note import MAX_NOTE, Checkpoint, sign_note
from fedproof.log.reader import TileReader
from fedproof.log.tlog import leaf_hash, tree_root

__all__ = ["TileLog", "TileReader"]


class TileLog:
    """The writer: one at a time, held by a lock on the file `<folder>.lock` until `close`."""

    def __init__(self, folder: Path, origin: str, key: SigningKey, lock: int, entries: list[bytes]) -> None:
        self._folder, self._origin, self._key = folder, origin, key
        self._lock: int | None = lock
        self._broken = False
        self._entries = entries
        self._leaves = [leaf_hash(e) for e in entries]
        self._bytes = sum(len(e) + 2 for e in entries)

    @classmethod
    def create(cls, folder: Path, origin: str, key: SigningKey) -> Self:
        """An empty log. Raises `UsageError` if there is one or was one, if another process writes it, or where no folder can be made."""
        make_folder(folder, mode=0o755)
        lock = _lock(folder)
        try:
            if os.path.lexists(folder / "checkpoint"):
                raise UsageError(f"{printable(str(folder))} holds a log already")
            if os.path.lexists(folder / "tile"):
                # Tiles are only written under a checkpoint. A new log in its place would be a fork of the lost one.
                raise UsageError(
                    f"{printable(str(folder))} holds a log whose checkpoint is missing; put it back, or name another folder"
                )
            _sweep(folder)
            log = cls(folder, origin, key, lock, [])
            log._commit(log._leaves)
        except BaseException:
            os.close(lock)
            raise
        return log

    @classmethod
    def open(cls, folder: Path, origin: str, key: SigningKey) -> Self:
        """Takes a log up again after checking all of it. Raises `Malformed`, `Refused`; `UsageError` if another writes it."""
        lock = _lock(folder)
        try:
            reader = TileReader(folder, origin, key.verify_key)
            _sweep(folder)
        except BaseException:
            os.close(lock)
            raise
        return cls(folder, origin, key, lock, reader.entries())

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self._entries)

    def root(self) -> bytes:
        """32 bytes."""
        return tree_root(self._leaves)

    def entry(self, index: int) -> bytes:
        """Raises `IndexError`."""
        if index < 0:
            raise IndexError(index)
        return self._entries[index]

    def checkpoint(self) -> bytes:
        """The signed note."""
        return read_capped(self._folder / "checkpoint", MAX_NOTE)

    def append(self, entries: Sequence[bytes]) -> None:
        """Durable when it returns; after a crash within, the log is as before or has grown by all of them. Raises `UsageError` for
        an entry of more than 65,535 bytes, a log that would be too large to read, one that was closed, and one whose last append
        failed: whether that one counts, only the files know, so open the log again."""
        if self._lock is None:
            raise UsageError("the log is closed; open it again")
        if self._broken:
            raise UsageError(
                "an append to this log failed half-way; close it and open it again to see what counts"
            )
        if any(len(e) > MAX_ENTRY for e in entries):
            raise UsageError(f"an entry of more than {MAX_ENTRY} bytes")
        total = self._bytes + sum(len(e) + 2 for e in entries)
        if self.size + len(entries) > MAX_SIZE or total > MAX_BYTES:
            raise UsageError(f"a log of more than {MAX_SIZE} entries or {MAX_BYTES} bytes")
        grown = [*self._entries, *entries]
        leaves = [*self._leaves, *(leaf_hash(e) for e in entries)]
        # Until the checkpoint is known to be in place, memory must not say that the log has grown, nor a second
        # append build on a guess: two checkpoints of one size would be a fork.
        self._broken = True
        self._write_tiles(grown, leaves)
        self._commit(leaves)
        self._entries, self._leaves, self._bytes = grown, leaves, total
        self._broken = False

    def close(self) -> None:
        """Gives the lock back. A second call does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write_tiles(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """The files that the log does not have yet; `self.size` is still the old size."""
        done = self.size
        for index, width in tiles_from(done, len(entries)):
            start = index * WIDTH
            self._write(tile_path("entries", index, width), pack(entries[start : start + width]))
        for level, hashes in levels(leaves):
            for index, width in tiles_from(done, len(hashes)):
                start = index * WIDTH
                self._write(tile_path(str(level), index, width), b"".join(hashes[start : start + width]))
            done //= WIDTH

    def _commit(self, leaves: Sequence[bytes]) -> None:
        text = Checkpoint(self._origin, len(leaves), tree_root(leaves)).text()
        write_atomic(self._folder / "checkpoint", sign_note(text, self._origin, self._key))

    def _write(self, path: str, data: bytes) -> None:
        target = self._folder / path
        make_folder(target.parent, mode=0o755)
        write_atomic(target, data)


def _sweep(folder: Path) -> None:
    """Removes what a kill left of `write_atomic`. Among it may be a signed checkpoint that never counted: were it kept and copied
    along, it would be evidence of a fork against a writer who went on with other entries."""
    for where, _, names in os.walk(folder):
        for name in names:
            if name.startswith(".") and name.endswith(".tmp"):
                Path(where, name).unlink(missing_ok=True)


def _lock(folder: Path) -> int:
    # Beside the folder: what is in it is the log and nothing else. Under its real name: by way of a link to the
    # folder a second writer would find another lock.
    folder = Path(os.path.realpath(folder))
    busy = f"another process writes the log in {printable(str(folder))}"
    return lock_file(folder.with_name(f"{folder.name}.lock"), busy)
