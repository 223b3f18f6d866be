"""Masked rounds of a Flower app, in one process: who vanishes, in which exchange, what the server sees, and a server that stops."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flwr.app import ArrayRecord, Context, Error, Message, RecordDict
from flwr.serverapp.strategy import FedAvg

from fedproof.demo.masks import another
from fedproof.errors import Refused, UsageError
from fedproof.flower import Proved
from fedproof.flower.mod import node_counter
from fedproof.flower.wire import RECORD, ROUNDS, Answer, Call, Greeting, Rounds
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import Signed, sign
from fedproof.proofs import consistent_masking
from fedproof.round.aggregator import Aggregator
from fedproof.round.folder import open_node
from fedproof.round.masked_messages import UnmaskAnswer
from fedproof.round.masker import Masked, Masker
from fedproof.round.requests import read_request
from tests.flower.test_strategy import QUICK, STEP, verified
from tests.flower.world import Answering, MemoryGrid, World, app, initial, shifted

SEVEN = QUICK.replace("seconds = 1", "seconds = 4") + "[masking]\nenabled = true\n"
FOUR = SEVEN + "colluders = 0\nmin_set = 3\n"
"""Its rounds take four participants, of which one may vanish."""
NODES = tuple(f"node-{k}" for k in range(7))


@pytest.fixture(autouse=True)
def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strategies sample all nodes, in the order of their numbers."""
    monkeypatch.setattr("random.sample", lambda nodes, k: list(nodes)[:k])


def four(tmp_path: Path, seconds: int = 4) -> World:
    """seconds: for an exchange, of which a test that has somebody silent waits all."""
    return World.make(tmp_path, nodes=4, policy=FOUR.replace("seconds = 4", f"seconds = {seconds}"))


def run(world: World, rounds: int = 1) -> Proved:
    proved = Proved(FedAvg(fraction_evaluate=0.0), world.context())
    proved.start(world.grid(), initial(), num_rounds=rounds, timeout=20)
    return proved


def asked(message: Message) -> list[str]:
    """The step, or the kinds of request."""
    call = Call.of(message.content)
    return [read_request(r).KIND for r in call.requests] or [call.step]


def when(kind: str, honest: Answering, act: Callable[[Message], Message | None]) -> Answering:
    """Honest but for messages of this kind."""
    return lambda message: act(message) if kind in asked(message) else honest(message)


def test_rounds_and_a_certificate_of_sums_only(tmp_path: Path) -> None:
    world = World.make(tmp_path, nodes=7, policy=SEVEN)
    proved = run(world, 2)
    assert [r.accepted for r in proved.rounds] == [NODES, NODES]
    assert [(r.left, r.silent, r.named, r.unopened) for r in proved.rounds] == [({}, {}, (), "")] * 2
    for name, array in initial().items():
        with open_node(world.folder / "nodes" / "3") as node:
            assert np.array_equal(node.client.chain.arrays()[name], array.numpy() + 2 * STEP)
    report = verified(world)
    assert report.statement.predicate.rounds.count == "2"
    assert [c.updates for c in report.claims if c.claim == "UPDATES_MASKED"] == ["14/14"]
    assert {"COLLUSION"} == {"COLLUSION", "UPDATES_READABLE_BY_AGGREGATOR"} & {
        code for code, _ in report.not_proven_rows()
    }
    first_round = [kinds for m in world.sent if (kinds := asked(m)) != ["adopt"]][: 4 * 7]
    steps = [["train"], ["upload"], ["agree-request"], ["unmask-request"]]
    assert first_round == [step for step in steps for _ in NODES]
    assert all(not m.content.array_records for m in world.sent)


