"""A dishonest aggregator against a real client: what it refuses to answer, and what it refuses to adopt."""

from typing import Any

import pytest

from fedproof.encoding.digest import ZERO
from fedproof.errors import Refused
from fedproof.identity.roster import Member, Roster, endorse, open_roster
from fedproof.identity.signed import sign
from fedproof.round.client import Client
from fedproof.round.messages import Announcement, Participant, Ready, Verdict
from tests.round.world import (
    AGGREGATOR,
    ENDORSERS,
    KEYS,
    NAMES,
    NOW,
    ROSTER,
    ROSTER_DIGEST,
    STRANGER,
    World,
    client,
    numbers,
    played,
    policy,
    start,
)


@pytest.fixture
def world() -> World:
    return World.announced()


def changed(world: World, **changes: Any) -> Any:
    announcement = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    return sign(announcement.model_copy(update=changes), AGGREGATOR)


@pytest.mark.parametrize(
    ("field", "value", "stage"),
    [
        ("policy", ZERO, "policy"),
        ("roster", ZERO, "trust"),
        ("layout", ZERO, "chain"),
        ("previous", bytes([1] * 32), "chain"),
        ("round", 1, "chain"),
        ("federation", "other", "policy"),
        ("suite", "bn254-keccak-ed25519-v1", "policy"),
        ("attempt", 1, "ready statement"),
        ("time", NOW + 301, "expiry"),
    ],
)
def test_an_announcement_of_something_else(world: World, field: str, value: object, stage: str) -> None:
    with pytest.raises(Refused) as refused:
        world.clients["ada"].upload(changed(world, **{field: value}), numbers(1), now=NOW)
    subject, _, last = stage.rpartition(" ")
    assert (refused.value.subject, refused.value.stage) == (subject or "announcement", last)


def test_another_base_model(world: World) -> None:
    base = start().state.model_copy(update={"weights": ZERO})
    with pytest.raises(Refused, match="base model") as refused:
        world.clients["ada"].upload(changed(world, base=base), numbers(1), now=NOW)
    assert refused.value.stage == "chain"


def test_an_announcement_by_somebody_else(world: World) -> None:
    forged = sign(world.announcement.open(Announcement, AGGREGATOR.verify_key), STRANGER)
    with pytest.raises(Refused) as refused:
        world.clients["ada"].upload(forged, numbers(1), now=NOW)
    assert refused.value.stage == "signature"


def test_weights_that_nobody_declared(world: World) -> None:
    announcement = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    for name, weight in (("bob", 9), ("ada", 9)):
        people = tuple(
            p.model_copy(update={"weight": weight}) if p.client == name else p
            for p in announcement.participants
        )
        with pytest.raises(Refused) as refused:
            world.clients["ada"].upload(changed(world, participants=people), numbers(1), now=NOW)
        assert refused.value.stage == "statement"


def test_a_weight_above_the_policys(world: World) -> None:
    """Signed by its client all the same: the cap is the policy's."""
    announcement = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    ready = announcement.participants[1].ready.open(Ready, KEYS["bob"].verify_key)
    greedy = sign(ready.model_copy(update={"weight": 11}), KEYS["bob"])
    people = list(announcement.participants)
    people[1] = Participant(client="bob", weight=11, ready=greedy)
    with pytest.raises(Refused, match="above the policy") as refused:
        world.clients["ada"].upload(changed(world, participants=tuple(people)), numbers(1), now=NOW)
    assert refused.value.stage == "policy"


@pytest.mark.parametrize(("field", "stage"), [("policy", "policy"), ("roster", "trust")])
def test_a_ready_that_was_meant_for_something_else(world: World, field: str, stage: str) -> None:
    """Round 0 follows no record that would tell: another policy's or roster's participant is named."""
    announcement = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    people = list(announcement.participants)
    ready = people[1].ready.open(Ready, KEYS["bob"].verify_key)
    elsewhere = sign(ready.model_copy(update={field: ZERO}), KEYS["bob"])
    people[1] = people[1].model_copy(update={"ready": elsewhere})
    with pytest.raises(Refused) as refused:
        world.clients["ada"].upload(changed(world, participants=tuple(people)), numbers(1), now=NOW)
    assert (refused.value.subject, refused.value.stage, refused.value.party) == ("ready", stage, "bob")


