"""Both sides of a masked round, killed and opened again: whoever stops goes on where its folder says, nobody opens two sets, and what is on
record is the sum."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fedproof.encoding import files
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity import at_rest
from fedproof.identity.at_rest import read_sealed, write_sealed
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import Signed, sign
from fedproof.round import node as node_module
from fedproof.round.answered import LIMIT
from fedproof.round.attempts import MAX_AGREED
from fedproof.round.counter import FileCounter
from fedproof.round.masked_messages import (
    AcceptedSet,
    AgreeRequest,
    RecoveryAnswer,
    UnmaskAnswer,
    UnmaskRequest,
)
from fedproof.round.node import Node
from fedproof.round.requests import read_request
from fedproof.round.store import Store
from tests.masking.folders import Folders, sum_of, weight
from tests.masking.killing import HELD, LATE, SILENT
from tests.masking.world import ALL, chain, client, key_of, numbers, policy
from tests.round.test_failing_disk import aggregator as clear_aggregator
from tests.round.world import AGGREGATOR
from tests.round.world import client as clear_client


@pytest.mark.parametrize(("what", "least"), [("uploads", 5), ("exchanges", 20), ("blame", 4)])
def test_killed_again_and_again(tmp_path: Path, what: str, least: int) -> None:
    """Both sides at once, before every kind of durable operation of every exchange; then taken up again, to the same sum."""
    program = [sys.executable, "-m", "tests.masking.killing", what, str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= least


# --- what a folder keeps ---------------------------------------------------------------------------------------------


def agreed(root: Path) -> Folders:
    """Everybody uploaded and opened the set."""
    world = Folders(root, policy(), 7)
    with world.aggregator() as server:
        world.uploads(server)
        for _ in range(2):
            for name, requests in server.next_requests().items():
                world.ask(server, name, requests[0], lambda what: None)
    return world


def secrets_of(world: Folders, name: str) -> list[bytes]:
    with world.node(name) as node:
        (said,) = node.client.attempts.values()
        masker = said.masker
        assert masker is not None
        assert masker.own is not None
        return [masker.mask.secret, masker.encryption.secret, masker.own.secret, *masker.shares.values()]


def with_secrets(node: Node) -> list[tuple[int, int]]:
    return [place for place, said in node.client.attempts.items() if said.masker is not None]


def test_secrets_are_sealed_and_destroyed(tmp_path: Path) -> None:
    world, name = agreed(tmp_path), ALL[1]
    secret = [*secrets_of(world, name), numbers(name).astype("<i4").tobytes()[:32]]
    assert len(secret) == 10
    kept = b"".join(p.read_bytes() for p in (tmp_path / name).iterdir())
    assert not [s for s in secret if s in kept]
    world.run()
    with world.node(name) as node:
        assert not node.client.attempts
    path = tmp_path / name / "answers.sealed"
    opened = read_sealed(path, key_of(name), "node answers tests", limit=LIMIT)
    assert not [s for s in secret if s in opened]
    assert {p.name for p in (tmp_path / name).iterdir()} == {
        "answers.sealed",
        "audit.jsonl",
        "lock",
        "state.cbor",
    }


def test_a_sealed_file_opens_for_its_key_and_purpose_alone(tmp_path: Path) -> None:
    path, key = tmp_path / "file", SigningKey.generate()
    write_sealed(path, b"said", key, "one")
    assert read_sealed(path, key, "one", limit=4) == b"said"
    changed = tmp_path / "changed"
    for at in (0, 40, -1):
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        changed.write_bytes(data)
        with pytest.raises(Refused, match="was changed"):
            read_sealed(changed, key, "one", limit=4)
    for other, purpose in ((SigningKey.generate(), "one"), (key, "two")):
        with pytest.raises(Refused, match="was changed"):
            read_sealed(path, other, purpose, limit=4)
    with pytest.raises(Malformed, match="at most"):
        read_sealed(path, key, "one", limit=3)
    changed.write_bytes(b"short")
    with pytest.raises(Refused, match="was changed"):
        read_sealed(changed, key, "one", limit=4)


# --- set back --------------------------------------------------------------------------------------------------------


def test_a_folder_that_was_set_back_is_noticed_by_a_counter(tmp_path: Path) -> None:
    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    with world.node(name, counted=True) as node:
        node.ready(1)
        shutil.copytree(tmp_path / name, tmp_path / "copy")
        node.ready(2)
    with world.node(name, counted=True) as node:
        assert node.client.attempts[0, 0].weight == 2
    shutil.rmtree(tmp_path / name)
    shutil.copytree(tmp_path / "copy", tmp_path / name)
    with pytest.raises(
        Refused, match=r"remembers 2 answers, the counter \d: the folder was set back"
    ) as refused:
        world.node(name, counted=True)
    assert (refused.value.subject, refused.value.stage) == ("state folder", "chain")
    with pytest.raises(Refused, match="a counter goes with the folder, and none is given"):
        world.node(name)
    shutil.rmtree(tmp_path / name)
    with pytest.raises(Refused, match="remembers 0 answers"):
        world.node(name, counted=True)


def test_a_counter_that_is_gone_or_another_is_noticed(tmp_path: Path) -> None:
    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    counter = tmp_path / f"{name}.counter"
    with world.node(name) as node:
        for weight in (1, 2, 3):
            node.ready(weight)
    with world.node(name, counted=True) as node:  # from here on
        assert counter.read_text() == "4\n"
        node.ready(4)
    for told in (None, "3\n"):
        counter.unlink() if told is None else counter.write_text(told)
        with pytest.raises(Refused, match=r"remembers 5 answers, the counter [03]: it is another counter"):
            world.node(name, counted=True)
    counter.write_text("4\n")  # a kill between the two
    with world.node(name, counted=True):
        assert counter.read_text() == "6\n"


def test_a_machine_that_was_set_back_with_its_memory_is_noticed(tmp_path: Path) -> None:
    """The node was open all the time; only the counter's disk is another one."""
    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    with world.node(name, counted=True) as node:
        node.ready(1)
        shutil.copytree(tmp_path / name, tmp_path / "copy")
        shutil.copy(tmp_path / f"{name}.counter", tmp_path / "own")
        own = FileCounter(tmp_path / "own")
        restored = Node(tmp_path / "copy", client(name, chain(world.held)), counter=own)
        restored._counter = node._counter
        node.ready(2)
        node.ready(3)
        with pytest.raises(Refused, match=r"remembers 3 answers, the counter 4: one of them was set back"):
            restored.ready(3)
        assert "remembers 3 answers" in (tmp_path / "copy" / "audit.jsonl").read_text()
        with pytest.raises(UsageError, match="open it again"):
            restored.ready(3)
        restored.close()
        with pytest.raises(Refused, match="does not go back from 4 to 4"):
            FileCounter(tmp_path / f"{name}.counter").advance(4)


