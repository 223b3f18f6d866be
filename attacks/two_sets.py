"""The aggregator sums the same uploads twice, with and without one client: the difference is that client's update."""

import time

from _federation import Federation, attack

from fedproof.round.server import Closed


def run(world: Federation) -> None:
    announcement = world.announce()
    for name in world.clients:
        world.send(world.honest(name, announcement))
    server = world.aggregator.server
    assert server is not None
    everybody = server.close(now=int(time.time()))
    server._received.pop("dee")
    without = server.close(now=int(time.time()))

    def show(closed: Closed) -> None:
        world.clients["ada"].adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])

    show(everybody)
    show(without)
    raise SystemExit("the client adopted both")


attack("one update in the sums of two sets", run)
