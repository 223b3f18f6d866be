"""Certified models of federations with a server's optimiser: `verify` recomputes its every step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedproof.model.aggregate import move, weighted_mean
from fedproof.model.optimiser import Moments
from fedproof.policy.aggregate import PARAMETERS
from fedproof.provenance import verify_bundle
from fedproof.round.chain import Chain
from tests.provenance.world import Forgery, World, changed, honest_bundle, play, refusal, told

LAST = 1


def federation(strategy: str) -> World:
    momentum = '[aggregate.optimiser]\nserver_momentum = "0.5"\n' if strategy == "FedAvgM" else ""
    return play(rounds=2, lies=False, tables=f'[aggregate]\nstrategy = "{strategy}"\n{momentum}')


@pytest.mark.parametrize("strategy", ["FedProx", *PARAMETERS])
def test_a_federation_is_verified(strategy: str, tmp_path: Path) -> None:
    world = federation(strategy)
    bundle, model = honest_bundle(world, tmp_path)
    report = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    assert {c.claim for c in report.claims} >= {"AGGREGATE_EXACT", "MODEL_CHAIN"}
    assert ("PROXIMAL_TERM" in report.not_proven) == (strategy == "FedProx")
    mean, forgery = Chain.start(world.policy, world.blobs[world.policy.base_digest]), Forgery.of(world)
    for index, r in enumerate(forgery.rounds):
        weight = sum(p.weight for p in r.announcement.participants)
        mean = replace(mean, W=move(mean.W, weighted_mean(forgery.values(index), weight)))
    assert (mean.released() == model.read_bytes()) == (strategy == "FedProx")


def cheated(forgery: Forgery, chain: Chain) -> None:
    """The last round leads to another model than the strategy's, and it is released."""
    r = forgery.rounds[LAST]
    r.result = changed(r.result, after=chain.state)
    forgery.resign(LAST)
    forgery.model = chain.released()


@pytest.fixture(scope="module", params=[*PARAMETERS])
def world(request: pytest.FixtureRequest) -> World:
    return federation(request.param)


def test_an_aggregator_that_forgot_what_the_optimiser_remembers(world: World, tmp_path: Path) -> None:
    forgery = Forgery.of(world)
    before = forgery.before(LAST)
    start = Moments.start(world.policy.aggregate, len(before.W))
    weight = sum(p.weight for p in forgery.rounds[LAST].announcement.participants)
    cheated(forgery, replace(before, moments=start).advance(bytes(32), 0, forgery.values(LAST), weight))
    assert told(refusal(forgery, tmp_path))[:3] == ("result", "chain", LAST)


def test_an_aggregator_that_only_averaged(world: World, tmp_path: Path) -> None:
    forgery = Forgery.of(world)
    before = forgery.before(LAST)
    weight = sum(p.weight for p in forgery.rounds[LAST].announcement.participants)
    W = move(before.W, weighted_mean(forgery.values(LAST), weight))
    cheated(forgery, replace(before, W=W))
    assert told(refusal(forgery, tmp_path))[:3] == ("result", "chain", LAST)


def test_an_aggregator_that_is_one_unit_off(world: World, tmp_path: Path) -> None:
    forgery = Forgery.of(world)
    W = world.chain.W.copy()
    W[np.argmax(W)] -= 1
    cheated(forgery, replace(world.chain, W=W))
    assert told(refusal(forgery, tmp_path))[:3] == ("result", "chain", LAST)


def test_a_verifier_with_other_parameters(world: World, tmp_path: Path) -> None:
    """Who asked for another rate refuses the model, and is told which."""
    aggregate = world.policy.aggregate
    assert aggregate.optimiser is not None
    name = next(iter(PARAMETERS[aggregate.strategy]))
    other = aggregate.model_copy(update={"optimiser": aggregate.optimiser.model_copy(update={name: "0.3"})})
    error = refusal(Forgery.of(world), tmp_path, policy=world.policy.model_copy(update={"aggregate": other}))
    assert (error.subject, error.stage) == ("policy", "policy")
    assert f"aggregate.optimiser.{name}" in error.detail
