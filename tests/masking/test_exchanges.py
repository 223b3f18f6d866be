"""Whether the sum can still open without those that are missing: what it says is what comes of it."""

from __future__ import annotations

import pytest

from fedproof.errors import Refused
from fedproof.round.exchanges import Exchanges
from fedproof.round.requests import answer
from tests.masking.world import MaskedWorld
from tests.round.world import NOW


def begun(n: int = 7) -> tuple[MaskedWorld, Exchanges]:
    world = MaskedWorld.announced(n)
    world.send_all()
    return world, Exchanges(world.server)


def go_on(world: MaskedWorld, exchanges: Exchanges, *missing: str) -> bool:
    """To the end, without these. Whether the sum opens."""
    asked = exchanges.waiting()
    while asked:
        for name, requests in asked.items():
            for request in requests if name not in missing else ():
                try:
                    exchanges.answer(name, answer(world.clients[name], request))
                except Refused:
                    continue
        asked = exchanges.next()
    return not world.server.close(now=NOW).result.void


@pytest.mark.parametrize("already", [0, 3])
@pytest.mark.parametrize("gone", [0, 1, 2, 3])
@pytest.mark.parametrize("exchange", ["agree-request", "unmask-request"])
def test_as_many_as_collude_or_are_silent(exchange: str, gone: int, already: int) -> None:
    """Seven with the defaults. already: how many have answered."""
    world, exchanges = begun()
    missing = list(world.clients)[-gone:] if gone else []
    asked = exchanges.next()
    if exchange == "unmask-request":
        for name, requests in asked.items():
            exchanges.answer(name, answer(world.clients[name], requests[0]))
        asked = exchanges.next()
    for name in list(world.clients)[:already]:
        exchanges.answer(name, answer(world.clients[name], asked[name][0]))
    assert exchanges.asking == exchange
    assert exchanges.opens_without(missing) == (gone <= 2)
    assert go_on(world, exchanges, *missing) == (gone <= 2)


def test_nothing_is_asked() -> None:
    _, exchanges = begun()
    with pytest.raises(Refused, match="nothing is asked"):
        exchanges.opens_without([])
