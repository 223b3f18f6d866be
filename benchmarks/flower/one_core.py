"""What a client and round cost beside the training, on one core: nodes and server in one process, one after the other, as they work behind
Flower's messages: a node opens its folder for each of three. Run: `make bench-flower`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median

import numpy as np

from fedproof.model.base import save_base
from fedproof.round.folder import open_aggregator, open_node
from fedproof.round.node import Node
from fedproof.round.provision import provision

POLICY = """\
version = 1
federation = "one-core"
base_model = "sha256:{base}"

[update]
scale = 14
max_abs = 32767
max_norm = 1048576
weights = {{ source = "declared", max = 100 }}
"""
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(
        0, {min(os.sched_getaffinity(0))}
    )  # before the core starts its threads: as many as it may use
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="fedproof-one-core-") as name:
        scratch = Path(name)
        base = save_base(scratch / "base.safetensors", {"0": np.zeros(options.parameters, np.float32)})
        policy = POLICY.format(base=sha256(base).hexdigest()).encode()
        provision(scratch / "federation", policy=policy, base=base, nodes=options.nodes)
        rounds(scratch / "federation", options.nodes, options.rounds, clock)
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
