"""What a dishonest server can say to `proof_mod`: the node answers with what it refuses, and its chain stays where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flwr.app import Message
from flwr.serverapp.strategy import FedAvg

from fedproof.flower import Proved
from fedproof.flower.wire import RECORD, ROUNDS, Answer, Call, Rounds
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import Signed, sign
from fedproof.round.folder import open_node
from fedproof.round.messages import Announcement, Verdict
from tests.flower.world import World, initial

Change = Callable[[World, Call, Rounds], tuple[Call, Rounds]]
STRANGER = SigningKey.generate()


def without_a_blob(world: World, call: Call, rounds: Rounds) -> tuple[Call, Rounds]:
    return call, rounds.model_copy(update={"blobs": rounds.blobs[1:]})


def with_a_blob_changed(world: World, call: Call, rounds: Rounds) -> tuple[Call, Rounds]:
    first = bytes([rounds.blobs[0][0] ^ 1]) + rounds.blobs[0][1:]
    return call, rounds.model_copy(update={"blobs": (first, *rounds.blobs[1:])})


def with_another_entry(world: World, call: Call, rounds: Rounds) -> tuple[Call, Rounds]:
    return call, rounds.model_copy(update={"entries": (rounds.entries[0][:-1],)})


def with_a_strangers_verdict(world: World, call: Call, rounds: Rounds) -> tuple[Call, Rounds]:
    with open_node(world.folder / "nodes" / "2") as node:
        verdict = Signed.from_bytes(call.verdict).open(Verdict, node.client.aggregator)
    return replace(call, verdict=sign(verdict, STRANGER).to_bytes()), rounds


def with_a_strangers_announcement(world: World, call: Call, rounds: Rounds) -> tuple[Call, Rounds]:
    with open_node(world.folder / "nodes" / "2") as node:
        opened = Signed.from_bytes(call.announcement).open(Announcement, node.client.aggregator)
    return replace(call, announcement=sign(opened, STRANGER).to_bytes()), rounds


def for_another_attempt(world: World, call: Call, rounds: Rounds) -> tuple[Call, Rounds]:
    """By the aggregator's own key: it asks for the proof of an update that nobody trained for this attempt."""
    key = SigningKey.load(world.folder / "server" / "message.pem")
    opened = Signed.from_bytes(call.announcement).open(Announcement, key.verify_key)
    return replace(call, announcement=sign(opened.model_copy(update={"attempt": 5}), key).to_bytes()), rounds


WRONG: dict[str, tuple[str, Change, str]] = {
    # name: (step, what the server makes of its message, part of the node's answer)
    "blob missing": ("train", without_a_blob, "is not among what the server sent"),
    "blob changed": ("train", with_a_blob_changed, "is not among what the server sent"),
    "another entry": ("train", with_another_entry, "CBOR"),
    "verdict of another key": ("train", with_a_strangers_verdict, "signed by another key"),
    "announcement of another key": ("upload", with_a_strangers_announcement, "signed by another key"),
    "announcement of another attempt": ("upload", for_another_attempt, "nothing was trained for this round"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_message_that_is_wrong_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    step, change, reason = WRONG[name]
    world = World.make(tmp_path)
    strategy = FedAvg(fraction_evaluate=0.0)
    honest, answers = world.answering[1002], []

    def changed(message: Message) -> Message | None:
        call, rounds = Call.of(message.content), Rounds.of(message.content)
        if call.step == step and (rounds.entries or step == "upload"):
            call, rounds = change(world, call, rounds)
            message.content[RECORD], message.content[ROUNDS] = call.record(), rounds.record()
            reply = honest(message)
            assert reply is not None
            answers.append(Answer.of(reply, call.step))
            return reply
        return honest(message)

    world.answering[1002] = changed
    proved = Proved(strategy, world.context())
    proved.start(world.grid(), initial(), num_rounds=2)
    assert answers
    assert all(reason in answer.refused for answer in answers)
    assert not any(answer.ready or answer.upload for answer in answers)
    assert all(r.accepted[:2] == ("node-0", "node-1") for r in proved.rounds)
    assert reason in proved.rounds[-1].left["node-2"]