@pytest.mark.parametrize("kind", ["upload", "agree-request", "unmask-request"])
@pytest.mark.parametrize("gone", ["silent", "failing"])
def test_a_node_that_vanishes(tmp_path: Path, kind: str, gone: str) -> None:
    """In whatever exchange: the others' sum is the round's, or its own with it where the upload was in."""
    world = four(tmp_path)

    def act(message: Message) -> Message | None:
        return None if gone == "silent" else Message(Error(code=3, reason="killed"), reply_to=message)

    world.answering[1001] = when(kind, world.answering[1001], act)
    (round,) = run(world).rounds
    others = ("node-0", "node-2", "node-3")
    assert not round.void
    assert round.accepted == (others if kind == "upload" else ("node-0", "node-1", *others[1:]))
    told = round.left if kind == "upload" else round.silent
    why = "no answer within" if gone == "silent" else "the node reports an error: killed"
    assert list(told) == ["node-1"]
    assert why in told["node-1"]


def test_two_that_vanish_take_a_fourth_exchange(tmp_path: Path) -> None:
    """The mask between one that never uploaded and one that fell silent is opened by the others."""
    more = FOUR.replace("min_set = 3", "min_set = 3\nsilent = 2")
    world = World.make(tmp_path, nodes=6, policy=more)
    world.answering[1004] = when("upload", world.answering[1004], lambda message: None)
    world.answering[1005] = when("unmask-request", world.answering[1005], lambda message: None)
    (round,) = run(world).rounds
    assert round.accepted == ("node-0", "node-1", "node-2", "node-3", "node-5")
    assert [m for m in world.sent if asked(m) == ["recovery-request"]]


def test_too_many_that_vanish_void_the_round_and_end_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Clients opened the set: they open no other sum from this base model, and say why."""
    caplog.set_level(logging.INFO, "flwr")
    world = four(tmp_path)
    for node in (1000, 1001):
        world.answering[node] = when("unmask-request", world.answering[node], lambda message: None)
    with pytest.raises(Refused, match="2 participants"):
        run(world, 2)
    assert "this client helped to open 1 sum from this base model" in caplog.text
    assert "the round is void: sum in round 0 refused at opening: 1 of the 2 shares that open" in caplog.text
    assert "; node-0, node-1, 2 clients in all did not open it (masking.silent is 1)" in caplog.text


def test_a_node_that_says_it_is_at_an_old_round_is_sent_no_more_than_others(tmp_path: Path) -> None:
    """Each of its answers names the first round: the whole record with every message would be the price."""
    world = four(tmp_path)
    honest = world.answering[1003]

    def old(message: Message) -> Message | None:
        reply = honest(message)
        if reply is not None and reply.has_content() and RECORD in reply.content:
            reply.content[RECORD]["round"] = 0
        return reply

    world.answering[1003] = old
    assert [len(round.accepted) for round in run(world, 3).rounds] == [4, 4, 4]
    sent: dict[int, int] = {}
    for message in world.sent:
        if ROUNDS in message.content:
            told = len(Rounds.of(message.content).entries)
            sent[message.metadata.dst_node_id] = sent.get(message.metadata.dst_node_id, 0) + told
    assert sent[1003] == sent[1000]


def test_a_mask_cheat_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it uploaded is not what it proved: its own fingerprints convict it, in the record."""
    world = World.make(tmp_path, nodes=7, policy=SEVEN)
    honest = Masker.apply

    def apply(masker: Masker, *arguments: object) -> Masked:
        made = honest(masker, *arguments)  # type: ignore[arg-type]
        return another(masker, made) if masker.client == "node-2" else made

    monkeypatch.setattr(Masker, "apply", apply)
    prove = consistent_masking.prove
    monkeypatch.setattr(consistent_masking, "prove", lambda *a, unchecked: prove(*a, unchecked=True))
    (round,) = run(world).rounds
    assert round.named == ("node-2",)
    assert round.accepted == tuple(n for n in NODES if n != "node-2")
    assert "the record holds the evidence" in round.left["node-2"]
    assert not round.void
    with open_node(world.folder / "nodes" / "2") as node:
        assert node.client.chain.round == 1  # it has the record as everybody


