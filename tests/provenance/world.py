"""A small federation for the tests: five clients, three rounds, one lie, one replay, one silence; and an
aggregator that will sign anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fedproof.encoding.digest import ZERO, sha256
from fedproof.encoding.message import Message
from fedproof.errors import FedproofError, Malformed, Refused
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.signed import Signed, sign
from fedproof.identity.trust import Trust
from fedproof.log.tiles import TileLog
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.proofs import Context
from fedproof.provenance.bundle import write_bundle
from fedproof.provenance.certificate import issue
from fedproof.provenance.statement import Producer
from fedproof.provenance.verify import verify_bundle
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.closing import Closed
from fedproof.round.messages import (
    Accepted,
    Announcement,
    Result,
    Total,
    Upload,
    UploadHeader,
    Verdict,
)
from fedproof.round.record import RecordedUpload, RoundBody, RoundEntry
from fedproof.round.rules import context
from fedproof.round.rules import silent as silent
from fedproof.round.server import Server

NOW = 1_800_000_000
NAMES = ("ada", "bob", "cyd", "dee", "eve")
WEIGHTS = {"ada": 3, "bob": 5, "cyd": 2, "dee": 4, "eve": 1}
BASE = {
    "layer.weight": np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3),
    "layer.bias": np.zeros(3, np.float32),
}
LAYOUT = Layout.of_arrays(BASE)
BASE_FILE = serialise(BASE, LAYOUT)
PRODUCER = Producer(package="fedproof", version="0.0.0")
POLICY = f"""
version = 1
federation = "tests"
base_model = "sha256:{sha256(BASE_FILE).hex()}"
[update]
scale = 12
max_abs = 4095
max_norm = 5000
weights = {{ source = "declared", max = 10 }}
[round]
rounds = 3
min_accepted = 3
[prove]
update = "PROVE"
"""


@dataclass(frozen=True)
class Moment:
    """What a dishonest client holds when it has to answer: its own state machine, the context of an honest proof, and every upload
    that was sent so far, by round and client. aggregator: its key, for those who collude with it."""

    client: Client
    ctx: Context
    announced: Signed
    sent: Mapping[tuple[int, str], Upload]
    aggregator: SigningKey


Lie = Callable[[Moment], Upload]


@dataclass(frozen=True)
class World:
    """Keys of everybody, the rounds as played, and what follows from them."""

    aggregator: SigningKey
    endorser: SigningKey
    envelope: EnvelopeKey
    clients: dict[str, SigningKey]
    policy: Policy
    trust: Trust
    roster: Signed
    closed: tuple[Closed, ...]
    chain: Chain
    blobs: dict[bytes, bytes]
    sent: dict[tuple[int, str], Upload] = field(default_factory=dict)

    @property
    def bodies(self) -> list[RoundBody]:
        return [RoundBody.from_bytes(self.blobs[RoundEntry.from_bytes(c.entry).body]) for c in self.closed]

    @property
    def model(self) -> bytes:
        return self.chain.released()


def play(
    prove: str = "bounded",
    *,
    lies: bool = True,
    absent: Mapping[int, tuple[str, ...]] | None = None,
    rounds: int = 3,
    instead: Mapping[tuple[int, str], Lie] | None = None,
    base: bytes = BASE_FILE,
    tables: str = "",
) -> World:
    """Three rounds. With lies: in round 0 eve's update is far too long, in round 1 dee's proof is of another
    session, in round 2 bob is silent. absent: who else is silent, by round. instead: what a client sends, by round and name.
    base: another base model's file. tables: what the policy has besides."""
    aggregator, endorser, envelope = SigningKey.generate(), SigningKey.generate(), EnvelopeKey.generate()
    keys = {name: SigningKey.generate() for name in NAMES}
    text = POLICY.replace("PROVE", prove).replace("rounds = 3", f"rounds = {rounds}")
    policy = Policy.parse(text.replace(sha256(BASE_FILE).hex(), sha256(base).hex()) + tables)
    trust = Trust(
        aggregator=aggregator.verify_key,
        envelope=envelope.verify_key,
        endorsers={"board": endorser.verify_key},
    )
    members = tuple(Member(client=name, key=keys[name].verify_key.raw) for name in NAMES)
    roster = Roster(version=1, federation="tests", endorser="board", previous=None, members=members)
    signed = endorse(roster, endorser)
    chain = Chain.start(policy, base)
    blobs = {policy.base_digest: base}
    clients = {
        name: Client(name, keys[name], aggregator.verify_key, roster, signed.digest(), chain)
        for name in NAMES
    }
    random = np.random.default_rng(7)
    closed: list[Closed] = []
    sent: dict[tuple[int, str], Upload] = {}
    for number in range(rounds):
        server = Server(aggregator, chain, roster, signed.digest())
        announced = server.announce(
            [clients[name].ready(WEIGHTS[name]) for name in NAMES], now=NOW + 60 * number
        )
        announcement = announced.open(Announcement, aggregator.verify_key)
        for name in NAMES:
            x = random.integers(-900, 900, len(chain.W))
            ctx = context(announcement, server.session, name)
            clients[name].check(announced, now=NOW + 60 * number)
            if (lie := (instead or {}).get((number, name))) is not None:
                upload = lie(Moment(clients[name], ctx, announced, dict(sent), aggregator))
            elif lies and (number, name) == (0, "eve"):
                upload = clients[name].seal(ctx, x * 4, unchecked=True)
            elif lies and (number, name) == (1, "dee"):
                other = clients[name].seal(replace(ctx, announcement=bytes(32)), x)
                upload = _with_proof_of(other, keys[name], server.session, name)
            elif (lies and (number, name) == (2, "bob")) or name in (absent or {}).get(number, ()):
                continue
            else:
                upload = clients[name].upload(announced, x, now=NOW + 60 * number)
            sent[number, name] = upload
            server.receive(upload.to_bytes())
        done = server.close(now=NOW + 60 * number + 1)
        closed.append(done)
        blobs |= done.blobs
        chain = done.chain
        for client in clients.values():
            client.chain = chain
    return World(
        aggregator, endorser, envelope, keys, policy, trust, signed, tuple(closed), chain, blobs, sent
    )


