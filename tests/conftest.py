"""How hard Hypothesis tries (100 examples, or as many as `make fuzz` asks for), the order of the tests, the demo, run once for all tests,
and a SuperLink for simulations, started once for all tests that need it."""

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


WAITING = (
    "tests/flower/test_deployment.py",
    "tests/flower/test_simulation.py",
    "tests/examples/test_flower.py",
    "docs/how-to/run-flower-across-machines.md",
    "docs/how-to/prove-a-flower-app.md",
    "docs/tutorial/flower.md",
)
"""Parts of the names of tests that mostly wait for Flower's processes, a minute or two each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that wait come first: one process of several begins with them, and the others' work fills the time. At the end all would wait
    for them."""
    items.sort(key=lambda item: not any(part in item.nodeid for part in WAITING))


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
