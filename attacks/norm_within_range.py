"""Every coordinate is within its bound, the norm is not: many small pushes in one direction."""

import numpy as np
from _federation import Federation, attack

from fedproof.round.messages import Verdict


def run(world: Federation) -> Verdict:
    announcement = world.announce()
    return world.send(world.forced("dee", announcement, np.full(world.layout.size, 4000, dtype=np.int64)))


attack("norm above its bound, coordinates within", run)
