"""Under which rules, from which model: policies and announcements.

A dishonest aggregator signs anything, alone or with a client; each lie is refused, at the object and the
stage where it lies.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fedproof.errors import Refused
from fedproof.provenance import verify_bundle
from fedproof.round.chain import Chain
from fedproof.round.messages import State
from tests.provenance.world import (
    Forgery,
    changed,
    refusal,
    told,
)


@pytest.mark.parametrize(
    ("fields", "stage"),
    [
        ({"policy": bytes(32)}, "policy"),
        ({"suite": "bn254-keccak-ed25519-v1"}, "policy"),
        ({"federation": "elsewhere"}, "policy"),
        ({"roster": bytes(32)}, "trust"),
        ({"layout": bytes(32)}, "chain"),
        ({"previous": bytes(32)}, "chain"),
        ({"round": 0}, "chain"),
        ({"base": State(weights=bytes(32), commitment=bytes(32))}, "chain"),
    ],
)
def test_an_announcement_of_something_else(
    forgery: Forgery, tmp_path: Path, fields: dict[str, object], stage: str
) -> None:
    forgery.rounds[1].announcement = changed(forgery.rounds[1].announcement, **fields)
    forgery.resign(1)
    error = refusal(forgery, tmp_path)
    assert (error.subject, error.stage) == ("announcement", stage)


def test_another_base_model(forgery: Forgery, tmp_path: Path) -> None:
    bundle, model = forgery.write(tmp_path)
    name = forgery.world.policy.base_digest.hex()
    (bundle / "blobs" / name[:2] / name).unlink()
    with pytest.raises(Refused) as error:
        verify_bundle(bundle, model=model, policy=forgery.world.policy, trust=forgery.world.trust)
    assert told(error.value)[:2] == ("base model", "digest")


def test_a_round_that_starts_from_a_model_of_the_aggregators(forgery: Forgery, tmp_path: Path) -> None:
    """Base and result swapped for another chain of models, consistently."""
    world = forgery.world
    W = world.chain.W + 1
    other = replace(Chain.start(world.policy, world.blobs[world.policy.base_digest]), W=W)
    r = forgery.rounds[1]
    r.announcement = changed(r.announcement, base=other.state)
    forgery.resign(1)
    assert told(refusal(forgery, tmp_path))[:3] == ("announcement", "chain", 1)
