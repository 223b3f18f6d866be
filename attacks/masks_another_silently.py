"""A client uploads another update than it proved, and says nothing any more once it is asked about it. Nobody can name it; nothing wrong
is adopted."""

from _federation import Federation, attack
from _masked import MaskedRound

from fedproof.demo.masks import masks_another


def run(_: Federation) -> None:
    MaskedRound(masks_another).caught(silent=True)


attack("another update under the masks, and silence when it comes out", run)
