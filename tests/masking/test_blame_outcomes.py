"""Who cheats how, and who is silent from when on, decides who is named and what the sum is of, and nothing else. `blamed.json` is from an
independent model of the protocol in plain integers, which shares no code with this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedproof.round.closing import Closed
from reference.masked_rounds import Cheat, Kind
from tests.masking.blame import played
from tests.masking.test_outcomes import check_truth
from tests.masking.world import ALL, STEPS, MaskedWorld, policy, rounds

ROWS = json.loads((Path(__file__).parent / "blamed.json").read_text())


def cheats_of(world: MaskedWorld, kinds: dict[str, Kind], silent: dict[str, str]) -> dict[str, Cheat]:
    """What is about one neighbour is about the first that uploads."""
    made = {}
    for name, kind in kinds.items():
        there = [n for n in world.round.neighbours(name) if silent.get(n) != "upload" or kind == "bad share"]
        made[name] = Cheat(kind, there[0] if kind in ("another mask", "bad share") else None)
    return made


def named(closed: Closed) -> set[str]:
    return {d.client for d in closed.result.dropped if d.kind == "named"}


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_as_the_model_says(number: int) -> None:
    row = ROWS[number]
    names = ALL[: row["participants"]]
    held = policy(colluders=row["colluders"], silent=row["silent"], min_set=row["min_set"])
    world = MaskedWorld.announced(row["participants"], held)
    kinds = {names[int(i)]: kind for i, kind in row["cheats"].items()}
    silent = {names[int(i)]: step for i, step in row["from"].items()}
    closed = played(world, cheats_of(world, kinds, silent), silent)
    assert closed.result.void == row["void"]
    assert named(closed) == {names[i] for i in row["named"]}
    if not row["void"]:
        assert [a.client for a in closed.result.accepted] == [names[i] for i in row["members"]]
    check_truth(world, closed)


@settings(max_examples=rounds(4), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_honest_client_is_named_and_no_sum_is_wrong(data: st.DataObject) -> None:
    """Within what the policy tolerates, cheats do not keep the others from their sum, unless silence hides them."""
    n = data.draw(st.integers(10, 12), label="participants")
    world = MaskedWorld.announced(n, policy(colluders=2))
    of = st.sampled_from(ALL[:n])
    kinds = data.draw(st.dictionaries(of, st.sampled_from(get_args(Kind)), max_size=2), label="cheats")
    others = st.sampled_from([name for name in ALL[:n] if name not in kinds])
    silent = data.draw(st.dictionaries(others, st.sampled_from(STEPS), max_size=2), label="silent")
    closed = played(world, cheats_of(world, kinds, silent), silent)
    assert named(closed) <= set(kinds)
    if not silent:
        assert not closed.result.void
    check_truth(world, closed)
