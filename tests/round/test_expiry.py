"""Memberships end. The aggregator's clock says when a round was; clients hold it to their own, and the record keeps it in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed, sign
from fedproof.round.client import CLOCK_SKEW, Client
from fedproof.round.closing import Closed
from fedproof.round.messages import Announcement, Result, Verdict
from fedproof.round.record import RoundBody, RoundEntry
from fedproof.round.server import Server
from fedproof.round.verify import RoundReport, verify_round
from tests.round.world import (
    AGGREGATOR,
    ENDORSER,
    KEYS,
    NAMES,
    NOW,
    ROSTER,
    WEIGHTS,
    World,
    ada_at,
    client,
    numbers,
    policy,
    start,
)

DEADLINE = policy().round.deadline_seconds


@dataclass
class Ending:
    """A federation of which ada's membership, and if asked for the whole roster, ends at a time."""

    roster: Roster
    digest: bytes

    @classmethod
    def at(cls, time: int | None, roster: int | None = None) -> Ending:
        members = tuple(
            m.model_copy(update={"expires": time}) if m.client == "ada" else m for m in ROSTER.members
        )
        ending = ROSTER.model_copy(update={"members": members, "expires": roster})
        return cls(ending, sign(ending, ENDORSER).digest())

    def client(self, name: str) -> Client:
        return Client(name, KEYS[name], AGGREGATOR.verify_key, self.roster, self.digest, start())

    def server(self) -> Server:
        return Server(AGGREGATOR, start(), self.roster, self.digest)

    def readies(self) -> list[Signed]:
        return [self.client(name).ready(WEIGHTS[name]) for name in NAMES]

    def played(self, now: int) -> Closed:
        server, clients = self.server(), {name: self.client(name) for name in NAMES}
        announcement = server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()], now=now)
        for name in server.waiting_for():
            server.receive(clients[name].upload(announcement, numbers(1), now=now).to_bytes())
        return server.close(now=now)

    def verify(self, closed: Closed, chain: Any = None) -> RoundReport:
        read = lambda name, _what, _limit: closed.blobs[name]  # noqa: E731
        key = AGGREGATOR.verify_key
        return verify_round(chain or start(), self.roster, self.digest, key, closed.entry, read)[1]


def told(error: Refused) -> tuple[str, str, str | None]:
    return error.subject, error.stage, error.party


def test_a_member_until_the_second_before() -> None:
    ending = Ending.at(NOW)
    before = ending.verify(ending.played(NOW - 1))
    assert [c for c, _ in before.accepted] == list(NAMES)
    assert before.opened == NOW - 1
    after = ending.verify(ending.played(NOW))
    assert [c for c, _ in after.participants] == list(NAMES[1:])


def test_the_server_leaves_an_expired_member_out_and_says_so() -> None:
    server = Ending.at(NOW).server()
    server.announce(Ending.at(NOW).readies(), now=NOW)
    (error,) = server.refused_readies
    assert isinstance(error, Refused)
    assert told(error) == ("roster", "expiry", "ada")
    assert "its membership expired at 2027-01-15T08:00:00Z" in error.detail


def test_a_roster_that_expired_has_no_members() -> None:
    ending = Ending.at(None, roster=NOW)
    server = ending.server()
    with pytest.raises(
        Refused, match="nobody is ready: ada: the roster expired at 2027-01-15T08:00:00Z; bob: "
    ):
        server.announce(ending.readies(), now=NOW)
    assert [told(e) for e in server.refused_readies if isinstance(e, Refused)] == [
        ("roster", "expiry", name) for name in NAMES
    ]
    assert ending.server().announce(ending.readies(), now=NOW - 1)


def test_a_client_that_was_left_out_because_its_time_is_over() -> None:
    ending = Ending.at(NOW)
    ada = ending.client("ada")
    readies = [ada.ready(WEIGHTS["ada"]), *ending.readies()[1:]]
    announcement = ending.server().announce(readies, now=NOW)
    with pytest.raises(Refused, match="its membership expired at 2027-01-15T08:00:00Z") as refused:
        ada.upload(announcement, numbers(1), now=NOW)
    assert told(refused.value) == ("roster", "expiry", "ada")
    assert not [said for said in ada.attempts.values() if said.session]


def reannounced(signed: Signed, **changes: Any) -> Signed:
    announcement = signed.open(Announcement, AGGREGATOR.verify_key)
    return sign(announcement.model_copy(update=changes), AGGREGATOR)


@pytest.mark.parametrize("roster", [None, NOW])
def test_a_client_refuses_an_announcement_with_an_expired_member(roster: int | None) -> None:
    """An aggregator that lets it in all the same."""
    ending = Ending.at(NOW, roster)
    bob, server = ending.client("bob"), ending.server()
    readies = [ending.client("ada").ready(3), bob.ready(5)]
    late = reannounced(server.announce(readies, now=NOW - 1), time=NOW)
    with pytest.raises(Refused) as refused:
        bob.upload(late, numbers(1), now=NOW)
    assert told(refused.value) == ("roster", "expiry", "ada")


