"""A Flower app with proofs, in one process: rounds, the model, the certificate; and everything that a node can do wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAvg
from google.protobuf.message import DecodeError

from fedproof.errors import Refused, UsageError
from fedproof.flower import Proved
from fedproof.flower.wire import RECORD, Answer, Call
from fedproof.identity.signed import Signed
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from fedproof.provenance.report import Report
from fedproof.provenance.verify import verify_bundle
from fedproof.round.folder import open_aggregator, open_node
from fedproof.round.messages import Announcement
from fedproof.round.rules import context
from tests.flower.world import Answering, World, app, initial, shifted
from tests.round.world import POLICY

QUICK = POLICY.replace("min_accepted = 2", "min_accepted = 2\ndeadline_seconds = 1")
STEP = np.float32(1 / 32)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def verified(world: World) -> Report:
    server = world.folder / "server"
    return verify_bundle(
        server / "release" / "bundle",
        model=server / "release" / "model.safetensors",
        policy=Policy.load(server / "policy.toml"),
        trust=Trust.load(server / "trust.toml"),
    )


def run(world: World, rounds: int = 1, timeout: float = 3600, **options: object) -> Proved:
    proved = Proved(FedAvg(), world.context())
    proved.start(world.grid(), initial(), num_rounds=rounds, timeout=timeout, **options)  # type: ignore[arg-type]
    return proved


def test_rounds_and_a_certificate(world: World) -> None:
    proved = Proved(FedAvg(), world.context())
    result = proved.start(
        world.grid(), initial(), num_rounds=2, evaluate_fn=lambda n, _: MetricRecord({"n": n})
    )
    start = initial()
    assert list(result.arrays) == list(start)
    for name, array in result.arrays.items():
        assert np.array_equal(array.numpy(), start[name].numpy() + 2 * STEP)
    assert [r.accepted for r in proved.rounds] == [("node-0", "node-1", "node-2")] * 2
    assert [r.left for r in proved.rounds] == [{}, {}]
    assert result.train_metrics_clientapp[1]["loss"] == 0.5
    assert result.train_metrics_clientapp[2]["fedproof-accepted"] == 3
    assert result.evaluate_metrics_clientapp[2]["largest"] == 2 * STEP
    assert {n: m["n"] for n, m in result.evaluate_metrics_serverapp.items()} == {0: 0, 1: 1, 2: 2}
    assert verified(world).statement.predicate.rounds.count == "2"


def test_every_node_has_checked_the_last_round_when_the_run_ends(world: World) -> None:
    proved = Proved(FedAvg(fraction_evaluate=0.0), world.context())
    proved.start(world.grid(), initial(), num_rounds=2)
    for k in range(3):
        with open_node(world.folder / "nodes" / str(k)) as node:
            assert node.client.chain.round == 2
            assert [e["accepted"] for e in node.audit.events() if e["event"] == "verdict"] == [True, True]
            assert not list((world.folder / "nodes" / str(k) / "state").glob("trained*"))


def test_no_model_travels_to_a_node_and_none_comes_back(world: World) -> None:
    """A node trains the model that it holds by its own checks; updates travel as uploads alone."""
    replies: list[Message] = []
    for node, honest in list(world.answering.items()):

        def answer(message: Message, honest: Answering = honest) -> Message | None:
            reply = honest(message)
            assert reply is not None
            replies.append(reply)
            return reply

        world.answering[node] = answer
    run(world)
    assert all(not m.content.array_records for m in [*world.sent, *replies])
    assert {
        m.content.config_records["config"]["server-round"] for m in world.sent if "config" in m.content
    } == {1}


def test_a_model_in_the_message_is_not_what_the_node_trains(world: World) -> None:
    seen: list[ArrayRecord] = []

    def train(arrays: ArrayRecord) -> ArrayRecord:
        seen.append(arrays)
        return shifted(arrays, STEP)

    honest = world.node(0, app(train))

    def tampered(message: Message) -> Message | None:
        message.content["arrays"] = shifted(initial(), 7.0)
        return honest(message)

    world.answering[1000] = tampered
    run(world)
    assert all(np.array_equal(a.numpy(), initial()[name].numpy()) for name, a in seen[0].items())


# -- what a node can do wrong: it leaves, by name, and the round goes on ---------------------------------------


def scaled(world: World, k: int, factor: int) -> Answering:
    """A node that proves a multiple of its update without looking at the policy's bounds, as a dishonest client would."""
    honest = world.node(k, app())

    def answer(message: Message) -> Message | None:
        call = Call.of(message.content)
        if call.step != "upload":
            return honest(message)
        with open_node(world.folder / "nodes" / str(k)) as node:
            signed = Signed.from_bytes(call.announcement)
            session = node.client.check(signed, now=int(time.time())).digest()
            announcement = signed.open(Announcement, node.client.aggregator)
            x = np.full(len(node.client.chain.W), 128 * factor, np.int64)
            upload = node.client.seal(context(announcement, session, node.client.name), x, unchecked=True)
            answer = Answer("upload", 0, upload=upload.to_bytes())
        return Message(RecordDict({RECORD: answer.record()}), reply_to=message)

    return answer


