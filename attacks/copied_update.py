"""A free-rider takes another client's commitment, hides that with a blind of its own on top, and proves what it can."""

import numpy as np
from _federation import Federation, attack

from fedproof.encoding.digest import sha256
from fedproof.identity.signed import sign
from fedproof.proofs import Commitment, commit, honest_aggregate, update
from fedproof.round.messages import Announcement, UploadHeader, Verdict
from fedproof.round.rules import context


def run(world: Federation) -> Verdict:
    announcement = world.announce()
    theirs, own = world.honest("ada", announcement), world.honest("dee", announcement)
    zero, opening = commit(world.aggregator.chain.suite, np.zeros(world.layout.size, np.int64))
    copy = honest_aggregate.combine([Commitment(zero.suite, zero.shape, theirs.points), zero], [1, 1])
    opened = announcement.open(Announcement, world.key.verify_key)
    ctx = context(opened, opened.digest(), "dee")
    proof = update.prove(world.policy, ctx, copy, opening, unchecked=True)
    header = own.header.open(UploadHeader, world.keys["dee"].verify_key)
    changed = header.model_copy(update={"commitment": copy.root(), "proof": sha256(proof)})
    signed = sign(changed, world.keys["dee"])
    return world.send(own.model_copy(update={"header": signed, "points": copy.points, "proof": proof}))


attack("copied update", run)
