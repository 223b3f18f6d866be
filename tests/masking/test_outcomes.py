"""Who falls silent when decides whether the sum opens, and nothing else. `outcomes.json` is from an independent model of the protocol in
plain integers, which shares no code with this package: a row says who is silent from which step on, and what comes of the round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedproof.round.messages import Total
from tests.masking.world import ALL, STEPS, MaskedWorld, policy, rounds

ROWS = json.loads((Path(__file__).parent / "outcomes.json").read_text())


def check_truth(world: MaskedWorld, closed: Any) -> None:
    """Whatever was summed is what was accepted, and a record of it holds."""
    if not closed.result.void:
        total = np.frombuffer(Total.from_bytes(closed.blobs[closed.result.total]).values, "<i8")
        assert (total == world.sum(closed)).all()
    world.verified(closed)


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_as_the_model_says(number):
    row = ROWS[number]
    names = ALL[: row["participants"]]
    held = policy(colluders=row["colluders"], silent=row["silent"], min_set=row["min_set"])
    world = MaskedWorld.announced(row["participants"], held)
    closed = world.run({names[int(i)]: step for i, step in row["from"].items()})
    assert closed.result.void == row["void"]
    if not row["void"]:
        assert [a.client for a in closed.result.accepted] == [names[i] for i in row["members"]]
    assert row["charged"] or not any(each.releases for each in world.clients.values())
    check_truth(world, closed)


@settings(max_examples=rounds(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_within_what_the_policy_tolerates_every_sum_opens(data):
    """As many as `silent` may leave at any step, and the round is not void. More may void it, and never make it wrong."""
    n = data.draw(st.integers(7, 9), label="participants")
    silent = data.draw(
        st.dictionaries(st.sampled_from(ALL[:n]), st.sampled_from(STEPS), max_size=3), label="silent"
    )
    world = MaskedWorld.announced(n)
    closed = world.run(silent)
    if len(silent) <= 1:
        assert not closed.result.void
    check_truth(world, closed)
