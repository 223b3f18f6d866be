"""A client signs up with another one's mask key, so that an honest pair's mask would be opened as its own."""

from _federation import Federation, attack
from _masked import NAMES, MaskedRound

from fedproof.identity.signed import sign
from fedproof.round.messages import Ready
from fedproof.round.server import Server


def run(_: Federation) -> None:
    masked = MaskedRound()
    victim, copier = (masked.clients[name] for name in NAMES[:2])
    server = Server(masked.key, masked.start, victim.roster, victim.roster_digest, attempt=1)
    readies = {name: client.ready(1, attempt=1) for name, client in masked.clients.items()}
    stolen = Ready.from_bytes(readies[NAMES[0]].payload).keys
    own = Ready.from_bytes(readies[NAMES[1]].payload)
    readies[NAMES[1]] = sign(own.model_copy(update={"keys": stolen}), copier.key)
    server.announce(readies.values(), now=masked.now)
    (refused,) = server.refused_readies
    raise refused


attack("another client's mask key", run)