def replying(**records: object) -> Callable[[World], Answering]:
    """A node that answers every message with these records."""
    return lambda world: lambda message: Message(RecordDict(dict(records)), reply_to=message)


def failing(world: World) -> Answering:
    return lambda message: Message(Error(code=7, reason="out of\x1b[2J memory"), reply_to=message)


def traceback(world: World) -> Answering:
    """What a simulation reports: the reason stands in the last line of many."""
    lines = "\n".join(
        ["<class 'ray.exceptions.RayTaskError'>:<'Traceback", *["  File"] * 200, "KeyError: 'arrays'"]
    )
    return lambda message: Message(Error(code=7, reason=lines + "\n"), reply_to=message)


def silent(world: World) -> Answering:
    return lambda message: None


def instead(step: str, change: Callable[[Message], Message | None]) -> Callable[[World], Answering]:
    """Honest but for the answer to one step."""

    def make(world: World) -> Answering:
        honest = world.node(2, app())

        def answer(message: Message) -> Message | None:
            asked = Call.of(message.content).step
            reply = honest(message)
            assert reply is not None
            return change(reply) if asked == step else reply

        return answer

    return make


def with_field(name: str, value: object) -> Callable[[Message], Message]:
    def change(reply: Message) -> Message:
        values = dict(reply.content[RECORD])
        if value is None:
            del values[name]
        else:
            values[name] = value
        reply.content[RECORD] = ConfigRecord(values)
        return reply

    return change


def without_metrics(reply: Message) -> Message:
    del reply.content["metrics"]
    return reply


def longer(reply: Message) -> Message:
    upload = reply.content[RECORD]["upload"]
    return with_field("upload", upload + bytes(10_000_000))(reply)


