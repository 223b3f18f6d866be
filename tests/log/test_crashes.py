"""The log under the axe: killed before and after each operation on files, with the file last written cut at every byte."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fedproof.identity.keys import SigningKey
from fedproof.log.layout import tile_path
from fedproof.log.reader import TileReader
from fedproof.log.tiles import TileLog

KEY = SigningKey.generate()
OPERATIONS = ["mkdir", "fchmod", "fsync", "replace", "unlink"]


class Killed(BaseException):
    pass


@contextmanager
def killed_at(moment: int, after: bool) -> Iterator[list[str]]:
    """Dies before or after operation number `moment`; nothing works from then on, as in a process that is gone, so that its
    clearing up does not run either. Gives the names of the operations asked for."""
    asked: list[str] = []

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            asked.append(name)
            if len(asked) > moment or (len(asked) == moment and not after):
                raise Killed
            result = real(*arguments, **options)
            if len(asked) == moment:
                if name == "mkstemp":
                    os.close(result[0])
                raise Killed
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in OPERATIONS:
            patch.setattr(os, name, wrap(name, getattr(os, name)))
        patch.setattr(tempfile, "mkstemp", wrap("mkstemp", tempfile.mkstemp))
        yield asked


def entries(count: int) -> list[bytes]:
    return [b"%d" % i for i in range(count)]


def read(folder: Path) -> list[bytes]:
    return TileReader(folder, "tests", KEY.verify_key).entries()


def files_of(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def grows_on(folder: Path) -> None:
    """From whatever state, with other entries than those that a crash may have left beyond the checkpoint."""
    log = TileLog.open(folder, "tests", KEY)
    before = [log.entry(i) for i in range(log.size)]
    log.append([b"other"] * (261 - log.size))
    log.close()
    assert read(folder) == before + [b"other"] * (261 - len(before))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("old", "new"), [(0, 1), (2, 4), (254, 259)])
def test_killed_at_every_operation(tmp_path: Path, old: int, new: int, after: bool) -> None:
    start = tmp_path / "start"
    log = TileLog.create(start, "tests", KEY)
    log.append(entries(old))
    log.close()
    for moment in itertools.count(1):
        folder = tmp_path / f"at{moment}"
        shutil.copytree(start, folder)
        had = files_of(folder)
        log = TileLog.open(folder, "tests", KEY)
        with killed_at(moment, after) as asked:
            try:
                log.append(entries(new)[old:])
                finished = True
            except Killed:
                finished = False
        log.close()
        committed = read(folder) == entries(new)
        assert committed or (not finished and read(folder) == entries(old))
        if not committed:
            # What is not under the checkpoint counts for nothing, however much of it reached the disk.
            new_files = [p for p, data in files_of(folder).items() if had.get(p) != data]
            for path in sorted(new_files, key=lambda p: p.stat().st_mtime_ns)[-1:]:
                data = path.read_bytes()
                for length in range(len(data)) if len(data) < 200 else range(0, len(data), 97):
                    path.write_bytes(data[:length])
                    assert read(folder) == entries(old)
        grows_on(folder)
        shutil.rmtree(folder)
        if finished:
            assert asked.count("replace") >= 3
            return


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_it_is_made(tmp_path: Path, after: bool) -> None:
    for moment in itertools.count(1):
        folder = tmp_path / f"at{moment}" / "log"
        with killed_at(moment, after):
            try:
                TileLog.create(folder, "tests", KEY).close()
                finished = True
            except Killed:
                finished = False
        if (folder / "checkpoint").exists():
            assert read(folder) == []
        else:
            assert not finished
            TileLog.create(folder, "tests", KEY).close()
        grows_on(folder)
        if finished:
            return


def test_everything_is_on_the_disk_before_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut keeps what was flushed: each file, its name in its folder, and the name of that folder in the one above."""
    flushed: dict[str, set[str]] = {}
    fsync, replace = os.fsync, os.replace
    commits = []

    def recorded(handle: int) -> None:
        fsync(handle)
        path = os.readlink(f"/proc/self/fd/{handle}")
        # A folder flushed keeps the names that it has now; a file flushed, its content (recorded by its size).
        flushed[path] = set(os.listdir(path)) if os.path.isdir(path) else {str(os.path.getsize(path))}

    def renamed(source: str, target: Path) -> None:
        content = flushed.pop(str(source))
        assert content == {str(os.path.getsize(source))}, "renamed before all of it was flushed"
        if target.name == "checkpoint":
            commits.append(target)
            for path in tmp_path.rglob("*"):
                if "tile" in path.parts or path.name in ("log", "tile"):
                    assert path.name in flushed[str(path.parent)], f"{path} may be lost"
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded)
    monkeypatch.setattr(os, "replace", renamed)
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    for size in (1, 3, 257):
        log.append(entries(size)[log.size :])
    log.close()
    assert len(commits) == 4


def test_what_is_committed_is_never_written_again(tmp_path: Path) -> None:
    """Growing leaves every file of earlier sizes as it is, the checkpoint aside: a reader at work is not disturbed."""
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    known: dict[Path, bytes] = {}
    for size in (1, 2, 255, 256, 257, 512):
        log.append(entries(size)[log.size :])
        now = files_of(tmp_path / "log")
        now.pop(tmp_path / "log" / "checkpoint")
        assert known.items() <= now.items()
        assert tmp_path / "log" / tile_path("entries", (size - 1) // 256, (size - 1) % 256 + 1) in now
        known = now
    log.close()
