"""A node: trains on its own images. `proof_mod` proves what comes of it, before it leaves."""

from __future__ import annotations

from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedproof.flower import proof_mod
from fedproof.torch import load, record_of
from images_app.task import Net, load_partition, train_epochs

app = ClientApp(mods=[proof_mod])


@app.train()
def train(message: Message, context: Context) -> Message:
    """One round's training. num-examples is what the update weighs."""
    config, place = context.run_config, context.node_config
    images = load_partition(config, place["partition-id"], place["num-partitions"])
    net = Net()
    load(net, message.content["arrays"])
    loss = train_epochs(net, images, config["local-epochs"], config["learning-rate"])
    metrics = MetricRecord({"num-examples": len(images), "train-loss": loss})
    return Message(RecordDict({"arrays": record_of(net), "metrics": metrics}), reply_to=message)
