"""Four clients, a small model, and an aggregator whose key the tests hold: it can sign anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.digest import sha256
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.signed import Signed, sign
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.parameters import shape
from fedproof.policy.policy import Policy
from fedproof.proofs import Opening
from fedproof.proofs.honest_aggregate import RunningTotal
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.closing import Closed
from fedproof.round.messages import Announcement, Result, Upload, UploadHeader, Verdict
from fedproof.round.node import Node
from fedproof.round.record import RoundBody, RoundEntry
from fedproof.round.rules import context
from fedproof.round.server import Server
from fedproof.round.uploads import ClearUploads
from fedproof.round.verify import RoundReport, verify_round

NOW = 1_800_000_000
"""What everybody's clock says: 2027-01-15T08:00:00Z."""
NAMES = ("ada", "bob", "cyd", "dee")
WEIGHTS = dict(zip(NAMES, (3, 5, 2, 4), strict=True))
BASE = {"w": np.linspace(-1, 1, 30, dtype=np.float32).reshape(6, 5), "b": np.zeros(5, np.float32)}
LAYOUT = Layout.of_arrays(BASE)
BASE_FILE = serialise(BASE, LAYOUT)
POLICY = f"""
version = 1
federation = "tests"
base_model = "sha256:{sha256(BASE_FILE).hex()}"
[update]
scale = 12
max_abs = 1000
max_norm = 3000
weights = {{ source = "declared", max = 10 }}
[round]
min_accepted = 2
"""
OPENING = """
[prove]
update = "opening"
"""
AGGREGATOR, ENDORSER, STRANGER = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
KEYS = {name: SigningKey.generate() for name in NAMES}
ROSTER = Roster(
    version=1,
    federation="tests",
    endorser="board",
    previous=None,
    members=tuple(Member(client=n, key=KEYS[n].verify_key.raw) for n in NAMES),
)
SIGNED_ROSTER = endorse(ROSTER, ENDORSER)
ROSTER_DIGEST = SIGNED_ROSTER.digest()
ENDORSERS = {"board": ENDORSER.verify_key}


def policy(**replaced: str) -> Policy:
    """The tests' policy, with lines replaced: policy(min_accepted="4")."""
    text = POLICY
    for name, value in replaced.items():
        lines = [f"{name} = {value}" if line.startswith(f"{name} =") else line for line in text.splitlines()]
        text = "\n".join(lines)
    return Policy.parse(text)


def start(held: Policy | None = None) -> Chain:
    return Chain.start(held or policy(), BASE_FILE)


def client(name: str, chain: Chain | None = None) -> Client:
    return Client(name, KEYS[name], AGGREGATOR.verify_key, ROSTER, ROSTER_DIGEST, chain or start())


_RUNNING: dict[Path, Node] = {}


def ada_at(root: Path, now: int = NOW) -> Node:
    """Ada's node, as in a process of its own: the one that had the folder is gone, and its lock with it."""
    if root in _RUNNING:
        _RUNNING.pop(root).close()
    _RUNNING[root] = Node(root, client("ada"), clock=lambda: now)
    return _RUNNING[root]


def numbers(seed: int, bound: int = 100) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(-bound, bound + 1, size=LAYOUT.size, dtype=np.int64)


