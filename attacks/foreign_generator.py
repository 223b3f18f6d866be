"""A client adds to its commitment a point that its rows do not have: every honest check of the sum would
fail, and nobody would know whose fault it is."""

from _federation import Federation, attack

from fedproof import _core
from fedproof.encoding.digest import sha256
from fedproof.identity.signed import sign
from fedproof.proofs import Commitment, commit, commit_public, update
from fedproof.round.messages import Announcement, Upload, UploadHeader, UploadOpening, Verdict
from fedproof.round.rules import context


def run(world: Federation) -> Verdict:
    opened = world.announce().open(Announcement, world.key.verify_key)
    chain = world.aggregator.chain
    own, opening = commit(chain.suite, world.numbers(4))
    more = commit_public(chain.suite, world.numbers(5))
    spoiled = Commitment(own.suite, own.shape, _core.combine(own.suite, [own.points, more.points], [1, 1]))
    ctx = context(opened, opened.digest(), "dee")
    proof = update.prove(world.policy, ctx, spoiled, opening, unchecked=True)
    clear = UploadOpening.of(opening)
    header = UploadHeader(
        session=opened.digest(),
        client="dee",
        commitment=spoiled.root(),
        proof=sha256(proof),
        opening=clear.digest(),
    )
    signed = sign(header, world.keys["dee"])
    return world.send(
        Upload(
            header=signed,
            points=spoiled.points,
            proof=proof,
            values=clear.values,
            blinds=clear.blinds,
            salt=clear.salt,
        )
    )


attack("commitment with a foreign component", run)
