"""How hard Hypothesis tries (100 examples, or as many as `make fuzz` asks for), and the demo, run once for all tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile(
    "asked", max_examples=int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "100")), deadline=None
)
settings.load_profile("asked")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """What the real demo left in a folder, and what it printed. Not to be changed: copy it."""
    out = tmp_path_factory.mktemp("demo") / "out"
    command = [sys.executable, "-m", "fedproof", "demo", "--out", str(out), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return out, json.loads(ran.stdout)
