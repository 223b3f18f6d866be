"""An honest bundle is handed out with another model: one weight is changed in its last bit."""

from _federation import Federation, attack


def run(world: Federation) -> None:
    world.play()
    bundle, model = world.release()
    world.audit(bundle, model)  # the honest one verifies
    data = bytearray(model.read_bytes())
    data[-4] ^= 1
    model.write_bytes(data)
    world.audit(bundle, model)
    raise SystemExit("the auditor believed it")


attack("another model with an honest certificate", run)
