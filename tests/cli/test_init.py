"""`fedproof init`: what it prints, and what it refuses to write over."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path


def init(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fedproof", "init", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_that_runs_the_app_is_printed(tmp_path: Path) -> None:
    folder = tmp_path / "my app"
    ran = init(folder, "--nodes", "2")
    assert ran.returncode == 0, ran.stderr
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith("run it: ")]
    words = shlex.split(line.removeprefix("run it: "))
    assert words[:3] == ["flwr", "run", str(folder)]
    assert words[-1] == "num-supernodes=2 client-resources-num-cpus=1"
    told = json.loads(init(tmp_path / "other", "--nodes", "2", "--json").stdout)
    assert told["run"][3:] == words[3:]
    assert told["nodes"] == ["node-0", "node-1"]


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "mine").write_text("mine")
    ran = init(tmp_path / "app", "--json")
    assert ran.returncode == 2
    assert "exists" in json.loads(ran.stdout)["error"]
    assert [p.name for p in (tmp_path / "app").iterdir()] == ["mine"]


def test_a_template_that_is_none_is_named(tmp_path: Path) -> None:
    ran = init(tmp_path / "app", "--template", "jax")
    assert (ran.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "no template jax: numpy, pytorch" in ran.stderr
