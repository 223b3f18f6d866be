"""The log on disk: growth, one writer, hostile files; and Go reads what we wrote. Crashes: test_crashes.py."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import SigningKey
from fedproof.log import reader, tiles
from fedproof.log.layout import MAX_ENTRY, index_path, log_files, tile_path
from fedproof.log.note import verifier_text
from fedproof.log.reader import TileReader
from fedproof.log.tiles import TileLog
from fedproof.log.tlog import check_consistency

KEY = SigningKey.generate()
GO = Path(__file__).parent / "go"


def entries(count: int) -> list[bytes]:
    return [b"entry %d " % i * (i % 7) for i in range(count)]


def grown(folder: Path, *steps: int) -> Path:
    log = TileLog.create(folder, "tests", KEY)
    for size in steps:
        log.append(entries(size)[log.size :])
    log.close()
    return folder


def test_paths() -> None:
    assert index_path(67) == "067"
    assert index_path(1234067) == "x001/x234/067"
    assert tile_path("entries", 0, 5) == "tile/entries/000.p/5"
    assert tile_path("1", 2, 256) == "tile/1/002"


@pytest.mark.parametrize("steps", [(), (1,), (1, 2, 3), (255, 256, 257), (600,), (256, 512)])
def test_what_was_appended_is_read(tmp_path: Path, steps: tuple[int, ...]) -> None:
    folder = grown(tmp_path / "log", *steps)
    read = TileReader(folder, "tests", KEY.verify_key)
    assert read.entries() == entries(max(steps, default=0))
    log = TileLog.open(folder, "tests", KEY)
    assert (log.size, log.root()) == (read.size, read.root())
    log.append([b"more"])
    assert log.entry(log.size - 1) == b"more"
    log.close()
    assert TileReader(folder, "tests", KEY.verify_key).entries()[-1] == b"more"


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700])
def test_which_files_a_log_has(tmp_path: Path, size: int) -> None:
    grown(tmp_path / "log", size)
    found = [str(p.relative_to(tmp_path / "log")) for p in (tmp_path / "log").rglob("*") if p.is_file()]
    assert sorted(log_files(size)) == sorted(found)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    with pytest.raises(UsageError, match="another process"):
        TileLog.open(tmp_path / "log", "tests", KEY)
    log.close()
    TileLog.open(tmp_path / "log", "tests", KEY).close()
    with pytest.raises(UsageError, match="holds a log already"):
        TileLog.create(tmp_path / "log", "tests", KEY)


def test_an_entry_too_long(tmp_path: Path) -> None:
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    log.append([bytes(MAX_ENTRY)])
    with pytest.raises(UsageError):
        log.append([b"fits", bytes(MAX_ENTRY + 1)])
    log.close()
    assert TileReader(tmp_path / "log", "tests", KEY.verify_key).size == 1


def test_a_file_cut_or_changed_anywhere_is_noticed(tmp_path: Path) -> None:
    folder = grown(tmp_path / "log", 3, 5)
    used = ["checkpoint", "tile/entries/000.p/5", "tile/0/000.p/5"]
    for name in used:
        path = folder / name
        data = path.read_bytes()
        for length in range(len(data)):
            path.write_bytes(data[:length])
            with pytest.raises((Malformed, Refused)):
                TileReader(folder, "tests", KEY.verify_key)
        for at in range(0, len(data), 3):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            with pytest.raises((Malformed, Refused)):
                TileReader(folder, "tests", KEY.verify_key)
        path.unlink()
        with pytest.raises(Malformed):
            TileReader(folder, "tests", KEY.verify_key)
        (tmp_path / "elsewhere").write_bytes(data)
        path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Malformed):
            TileReader(folder, "tests", KEY.verify_key)
        path.unlink()
        path.write_bytes(data)
    assert TileReader(folder, "tests", KEY.verify_key).size == 5


def test_a_bundle_of_millions_of_empty_entries_costs_nothing(tmp_path: Path) -> None:
    folder = grown(tmp_path / "log", 256)
    path = folder / "tile/entries/000"
    path.write_bytes(bytes(256 * (MAX_ENTRY + 2)))
    start = time.process_time()
    with pytest.raises(Malformed, match="goes on"):
        TileReader(folder, "tests", KEY.verify_key)
    assert time.process_time() - start < 1
    path.write_bytes(bytes(256 * (MAX_ENTRY + 2) + 1))
    with pytest.raises(Malformed, match="at most"):
        TileReader(folder, "tests", KEY.verify_key)


@pytest.mark.parametrize("name", ["tile", "tile/entries", "tile/0", "tile/0/000.p"])
def test_no_folder_is_a_link(tmp_path: Path, name: str) -> None:
    folder = grown(tmp_path / "log", 3)
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Malformed, match="link"):
        TileReader(folder, "tests", KEY.verify_key)


@pytest.mark.parametrize("name", ["checkpoint", "tile/entries/000.p/3", "tile/0/000.p/3"])
def test_only_plain_files_are_read(tmp_path: Path, name: str) -> None:
    path = grown(tmp_path / "log", 3) / name
    for make in (os.mkfifo, os.mkdir):
        path.unlink()
        make(path)
        with pytest.raises(Malformed, match="plain file"):
            TileReader(tmp_path / "log", "tests", KEY.verify_key)
        if path.is_dir():
            path.rmdir()
            path.touch()


def test_a_fork_is_refused(tmp_path: Path) -> None:
    """Two logs of one size under one key: neither reads with the other's checkpoint, and neither extends the other."""
    ours, theirs = grown(tmp_path / "ours", 3), grown(tmp_path / "theirs", 2)
    log = TileLog.open(theirs, "tests", KEY)
    log.append([b"another third"])
    log.close()
    one, other = (TileReader(f, "tests", KEY.verify_key) for f in (ours, theirs))
    with pytest.raises(Refused):
        check_consistency(3, one.root(), 3, other.root(), [])
    shutil.copy(theirs / "checkpoint", ours / "checkpoint")
    with pytest.raises(Refused) as error:
        TileReader(ours, "tests", KEY.verify_key)
    assert error.value.stage == "digest"
    with pytest.raises(Refused):
        TileLog.open(ours, "tests", KEY)