@pytest.mark.parametrize("kind", ["agree-request", "unmask-request"])
def test_a_server_that_stops_between_the_exchanges(tmp_path: Path, kind: str) -> None:
    """Started again it goes on with the same set: another one the clients would not open."""
    world = stopped(tmp_path, kind)
    before = len(world.sent)
    proved = run(world)
    (round,) = proved.rounds
    assert round.accepted == ("node-0", "node-1", "node-2", "node-3")
    assert not round.silent
    assert ["train"] not in [asked(m) for m in world.sent[before:]]
    with open_node(world.folder / "nodes" / "0") as node:
        assert node.client.chain.round == 1


def stopped(tmp_path: Path, kind: str = "unmask-request", seconds: int = 20) -> World:
    """The server stops in the middle of this exchange, before it heard of the last two; all nodes are alive."""
    world = four(tmp_path, seconds)
    honest = world.answering[1002]
    world.answering[1002] = when(kind, honest, stop)
    with pytest.raises(KeyboardInterrupt):
        run(world)
    world.answering[1002] = honest
    return world


def test_nodes_that_come_back_under_other_numbers(tmp_path: Path) -> None:
    """As in a simulation that is started again."""
    world = stopped(tmp_path)
    world.answering = {node + 1000: honest for node, honest in world.answering.items()}
    (round,) = run(world).rounds
    assert (round.void, round.silent) == (False, {})
    assert len(round.accepted) == 4


def greeting(node: int, *, by: str = "2", **changed: object) -> bytes:
    """As node-2 would sign it, but for what is changed. by: whose key."""
    told = {"federation": "tests", "node": node, "client": "node-2", **changed}
    return sign(Greeting(**told), KEYS[by]).to_bytes()  # type: ignore[arg-type]


KEYS: dict[str, SigningKey] = {}


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (lambda node: b"", "CBOR"),
        (lambda node: greeting(node, by="stranger"), "signed by another key"),
        (lambda node: greeting(node, by="1"), "signed by another key"),
        (lambda node: greeting(node, client="nobody"), "not a member"),
        (lambda node: greeting(3002), "of another node, or in another federation"),
        (lambda node: greeting(node, federation="another"), "of another node, or in another federation"),
    ],
)
def test_a_stranger_that_says_it_is_a_member_is_asked_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, lie: Callable[[int], bytes], why: str
) -> None:
    """The member itself comes later, with a number of its own; it is waited for."""
    world = stopped(tmp_path)
    KEYS["stranger"] = SigningKey.generate()
    for k in ("1", "2"):
        KEYS[k] = SigningKey.load(world.folder / "nodes" / k / "key.pem")
    honest, world.answering[1002] = world.answering[1002], lambda message: None
    del world.answering[1002]

    def stranger(message: Message) -> Message | None:
        assert asked(message) == ["adopt"]
        world.answering[3002] = honest
        reply = world.answering[1000](message)
        assert reply is not None
        made = Answer.of(reply, "adopt")
        reply.content[RECORD] = dataclasses.replace(made, greeting=lie(2002)).record()
        return reply

    world.answering[2002] = stranger
    (round,) = run(world).rounds
    assert (round.void, round.silent) == (False, {})
    assert "node 2002 is nobody's: " in caplog.text
    assert why in caplog.text


def test_nodes_that_come_back_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = stopped(tmp_path)
    looked = []

    def some(grid: MemoryGrid) -> list[int]:
        looked.append(1)
        return list(world.answering)[: len(looked)]

    with monkeypatch.context() as patch:
        patch.setattr(MemoryGrid, "get_node_ids", some)
        proved = Proved(FedAvg(fraction_evaluate=0.0), world.context())
        proved.start(world.grid(), initial(), num_rounds=1, timeout=20)
    (round,) = proved.rounds
    assert (round.void, round.silent) == (False, {})


