"""The aggregator of a masked round asks for both kinds of a member's secrets: the masks that it shares with other members, beside its own,
which was opened. Then nothing would hide its update."""

from _federation import Federation, attack
from _masked import NAMES, MaskedRound

from fedproof.round.masked_messages import FromClient, Pair, RecoveryRequest


def run(_: Federation) -> None:
    masked = MaskedRound()
    server, clients = masked.server, masked.clients
    unmasking = server.unmask()
    acknowledged = tuple(
        FromClient(client=name, signed=client.acknowledge(server.session, unmasking.accepted))
        for name, client in clients.items()
    )
    for each in acknowledged:
        unmasking.agree(each.signed)
    victim, silent = NAMES[0], NAMES[1]
    for name, client in clients.items():
        if name != silent:
            unmasking.answer(client.unmask(server.session, unmasking.request(name)).to_bytes())
    request = RecoveryRequest(
        session=server.session,
        accepted=unmasking.fixed.accepted,
        pairs=tuple(Pair(member=victim, other=other) for other in NAMES[1:]),
        acknowledgements=acknowledged,
    )
    for name in NAMES[2:]:
        clients[name].recover(server.session, request)
    raise SystemExit("clients opened masks between members of the set")


attack("both kinds of one member's secrets asked for", run)
