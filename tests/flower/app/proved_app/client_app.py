"""A client that misbehaves where `behave` says so, in its node's configuration, or in the run's (a list, by partition): honest, cheat, slow
or failing."""

import time

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.clientapp.typing import ClientAppCallable

from fedproof.flower import proof_mod
from fedproof.flower.mod import node_folder
from fedproof.flower.wire import RECORD, Answer, Call
from fedproof.identity.signed import Signed
from fedproof.round.folder import open_node
from fedproof.round.messages import Announcement
from fedproof.round.rules import context as proof_context


def behaviour(context: Context) -> str:
    """Of this node; honest, where nobody says anything."""
    listed = str(context.run_config["behave"])
    if listed:
        return listed.split(",")[int(context.node_config["partition-id"])]
    return str(context.node_config.get("behave", "honest"))


def behaving(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """proof_mod, or what a dishonest client has in its place: a proof that it forces out of the prover."""
    call = Call.of(message.content)
    if behaviour(context) != "cheat" or call.step != "upload":
        return proof_mod(message, context, call_next)
    with open_node(node_folder(context)) as node:
        signed = Signed.from_bytes(call.announcement)
        session = node.client.check(signed, now=int(time.time())).digest()
        announcement = signed.open(Announcement, node.client.aggregator)
        x = np.full(len(node.client.chain.W), 32000, np.int64)
        upload = node.client.seal(proof_context(announcement, session, node.client.name), x, unchecked=True)
        answer = Answer("upload", node.client.chain.round, upload=upload.to_bytes())
    return Message(RecordDict({RECORD: answer.record()}), reply_to=message)


app = ClientApp(mods=[behaving])


@app.train()
def train(message: Message, context: Context) -> Message:
    """A step towards one; from its second round on a slow node comes back too late, and a failing one fails."""
    if message.content["config"]["server-round"] >= 2:
        if behaviour(context) == "slow":
            time.sleep(1.3 * float(context.run_config["timeout"]))  # simulations end when all are back
        if behaviour(context) == "failing":
            raise RuntimeError("this node's disk is full")
    weights = message.content["arrays"].to_numpy_ndarrays()
    new = ArrayRecord([(w + (1 - w) / 4).astype(w.dtype) for w in weights])
    metrics = MetricRecord({"num-examples": 10})
    return Message(RecordDict({"arrays": new, "metrics": metrics}), reply_to=message)
