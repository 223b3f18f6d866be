"""What a dishonest hospital does: it trains as the others, and sends fifty times its update, with a proof forced out of a prover that does
not look at the policy's bounds. Anybody can write such a client; the proof does not hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flwr.app import Context, Message, RecordDict
from numpy.typing import NDArray

from fedproof.flower import pending
from fedproof.flower.mod import node_folder
from fedproof.flower.wire import RECORD, Answer, Call
from fedproof.identity.signed import Signed
from fedproof.round.folder import STATE, open_node
from fedproof.round.messages import Announcement, Upload
from fedproof.round.rules import context as proof_context

FACTOR = 50


def cheating_mod(
    message: Message, context: Context, call_next: Callable[[Message, Context], Message]
) -> Message:
    """Honest but for the uploads of the hospital that the run's `cheat` names."""
    if context.run_config["cheat"] != context.node_config["partition-id"]:
        return call_next(message, context)
    call = Call.of(message.content)
    if call.step != "upload":
        return call_next(message, context)
    folder = node_folder(context)
    with open_node(folder) as node:
        client = node.client
        signed = Signed.from_bytes(call.announcement)
        announcement = signed.open(Announcement, client.aggregator)
        x = pending.kept(folder / STATE, node, announcement.round, announcement.attempt)

        def forged(announced: Announcement, x: NDArray[np.int64]) -> Upload:
            ctx = proof_context(announced, announced.digest(), client.name)
            return client.seal(ctx, FACTOR * x, unchecked=True)

        client.answer = forged
        answer = Answer("upload", client.chain.round, upload=node.upload(signed, x).to_bytes())
    return Message(RecordDict({RECORD: answer.record()}), reply_to=message)
