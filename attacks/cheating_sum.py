"""The aggregator adds one unit to one coordinate of the sum and signs a record in which all
else fits; a client checks before it moves on."""

import time

import numpy as np
from _federation import Federation, attack

from fedproof.encoding.digest import sha256
from fedproof.identity.signed import sign
from fedproof.round.messages import Result, Total
from fedproof.round.record import RoundBody, RoundEntry


def run(world: Federation) -> None:
    announcement = world.announce()
    for name in world.clients:
        world.send(world.honest(name, announcement))
    server = world.aggregator.server
    assert server is not None
    closed = server.close(now=int(time.time()))
    blobs = dict(closed.blobs)
    record = RoundEntry.from_bytes(closed.entry)
    body = RoundBody.from_bytes(blobs[record.body])
    result = body.result.open(Result, world.key.verify_key)
    assert result.total is not None
    total = Total.from_bytes(blobs[result.total])
    values = np.frombuffer(total.values, "<i8").copy()
    values[3] += 1
    lie = total.model_copy(update={"values": values.tobytes()}).to_bytes()
    after = world.aggregator.chain.advance(b"", 0, values, 14).state
    forged = sign(result.model_copy(update={"total": sha256(lie), "after": after}), world.key)
    changed = body.model_copy(update={"result": forged}).to_bytes()
    blobs |= {sha256(lie): lie, sha256(changed): changed}
    entry = record.model_copy(update={"body": sha256(changed)}).to_bytes()
    world.clients["ada"].adopt(entry, lambda name, _what, _limit: blobs[name])
    raise SystemExit("the client believed it")


attack("sum off by one", run)
