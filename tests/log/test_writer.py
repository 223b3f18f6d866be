"""The writer never signs two histories: not by a second way to the folder, not over lost checkpoints, not by leftovers of a kill."""

import base64
from pathlib import Path

import pytest

from fedproof.errors import Refused, UsageError
from fedproof.identity.keys import SigningKey
from fedproof.log.note import open_note, sign_note
from fedproof.log.tiles import TileLog, TileReader

KEY = SigningKey.generate()


def test_a_link_to_the_folder_is_no_second_lock(tmp_path: Path) -> None:
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    (tmp_path / "elsewhere").mkdir()
    other_way = tmp_path / "elsewhere" / "log"
    other_way.symlink_to(tmp_path / "log")
    with pytest.raises(UsageError, match="another process"):
        TileLog.open(other_way, "tests", KEY)
    log.close()
    TileLog.open(other_way, "tests", KEY).close()


def test_the_working_folder_may_be_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log").mkdir()
    monkeypatch.chdir(tmp_path / "log")
    log = TileLog.create(Path(), "tests", KEY)
    log.append([b"one"])
    with pytest.raises(UsageError, match="another process"):
        TileLog.open(tmp_path / "log", "tests", KEY)
    log.close()
    assert TileReader(tmp_path / "log", "tests", KEY.verify_key).entries() == [b"one"]


def test_no_new_log_over_one_whose_checkpoint_is_lost(tmp_path: Path) -> None:
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    log.append([b"one"])
    log.close()
    signed = (tmp_path / "log" / "checkpoint").read_bytes()
    (tmp_path / "log" / "checkpoint").unlink()
    with pytest.raises(UsageError, match="checkpoint is missing"):
        TileLog.create(tmp_path / "log", "tests", KEY)
    (tmp_path / "log" / "checkpoint").write_bytes(signed)
    TileLog.open(tmp_path / "log", "tests", KEY).close()


def test_leftovers_of_a_kill_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    log = TileLog.create(folder, "tests", KEY)
    log.append([b"one"])
    log.close()
    before = sorted(folder.rglob("*"))
    for name in (".checkpoint.x1.tmp", "tile/0/000.p/.2.x2.tmp", "tile/entries/.000.x3.tmp"):
        (folder / name).write_bytes(b"torn")
    TileLog.open(folder, "tests", KEY).close()
    assert sorted(folder.rglob("*")) == before


def test_a_folder_that_is_no_log_is_left_alone(tmp_path: Path) -> None:
    """Nothing is removed before the checkpoint was verified."""
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    log.close()
    leftover = tmp_path / "log" / ".checkpoint.x1.tmp"
    leftover.write_bytes(b"torn")
    with pytest.raises(Refused):
        TileLog.open(tmp_path / "log", "tests", SigningKey.generate())
    assert leftover.exists()


def test_entries_are_counted_from_the_front(tmp_path: Path) -> None:
    log = TileLog.create(tmp_path / "log", "tests", KEY)
    log.append([b"one"])
    for index in (-1, 1):
        with pytest.raises(IndexError):
            log.entry(index)
    log.close()


def test_sixteen_post_quantum_witnesses(tmp_path: Path) -> None:
    """As many and as long as C2SP signed-note asks readers to take."""
    text = "a text\n"
    line = "— witness.example/number/16 " + base64.b64encode(b"x" * 5000).decode() + "\n"
    assert open_note(sign_note(text, "here", KEY) + line.encode() * 16, "here", KEY.verify_key) == text
