"""The aggregator of a masked round shows clients different sets, so that together they open all masks on one client's update."""

from _federation import Federation, attack
from _masked import NAMES, MaskedRound

from fedproof.identity.signed import sign
from fedproof.round.masked_messages import AcceptedSet


def run(_: Federation) -> None:
    masked = MaskedRound()
    server, key = masked.server, masked.key
    everybody = server.unmask().accepted.open(AcceptedSet, key.verify_key)
    victim, near = NAMES[0], NAMES[1:3]

    def only(*names: str) -> AcceptedSet:
        headers = tuple(h for h in everybody.headers if h.client in names)
        return everybody.model_copy(update={"headers": headers})

    shown = dict.fromkeys(NAMES, everybody)  # these give shares of the victim's own mask
    shown |= dict.fromkeys(near, only(*NAMES[1:]))  # these open their mask with the victim
    shown[victim] = only(victim, *near)  # the victim opens its masks with all others
    for name, client in masked.clients.items():
        client.acknowledge(server.session, sign(shown[name], key))
    raise SystemExit("everybody agreed to the set that it was shown")


attack("masks of one update opened by showing different sets", run)