def _with_proof_of(other: Upload, key: SigningKey, session: bytes, name: str) -> Upload:
    """The other's commitment and proof under a header for this round."""
    old = UploadHeader.from_bytes(other.header.payload)
    header = UploadHeader(
        session=session, client=name, commitment=old.commitment, proof=old.proof, opening=old.opening
    )
    return Upload(
        header=sign(header, key),
        points=other.points,
        proof=other.proof,
        values=other.values,
        blinds=other.blinds,
        salt=other.salt,
    )


@dataclass
class Round:
    """One round in the aggregator's hands: decoded, free to be changed and signed again."""

    announcement: Announcement
    result: Result
    verdicts: dict[str, Verdict]
    body: RoundBody
    entry: RoundEntry
    total: Total | None


@dataclass
class Forgery:
    """A bundle that a dishonest aggregator writes: it changes what it likes, then signs again what it can
    sign.
    """

    world: World
    rounds: list[Round] = field(default_factory=list)
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    policy: bytes = b""
    roster: bytes = b""
    model: bytes = b""
    origin: str = ""
    log_key: SigningKey | None = None
    certificate: bytes = b"{}\n"

    @classmethod
    def of(cls, world: World) -> Forgery:
        rounds = []
        for done, body in zip(world.closed, world.bodies, strict=True):
            result = Result.from_bytes(body.result.payload)
            rounds.append(
                Round(
                    announcement=Announcement.from_bytes(body.announcement.payload),
                    result=result,
                    verdicts={u.client: Verdict.from_bytes(u.verdict.payload) for u in body.uploads},
                    body=body,
                    entry=RoundEntry.from_bytes(done.entry),
                    total=Total.from_bytes(world.blobs[result.total]) if result.total else None,
                )
            )
        return cls(
            world,
            rounds,
            dict(world.blobs),
            world.policy.to_bytes(),
            world.roster.to_bytes(),
            world.model,
            world.policy.federation,
        )

    def keep(self, data: bytes) -> bytes:
        self.blobs[sha256(data)] = data
        return sha256(data)

    def sign(self, message: Message) -> Signed:
        return sign(message, self.world.aggregator)

    def resign(self, index: int) -> None:
        """Everything of a round that the aggregator signs, signed again, with sessions and digests that
        fit.
        """
        r = self.rounds[index]
        session = r.announcement.digest()
        if r.total is not None:
            r.result = changed(r.result, total=self.keep(r.total.to_bytes()))
        r.result = changed(r.result, session=session)
        uploads = []
        for upload in r.body.uploads:
            r.verdicts[upload.client] = changed(r.verdicts[upload.client], session=session)
            uploads.append(changed(upload, verdict=self.sign(r.verdicts[upload.client])))
        r.body = changed(
            r.body, announcement=self.sign(r.announcement), result=self.sign(r.result), uploads=tuple(uploads)
        )
        self.rebody(index)

    def rebody(self, index: int) -> None:
        self.rounds[index].entry = changed(
            self.rounds[index].entry, body=self.keep(self.rounds[index].body.to_bytes())
        )

    def accept(self, index: int, client: str) -> None:
        """A refused client's upload, on record as evidence, counts all the same."""
        r = self.rounds[index]
        upload = next(u for u in r.body.uploads if u.client == client)
        accepted = [*r.result.accepted, Accepted(client=client, header=upload.header.digest())]
        r.result = changed(
            r.result,
            accepted=tuple(sorted(accepted, key=lambda a: a.client)),
            dropped=tuple(d for d in r.result.dropped if d.client != client),
        )
        r.verdicts[client] = changed(r.verdicts[client], accepted=True, subject="", stage="", reason="")
        self.resign(index)

    def upload(self, index: int, client: str) -> RecordedUpload:
        """A client's upload as it is on record now."""
        return next(u for u in self.rounds[index].body.uploads if u.client == client)

    def replace(self, index: int, client: str, upload: RecordedUpload) -> None:
        """Puts an upload in a client's place, and everything the aggregator signs around it."""
        r, header = self.rounds[index], upload.header.digest()
        r.body = changed(r.body, uploads=tuple(upload if u.client == client else u for u in r.body.uploads))
        r.verdicts[client] = changed(r.verdicts[client], header=header)
        accepted = (changed(a, header=header) if a.client == client else a for a in r.result.accepted)
        r.result = changed(r.result, accepted=tuple(accepted))
        self.resign(index)

    def before(self, index: int) -> Chain:
        """Where everybody stands when a round begins."""
        world = self.world
        if index:
            return world.closed[index - 1].chain
        return Chain.start(world.policy, world.blobs[world.policy.base_digest])

    def values(self, index: int) -> NDArray[np.int64]:
        """A round's total as it is now."""
        total = self.rounds[index].total
        assert total is not None
        return np.frombuffer(total.values, "<i8").astype(np.int64)

    def with_total(self, index: int, values: NDArray[np.int64], blinds: bytes | None = None) -> None:
        """Another total, and the model that follows from it."""
        r, before = self.rounds[index], self.before(index)
        assert r.total is not None
        r.total = changed(r.total, values=values.astype("<i8").tobytes(), blinds=blinds or r.total.blinds)
        weights = {p.client: p.weight for p in r.announcement.participants}
        after = before.advance(b"", 0, values, sum(weights[a.client] for a in r.result.accepted))
        r.result = changed(r.result, after=after.state)
        self.resign(index)
        self.model = after.released()

    def entries(self, *, rechain: bool = True) -> list[bytes]:
        """The log's entries, each naming the one before."""
        found, previous = [], ZERO
        for r in self.rounds:
            entry = changed(r.entry, previous=previous) if rechain else r.entry
            found.append(entry.to_bytes())
            previous = sha256(found[-1])
        return found

    def write(
        self, root: Path, entries: list[bytes] | None = None, *, unused: bool = False
    ) -> tuple[Path, Path]:
        """(bundle, model). Blobs that the record no longer reaches are left out, unless `unused`."""
        entries = self.entries() if entries is None else entries
        log = root / "record"
        with closing(TileLog.create(log, self.origin, self.log_key or self.world.aggregator)) as tiles:
            if entries:
                tiles.append(entries)
        wanted = set(self.blobs) if unused else self.reached(entries)
        write_bundle(
            root / "bundle",
            policy=self.policy,
            roster=self.roster,
            log=log,
            blobs=wanted,
            read=self.blobs.__getitem__,
        )
        (root / "model.safetensors").write_bytes(self.model)
        (root / "bundle/certificate.dsse.json").write_bytes(self.certificate)
        return root / "bundle", root / "model.safetensors"

    def reached(self, entries: list[bytes]) -> set[bytes]:
        reached = {self.world.policy.base_digest}
        for data in entries:
            try:
                entry = RoundEntry.from_bytes(data)
                body = RoundBody.from_bytes(self.blobs[entry.body])
                result = Result.from_bytes(body.result.payload)
            except (Malformed, KeyError):
                return set(self.blobs)
            names = [entry.body, result.total, result.proof]
            names += [name for u in body.uploads for name in (u.points, u.proof, u.opening)]
            reached |= {name for name in names if name in self.blobs}
        return reached


