"""A masked round of nine clients for the attack scripts, in memory: everybody uploaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

import numpy as np

from fedproof.demo.masks import lies
from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.round.blame_messages import FingerprintRequest
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.closing import Closed
from fedproof.round.exchanges import Exchanges
from fedproof.round.masker import Masker
from fedproof.round.requests import answer
from fedproof.round.server import Server
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
agree_first = {agree_first}
"""
CHEAT = NAMES[4]


def only(client: Client) -> Masker:
    """What it has of its one masked round."""
    (said,) = client.attempts.values()
    assert said.masker is not None
    return said.masker


class MaskedRound:
    """clients: by name. key: the aggregator's."""

    def __init__(
        self, cheats: Callable[[Masker], None] = lambda masker: None, *, agree_first: bool = True
    ) -> None:
        """cheats: what `CHEAT` does between its answer to the announcement and its upload."""
        now, arrays = int(time.time()), {"weight": np.zeros(120, np.float32)}
        self.now = now
        base = serialise(arrays, Layout.of_arrays(arrays))
        text = POLICY.format(base=sha256(base).hex(), agree_first=str(agree_first).lower())
        keys, self.key = {n: SigningKey.generate() for n in NAMES}, SigningKey.generate()
        members = tuple(Member(client=n, key=keys[n].verify_key.raw) for n in NAMES)
        self._roster = Roster(
            version=1, federation="attacks", endorser="board", previous=None, members=members
        )
        self._digest = endorse(self._roster, SigningKey.generate()).digest()
        self.start = Chain.start(Policy.parse(text), base)
        trusted = self.key.verify_key, self._roster, self._digest, self.start
        self.clients = {n: Client(n, keys[n], *trusted) for n in NAMES}
        self.server = Server(self.key, self.start, self._roster, self._digest)
        self.announcement = self.server.announce([c.ready(1) for c in self.clients.values()], now=now)
        for client in self.clients.values():
            client.check(self.announcement, now=now)
            if client.name == CHEAT:
                cheats(only(client))
            x = np.random.default_rng().integers(-200, 201, size=120)
            self.server.receive(client.upload(self.announcement, x, now=now).to_bytes())

    def caught(self, *, silent: bool = False) -> NoReturn:
        """Goes on to the end: from fingerprints on `CHEAT` answers with a proof that it forces out of the prover, or not at all. Raises
        `Refused` with what the record says of it, or why the sum does not open."""
        exchanges, blamed = Exchanges(self.server), False
        while asked := exchanges.next():
            for name, requests in asked.items():
                for request in requests:
                    blamed = blamed or isinstance(request, FingerprintRequest)
                    if name == CHEAT and silent and blamed:
                        continue
                    answers = lies if name == CHEAT else answer
                    exchanges.answer(name, answers(self.clients[name], request))
        report = self.verify(self.server.close(now=self.now))
        if report.void and self.server.unopened is not None:
            raise self.server.unopened
        if len(report.accepted) != len(NAMES) - 1:
            raise SystemExit("the others' sum is lost")
        (named,) = report.dropped
        raise Refused(named.subject, named.stage, named.reason, party=named.client, round=report.round)

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