def test_the_log_of_somebody_else(tmp_path: Path) -> None:
    folder = grown(tmp_path / "log", 3)
    with pytest.raises(Refused):
        TileReader(folder, "tests", SigningKey.generate().verify_key)
    with pytest.raises(Refused):
        TileReader(folder, "other", KEY.verify_key)
    with pytest.raises(Refused):
        TileLog.open(folder, "tests", SigningKey.generate())


def test_one_writer_over_processes(tmp_path: Path) -> None:
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    assert locked_elsewhere(tmp_path / "log.lock")
    log.close()
    log.close()
    assert not locked_elsewhere(tmp_path / "log.lock")


def locked_elsewhere(path: Path) -> bool:
    program = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    ran = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=False)
    return ran.returncode != 0


def test_a_closed_log_is_not_written(tmp_path: Path) -> None:
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    log.close()
    with pytest.raises(UsageError, match="closed"):
        log.append([b"late"])
    assert TileReader(tmp_path / "log", "tests", KEY.verify_key).entries() == []


def test_a_failed_append_is_not_built_upon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the checkpoint reached the disk is not known then; a second one of that size could be a fork."""
    folder = grown(tmp_path / "log", 2)
    log = TileLog.open(folder, "tests", KEY)
    root = log.root()

    def full(path: Path, data: bytes, *, mode: int = 0o644) -> None:
        raise UsageError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(tiles, "write_atomic", full)
        with pytest.raises(UsageError, match="no space"):
            log.append([b"third"])
    assert (log.size, log.root()) == (2, root)
    with pytest.raises(UsageError, match="open it again"):
        log.append([b"third"])
    log.close()
    log = TileLog.open(folder, "tests", KEY)
    log.append([b"third"])
    log.close()
    assert TileReader(folder, "tests", KEY.verify_key).entries() == [*entries(2), b"third"]


def test_a_log_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = grown(tmp_path / "log", 5)
    log = TileLog.open(folder, "tests", KEY)
    used = sum(len(e) + 2 for e in entries(5))
    for module, name, limit in (
        (tiles, "MAX_SIZE", 5),
        (tiles, "MAX_BYTES", used),
        (reader, "MAX_SIZE", 4),
        (reader, "MAX_BYTES", used - 1),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, limit)
            if module is tiles:
                with pytest.raises(UsageError, match="more than"):
                    log.append([b""])
            else:
                with pytest.raises(Malformed, match="at most"):
                    TileReader(folder, "tests", KEY.verify_key).entries()
    log.append([b""])
    log.close()


def test_folders_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="folder"):
        TileLog.create(tmp_path / "file", "tests", KEY)
    with pytest.raises(UsageError, match="lock"):
        TileLog.open(tmp_path / "nowhere" / "log", "tests", KEY)
    with pytest.raises(UsageError, match="name"):
        TileLog.create(tmp_path / "log", "two words", KEY)
    grown(tmp_path / "log", 1)  # the failure gave the lock back


def go_oracle() -> str | None:
    """Why Go cannot be asked, if it cannot."""
    if shutil.which("go") is None:
        return "Go is not installed; the committed vectors stand for it"
    built = subprocess.run(
        ["go", "build", "-o", "/dev/null", "."], cwd=GO, capture_output=True, text=True, check=False
    )
    return None if built.returncode == 0 else f"Go cannot build the oracle here: {built.stderr[-200:]}"


@pytest.mark.parametrize("size", [1, 5, 256, 300])
def test_go_reads_our_log(tmp_path: Path, size: int) -> None:
    if reason := go_oracle():
        pytest.skip(reason)
    folder = grown(tmp_path / "log", size // 2 + 1, size)
    command = ["go", "run", ".", "check", str(folder), verifier_text("tests", KEY.verify_key), "tests"]
    ran = subprocess.run(command, cwd=GO, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{size} entries agree\n"
