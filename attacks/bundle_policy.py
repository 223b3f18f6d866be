"""A federation ran under bounds of its own and publishes them in its bundle; the auditor's policy asks for less."""

from _federation import POLICY, Federation, attack

from fedproof.policy.policy import Policy


def run(world: Federation) -> None:
    world.play()
    bundle, model = world.release()
    world.audit(bundle, model)  # by its own rules all is well
    base = world.policy.base_digest.hex()
    world.policy = Policy.parse(POLICY.format(base=base).replace("max_norm = 8191", "max_norm = 4095"))
    world.audit(bundle, model)
    raise SystemExit("the auditor took the bundle's policy")


attack("policy from the bundle", run)
