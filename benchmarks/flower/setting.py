"""What both benchmarks of a Flower app measure: a federation whose model is one vector."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fedproof.encoding.digest import sha256
from fedproof.model.base import save_base
from fedproof.policy.draft import Draft
from fedproof.round.provision import provision


def parse_options(description: str | None, rounds: int) -> argparse.Namespace:
    """nodes, parameters, rounds, and json: a file for the result, or nothing. rounds: how many, unless told otherwise."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


@contextmanager
def provisioned(nodes: int, parameters: int) -> Iterator[Path]:
    """The federation's folder, which goes with the context; beside it is room for more."""
    with tempfile.TemporaryDirectory(prefix="fedproof-benchmark-") as scratch:
        folder = Path(scratch) / "federation"
        base = save_base(Path(scratch) / "base.safetensors", {"0": np.zeros(parameters, np.float32)})
        draft = Draft(
            federation="benchmark",
            base=sha256(base),
            scale=14,
            max_abs=32767,
            max_norm=1 << 20,
            max_weight=100,
            min_accepted=2,
        )
        provision(folder, policy=draft.to_toml().encode(), base=base, nodes=nodes)
        yield folder
