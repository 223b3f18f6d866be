"""Flower across machines: a real SuperLink, real SuperNodes, each a process of its own on loopback."""

import json
import os
import signal
from pathlib import Path

from tests.flower.certificates import node_key, tls
from tests.flower.deployment import MASKED, Deployment, Process, federation, verify, wait_until
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


def test_masked_rounds_over_tls_that_kills_do_not_stop(tmp_path: Path) -> None:
    """With authenticated nodes: a node with another key is not let in, and too few nodes are an error. A SuperNode that is killed before
    its upload is there is left out of that round; one that is killed while its sum is opened counts all the same, whatever the exchange; a
    ServerApp that is killed then goes on with the same uploads."""
    folder = federation(tmp_path / "federation", 8, MASKED)
    files = tls(tmp_path / "tls")
    keys = [node_key(tmp_path / f"node{k}") for k in range(8)]
    flags = ("--ssl-ca-certfile", files.ca, "--ssl-certfile", files.certificate, "--ssl-keyfile", files.key)
    with Deployment(
        tmp_path,
        link=("--root-certificates", files.ca),
        flags=(*flags, "--enable-supernode-auth"),
        config=f'root-certificates = "{files.ca}"',
    ) as flower:

        def node(k: int) -> Process:
            return flower.node(folder / "nodes" / str(k), "--auth-supernode-private-key", str(keys[k]))

        for k in range(7):
            registering = flower.start(
                f"register-{k}", "flwr", "supernode", "register", f"{keys[k]}.pub", "here"
            )
            assert registering.popen.wait(60) == 0, registering.text
        nodes = [node(k) for k in range(8)]
        few = flower.run("few", fedproof=str(folder), nodes=8, wait=5.0)
        few.wait_for("too few nodes: 7 of at least 8 connected", seconds=300)
        few.end()
        run = flower.run("first", fedproof=str(folder), nodes=4, rounds=4)
        announced = folder / "server" / "state" / "open" / "announcement"
        wait_until(announced.exists, 300, run)
        nodes[6].end(signal.SIGKILL)
        wait_until(lambda: run.text.count("masks: agree-request to 6 clients") == 2, 300, run)  # round 2
        assert run.text.count("train: 6 updates accepted") == 1
        nodes[5].end(signal.SIGKILL)
        run.wait_for("masks: agree-request to 5 clients", seconds=300)  # round 3
        assert run.text.count("train: 6 updates accepted") == 2
        run.wait_for("masks: unmask-request to 5 clients", seconds=300)
        nodes[4].end(signal.SIGKILL)
        run.wait_for("masks: agree-request to 4 clients", seconds=300)  # round 4
        assert run.text.count("train: 5 updates accepted") == 1
        (server,) = [
            n for n in marked(flower.mark) if b"flwr-serverapp" in Path(f"/proc/{n}/cmdline").read_bytes()
        ]
        os.kill(server, signal.SIGKILL)
        run.end()
        again = flower.run("second", fedproof=str(folder), nodes=4, rounds=4)
        again.wait_for("certified; check it", seconds=300)
    assert "the round that was under way has its uploads: going on with it" in again.text
    assert "train: 4 updates accepted, 0 not" in again.text
    assert "[ROUND" not in again.text
    told = verify(folder)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["rounds"] == 4
    assert [(left["client"], left["round"]) for left in found["leftOut"]] == [("node-6", 0)]
