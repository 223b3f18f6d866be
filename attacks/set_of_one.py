"""The aggregator of a masked round accepts one update only, and asks for the sum over this set."""

from _federation import Federation, attack
from _masked import NAMES, MaskedRound

from fedproof.identity.signed import sign
from fedproof.round.masked_messages import AcceptedSet


def run(_: Federation) -> None:
    masked = MaskedRound()
    server, key = masked.server, masked.key
    everybody = server.unmask().accepted.open(AcceptedSet, key.verify_key)
    alone = tuple(h for h in everybody.headers if h.client == NAMES[0])
    masked.clients[NAMES[0]].acknowledge(
        server.session, sign(everybody.model_copy(update={"headers": alone}), key)
    )
    raise SystemExit("the victim agreed to a sum over its own update")


attack("a sum over one update", run)
