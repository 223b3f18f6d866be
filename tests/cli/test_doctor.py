"""`fedproof doctor` as a shell sees it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import fedproof
from tests.doctor.world import provisioned


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return provisioned(tmp_path / "federation")


def test_a_machine_alone() -> None:
    ran = fedproof("doctor", "--json")
    assert ran.returncode == 0
    told = json.loads(ran.stdout)
    assert (told["healthy"], told["problems"]) == (True, 0)
    assert {"python", "fedproof", "flwr", "torch", "proof core", "clock"} <= {
        c["what"] for c in told["checks"]
    }
    assert {c["where"] for c in told["checks"]} == {"machine", "network"}


def test_a_federation_that_is_well_and_one_that_is_not(folder: Path) -> None:
    machine = json.loads(fedproof("doctor", "--json").stdout)["warnings"]  # of what is installed here
    ran = fedproof("doctor", folder)
    warnings = f"{machine + 1} warning" + ("s" if machine else "")
    assert (ran.returncode, ran.stdout.rstrip().endswith(f"0 problems, {warnings}")) == (0, True), ran.stdout
    (folder / "nodes" / "1" / "key.pem").chmod(0o644)
    ran = fedproof("doctor", folder)
    assert (ran.returncode, f"1 problem, {warnings}" in ran.stdout) == (1, True)
    rows = [line for line in ran.stdout.splitlines() if "nodes/" in line]
    assert len([row for row in rows if "all" in row and "ok" in row]) == 2
    told = json.loads(fedproof("doctor", folder, "--json").stdout)
    assert (told["healthy"], told["problems"], told["warnings"]) == (False, 1, machine + 1)
    bad = next(c for c in told["checks"] if c["level"] == "problem")
    assert (bad["where"], bad["what"]) == ("nodes/1", "key.pem")
    assert "chmod 600" in bad["do"]


def test_ports() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = str(taken.getsockname()[1])
        told = json.loads(fedproof("doctor", "--port", port, "--json").stdout)
        assert fedproof("doctor", "--port", port).returncode == 1
    assert [c["level"] for c in told["checks"] if c["what"] == f"port {port}"] == ["problem"]
    assert fedproof("doctor", "--port", "0").returncode == 2
    assert fedproof("doctor", "--port", "65536").returncode == 2


def test_another_folder_is_wrong_usage(tmp_path: Path) -> None:
    ran = fedproof("doctor", tmp_path / "\x1b[2Jnone", "--json")
    assert ran.returncode == 2
    assert "is no folder" in json.loads(ran.stdout)["error"]
    assert "\x1b" not in ran.stdout


def test_hostile_names_do_not_reach_the_terminal(folder: Path) -> None:
    (folder / "nodes" / "0").rename(folder / "nodes" / "\x1b[2J[bold]")
    (folder / "nodes" / "\x1b[2J[bold]" / "key.pem").chmod(0o644)
    ran = fedproof("doctor", folder)
    assert (ran.returncode, "\x1b" in ran.stdout + ran.stderr) == (1, False)


def test_the_table_fits(folder: Path) -> None:
    (folder / "server" / "base.safetensors").unlink()
    command = [sys.executable, "-m", "fedproof", "doctor", str(folder)]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80"}
    )
    assert max(map(len, ran.stdout.splitlines())) <= 80
