"""The client's side by itself: whose folder it is, and what it does with messages that are no calls of ours."""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from hypothesis import given
from hypothesis import strategies as st

from fedproof.errors import FedproofError, Malformed, UsageError
from fedproof.flower.mod import node_folder, proof_mod
from fedproof.flower.wire import RECORD, ROUNDS, Answer, Call, Rounds, Step
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import sign
from fedproof.round.folder import open_node
from fedproof.round.messages import Ready
from tests.flower.world import World, app, be_a_server, initial, shifted

be_a_server()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def message(kind: str = "train", **records: object) -> Message:
    return Message(RecordDict(records), 1000, kind)  # type: ignore[arg-type]


def ctx(node_config: dict[str, object] | None = None, **run_config: object) -> Context:
    return Context(1, 1000, node_config or {}, RecordDict(), run_config)  # type: ignore[arg-type]


def never(message: Message, context: Context) -> Message:
    raise AssertionError("the app was called")


def test_queries_pass_untouched() -> None:
    sent = message("query.size", a=MetricRecord({"n": 1}))
    assert proof_mod(sent, ctx(), lambda m, c: m) is sent


@pytest.mark.parametrize("kind", ["train", "evaluate", "train.own"])
def test_a_server_without_proofs_gets_nothing(world: World, kind: str) -> None:
    """A node that is set up to prove trains for nobody who does not ask for proofs."""
    own = ctx({"fedproof": str(world.folder / "nodes" / "0")})
    with pytest.raises(Malformed, match="its server does not use fedproof"):
        proof_mod(message(kind, arrays=initial()), own, never)
    with open_node(world.folder / "nodes" / "0") as node:
        (event,) = node.audit.events()
    assert event["event"] == "refused"
    assert "its server does not use fedproof" in event["what"]


def test_a_node_without_a_folder_says_how_to_set_it(world: World) -> None:
    for config in ({}, {"fedproof": ""}):
        with pytest.raises(UsageError, match="--node-config"):
            proof_mod(message(fedproof=Call("train").record()), ctx(config), never)  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_is_named(world: World) -> None:
    own = ctx({"fedproof": str(world.folder / "nodes" / "9")})
    with pytest.raises(UsageError, match="nodes/9 is not there"):
        proof_mod(message(fedproof=Call("train").record()), own, never)


def test_the_run_does_not_choose_a_nodes_folder(world: World) -> None:
    """Only in a simulation, where all is one machine, does the app's configuration say where nodes' folders are."""
    with pytest.raises(UsageError, match="no fedproof folder"):
        node_folder(ctx({"partition-id": 0}, fedproof=str(world.folder)))


def test_in_a_simulation_nodes_have_the_folders_of_their_partitions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(is_initialized=lambda: True))
    assert node_folder(ctx({"partition-id": 2}, fedproof="/f")) == Path("/f/nodes/2")
    assert node_folder(ctx({"partition-id": 2, "fedproof": "/own"}, fedproof="/f")) == Path("/own")
    assert node_folder(ctx({"partition-id": 0}, fedproof="~/f")) == Path.home() / "f" / "nodes" / "0"
    for node, run in (({"partition-id": "../../etc"}, "/f"), ({"partition-id": 0, "fedproof": ""}, "")):
        with pytest.raises(UsageError, match="no fedproof folder"):
            node_folder(ctx(node, fedproof=run))  # type: ignore[arg-type]


def test_no_dry_run_outside_a_simulation(world: World) -> None:
    own = ctx({"fedproof": str(world.folder / "nodes" / "0")})
    with pytest.raises(UsageError, match="only in a simulation"):
        proof_mod(message(arrays=initial(), fedproof=Call("dry-run").record()), own, never)


