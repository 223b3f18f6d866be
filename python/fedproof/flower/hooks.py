"""Metrics of each round for tools that plot them; off unless an app asks for one: `Proved(strategy, context, hooks=[mlflow_hook()])`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flwr.app import MetricRecord

from fedproof.flower.summary import RoundSummary

Hook = Callable[[RoundSummary, MetricRecord], None]
"""Called after a round with what became of it and the metrics that are in Flower's `Result`, ours under `fedproof-…`. What it raises is
logged, and stops nothing."""


def mlflow_hook() -> Hook:
    """Logs to MLflow's active run (it starts one if there is none), where `MLFLOW_TRACKING_URI` points. Needs the extra `mlflow`."""
    import mlflow

    def log(summary: RoundSummary, metrics: MetricRecord) -> None:
        mlflow.log_metrics(_numbers(metrics), step=summary.round)

    return log


def tensorboard_hook(folder: Path) -> Hook:
    """Writes event files into `folder`, which TensorBoard shows. Needs the extra `tensorboard`."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder))

    def log(summary: RoundSummary, metrics: MetricRecord) -> None:
        for name, value in _numbers(metrics).items():
            writer.add_scalar(name, value, summary.round)
        writer.flush()

    return log


def _numbers(metrics: MetricRecord) -> dict[str, float]:
    """Lists are none of a curve's points."""
    return {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