def test_a_write_that_was_not_counted_takes_no_other_ones_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set aside while the counter was away, and put back once another answer of the same number had left."""
    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    file = tmp_path / name / "answers.sealed"
    with world.node(name, counted=True) as node:
        node.ready(1)
        before = file.read_bytes()

        def away(counter: FileCounter, to: int) -> None:
            raise UsageError("the counter is away")

        with monkeypatch.context() as patch:
            patch.setattr(FileCounter, "advance", away)
            with pytest.raises(UsageError, match="away"):
                node.ready(2)
    aside = file.read_bytes()
    file.write_bytes(before)
    with world.node(name, counted=True) as node:
        node.ready(3)
    file.write_bytes(aside)
    with pytest.raises(Refused, match="the folder was set back"):
        world.node(name, counted=True)


def test_an_upload_that_somebody_else_changed_is_not_sent_again(tmp_path: Path) -> None:
    """Nor answered for: who can write to the folder has nobody named."""
    world, name = agreed(tmp_path), ALL[0]
    path = tmp_path / name / "upload.sealed"
    changed = bytearray(path.read_bytes())
    changed[-20] ^= 1
    path.write_bytes(changed)
    with world.aggregator() as server:
        assert server.server is not None
        announcement, session = server.server.signed, server.server.session
        assert announcement is not None
    with world.node(name) as node:
        for act in (
            lambda: node.upload(announcement, numbers(name)),
            lambda: node._bring_upload_back(session),
        ):
            with pytest.raises(Refused, match=r"upload.sealed was changed"):
                act()


def test_the_counter_goes_on_before_the_answer_leaves(tmp_path: Path) -> None:
    class Broken(FileCounter):
        def advance(self, to: int) -> None:
            raise UsageError("the counter is away")

    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    with world.node(name) as node:
        node._counter = Broken(tmp_path / "counter")
        with pytest.raises(UsageError, match="away"):
            node.ready(1)
        with pytest.raises(UsageError, match="open it again"):
            node.ready(1)
    with world.node(name, counted=True) as node:  # the file is ahead: nothing was said
        assert node.ready(1)
        assert node._counter is not None
        assert node._counter.read() == 3


def test_a_counter_that_cannot_be_read(tmp_path: Path) -> None:
    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    for junk in (b"-1", b"ten", b"1" * 40):
        (tmp_path / f"{name}.counter").write_bytes(junk)
        with pytest.raises(Malformed):
            world.node(name, counted=True)


def test_a_place_that_was_set_back(tmp_path: Path) -> None:
    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    with world.node(name) as node:
        node.ready(1)
    place = (tmp_path / name / "state.cbor").read_bytes()
    world.run()
    (tmp_path / name / "state.cbor").write_bytes(place)
    with pytest.raises(Refused, match=r"state.cbor stands at round 0, answers.sealed at 1"):
        world.node(name)
    (tmp_path / name / "state.cbor").unlink()
    with pytest.raises(Refused, match=r"state.cbor stands at round 0, answers.sealed at 1"):
        world.node(name)


# --- what must still hold after a stop --------------------------------------------------------------------------------


def test_a_client_opens_no_second_set_after_a_stop(tmp_path: Path) -> None:
    """Nor takes a request of another session, nor a second release."""
    world = agreed(tmp_path)
    name = ALL[0]
    with world.aggregator() as server:
        assert server.server is not None
        unmasking = server.server.unmask()
        full = unmasking.accepted.open(AcceptedSet, AGGREGATOR.verify_key)
        fewer = sign(full.model_copy(update={"headers": full.headers[:-1]}), AGGREGATOR)
        honest = unmasking.request(name)
    with world.node(name) as node:
        assert node.client.releases == 1
        for request in (AgreeRequest(accepted=fewer), honest.model_copy(update={"accepted": fewer})):
            with pytest.raises(Refused, match="a second, different set"):
                node.answer(request.to_bytes())
        again = UnmaskAnswer.from_bytes(node.answer(honest.to_bytes()))
        assert again == unmasking.opened[name]
        with pytest.raises(Refused, match="this client helped to open 1 sum"):
            node.ready(1, attempt=1)
        assert [e["event"] for e in node.audit.events()][-4:] == ["refused", "refused", "answered", "refused"]


def test_releases_count_for_one_base_model(tmp_path: Path) -> None:
    """As those of the model before, once the next one is on the disk, even if nothing else is."""
    world, name = agreed(tmp_path), ALL[0]
    with world.node(name) as node:
        sealed = (tmp_path / name / "answers.sealed").read_bytes()
        assert node.client.releases == 1
    world.run()
    (tmp_path / name / "answers.sealed").write_bytes(sealed)  # a kill between the two writes
    with world.node(name) as node:
        assert (node.client.releases, node.client.chain.round, list(node.client.attempts)) == (0, 1, [])
        assert node.ready(1)


def test_a_cheat_is_named_though_everybody_stops_between_messages(tmp_path: Path) -> None:
    cheat = ALL[2]
    world = Folders(tmp_path, policy(), 7, cheats=[cheat])
    closed = world.run()
    assert closed is not None
    (dropped,) = closed.result.dropped
    assert (dropped.client, dropped.kind) == (cheat, "named")
    for name in (cheat, ALL[0]):
        with world.node(name) as node:
            event = node.audit.events()[-1]
        assert event["event"] == "adopted"
        assert event["left_out"] == (f"named: {dropped.reason}" if name == cheat else "")
    with world.aggregator() as server:
        after = chain(world.held).advance(
            b"",
            0,
            sum_of(*(n for n in world.names if n != cheat)),
            sum(weight(n) for n in world.names if n != cheat),
        )
        assert (server.chain.W == after.W).all()


def test_what_is_asked_again_is_what_was_not_answered(tmp_path: Path) -> None:
    """Of several requests to one client, too."""
    cheats, name = ALL[1:3], ALL[0]
    world = Folders(tmp_path, policy(min_set=4), 9, cheats=cheats)
    with world.aggregator() as server:
        world.uploads(server)
        while len((asked := server.next_requests())[name]) == 1:
            for each, requests in asked.items():
                for request in requests:
                    world.ask(server, each, request, lambda what: None)
        first, second = asked[name]
        assert read_request(first).KIND == read_request(second).KIND == "repair-request"
        world.ask(server, name, first, lambda what: None)
    with world.aggregator() as server:
        assert server.requests()[name] == [second]
        for each, requests in server.requests().items():
            for request in requests:
                world.ask(server, each, request, lambda what: None)
        assert not server.requests()
    closed = world.run()
    assert closed is not None
    assert not closed.result.void
    assert [(d.client, d.kind) for d in closed.result.dropped] == [(c, "named") for c in cheats]


def test_a_round_is_not_closed_before_its_sum_was_asked_for(tmp_path: Path) -> None:
    """It would be void, and nobody could say why."""
    world = Folders(tmp_path, policy(), 7)
    with world.aggregator() as server:
        world.uploads(server)
        with pytest.raises(Refused, match="does not open yet"):
            server.close()
        assert not server.exchanging
        for name, (request,) in server.next_requests().items():
            world.ask(server, name, request, lambda what: None)
        with pytest.raises(Refused, match="does not open yet"):
            server.close()
        for name, (request,) in server.next_requests().items():
            world.ask(server, name, request, lambda what: None)
        assert not server.close().result.void


def test_no_upload_counts_once_requests_were_asked_for(tmp_path: Path) -> None:
    """Also where too few are in, and after a stop."""
    world = Folders(tmp_path, policy(), 7, {n: ["upload"] for n in ALL[1:7]})
    with world.aggregator() as server:
        world.uploads(server)
        assert not server.next_requests()
    late = ALL[1]
    with world.aggregator() as server:
        assert server.server is not None
        announcement = server.server.signed
        assert announcement is not None
        with world.node(late) as node, pytest.raises(Refused, match="the accepted set is fixed"):
            server.receive(node.upload(announcement, numbers(late)).to_bytes())
        assert server.close().result.void


def test_what_a_kill_leaves_of_an_upload_goes_with_the_round(tmp_path: Path) -> None:
    world, name = agreed(tmp_path), ALL[0]
    left = [tmp_path / name / file for file in ("upload.sealed", "update.sealed")]
    kept = [path.read_bytes() for path in left]
    world.run()
    assert not [path for path in left if path.exists()]
    for path, data in zip(left, kept, strict=True):
        path.write_bytes(data)
    world.node(name).close()
    assert not [path for path in left if path.exists()]


def test_a_client_agrees_to_so_many_sets_of_one_round(tmp_path: Path) -> None:
    """Its folder has each of them whole."""
    world, name = Folders(tmp_path, policy(max_releases_per_base=1000), 7), ALL[0]
    with world.aggregator() as server:
        for attempt in range(MAX_AGREED + 1):
            world.uploads(server)
            request = server.next_requests()[name][0]
            with world.node(name) as node:
                if attempt < MAX_AGREED:
                    assert node.answer(request)
                    assert node.answer(request)  # the same again is no other
                    server.abort()
                    continue
                for kind in (AgreeRequest, UnmaskRequest):
                    accepted = read_request(request).accepted  # type: ignore[union-attr]
                    more = {"acknowledgements": (), "deliveries": ()} if kind is UnmaskRequest else {}
                    with pytest.raises(Refused, match=f"agreed to {MAX_AGREED} sets of this round"):
                        node.answer(kind(accepted=accepted, **more).to_bytes())


def test_more_than_can_be_read_again_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    monkeypatch.setattr(node_module, "LIMIT", 100)
    with world.node(name) as node, pytest.raises(UsageError, match="at most 100 can be read again"):
        node.ready(1)


def test_requests_that_are_none(tmp_path: Path) -> None:
    world = agreed(tmp_path)
    with world.aggregator() as server, world.node(ALL[0]) as node:
        assert server.exchanging
        assert not server.requests()  # all have answered
        assert server.server is not None
        agreement = server.server.unmask().accepted
        for data in (b"", b"\xa0", agreement.payload):
            with pytest.raises(Malformed):
                node.answer(data)
            with pytest.raises(Refused):
                server.answer(ALL[0], data)
        server.abort()
        for act in (server.next_requests, lambda: server.answer(ALL[0], b"")):
            with pytest.raises(Refused, match="no round is under way"):
                act()
        assert not server.exchanging


def test_answers_that_are_not_ones_own(tmp_path: Path) -> None:
    """In another's name, without its signature, or once more than asked: not taken, and not kept."""
    world = Folders(tmp_path, HELD, 6, SILENT)
    with world.aggregator() as server:
        world.uploads(server)

        def refused(client: str, data: bytes, detail: str) -> None:
            kept = len(list((tmp_path / "aggregator" / "open").iterdir()))
            with pytest.raises(Refused, match=detail):
                server.answer(client, data)
            assert len(list((tmp_path / "aggregator" / "open").iterdir())) == kept

        answers: dict[str, bytes] = {}
        for exchange in range(3):
            for name, (request,) in server.next_requests().items():
                if name == LATE and exchange == 1:
                    continue
                with world.node(name) as node:
                    answers[name] = node.answer(request)
                server.answer(name, answers[name])
                refused(name, answers[name], "nothing more is asked of it")
            if exchange == 1:
                refused(LATE, answers[ALL[0]], "another client's")
                opened = UnmaskAnswer.from_bytes(answers[ALL[0]])
                unsigned = opened.acknowledgement.model_copy(
                    update={"signer": key_of(LATE).verify_key.raw, "signature": bytes(64)}
                )
                refused(
                    LATE,
                    opened.model_copy(update={"acknowledgement": unsigned}).to_bytes(),
                    "not of this set",
                )
                refused("stranger", answers[ALL[0]], "nothing more is asked of it")
        assert server.server is not None
        empty = RecoveryAnswer(session=server.server.session, client=ALL[1], parts=())
        refused(ALL[0], empty.to_bytes(), "nothing more is asked of it")
    with world.aggregator() as server:
        assert not server.requests()
        assert not server.close().result.void


