"""An aggregator's exchanges with clients once a masked round's uploads are in: whom it asks what, one exchange after the other
(spec/secure-aggregation.md §5 to §11). A state machine without input or output of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from fedproof.errors import Malformed, Refused
from fedproof.identity.signed import Signed
from fedproof.round.masked_messages import AgreeRequest
from fedproof.round.requests import Request
from fedproof.round.server import Server
from fedproof.round.unmasking import Unmasking

T = TypeVar("T")
_MAX_SIGNED = 1 << 24
"""Bytes of fingerprints, several times what the largest have."""


class Each(Mapping[str, T]):
    """Something for each of these clients, made when it is asked for: all of it together can be large."""

    def __init__(self, clients: Iterable[str] = (), make: Callable[[str], T] | None = None) -> None:
        self._make = make
        self._clients = dict.fromkeys(clients)

    def __getitem__(self, client: str) -> T:
        if client not in self._clients or self._make is None:
            raise KeyError(client)
        return self._make(client)

    def __iter__(self) -> Iterator[str]:
        return iter(self._clients)

    def __len__(self) -> int:
        return len(self._clients)


Requests: TypeAlias = Each[Sequence[Request]]


@dataclass(frozen=True)
class _Exchange:
    """who: whose answer it says it is. take: checks it, and counts it; both raise `Refused`, and change nothing then. most: answers of a
    client."""

    asked: Requests
    who: Callable[[bytes], str]
    take: Callable[[bytes], str]
    most: Callable[[str], int] = lambda client: 1


class Exchanges:
    """`next` asks; `answer` takes an answer to what was asked last; and again, until nothing is asked. Then it is over, and the round can
    be closed: what stayed silent, and what did not open, is settled by that."""

    over = False

    def __init__(self, server: Server) -> None:
        """server: of a round that was announced. Raises `Refused` if it is not masked."""
        if not server.chain.policy.masking.enabled:
            raise Refused("round", "policy", "this round is not masked", round=server.chain.round)
        self._server = server
        self._steps = self._all()
        self._exchange: _Exchange | None = None
        self._heard: Counter[str] = Counter()

    def next(self) -> Requests:
        """Ends the exchange before; who has not answered by now is silent in it. Empty where nothing more is asked. From the first call on
        no upload counts."""
        self._exchange = next(self._steps, None)
        self.over = self._exchange is None
        self._heard = Counter()
        return self._exchange.asked if self._exchange is not None else Each()

    @property
    def asking(self) -> str:
        """What is asked, by the first client's first request. Raises `Refused` where nothing is."""
        return next(iter(self._open().asked.values()))[0].KIND

    def waiting(self) -> Requests:
        """What was asked last, and is not answered yet, if clients answer their requests in order. Where one skipped a request and answered
        a later one, it is the later one that is asked again: what stays closed others are asked for in the exchange after."""
        exchange = self._exchange
        if exchange is None:
            return Each()
        left = [client for client in exchange.asked if self._heard[client] < exchange.most(client)]
        return Each(left, lambda client: exchange.asked[client][self._heard[client] :])

    def opens_without(self, missing: Collection[str]) -> bool:
        """Whether the sum can still open if these answer nothing of what is asked: of those who hold a member's shares at least t have
        answered, or may. Raises `Refused` where nothing is asked."""
        asked, unmasking = self._open().asked, self._server.unmask()
        there = (unmasking.opened.keys() | asked.keys()) - set(missing)
        return all(unmasking.round.quorum(member, there) for member in unmasking.members)

    def answer(self, client: str, data: bytes) -> None:
        """To a request of the exchange under way, by the client that was asked: as many answers as it was asked for. Raises `Refused`: it
        counts as if it had not come."""
        exchange = self._open()
        if client not in exchange.asked or self._heard[client] >= exchange.most(client):
            raise self._refuse("nothing more is asked of it", client)
        if exchange.who(data) != client:
            raise self._refuse("another client's", client)
        exchange.take(data)
        self._heard[client] += 1

    def who(self, data: bytes) -> str:
        """Whose answer this says it is. Raises `Refused`."""
        return self._open().who(data)

    def _open(self) -> _Exchange:
        if self._exchange is None:
            raise self._refuse("nothing is asked")
        return self._exchange

    def _refuse(self, detail: str, client: str | None = None) -> Refused:
        return Refused("answer", "statement", detail, party=client, round=self._server.chain.round)

    def _all(self) -> Iterator[_Exchange]:
        server = self._server
        try:
            unmasking = server.unmask()
        except Refused:  # too few: the round is void
            return
        members = sorted(unmasking.members)
        signer = _Signed(unmasking)
        if server.chain.policy.masking.agree_first:
            agree = AgreeRequest(accepted=unmasking.accepted)
            yield _Exchange(Each(members, lambda _: (agree,)), signer.who, signer.then(unmasking.agree))
        yield _Exchange(
            Each(members, lambda client: (unmasking.request(client),)), unmasking.who, unmasking.answer
        )
        recovery = unmasking.recovery()
        if recovery is not None:
            asked: Requests = Each(sorted(unmasking.opened), lambda _: (recovery,))
            yield _Exchange(asked, unmasking.who_recovers, unmasking.recovered)
        if len(unmasking.opened) < unmasking.round.parameters.threshold:
            return
        blame = server.blame()
        if blame is None:
            return
        request = blame.request()
        asked = Each(sorted(unmasking.opened), lambda _: (request,))
        yield _Exchange(asked, signer.who, signer.then(blame.receive))
        while requests := blame.next_requests():
            counts = {client: len(each) for client, each in requests.items()}
            yield _Exchange(Each(requests, requests.__getitem__), blame.who, blame.opened, counts.__getitem__)


@dataclass(frozen=True)
class _Signed:
    """Answers that are one signed message."""

    unmasking: Unmasking

    def _read(self, data: bytes) -> Signed:
        try:
            return Signed.from_bytes(data, limit=_MAX_SIGNED)
        except Malformed as error:
            raise self.unmasking.round.refuse("answer", "decoding", str(error)) from None

    def who(self, data: bytes) -> str:
        """By the key."""
        return self.unmasking.fixed.member_of(self._read(data), "answer")

    def then(self, take: Callable[[Signed], str]) -> Callable[[bytes], str]:
        """Reads it for somebody."""
        return lambda data: take(self._read(data))
