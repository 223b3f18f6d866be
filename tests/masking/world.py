"""Masked rounds among clients with a small model: every exchange a step of its own, so that tests can lie in any of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.signed import Signed, sign
from fedproof.policy.policy import Policy
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.closing import Closed
from fedproof.round.masked import MaskedRound
from fedproof.round.masked_messages import AcceptedSet, AnyUpload, FromClient, MaskedUpload, UnmaskRequest
from fedproof.round.messages import Verdict
from fedproof.round.rules import context
from fedproof.round.server import Server
from fedproof.round.unmasking import Unmasking
from fedproof.round.verify import RoundReport, verify_round
from tests.round.world import AGGREGATOR, BASE_FILE, LAYOUT, NOW, POLICY

ALL = tuple(f"client-{n:02}" for n in range(12))
_KEYS = {name: SigningKey.generate() for name in ALL}
_ENDORSER = SigningKey.generate()
ROSTER = Roster(
    version=1,
    federation="tests",
    endorser="board",
    previous=None,
    members=tuple(Member(client=n, key=_KEYS[n].verify_key.raw) for n in ALL),
)
ROSTER_DIGEST = endorse(ROSTER, _ENDORSER).digest()
STEPS = ("upload", "agree", "unmask", "recover")
"""From which step on a client is silent."""


def policy(**masking: int | bool) -> Policy:
    """The tests' policy with masks: policy(colluders=2)."""
    lines = [f"{name} = {str(value).lower()}" for name, value in masking.items()]
    return Policy.parse("\n".join([POLICY, "[masking]", "enabled = true", *lines]))


def rounds(few: int) -> int:
    """Of a property test: as many as HYPOTHESIS_MAX_EXAMPLES says, or a few."""
    return int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", few))


def chain(held: Policy | None = None) -> Chain:
    return Chain.start(held or policy(), BASE_FILE)


def key_of(name: str) -> SigningKey:
    return _KEYS[name]


def client(name: str, at: Chain) -> Client:
    return Client(name, _KEYS[name], AGGREGATOR.verify_key, ROSTER, ROSTER_DIGEST, at)


def numbers(name: str, bound: int = 100) -> NDArray[np.int64]:
    seed = int.from_bytes(name.encode(), "big")
    return np.random.default_rng(seed).integers(-bound, bound + 1, size=LAYOUT.size, dtype=np.int64)


