"""Seven hospitals and an aggregator in one process, talking only through the messages of `fedproof.round`. Hospital 4 cheats twice: in one
round it multiplies its update by 50 and forces a proof out of the prover, in another it sends a proof of an earlier round. Where rounds
are masked, one hospital is away in one round, and one masks another update than the one that it proved (`masks`)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedproof import __version__
from fedproof.demo import masks, network
from fedproof.demo.data import Records, load
from fedproof.demo.timing import Timing
from fedproof.encoding.digest import sha256
from fedproof.encoding.files import write_atomic
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.signed import Signed, sign
from fedproof.identity.trust import Trust
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.provenance.release import release
from fedproof.provenance.statement import Producer
from fedproof.round.aggregator import Aggregator
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.masked import parameters
from fedproof.round.masked_messages import AnyUpload
from fedproof.round.messages import Announcement, UploadHeader
from fedproof.round.node import Node
from fedproof.round.rules import context

SEED = 2
ROUNDS = 10
CHEAT = "hospital-4"
SCALED_ROUND = 3
REPLAY_ROUND = 6
FEDERATION = "breast-cancer-demo"
ENDORSER = "ethics-board"

POLICY = """\
# What this federation demands of every update. A verifier holds its own copy of this file.
version = 1
federation = "{federation}"
suites = ["pallas-keccak-ed25519-v1"]
base_model = "{base}"

[update]
scale = 14          # one unit is 2^-14
max_abs = 32767     # bound on every coordinate: just under 2.0
max_norm = 24576    # bound on the Euclidean norm: 1.5
weights = {{ source = "declared", max = 200 }}

[aggregate]
rule = "weighted-mean"
strategy = "FedAvg"

[round]
rounds = {rounds}
min_accepted = 4
deadline_seconds = 60

[masking]
enabled = {masked}

[prove]
update = "bounded"
training = "none"
"""


@dataclass(frozen=True)
class Answer:
    """What became of one upload. prove_ms and verify_ms: its proof. size: bytes on the wire. reason: empty if accepted. cheat: what the
    client did wrong, which only the demo knows."""

    client: str
    round: int
    accepted: bool
    reason: str
    prove_ms: float
    verify_ms: float
    size: int
    cheat: str


@dataclass(frozen=True)
class Absent:
    """Who is not in a round's sum, by the record. kind: "dropped", or "named" with the kind of evidence that names it."""

    client: str
    round: int
    kind: str
    evidence: str


