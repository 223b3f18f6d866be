"""What comes of a round is what `reference/masked_rounds.py` counts, which knows nothing of this package: who is in the set, whether a sum
opens and of whom, and who is named, whoever falls silent when and cheats how."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedproof.policy import masking as policy_module
from fedproof.round.closing import Closed
from reference.masked_rounds import STEPS, Cheat, Kind, Outcome, Policy, graph, outcome
from tests.masking.blame import played
from tests.masking.test_outcomes import check_truth
from tests.masking.world import ALL, MaskedWorld, policy, rounds


def shown(closed: Closed) -> Outcome:
    dropped = {d.client: d.kind for d in closed.result.dropped}
    accepted = frozenset(a.client for a in closed.result.accepted)
    named = frozenset(c for c, kind in dropped.items() if kind == "named")
    return Outcome(accepted | named, None if closed.result.void else accepted, named)


@st.composite
def cases(draw: st.DrawFn, complete: int) -> tuple[Policy, tuple[str, ...], dict[str, Cheat], dict[str, str]]:
    n = draw(st.integers(7, 12))
    held = Policy(
        colluders=1,
        silent=1,
        min_set=draw(st.sampled_from((4, 5))),
        min_honest_group=2,
        agree_first=draw(st.booleans()),
        complete=complete,
    )
    names = ALL[:n]
    near, _ = graph(held, names)
    lies: dict[str, Cheat] = {}
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        kind = draw(st.sampled_from(get_args(Kind)))
        other = draw(st.sampled_from(sorted(near[name]))) if kind in ("another mask", "bad share") else None
        lies[name] = Cheat(kind, other)
    steps = st.dictionaries(st.sampled_from(names), st.sampled_from(STEPS), max_size=3)
    return held, names, lies, draw(steps)


@pytest.mark.parametrize("complete", [32, 6])
@settings(
    max_examples=rounds(6),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_what_comes_of_a_round_is_what_the_model_counts(
    complete: int, data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """complete: so many participants share masks with everybody; more stand on a circle, with eight neighbours."""
    monkeypatch.setattr(policy_module, "COMPLETE", complete)
    held, names, lies, silent = data.draw(cases(complete), label="case")
    world = MaskedWorld.announced(len(names), policy(min_set=held.min_set, agree_first=held.agree_first))
    closed = played(world, lies, silent)
    assert shown(closed) == outcome(held, names, silent, lies)
    check_truth(world, closed)
