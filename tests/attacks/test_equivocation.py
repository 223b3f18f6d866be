"""An aggregator that tells two people two stories: two announcements, two sets, two models; the same updates summed over two sets; and a
roster that was replaced long ago. Every client keeps to the first story that it was told, and no round joins people who heard two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fedproof.encoding.digest import ZERO, sha256
from fedproof.identity.roster import Roster, endorse
from fedproof.identity.signed import Signed, sign
from fedproof.round.client import Client
from fedproof.round.closing import Closed
from fedproof.round.messages import Announcement, Participant, Verdict
from fedproof.round.server import Server
from tests.attacks.parties import auditor_refuses, clients_and_auditor_refuse, refusal, resealed
from tests.provenance.world import Forgery, changed, play, silent
from tests.round.world import (
    AGGREGATOR,
    ENDORSER,
    KEYS,
    NAMES,
    NOW,
    ROSTER,
    ROSTER_DIGEST,
    WEIGHTS,
    World,
    ada_at,
    numbers,
    start,
)


@pytest.fixture
def world() -> World:
    return World.announced()


def told(world: World, **changes: object) -> Signed:
    """The announcement with something else in it."""
    return sign(changed(world.announcement.open(Announcement, AGGREGATOR.verify_key), **changes), AGGREGATOR)


def adopt(who: Client, closed: Closed) -> None:
    who.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])


# -- two announcements ---------------------------------------------------------------------------------------------


def test_equivocation_to_one_client(world: World, tmp_path: Path) -> None:
    """Another nonce, all else equal: the client answers the first it saw, also after a restart in between."""
    second = told(world, nonce=bytes([9] * 32))
    node = ada_at(tmp_path)
    node.ready(WEIGHTS["ada"])
    first = node.upload(world.announcement, numbers(1))
    with refusal("announcement", "statement", "a second announcement", party="ada"):
        node.upload(second, numbers(1))
    node = ada_at(tmp_path)
    with refusal("announcement", "statement", "a second announcement", party="ada"):
        node.upload(second, numbers(1))
    assert node.upload(world.announcement, numbers(1)) == first  # the first one stays good


def test_equivocation_to_two_clients(world: World) -> None:
    """Ada is told one announcement, the others another. Neither's upload counts in the other's round, and ada adopts no result but
    that of the round she answered."""
    second = told(world, nonce=bytes([9] * 32))
    for_ada = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST)
    for_ada.resume(second)
    ada = world.clients["ada"]
    hers = ada.upload(second, numbers(1), now=NOW)
    with refusal("upload", "statement", "made for another session", party="ada", round=0):
        world.server.receive(hers.to_bytes())
    moved = resealed(hers, KEYS["ada"], session=world.server.session)  # she would have to collude
    assert world.send(moved) == (False, "bounded update", "argument")
    for name in NAMES[1:]:
        theirs = world.upload(name)
        with refusal("upload", "statement", "made for another session", party=name, round=0):
            for_ada.receive(theirs.to_bytes())
        assert world.send(theirs)[0]
    closed = world.close()
    with refusal("result", "statement", "another session than this client answered", party="ada", round=0):
        adopt(ada, closed)
    assert ada.chain.round == 0
    adopt(world.clients["bob"], closed)


# -- two sets --------------------------------------------------------------------------------------------------------


def two_sets(world: World, *, verdicts: bool) -> tuple[Closed, Closed]:
    """The same uploads, summed once over everybody and once without dee; both records in perfect order."""
    signed = {name: world.receive(world.upload(name)) for name in NAMES}
    if verdicts:
        for name, verdict in signed.items():
            assert world.clients[name].verdict(verdict).accepted
    everybody = world.close()
    world.change("dee")
    return everybody, world.close()


def test_equivocation_of_the_set(world: World) -> None:
    """Ada is shown the sum with dee, bob the one without. Each is consistent; but both clients say in what they sign next which
    entry they adopted, and no announcement can hold both."""
    everybody, without = two_sets(world, verdicts=False)
    ada, bob = world.clients["ada"], world.clients["bob"]
    adopt(ada, everybody)
    adopt(bob, without)
    assert ada.chain.previous != bob.chain.previous
    server = Server(AGGREGATOR, everybody.chain, ROSTER, ROSTER_DIGEST)
    readies = {c.name: c.ready(WEIGHTS[c.name]) for c in (ada, bob)}
    honest = server.announce(readies.values(), now=NOW).open(Announcement, AGGREGATOR.verify_key)
    assert [p.client for p in honest.participants] == ["ada"]  # an honest one leaves bob out ...
    with refusal("ready", "statement", "another previous record", party="bob", round=1):
        raise server.refused_readies[0]
    both = tuple(Participant(client=n, weight=WEIGHTS[n], ready=r) for n, r in readies.items())
    forged = sign(changed(honest, participants=both), AGGREGATOR)
    with refusal("ready", "statement", "another previous record", party="bob", round=1):
        ada.upload(forged, numbers(1), now=NOW)  # ... and a dishonest one is found out by ada


def test_equivocation_of_the_set_to_the_one_left_out(world: World) -> None:
    """Dee holds a verdict that says accepted."""
    everybody, without = two_sets(world, verdicts=True)
    dee = world.clients["dee"]
    with refusal("result", "statement", "leaves out an upload that was accepted", party="dee", round=0):
        adopt(dee, without)
    adopt(dee, everybody)


def test_same_update_over_two_sets(world: World) -> None:
    """The difference of two sums is somebody's update: the second sum of the same uploads is adopted by nobody."""
    everybody, without = two_sets(world, verdicts=False)
    for name in NAMES:
        who = world.clients[name]
        adopt(who, everybody)
        with refusal("record", "chain", "does not follow the one before", round=1):
            adopt(who, without)