def test_no_dry_run_at_a_node_with_a_folder_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its app may have Ray running for reasons of its own: that makes no simulation of it."""
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(is_initialized=lambda: True))
    own = ctx({"fedproof": str(world.folder / "nodes" / "0"), "partition-id": 0})
    with pytest.raises(UsageError, match="only in a simulation"):
        proof_mod(message(arrays=initial(), fedproof=Call("dry-run").record()), own, never)
    with open_node(world.folder / "nodes" / "0") as node:
        (event,) = node.audit.events()
    assert (event["event"], event["what"][:31]) == ("refused", "a dry run trains in clear; a no")


def asked(world: World, kind: str, call: Call, client: ClientApp | None = None, **records: object) -> Message:
    """What node 0 answers to a message of a dishonest server."""
    sent = message(kind, fedproof=call.record(), **records)
    sent.metadata.__dict__["_message_id"] = "message"
    reply = world.node(0, client or app())(sent)
    assert reply is not None
    return reply


@pytest.mark.parametrize("name", ["decoy", "arrays"])
def test_a_model_under_any_name_is_not_what_the_app_finds(world: World, name: str) -> None:
    """The server says under which name the app looks for its model: it cannot leave one of its own where the app really looks."""
    seen: list[ArrayRecord] = []

    def train(arrays: ArrayRecord) -> ArrayRecord:
        seen.append(arrays)
        return arrays

    evil = shifted(initial(), 7.0)
    reply = asked(world, "train", Call("train", arrays=name), app(train), arrays=evil, more=evil)
    assert reply.has_error() == (name == "decoy")  # the app finds no model
    for arrays in seen:
        assert all(np.array_equal(a.numpy(), initial()[n].numpy()) for n, a in arrays.items())
    assert bool(seen) == (name == "arrays")


@pytest.mark.parametrize(("kind", "step"), [("train", "evaluate"), ("evaluate", "train")])
def test_a_call_for_another_step_than_the_message_is_of(world: World, kind: str, step: Step) -> None:
    """Else the app trains, and what it trained leaves in clear as the answer to a call for an evaluation."""
    reply = asked(world, kind, Call(step))
    assert not reply.content.array_records
    assert "a call to" in Answer.of(reply, step).refused


def test_no_array_leaves_with_an_evaluation(world: World) -> None:
    client = app()

    @client.evaluate("own")
    def _evaluate(message: Message, context: Context) -> Message:
        metrics = MetricRecord({"num-examples": 1})
        return Message(RecordDict({"a": message.content["arrays"], "metrics": metrics}), reply_to=message)

    reply = asked(world, "evaluate.own", Call("evaluate"), client)
    assert sorted(reply.content) == [RECORD, "metrics"]


@pytest.mark.parametrize(
    "returned",
    [("metrics",), ("arrays", "more", "metrics"), ("arrays",), ("arrays", "metrics", "other")],
    ids=" ".join,
)
def test_an_app_that_returns_more_or_less_than_one_of_each(world: World, returned: tuple[str, ...]) -> None:
    """Which of two models it trained, or by which of two weights it counts, is not the node's to guess."""
    records = {"arrays": initial(), "more": initial()}
    records |= {n: MetricRecord({"num-examples": 10}) for n in ("metrics", "other")}
    client = ClientApp(mods=[proof_mod])

    @client.train()
    def _train(message: Message, context: Context) -> Message:
        return Message(RecordDict({name: records[name] for name in returned}), reply_to=message)

    answer = Answer.of(asked(world, "train", Call("train"), client), "train")
    assert "the app must return one ArrayRecord" in answer.refused
    assert not answer.ready


def test_what_a_node_refuses_is_in_its_audit_log_once(world: World) -> None:
    stranger = sign(Ready(**ready_fields()), SigningKey.generate()).to_bytes()
    asked(world, "train", Call("train"), app(examples=11))  # more than the policy allows
    asked(world, "train", Call("train"), app(examples=2.5))
    asked(world, "train", Call("upload"))  # no announcement
    asked(world, "train", Call("upload", announcement=stranger))
    asked(world, "train", Call("train"), **{ROUNDS: ConfigRecord({"rounds": b"junk"})})
    asked(world, "train", Call("adopt"), **{ROUNDS: Rounds(entries=(b"junk",)).record()})
    with open_node(world.folder / "nodes" / "0") as node:
        events = node.audit.events()
    assert [e["event"] for e in events] == ["train", "refused"] * 2 + ["refused"] * 4
    refused = [e for e in events if e["event"] == "refused"]
    for event, part in zip(
        refused, ["weight 11", "no whole number", "CBOR", "another key", "CBOR", "CBOR"], strict=True
    ):
        assert part in event["what"]


