"""The same rounds with and without proofs; what they cost goes into a file."""

import json
import resource
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Context, Message
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from fedproof.flower import Proved

app = ServerApp()


class Counting:
    """A grid that adds up what passes through it."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self.to_nodes = self.from_nodes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._grid, name)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Bytes of the records."""
        messages = list(messages)
        self.to_nodes += sum(size(m) for m in messages)
        return self._grid.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Bytes of the records."""
        replies = list(self._grid.pull_messages(message_ids))
        self.from_nodes += sum(size(m) for m in replies)
        return replies

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """As Flower's, but it looks for replies five times a second, as Proved does: else a pause of three seconds would be compared."""
        waiting, found = set(self.push_messages(messages)), []
        while waiting:
            replies = list(self.pull_messages(waiting))
            found += replies
            waiting -= {m.metadata.reply_to_message_id for m in replies}
            time.sleep(0.2)
        return found


def size(message: Message) -> int:
    """Bytes of a message's records, without Flower's own envelope."""
    return sum(record.count_bytes() for record in message.content.values()) if message.has_content() else 0


@app.main()
def main(grid: Grid, context: Context) -> None:
    """One run."""
    config, d = context.run_config, int(context.run_config["parameters"])
    counting = Counting(grid)
    plain = FedAvg()
    strategy = Proved(plain, context) if config["fedproof"] else plain
    while len(list(grid.get_node_ids())) < 2:
        time.sleep(0.1)
    start = time.perf_counter()
    strategy.start(counting, ArrayRecord([np.zeros(d, np.float32)]), int(config["rounds"]))  # type: ignore[arg-type]
    results = {
        "seconds": time.perf_counter() - start,
        "to_nodes": counting.to_nodes,
        "from_nodes": counting.from_nodes,
        "server_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "rounds": [vars(r) | {"metrics": None} for r in strategy.rounds] if config["fedproof"] else [],
    }
    Path(str(config["results"])).write_text(json.dumps(results))
