"""Federations whose aggregate is an optimiser's step: everybody comes to the same state, round by round, also after a restart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedproof.errors import Refused
from fedproof.policy.aggregate import PARAMETERS
from fedproof.policy.policy import Policy
from fedproof.round.aggregator import Aggregator
from fedproof.round.node import Node
from fedproof.round.verify import verify_round
from tests.round.world import (
    AGGREGATOR,
    BASE_FILE,
    ENDORSERS,
    NAMES,
    NOW,
    POLICY,
    ROSTER,
    ROSTER_DIGEST,
    SIGNED_ROSTER,
    WEIGHTS,
    client,
    numbers,
    start,
)

STRATEGIES = ("FedAvg", "FedProx", *PARAMETERS)


def under(strategy: str) -> Policy:
    momentum = '[aggregate.optimiser]\nserver_momentum = "0.9"\n' if strategy == "FedAvgM" else ""
    return Policy.parse(f'{POLICY}[aggregate]\nstrategy = "{strategy}"\n{momentum}')


def opened(root: Path, held: Policy) -> Aggregator:
    return Aggregator(root, AGGREGATOR, held, SIGNED_ROSTER, ENDORSERS, BASE_FILE, clock=lambda: NOW)


def node_at(root: Path, name: str, held: Policy) -> Node:
    return Node(root / name, client(name, start(held)), clock=lambda: NOW)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_federation_that_is_stopped_after_every_round(tmp_path: Path, strategy: str) -> None:
    """Round 1 is void. Nodes and aggregator are opened anew for each round; a verifier is never stopped."""
    held = under(strategy)
    steady = start(held)
    for number in range(4):
        nodes = {name: node_at(tmp_path, name, held) for name in NAMES}
        with opened(tmp_path / "aggregator", held) as aggregator:
            announcement = aggregator.announce([n.ready(WEIGHTS[name]) for name, n in nodes.items()])
            for place, (name, node) in enumerate(nodes.items()):
                if number != 1 or name == "ada":
                    upload = node.upload(announcement, numbers(10 * number + place))
                    assert node.verdict(aggregator.receive(upload.to_bytes())).accepted
            closed = aggregator.close()
            assert closed.result.void == (number == 1)
            by = ROSTER, ROSTER_DIGEST, AGGREGATOR.verify_key
            steady, _ = verify_round(steady, *by, closed.entry, aggregator.read)
            for node in nodes.values():
                node.adopt(closed.entry, aggregator.read)
        for node in nodes.values():
            node.close()
    chains = [steady, *(node_at(tmp_path, name, held).client.chain for name in NAMES)]
    for chain in chains:
        assert chain.state == closed.chain.state
        for mine, theirs in zip(
            vars(chain.moments).values(), vars(closed.chain.moments).values(), strict=True
        ):
            assert np.array_equal(mine, theirs)
    assert closed.chain.moments.steps == (3 if strategy in PARAMETERS else 0)


def test_strategies_lead_to_different_models() -> None:
    found = {}
    for strategy in STRATEGIES:
        chain = start(under(strategy))
        for number in range(2):
            chain = chain.advance(bytes(32), NOW, numbers(number, 5000), 7)
        found[strategy] = chain.released()
    assert found.pop("FedProx") == found["FedAvg"]
    assert len(set(found.values())) == len(found)


def test_a_state_folder_of_another_strategy(tmp_path: Path) -> None:
    with node_at(tmp_path, "ada", under("FedAdam")) as node:
        node.ready(3)
    with pytest.raises(Refused, match="another model's state"):
        node_at(tmp_path, "ada", under("FedAvg"))


def test_a_step_too_large_is_refused() -> None:
    table = '[aggregate]\nstrategy = "FedAvgM"\n[aggregate.optimiser]\nserver_learning_rate = "999999"\n'
    chain = start(Policy.parse(POLICY + table))
    with pytest.raises(Refused) as error:
        chain.advance(bytes(32), NOW, np.full(len(chain.W), 1 << 40), 1)
    assert (error.value.subject, error.value.stage) == ("aggregate", "sum")
