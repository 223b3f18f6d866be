"""The Flower examples run as their pages say, with one SuperLink for both."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fedproof.encoding.digest import sha256
from fedproof.model.base import parse_base
from fedproof.policy.policy import Policy
from tests.docs.pages import ROOT, blocks
from tests.flower.simulation import run_in

EXAMPLES = ROOT / "examples"


def example(name: str, folder: Path, simulation: Mapping[str, str]) -> str:
    """Runs the commands of the example's page in a copy, and returns what they print."""
    here = folder / name
    shutil.copytree(EXAMPLES / name, here, ignore=shutil.ignore_patterns("federation", "__pycache__"))
    return "".join(run_in(here, b.text, simulation) for b in blocks(here / "README.md") if b.language == "sh")


def test_a_hospital_that_cheats_is_left_out_by_name(tmp_path: Path, simulation: dict[str, str]) -> None:
    told = example("flower_hospitals", tmp_path, simulation)
    for number in (1, 2, 3):
        assert f"round {number}: node-4 was left out: bounded update refused: the proof does not hold" in told
    assert re.findall(r"train: (\d) updates accepted, (\d) not", told) == [("6", "1")] * 3
    (last,) = re.findall(r"after round 3: ([\d.]+)% of the held-out records", told)
    assert float(last) > 93
    assert told.rstrip().endswith("VERIFIED")


def test_banks_with_a_server_optimiser(tmp_path: Path, simulation: dict[str, str]) -> None:
    told = example("flower_fraud", tmp_path, simulation)
    ((recall, precision),) = re.findall(r"after round 12: recall ([\d.]+)%, precision ([\d.]+)%", told)
    assert float(recall) > 70
    assert float(precision) > 50
    assert told.rstrip().endswith("VERIFIED")


@pytest.mark.parametrize(("name", "module"), [("flower_hospitals", "hospitals"), ("flower_fraud", "banks")])
def test_the_base_model_is_the_new_model(name: str, module: str, tmp_path: Path) -> None:
    folder = EXAMPLES / name
    data = (folder / "base.safetensors").read_bytes()
    assert Policy.load(folder / "policy.toml").base_digest == sha256(data)
    saved = tmp_path / "model.npz"
    script = f"import numpy, {module}.task as t; numpy.savez({str(saved)!r}, **t.new_model())"
    subprocess.run([sys.executable, "-B", "-c", script], cwd=folder, check=True)
    _, arrays = parse_base(data)
    with np.load(saved) as model:
        assert {n: a.tolist() for n, a in model.items()} == {n: a.tolist() for n, a in arrays.items()}
