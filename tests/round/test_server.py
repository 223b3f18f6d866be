"""Dishonest clients against the real aggregator: each is refused, at the stage that its lie belongs to."""

import gc
from dataclasses import replace
from typing import Any
from weakref import ref

import numpy as np
import pytest

from fedproof.encoding import cbor
from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.signed import Signed, sign
from fedproof.policy.policy import Policy
from fedproof.proofs import Opening
from fedproof.round import uploads as uploads_module
from fedproof.round.chain import Chain
from fedproof.round.messages import Announcement, Ready, Total, Upload, UploadHeader
from fedproof.round.record import RoundBody, RoundEntry
from fedproof.round.rules import MAX_PROOF, context
from fedproof.round.server import Server
from tests.round.world import (
    AGGREGATOR,
    BASE_FILE,
    KEYS,
    NAMES,
    NOW,
    OPENING,
    POLICY,
    ROSTER,
    ROSTER_DIGEST,
    STRANGER,
    WEIGHTS,
    World,
    client,
    forge,
    numbers,
    policy,
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


def test_an_accepted_update_is_held_only_while_it_is_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sum is a running one."""
    seen: list[ref[object]] = []
    check = uploads_module.check_clear_values

    def watched(*args: Any) -> Opening:
        opening = check(*args)
        seen.extend((ref(opening), ref(opening.values), ref(args[-1])))
        return opening

    monkeypatch.setattr(uploads_module, "check_clear_values", watched)
    for count, name in enumerate(NAMES, start=1):
        assert world.send(world.upload(name)) == (True, "", "")
        gc.collect()
        assert [r() for r in seen] == [None] * 3 * count
    forge(world.close())()


def test_the_honest_prover_does_not_prove_a_lie(world: World) -> None:
    with pytest.raises(Refused, match="coordinate is out of bounds") as refused:
        world.upload("dee", numbers(1) * 50)
    assert (refused.value.subject, refused.value.stage) == ("bounded update", "witness")


def mangled(upload: Upload) -> list[Upload]:
    """With other clear values: one more in each, one fewer, another blind, a blind too few, the same bytes cut elsewhere, and another salt
    (which changes nothing that opens)."""
    values, blinds = upload.values, upload.blinds
    return [
        upload.model_copy(update=change)
        for change in (
            {"values": (np.frombuffer(values, "<i4") + 1).astype("<i4").tobytes()},
            {"values": values[:-4]},
            {"values": b""},
            {"blinds": blinds[:-1] + bytes([blinds[-1] ^ 1])},
            {"blinds": blinds[:-32]},
            {"values": values[4:], "blinds": blinds + values[:4]},
            {"salt": bytes(32)},
        )
    ]


@pytest.mark.parametrize("case", range(7))
def test_clear_values_changed_on_their_way(world: World, case: int) -> None:
    """Nobody signed for them: the honest client is not refused for what somebody else did, and its next try counts."""
    upload = world.upload("dee")
    with pytest.raises(Refused, match="not the ones in the signed header") as refused:
        world.send(mangled(upload)[case])
    assert (refused.value.subject, refused.value.stage, refused.value.party) == ("upload", "digest", "dee")
    assert "dee" in world.server.waiting_for()
    assert world.send(upload) == (True, "", "")


@pytest.mark.parametrize("case", [0, 3])
def test_signed_values_that_do_not_open_the_commitment(world: World, case: int) -> None:
    """Its client signed for them: the record shows it to everybody."""
    for name in NAMES[:3]:
        world.send(world.upload(name))
    bad = mangled(world.upload("dee"))[case]
    signed = reheaded(bad, "dee", opening=bad.opening().digest())
    accepted, _, stage = world.send(signed)
    assert not accepted
    assert stage == "opening"
    closed = world.close()
    assert [(d.client, d.kind) for d in closed.result.dropped] == [("dee", "refused")]
    report = forge(closed)()
    assert [(d.client, d.stage) for d in report.dropped] == [("dee", stage)]
    body = RoundBody.from_bytes(closed.blobs[RoundEntry.from_bytes(closed.entry).body])
    shown = {u.client: u.opening for u in body.uploads}
    assert shown.pop("dee") == sha256(bad.opening().to_bytes())
    assert set(shown.values()) == {None}  # of nobody else


@pytest.mark.parametrize("case", [1, 2, 4, 5, "huge"])
def test_signed_values_of_another_length(world: World, case: int | str) -> None:
    """They could open nothing, and no record has room for them: nothing is kept, and the round goes on."""
    honest = world.upload("dee")
    bad = honest.model_copy(update={"blinds": bytes(10**6)}) if case == "huge" else mangled(honest)[int(case)]
    with pytest.raises(Refused, match="bytes of values") as refused:
        world.send(reheaded(bad, "dee", opening=bad.opening().digest()))
    assert (refused.value.subject, refused.value.stage) == ("upload", "shape")
    for name in NAMES[:3]:
        world.send(world.upload(name))
    forge(world.close())()


def test_an_honest_client_signs_for_nothing_that_does_not_open(world: World) -> None:
    """What 32 bits cannot hold would be cut, and stand against it."""
    held = Policy.parse(POLICY + OPENING)
    chain = Chain.start(held, BASE_FILE)
    one = client("dee", chain)
    announcement = Server(AGGREGATOR, chain, ROSTER, ROSTER_DIGEST).announce([one.ready(1)], now=NOW)
    x = np.where(np.arange(35) == 3, 1 << 31, 0).astype(np.int64)
    with pytest.raises(Refused, match="32 bits"):
        one.upload(announcement, x, now=NOW)


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


def test_a_proof_that_no_record_can_hold(world: World) -> None:
    """It fails, and would have to be shown: nobody reads a record with one so long, so it stands against nobody."""
    proof = bytes(MAX_PROOF + 1)
    long = reheaded(world.upload("dee"), "dee", proof=sha256(proof)).model_copy(update={"proof": proof})
    with pytest.raises(Refused) as refused:
        world.send(long)
    assert (refused.value.subject, refused.value.stage, refused.value.party) == ("upload", "digest", "dee")
    for name in NAMES[:3]:
        world.send(world.upload(name))
    forge(world.close())()


def test_points_that_are_none(world: World) -> None:
    upload = world.upload("dee")
    for points, stage in ((b"\xff" * len(upload.points), "decoding"), (upload.points * 2, "shape")):
        with pytest.raises(Refused) as refused:
            world.send(upload.model_copy(update={"points": points}))
        assert (refused.value.stage, refused.value.party) == (stage, "dee")
    assert world.send(upload)[0]


def test_the_same_upload_again_and_a_second_one(world: World) -> None:
    first = world.upload("dee")
    announcement = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    second = world.clients["dee"].seal(context(announcement, world.server.session, "dee"), numbers(2))
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
        sign(ready.model_copy(update={"client": "bob", "attempt": 1}), KEYS["bob"]),
        sign(ready.model_copy(update={"client": "bob", "previous": bytes([1] * 32)}), KEYS["bob"]),
        sign(ready.model_copy(update={"client": "bob", "federation": "other"}), KEYS["bob"]),
        client("bob", start(policy(max_abs="999"))).ready(5),
        replace(client("bob"), roster_digest=bytes(32)).ready(5),
        sign(ready.model_copy(update={"client": "cyd", "weight": 11}), KEYS["cyd"]),
        sign(ready.model_copy(update={"client": "dee"}), STRANGER),
        sign(ready.model_copy(update={"client": "zed"}), STRANGER),
    ]
    server.announce([good, *bad], now=NOW)
    told = [(e.subject, e.stage, e.party) for e in server.refused_readies if isinstance(e, Refused)]
    assert told == [
        ("ready", "statement", "bob"),
        ("ready", "statement", "bob"),
        ("ready", "statement", "bob"),
        ("ready", "policy", "bob"),
        ("ready", "policy", "bob"),
        ("ready", "trust", "bob"),
        ("ready", "policy", "cyd"),
        ("ready", "signature", "dee"),
        ("roster", "trust", "zed"),
    ]
    assert server.waiting_for() == ["ada"]
    with pytest.raises(Refused):
        Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST).announce([], now=NOW)


def test_a_ready_twice() -> None:
    """Anybody can send a copy of a message: that stops no round."""
    server = Server(AGGREGATOR, start(), ROSTER, ROSTER_DIGEST)
    first, other = client("ada").ready(3), client("ada").ready(4)
    announcement = server.announce([first, first, other, client("bob").ready(5)], now=NOW)
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


def refusal(readies: list[Signed], *, attempt: int = 0, chain: Chain | None = None) -> str:
    """What an aggregator says that opens a round for nobody."""
    server = Server(AGGREGATOR, chain or start(), ROSTER, ROSTER_DIGEST, attempt=attempt)
    with pytest.raises(Refused) as refused:
        server.announce(readies, now=NOW)
    assert (refused.value.subject, refused.value.stage) == ("announcement", "statement")
    return refused.value.detail


def test_why_nobody_is_ready() -> None:
    ready = client("ada").ready(3)
    assert refusal([]) == "nobody is ready: no client said that it is"
    called = "than the one called for"
    assert (
        refusal([ready], attempt=2)
        == f"nobody is ready: ada: made for another attempt {called}: 0 instead of 2"
    )
    behind = replace(start(), round=4)
    assert (
        refusal([ready], chain=behind)
        == f"nobody is ready: ada: made for another round {called}: 0 instead of 4"
    )
    message = ready.open(Ready, KEYS["ada"].verify_key)
    greedy = sign(message.model_copy(update={"weight": 11}), KEYS["ada"])
    assert (
        refusal([greedy]) == "nobody is ready: ada: weight 11 is above the policy's 10 (update.weights.max)"
    )


def test_who_is_missing_where_a_masked_round_needs_more() -> None:
    masked = Chain.start(
        Policy.parse(POLICY + "[masking]\nenabled = true\nmin_set = 3\ncolluders = 0\n"), BASE_FILE
    )
    ready = [client(name, masked).ready(1) for name in NAMES[:2]]
    server = Server(AGGREGATOR, masked, ROSTER, ROSTER_DIGEST)
    with pytest.raises(
        Refused, match=r"a masked round needs 4; not ready: cyd, dee, 2 clients in all$"
    ) as refused:
        server.announce(ready, now=NOW)
    assert (refused.value.subject, refused.value.stage) == ("announcement", "policy")


def test_why_a_hundred_are_not_ready() -> None:
    """The message has an end, and nothing in it steers a terminal."""
    junk = Signed(payload=b"\x1b[2J" * 1000, signer=bytes(32), signature=bytes(64))
    told = refusal([*(client(n).ready(WEIGHTS[n]) for n in NAMES), *[junk] * 96], attempt=1)
    assert told.count("another attempt") == 4
    assert told.endswith("; and 96 more")
    assert len(told) < 800
    assert "\x1b" not in refusal([junk] * 100)
    assert len(refusal([junk] * 100)) < 800
