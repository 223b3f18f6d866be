"""An aggregator's exchanges with clients once a masked round's uploads are in: whom it asks what, one exchange after the other
(spec/secure-aggregation.md §5 to §11). A state machine without input or output of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
        self.make = make
        self._clients = dict.fromkeys(clients)

    def __getitem__(self, client: str) -> T:
        if client not in self._clients or self.make is None:
            raise KeyError(client)
        return self.make(client)

    def __iter__(self) -> Iterator[str]:
        return iter(self._clients)

    def __len__(self) -> int:
        return len(self._clients)


Requests: TypeAlias = Each[Sequence[Request]]
_Step: TypeAlias = tuple[Requests, Callable[[bytes], str]]


class Exchanges:
    """`next` asks; `answer` takes an answer to what was asked last; and again, until nothing is asked. Then the round can be closed: what
    stayed silent, and what did not open, is settled by that."""

    def __init__(self, server: Server) -> None:
        """server: of a round that was announced. Raises `Refused` if it is not masked."""
        if not server.chain.policy.masking.enabled:
            raise Refused("round", "policy", "this round is not masked", round=server.chain.round)
        self._server = server
        self._steps = self._all()
        self._asked: Requests = Each()
        self._take: Callable[[bytes], str] | None = None
        self._heard: set[str] = set()

    def next(self) -> Requests:
        """Ends the exchange before; who has not answered by now is silent in it. Empty where nothing more is asked. From the first call on
        no upload counts."""
        self._asked, self._take = next(self._steps, (Each(), None))
        self._heard = set()
        return self._asked

    def waiting(self) -> Requests:
        """What was asked last, of those who have not answered it yet."""
        return Each([client for client in self._asked if client not in self._heard], self._asked.make)

    def answer(self, data: bytes) -> str:
        """To one of the requests of the exchange under way; returns whose it is. Raises `Refused`: it counts as if it had not come."""
        if self._take is None:
            raise Refused("answer", "statement", "nothing is asked", round=self._server.chain.round)
        client = self._take(data)
        self._heard.add(client)
        return client

    def _all(self) -> Iterator[_Step]:
        server = self._server
        try:
            unmasking = server.unmask()
        except Refused:  # too few: the round is void
            return
        members = sorted(unmasking.members)
        if server.chain.policy.masking.agree_first:
            agree = AgreeRequest(accepted=unmasking.accepted)
            yield Each(members, lambda _: (agree,)), _signed(unmasking, unmasking.agree)
        yield Each(members, lambda client: (unmasking.request(client),)), unmasking.answer
        recovery = unmasking.recovery()
        if recovery is not None:
            yield Each(sorted(unmasking.opened), lambda _: (recovery,)), unmasking.recovered
        if len(unmasking.opened) < unmasking.round.parameters.threshold or server.opens():
            return
        blame = server.blame()
        request = blame.request()
        yield Each(sorted(unmasking.opened), lambda _: (request,)), _signed(unmasking, blame.receive)
        while asked := blame.next_requests():
            yield Each(asked, asked.__getitem__), blame.opened


def _signed(unmasking: Unmasking, take: Callable[[Signed], str]) -> Callable[[bytes], str]:
    def read(data: bytes) -> str:
        try:
            signed = Signed.from_bytes(data, limit=_MAX_SIGNED)
        except Malformed as error:
            raise unmasking.round.refuse("answer", "decoding", str(error)) from None
        return take(signed)

    return read
