"""The aggregator has one client of a masked round train another model than the others, by an announcement of its own."""

from _federation import Federation, attack
from _masked import NAMES, MaskedRound

from fedproof.identity.signed import sign
from fedproof.round.messages import Announcement


def run(_: Federation) -> None:
    masked = MaskedRound()
    shown = masked.announcement.open(Announcement, masked.key.verify_key)
    other = shown.base.model_copy(update={"weights": bytes(32)})
    masked.clients[NAMES[0]].check(sign(shown.model_copy(update={"base": other}), masked.key), now=masked.now)
    raise SystemExit("the client would train another model")


attack("another model for one client of a masked round", run)
