"""Whom a record names has no part in the next rounds: it says so itself, the aggregator leaves it out, and if it does not, everybody else
refuses the round (spec/secure-aggregation.md §14)."""

from __future__ import annotations

import pytest

from fedproof.errors import Refused
from fedproof.round import client as client_module
from fedproof.round import rules
from fedproof.round.chain import Chain
from fedproof.round.place import Place
from fedproof.round.server import Server
from tests.masking.blame import cheats, fingerprint, opened, settle, shifted
from tests.masking.world import (
    AGGREGATOR,
    ALL,
    ROSTER,
    ROSTER_DIGEST,
    MaskedWorld,
    chain,
    client,
    policy,
    reader,
)
from tests.round.world import NOW

CHEAT = "client-02"
LATER = NOW + 1
HELD = policy(suspend_rounds=2)


def after_it_was_named() -> Chain:
    """As every honest client holds it."""
    world = MaskedWorld.announced(8, HELD)
    cheats(world, CHEAT, shifted(world))
    opened(world)
    blame = world.server.blame()
    fingerprint(world, blame)
    settle(world, blame)
    closed = world.server.close(now=NOW)
    chains = []
    for name, honest in world.clients.items():
        if name != CHEAT:
            honest.adopt(closed.entry, reader(closed))
            chains.append(honest.chain)
    assert {c.suspended for c in [*chains, closed.chain]} == {((CHEAT, 3),)}
    return closed.chain


def test_a_round_that_is_void_suspends_as_well() -> None:
    """One was named, and too many fell silent for a sum of the others: by the aggregator's account as by everybody's."""
    world = MaskedWorld.announced(8, HELD)
    cheats(world, CHEAT, shifted(world))
    opened(world)
    blame = world.server.blame()
    assert blame is not None
    fingerprint(world, blame)
    blame.next_requests()  # nobody answers
    assert set(blame.judge()) == {CHEAT}
    closed = world.server.close(now=NOW)
    assert closed.result.void
    for name, honest in world.clients.items():
        if name != CHEAT:
            honest.adopt(closed.entry, reader(closed))
            assert honest.chain.suspended == closed.chain.suspended == ((CHEAT, 3),)


def void(at: Chain) -> Chain:
    """A round later."""
    return at.advance(bytes(32), LATER, None, 0)


def test_it_takes_no_part_until_its_rounds_are_over() -> None:
    at = after_it_was_named()
    for _ in range(2):
        with pytest.raises(
            Refused, match="evidence named this client: it has no part before round 3"
        ) as refused:
            client(CHEAT, at).ready(1)
        assert (refused.value.subject, refused.value.stage) == ("ready", "policy")
        client(ALL[0], at).ready(1)
        at = void(at)
    assert at.suspended == ()
    client(CHEAT, at).ready(1)


def test_named_again_it_is_out_as_long_from_then_on() -> None:
    at = after_it_was_named()
    again = at.advance(bytes(32), LATER, None, 0, [CHEAT, ALL[0]])
    assert again.suspended == ((ALL[0], 4), (CHEAT, 4))


def test_without_suspension_it_may_take_part_at_once() -> None:
    assert chain().advance(bytes(32), LATER, None, 0, [CHEAT]).suspended == ()


def test_a_node_keeps_who_is_suspended() -> None:
    at = after_it_was_named()
    kept = Place.from_bytes(Place.of(at).to_bytes()).restore(chain(HELD))
    assert kept.suspended == at.suspended
    assert kept.state == at.state


def all_ready(at: Chain, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The one that was named does not look; of the others each does."""
    server = Server(AGGREGATOR, at, ROSTER, ROSTER_DIGEST)
    with monkeypatch.context() as patch:
        patch.setattr(client_module, "check_suspended", lambda *_: None)
        readies = [client(name, at).ready(1) for name in ALL[:8]]
    server.announce(readies, now=LATER)
    return server


def test_the_aggregator_leaves_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    server = all_ready(after_it_was_named(), monkeypatch)
    assert CHEAT not in {p.client for p in server.announcement.participants}
    (refused,) = server.refused_readies
    assert "evidence named this client" in str(refused)


def test_an_aggregator_that_lets_it_take_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    at = after_it_was_named()
    honest = client(ALL[0], at)
    with monkeypatch.context() as patch:
        patch.setattr(rules, "check_suspended", lambda *_: None)
        server = all_ready(at, monkeypatch)
        assert CHEAT in {p.client for p in server.announcement.participants}
        announcement = server.signed
        assert announcement is not None
        rules.check_announcement(server.announcement, at, ROSTER, ROSTER_DIGEST)
    with pytest.raises(Refused, match="evidence named this client") as refused:
        honest.check(announcement, now=LATER)
    assert refused.value.party == CHEAT
    # A record is checked by the same: `verify_round` begins with it.
    with pytest.raises(Refused, match="evidence named this client"):
        rules.check_announcement(server.announcement, at, ROSTER, ROSTER_DIGEST)