def test_a_participant_outside_the_roster(world: World) -> None:
    announcement = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    ready = announcement.participants[3].ready.open(Ready, KEYS["dee"].verify_key)
    stranger = Participant(
        client="zed", weight=4, ready=sign(ready.model_copy(update={"client": "zed"}), STRANGER)
    )
    with pytest.raises(Refused) as refused:
        world.clients["ada"].upload(
            changed(world, participants=(*announcement.participants, stranger)), numbers(1), now=NOW
        )
    assert (refused.value.subject, refused.value.stage) == ("roster", "trust")


def test_a_second_announcement(world: World) -> None:
    """Another nonce, all else equal: two clients could be shown different rounds."""
    world.upload("ada")
    with pytest.raises(Refused, match="a second announcement"):
        world.clients["ada"].upload(changed(world, nonce=bytes([9] * 32)), numbers(1), now=NOW)
    world.upload("ada")  # the first one stays good


def test_a_client_that_declared_nothing(world: World) -> None:
    with pytest.raises(Refused, match="weight that this client declared"):
        client("ada").upload(world.announcement, numbers(1), now=NOW)


def test_its_own_weight_above_the_cap() -> None:
    for weight in (0, 11):
        with pytest.raises(Refused):
            client("ada").ready(weight)


def test_a_roster_that_no_endorser_signed() -> None:
    own = Roster(
        version=1,
        federation="tests",
        endorser="board",
        previous=None,
        members=(Member(client="ada", key=KEYS["ada"].verify_key.raw),),
    )
    with pytest.raises(Refused) as refused:
        open_roster(endorse(own, AGGREGATOR), ENDORSERS, "tests")
    assert refused.value.stage == "signature"
    with pytest.raises(Refused, match="another key"):
        Client("ada", KEYS["bob"], AGGREGATOR.verify_key, ROSTER, ROSTER_DIGEST, start())


def test_verdicts_about_something_else(world: World) -> None:
    upload = world.upload("ada")
    verdict = world.server.receive(upload.to_bytes()).open(Verdict, AGGREGATOR.verify_key)
    world.clients["ada"].verdict(sign(verdict, AGGREGATOR))
    for change in ({"client": "bob"}, {"header": ZERO}, {"session": ZERO}):
        with pytest.raises(Refused):
            world.clients["ada"].verdict(sign(verdict.model_copy(update=change), AGGREGATOR))
    with pytest.raises(Refused):
        world.clients["ada"].verdict(sign(verdict, STRANGER))


def test_clients_adopt_and_go_on() -> None:
    world, closed = played()
    for c in world.clients.values():
        report = c.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
        assert [name for name, _ in report.accepted] == list(NAMES[:3])
        assert (c.chain.W == closed.chain.W).all()
        assert c.chain.state == closed.chain.state
    following = World.announced(closed.chain, world.clients)
    assert following.send(following.upload("dee"))[0]


def test_an_upload_that_it_did_not_make() -> None:
    """Its key was stolen: somebody else's upload in its name is in the sum."""
    world, closed = played(liar=False)
    honest = client("ada")
    honest.declared[0, 0] = 3
    honest.check(world.announcement, now=NOW)
    with pytest.raises(Refused, match="did not make"):
        honest.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])


def test_a_policy_of_its_own() -> None:
    stricter = client("ada", start(policy(max_abs="999")))
    world, _ = played()
    stricter.declared[0, 0] = 3
    with pytest.raises(Refused) as refused:
        stricter.upload(world.announcement, numbers(1), now=NOW)
    assert refused.value.stage == "policy"
