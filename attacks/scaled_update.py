"""A client multiplies its update by 50 and forces a proof out of the prover."""

from _federation import Federation, attack

from fedproof.round.messages import Verdict


def run(world: Federation) -> Verdict:
    announcement = world.announce()
    return world.send(world.forced("dee", announcement, 50 * world.numbers(4)))


attack("scaled update", run)
