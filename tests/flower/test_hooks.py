"""Metrics where other tools look for them."""

import logging
from pathlib import Path

import mlflow
import pytest
from flwr.app import MetricRecord
from flwr.serverapp.strategy import FedAvg

from fedproof.flower import Proved, mlflow_hook, tensorboard_hook
from fedproof.flower.hooks import Hook
from fedproof.flower.summary import RoundSummary
from tests.flower.world import World, initial


def run(world: World, *hooks: Hook) -> Proved:
    proved = Proved(FedAvg(), world.context(), hooks=hooks)
    proved.start(world.grid(), initial(), num_rounds=2)
    return proved


def test_mlflow_has_a_point_for_every_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    with mlflow.start_run() as active:
        run(World.make(tmp_path), mlflow_hook())
    history = mlflow.MlflowClient().get_metric_history(active.info.run_id, "fedproof-accepted")
    assert [(point.step, point.value) for point in history] == [(1, 3.0), (2, 3.0)]


def test_tensorboard_has_a_file_with_the_names(tmp_path: Path) -> None:
    run(World.make(tmp_path), tensorboard_hook(tmp_path / "events"))
    (events,) = (tmp_path / "events").iterdir()
    data = events.read_bytes()
    assert data.count(b"fedproof-accepted") == 2
    assert data.count(b"loss") == 2


def test_a_hook_that_fails_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken(summary: RoundSummary, metrics: MetricRecord) -> None:
        raise RuntimeError("no connection")

    with caplog.at_level(logging.ERROR, "flwr"):
        proved = run(World.make(tmp_path), broken)
    assert len(proved.rounds) == 2
    assert caplog.text.count("a hook failed after round") == 2