def test_a_node_that_does_not_hear_who_it_is_asked_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedproof.flower.opening._GREETING", 1.0)
    world = stopped(tmp_path, seconds=60)
    world.answering = {node + 1000: honest for node, honest in world.answering.items()}
    honest, greeted = world.answering[2002], []

    def deaf(message: Message) -> Message | None:
        if "adopt" in asked(message):
            greeted.append(message)
        return None if len(greeted) == 1 else honest(message)

    world.answering[2002] = deaf
    proved = Proved(FedAvg(fraction_evaluate=0.0), world.context())
    proved.start(world.grid(), initial(), num_rounds=1, timeout=60)
    (round,) = proved.rounds
    assert (round.void, round.silent) == (False, {})
    assert len(greeted) >= 2


def test_a_suspended_node_trains_in_vain_no_more(tmp_path: Path) -> None:
    """It says so before its app trains."""
    world = World.make(tmp_path, nodes=5, policy=FOUR + "suspend_rounds = 3\n")
    trained = []

    def train(arrays: ArrayRecord) -> ArrayRecord:
        trained.append(1)
        return shifted(arrays, 1 / 32)

    world.answering[1004] = world.node(4, app(train))
    with open_node(world.folder / "nodes" / "4") as node:
        node.client.chain = dataclasses.replace(node.client.chain, suspended=(("node-4", 3),))
        node._placed = None
        node._save()
    (round,) = run(world).rounds
    assert len(round.accepted) == 4
    assert "evidence named this client: it has no part before round 3" in round.left["node 1004"]
    assert not trained


def test_where_too_few_come_back_the_round_stays_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = stopped(tmp_path, seconds=8)
    honest, world.answering = world.answering, {}
    for back in ((), (1000, 1001)):  # who has answered
        world.answering = {node: honest[node] for node in back}
        with pytest.raises(
            UsageError, match="the sum does not open without: start their nodes, and run this again"
        ):
            run(world)
    world.answering = {node: honest[node] for node in (1000, 1001, 1003)}
    (round,) = run(world).rounds
    assert (round.void, len(round.accepted)) == (False, 4)
    assert round.silent == {"node-2": "its node is not there"}
    assert "not there: node-2, 1 client in all" in caplog.text


def test_who_is_silent_takes_nobody_with_it_that_lacks_a_round(tmp_path: Path) -> None:
    """All nodes lack the last round; one of them is away."""
    world = World.make(tmp_path, nodes=5, policy=FOUR)
    honest = dict(world.answering)

    def stops(message: Message, answer: Answering) -> Message | None:
        if "adopt" in asked(message):
            raise KeyboardInterrupt
        return answer(message)

    world.answering = {n: lambda m, answer=answer: stops(m, answer) for n, answer in honest.items()}
    with pytest.raises(KeyboardInterrupt):
        run(world)
    world.answering = {**honest, 1004: lambda message: None}
    proved = Proved(FedAvg(fraction_evaluate=0.0), world.context())
    proved.start(world.grid(), initial(), num_rounds=2, timeout=4)
    (round,) = proved.rounds
    assert round.accepted == ("node-0", "node-1", "node-2", "node-3")


