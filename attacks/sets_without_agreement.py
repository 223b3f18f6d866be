"""Where clients do not agree first, the aggregator shows two halves of them two sets that differ in one client. What it gets opens
neither: it takes more holders than half of them, and nobody speaks twice."""

from _federation import Federation, attack
from _masked import NAMES, MaskedRound

from fedproof.errors import Refused
from fedproof.identity.signed import sign
from fedproof.round.masked_messages import AcceptedSet, UnmaskRequest


def run(_: Federation) -> None:
    masked = MaskedRound(agree_first=False)
    unmasking, session = masked.server.unmask(), masked.server.session
    everybody = unmasking.accepted.open(AcceptedSet, masked.key.verify_key)
    fewer = sign(everybody.model_copy(update={"headers": everybody.headers[1:]}), masked.key)
    refused: Refused | None = None
    for at, name in enumerate(NAMES):
        honest = unmasking.request(name)
        deliveries = tuple(d for d in honest.deliveries if d.client != NAMES[0])
        other = UnmaskRequest(accepted=fewer, acknowledgements=(), deliveries=deliveries)
        for request in (honest, other) if at % 2 else (other, honest):
            try:
                answer = masked.clients[name].unmask(session, request)
                if request is honest:
                    unmasking.answer(answer.to_bytes())
            except Refused as error:
                refused = error
    if masked.server.opens():
        raise SystemExit("a set was opened")
    assert refused is not None
    raise refused


attack("two sets to two halves of clients that do not agree first", run)
