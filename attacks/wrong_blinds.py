"""A client masks other blinds than those of its commitment: the values fit, but the sum could not be checked."""

from dataclasses import replace
from typing import Any

from _federation import Federation, attack
from _masked import MaskedRound

from fedproof.round.masker import Masked, Masker


def other_blinds(masker: Masker) -> None:
    honest = masker.apply

    def apply(*arguments: Any) -> Masked:
        made = honest(*arguments)
        blinds = made.blinds[:-1] + bytes([made.blinds[-1] ^ 1])
        masker.made = masker.made and replace(masker.made, blinds=blinds)
        return replace(made, blinds=blinds)

    masker.apply = apply  # type: ignore[method-assign]


def run(_: Federation) -> None:
    MaskedRound(other_blinds).caught()


attack("other blinds under the masks than those of the commitment", run)
