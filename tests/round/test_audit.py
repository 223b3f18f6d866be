"""A node's audit log: cut lines are dropped, changed ones refused."""

from pathlib import Path

import pytest

from fedproof.errors import Malformed, Refused
from fedproof.round.audit import AuditLog
from fedproof.round.messages import Dropped
from fedproof.round.node import why_left_out
from fedproof.round.verify import RoundReport


@pytest.fixture
def path(tmp_path: Path) -> Path:
    log = AuditLog(tmp_path / "audit.jsonl")
    for number in range(4):
        log.append("event", number=number)
    return tmp_path / "audit.jsonl"


def test_lines_follow_each_other(path: Path) -> None:
    log = AuditLog(path)
    log.append("more", text="line\nbreak")
    assert [e["event"] for e in AuditLog(path).events()] == ["event"] * 4 + ["more"]


def test_cut_at_every_byte(path: Path) -> None:
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        log = AuditLog(path)
        assert len(log.events()) == data[:length].count(b"\n")
        log.append("after")
        AuditLog(path)


def test_changed_moved_or_removed_lines(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for bad in (
        [lines[0].replace(b'"number":0', b'"number":9'), *lines[1:]],
        [lines[0], lines[2], lines[3]],
        [lines[1], lines[0], *lines[2:]],
        [*lines, lines[3]],
    ):
        path.write_bytes(b"".join(bad))
        with pytest.raises(Refused) as refused:
            AuditLog(path)
        assert (refused.value.subject, refused.value.stage) == ("audit log", "chain")
    for bad in (b"not json\n", b"[]\n", b"[" * 100_000 + b"\n"):
        path.write_bytes(b"".join([lines[0], bad]))
        with pytest.raises(Refused, match="line 2"):
            AuditLog(path)
    path.write_bytes(b"not json\n")
    with pytest.raises(Malformed):
        AuditLog(path)


@pytest.mark.parametrize(
    ("name", "void", "told"),
    [
        ("ada", False, ""),
        ("ada", True, "void"),
        ("bob", False, "dropped: silent"),
        ("dee", False, "not announced"),
    ],
)
def test_why_ones_own_update_is_in_no_sum(name: str, void: bool, told: str) -> None:
    silent = Dropped(client="bob", kind="dropped", subject="upload", stage="deadline", reason="silent")
    people = (("ada", 3), ("bob", 5))
    report = RoundReport(0, 0, bytes(32), void, people, (("ada", 3),), (silent,), (), 1, 2)
    assert why_left_out(report, name) == told