@dataclass
class World:
    """A round that was announced; clients have not answered yet."""

    clients: dict[str, Client]
    server: Server
    announcement: Signed
    sent: dict[str, Upload] = field(default_factory=dict)

    @classmethod
    def announced(cls, chain: Chain | None = None, clients: dict[str, Client] | None = None) -> World:
        clients = clients or {n: client(n, chain) for n in NAMES}
        server = Server(AGGREGATOR, chain or start(), ROSTER, ROSTER_DIGEST)
        announcement = server.announce([c.ready(WEIGHTS[n]) for n, c in clients.items()], now=NOW)
        return cls(clients, server, announcement)

    def upload(self, name: str, x: NDArray[np.int64] | None = None) -> Upload:
        """An honest upload."""
        return self.clients[name].upload(
            self.announcement, numbers(len(name) + ord(name[0])) if x is None else x, now=NOW
        )

    def forced(self, name: str, x: NDArray[np.int64]) -> Upload:
        """An upload of whatever, by a prover that does not look."""
        announcement = self.announcement.open(Announcement, AGGREGATOR.verify_key)
        self.clients[name].check(self.announcement, now=NOW)
        ctx = context(announcement, announcement.digest(), name)
        return self.clients[name].seal(ctx, x, unchecked=True)

    def receive(self, upload: Upload) -> Signed:
        """The verdict."""
        signed = self.server.receive(upload.to_bytes())
        self.sent[UploadHeader.from_bytes(upload.header.payload).client] = upload
        return signed

    def send(self, upload: Upload) -> tuple[bool, str, str]:
        """(accepted, subject, stage) of the verdict."""
        verdict = self.receive(upload).open(Verdict, AGGREGATOR.verify_key)
        return verdict.accepted, verdict.subject, verdict.stage

    def change(self, name: str, received: Any = None) -> None:
        """The aggregator changes its mind about what it received of a client, or forgets it; its sum is that of whoever still counts."""
        held = self.server._received
        del held[name]
        if received is not None:
            held[name] = received
        total = RunningTotal(self.server.chain.suite, shape(LAYOUT.size))
        for client, kept in held.items():
            if kept.refusal is None:
                total.add(opening_of(self.sent[client]), WEIGHTS[client])
        uploads = self.server._uploads
        assert isinstance(uploads, ClearUploads)
        uploads.sum = total

    def close(self) -> Closed:
        return self.server.close(now=NOW)


def opening_of(upload: Upload) -> Opening:
    """What the aggregator reads in an upload."""
    return Opening(np.frombuffer(upload.values, "<i4").astype(np.int64), upload.blinds)


def reheaded(upload: Upload, name: str, **changes: Any) -> Upload:
    """The upload under a header changed and signed again by its client."""
    header = upload.header.open(UploadHeader, VerifyKeyOf(upload))
    return upload.model_copy(update={"header": sign(header.model_copy(update=changes), KEYS[name])})


def VerifyKeyOf(upload: Upload) -> Any:  # noqa: N802
    from fedproof.identity.keys import VerifyKey

    return VerifyKey(upload.header.signer)


def played(*, liar: bool = True) -> tuple[World, Closed]:
    """A round with three honest clients and, if asked for, one whose proof fails."""
    world = World.announced()
    for name in NAMES[:3]:
        assert world.send(world.upload(name))[0]
    if liar:
        assert world.send(world.forced("dee", numbers(4) * 50)) == (False, "bounded update", "argument")
    else:
        assert world.send(world.upload("dee"))[0]
    return world, world.close()


Edit = Callable[[Any], Any]


def forge(
    closed: Closed,
    *,
    announcement: Edit | None = None,
    result: Edit | None = None,
    body: Edit | None = None,
    entry: Edit | None = None,
    blobs: dict[bytes, bytes] | None = None,
    key: SigningKey = AGGREGATOR,
) -> Callable[[], RoundReport]:
    """A record that the aggregator changed and signed again, ready to be checked."""
    record = RoundEntry.from_bytes(closed.entry)
    held = {**closed.blobs, **(blobs or {})}
    parts = RoundBody.from_bytes(held[record.body])
    updates: dict[str, Any] = {}
    if announcement:
        opened = parts.announcement.open(Announcement, AGGREGATOR.verify_key)
        updates["announcement"] = sign(announcement(opened), key)
    if result:
        updates["result"] = sign(result(parts.result.open(Result, AGGREGATOR.verify_key)), key)
    parts = parts.model_copy(update=updates)
    if body:
        parts = body(parts)
    data = parts.to_bytes()
    held[sha256(data)] = data
    record = record.model_copy(update={"body": sha256(data)})
    if entry:
        record = entry(record)
    return lambda: verify_round(
        start(), ROSTER, ROSTER_DIGEST, AGGREGATOR.verify_key, record.to_bytes(), lambda n, _w, _l: held[n]
    )[1]


def copy(**changes: Any) -> Edit:
    return lambda message: message.model_copy(update=changes)
