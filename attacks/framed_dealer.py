"""A client says that what an honest one sealed for it is no share, so that the honest one would be named for it."""

from _federation import Federation, attack
from _masked import NAMES, MaskedRound

from fedproof.proofs import masking
from fedproof.round.masked_messages import Complaint


def run(_: Federation) -> None:
    masked = MaskedRound()
    server, clients = masked.server, masked.clients
    unmasking = server.unmask()
    for client in clients.values():
        unmasking.agree(client.acknowledge(server.session, unmasking.accepted))
    victim, liar = NAMES[:2]
    answer = clients[liar].unmask(server.session, unmasking.request(liar))
    masker = clients[liar].masker_of(server.session)
    round, secret = masker.joined(), masker.encryption.secret
    key = round.encryption_key(victim)
    complaint = Complaint(
        client=victim,
        point=masking.shared_points(round.suite, secret, key),
        proof=masking.prove_key(round.suite, secret, round.complaint_context(victim, liar), key),
    )
    shares = tuple(share for share in answer.shares if share.client != victim)
    unmasking.answer(answer.model_copy(update={"shares": shares, "complaints": (complaint,)}).to_bytes())
    raise SystemExit("the complaint was taken")


attack("an honest dealer accused of a bad share", run)