@dataclass
class MaskedWorld:
    """A masked round that was announced. clients: its participants, by name. weights: theirs. masked: rows that they
    uploaded, as the aggregator has them."""

    clients: dict[str, Client]
    weights: dict[str, int]
    server: Server
    announcement: Signed
    masked: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def announced(cls, n: int = 7, held: Policy | None = None, at: Chain | None = None) -> MaskedWorld:
        at = at or chain(held)
        clients = {name: client(name, at) for name in ALL[:n]}
        return cls.of(clients, at)

    @classmethod
    def of(
        cls,
        clients: dict[str, Client],
        at: Chain,
        attempt: int = 0,
        weights: Mapping[str, int] | None = None,
    ) -> MaskedWorld:
        weights = {name: (weights or {}).get(name, 1 + int(name[-2:]) % 5) for name in clients}
        server = Server(AGGREGATOR, at, ROSTER, ROSTER_DIGEST, attempt=attempt)
        readies = [c.ready(weights[name], attempt=attempt) for name, c in clients.items()]
        return cls(clients, weights, server, server.announce(readies, now=NOW))

    @property
    def session(self) -> bytes:
        return self.server.session

    @property
    def round(self) -> MaskedRound:
        """What every party holds of it."""
        return MaskedRound(self.server.announcement, self.session, self.server.chain, ROSTER)

    # --- exchange A ------------------------------------------------------------------------------------------------

    def upload(self, name: str, x: NDArray[np.int64] | None = None) -> MaskedUpload:
        """An honest one."""
        made = self.clients[name].upload(self.announcement, numbers(name) if x is None else x, now=NOW)
        assert isinstance(made, MaskedUpload)
        self.masked[name] = made.masked
        return made

    def forced(self, name: str, x: NDArray[np.int64]) -> AnyUpload:
        """Of whatever, by a prover that does not look."""
        self.clients[name].check(self.announcement, now=NOW)
        ctx = context(self.server.announcement, self.session, name)
        return self.clients[name].seal(ctx, x, unchecked=True)

    def send(self, upload: AnyUpload) -> tuple[bool, str, str]:
        """(accepted, subject, stage) of the verdict, which its client read."""
        signed = self.server.receive(upload.to_bytes())
        verdict = signed.open(Verdict, AGGREGATOR.verify_key)
        self.clients[verdict.client].verdict(signed)
        return verdict.accepted, verdict.subject, verdict.stage

    def send_all(self, *but: str) -> None:
        for name in self.clients:
            if name not in but:
                assert self.send(self.upload(name))[0]

    # --- what an honest aggregator does next -----------------------------------------------------------------------

    def agree(self, *but: str) -> Unmasking:
        unmasking = self.server.unmask()
        for name in sorted(unmasking.members):
            if name not in but:
                unmasking.agree(self.clients[name].acknowledge(self.session, unmasking.accepted))
        return unmasking

    def unmask(self, unmasking: Unmasking, *but: str) -> None:
        for name in sorted(unmasking.members):
            if name not in but:
                answer = self.clients[name].unmask(self.session, unmasking.request(name))
                assert unmasking.answer(answer.to_bytes()) == name

    def recover(self, unmasking: Unmasking, *but: str) -> None:
        request = unmasking.recovery()
        if request is not None:
            for name in sorted(unmasking.members):
                if name not in but:
                    unmasking.recovered(self.clients[name].recover(self.session, request).to_bytes())

    def run(self, silent: Mapping[str, str] | None = None) -> Closed:
        """The whole round. silent: by name, from which step on. A client that refuses is silent, too."""
        self.exchange(silent or {})
        return self.server.close(now=NOW)

    def exchange(self, silent: Mapping[str, str]) -> None:
        """All of it but its end."""
        gone = {step: {n for n, s in silent.items() if STEPS.index(s) <= at} for at, step in enumerate(STEPS)}
        self.send_all(*gone["upload"])
        try:
            unmasking = self.server.unmask()
        except Refused:
            return
        for name in sorted(unmasking.members - gone["agree"]):
            try:
                unmasking.agree(self.clients[name].acknowledge(self.session, unmasking.accepted))
            except Refused:
                gone["unmask"].add(name)
        for name in sorted(unmasking.members - gone["unmask"]):
            try:
                unmasking.answer(self.clients[name].unmask(self.session, unmasking.request(name)).to_bytes())
            except Refused:
                gone["recover"].add(name)
        request = unmasking.recovery()
        for name in sorted(unmasking.members - gone["recover"]) if request else []:
            try:
                unmasking.recovered(self.clients[name].recover(self.session, request).to_bytes())
            except Refused:
                continue

    # --- what came of it -------------------------------------------------------------------------------------------

    def sum(self, closed: Closed) -> NDArray[np.int64]:
        """What the accepted updates add up to in truth."""
        accepted = [a.client for a in closed.result.accepted]
        return sum((self.weights[n] * numbers(n) for n in accepted), np.zeros(LAYOUT.size, np.int64))

    def verified(self, closed: Closed) -> RoundReport:
        """By somebody who has the record alone."""
        _, report = verify_round(
            self.server.chain, ROSTER, ROSTER_DIGEST, AGGREGATOR.verify_key, closed.entry, reader(closed)
        )
        return report

    # --- a lying aggregator ----------------------------------------------------------------------------------------

    def set_of(self, *names: str) -> Signed:
        """A set of these uploads, under the aggregator's signature."""
        full = self.server.unmask().accepted.open(AcceptedSet, AGGREGATOR.verify_key)
        headers = tuple(h for h in full.headers if h.client in names)
        return sign(full.model_copy(update={"headers": headers}), AGGREGATOR)

    def request_of(self, accepted: Signed, name: str, acknowledged: Mapping[str, Signed]) -> UnmaskRequest:
        """What would have this client open a set of the aggregator's choice."""
        honest = self.server.unmask().request(name)
        members = {h.client for h in accepted.open(AcceptedSet, AGGREGATOR.verify_key).headers}
        return UnmaskRequest(
            accepted=accepted,
            acknowledgements=named(acknowledged),
            deliveries=tuple(d for d in honest.deliveries if d.client in members),
        )


def named(signed: Mapping[str, Signed]) -> tuple[FromClient, ...]:
    return tuple(FromClient(client=c, signed=s) for c, s in sorted(signed.items()))


def reader(closed: Closed):
    def read(digest: bytes, what: str, limit: int) -> bytes:
        return closed.blobs[digest]

    return read
