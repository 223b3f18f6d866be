"""Dishonest clients against the real aggregator: each is refused, at the stage that its lie belongs to."""

import numpy as np
import pytest

from fedproof.encoding import cbor
from fedproof.errors import Refused
from fedproof.identity.signed import sign
from fedproof.round.messages import Announcement, Ready, Total, UploadHeader
from fedproof.round.server import Server
from tests.round.world import (
    AGGREGATOR,
    KEYS,
    NAMES,
    ROSTER,
    ROSTER_DIGEST,
    STRANGER,
    WEIGHTS,
    World,
    client,
    numbers,
    reheaded,
    start,
)


@pytest.fixture
def world() -> World:
    return World.announced()


def test_an_honest_round(world: World) -> None:
    xs = {n: numbers(ord(n[0])) for n in NAMES}
    assert all(world.send(world.upload(n, x)) == (True, "", "") for n, x in xs.items())
    closed = world.close()
    assert [a.client for a in closed.result.accepted] == list(NAMES)
    assert closed.result.total is not None
    total = Total.from_bytes(closed.blobs[closed.result.total])
    assert (np.frombuffer(total.values, "<i8") == sum(WEIGHTS[n] * x for n, x in xs.items())).all()
    expected = start().W + np.floor_divide(2 * sum(WEIGHTS[n] * x for n, x in xs.items()) + 14, 28)
    assert (expected == closed.chain.W).all()


def test_the_honest_prover_does_not_prove_a_lie(world: World) -> None:
    with pytest.raises(Refused, match="coordinate is out of bounds") as refused:
        world.upload("dee", numbers(1) * 50)
    assert (refused.value.subject, refused.value.stage) == ("bounded update", "witness")


def test_values_that_do_not_open_the_commitment(world: World) -> None:
    upload = world.upload("dee")
    for change in (
        {"values": (np.frombuffer(upload.values, "<i4") + 1).astype("<i4").tobytes()},
        {"values": upload.values[:-4]},
        {"blinds": upload.blinds[:-1] + bytes([upload.blinds[-1] ^ 1])},
    ):
        fresh = World.announced()
        bad = reheaded(fresh.upload("dee"), "dee")
        values = {**change}
        if "values" in change and len(change["values"]) == len(bad.values):
            values["values"] = (np.frombuffer(bad.values, "<i4") + 1).astype("<i4").tobytes()
        accepted, _, stage = fresh.send(bad.model_copy(update=values))
        assert (accepted, stage) == (False, "opening")
        dropped = {d.client: d for d in fresh.server.close(opened=1, now=2).result.dropped}["dee"]
        assert not dropped.evidence  # only the aggregator saw the clear values


def test_parts_that_the_header_does_not_name(world: World) -> None:
    upload, other = world.upload("dee"), World.announced().upload("dee")
    for part in ("proof", "points"):
        fresh = World.announced()
        bad = reheaded(upload, "dee", session=fresh.server.session).model_copy(
            update={part: getattr(other, part)}
        )
        with pytest.raises(Refused) as refused:
            fresh.send(bad)
        assert (refused.value.subject, refused.value.stage) == ("upload", "digest")
        assert fresh.send(fresh.upload("dee"))[0]  # nothing of it stands against the client


def test_points_that_are_none(world: World) -> None:
    upload = world.upload("dee")
    for points, stage in ((b"\xff" * len(upload.points), "decoding"), (upload.points * 2, "shape")):
        with pytest.raises(Refused) as refused:
            world.send(upload.model_copy(update={"points": points}))
        assert refused.value.stage == stage
    assert world.send(upload)[0]


def test_the_same_upload_again_and_a_second_one(world: World) -> None:
    first, second = world.upload("dee"), world.upload("dee")
    verdict = world.server.receive(first.to_bytes())
    assert world.server.receive(first.to_bytes()) == verdict
    with pytest.raises(Refused, match="the first stands"):
        world.server.receive(second.to_bytes())
    assert world.server.waiting_for() == ["ada", "bob", "cyd"]


@pytest.mark.parametrize(
    "case", ["stranger", "not a participant", "unsigned", "other kind", "garbage", "huge"]
)
def test_nobody_answers_for_it(world: World, case: str) -> None:
    upload = world.upload("dee")
    header = upload.header.open(UploadHeader, KEYS["dee"].verify_key)
    match case:
        case "stranger":
            data = upload.model_copy(update={"header": sign(header, STRANGER)}).to_bytes()
        case "not a participant":
            named = header.model_copy(update={"client": "zed"})
            data = upload.model_copy(update={"header": sign(named, STRANGER)}).to_bytes()
        case "unsigned":
            broken = upload.header.model_copy(update={"signature": bytes(64)})
            data = upload.model_copy(update={"header": broken}).to_bytes()
        case "other kind":
            data = upload.model_copy(update={"header": client("dee").ready(1)}).to_bytes()
        case "garbage":
            data = b"\xa1" * 100
        case _:
            data = upload.model_copy(update={"values": bytes(1 << 22)}).to_bytes()
    with pytest.raises(Refused):
        world.server.receive(data)
    assert "dee" in world.server.waiting_for()  # nothing of it stands against the client


def test_readies_out_of_order() -> None:
    server = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST)
    good = client("ada").ready(3)
    ready = good.open(Ready, KEYS["ada"].verify_key)
    bad = [
        sign(ready.model_copy(update={"client": "bob", "round": 5}), KEYS["bob"]),
        sign(ready.model_copy(update={"client": "cyd", "weight": 11}), KEYS["cyd"]),
        sign(ready.model_copy(update={"client": "dee"}), STRANGER),
        sign(ready.model_copy(update={"client": "zed"}), STRANGER),
    ]
    server.announce([good, *bad])
    assert len(server.refused_readies) == len(bad)
    assert server.waiting_for() == ["ada"]
    with pytest.raises(Refused):
        Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST).announce([])


def test_a_ready_twice() -> None:
    """Anybody can send a copy of a message: that stops no round."""
    server = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST)
    first, other = client("ada").ready(3), client("ada").ready(4)
    announcement = server.announce([first, first, other, client("bob").ready(5)])
    opened = announcement.open(Announcement, AGGREGATOR.verify_key)
    assert [(p.client, p.weight) for p in opened.participants] == [("ada", 3), ("bob", 5)]
    assert ["the first stands" in str(e) for e in server.refused_readies] == [True]


def test_names_that_nobody_has_are_not_repeated(world: World) -> None:
    upload = world.upload("dee")
    for name in ("\x1b[2JVERIFIED", "a" * 5000, "Dee", "dee\n"):
        forged = upload.header.model_copy(update={"payload": cbor.encode({"client": name})})
        with pytest.raises(Refused, match="names no client") as refused:
            world.server.receive(upload.model_copy(update={"header": forged}).to_bytes())
        assert refused.value.party is None


def test_too_few_accepted_is_a_void_round(world: World) -> None:
    assert world.send(world.upload("ada"))[0]
    closed = world.close()
    assert closed.result.void
    assert closed.result.total is None
    assert (closed.chain.W == start().W).all()
    assert {d.kind for d in closed.result.dropped} == {"dropped"}
