"""Flower's own simulation, with nodes that cheat, stay away and fail. (tests/examples has simulations in which all goes well.)"""

from __future__ import annotations

import json
from pathlib import Path

from tests.flower.deployment import APP, federation, verify
from tests.flower.simulation import run_in


def test_a_cheater_a_straggler_and_one_that_fails(simulation: dict[str, str], tmp_path: Path) -> None:
    """Of five nodes two stay honest to the end: the others leave by name and reason, and the model is certified."""
    folder = federation(tmp_path / "federation", 5)
    config = {
        "fedproof": str(folder),
        "nodes": 5,
        "rounds": 2,
        "timeout": 50.0,
        "behave": "honest,cheat,slow,failing,honest",
    }
    values = " ".join(f"{name}={json.dumps(value)}" for name, value in config.items())
    nodes = "num-supernodes=5 client-resources-num-cpus=1"
    told = run_in(
        tmp_path, f"flwr run {APP} --stream --federation-config '{nodes}' --run-config '{values}'", simulation
    )
    assert "node-1 leaves the round: bounded update refused: the proof does not hold" in told
    assert "node-2 leaves the round: no answer within 50 s" in told
    assert "node-3 leaves the round: the node reports an error" in told
    assert "this node's disk is full" in told
    verified = verify(folder)
    assert verified.returncode == 0, verified.stderr
    left = json.loads(verified.stdout)["leftOut"]
    assert ("node-1", "refused", 0) in {(who["client"], who["kind"], who["round"]) for who in left}
