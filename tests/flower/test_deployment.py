"""Flower across machines: a real SuperLink, real SuperNodes, each a process of its own on loopback."""

import json
import os
import signal
from pathlib import Path

from tests.flower.certificates import node_key, tls
from tests.flower.deployment import Deployment, federation, verify
from tests.flower.processes import marked


def test_a_cheater_a_dead_node_and_a_straggler(tmp_path: Path) -> None:
    """Five nodes, of which two stay honest to the end: the others leave by name and reason, and the model is certified."""
    folder = federation(tmp_path / "federation", 5)
    with Deployment(tmp_path) as flower:
        nodes = [
            flower.node(folder / "nodes" / str(k), behave=behave)
            for k, behave in enumerate(("honest", "honest", "cheat", "slow", "honest"))
        ]
        run = flower.run(fedproof=str(folder), nodes=5, rounds=2, timeout=45.0)
        run.wait_for("[ROUND 2/2]", seconds=300)
        nodes[4].end(signal.SIGKILL)
        run.wait_for("certified; check it", seconds=300)
    assert "node-2 leaves the round: bounded update refused" in run.text
    assert "no answer within 45 s" in run.text
    told = verify(folder)
    assert told.returncode == 0, told.stderr
    left = {(who["client"], who["kind"]) for who in json.loads(told.stdout)["leftOut"]}
    assert ("node-2", "refused") in left


def test_tls_keys_of_nodes_and_a_server_that_is_killed(tmp_path: Path) -> None:
    """Over TLS with authenticated nodes: a node with another key is not let in, too few nodes are an error, and a ServerApp that is
    killed in the middle of a round goes on from the record, with a SuperNode that was started again meanwhile."""
    folder = federation(tmp_path / "federation", 3)
    files = tls(tmp_path / "tls")
    keys = [node_key(tmp_path / f"node{k}") for k in range(3)]
    flags = ("--ssl-ca-certfile", files.ca, "--ssl-certfile", files.certificate, "--ssl-keyfile", files.key)
    with Deployment(
        tmp_path,
        link=("--root-certificates", files.ca),
        flags=(*flags, "--enable-supernode-auth"),
        config=f'root-certificates = "{files.ca}"',
    ) as flower:

        def node(k: int, name: str = "") -> None:
            key = ("--auth-supernode-private-key", str(keys[k]))
            nodes[k] = flower.node(folder / "nodes" / str(k), *key, name=name)

        nodes: dict[int, object] = {}
        for k in range(2):
            registering = flower.start(
                f"register-{k}", "flwr", "supernode", "register", f"{keys[k]}.pub", "here"
            )
            assert registering.popen.wait(60) == 0, registering.text
        for k in range(3):
            node(k)
        few = flower.run("few", fedproof=str(folder), nodes=3, wait=5.0)
        few.wait_for("too few nodes: 2 of at least 3 connected", seconds=300)
        few.end()
        run = flower.run("first", fedproof=str(folder), nodes=2, rounds=3)
        run.wait_for("[ROUND 2/3]", seconds=300)
        (server,) = [
            n for n in marked(flower.mark) if b"flwr-serverapp" in Path(f"/proc/{n}/cmdline").read_bytes()
        ]
        os.kill(server, signal.SIGKILL)
        run.end()
        nodes[1].end()  # type: ignore[attr-defined]
        node(1, "node-1-again")
        again = flower.run("second", fedproof=str(folder), nodes=2, rounds=3)
        again.wait_for("certified; check it", seconds=300)
    assert "1 round on record, checked again: going on from there" in again.text
    assert "[ROUND 1/3]" not in again.text
    told = verify(folder)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["rounds"] == 3