def test_same_update_over_two_sets_on_record(tmp_path: Path) -> None:
    """Both sums on record, one after the other: as the same round twice, and as a later round of which the clients know nothing."""
    world = play(lies=False, rounds=2)
    forgery = Forgery.of(world)
    forgery.rounds[1] = Forgery.of(world).rounds[0]
    clients_and_auditor_refuse(
        forgery, tmp_path / "twice", "record", "chain", "does not follow the one before", round=1
    )
    forgery.rounds[1].entry = changed(forgery.rounds[1].entry, round=1)
    forgery.rounds[1].announcement = changed(
        forgery.rounds[1].announcement,
        round=1,
        previous=sha256(forgery.entries()[0]),
        base=forgery.rounds[0].result.after,
    )
    forgery.resign(1)
    clients_and_auditor_refuse(
        forgery,
        tmp_path / "later",
        "ready",
        "statement",
        "made for another round",
        party="ada",
        round=1,
    )


def test_same_update_over_two_sets_with_new_readies(tmp_path: Path) -> None:
    """The next round's announcement is genuine; the uploads in it are those of the round before, over another set."""
    world = play(lies=False, rounds=2)
    forgery = Forgery.of(world)
    r = forgery.rounds[1]
    for name in ("ada", "bob", "cyd"):
        forgery.replace(1, name, forgery.upload(0, name))
    r.result = changed(r.result, accepted=r.result.accepted[:3], dropped=(silent("dee"), silent("eve")))
    r.body = changed(r.body, uploads=r.body.uploads[:3])
    forgery.resign(1)
    clients_and_auditor_refuse(
        forgery, tmp_path, "upload", "statement", "made for another session", party="ada", round=1
    )


def test_another_attempt_is_another_commitment(world: World) -> None:
    """A round that was given up is asked for again, of fewer: the same x under fresh blinds and a new proof, never the same upload.
    (That the aggregator may ask again is a limit of this version: it reads the uploads anyway.)"""
    ada = world.clients["ada"]
    first = ada.upload(world.announcement, numbers(1), now=NOW)
    again = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST, attempt=1)
    announced = again.announce([world.clients[n].ready(WEIGHTS[n], attempt=1) for n in NAMES[:2]], now=NOW)
    with refusal("upload", "statement", "made for another session", party="ada", round=0):
        again.receive(first.to_bytes())
    second = ada.upload(announced, numbers(1), now=NOW)
    assert second.values == first.values
    assert second.points != first.points
    assert second.blinds != first.blinds
    assert again.receive(second.to_bytes()).open(Verdict, AGGREGATOR.verify_key).accepted


