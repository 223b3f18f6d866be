"""A masked round whose parties have state folders, as at work: whoever stops is opened again, and goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedproof.demo.masks import lies, masks_another
from fedproof.errors import Refused
from fedproof.identity.roster import endorse
from fedproof.identity.signed import Signed
from fedproof.policy.policy import Policy
from fedproof.round.aggregator import Aggregator
from fedproof.round.blame_messages import FingerprintRequest
from fedproof.round.closing import Closed
from fedproof.round.counter import FileCounter
from fedproof.round.messages import Announcement
from fedproof.round.node import Node
from fedproof.round.requests import read_request
from tests.masking.world import _ENDORSER, ALL, ROSTER, chain, client, numbers
from tests.round.world import AGGREGATOR, BASE_FILE, LAYOUT, NOW

Step = Callable[[str], None]
"""Called after each message that left a party, with what it was."""
SIGNED_ROSTER = endorse(ROSTER, _ENDORSER)


def weight(name: str) -> int:
    return 1 + int(name[-2:]) % 5


def sum_of(*names: str) -> NDArray[np.int64]:
    """What these updates add up to."""
    return sum((weight(n) * numbers(n) for n in names), np.zeros(LAYOUT.size, np.int64))


class Folders:
    """silent: by client, the kinds of request that it does not answer; "upload" is one of them. cheats: upload residues that are not those
    that they masked. counted: every node has a counter."""

    def __init__(
        self,
        root: Path,
        held: Policy,
        n: int,
        silent: Mapping[str, Iterable[str]] | None = None,
        cheats: Collection[str] = (),
        counted: bool = False,
    ) -> None:
        self.root, self.held, self.names, self.cheats = root, held, ALL[:n], cheats
        self.counted = counted
        self.silent = {name: set(kinds) for name, kinds in (silent or {}).items()}

    def aggregator(self) -> Aggregator:
        endorsers = {"board": _ENDORSER.verify_key}
        return Aggregator(
            self.root / "aggregator",
            AGGREGATOR,
            self.held,
            SIGNED_ROSTER,
            endorsers,
            BASE_FILE,
            clock=lambda: NOW,
        )

    def node(self, name: str, *, counted: bool | None = None) -> Node:
        """As a process that gets one message opens it."""
        counted = self.counted if counted is None else counted
        counter = FileCounter(self.root / f"{name}.counter") if counted else None
        held = client(name, chain(self.held))
        return Node(self.root / name, held, clock=lambda: NOW, counter=counter)

    def gone(self, name: str, kind: str) -> bool:
        return kind in self.silent.get(name, ())

    def run(self, left: Step = lambda what: None) -> Closed | None:
        """From wherever it stands to the end of the first round. Every message finds its party as its folder has it."""
        with self.aggregator() as server:
            if server.chain.round:
                closed = None
            else:
                if not server.exchanging:
                    self.uploads(server, left)
                self.exchange(server, left)
                closed = server.close()
            for name in self.names:
                with self.node(name) as node:
                    if not node.client.chain.round:
                        node.adopt(server.entries()[0], server.read)
        return closed

    def uploads(self, server: Aggregator, left: Step = lambda what: None) -> None:
        if server.server is None:
            readies = []
            for name in self.names:
                with self.node(name) as node:
                    readies.append(node.ready(weight(name), attempt=server.attempt))
            server.announce(readies)
        assert server.server is not None
        announcement = server.server.signed
        assert announcement is not None
        for name in self.names:
            if self.gone(name, "upload"):
                continue
            with self.node(name) as node:
                if name in self.cheats:
                    self._cheats(node, announcement)
                upload = node.upload(announcement, numbers(name)).to_bytes()
                left(f"{name} upload {upload.hex()}")
            verdict = server.receive(upload)
            with self.node(name) as node:
                assert node.verdict(verdict).accepted

    def exchange(self, server: Aggregator, left: Step = lambda what: None) -> None:
        asked = server.requests() or server.next_requests()
        while asked:
            for name, requests in asked.items():
                for request in requests:
                    if not self.gone(name, read_request(request).KIND):
                        self.ask(server, name, request, left)
            asked = server.next_requests()

    def ask(self, server: Aggregator, name: str, request: bytes, left: Step) -> None:
        try:
            with self.node(name) as node:
                answer = self._lie(node, request) if name in self.cheats else node.answer(request)
                left(f"{name} answer {answer.hex()}")
        except Refused:
            return
        server.answer(name, answer)

    def _cheats(self, node: Node, announcement: Signed) -> None:
        node.client.check(announcement, now=NOW)
        masks_another(node.client.masker_of(announcement.open(Announcement, AGGREGATOR.verify_key).digest()))

    def _lie(self, node: Node, data: bytes) -> bytes:
        request = read_request(data)
        if not isinstance(request, FingerprintRequest):
            return node.answer(data)
        node._bring_upload_back(request.session)
        return lies(node.client, request)
