"""Killed at any durable step, both sides take up where they were: nothing that was acknowledged is lost, and the record is the same as
if nothing had happened."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedproof.encoding import files
from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity import at_rest
from fedproof.identity.at_rest import tag
from fedproof.identity.signed import Signed
from fedproof.log import tiles
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.round import place as place_module
from fedproof.round import store as store_module
from fedproof.round.aggregator import Aggregator
from fedproof.round.client import Client
from fedproof.round.messages import Upload, Verdict
from fedproof.round.store import Store
from tests.round.world import (
    AGGREGATOR,
    BASE_FILE,
    ENDORSERS,
    KEYS,
    NAMES,
    NOW,
    OPENING,
    POLICY,
    ROSTER,
    ROSTER_DIGEST,
    SIGNED_ROSTER,
    STRANGER,
    WEIGHTS,
    World,
    ada_at,
    client,
    numbers,
    policy,
    reheaded,
)


def forgets(client: Client) -> None:
    """What it answered: so that one world can go on in many ways."""
    for said in client.attempts.values():
        said.session = said.header = None


class Killed(BaseException):
    """Not an Exception: nothing may catch it and go on."""


class Fuse:
    """Counts durable operations and kills before the `at`-th, leaving a torn temporary file behind."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: int | None = None
        self.count = 0
        write, unlink = files.write_atomic, Path.unlink

        def burning_write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
            if self._burns():
                (path.parent / f".{path.name}.torn.tmp").write_bytes(data[: len(data) // 2])
                raise Killed
            write(path, data, mode=mode)

        def burning_unlink(path: Path, missing_ok: bool = False) -> None:
            if self._burns():
                raise Killed
            unlink(path, missing_ok=missing_ok)

        for module in (store_module, place_module, at_rest, tiles):
            monkeypatch.setattr(module, "write_atomic", burning_write)
        monkeypatch.setattr(Path, "unlink", burning_unlink)

    def _burns(self) -> bool:
        self.count += 1
        return self.count == self.at


def aggregator(root: Path) -> Aggregator:
    return Aggregator(root, AGGREGATOR, policy(), SIGNED_ROSTER, ENDORSERS, BASE_FILE, clock=lambda: NOW)


def closing(opened: Aggregator) -> Aggregator:
    """The lock goes with the process."""
    opened._log.close()
    return opened


def test_killed_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fuse = Fuse(monkeypatch)
    for at in itertools.count(1):
        root = tmp_path / str(at)
        clients = {n: client(n) for n in NAMES}
        readies = [c.ready(WEIGHTS[n]) for n, c in clients.items()]
        announcement: list[Signed] = []
        acknowledged: dict[int, bytes] = {}
        made: dict[bytes, list[bytes]] = {}

        def uploads(
            announced: list[Signed] = announcement,
            clients: dict[str, Any] = clients,
            made: dict[bytes, list[bytes]] = made,
        ) -> list[bytes]:
            """The clients answer an announcement once."""
            session = announced[0].digest()
            if session not in made:
                for c in clients.values():
                    forgets(c)
                made[session] = [
                    clients[n].upload(announced[0], numbers(ord(n[0])), now=NOW).to_bytes() for n in NAMES[:3]
                ]
            return made[session]

        fuse.count, fuse.at = 0, at
        died = False
        for _ in range(3):
            try:
                server = aggregator(root)
                if server.chain.round == 0:
                    if server.server is None:
                        assert not acknowledged, "a round with verdicts was forgotten"
                        announcement[:] = [server.announce(readies)]
                    for number, data in enumerate(uploads()):
                        verdict = server.receive(data).to_bytes()
                        assert acknowledged.setdefault(number, verdict) == verdict
                    server.close()
                closing(server)
                break
            except Killed:
                died = True
                fuse.at = None
                # The dead process's lock is gone; here it has to be taken away by hand.
                import gc

                gc.collect()
                _unlock(root)
        fuse.at = None
        after = closing(aggregator(root))
        assert after.chain.round == 1
        assert after.chain.previous != bytes(32)
        assert len(after.entries()) == 1
        assert not list((root / "open").iterdir())
        assert not list(root.rglob("*.tmp"))
        if not died:
            assert at > 15
            return


def _unlock(root: Path) -> None:
    (root / "log.lock").rename(root / "log.lock.dead") if (root / "log.lock").exists() else None


def test_a_verdict_survives_the_kill_that_follows_it(tmp_path: Path) -> None:
    world = World.announced()
    server = aggregator(tmp_path)
    announcement = server.announce([c.ready(WEIGHTS[n]) for n, c in world.clients.items()])
    for c in world.clients.values():
        forgets(c)
    upload = world.clients["ada"].upload(announcement, numbers(1), now=NOW).to_bytes()
    verdict = server.receive(upload)
    closing(server)
    again = aggregator(tmp_path)
    assert again.server is not None
    assert again.server.waiting_for() == ["bob", "cyd", "dee"]
    assert again.receive(upload) == verdict
    closing(again)


def test_a_changed_upload_is_not_kept(tmp_path: Path) -> None:
    """Nobody signed for it. The good one still counts, also after a restart."""
    clients = {n: client(n) for n in NAMES}
    with aggregator(tmp_path) as server:
        announcement = server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()])
        upload = clients["ada"].upload(announcement, numbers(1), now=NOW)
        for part in ("values", "blinds", "salt", "points", "proof"):
            data = getattr(upload, part)
            changed = upload.model_copy(update={part: data[:-1] + bytes([data[-1] ^ 1])})
            with pytest.raises(Refused):
                server.receive(changed.to_bytes())
        assert not list((tmp_path / "open").glob("*-upload"))
    with aggregator(tmp_path) as again:
        verdict = again.receive(upload.to_bytes()).open(Verdict, AGGREGATOR.verify_key)
    assert verdict.accepted