def changed(message: Any, **fields: Any) -> Any:
    """A copy with other fields, not validated: what a hostile writer can encode."""
    return message.model_copy(update=fields)


def honest_bundle(world: World, root: Path) -> tuple[Path, Path]:
    """A bundle with a certificate."""
    bundle, model = Forgery.of(world).write(root)
    issue(bundle, model=model, policy=world.policy, trust=world.trust, key=world.envelope, producer=PRODUCER)
    return bundle, model


Change = Callable[[Forgery], None]


def refusal(forgery: Forgery, tmp_path: Path, entries: list[bytes] | None = None, **held: object) -> Refused:
    """How `verify_bundle` refuses what the aggregator wrote. The certificate is looked at last, and is none:
    whatever passes everything before it would be malformed."""
    bundle, model = forgery.write(tmp_path, entries)
    policy, trust = held.get("policy", forgery.world.policy), held.get("trust", forgery.world.trust)
    assert isinstance(policy, Policy)
    assert isinstance(trust, Trust)
    with pytest.raises(FedproofError) as error:
        verify_bundle(bundle, model=model, policy=policy, trust=trust)
    assert isinstance(error.value, Refused), error.value
    return error.value


def told(error: Refused) -> tuple[str, str, int | None, str | None]:
    return error.subject, error.stage, error.round, error.party
