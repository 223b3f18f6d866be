"""A dealer seals no shares, to nobody, so that its own mask could not be taken off the sum."""

from _federation import Federation, attack
from _masked import MaskedRound

from fedproof.encoding.digest import sha256
from fedproof.round.masked_messages import Sharing
from fedproof.round.masker import Masker


def seals_junk(masker: Masker) -> None:
    honest = masker._share

    def share(neighbours: list[str], own: bytes) -> tuple[Sharing, tuple[bytes, ...]]:
        sharing, ciphertexts = honest(neighbours, own)
        junk = tuple(bytes(len(c)) for c in ciphertexts)
        return sharing.model_copy(update={"ciphertexts": tuple(map(sha256, junk))}), junk

    masker._share = share  # type: ignore[method-assign]


def run(_: Federation) -> None:
    MaskedRound(seals_junk).caught()


attack("a dealer that seals no shares", run)
