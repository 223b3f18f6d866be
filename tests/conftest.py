"""How hard Hypothesis tries (100 examples, or as many as `make fuzz` asks for), the demo, run once for all tests, and a SuperLink
for simulations, started once for all tests that need it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from tests.flower.simulation import superlink

settings.register_profile(
    "asked", max_examples=int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "100")), deadline=None
)
settings.load_profile("asked")

# They have an environment and a stage of `make test` of their own.
collect_ignore = [] if find_spec("torch") else ["torch"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """What the real demo left in a folder, and what it printed. Not to be changed: copy it."""
    out = tmp_path_factory.mktemp("demo") / "out"
    command = [sys.executable, "-m", "fedproof", "demo", "--out", str(out), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return out, json.loads(ran.stdout)


@pytest.fixture(scope="session")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Variables with which `flwr run` simulates. The SuperLink behind them ends with the tests."""
    with superlink(tmp_path_factory.mktemp("flower")) as variables:
        yield variables
