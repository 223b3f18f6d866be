"""Files: written whole or not at all; read with a cap, and only where they are what they seem."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fedproof.encoding.files import read_capped, write_atomic
from fedproof.errors import Malformed, UsageError


def test_round_trip_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"first")
    write_atomic(path, b"second", mode=0o600)
    assert read_capped(path, 100) == b"second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_a_failure_at_any_step_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(UsageError, match="No space left"):
        write_atomic(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_an_interrupt_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]


def test_nowhere_to_write(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_atomic(tmp_path / "missing" / "a", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        write_atomic(tmp_path / "folder", b"")


def test_writing_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert not (tmp_path / "link").is_symlink()


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="No such file"):
        read_capped(tmp_path / "a", 1)


def test_the_cap_is_exact(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_capped(tmp_path / "a", 5) == b"12345"
    with pytest.raises(Malformed, match="5 bytes; at most 4"):
        read_capped(tmp_path / "a", 4)


def test_a_sparse_giant_is_refused_without_reading(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Malformed, match="at most"):
        read_capped(tmp_path / "a", 1 << 20)


def test_a_huge_cap_reserves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    assert read_capped(tmp_path / "a", 1 << 60) == b"1"


@pytest.mark.parametrize("target", ["a", "missing", "link", "/etc/hostname"])
def test_links_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(Malformed, match="is a link"):
        read_capped(tmp_path / "link", 100)


def test_folders_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it for reading would wait for a writer
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(Malformed, match="not a plain file"):
            read_capped(path, 100)


def test_a_path_with_nul_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="not a path"):
        read_capped(tmp_path / "a\0b", 100)


def test_names_in_errors_are_safe(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as caught:
        read_capped(tmp_path / "\x1b[32mVERIFIED", 100)
    assert "\x1b" not in str(caught.value)
