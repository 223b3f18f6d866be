"""A federation whose nodes train a PyTorch model: rounds, a release, and what verifies it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from torch import nn

import fedproof
from fedproof.encoding.digest import sha256
from fedproof.identity.keys import EnvelopeKey
from fedproof.identity.trust import Trust
from fedproof.policy.draft import Draft
from fedproof.policy.policy import Policy
from fedproof.provenance import Producer, verify_bundle
from fedproof.provenance.release import BUNDLE, MODEL, release
from fedproof.provenance.report import Report
from fedproof.round.folder import open_aggregator, open_node
from fedproof.round.provision import provision
from fedproof.torch import arrays_of, frozen_patterns, load, save_base

Train = Callable[[nn.Module, int], None]
"""(model, number of the node)."""


def policy_for(base: bytes, *, frozen: Sequence[str] = (), scale: int = 14, rounds: int = 0) -> str:
    """Bounds that hold every small step."""
    draft = Draft(
        federation="pytorch",
        base=sha256(base),
        scale=scale,
        max_abs=32767,
        max_norm=1 << 30,
        max_weight=100,
        min_accepted=1,
        rounds=rounds,
        frozen=tuple(frozen),
    )
    return draft.to_toml()


def set_up(root: Path, model: nn.Module, *, nodes: int = 2, scale: int = 14) -> Path:
    """The federation's folder. What the model has frozen is not trained."""
    root.mkdir(exist_ok=True)
    base = save_base(model, root / "base.safetensors")
    policy = policy_for(base, frozen=frozen_patterns(model), scale=scale)
    provision(root / "federation", policy=policy.encode(), base=base, nodes=nodes)
    return root / "federation"


def train_rounds(folder: Path, make: Callable[[], nn.Module], train: Train, *, rounds: int) -> None:
    """Every node loads its own chain's model, trains, and proves what that changed; all are accepted, and adopt each round."""
    with ExitStack() as opened:
        aggregator = opened.enter_context(open_aggregator(folder / "server"))
        places = sorted((folder / "nodes").iterdir())
        nodes = [opened.enter_context(open_node(place)) for place in places]
        for _ in range(rounds):
            announcement = aggregator.announce([node.ready(10 + k) for k, node in enumerate(nodes)])
            for k, node in enumerate(nodes):
                model = make()
                load(model, node.client.chain.arrays())
                train(model, k)
                upload = node.upload(announcement, node.client.update(arrays_of(model)))
                assert node.verdict(aggregator.receive(upload.to_bytes())).accepted
            closed = aggregator.close()
            for node in nodes:
                node.adopt(closed.entry, aggregator.read)
        release(
            aggregator,
            folder / "server" / "release",
            trust=Trust.load(folder / "server" / "trust.toml"),
            key=EnvelopeKey.load(folder / "server" / "envelope.pem"),
            producer=Producer(package="fedproof", version=fedproof.__version__),
        )


def verified(folder: Path) -> tuple[Path, Report]:
    """The released model's file, after its certificate was verified."""
    server = folder / "server"
    out = server / "release"
    policy, trust = Policy.load(server / "policy.toml"), Trust.load(server / "trust.toml")
    return out / MODEL, verify_bundle(out / BUNDLE, model=out / MODEL, policy=policy, trust=trust)
