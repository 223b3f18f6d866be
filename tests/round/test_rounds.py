"""A policy may say how many rounds there are. One more is nobody's: no member signs up for it, no aggregator opens it, no client answers,
and no verifier takes it."""

from __future__ import annotations

import pytest

from fedproof.errors import Refused
from fedproof.policy.policy import Policy
from fedproof.round.chain import Chain
from fedproof.round.closing import Closed
from fedproof.round.server import Server
from fedproof.round.verify import verify_round
from tests.round.world import (
    AGGREGATOR,
    NAMES,
    NOW,
    POLICY,
    ROSTER,
    ROSTER_DIGEST,
    World,
    start,
)


def asking_for(rounds: int) -> Chain:
    """The start of a federation under a policy of so many rounds."""
    return start(Policy.parse(f"{POLICY}rounds = {rounds}\n"))


def finished(rounds: int = 1) -> tuple[World, Closed]:
    """One round, which all adopted."""
    world = World.announced(asking_for(rounds))
    for name in NAMES:
        assert world.send(world.upload(name))[0]
    closed = world.close()
    for held in world.clients.values():
        held.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    return world, closed


def test_nobody_signs_up_for_a_round_too_many() -> None:
    world, _ = finished()
    with pytest.raises(Refused, match="the policy asks for 1 round, all are on record") as refused:
        world.clients["ada"].ready(3)
    said = refused.value
    assert (said.subject, said.stage, said.party, said.round) == ("ready", "policy", "ada", 1)
    assert not [place for place in world.clients["ada"].attempts if place[0] == 1]


def test_no_aggregator_opens_a_round_too_many() -> None:
    _, closed = finished()
    with pytest.raises(Refused, match="the policy asks for 1 round, all are on record") as refused:
        Server(AGGREGATOR, closed.chain, ROSTER, ROSTER_DIGEST).announce([], now=NOW)
    assert (refused.value.subject, refused.value.stage, refused.value.round) == ("announcement", "policy", 1)


def test_no_client_answers_and_no_verifier_takes_a_round_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened by an aggregator, and signed up for by members, that do not count."""
    world, closed = finished()
    with monkeypatch.context() as patched:
        for module in ("rules", "client", "server"):
            patched.setattr(f"fedproof.round.{module}.check_rounds_left", lambda *_: None, raising=False)
        more = World.announced(closed.chain, world.clients)
    with pytest.raises(Refused, match="the policy asks for 1 round, all are on record") as refused:
        more.upload("ada")
    assert (refused.value.subject, refused.value.stage, refused.value.round) == ("announcement", "policy", 1)
    with monkeypatch.context() as patched:
        patched.setattr("fedproof.round.rules.check_rounds_left", lambda *_: None, raising=False)
        for name in NAMES:
            assert more.send(more.upload(name))[0]
        last = more.close()
    read = lambda name, _what, _limit: last.blobs[name]  # noqa: E731
    for check in (
        lambda: verify_round(closed.chain, ROSTER, ROSTER_DIGEST, AGGREGATOR.verify_key, last.entry, read),
        lambda: more.clients["ada"].adopt(last.entry, read),
    ):
        with pytest.raises(Refused, match="all are on record"):
            check()


def test_the_last_round_and_open_end() -> None:
    world, closed = finished(2)
    assert World.announced(closed.chain, world.clients).announcement
    world, closed = finished(0)
    assert World.announced(closed.chain, world.clients).announcement
