"""A hospital. The cheat among them has one mod more, before `proof_mod`; nobody else can tell."""

from __future__ import annotations

from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedproof.flower import proof_mod
from hospitals.cheat import cheating_mod
from hospitals.task import evaluate as evaluate_model
from hospitals.task import from_record, load_data, to_record
from hospitals.task import train as train_model

app = ClientApp(mods=[cheating_mod, proof_mod])


@app.train()
def train(message: Message, context: Context) -> Message:
    """One round's training; an update weighs as many as the hospital has records."""
    weights = from_record(message.content["arrays"])
    records = load_data()[0][context.node_config["partition-id"]]
    loss = train_model(weights, records)
    metrics = MetricRecord({"num-examples": len(records[1]), "train-loss": loss})
    return Message(RecordDict({"arrays": to_record(weights), "metrics": metrics}), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """The model on the hospital's own records."""
    records = load_data()[0][context.node_config["partition-id"]]
    loss, accuracy = evaluate_model(from_record(message.content["arrays"]), records)
    metrics = MetricRecord({"num-examples": len(records[1]), "loss": loss, "accuracy": accuracy})
    return Message(RecordDict({"metrics": metrics}), reply_to=message)
