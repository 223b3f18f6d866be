"""A node's audit log and state folder, as `inspect` shows them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fedproof.errors import Refused
from fedproof.round.audit import AuditLog
from fedproof.round.node import Node
from tests.cli.command import fedproof
from tests.round.world import NOW, WEIGHTS, World, client, numbers


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Ada's folder after a round, and after a verdict that was another client's."""
    root = tmp_path / "state"
    with Node(root, client("ada"), clock=lambda: NOW) as node:
        node.ready(WEIGHTS["ada"])
        world = World.announced()
        node.ready(WEIGHTS["ada"])
        upload = node.upload(world.announcement, numbers(1))
        node.verdict(world.server.receive(upload.to_bytes()))
        other = world.server.receive(world.upload("bob").to_bytes())
        with pytest.raises(Refused):
            node.verdict(other)
        closed = world.close()
        node.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    return root


def told(path: Path) -> dict[str, object]:
    ran = fedproof("inspect", path, "--json")
    assert ran.returncode == 0, ran.stdout
    answer: dict[str, object] = json.loads(ran.stdout)
    return answer


def test_a_log_says_what_the_node_did(state: Path) -> None:
    shown = told(state / "audit.jsonl")
    content = shown["content"]
    assert isinstance(content, dict)
    assert (shown["what"], shown["verified"]) == ("audit log", False)
    events = ["ready", "ready", "upload", "verdict", "refused", "adopted"]
    assert [event["event"] for event in content["events"]] == events
    assert [event["round"] for event in content["events"]] == [0, 0, 0, None, None, 0]
    assert content["events"][0]["details"] == {"attempt": 0, "weight": WEIGHTS["ada"]}
    assert content["events"][3]["details"]["accepted"] is True
    assert content["events"][0]["time"].endswith("Z")
    assert (content["lines"], content["cut"], content["last"]) == (6, False, content["events"][-1])
    text = fedproof("inspect", state / "audit.jsonl").stdout
    for word in ("attempt 0, weight 3", "accepted yes", "no reason", "about another upload", content["head"]):
        assert word in " ".join(text.replace("│", " ").split()), word
    assert "nothing else was verified" in text.splitlines()[0]


def test_a_state_folder_shows_where_the_node_stands(state: Path, tmp_path: Path) -> None:
    shown = told(state)
    content = shown["content"]
    assert isinstance(content, dict)
    assert shown["what"] == "node state"
    standing = {"round": 1, "announced": "2027-01-15T08:00:00Z", "parameters": 35}
    assert content["standing"] == standing
    assert content["log"] == told(state / "audit.jsonl")["content"]
    text = fedproof("inspect", state).stdout
    assert "next round 1, the last one announced at 2027-01-15T08:00:00Z; 35 parameters" in text
    assert "adopted" in text
    (state / "audit.jsonl").rename(tmp_path / "audit.jsonl")
    assert told(state)["content"] == {"standing": standing, "log": None}
    (tmp_path / "fresh").mkdir()
    (tmp_path / "audit.jsonl").rename(tmp_path / "fresh" / "audit.jsonl")
    fresh = told(tmp_path / "fresh")["content"]
    assert isinstance(fresh, dict)
    assert fresh["standing"] is None
    (tmp_path / "empty").mkdir()
    ran = fedproof("inspect", tmp_path / "empty")
    assert (ran.returncode, "neither a bundle nor a node's state" in ran.stderr) == (2, True)
    for name in ("policy.toml", "trust.toml", "roster.cbor"):
        (tmp_path / "party" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "party" / name).touch()
    ran = fedproof("inspect", tmp_path / "party")
    assert (ran.returncode, "is a party's folder: fedproof doctor checks it" in ran.stderr) == (2, True)


@pytest.mark.parametrize("place", ["", "audit.jsonl"])
def test_a_broken_chain_is_refused_with_its_line(state: Path, place: str) -> None:
    lines = (state / "audit.jsonl").read_bytes().splitlines(keepends=True)
    for bad, number in (
        ([lines[0].replace(b'"weight":3', b'"weight":9'), *lines[1:]], 2),
        ([*lines[:2], *lines[3:]], 3),
        ([*lines[:3], b"not json\n", *lines[3:]], 4),
        ([*lines[:3], b"[]\n", *lines[3:]], 4),
        (lines[1:], 1),
        ([*lines, lines[5]], 7),
    ):
        (state / "audit.jsonl").write_bytes(b"".join(bad))
        ran = fedproof("inspect", state / place, "--json")
        assert ran.returncode == 1
        refused = json.loads(ran.stdout)
        assert (refused["object"], refused["stage"]) == ("audit log", "chain")
        assert f"line {number} " in refused["detail"]


def test_half_a_line_at_the_end_is_told(state: Path) -> None:
    whole = told(state / "audit.jsonl")["content"]
    with (state / "audit.jsonl").open("ab") as file:
        file.write(b'{"previous":')
    assert told(state / "audit.jsonl")["content"] == {**whole, "cut": True}  # type: ignore[dict-item]
    assert "half a line" in fedproof("inspect", state).stdout


def test_what_is_no_state_is_two(tmp_path: Path) -> None:
    (tmp_path / "state.cbor").write_bytes(b"\xa0")
    ran = fedproof("inspect", tmp_path)
    assert (ran.returncode, "is not what a node writes" in ran.stderr) == (2, True)
    (tmp_path / "state.cbor").unlink()
    (tmp_path / "audit.jsonl").write_bytes(b"not json\n")
    ran = fedproof("inspect", tmp_path)
    assert (ran.returncode, "line 1 is not a JSON object" in ran.stderr) == (2, True)


@pytest.mark.parametrize(
    "line", ['"time":1e999', '"time":[1]', '"time":-5', '"event":{"a":[1]}', '"event":null']
)
def test_a_log_of_somebody_else_steers_no_terminal(tmp_path: Path, line: str) -> None:
    path = tmp_path / "audit.jsonl"
    AuditLog(path).append("\x1b[2Jready", **{"\x1b[31mwhat": "\x1b]0;x\x07 [bold]"}, round="\x1b[1m")
    text = path.read_text()
    name = line.split(":")[0]
    path.write_text(re.sub(rf'{name}:("[^"]*"|\d+)', lambda _: line, text))
    for place in (path, tmp_path):
        ran = fedproof("inspect", place)
        assert (ran.returncode, "Traceback" in ran.stderr) == (0, False)
        assert "\x1b" not in ran.stdout
        assert fedproof("inspect", place, "--json").returncode == 0


def test_the_table_is_whole_on_a_narrow_terminal(state: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "fedproof", "inspect", str(state)],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80", "PATH": ""},
    )
    assert max(map(len, ran.stdout.splitlines())) <= 80
