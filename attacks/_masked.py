"""A masked round of nine clients for the attack scripts, in memory: everybody uploaded."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from fedproof.encoding.digest import sha256
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.server import Closed, Server
from fedproof.round.verify import RoundReport, verify_round

NAMES = tuple(f"client-{n}" for n in range(9))
POLICY = """
version = 1
federation = "attacks"
base_model = "sha256:{base}"
[update]
scale = 12
max_abs = 4095
max_norm = 8191
[masking]
enabled = true
min_set = 3
"""


class MaskedRound:
    """clients: by name. key: the aggregator's."""

    def __init__(self, prepare: Callable[[Client], None] = lambda client: None) -> None:
        """prepare: what happens to a client between its answer to the announcement and its upload."""
        now, arrays = int(time.time()), {"weight": np.zeros(120, np.float32)}
        self.now = now
        base = serialise(arrays, Layout.of_arrays(arrays))
        keys, self.key = {n: SigningKey.generate() for n in NAMES}, SigningKey.generate()
        members = tuple(Member(client=n, key=keys[n].verify_key.raw) for n in NAMES)
        self._roster = Roster(
            version=1, federation="attacks", endorser="board", previous=None, members=members
        )
        self._digest = endorse(self._roster, SigningKey.generate()).digest()
        self.start = Chain.start(Policy.parse(POLICY.format(base=sha256(base).hex())), base)
        trusted = self.key.verify_key, self._roster, self._digest, self.start
        self.clients = {n: Client(n, keys[n], *trusted) for n in NAMES}
        self.server = Server(self.key, self.start, self._roster, self._digest)
        announcement = self.server.announce([c.ready(1) for c in self.clients.values()], now=now)
        for client in self.clients.values():
            client.check(announcement, now=now)
            prepare(client)
            x = np.random.default_rng().integers(-200, 201, size=120)
            self.server.receive(client.upload(announcement, x, now=now).to_bytes())

    def verify(self, closed: Closed) -> RoundReport:
        """As anybody would who has the record."""
        _, report = verify_round(
            self.start,
            self._roster,
            self._digest,
            self.key.verify_key,
            closed.entry,
            lambda name, what, limit: closed.blobs[name],
        )
        return report
