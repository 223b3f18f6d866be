"""The PyTorch app that `fedproof init` writes, in Flower's simulation."""

from __future__ import annotations

import runpy
from pathlib import Path

from fedproof.templates import write_app
from fedproof.torch import load
from tests.docs.pages import blocks
from tests.flower.simulation import run_in
from tests.torch.federation import verified


def test_the_app_that_init_writes(simulation: dict[str, str], tmp_path: Path) -> None:
    """By its own page, from its end to its beginning: anew, bounds from a dry run, then the run and its verification."""
    app = tmp_path / "app"
    write_app(app, template="pytorch", nodes=3)
    run, verify, anew, bounds = [block.text for block in blocks(app / "README.md")]
    told = run_in(app, anew + bounds + run + verify, simulation)
    assert told.count("train: 3 updates accepted, 0 not") == 3, told
    assert "VERIFIED" in told
    file, _ = verified(app / "federation")
    net = runpy.run_path(str(app / "federated_app" / "task.py"))["Net"]()
    load(net, file)
