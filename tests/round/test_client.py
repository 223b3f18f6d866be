"""A dishonest aggregator against a real client: what it refuses to answer, and what it refuses to adopt."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedproof.encoding.digest import ZERO, sha256
from fedproof.errors import Malformed, Refused
from fedproof.identity.roster import Member, Roster, endorse, open_roster
from fedproof.identity.signed import sign
from fedproof.round.client import Client
from fedproof.round.closing import Closed
from fedproof.round.messages import Announcement, Participant, Ready, Total, Verdict
from fedproof.round.record import RoundBody, RoundEntry
from fedproof.round.server import Server
from fedproof.round.verify import Read
from tests.round.world import (
    AGGREGATOR,
    ENDORSERS,
    KEYS,
    LAYOUT,
    NAMES,
    NOW,
    ROSTER,
    ROSTER_DIGEST,
    STRANGER,
    WEIGHTS,
    World,
    ada_at,
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


def test_an_announcement_that_was_not_checked_is_not_answered(world: World) -> None:
    """Nothing would remember that it was: a second update could go into the same round."""
    announcement = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    ada = world.clients["ada"]
    with pytest.raises(Refused, match="nothing would remember the answer"):
        ada.answer(announcement, numbers(1))
    ada.answer(ada.check(world.announcement, now=NOW), numbers(1))
    with pytest.raises(Refused, match="answered already"):
        ada.answer(announcement, numbers(2))
    bob = world.clients["bob"]
    bob.check(world.announcement, now=NOW)
    bob.ended = 0
    with pytest.raises(Refused, match="it is over"):
        bob.answer(announcement, numbers(1))
    bob.ended = None
    bob.attempts.declare((0, 1), WEIGHTS["bob"]).session = ZERO
    with pytest.raises(Refused, match="an attempt that was given up"):
        bob.answer(announcement, numbers(1))


def test_a_verdict_after_the_record(world: World) -> None:
    """It says nothing new, and nothing is wrong."""
    upload = world.upload("ada")
    verdict = world.server.receive(upload.to_bytes())
    for name in ("bob", "cyd"):
        world.send(world.upload(name))
    closed = world.close()
    ada = world.clients["ada"]
    ada.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    with pytest.raises(Refused, match="of no round that is open here"):
        ada.verdict(verdict)


def test_a_ready_in_somebody_elses_name(world: World) -> None:
    """Bob signs that cyd is ready: no aggregator makes of it that bob is."""
    people = list(world.announcement.open(Announcement, AGGREGATOR.verify_key).participants)
    ready = people[1].ready.open(Ready, KEYS["bob"].verify_key)
    swapped = sign(ready.model_copy(update={"client": "cyd"}), KEYS["bob"])
    people[1] = people[1].model_copy(update={"ready": swapped})
    with pytest.raises(Refused, match="signed for another client") as refused:
        world.clients["ada"].upload(changed(world, participants=tuple(people)), numbers(1), now=NOW)
    assert (refused.value.subject, refused.value.stage, refused.value.party) == ("ready", "statement", "bob")


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


def test_a_client_that_declared_nothing(world: World) -> None:
    with pytest.raises(Refused, match="weight that this client declared"):
        client("ada").upload(world.announcement, numbers(1), now=NOW)


def test_a_client_that_was_left_out(world: World) -> None:
    server = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST)
    others = server.announce([world.clients["bob"].ready(5)], now=NOW)
    for ada in (world.clients["ada"], client("ada")):  # one that signed up, and one that did not
        with pytest.raises(Refused, match="this client is not among the participants") as refused:
            ada.upload(others, numbers(1), now=NOW)
        assert (refused.value.subject, refused.value.stage) == ("announcement", "statement")
        assert not [said for said in ada.attempts.values() if said.session]


def test_a_weight_that_is_not_the_declared_one_is_named(world: World) -> None:
    ada = world.clients["ada"]
    ada.attempts.declare((0, 0), 7)
    with pytest.raises(Refused, match="weight 3 is not the weight that this client declared: 7"):
        ada.upload(world.announcement, numbers(1), now=NOW)


def test_its_own_weight_above_the_cap() -> None:
    for weight in (0, 11):
        detail = rf"weight {weight} is not within the policy's 1 to 10 \(update.weights.max\)"
        with pytest.raises(Refused, match=detail) as refused:
            client("ada").ready(weight)
        said = refused.value
        assert (said.subject, said.stage, said.party, said.round) == ("ready", "policy", "ada", 0)


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
    honest.attempts.declare((0, 0), 3)
    honest.check(world.announcement, now=NOW)
    with pytest.raises(Refused, match="did not make"):
        honest.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])


def test_an_upload_that_it_did_not_make_and_that_failed() -> None:
    """It is in no sum; the record calls dee a cheat all the same, and who has its key may be at work elsewhere."""
    world, closed = played()
    honest = client("dee")
    honest.attempts.declare((0, 0), WEIGHTS["dee"])
    honest.check(world.announcement, now=NOW)
    with pytest.raises(Refused, match="in this client's name that it did not make") as refused:
        honest.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    assert (refused.value.subject, refused.value.stage) == ("result", "statement")
    assert honest.chain.round == 0


WRONG = [
    (np.zeros(34, np.int64), "shape", "34 coordinates, the model's layout has 35"),
    (np.zeros(36, np.int64), "shape", "36 coordinates, the model's layout has 35"),
    (np.zeros(0, np.int64), "shape", "0 coordinates, the model's layout has 35"),
    (np.zeros((35, 1), np.int64), "shape", r"of shape \(35, 1\), an update is one vector of 35"),
    (np.array(1), "shape", r"of shape \(\)"),
    (np.full(35, 0.01, np.float32), "statement", "dtype is float32.*quantise .* `Client.update`"),
    (np.zeros(35), "statement", "dtype is float64"),
    (np.zeros(35, bool), "statement", "dtype is bool"),
    (np.zeros(35, object), "statement", "dtype is object"),
    (np.zeros(35, "m8[s]"), "statement", "dtype is timedelta64"),
    ([0] * 35, "statement", "of type list, not a numpy array.*`Client.update`"),
    ({"w": np.zeros(30), "b": np.zeros(5)}, "statement", "of type dict, not a numpy array.*`Client.update`"),
    (None, "statement", "of type NoneType"),
    (np.ma.array(np.zeros(35, np.int64), mask=True), "statement", "of type MaskedArray"),
    (np.full(35, 1 << 31), "statement", "no place in 32 bits"),
    (np.full(35, -(1 << 31) - 1), "statement", "no place in 32 bits"),
    (np.full(35, (1 << 64) - 1, np.uint64), "statement", "no place in 32 bits"),
]


@pytest.mark.parametrize(("x", "stage", "detail"), WRONG)
def test_what_is_no_update_is_refused_before_it_is_signed(
    world: World, tmp_path: Path, x: Any, stage: str, detail: str
) -> None:
    """And costs nothing: the right one can follow."""
    node = ada_at(tmp_path)
    node.ready(3)
    for upload in (
        lambda: node.upload(world.announcement, x),
        lambda: world.clients["ada"].upload(world.announcement, x, now=NOW),
    ):
        with pytest.raises(Refused, match=detail) as refused:
            upload()
        said = refused.value
        assert (said.subject, said.stage, said.party, said.round) == ("update", stage, "ada", 0)
    for held in (node.client, world.clients["ada"]):
        assert not [said for said in held.attempts.values() if said.header]
    assert not (tmp_path / "upload.sealed").exists()
    assert node.audit.events()[-1]["event"] == "refused"
    assert world.send(node.upload(world.announcement, numbers(1)))[0]


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", ">i8", "u8"])
def test_an_update_of_any_integer_type(world: World, dtype: str) -> None:
    x = np.arange(2 * LAYOUT.size, dtype=dtype)[::2]  # nor need it lie in one piece
    upload = world.upload("ada", x)  # type: ignore[arg-type]
    assert (np.frombuffer(upload.values, "<i4") == 2 * np.arange(LAYOUT.size)).all()
    assert world.send(upload)[0]


def test_an_update_beyond_the_bounds_does_not_spend_the_answer(world: World) -> None:
    with pytest.raises(Refused) as refused:
        world.upload("ada", np.full(LAYOUT.size, 1001))
    assert (refused.value.subject, refused.value.stage) == ("bounded update", "witness")
    assert world.send(world.upload("ada"))[0]


def test_a_policy_of_its_own() -> None:
    stricter = client("ada", start(policy(max_abs="999")))
    world, _ = played()
    stricter.attempts.declare((0, 0), 3)
    with pytest.raises(Refused) as refused:
        stricter.upload(world.announcement, numbers(1), now=NOW)
    assert refused.value.stage == "policy"


def spoiled(closed: Closed) -> tuple[bytes, Read]:
    """A record whose total is off by one, which the aggregator signed."""
    record = RoundEntry.from_bytes(closed.entry)
    body = RoundBody.from_bytes(closed.blobs[record.body])
    assert closed.result.total is not None
    total = Total.from_bytes(closed.blobs[closed.result.total])
    lie = total.model_copy(update={"values": bytes([total.values[0] ^ 1]) + total.values[1:]}).to_bytes()
    result = sign(closed.result.model_copy(update={"total": sha256(lie)}), AGGREGATOR)
    changed_body = body.model_copy(update={"result": result}).to_bytes()
    blobs = {**closed.blobs, sha256(lie): lie, sha256(changed_body): changed_body}
    entry = record.model_copy(update={"body": sha256(changed_body)}).to_bytes()
    return entry, lambda name, _what, _limit: blobs[name]


def test_no_other_attempt_at_a_round_that_is_over(tmp_path: Path) -> None:
    """The aggregator signed a result, and it is false. It may not have this client's update once more, over another set."""
    world = World.announced()
    node = ada_at(tmp_path)
    node.ready(3)
    node.upload(world.announcement, numbers(1))
    for name in NAMES[1:]:
        world.send(world.upload(name))
    closed = world.close()
    entry, read = spoiled(closed)
    with pytest.raises(Refused) as refused:
        node.adopt(entry, read)
    assert (refused.value.subject, refused.value.stage) == ("honest aggregate", "argument")
    assert node.client.chain.round == 0
    again = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST, attempt=1)
    announcement = again.announce([node.ready(3, attempt=1)], now=NOW)
    for signed in (announcement, world.announcement):
        with pytest.raises(Refused, match="it is over") as refused:
            node.upload(signed, numbers(1))
        assert (refused.value.subject, refused.value.stage) == ("announcement", "chain")
    last = ada_at(tmp_path)
    with pytest.raises(Refused, match="it is over"):  # remembered
        last.upload(announcement, numbers(1))
    last.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])  # the good record still counts
    following = Server(AGGREGATOR, closed.chain, ROSTER, ROSTER_DIGEST)
    last.upload(following.announce([last.ready(3)], now=NOW), numbers(1))