def test_an_empty_answer_in_anothers_name_does_not_count_as_heard(tmp_path: Path) -> None:
    world = Folders(tmp_path, HELD, 6, SILENT)
    with world.aggregator() as server:
        world.uploads(server)
        for _ in range(2):
            for name, (request,) in server.next_requests().items():
                if not world.gone(name, read_request(request).KIND):
                    world.ask(server, name, request, lambda what: None)
        asked = server.next_requests()
        assert server.server is not None
        for name in asked:
            others = RecoveryAnswer(session=server.server.session, client=name, parts=())
            with pytest.raises(Refused, match="another client's"):
                server.answer(next(n for n in asked if n != name), others.to_bytes())
    with world.aggregator() as server:
        assert list(server.requests()) == list(asked)


def test_what_happened_is_in_order_beyond_a_million(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in (1_000_000, 999_999, 2):
        store.put(number, "answer", str(number).encode())
    assert [data for _, data in store.happened()] == [b"2", b"999999", b"1000000"]


def test_an_upload_whose_update_could_not_be_kept_does_not_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody could answer for it later."""
    world, name = Folders(tmp_path, policy(), 7), ALL[0]
    write = files.write_atomic

    def full(path: Path, data: bytes, *, mode: int = 0o644) -> None:
        if path.name == "update.sealed":
            raise UsageError("no space")
        write(path, data, mode=mode)

    with world.aggregator() as server:
        server.announce([world_ready(world, each) for each in world.names])
        assert server.server is not None
        announcement = server.server.signed
        assert announcement is not None
        with world.node(name) as node:
            with monkeypatch.context() as patch:
                patch.setattr(at_rest, "write_atomic", full)
                with pytest.raises(UsageError, match="no space"):
                    node.upload(announcement, numbers(name))
            with pytest.raises(UsageError, match="open it again"):
                node.upload(announcement, numbers(name))
        with world.node(name) as node:
            assert server.receive(node.upload(announcement, numbers(name)).to_bytes())
    assert (tmp_path / name / "update.sealed").exists()


def world_ready(world: Folders, name: str) -> Signed:
    with world.node(name) as node:
        return node.ready(weight(name))


@pytest.mark.parametrize("attempt", [-1, 1 << 17])
def test_an_attempt_that_is_none(tmp_path: Path, attempt: int) -> None:
    with Folders(tmp_path, policy(), 7).node(ALL[0]) as node:
        with pytest.raises(Refused, match="is not from 0 to"):
            node.ready(1, attempt=attempt)
        assert node.ready(1)


def test_a_clear_round_asks_nothing(tmp_path: Path) -> None:
    with clear_aggregator(tmp_path) as server:
        server.announce([clear_client("ada").ready(3), clear_client("bob").ready(3)])
        with pytest.raises(Refused, match="this round is not masked"):
            server.next_requests()
        with pytest.raises(Refused, match="nothing is asked"):
            server.answer(ALL[0], b"")
        assert not server.exchanging
        assert not server.requests()


def test_an_attempt_given_up_leaves_no_secrets(tmp_path: Path) -> None:
    """Once a client answered a later one; unless it agreed to a set of it: what is on record may be that."""
    world, name = Folders(tmp_path, policy(max_releases_per_base=2), 7), ALL[0]
    with world.aggregator() as server:
        world.uploads(server)
        server.abort()
        world.uploads(server)
        with world.node(name) as node:
            assert with_secrets(node) == [(0, 1)]
        for asked, requests in server.next_requests().items():
            world.ask(server, asked, requests[0], lambda what: None)
        server.abort()
        world.uploads(server)
        with world.node(name) as node:
            assert with_secrets(node) == [(0, 1), (0, 2)]