@dataclass(frozen=True)
class RoundDone:
    """The end of a round: the new model's accuracy on the held-out records."""

    round: int
    accepted: int
    accuracy: float
    absent: tuple[Absent, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """accuracy, accuracy_plain: fractions, with fedproof and attackers, and without either. masked: whether the aggregator saw sums only.
    width: bytes of a coordinate on the wire. timing: where the time went."""

    rounds: int
    accepted: int
    refused: tuple[Answer, ...]
    accuracy: float
    accuracy_plain: float
    parameters: int
    masked: bool = False
    absent: tuple[Absent, ...] = ()
    width: int = 4
    timing: Timing = field(default_factory=Timing)


Event = Answer | RoundDone
Tell = Callable[[Event], None]


def run(out: Path, tell: Tell = lambda event: None, *, masked: bool = True) -> Outcome:
    """Runs the federation and leaves `out/{bundle/,model.safetensors,policy.toml,trust.toml}`. `out` exists and is empty. masked: whether
    the aggregator sees sums only."""
    hospitals, held_out = load(SEED)
    base = network.initial(SEED)
    layout = Layout.of_arrays(base)
    base_file = serialise(base, layout)
    text = POLICY.format(
        federation=FEDERATION,
        base=f"sha256:{sha256(base_file).hex()}",
        rounds=ROUNDS,
        masked="true      # the aggregator sees sums only"
        if masked
        else "false     # the aggregator can read the uploads",
    )
    write_atomic(out / "policy.toml", text.encode())
    policy = Policy.load(out / "policy.toml")
    with tempfile.TemporaryDirectory(prefix="fedproof-demo-") as private:
        return _Federation(Path(private), out, policy, hospitals, held_out, base_file).run(base, tell)


class _Federation:
    def __init__(
        self,
        private: Path,
        out: Path,
        policy: Policy,
        hospitals: tuple[Records, ...],
        held_out: Records,
        base: bytes,
    ) -> None:
        self.out, self.policy, self.held_out = out, policy, held_out
        self.masked = policy.masking.enabled
        names = [f"hospital-{k}" for k in range(1, len(hospitals) + 1)]
        self.records = dict(zip(names, hospitals, strict=True))
        keys = {name: SigningKey.generate() for name in names}
        endorser, message_key, self.envelope = (
            SigningKey.generate(),
            SigningKey.generate(),
            EnvelopeKey.generate(),
        )
        members = tuple(Member(client=name, key=key.verify_key.raw) for name, key in sorted(keys.items()))
        roster = Roster(version=1, federation=FEDERATION, endorser=ENDORSER, previous=None, members=members)
        self.roster = endorse(roster, endorser)
        endorsers = {ENDORSER: endorser.verify_key}
        self.trust = Trust(message_key.verify_key, self.envelope.verify_key, endorsers)
        self.trust.save(out / "trust.toml")
        self.aggregator = Aggregator(
            private / "aggregator", message_key, policy, self.roster, endorsers, base
        )
        self.nodes = {
            name: Node(
                private / name,
                Client(
                    name, key, message_key.verify_key, roster, self.roster.digest(), Chain.start(policy, base)
                ),
            )
            for name, key in keys.items()
        }
        self.earlier: AnyUpload | None = None
        self.timing = Timing()

    def run(self, base: network.Weights, tell: Tell) -> Outcome:
        answers: list[Answer] = []
        absent: list[Absent] = []
        accepted = 0
        for number in range(ROUNDS):
            announcement = self.aggregator.announce([self._ready(name) for name in self.nodes])
            for name in self.nodes:
                if self.masked and (name, number) == (masks.DROPOUT, masks.DROPOUT_ROUND):
                    continue
                answers.append(self._answer(number, name, announcement))
                tell(answers[-1])
            if self.masked:
                cheat = masks.MASK_CHEAT if number == ROUNDS - 1 else ""
                masks.open_sum(self.aggregator, self.nodes, self.timing, cheat=cheat)
            with self.timing.part("sum"):
                closed = self.aggregator.close()
            with self.timing.part("check"):
                for node in self.nodes.values():
                    node.adopt(closed.entry, self.aggregator.read)
            accepted += len(closed.result.accepted)
            left = tuple(
                Absent(d.client, number, d.kind, d.stage if d.kind == "named" else "")
                for d in closed.result.dropped
                if d.kind != "refused"
            )
            absent += left
            right = network.accuracy(self._weights(), self.held_out)
            tell(RoundDone(number, len(closed.result.accepted), right, left))
        with self.timing.part("certificate"):
            self._release()
        hospitals = tuple(self.records.values())
        seeds = [[self._seed(number, name) for name in self.records] for number in range(ROUNDS)]
        start = time.perf_counter()
        plain = network.plain_federation(base, hospitals, seeds)
        self.timing.plain = time.perf_counter() - start
        return Outcome(
            rounds=ROUNDS,
            accepted=accepted,
            refused=tuple(a for a in answers if not a.accepted),
            accuracy=network.accuracy(self._weights(), self.held_out),
            accuracy_plain=network.accuracy(plain, self.held_out),
            parameters=self.aggregator.chain.layout.size,
            masked=self.masked,
            absent=tuple(absent),
            width=self._width(),
            timing=self.timing,
        )

    def _width(self) -> int:
        return parameters(self.policy, len(self.nodes)).width if self.masked else 4

    def _ready(self, name: str) -> Signed:
        return self.nodes[name].ready(len(self.records[name].y), attempt=self.aggregator.attempt)

    def _seed(self, number: int, name: str) -> tuple[int, ...]:
        return SEED, number, int(name.rsplit("-", 1)[1])

    def _weights(self) -> network.Weights:
        return {name: array.astype(np.float32) for name, array in self.aggregator.chain.arrays().items()}

    def _answer(self, number: int, name: str, announcement: Signed) -> Answer:
        """Trains, proves, sends, and reads the verdict."""
        node, watch = self.nodes[name], self.timing
        with watch.part("train"):
            trained = network.train(self._weights(), self.records[name], self._seed(number, name))
        with watch.part("quantise"):
            x = node.client.update(trained)
        start = time.perf_counter()
        with watch.part("prove"):
            upload, cheat = self._upload(number, node, announcement, x)
            data = upload.to_bytes()
        proved = time.perf_counter()
        with watch.part("verify"):
            verdict = node.verdict(self.aggregator.receive(data))
        verified = time.perf_counter()
        reason = f"{verdict.subject}: {verdict.reason}" if not verdict.accepted else ""
        prove_ms, verify_ms = 1000 * (proved - start), 1000 * (verified - proved)
        return Answer(name, number, verdict.accepted, reason, prove_ms, verify_ms, len(data), cheat)

    def _upload(
        self, number: int, node: Node, announcement: Signed, x: NDArray[np.int64]
    ) -> tuple[AnyUpload, str]:
        """What a hospital sends, and what is wrong with it: empty for all but two, in three rounds."""
        name, cheat = node.client.name, ""
        if name == CHEAT and number == SCALED_ROUND:
            cheat = "its update times 50, with a proof forced out of the prover"
            session = node.client.check(announcement, now=int(time.time())).digest()
            ctx = context(announcement.open(Announcement, node.client.aggregator), session, name)
            upload = node.client.seal(ctx, 50 * x, unchecked=True)
        elif name == CHEAT and number == REPLAY_ROUND and self.earlier is not None:
            cheat = "update and proof of the round before, under a fresh signature"
            upload = self._replayed(node, announcement, self.earlier)
        else:
            if self.masked and name == masks.MASK_CHEAT and number == ROUNDS - 1:
                cheat = "masked another update than the one that it proved"
                session = node.client.check(announcement, now=int(time.time())).digest()
                masks.masks_another(node.client.masker_of(session))
            upload = node.upload(announcement, x)
        if name == CHEAT:
            self.earlier = upload
        return upload, cheat

    def _replayed(self, node: Node, announcement: Signed, earlier: AnyUpload) -> AnyUpload:
        """An earlier round's update and proof under a header for the round's own: the signature is good, the proof is not."""
        session = node.client.check(announcement, now=int(time.time())).digest()
        old = earlier.header.open(UploadHeader, node.client.key.verify_key)
        header = sign(old.model_copy(update={"session": session}), node.client.key)
        said = node.client.attempts.of(session)
        if said is not None:
            said.header = header.digest()
        return earlier.model_copy(update={"header": header})

    def _release(self) -> None:
        """The bundle, the model and its certificate, from the aggregator's record."""
        producer = Producer(package="fedproof", version=__version__)
        release(self.aggregator, self.out, trust=self.trust, key=self.envelope, producer=producer)
