"""Every script under attacks/ is caught, by the object and at the stage that the catalogue says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.test_catalogue import ROOT, ROWS

SCRIPTS = sorted(p for p in (ROOT / "attacks").glob("*.py") if not p.name.startswith("_"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_the_attack_is_caught(script: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=180
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    caught = json.loads(ran.stdout.splitlines()[-1])["caught_by"]
    (refused,) = (who for _, scripts, who in ROWS.values() if f"`{script.name}`" in scripts)
    assert f"{caught['object']}, {caught['stage']}" in refused
