"""A write that fails (no space, a lost disk) is not a kill: the process lives on and is asked again. It must not say, then, what is not
on the disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedproof.encoding import files
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity import at_rest
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.signed import Signed
from fedproof.log import tiles
from fedproof.round import audit as audit_module
from fedproof.round import place as place_module
from fedproof.round import store as store_module
from fedproof.round.aggregator import Aggregator
from fedproof.round.audit import AuditLog
from fedproof.round.node import Node
from tests.round.world import (
    AGGREGATOR,
    BASE_FILE,
    ENDORSER,
    ENDORSERS,
    KEYS,
    NAMES,
    NOW,
    ROSTER,
    SIGNED_ROSTER,
    WEIGHTS,
    World,
    ada_at,
    client,
    numbers,
    policy,
)


def aggregator(root: Path, roster: Signed = SIGNED_ROSTER) -> Aggregator:
    return Aggregator(root, AGGREGATOR, policy(), roster, ENDORSERS, BASE_FILE, clock=lambda: NOW)


class Disk:
    """Fails the writes of files whose name has `full` in it, before or after they took effect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full: str | None = None
        self.late = False
        write = files.write_atomic

        def failing(path: Path, data: bytes, *, mode: int = 0o644) -> None:
            fails = self.full is not None and self.full in path.name
            if not fails or self.late:
                write(path, data, mode=mode)
            if fails:
                raise UsageError(f"cannot write {path.name}: no space left")

        for module in (store_module, place_module, at_rest, tiles):
            monkeypatch.setattr(module, "write_atomic", failing)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def announced(server: Aggregator) -> tuple[dict[str, Any], Signed]:
    clients = {n: client(n) for n in NAMES}
    return clients, server.announce([c.ready(WEIGHTS[n], attempt=server.attempt) for n, c in clients.items()])


def test_no_verdict_on_an_upload_that_was_not_kept(tmp_path: Path, disk: Disk) -> None:
    with aggregator(tmp_path) as server:
        clients, announcement = announced(server)
        upload = clients["ada"].upload(announcement, numbers(1), now=NOW).to_bytes()
        disk.full = "-upload"
        with pytest.raises(UsageError):
            server.receive(upload)
        disk.full = None
        with pytest.raises(UsageError, match="open it again"):
            server.receive(upload)  # memory knows it, the disk does not
    with aggregator(tmp_path) as again:
        verdict = again.receive(upload)
    with aggregator(tmp_path) as last:
        assert last.server is not None
        assert "ada" not in last.server.waiting_for()
        assert last.receive(upload) == verdict


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", ["checkpoint", "announcement"])
def test_nothing_goes_on_after_a_step_that_failed(tmp_path: Path, disk: Disk, name: str, late: bool) -> None:
    """With a checkpoint that may be in place, another verdict could be one that no record holds."""
    server = aggregator(tmp_path)
    disk.late = late
    if name == "announcement":
        disk.full = name
        with pytest.raises(UsageError):
            announced(server)
    else:
        clients, announcement = announced(server)
        uploads = {
            n: c.upload(announcement, numbers(ord(n[0])), now=NOW).to_bytes() for n, c in clients.items()
        }
        for n in NAMES[:3]:
            server.receive(uploads[n])
        disk.full = name
        with pytest.raises(UsageError):
            server.close()
        disk.full = None
        for act in (lambda: server.receive(uploads["dee"]), server.close, server.abort):
            with pytest.raises(UsageError, match="open it again"):
                act()
    disk.full = None
    with pytest.raises(UsageError, match="open it again"):
        announced(server)
    server.stop()
    with aggregator(tmp_path) as again:
        assert again.chain.round == (1 if (name, late) == ("checkpoint", True) else 0)
        if name == "checkpoint" and not late:
            assert again.server is not None
            assert again.server.waiting_for() == ["dee"]
            again.receive(uploads["dee"])
            assert len(again.close().result.accepted) == 4


def test_a_round_under_way_is_not_forgotten_for_another_roster(tmp_path: Path) -> None:
    """What was acknowledged stays; the operator decides."""
    with aggregator(tmp_path) as server:
        clients, announcement = announced(server)
        upload = clients["ada"].upload(announcement, numbers(1), now=NOW).to_bytes()
        verdict = server.receive(upload)
    grown = Roster(
        version=2,
        federation="tests",
        endorser="board",
        previous=SIGNED_ROSTER.digest(),
        members=(*ROSTER.members, Member(client="zoe", key=KEYS["ada"].generate().verify_key.raw)),
    )
    with pytest.raises(Refused) as refused:
        aggregator(tmp_path, endorse(grown, ENDORSER))
    assert (refused.value.subject, refused.value.stage) == ("announcement", "trust")
    with aggregator(tmp_path) as again:  # the failed start gave the lock back
        assert again.receive(upload) == verdict