def test_memory_does_not_grow_with_what_clients_send(tmp_path: Path) -> None:
    """Neither accepted updates nor refused ones stay, nor commitments and proofs."""
    d = 200_000
    base = serialise({"w": np.zeros(d, np.float32)}, Layout.of_arrays({"w": np.zeros(d, np.float32)}))
    held = Policy.parse(POLICY.replace(sha256(BASE_FILE).hex(), sha256(base).hex()) + OPENING)

    def opened() -> Aggregator:
        return Aggregator(tmp_path, AGGREGATOR, held, SIGNED_ROSTER, ENDORSERS, base, clock=lambda: NOW)

    with opened() as server:
        clients = {n: client(n, server.chain) for n in NAMES}
        announcement = server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()])
        made = {}
        for name, c in clients.items():
            upload = c.upload(announcement, np.full(d, len(made), np.int64), now=NOW)
            if name in ("bob", "cyd"):  # they sign for values that open nothing
                upload = upload.model_copy(update={"values": bytes(4 * d - 1) + b"\1"})
                upload = reheaded(upload, name, opening=upload.opening().digest())
            made[name] = upload.to_bytes()
        tracemalloc.start()
        try:
            in_use = []
            for name, data in made.items():
                verdict = server.receive(data).open(Verdict, AGGREGATOR.verify_key)
                assert verdict.accepted == (name in ("ada", "dee"))
                in_use.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert max(in_use) - in_use[0] < 30_000  # an update has 800,000 bytes, a commitment 6,272
    with opened() as again:
        closed = again.close()
        assert [a.client for a in closed.result.accepted] == ["ada", "dee"]
        assert again.chain.W.tolist() == [(2 * 4 * 3 + 7) // (2 * 7)] * d
        for name in ("ada", "dee"):
            clients[name].adopt(closed.entry, again.read)


def test_what_was_never_acknowledged_goes_nowhere(tmp_path: Path) -> None:
    """A kill between the checks and the acknowledgement leaves blobs that nobody stands for."""
    clients = {n: client(n) for n in NAMES}
    with aggregator(tmp_path) as server:
        announcement = server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()])
        for n, c in clients.items():
            server.receive(c.upload(announcement, numbers(ord(n[0])), now=NOW).to_bytes())
        waiting = list((tmp_path / "open").glob("*-blob"))
        assert len(waiting) == 8
        assert {path.stat().st_mode & 0o777 for path in waiting} == {0o600}
    (tmp_path / "open" / f"{sha256(b'clear values').hex()}-blob").write_bytes(b"clear values")
    with aggregator(tmp_path) as again:
        assert sorted((tmp_path / "open").glob("*-blob")) == sorted(waiting)
        again.close()
    assert not list((tmp_path / "open").iterdir())
    assert not list((tmp_path / "blobs").rglob(sha256(b"clear values").hex()))


def test_a_waiting_blob_that_somebody_changed(tmp_path: Path) -> None:
    blobs = Store(tmp_path).waiting()
    name = sha256(b"proof")
    blobs[name] = b"proof"
    assert dict(blobs) == {name: b"proof"}
    (tmp_path / "open" / f"{name.hex()}-blob").write_bytes(b"other")
    with pytest.raises(Refused, match="was changed"):
        dict(blobs)
    del blobs[name]
    assert len(blobs) == len(list((tmp_path / "open").iterdir())) == 0
    with pytest.raises(KeyError):
        blobs[name]


