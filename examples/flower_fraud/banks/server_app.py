"""The server: FedAdam, as the policy asks for, and metrics that say something where one in a hundred counts."""

from __future__ import annotations

from flwr.app import Context, MetricRecord, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAdam

from banks.task import new_model, to_record
from fedproof.flower import Proved

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Runs the rounds."""
    adam = FedAdam(eta=0.3, min_available_nodes=5, evaluate_metrics_aggr_fn=recall_and_precision)
    strategy = Proved(adam, context)
    result = strategy.start(
        grid=grid,
        initial_arrays=to_record(new_model()),
        num_rounds=context.run_config["num-server-rounds"],
    )
    for number, metrics in result.evaluate_metrics_clientapp.items():
        print(f"after round {number}: recall {metrics['recall']:.1%}, precision {metrics['precision']:.1%}")


def recall_and_precision(replies: list[RecordDict], weighted_by: str) -> MetricRecord:
    """Of all banks' transactions together: shares of the frauds that are flagged, and of the flagged that are frauds."""
    records = [next(iter(reply.metric_records.values())) for reply in replies]
    hits, missed, alarms = (
        sum(record[name] for record in records)
        for name in ("flagged-frauds", "missed-frauds", "false-alarms")
    )
    return MetricRecord({"recall": hits / max(hits + missed, 1), "precision": hits / max(hits + alarms, 1)})