def test_what_steers_training_is_in_the_audit_log(world: World) -> None:
    """Two nodes that compare can tell whether they were asked the same."""
    records = [{"lr": 0.5}, {"lr": 0.5}, {"lr": 0.0}]
    for record in records:
        asked(world, "train", Call("train"), app(), config=ConfigRecord(record))
    asked(world, "train", Call("train", weight="loss"), app(), config=ConfigRecord(records[0]))
    with open_node(world.folder / "nodes" / "0") as node:
        told = [(e["weight"], e["config"]) for e in node.audit.events() if e["event"] == "train"]
    assert [weight for weight, _ in told] == ["num-examples"] * 3 + ["loss"]
    first, same, other, again = (config for _, config in told)
    assert first == same == again != other


def ready_fields() -> dict[str, Any]:
    digest = bytes(32)
    return {
        "federation": "tests",
        "round": 0,
        "attempt": 0,
        "client": "node-1",
        "weight": 1,
        "policy": digest,
        "roster": digest,
        "previous": digest,
    }


def test_a_node_that_another_process_has_says_so(world: World) -> None:
    own = ctx({"fedproof": str(world.folder / "nodes" / "0")})
    with open_node(world.folder / "nodes" / "0"), pytest.raises(UsageError, match="another process"):
        proof_mod(message(fedproof=Call("train").record()), own, never)


values = st.one_of(
    st.integers(-(1 << 40), 1 << 40),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.booleans(),
    st.lists(st.binary(max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
)
names = st.sampled_from([*vars(Call("train")), *vars(Answer("train", 0)), "rounds", "seconds.prove"])
records = st.dictionaries(names, values, max_size=8)


@given(records, records)
def test_readers_of_records_refuse_and_never_crash(
    ours: dict[str, object], rounds: dict[str, object]
) -> None:
    content = RecordDict({RECORD: ConfigRecord(ours), ROUNDS: ConfigRecord(rounds)})  # type: ignore[arg-type]
    sent = Message(content, 1000, "train")
    for read in (lambda: Call.of(content), lambda: Rounds.of(content), lambda: Answer.of(sent, "train")):
        try:
            read()
        except FedproofError:
            continue


def test_what_travels_comes_back() -> None:
    call = Call("upload", 3, b"a", b"v", "arrays", "weight", (b"q", b"r"))
    rounds = Rounds(first=2, entries=(b"e",), blobs=(b"x", b"y"))
    content = RecordDict({RECORD: call.record(), ROUNDS: rounds.record()})
    assert all(record.count_bytes() > 0 for record in [*content.values(), Call("train").record()])
    assert (Call.of(content), Rounds.of(content)) == (call, rounds)
    assert Rounds.of(RecordDict({ROUNDS: Rounds().record()})) == Rounds()
    answer = Answer("upload", 4, True, "no", b"r", b"u", {"prove": 0.5}, (b"s",), b"g")
    assert Answer.of(Message(RecordDict({RECORD: answer.record()}), 1, "train"), "upload") == answer


@pytest.mark.parametrize("junk", [[1, 2], ["a"], [0.5], [True]])
def test_requests_and_answers_that_are_no_bytes(junk: list[Any]) -> None:
    call, answer = Call("open").record(), Answer("open", 0).record()
    call["requests"] = answer["answers"] = junk
    with pytest.raises(Malformed, match="requests in the record 'fedproof' is no list of bytes"):
        Call.of(RecordDict({RECORD: call}))
    with pytest.raises(Malformed, match="answers in the record 'fedproof' is no list of bytes"):
        Answer.of(Message(RecordDict({RECORD: answer}), 1, "train"), "open")