def flipped(reply: Message) -> Message:
    upload = bytearray(reply.content[RECORD]["upload"])
    upload[len(upload) // 2] ^= 1
    return with_field("upload", bytes(upload))(reply)


def unreadable(reply: Message) -> Message:
    """What Flower's grid raises for a reply whose bytes are no message; those bytes are the node's own."""
    raise DecodeError("Error parsing message")


def to_another(reply: Message) -> Message:
    number = int(reply.metadata.reply_to_message_id.removeprefix("message-"))
    other = number + 1 if number % 3 else number - 1  # three calls a step
    reply.metadata.__dict__["_reply_to_message_id"] = f"message-{other}"
    return reply


def empty(reply: Message) -> Message:
    reply.__dict__["_content"] = None
    return reply


WRONG: dict[str, tuple[Callable[[World], Answering], str, bool]] = {
    # name: (the node, part of the reason, whether it is still a participant on record)
    "scaled update": (lambda world: scaled(world, 2, 50), "bounded update", True),
    "silent": (silent, "no answer within", False),
    "error": (failing, r"out of\x1b[2J memory", False),
    "traceback": (traceback, "reports an error: KeyError: 'arrays'", False),
    "nothing in the reply": (replying(), "no ConfigRecord", False),
    "another kind of record": (replying(fedproof=MetricRecord({"a": 1})), "no ConfigRecord", False),
    "no mod": (
        replying(arrays=initial(), metrics=MetricRecord({"num-examples": 1})),
        "no ConfigRecord",
        False,
    ),
    "no metrics": (instead("train", without_metrics), "0 MetricRecords", False),
    "ready of junk": (instead("train", with_field("ready", b"junk")), "CBOR", False),
    "ready that is no bytes": (instead("train", with_field("ready", "text")), "no bytes", False),
    "round below zero": (instead("train", with_field("round", -1)), "out of range", False),
    "another step": (instead("train", with_field("step", "upload")), "another step", False),
    "no step": (instead("train", with_field("step", "fly")), "no such step", False),
    "field missing": (instead("upload", with_field("behind", None)), "behind", True),
    "behind for ever": (instead("train", with_field("behind", True)), "lacks rounds", False),
    "silent at the upload": (instead("upload", lambda r: None), "no answer within", True),
    "upload of junk": (instead("upload", with_field("upload", b"junk")), "upload", True),
    "upload too long": (instead("upload", longer), "more than an upload can have", True),
    "upload changed on its way": (instead("upload", flipped), "upload", True),
    "ready that Flower cannot read": (instead("train", unreadable), "cannot read the reply", False),
    "upload that Flower cannot read": (instead("upload", unreadable), "cannot read the reply", True),
    "ready in another's name": (instead("train", to_another), "another message", False),
    "upload in another's name": (instead("upload", to_another), "another message", True),
    "no content": (instead("train", empty), "is empty", False),
    "refuses": (instead("upload", with_field("refused", "no\x1b[2J")), r"refuses: no\x1b[2J", True),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_node_that_does_wrong_leaves_by_name_and_the_round_goes_on(tmp_path: Path, name: str) -> None:
    make, reason, on_record = WRONG[name]
    world = World.make(tmp_path, policy=QUICK)
    world.answering[1002] = make(world)
    summary = run(world, timeout=1).rounds[0]
    assert (summary.accepted, summary.void) == (("node-0", "node-1"), False)
    who = "node-2" if on_record else "node 1002"
    assert list(summary.left) == [who]
    assert reason in summary.left[who]
    assert "\x1b" not in summary.left[who]
    left = {left.client: left.kind for left in verified(world).left_out}
    assert left == ({"node-2": "refused" if name == "scaled update" else "dropped"} if on_record else {})


def test_a_federation_folder_that_is_not_there_is_named_by_its_whole_path(world: World) -> None:
    for folder in (world.folder / "nowhere", "nowhere"):
        proved = Proved(FedAvg(), world.context(fedproof=str(folder)))
        with pytest.raises(UsageError, match=r"no federation folder: /.*nowhere/server is not there"):
            proved.start(world.grid(), initial(), num_rounds=1)


def test_a_run_with_nothing_left_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    run(world)
    with caplog.at_level(logging.INFO, logger="flwr"):
        assert run(world).rounds == []
    assert "nothing is left to train: num_rounds is 1" in caplog.text


def test_a_second_node_with_the_key_of_another_is_not_heard(world: World) -> None:
    """Of two nodes with one folder one takes part; which, who answers first decides."""
    world.answering[1003] = world.node(2, app())
    summary = run(world).rounds[0]
    assert summary.accepted == ("node-0", "node-1", "node-2")
    ((node, reason),) = summary.left.items()
    assert node in {"node 1002", "node 1003"}
    assert reason == "a second node with the key of another one"


def test_a_node_of_another_federation_takes_no_part(tmp_path: Path, world: World) -> None:
    foreign = World.make(tmp_path / "foreign")
    world.answering[1003] = foreign.node(0, app())
    summary = run(world).rounds[0]
    assert summary.accepted == ("node-0", "node-1", "node-2")
    assert list(summary.left) == ["node 1003"]


def test_each_node_is_told_its_own_reason(tmp_path: Path) -> None:
    """Of node-1 and node-10, whose names begin alike, each had another mistake."""
    world = World.make(tmp_path, nodes=11)
    foreign = World.make(tmp_path / "foreign", nodes=11)
    honest, world.answering[1001] = world.node(1, app()), foreign.node(10, app())

    def another_attempt(message: Message) -> Message | None:
        message.content[RECORD] = ConfigRecord({**message.content[RECORD], "attempt": 7})
        return honest(message)

    world.answering[1010] = another_attempt
    left = run(world).rounds[0].left
    assert set(left) == {"node 1001", "node 1010"}
    assert "signed by another key" in left["node 1001"]
    assert "made for another attempt" in left["node 1010"]


def test_too_few_accepted_make_a_void_round_and_the_model_stays(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    for k in (1, 2):
        world.answering[1000 + k] = scaled(world, k, 50)
    proved = Proved(FedAvg(), world.context())
    result = proved.start(world.grid(), initial(), num_rounds=1)
    assert proved.rounds[0].void
    assert all(np.array_equal(a.numpy(), initial()[n].numpy()) for n, a in result.arrays.items())
    assert verified(world).statement.predicate.rounds.void == "1"


def test_if_nobody_is_ready_the_run_ends_with_the_reasons(world: World) -> None:
    for node in world.answering:
        world.answering[node] = failing(world)
    with pytest.raises(Refused, match="nobody is ready"):
        run(world)


@pytest.mark.parametrize(
    ("examples", "reason"),
    [
        (11, "weight 11"),
        (0, "no whole number from 1 on"),
        (2.5, "no whole number"),
        ([1], "no whole number"),
        (float("nan"), "no whole number"),
    ],
)
def test_a_weight_that_the_policy_forbids_is_refused_at_the_node(
    world: World, examples: object, reason: str
) -> None:
    world.answering[1002] = world.node(2, app(examples=examples))
    left = run(world).rounds[0].left
    assert reason in left["node 1002"]


def test_weights_count(world: World) -> None:
    world.answering[1000] = world.node(0, app(lambda a: shifted(a, 0.0), examples=2))
    world.answering[1001] = world.node(1, app(lambda a: shifted(a, 0.0), examples=2))
    world.answering[1002] = world.node(2, app(examples=4))
    proved = Proved(FedAvg(), world.context())
    result = proved.start(world.grid(), initial(), num_rounds=1)
    assert all(np.array_equal(a.numpy(), initial()[n].numpy() + STEP / 2) for n, a in result.arrays.items())


def test_an_update_beyond_the_bounds_is_clipped_by_an_honest_node(world: World) -> None:
    world.answering[1002] = world.node(2, app(lambda a: shifted(a, 100.0)))
    proved = Proved(FedAvg(), world.context())
    result = proved.start(world.grid(), initial(), num_rounds=1)
    assert proved.rounds[0].accepted == ("node-0", "node-1", "node-2")
    largest = Policy.parse(POLICY).update.max_abs / 4096
    for name, array in result.arrays.items():
        moved = array.numpy() - initial()[name].numpy()
        assert ((moved > STEP / 2) & (moved <= (2 * STEP + largest) / 3 + 1 / 4096)).all()


def renamed(**others: ConfigRecord) -> Callable[[RecordDict], None]:
    """The metrics under another name, and these records beside them: Flower's strategies raise where names differ."""

    def change(content: RecordDict) -> None:
        content["other"] = content.pop("metrics")
        content.update(others)

    return change


def in_place(metrics: dict[str, float]) -> Callable[[RecordDict], None]:
    def change(content: RecordDict) -> None:
        content["metrics"] = MetricRecord(metrics)

    return change


@pytest.mark.parametrize(
    "change",
    [
        in_place({"num-examples": 3}),
        in_place({"num-examples": 3, "other": 1.0}),
        in_place({"num-examples": 0, "largest": 1.0}),
        in_place({"largest": 1.0}),
        renamed(),
        renamed(metrics=ConfigRecord({"largest": 1.0})),
    ],
)
def test_metrics_that_fit_no_others_are_left_out(world: World, change: Callable[[RecordDict], None]) -> None:
    honest = world.node(2, app())

    def answer(message: Message) -> Message | None:
        reply = honest(message)
        if reply is not None and message.metadata.message_type == "evaluate":
            change(reply.content)
        return reply

    world.answering[1002] = answer
    proved = Proved(FedAvg(), world.context())
    result = proved.start(world.grid(), initial(), num_rounds=1)
    assert result.evaluate_metrics_clientapp[1]["largest"] == STEP
    assert list(proved.rounds[0].not_evaluated) == ["node-2"]


def test_metrics_that_the_app_cannot_add_up_stop_no_run(world: World) -> None:
    def fails(records: list[RecordDict], weight: str) -> MetricRecord:
        raise ZeroDivisionError

    strategy = FedAvg(train_metrics_aggr_fn=fails, evaluate_metrics_aggr_fn=fails)
    result = Proved(strategy, world.context()).start(world.grid(), initial(), num_rounds=1)
    assert result.train_metrics_clientapp[1]["fedproof-accepted"] == 3
    assert result.evaluate_metrics_clientapp == {}
    assert verified(world).statement.predicate.rounds.count == "1"


# -- rounds that a node lacks, and a server that stopped -------------------------------------------------------


def test_a_node_that_was_away_catches_up(world: World) -> None:
    away, world.answering[1002] = world.answering[1002], silent(world)
    run(world, 2, timeout=0.5)
    world.answering[1002] = away
    assert run(world, 3).rounds[0].accepted == ("node-0", "node-1", "node-2")
    with open_node(world.folder / "nodes" / "2") as node:
        assert node.client.chain.round == 3


def test_a_server_that_was_killed_goes_on_from_the_record(world: World) -> None:
    class Killed(Exception):
        pass

    run(world, 1)
    honest = world.answering[1001]

    def killed_in_the_second_round(message: Message) -> Message | None:
        if Call.of(message.content).step == "upload":
            raise Killed
        return honest(message)

    world.answering[1001] = killed_in_the_second_round
    with pytest.raises(Killed):
        run(world, 3)
    world.answering[1001] = honest
    proved = run(world, 3)
    assert [r.round for r in proved.rounds] == [2, 3]
    assert verified(world).statement.predicate.rounds.count == "3"
    with open_aggregator(world.folder / "server") as aggregator:
        assert aggregator.chain.round == 3


def test_a_run_whose_rounds_are_all_on_record_trains_nothing(world: World) -> None:
    run(world, 2)
    before = len(world.sent)
    assert run(world, 2).rounds == []
    assert len(world.sent) == before


def test_no_release_before_the_policys_rounds_are_on_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World.make(tmp_path, policy=POLICY.replace("min_accepted = 2", "min_accepted = 2\nrounds = 2"))
    with caplog.at_level(logging.WARNING, "flwr"):
        run(world, 1)
    assert "no release yet: 1 round on record, the policy asks for 2" in caplog.text
    assert not (world.folder / "server" / "release").exists()
    run(world, 2)
    assert verified(world).statement.predicate.rounds.count == "2"


# -- what cannot begin ------------------------------------------------------------------------------------------


def test_too_few_nodes_are_an_error_and_no_waiting_for_ever(world: World) -> None:
    proved = Proved(FedAvg(min_available_nodes=4), world.context(), wait=0.1)
    with pytest.raises(UsageError, match="3 of at least 4 connected"):
        proved.start(world.grid(), initial(), num_rounds=1)


def test_another_model_than_the_policys(world: World) -> None:
    arrays = initial()
    name = next(iter(arrays))
    with pytest.raises(UsageError, match="is not in initial_arrays"):
        Proved(FedAvg(), world.context()).start(
            world.grid(), ArrayRecord({k: v for k, v in arrays.items() if k != name})
        )
    arrays["extra"] = arrays[name]
    with pytest.raises(UsageError, match="is not in the policy's base model"):
        Proved(FedAvg(), world.context()).start(world.grid(), arrays)


def test_more_rounds_than_the_policy_asks_for(tmp_path: Path) -> None:
    world = World.make(tmp_path, policy=POLICY.replace("min_accepted = 2", "min_accepted = 2\nrounds = 2"))
    with pytest.raises(UsageError, match="the policy asks for 2"):
        run(world, 3)


@pytest.mark.parametrize("config", [{}, {"fedproof": ""}, {"fedproof": 7}])
def test_a_run_without_a_folder(world: World, config: dict[str, str | int]) -> None:
    """Flower lets only keys that an app declares be overridden, so an app may declare an empty one."""
    context_ = world.context()
    del context_.run_config["fedproof"]
    context_.run_config |= config
    with pytest.raises(UsageError, match="names no federation folder"):
        Proved(FedAvg(), context_)
