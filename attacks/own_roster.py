"""The aggregator signs the roster itself; the auditor holds the endorser's key."""

from _federation import Federation, attack

from fedproof.identity.roster import endorse
from fedproof.provenance.bundle import ROSTER


def run(world: Federation) -> None:
    world.play()
    bundle, model = world.release()
    (bundle / ROSTER).write_bytes(endorse(world.roster, world.key).to_bytes())
    world.audit(bundle, model)
    raise SystemExit("the auditor believed it")


attack("roster signed by the aggregator", run)
