"""The aggregator shows one client two different announcements of the same round."""

from _federation import Federation, attack

from fedproof.identity.signed import sign
from fedproof.round.messages import Announcement


def run(world: Federation) -> None:
    first = world.announce()
    world.honest("ada", first)
    other = first.open(Announcement, world.key.verify_key).model_copy(update={"nonce": bytes(32)})
    world.honest("ada", sign(other, world.key))
    raise SystemExit("the client answered twice")


attack("two announcements of one round", run)
