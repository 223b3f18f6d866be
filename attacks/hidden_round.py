"""The aggregator leaves the last round out of what it publishes, and releases the model that contains it."""

import shutil

from _federation import Federation, attack

from fedproof.log.tiles import TileLog
from fedproof.provenance.bundle import BLOBS, LOG
from fedproof.round.record import RoundEntry, named_blobs


def run(world: Federation) -> None:
    world.play()
    world.play(("ada", "bob", "cyd"))
    bundle, model = world.release()
    world.audit(bundle, model)
    shutil.rmtree(bundle / LOG)
    log = TileLog.create(bundle / LOG, "attacks", world.key)
    log.append(world.aggregator.entries()[:1])
    log.close()
    (bundle / "log.lock").unlink(missing_ok=True)
    first, last = (
        set(named_blobs(RoundEntry.from_bytes(e), world.aggregator.store.blob))
        for e in world.aggregator.entries()
    )
    for blob in last - first:
        (bundle / BLOBS / blob.hex()[:2] / blob.hex()).unlink()
    world.audit(bundle, model)
    raise SystemExit("the auditor believed it")


attack("a round left out of the record", run)
