"""The server: sums what is proved, evaluates on the held-out records, and says who was left out."""

from __future__ import annotations

from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from fedproof.flower import Proved
from hospitals.task import evaluate, from_record, load_data, new_model, to_record

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Runs the rounds."""
    strategy = Proved(FedAvg(min_available_nodes=7, min_train_nodes=7, fraction_evaluate=0.0), context)
    result = strategy.start(
        grid=grid,
        initial_arrays=to_record(new_model()),
        num_rounds=context.run_config["num-server-rounds"],
        evaluate_fn=held_out,
    )
    for summary in strategy.rounds:
        for name, reason in summary.left.items():
            print(f"round {summary.round}: {name} was left out: {reason}")
    for number, metrics in result.evaluate_metrics_serverapp.items():
        print(f"after round {number}: {metrics['accuracy']:.1%} of the held-out records")


def held_out(number: int, arrays: ArrayRecord) -> MetricRecord:
    """The model on records that no hospital has."""
    loss, accuracy = evaluate(from_record(arrays), load_data()[1])
    return MetricRecord({"loss": loss, "accuracy": accuracy})
