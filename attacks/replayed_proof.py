"""A client sends last round's update and proof under a fresh signature."""

from _federation import Federation, attack

from fedproof.identity.signed import sign
from fedproof.round.messages import Announcement, UploadHeader, Verdict


def run(world: Federation) -> Verdict:
    announcement = world.announce()
    old = world.honest("dee", announcement)
    for name in ("ada", "bob", "cyd"):
        world.send(world.honest(name, announcement))
    world.send(old)
    closed = world.aggregator.close()
    for client in world.clients.values():
        client.adopt(closed.entry, world.aggregator.read)
    session = world.announce().open(Announcement, world.key.verify_key).digest()
    header = old.header.open(UploadHeader, world.keys["dee"].verify_key).model_copy(
        update={"session": session}
    )
    return world.send(old.model_copy(update={"header": sign(header, world.keys["dee"])}))


attack("replayed proof", run)
