"""The aggregator of a masked round has the sum opened, and then has the same updates opened over a set with one less: the difference is
that one's."""

from _federation import Federation, attack
from _masked import MaskedRound

from fedproof.identity.signed import sign
from fedproof.round.masked_messages import AcceptedSet


def run(_: Federation) -> None:
    masked = MaskedRound()
    server, clients, key = masked.server, masked.clients, masked.key
    unmasking = server.unmask()
    for client in clients.values():
        unmasking.agree(client.acknowledge(server.session, unmasking.accepted))
    for name, client in clients.items():
        unmasking.answer(client.unmask(server.session, unmasking.request(name)).to_bytes())
    everybody = unmasking.accepted.open(AcceptedSet, key.verify_key)
    fewer = sign(everybody.model_copy(update={"headers": everybody.headers[1:]}), key)
    for client in list(clients.values())[1:]:
        client.acknowledge(server.session, fewer)
    raise SystemExit("clients opened a second set")


attack("the same updates over another set", run)
