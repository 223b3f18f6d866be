"""The log on disk: growth, crashes at every write, hostile files; and Go reads what we wrote."""

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

from fedproof.encoding import files
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import SigningKey
from fedproof.log import tiles
from fedproof.log.layout import MAX_ENTRY, index_path, tile_path
from fedproof.log.note import verifier_text
from fedproof.log.tiles import TileLog, TileReader

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
    reader = TileReader(folder, "tests", KEY.verify_key)
    assert reader.entries() == entries(max(steps, default=0))
    log = TileLog.open(folder, "tests", KEY)
    assert (log.size, log.root()) == (reader.size, reader.root())
    log.append([b"more"])
    assert log.entry(log.size - 1) == b"more"
    log.close()
    assert TileReader(folder, "tests", KEY.verify_key).entries()[-1] == b"more"


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


class Killed(BaseException):
    pass


def test_killed_at_every_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 254 to 259 entries: the log is as before or as after, and grows on from there."""
    start = grown(tmp_path / "start", 254)
    write = files.write_atomic
    state = {"count": 0, "at": 0}

    def burning(path: Path, data: bytes, *, mode: int = 0o644) -> None:
        state["count"] += 1
        if state["count"] == state["at"]:
            (path.parent / f".{path.name}.torn.tmp").write_bytes(data[: len(data) // 2])
            raise Killed
        write(path, data, mode=mode)

    monkeypatch.setattr(tiles, "write_atomic", burning)
    for at in itertools.count(1):
        folder = tmp_path / f"at{at}"
        shutil.copytree(start, folder)
        log = TileLog.open(folder, "tests", KEY)
        state.update(count=0, at=at)
        try:
            log.append(entries(259)[254:])
            finished = True
        except Killed:
            finished = False
        state["at"] = 0
        log.close()
        assert TileReader(folder, "tests", KEY.verify_key).entries() == entries(259 if finished else 254)
        again = TileLog.open(folder, "tests", KEY)
        again.append(entries(300)[again.size :])
        again.close()
        assert TileReader(folder, "tests", KEY.verify_key).entries() == entries(300)
        if finished:
            assert at > 4
            return


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


def test_the_log_of_somebody_else(tmp_path: Path) -> None:
    folder = grown(tmp_path / "log", 3)
    with pytest.raises(Refused):
        TileReader(folder, "tests", SigningKey.generate().verify_key)
    with pytest.raises(Refused):
        TileReader(folder, "other", KEY.verify_key)
    with pytest.raises(Refused):
        TileLog.open(folder, "tests", SigningKey.generate())


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
