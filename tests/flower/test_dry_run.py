"""A dry run: the app as it is leaves what `policy calibrate` reads, and a second run tells what clipping costs."""

import json
import logging
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord
from flwr.serverapp.strategy import FedAvg

from fedproof.errors import Malformed, UsageError
from fedproof.flower import Proved
from fedproof.model.base import parse_base
from fedproof.model.dry_run import DryRun, read_metrics
from tests.flower.world import World, app, initial, shifted
from tests.round.world import POLICY


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(is_initialized=lambda: True))
    return World.make(tmp_path, simulated=True)


def dry(world: World, **config: object) -> Path:
    folder = world.folder.parent / "dry"
    context = world.context(**{"fedproof-dry-run": str(folder), **config})
    Proved(FedAvg(), context).start(world.grid(), initial(), num_rounds=2)
    return folder


def test_what_a_dry_run_leaves(world: World) -> None:
    folder = dry(world)
    base, _ = parse_base((folder / "base.safetensors").read_bytes())
    run = DryRun(folder, base)
    assert (run.rounds, run.clients) == (2, ("node-0", "node-1", "node-2"))
    for trained in run:
        assert trained.weight == 10
        moved = {name: trained.new[name] - trained.start[name] for name in trained.new}
        assert all(np.allclose(m, 1 / 32) for m in moved.values())
    assert json.loads((folder / "metrics-plain.json").read_text()) == {"largest": [1 / 32, 2 / 32]}
    assert read_metrics(folder) is None
    assert not (world.folder / "server" / "state").exists()


def test_floats_of_another_width_are_recorded_in_the_base_models(world: World) -> None:
    """numpy widens: an app that trains in float64 is as good here as where it is proved."""

    def wide(arrays: ArrayRecord) -> ArrayRecord:
        return ArrayRecord({name: Array(a.numpy().astype(np.float64) + 1 / 32) for name, a in arrays.items()})

    for k in range(3):
        world.answering[1000 + k] = world.node(k, app(wide))
    folder = dry(world)
    base, held = parse_base((folder / "base.safetensors").read_bytes())
    for trained in DryRun(folder, base):
        for arrays in (trained.start, trained.new):
            assert {n: a.dtype for n, a in arrays.items()} == {n: a.dtype for n, a in held.items()}


def test_what_clipping_costs(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for k in range(3):
        world.answering[1000 + k] = world.node(k, app(lambda arrays: shifted(arrays, 0.5)))
    folder = dry(world)
    policy = world.folder.parent / "policy.toml"
    policy.write_text(POLICY)  # coordinates to 1000/4096
    with caplog.at_level(logging.INFO, "flwr"):
        dry(world, **{"fedproof-dry-policy": str(policy)})
    both = read_metrics(folder)
    assert both is not None
    assert both[0]["largest"] == (0.5, 1.0)
    assert both[1]["largest"][0] < both[1]["largest"][1] < 0.5
    assert "what clipping costs: largest 1 without, 0." in caplog.text


def test_nothing_is_written_over(world: World) -> None:
    folder = dry(world)
    before = sorted(folder.rglob("*"))
    with pytest.raises(UsageError, match="is not empty"):
        dry(world)
    assert sorted(folder.rglob("*")) == before


def test_a_weight_that_no_proof_could_have(world: World) -> None:
    world.answering[1001] = world.node(1, app(examples=2.5))
    with pytest.raises(Malformed, match="no whole number from 1 on"):
        dry(world)
