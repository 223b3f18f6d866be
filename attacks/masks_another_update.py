"""A client proves one update and uploads another under its masks. It answers for what it uploaded with a proof that it forces out of the
prover."""

import time

from _federation import Federation, attack
from _masked import NAMES, MaskedRound

from fedproof.demo.masks import masks_another
from fedproof.errors import Refused
from fedproof.round import disclosure
from fedproof.round.client import Client
from fedproof.round.masker import Masker

CHEAT = NAMES[4]


def cheats(client: Client) -> None:
    if client.name == CHEAT:
        masks_another(only(client))


def only(client: Client) -> Masker:
    (masker,) = client.maskers.values()
    return masker


def run(_: Federation) -> None:
    masked = MaskedRound(cheats)
    server, clients = masked.server, masked.clients
    unmasking, session = server.unmask(), server.session
    for client in clients.values():
        unmasking.agree(client.acknowledge(session, unmasking.accepted))
    for name, client in clients.items():
        unmasking.answer(client.unmask(session, unmasking.request(name)).to_bytes())
    blame = server.blame()
    for client in clients.values():
        told = disclosure.fingerprints(
            only(client), blame.request(), client.key, unchecked=client.name == CHEAT
        )
        blame.receive(told)
    while asks := blame.next_requests():
        for name, requests in asks.items():
            for request in requests:
                blame.opened(clients[name].disclose(session, request).to_bytes())
    report = masked.verify(server.close(now=int(time.time())))
    if report.void or len(report.accepted) != len(NAMES) - 1:
        raise SystemExit("the others' sum is lost")
    (named,) = report.dropped
    raise Refused(named.subject, named.stage, named.reason, party=named.client, round=report.round)


attack("another update under the masks than the one that was proved", run)
