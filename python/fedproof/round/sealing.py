"""Shares on their way from dealer to holder (spec/secure-aggregation.md §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fedproof.round.masked import MaskedRound
from fedproof.round.masked_messages import Sharing

_NONCE = bytes(12)
"""Each sealing key is used once."""


def seal(round: MaskedRound, dealer: str, holder: str, point: bytes, shares: bytes) -> bytes:
    """Both shares, one after the other. point: what the encryption keys of dealer and holder share."""
    return ChaCha20Poly1305(round.sealing_key(dealer, holder, point)).encrypt(_NONCE, shares, None)


@dataclass(frozen=True)
class Sealed:
    """What a dealer sealed, and what it signed for. point: what the encryption keys of dealer and holder share."""

    dealer: str
    point: bytes
    sharing: Sharing
    ciphertext: bytes


def unseal(round: MaskedRound, holder: str, sealed: Sequence[Sealed]) -> list[tuple[bytes, bytes] | None]:
    """For each the shares of the dealer's own secret and of its mask secret, or None if what it sealed is not what it committed to:
    everybody who has the point can tell."""
    plain = [_opened(round, holder, each) for each in sealed]
    shares = [
        (commitments, share)
        for each, found in zip(sealed, plain, strict=True)
        if found is not None
        for commitments, share in zip(
            (each.sharing.self_commitments, each.sharing.key_commitments), found, strict=True
        )
    ]
    good = round.good_shares(holder, shares)
    both = iter(own and key for own, key in zip(good[::2], good[1::2], strict=True))
    return [found if found is not None and next(both) else None for found in plain]


def _opened(round: MaskedRound, holder: str, sealed: Sealed) -> tuple[bytes, bytes] | None:
    cipher = ChaCha20Poly1305(round.sealing_key(sealed.dealer, holder, sealed.point))
    try:
        plain = cipher.decrypt(_NONCE, sealed.ciphertext, None)
    except InvalidTag:
        return None
    return (plain[:32], plain[32:]) if len(plain) == 64 else None
