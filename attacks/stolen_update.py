"""A free-rider signs another client's commitment and proof as its own."""

from _federation import Federation, attack

from fedproof.identity.signed import sign
from fedproof.round.messages import UploadHeader, Verdict


def run(world: Federation) -> Verdict:
    theirs = world.honest("ada", world.announce())
    header = theirs.header.open(UploadHeader, world.keys["ada"].verify_key).model_copy(
        update={"client": "dee"}
    )
    return world.send(theirs.model_copy(update={"header": sign(header, world.keys["dee"])}))


attack("stolen update", run)