@pytest.mark.parametrize(
    ("away", "good"),
    [
        (-CLOCK_SKEW - 1, False),
        (-CLOCK_SKEW, True),
        (DEADLINE + CLOCK_SKEW, True),
        (DEADLINE + CLOCK_SKEW + 1, False),
    ],
)
def test_the_clients_own_clock(away: int, good: bool) -> None:
    """How far it may be away from the announced time."""
    world = World.announced()
    ada = world.clients["ada"]
    if good:
        assert ada.check(world.announcement, now=NOW + away).time == NOW
        return
    with pytest.raises(Refused, match="too far from this client's clock") as refused:
        ada.check(world.announcement, now=NOW + away)
    assert told(refused.value) == ("announcement", "expiry", "ada")
    assert not [said for said in ada.attempts.values() if said.session]  # it has agreed to nothing


def test_training_may_take_its_time() -> None:
    """The deadline is the aggregator's; what a client agreed to in time it may finish and send again."""
    world = World.announced()
    ada = world.clients["ada"]
    ada.check(world.announcement, now=NOW)
    assert world.send(ada.upload(world.announcement, numbers(1), now=NOW + 10**6))[0]


def second(now: int) -> tuple[Server, World]:
    """Announced after a first round at `NOW`, which all adopted."""
    closed = first()
    clients = {name: client(name) for name in NAMES}
    for c in clients.values():
        c.chain = closed.chain
    server = Server(AGGREGATOR, closed.chain, ROSTER, clients["ada"].roster_digest)
    announcement = server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()], now=now)
    return server, World(clients, server, announcement)


def first() -> Closed:
    """A round at `NOW`, without ada."""
    world = World.announced()
    for name in NAMES[1:]:
        world.send(world.upload(name))
    return world.close()


def test_announced_times_do_not_run_backwards() -> None:
    """Else an expired member could take part in a round after it expired, at a time before."""
    _, world = second(NOW + 5)
    assert world.clients["ada"].chain.time == NOW
    with pytest.raises(Refused, match="before the round before") as refused:
        world.clients["ada"].upload(reannounced(world.announcement, time=NOW - 1), numbers(1), now=NOW)
    assert told(refused.value)[:2] == ("announcement", "chain")


def test_a_clock_that_was_set_back() -> None:
    """The round goes on under the last time; clients tell if that is too far from theirs."""
    server, world = second(NOW - 100)
    assert world.announcement.open(Announcement, AGGREGATOR.verify_key).time == NOW
    assert world.send(world.clients["ada"].upload(world.announcement, numbers(1), now=NOW - 100))[0]
    assert server.close(now=NOW - 90).chain.time == NOW


def test_a_record_with_an_expired_member() -> None:
    """Aggregator and ada agree on it: a verifier does not."""
    ending, pretended = Ending.at(NOW), Ending.at(None)
    pretended.digest = ending.digest  # what both sign is the roster that ended
    closed = pretended.played(NOW + 50)
    with pytest.raises(Refused) as refused:
        ending.verify(closed)
    assert told(refused.value) == ("roster", "expiry", "ada")
    late = Ending.at(None, roster=NOW + 50)
    late.digest = ending.digest
    with pytest.raises(Refused, match="the roster expired"):
        late.verify(closed)


def test_a_record_whose_times_run_backwards() -> None:
    """The same, said by the verifier of a record."""
    ending = Ending.at(None)
    closed = ending.played(NOW)
    ending.verify(closed, replace(start(), time=NOW))
    with pytest.raises(Refused, match="before the round before") as refused:
        ending.verify(closed, replace(start(), time=NOW + 1))
    assert told(refused.value)[:2] == ("announcement", "chain")


def test_a_time_changed_after_the_clients_answered() -> None:
    """Their uploads are of the session, and the session is of the announcement with its time."""
    closed = Ending.at(None).played(NOW)
    entry = RoundEntry.from_bytes(closed.entry)
    body = RoundBody.from_bytes(closed.blobs[entry.body])
    announcement = reannounced(body.announcement, time=NOW - 50)
    session = announcement.open(Announcement, AGGREGATOR.verify_key).digest()
    result = body.result.open(Result, AGGREGATOR.verify_key).model_copy(update={"session": session})
    uploads = tuple(
        u.model_copy(
            update={
                "verdict": sign(
                    u.verdict.open(Verdict, AGGREGATOR.verify_key).model_copy(update={"session": session}),
                    AGGREGATOR,
                )
            }
        )
        for u in body.uploads
    )
    changed = body.model_copy(
        update={"announcement": announcement, "result": sign(result, AGGREGATOR), "uploads": uploads}
    ).to_bytes()
    forged = replace(
        closed,
        entry=entry.model_copy(update={"body": sha256(changed)}).to_bytes(),
        blobs={**closed.blobs, sha256(changed): changed},
    )
    with pytest.raises(Refused, match="another session") as refused:
        Ending.at(None).verify(forged)
    assert told(refused.value) == ("upload", "statement", "ada")


def test_a_node_remembers_the_time(tmp_path: Path) -> None:
    """And reads its own clock."""
    closed = first()
    node = ada_at(tmp_path)
    node.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    assert ada_at(tmp_path).client.chain.time == NOW
    strange = ada_at(tmp_path / "strange", NOW - 10**6)
    world = World.announced()
    strange.ready(WEIGHTS["ada"])
    with pytest.raises(Refused, match="too far from this client's clock"):
        strange.upload(world.announcement, numbers(1))
