"""Shares on their way from dealer to holder (spec/secure-aggregation.md §4)."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fedproof.round.masked import MaskedRound
from fedproof.round.masked_messages import Sharing

_NONCE = bytes(12)
"""Each sealing key is used once."""


def seal(round: MaskedRound, dealer: str, holder: str, point: bytes, shares: bytes) -> bytes:
    """Both shares, one after the other. point: what the encryption keys of dealer and holder share."""
    return ChaCha20Poly1305(round.sealing_key(dealer, holder, point)).encrypt(_NONCE, shares, None)


def unseal(
    round: MaskedRound, dealer: str, holder: str, point: bytes, sharing: Sharing, ciphertext: bytes
) -> tuple[bytes, bytes] | None:
    """The shares of the dealer's own secret and of its mask secret, or None if what it sealed is not what it committed to: everybody who
    has the point can tell."""
    try:
        plain = ChaCha20Poly1305(round.sealing_key(dealer, holder, point)).decrypt(_NONCE, ciphertext, None)
    except InvalidTag:
        return None
    shares = plain[:32], plain[32:]
    commitments = sharing.self_commitments, sharing.key_commitments
    good = len(plain) == 64 and all(
        round.check_share(c, holder, s) for c, s in zip(commitments, shares, strict=True)
    )
    return shares if good else None
