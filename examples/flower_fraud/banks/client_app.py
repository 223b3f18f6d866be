"""A bank."""

from __future__ import annotations

from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from banks.task import count, from_record, load_data, to_record
from banks.task import train as train_model
from fedproof.flower import proof_mod

app = ClientApp(mods=[proof_mod])


@app.train()
def train(message: Message, context: Context) -> Message:
    """One round's training; an update weighs as many as the bank has transactions for training."""
    weights = from_record(message.content["arrays"])
    records, _ = load_data(context.node_config["partition-id"])
    loss = train_model(weights, records)
    metrics = MetricRecord({"num-examples": len(records[1]), "train-loss": loss})
    return Message(RecordDict({"arrays": to_record(weights), "metrics": metrics}), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Counts on transactions that the bank did not train on. Nobody proves them."""
    _, records = load_data(context.node_config["partition-id"])
    counts = count(from_record(message.content["arrays"]), records)
    metrics = MetricRecord({"num-examples": len(records[1]), **counts})
    return Message(RecordDict({"metrics": metrics}), reply_to=message)