def test_an_aborted_round_is_another_attempt(tmp_path: Path) -> None:
    server = aggregator(tmp_path)
    clients = {n: client(n) for n in NAMES}
    server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()])
    with pytest.raises(Refused, match="under way"):
        server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()])
    server.abort()
    closing(server)
    again = aggregator(tmp_path)
    assert (again.server, again.attempt) == (None, 1)
    announcement = again.announce([c.ready(WEIGHTS[n], attempt=again.attempt) for n, c in clients.items()])
    for n, c in clients.items():
        again.receive(c.upload(announcement, numbers(ord(n[0])), now=NOW).to_bytes())
    closed = again.close()
    for c in clients.values():
        assert c.adopt(closed.entry, again.read).attempt == 1
    closing(again)


def test_a_folder_that_somebody_changed(tmp_path: Path) -> None:
    server = aggregator(tmp_path)
    clients = {n: client(n) for n in NAMES}
    announcement = server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()])
    for n, c in clients.items():
        server.receive(c.upload(announcement, numbers(ord(n[0])), now=NOW).to_bytes())
    server.close()
    closing(server)
    blobs = [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()]
    for path in blobs:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        if data != BASE_FILE:
            with pytest.raises(Refused):
                aggregator(tmp_path)
            _unlock(tmp_path)
        path.write_bytes(data)
    closing(aggregator(tmp_path))


def test_another_roster_than_the_endorsers(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        Aggregator(tmp_path, AGGREGATOR, policy(), SIGNED_ROSTER, {"board": STRANGER.verify_key}, BASE_FILE)


# -- the client's side ---------------------------------------------------------------------------------------


def test_a_node_is_killed_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not have answered, but never answers twice with different uploads."""
    fuse = Fuse(monkeypatch)
    for at in itertools.count(1):
        root = tmp_path / str(at)
        others = {n: client(n) for n in NAMES[1:]}
        server = World.announced(clients={"ada": client("ada"), **others}).server
        signed = server.signed
        assert signed is not None
        sent: set[bytes] = set()
        died = False
        fuse.count, fuse.at = 0, at
        for _ in range(3):
            try:
                node = ada_at(root)
                if not node.client.attempts:
                    node.ready(WEIGHTS["ada"])
                sent.add(node.upload(signed, numbers(1)).to_bytes())
                break
            except Killed:
                died, fuse.at = True, None
        fuse.at = None
        assert len(sent) == 1
        reopened = ada_at(root)
        assert reopened.upload(signed, numbers(1)).to_bytes() in sent
        verdict = server.receive(next(iter(sent)))
        assert reopened.verdict(verdict).accepted
        for n, c in others.items():
            server.receive(c.upload(signed, numbers(ord(n[0])), now=NOW).to_bytes())
        closed = server.close(now=NOW)
        last = ada_at(root)
        last.adopt(closed.entry, lambda name, _w, _l, blobs=closed.blobs: blobs[name])
        assert (ada_at(root).client.chain.W == closed.chain.W).all()
        if not died:
            assert at > 3
            return


def test_a_node_remembers_what_it_answered(tmp_path: Path) -> None:
    first, second = World.announced(), World.announced()
    node = ada_at(tmp_path)
    node.ready(WEIGHTS["ada"])
    node.upload(first.announcement, numbers(1))
    with pytest.raises(Refused, match="a second announcement"):
        ada_at(tmp_path).upload(second.announcement, numbers(1))
    events = ada_at(tmp_path).audit.events()
    assert [e["event"] for e in events] == ["ready", "upload", "refused"]


def test_a_node_of_another_model(tmp_path: Path) -> None:
    node = ada_at(tmp_path)
    node.ready(3)
    kept = place_module._State.from_bytes((tmp_path / "state.cbor").read_bytes())
    place = place_module.Place.from_bytes(kept.place)
    shorter = place.model_copy(update={"weights": place.weights[:-8]}).to_bytes()
    changed = kept.model_copy(update={"place": shorter})
    (tmp_path / "state.cbor").write_bytes(changed.to_bytes())
    with pytest.raises(Refused, match=r"state.cbor was changed, or is another key's"):
        ada_at(tmp_path)
    own = changed.model_copy(update={"tag": tag(shorter, KEYS["ada"], node._purpose_of("place"))})
    (tmp_path / "state.cbor").write_bytes(own.to_bytes())
    with pytest.raises(Refused, match="another model"):
        ada_at(tmp_path)


def test_verdicts_and_uploads_are_typed() -> None:
    """What travels is one message kind each."""
    world = World.announced()
    upload = world.upload("ada")
    assert Upload.from_bytes(upload.to_bytes()) == upload
    signed = world.server.receive(upload.to_bytes())
    assert signed.open(Verdict, AGGREGATOR.verify_key).accepted
    assert ROSTER.key_of("ada") == KEYS["ada"].verify_key
    assert len(ROSTER_DIGEST) == 32
