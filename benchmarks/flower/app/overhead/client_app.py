"""A client whose training costs nothing: what is left is the frameworks' own."""

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.clientapp.typing import ClientAppCallable

from fedproof.flower import proof_mod


def proofs(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """proof_mod, where the run is one with proofs."""
    if context.run_config["fedproof"]:
        return proof_mod(message, context, call_next)
    return call_next(message, context)


app = ClientApp(mods=[proofs])


@app.train()
def train(message: Message, context: Context) -> Message:
    """A random step."""
    rng = np.random.default_rng()
    weights = message.content["arrays"].to_numpy_ndarrays()
    new = [w + rng.normal(scale=0.01, size=w.shape).astype(np.float32) for w in weights]
    metrics = MetricRecord({"num-examples": 10})
    return Message(RecordDict({"arrays": ArrayRecord(new), "metrics": metrics}), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Nothing."""
    message.content["arrays"].to_numpy_ndarrays()
    return Message(RecordDict({"metrics": MetricRecord({"num-examples": 10})}), reply_to=message)