def test_killed_while_giving_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with aggregator(tmp_path) as server:
        announced(server)
        with monkeypatch.context() as patch:
            patch.setattr(server.store, "clear_round", lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                server.abort()
    with aggregator(tmp_path) as again:
        assert (again.server, again.attempt) == (None, 1)
        assert not list((tmp_path / "open").iterdir())


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    with aggregator(tmp_path), pytest.raises(UsageError, match="another process"):
        aggregator(tmp_path)
    aggregator(tmp_path).stop()


def test_folders_are_on_the_disk_before_the_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut may lose a folder whose own name was not flushed, with every flushed file in it."""
    flushed: list[Path] = []
    sync, append = files.sync_folder, tiles.TileLog.append
    at_append: list[set[Path]] = []

    def noting(path: Path) -> None:
        flushed.append(path)
        sync(path)

    def appending(log: tiles.TileLog, entries: Any) -> None:
        at_append.append(set(flushed))
        append(log, entries)

    for module in (store_module, files):
        monkeypatch.setattr(module, "sync_folder", noting)
    monkeypatch.setattr(tiles.TileLog, "append", appending)
    with aggregator(tmp_path / "new" / "root") as server:
        clients, announcement = announced(server)
        for n, c in clients.items():
            server.receive(c.upload(announcement, numbers(ord(n[0])), now=NOW).to_bytes())
        server.close()
    root = tmp_path / "new" / "root"
    assert {tmp_path, tmp_path / "new", root, root / "blobs"} <= at_append[0]
    assert {p.parent for p in (root / "blobs").rglob("*") if p.is_file()} <= at_append[0]


# -- the client's side ---------------------------------------------------------------------------------------


def test_no_answer_before_it_is_remembered(tmp_path: Path, disk: Disk) -> None:
    world = World.announced()
    node = ada_at(tmp_path)
    node.ready(WEIGHTS["ada"])
    disk.full = "answers"
    with pytest.raises(UsageError, match="no space"):
        node.upload(world.announcement, numbers(1))
    disk.full = None
    for act in (lambda: node.upload(world.announcement, numbers(1)), lambda: node.ready(1)):
        with pytest.raises(UsageError, match="open it again"):
            act()  # memory is ahead of the disk
    upload = ada_at(tmp_path).upload(world.announcement, numbers(1))
    reopened = ada_at(tmp_path)
    assert reopened.upload(world.announcement, numbers(1)) == upload
    with pytest.raises(Refused, match="a second announcement"):
        reopened.upload(World.announced().announcement, numbers(1))


def test_an_upload_is_kept_until_the_round_is_over_on_disk(tmp_path: Path, disk: Disk) -> None:
    """Else it would be made anew, with other blinds, for a session that has one."""
    world = World.announced()
    node = ada_at(tmp_path)
    node.ready(WEIGHTS["ada"])
    upload = node.upload(world.announcement, numbers(1))
    world.send(upload)
    for n in NAMES[1:]:
        world.send(world.upload(n))
    closed = world.close()
    disk.full = "state"
    with pytest.raises(UsageError):
        node.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    disk.full = None
    reopened = ada_at(tmp_path)
    assert reopened.upload(world.announcement, numbers(1)) == upload
    reopened.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    assert not (tmp_path / "upload.sealed").exists()
    assert ada_at(tmp_path).client.chain.round == 1


def test_everything_refused_is_on_record(tmp_path: Path) -> None:
    world = World.announced()
    node = ada_at(tmp_path)
    node.ready(WEIGHTS["ada"])
    upload = node.upload(world.announcement, numbers(1))
    other = World.announced()
    with pytest.raises(Refused):
        node.verdict(other.server.receive(other.upload("ada").to_bytes()))
    with pytest.raises(Malformed):
        node.adopt(b"\xa0", lambda _name, _what, _limit: b"")
    assert world.send(upload)[0]
    assert [e["event"] for e in node.audit.events()] == ["ready", "upload", "refused", "refused"]


def test_an_audit_line_that_was_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.append("first")
    before = path.read_bytes()

    def torn(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(audit_module.os, "fsync", torn)
        with pytest.raises(UsageError, match="audit"):
            log.append("lost")
    assert path.read_bytes() == before
    path.write_bytes(before + b'{"half a li')  # what a write leaves that could not be taken back
    log.append("second")
    assert [e["event"] for e in AuditLog(path).events()] == ["first", "second"]


def test_two_writers_of_an_audit_log(tmp_path: Path) -> None:
    """A second process: its line stays, and the first one stops."""
    first, second = AuditLog(tmp_path / "audit.jsonl"), AuditLog(tmp_path / "audit.jsonl")
    second.append("second")
    with pytest.raises(UsageError, match="another process"):
        first.append("first")
    assert [e["event"] for e in AuditLog(tmp_path / "audit.jsonl").events()] == ["second"]


def test_one_process_has_a_nodes_folder(tmp_path: Path) -> None:
    """Two would answer one announcement twice, each with an upload of its own."""
    world = World.announced()
    first = ada_at(tmp_path)
    first.ready(WEIGHTS["ada"])
    with pytest.raises(UsageError, match="another process has the state folder"):
        Node(tmp_path, client("ada"), clock=lambda: NOW)
    (tmp_path / "by another name").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="another process has the state folder"):
        Node(tmp_path / "by another name", client("ada"), clock=lambda: NOW)
    upload = first.upload(world.announcement, numbers(1))  # which did the first no harm
    first.close()
    first.close()
    acts: tuple[Callable[[], object], ...] = (
        lambda: first.ready(WEIGHTS["ada"]),
        lambda: first.upload(world.announcement, numbers(1)),
        lambda: first.verdict(world.announcement),
        lambda: first.adopt(b"", lambda _name, _what, _limit: b""),
    )
    for act in acts:
        with pytest.raises(UsageError, match="the node is closed"):
            act()
    with Node(tmp_path, client("ada"), clock=lambda: NOW) as second:
        assert second.upload(world.announcement, numbers(1)) == upload
    (tmp_path / "state.cbor").write_bytes(b"junk")
    for _ in range(2):  # a start that failed gave the lock back
        with pytest.raises(Malformed):
            Node(tmp_path, client("ada"), clock=lambda: NOW)


def test_a_folder_is_free_when_its_process_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom fedproof.encoding.files import lock_file\n"
        "lock_file(Path(sys.argv[1]), 'busy')\nprint('locked', flush=True)\ntime.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(UsageError, match="another process"):
            ada_at(tmp_path)
        process.kill()
    ada_at(tmp_path).ready(WEIGHTS["ada"])