def test_a_record_that_was_changed_on_its_way_ends_no_round() -> None:
    """Only the aggregator's signature does: else anybody could keep a client from another attempt."""
    world = World.announced()
    ada = world.clients["ada"]
    for name in NAMES[1:]:
        world.send(world.upload(name))
    closed = world.close()
    record = RoundEntry.from_bytes(closed.entry)
    body = RoundBody.from_bytes(closed.blobs[record.body])
    forged = body.model_copy(update={"result": sign(closed.result, STRANGER)}).to_bytes()
    for entry, blob in (
        (closed.entry[:-1], b""),
        (record.model_copy(update={"previous": bytes([1] * 32)}).to_bytes(), b""),
        (closed.entry, b"junk"),
        (closed.entry, forged),
    ):
        with pytest.raises((Refused, Malformed)):
            ada.adopt(entry, lambda _name, _what, _limit, blob=blob: blob)  # type: ignore[misc]
    again = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST, attempt=1)
    ada.upload(again.announce([ada.ready(3, attempt=1)], now=NOW), numbers(1), now=NOW)


def test_an_earlier_attempt_played_back(world: World) -> None:
    """Both announcements were signed in good faith; whoever plays the first back gets nothing, and nothing is spoiled."""
    ada = world.clients["ada"]
    ada.upload(world.announcement, numbers(1), now=NOW)
    again = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST, attempt=1)
    ready = {n: world.clients[n].ready(WEIGHTS[n], attempt=1) for n in NAMES}
    announced = again.announce(list(ready.values()), now=NOW)
    counted = ada.upload(announced, numbers(1), now=NOW)
    with pytest.raises(Refused, match="a later one") as refused:
        ada.upload(world.announcement, numbers(1), now=NOW)
    assert (refused.value.subject, refused.value.stage) == ("announcement", "chain")
    with pytest.raises(Refused, match="one announcement gets one upload"):
        ada.upload(announced, numbers(1), now=NOW)
    for name in NAMES:
        upload = counted if name == "ada" else world.clients[name].upload(announced, numbers(2), now=NOW)
        again.receive(upload.to_bytes())
    closed = again.close(now=NOW + 1)
    assert ada.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name]).attempt == 1


def test_nothing_in_a_record_is_unsigned() -> None:
    """Else whoever carries a record could make another one that holds, and a client would follow a chain that nobody else has."""
    closed = played()[1]
    body = RoundBody.from_bytes(closed.blobs[RoundEntry.from_bytes(closed.entry).body])
    assert set(RoundBody.model_fields) == {"announcement", "result", "uploads"}
    assert set(type(body.uploads[0]).model_fields) == {
        *("client", "header", "verdict"),  # signed, and `client` is the header's
        *(
            "points",
            "proof",
            "opening",
        ),  # digests: of what the header names, of a commitment with the header's root
    }
