"""A client proves one update and uploads another under its masks. It answers for what it uploaded with a proof that it forces out of the
prover."""

from _federation import Federation, attack
from _masked import MaskedRound

from fedproof.demo.masks import masks_another


def run(_: Federation) -> None:
    MaskedRound(masks_another).caught()


attack("another update under the masks than the one that was proved", run)
