"""The server: how rounds are run, and how good the model is after each. `Proved` sums only what is proved."""

from __future__ import annotations

import torch
from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from fedproof.flower import Proved
from fedproof.torch import load, record_of
from images_app.task import Net, evaluate, load_test

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Runs the rounds that are not on record yet."""
    test = load_test(context.run_config)

    def measure(number: int, arrays: ArrayRecord) -> MetricRecord:
        net = Net()
        load(net, arrays)
        loss, accuracy = evaluate(net, test)
        return MetricRecord({"loss": loss, "accuracy": accuracy})

    torch.manual_seed(0)
    strategy = Proved(FedAvg(fraction_evaluate=0.0), context)
    strategy.start(
        grid=grid,
        initial_arrays=record_of(Net()),
        num_rounds=context.run_config["num-server-rounds"],
        evaluate_fn=measure,
    )
