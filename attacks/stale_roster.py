"""The endorser took a client off the roster; the aggregator goes on under the version before, with that client in the round."""

import time

from _federation import WEIGHTS, Federation, attack

from fedproof.identity.roster import endorse
from fedproof.round.client import Client


def run(world: Federation) -> None:
    members = tuple(m for m in world.roster.members if m.client != "dee")
    previous = world.signed_roster.digest()
    following = world.roster.model_copy(update={"version": 2, "previous": previous, "members": members})
    digest = endorse(following, world.endorser).digest()
    old = world.clients["ada"]
    ada = Client("ada", world.keys["ada"], world.key.verify_key, following, digest, old.chain)
    ada.ready(WEIGHTS["ada"])
    ada.upload(world.announce(), world.numbers(1), now=int(time.time()))
    raise SystemExit("the client answered")


attack("a roster of yesterday", run)