def test_a_server_that_stops_where_too_few_uploaded_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no set then, and nothing that anybody opened."""
    world = four(tmp_path)
    honest = dict(world.answering)
    for node in (1000, 1001):
        world.answering[node] = when("upload", honest[node], lambda message: None)
    with monkeypatch.context() as patch:
        patch.setattr(Aggregator, "close", lambda _: stop(None))
        with pytest.raises(KeyboardInterrupt):
            run(world)
    world.answering.update(honest)
    (round,) = run(world).rounds
    assert len(round.accepted) == 4


def test_a_server_that_stops_before_the_set_is_fixed_tries_again(tmp_path: Path) -> None:
    (round,) = run(stopped(tmp_path, "upload")).rounds
    assert len(round.accepted) == 4


def stop(message: Message | None) -> Message | None:
    raise KeyboardInterrupt


def in_anothers_name(answers: tuple[bytes, ...], agreed: tuple[bytes, ...]) -> tuple[bytes, ...]:
    answer = UnmaskAnswer.from_bytes(answers[0])
    signed = Signed.from_bytes(agreed[0])
    return (answer.model_copy(update={"acknowledgement": signed}).to_bytes(),)


def test_answers_that_are_none(tmp_path: Path) -> None:
    """Of a node that answers junk, another's answer, more than it was asked, or nothing at all: it is silent, and the round ends. What it
    answers beyond good answers does no harm."""
    for number, (change, reason) in enumerate(
        (
            (lambda answers, others: (b"\xa0",), "refused at decoding"),
            (lambda answers, others: (), "does not answer all that it was asked"),
            (lambda answers, others: (b"",), "does not answer all that it was asked"),
            (lambda answers, others: (b"junk", *answers), "refused at decoding"),
            (in_anothers_name, "another client's"),
            (lambda answers, others: (*answers, *answers), ""),
        )
    ):
        world = four(tmp_path / str(number))
        others: list[bytes] = []

        def note(message: Message, honest: Answering = world.answering[1000], kept: list[bytes] = others):
            agrees = "agree-request" in asked(message)
            reply = honest(message)
            if agrees:
                kept.extend(Answer.of(reply, "open").answers)
            return reply

        def lie(
            message: Message,
            honest: Answering = world.answering[1003],
            kept: list[bytes] = others,
            change=change,
        ):
            opens = "unmask-request" in asked(message)
            reply = honest(message)
            if opens:
                made = Answer.of(reply, "open")
                changed = dataclasses.replace(made, answers=change(made.answers, tuple(kept)))
                reply.content[RECORD] = changed.record()
            return reply

        world.answering[1000], world.answering[1003] = note, lie
        (round,) = run(world).rounds
        assert not round.void
        assert len(round.accepted) == 4
        assert list(round.silent) == (["node-3"] if reason else [])
        assert reason in round.silent.get("node-3", "")
        with open_node(world.folder / "nodes" / "3") as node:
            assert node.client.chain.round == 1


def test_a_node_with_a_counter_notices_a_folder_that_was_set_back(tmp_path: Path) -> None:
    world = World.make(tmp_path, nodes=5, policy=FOUR)
    place = world.folder / "nodes" / "1" / "state" / "answers.sealed"
    world.counters[1] = tmp_path / "counter"
    run(world)
    kept = place.read_bytes()
    run(world, 2)
    place.write_bytes(kept)
    (round,) = run(world, 3).rounds
    assert "the folder was set back" in round.left["node 1001"]
    assert round.accepted == ("node-0", "node-2", "node-3", "node-4")


@pytest.mark.parametrize("wrong", ["", 7])
def test_a_counter_that_names_no_file(wrong: object) -> None:
    """Nobody goes without one for that."""
    context = Context(
        run_id=1, node_id=1, node_config={"fedproof-counter": wrong}, state=RecordDict(), run_config={}
    )
    with pytest.raises(UsageError, match="names no file"):
        node_counter(context)


def test_a_request_that_is_refused_takes_no_other_with_it(tmp_path: Path) -> None:
    world, told = four(tmp_path), []
    honest = world.answering[1002]

    def asks_more(message: Message) -> Message | None:
        if "unmask-request" not in asked(message):
            return honest(message)
        call = Call.of(message.content)
        more = dataclasses.replace(call, requests=(b"\xa0", *call.requests))
        message.content[RECORD] = more.record()
        reply = honest(message)
        assert reply is not None
        told.append(Answer.of(reply, "open").answers)
        return reply

    world.answering[1002] = asks_more
    (round,) = run(world).rounds
    assert (round.silent, round.void) == ({}, False)
    assert [[bool(answer) for answer in answers] for answers in told] == [[False, True]]
    log = (world.folder / "nodes" / "2" / "state" / "audit.jsonl").read_text()
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events[-5:] == ["answered", "refused", "answered", "verdict", "adopted"]
