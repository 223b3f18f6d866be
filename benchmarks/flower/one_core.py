"""What a client and round cost beside the training, on one core: nodes and server in one process, one after the other, as they work behind
Flower's messages: a node opens its folder for each of three. Run: `make bench-flower`.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.flower.setting import parse_options, provisioned
from fedproof.round.folder import open_aggregator, open_node
from fedproof.round.node import Node

PARTS = {
    "open": "node: open its folder, three times a round",
    "quantise": "node: quantise",
    "ready": "node: say that it is ready",
    "prove": "node: commit, prove, sign, keep",
    "adopt": "node: check the round, and adopt it",
    "verify": "server: verify and add",
    "record": "server: sum and record, its share for each client",
}


class Clock:
    """Seconds of each part, a list of measurements."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def part(self, name: str, share: int = 1) -> Iterator[None]:
        """Times what stands within. share: how many clients it was for."""
        started = time.perf_counter()
        yield
        self.seconds[name].append((time.perf_counter() - started) / share)


def rounds(folder: Path, nodes: int, count: int, clock: Clock) -> None:
    """So many rounds, after one that warms up and is not timed."""
    places = [folder / "nodes" / str(k) for k in range(nodes)]
    rng = np.random.default_rng()

    def opened(place: Path) -> Node:
        with clock.part("open"):
            return open_node(place)

    with open_aggregator(folder / "server") as aggregator:
        for number in range(count + 1):
            waiting, verdicts = [], []
            for place in places:
                with opened(place) as node:
                    new = {
                        name: array + rng.normal(scale=0.01, size=array.shape).astype(np.float32)
                        for name, array in node.client.chain.arrays().items()
                    }
                    with clock.part("quantise"):
                        update = node.client.update(new)
                    with clock.part("ready"):
                        waiting.append((node.ready(10), update))
            announcement = aggregator.announce([ready for ready, _ in waiting])
            for place, (_, update) in zip(places, waiting, strict=True):
                with opened(place) as node, clock.part("prove"):
                    upload = node.upload(announcement, update)
                with clock.part("verify"):
                    verdicts.append(aggregator.receive(upload.to_bytes()))
            with clock.part("record", share=nodes):
                closed = aggregator.close()
            for place, verdict in zip(places, verdicts, strict=True):
                with opened(place) as node, clock.part("adopt"):
                    assert node.verdict(verdict).accepted
                    node.adopt(closed.entry, aggregator.read)
            if number == 0:
                clock.seconds.clear()


def main() -> None:
    """Prints the table; with --json FILE writes it, too."""
    options = parse_options(__doc__, rounds=2)
    os.sched_setaffinity(
        0, {min(os.sched_getaffinity(0))}
    )  # before the core starts its threads: as many as it may use
    clock = Clock()
    with provisioned(options.nodes, options.parameters) as folder:
        rounds(folder, options.nodes, options.rounds, clock)
    parts = {part: median(clock.seconds[part]) * (3 if part == "open" else 1) for part in PARTS}
    total = sum(parts.values())
    for part, text in PARTS.items():
        print(f"{text:<52} {parts[part]:.3f} s")
    print(f"{'together, for each client and round':<52} {total:.3f} s")
    print(f"{'of a round whose training takes 60 s':<52} {100 * total / 60:.2f} %")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"seconds": parts, "together": total}, indent=1))


if __name__ == "__main__":
    main()
