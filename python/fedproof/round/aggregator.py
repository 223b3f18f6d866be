"""The aggregator at work: the state machine of a round, its state folder and the record, put together so that a kill at any point
loses nothing that was acknowledged (spec/round.md §6)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from fedproof.encoding.digest import sha256
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.identity.roster import open_roster
from fedproof.identity.signed import Signed
from fedproof.log.tiles import TileLog
from fedproof.policy.policy import Policy
from fedproof.round.chain import Chain
from fedproof.round.closing import Closed
from fedproof.round.exchanges import Each, Exchanges, Requests
from fedproof.round.messages import Announcement
from fedproof.round.server import Server
from fedproof.round.store import Kind, Store
from fedproof.round.verify import verify_round


class Aggregator:
    """One federation's aggregator, for one thread at a time. Everything is taken up again from `root` if it was stopped. After a
    write that failed (no space, say) every step raises `UsageError` until it is opened again: what counts, only the files know."""

    def __init__(
        self,
        root: Path,
        key: SigningKey,
        policy: Policy,
        roster: Signed,
        endorsers: Mapping[str, VerifyKey],
        base: bytes,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """roster: as endorsed. base: the base model's file. clock: Unix seconds, by which rounds are announced and members expire.
        Checks its own record again. Raises `Refused`, `Malformed`; `UsageError` if another process works in `root`."""
        self._key = key
        self._clock = clock
        self.signed_roster = roster
        self.roster = open_roster(roster, endorsers, policy.federation)
        self.roster_digest = roster.digest()
        self.store = Store(root)
        self.chain = Chain.start(policy, base)
        exists = (self.store.log / "checkpoint").exists()
        self._log = (TileLog.open if exists else TileLog.create)(self.store.log, policy.federation, key)
        try:
            self.store.clean()
            self.store.put_all({sha256(base): base})
            for entry in self.entries():
                self.chain, _ = verify_round(
                    self.chain, self.roster, self.roster_digest, key.verify_key, entry, self.read
                )
            self._exchanges: Exchanges | None = None
            self.server = self._resume()
        except BaseException:
            self.stop()
            raise

    def _resume(self) -> Server | None:
        """The round under way, with what was received. One that is on record or was given up is over. One that cannot go on, say under
        another roster, is not forgotten: it may have been acknowledged. Raises `Refused`."""
        signed = self.store.opened_round()
        if signed is None:
            self.store.clear_round()  # what a kill within `clear_round` left
            return None
        announcement = signed.open(Announcement, self._key.verify_key)
        if (announcement.round, announcement.attempt) < (self.chain.round, self.attempt):
            self.store.clear_round()
            return None
        server = self._new_server()
        server.resume(signed)
        for kind, data in self.store.happened():
            self._happened += 1
            if kind == "upload":
                server.receive(data)
                continue
            self._exchanges = self._exchanges or Exchanges(server)
            if kind == "asked":
                self._exchanges.next()
            else:
                self._exchanges.answer(self._exchanges.who(data), data)
        return server

    _happened = 0
    _broken = False

    @contextmanager
    def _step(self) -> Iterator[None]:
        """Disk and memory go on together. Where a write fails they may differ, and a verdict on what only memory knows would be lost
        with it; a refusal changes neither."""
        if self._broken:
            raise UsageError("a write of this aggregator failed half-way; stop it and open it again")
        self._broken = True
        try:
            yield
        except (Refused, Malformed):
            self._broken = False
            raise
        self._broken = False

    def _new_server(self) -> Server:
        return Server(
            self._key,
            self.chain,
            self.roster,
            self.roster_digest,
            attempt=self.store.attempt(self.chain.round),
            blobs=self.store.waiting(),
            masked=self.store.uploads,
        )

    @property
    def attempt(self) -> int:
        """Attempt at the next round, for `Client.ready`."""
        return self.store.attempt(self.chain.round)

    def read(self, name: bytes, what: str, limit: int) -> bytes:
        """A blob, as `verify_round` and `Client.adopt` ask for it."""
        data = self.store.blob(name)
        if len(data) > limit:
            raise Malformed(f"{what} has {len(data)} bytes; at most {limit} are read")
        return data

    def announce(self, readies: Iterable[Signed]) -> Signed:
        """Opens the next round. Raises `Refused` if one is under way, if nobody is ready (the message says why, by client), and where
        all rounds that the policy asks for are on record."""
        with self._step():
            if self.server is not None:
                raise Refused("round", "statement", "a round is under way", round=self.chain.round)
            server = self._new_server()
            announcement = server.announce(readies, now=int(self._clock()))
            self._happened = 0
            self.store.open_round(announcement)
            self.server = server
        return announcement

    def receive(self, data: bytes) -> Signed:
        """Checks an upload, keeps it, and returns the verdict. Raises `Refused` as `Server.receive`."""
        with self._step():
            server = self._under_way()
            before = len(server.waiting_for())
            verdict = server.receive(data)
            if len(server.waiting_for()) < before:
                self._keep("upload", data)
        return verdict

    def _keep(self, kind: Kind, data: bytes = b"") -> None:
        self._happened += 1
        self.store.put(self._happened, kind, data)

    def next_requests(self) -> Mapping[str, Sequence[bytes]]:
        """Of a masked round: what is asked next, by client, each for `Node.answer`; empty when nothing is, and the round can be closed.
        Ends the exchange before: who has not answered is silent in it. The first call fixes the accepted set, and no upload counts after
        it. Raises `Refused` if no round is under way, or none that is masked."""
        with self._step():
            server = self._under_way()
            exchanges = self._exchanges or Exchanges(server)
            asked = exchanges.next()
            self._exchanges = exchanges
            self._keep("asked")
        return _encoded(asked)

    @property
    def exchanging(self) -> bool:
        """Whether a masked round is under way of which the set is fixed: clients may have opened it, and open no other from its base
        model."""
        return self.server is not None and self.server.fixed

    @property
    def asking(self) -> str:
        """What was asked last, in the protocol's words: by the first client's first request. Raises `Refused` where nothing was."""
        return self._under_exchange().asking

    def opens_without(self, missing: Collection[str]) -> bool:
        """Whether the sum can still open if these clients answer nothing of what was asked last. Where it can not, the round will be void,
        and those who opened it already have spent that. Raises `Refused` where nothing is asked."""
        return self._under_exchange().opens_without(missing)

    def requests(self) -> Mapping[str, Sequence[bytes]]:
        """What was asked last, of those who have not answered: to be asked again after a stop."""
        return _encoded(self._exchanges.waiting()) if self._exchanges is not None else Each()

    def answer(self, client: str, data: bytes) -> None:
        """A client's answer to one of `next_requests`; client: whom it came from, as far as the channel tells. Raises `Refused`: it counts
        as if it had not come."""
        with self._step():
            self._under_way()
            self._under_exchange().answer(client, data)
            self._keep("answer", data)

    def close(self) -> Closed:
        """Sums, records durably, and moves on. The blobs are in the state folder then: `read`. Raises `Refused` for a masked round of which
        more is to be asked (`next_requests`): it would be void for that."""
        with self._step():
            server = self._under_way()
            self._check_asked(server)
            closed = server.close(now=int(self._clock()))
            self.store.put_all(closed.blobs)
            self._log.append([closed.entry])
            self.store.clear_round()
            self.chain, self.server, self._exchanges = closed.chain, None, None
        return closed

    def _check_asked(self, server: Server) -> None:
        if not self.chain.policy.masking.enabled or not server.enough:
            return
        exchanges = self._exchanges
        if exchanges is None or not (exchanges.over or server.opens()):
            detail = "its sum does not open yet: ask (next_requests) until nothing more is asked"
            raise Refused("round", "statement", detail, round=self.chain.round)

    def abort(self) -> None:
        """Gives the round under way up; the next announcement is another attempt at it."""
        with self._step():
            self._under_way()
            self.store.set_attempt(self.chain.round, self.attempt + 1)
            self.store.clear_round()
            self.server = self._exchanges = None

    def stop(self) -> None:
        """Gives the record's lock back; the round under way stays on the disk. A second call does nothing."""
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def entries(self) -> list[bytes]:
        """The record so far."""
        return [self._log.entry(index) for index in range(self._log.size)]

    def _under_exchange(self) -> Exchanges:
        if self._exchanges is None:
            raise Refused("answer", "statement", "nothing is asked", round=self.chain.round)
        return self._exchanges

    def _under_way(self) -> Server:
        if self.server is None:
            raise Refused("round", "statement", "no round is under way", round=self.chain.round)
        return self.server


def _encoded(requests: Requests) -> Mapping[str, Sequence[bytes]]:
    return Each(requests, lambda client: [request.to_bytes() for request in requests[client]])
