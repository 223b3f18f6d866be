"""An aggregator plays a whole federation: clients, endorser, rounds, sums and certificate are its own and fit each other. The auditor
trusts the real endorser."""

from dataclasses import replace

from _federation import Federation, attack


def run(world: Federation) -> None:
    folder = world.folder / "sybils"
    folder.mkdir()
    sybils = Federation(folder)
    sybils.play()
    bundle, model = sybils.release()
    sybils.audit(bundle, model)  # who trusts its endorser sees nothing wrong
    sybils.trust = replace(sybils.trust, endorsers=world.trust.endorsers)
    sybils.audit(bundle, model)
    raise SystemExit("the auditor believed it")


attack("a federation of Sybils", run)
