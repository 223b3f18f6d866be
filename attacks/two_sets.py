"""The aggregator sums the same uploads twice, with and without one client: the difference is that client's update."""

import time
from collections.abc import Iterable

from _federation import Federation, attack

from fedproof.round.closing import Closed
from fedproof.round.server import Server


def run(world: Federation) -> None:
    announcement = world.announce()
    uploads = {name: world.honest(name, announcement) for name in world.clients}

    def summed(names: Iterable[str]) -> Closed:
        server = Server(world.key, world.aggregator.chain, world.roster, world.signed_roster.digest())
        server.resume(announcement)
        for name in names:
            server.receive(uploads[name].to_bytes())
        return server.close(now=int(time.time()))

    everybody, without = summed(uploads), summed(uploads.keys() - {"dee"})

    def show(closed: Closed) -> None:
        world.clients["ada"].adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])

    show(everybody)
    show(without)
    raise SystemExit("the client adopted both")


attack("one update in the sums of two sets", run)