# -- two models ------------------------------------------------------------------------------------------------------


def test_equivocation_of_the_model(world: World) -> None:
    """Another base model for one client: what it would learn from shows in its update. By digest, by commitment, or both."""
    other = replace(start(), W=start().W + 1).state
    for state in (
        changed(start().state, weights=ZERO),
        changed(start().state, commitment=other.commitment),
        other,
    ):
        with refusal("announcement", "chain", "another base model", round=0):
            world.clients["ada"].upload(told(world, base=state), numbers(1), now=NOW)


def test_equivocation_of_the_model_after_a_round(world: World) -> None:
    """The next round starts from a model that does not follow from the last sum: ada has her own."""
    for name in NAMES:
        assert world.send(world.upload(name))[0]
    closed = world.close()
    adopt(world.clients["ada"], closed)
    moved = replace(closed.chain, W=closed.chain.W + 1)
    server = Server(AGGREGATOR, moved, ROSTER, ROSTER_DIGEST)
    announced = server.announce([world.clients["ada"].ready(WEIGHTS["ada"])], now=NOW)
    with refusal("announcement", "chain", "another base model", round=1):
        world.clients["ada"].upload(announced, numbers(1), now=NOW)


# -- a roster of yesterday ---------------------------------------------------------------------------------------------


def without(name: str) -> tuple[Roster, bytes]:
    """The next version of the roster, on which somebody is missing; and its digest."""
    members = tuple(m for m in ROSTER.members if m.client != name)
    following = ROSTER.model_copy(update={"version": 2, "previous": ROSTER_DIGEST, "members": members})
    return following, endorse(following, ENDORSER).digest()


def test_stale_roster(world: World) -> None:
    """The board took dee off the roster. Clients that hold the new version do not answer a round under the old one; under the new
    one dee is nobody, whatever she signs."""
    roster, digest = without("dee")
    ada = Client("ada", KEYS["ada"], AGGREGATOR.verify_key, roster, digest, start())
    ada.ready(WEIGHTS["ada"])
    with refusal("announcement", "trust", "another roster", round=0):
        ada.upload(world.announcement, numbers(1), now=NOW)
    server = Server(AGGREGATOR, start(), roster, digest)
    following = [Client(n, KEYS[n], AGGREGATOR.verify_key, roster, digest, start()) for n in NAMES[:3]]
    old = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    readies = [p.ready for p in old.participants]
    with refusal("announcement", "statement", "nobody is ready", round=0):
        server.announce(readies, now=NOW)  # they answer rounds under the old roster
    with refusal("ready", "trust", "another roster", party="ada", round=0):
        raise server.refused_readies[0]
    honest = server.announce([*(c.ready(WEIGHTS[c.name]) for c in following), readies[3]], now=NOW)
    with refusal("roster", "trust", "not a member", party="dee"):
        raise server.refused_readies[0]
    opened = honest.open(Announcement, AGGREGATOR.verify_key)
    for participants, subject, party in (
        ((*opened.participants, old.participants[3]), "roster", "dee"),
        (old.participants, "ready", "ada"),
    ):
        forged = sign(changed(opened, participants=participants), AGGREGATOR)
        with refusal(subject, "trust", "not a member|another roster", party=party):
            ada.upload(forged, numbers(1), now=NOW)


def test_stale_roster_in_a_bundle(tmp_path: Path) -> None:
    """An auditor who knows that a key counts no more refuses the rounds that counted it; so does one to whom the new version is shown
    beside rounds under the old one."""
    world = play(lies=False, rounds=1)
    key = world.clients["dee"].verify_key.raw
    auditor_refuses(
        Forgery.of(world),
        tmp_path / "revoked",
        "roster",
        "trust",
        "revokes its key",
        party="dee",
        round=0,
        revoked=frozenset({key}),
    )
    held = Roster.from_bytes(world.roster.payload)
    members = tuple(m for m in held.members if m.client != "dee")
    following = held.model_copy(update={"version": 2, "previous": world.roster.digest(), "members": members})
    forgery = Forgery.of(world)
    forgery.roster = endorse(following, world.endorser).to_bytes()
    auditor_refuses(forgery, tmp_path / "new", "announcement", "trust", "another roster", round=0)
