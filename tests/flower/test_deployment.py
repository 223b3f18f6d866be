"""Flower across machines: a real SuperLink, real SuperNodes, each a process of its own on loopback."""

import json
import signal
from pathlib import Path

from tests.flower.deployment import Deployment, federation, verify


def test_a_cheater_a_dead_node_and_a_straggler(tmp_path: Path) -> None:
    """Five nodes, of which two stay honest to the end: the others leave by name and reason, and the model is certified."""
    folder = federation(tmp_path / "federation", 5)
    with Deployment(tmp_path) as flower:
        nodes = [
            flower.node(folder / "nodes" / str(k), behave=behave)
            for k, behave in enumerate(("honest", "honest", "cheat", "slow", "honest"))
        ]
        run = flower.run(fedproof=str(folder), nodes=5, rounds=3, timeout=25.0)
        run.wait_for("[ROUND 2/3]", seconds=120)
        nodes[4].end(signal.SIGKILL)
        run.wait_for("certified; check it", seconds=180)
    assert "node-2 leaves the round: bounded update refused" in run.text
    assert "no answer within 25 s" in run.text
    told = verify(folder)
    assert told.returncode == 0, told.stderr
    left = {(who["client"], who["kind"]) for who in json.loads(told.stdout)["leftOut"]}
    assert ("node-2", "refused") in left
