"""A federation of four for the attack scripts: real clients, a real aggregator, a real auditor, all in a temporary folder."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.signed import Signed
from fedproof.identity.trust import Trust
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.provenance.release import BUNDLE, MODEL, release
from fedproof.provenance.statement import Producer
from fedproof.provenance.verify import verify_bundle
from fedproof.round.aggregator import Aggregator
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.messages import Upload, Verdict
from fedproof.round.rules import context

NAMES = ("ada", "bob", "cyd", "dee")
WEIGHTS = dict(zip(NAMES, (3, 5, 2, 4), strict=True))
POLICY = """
version = 1
federation = "attacks"
base_model = "sha256:{base}"
[update]
scale = 12
max_abs = 4095
max_norm = 8191
weights = {{ source = "declared", max = 10 }}
[round]
min_accepted = 2
"""


class Federation:
    """Everything that an attack needs; `clients` and `aggregator` are the honest parties, their keys are at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        arrays = {
            "weight": np.linspace(-1, 1, 120, dtype=np.float32).reshape(12, 10),
            "bias": np.zeros(10, np.float32),
        }
        self.layout = Layout.of_arrays(arrays)
        base = serialise(arrays, self.layout)
        self.policy = Policy.parse(POLICY.format(base=sha256(base).hex()))
        self.key, self.endorser, self.envelope = (
            SigningKey.generate(),
            SigningKey.generate(),
            EnvelopeKey.generate(),
        )
        self.keys = {name: SigningKey.generate() for name in NAMES}
        members = tuple(Member(client=n, key=k.verify_key.raw) for n, k in self.keys.items())
        self.roster = Roster(
            version=1, federation="attacks", endorser="board", previous=None, members=members
        )
        self.signed_roster = endorse(self.roster, self.endorser)
        endorsers = {"board": self.endorser.verify_key}
        self.trust = Trust(self.key.verify_key, self.envelope.verify_key, endorsers)
        self.aggregator = Aggregator(
            folder / "state", self.key, self.policy, self.signed_roster, endorsers, base
        )
        self.clients = {
            name: Client(
                name,
                key,
                self.key.verify_key,
                self.roster,
                self.signed_roster.digest(),
                Chain.start(self.policy, base),
            )
            for name, key in self.keys.items()
        }

    def announce(self) -> Signed:
        return self.aggregator.announce([c.ready(WEIGHTS[n]) for n, c in self.clients.items()])

    def numbers(self, seed: int) -> NDArray[np.int64]:
        return np.random.default_rng(seed).integers(-200, 201, size=self.layout.size, dtype=np.int64)

    def honest(self, name: str, announcement: Signed) -> Upload:
        return self.clients[name].upload(announcement, self.numbers(ord(name[0])), now=int(time.time()))

    def forced(self, name: str, announcement: Signed, x: NDArray[np.int64]) -> Upload:
        """An upload by a client whose prover does not look."""
        opened = self.clients[name].check(announcement, now=int(time.time()))
        return self.clients[name].seal(context(opened, opened.digest(), name), x, unchecked=True)

    def send(self, upload: Upload) -> Verdict:
        return self.aggregator.receive(upload.to_bytes()).open(Verdict, self.key.verify_key)

    def play(self, names: tuple[str, ...] = NAMES) -> None:
        """An honest round, adopted by everybody."""
        announcement = self.announce()
        for name in names:
            self.send(self.honest(name, announcement))
        closed = self.aggregator.close()
        for client in self.clients.values():
            client.adopt(closed.entry, self.aggregator.read)

    def release(self) -> tuple[Path, Path]:
        """Bundle and model, as an honest aggregator publishes them."""
        producer = Producer(package="fedproof", version="attack")
        release(self.aggregator, self.folder, trust=self.trust, key=self.envelope, producer=producer)
        return self.folder / BUNDLE, self.folder / MODEL

    def audit(self, bundle: Path, model: Path) -> None:
        """What `fedproof verify` does."""
        verify_bundle(bundle, model=model, policy=self.policy, trust=self.trust)


def attack(name: str, run: Callable[[Federation], Any]) -> NoReturn:
    """Runs an attack on a fresh federation. `run` returns the verdict that caught it, or lets the `Refused` that caught it
    through; anything else is a success of the attacker. Exits 0 only if it was caught."""
    with tempfile.TemporaryDirectory(prefix="fedproof-attack-") as folder:
        try:
            verdict = run(Federation(Path(folder)))
            caught = {"object": verdict.subject, "stage": verdict.stage} if not verdict.accepted else None
        except Refused as error:
            caught = {"object": error.subject, "stage": error.stage}
    print(json.dumps({"attack": name, "caught_by": caught}))
    sys.exit(0 if caught else 1)
