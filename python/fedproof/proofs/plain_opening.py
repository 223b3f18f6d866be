"""R0, plain opening (spec/relations/plain-opening.md): its maker knows what the commitment holds, and nothing lies beyond d."""

from __future__ import annotations

from fedproof import _core
from fedproof.proofs.commitment import Commitment, Opening, width
from fedproof.proofs.context import Context, refusals

NAME = "plain opening"


def _prove(ctx: Context, commitment: Commitment, opening: Opening, checked: bool) -> bytes:
    with refusals(party=ctx.client):
        return _core.prove_plain_opening(
            commitment.suite,
            ctx.parts(),
            commitment.shape.parts(),
            commitment.points,
            opening.values,
            width(opening.values),
            opening.blinds,
            checked,
        )


def prove(ctx: Context, commitment: Commitment, opening: Opening) -> bytes:
    """Raises `Refused` (stage "witness") if the opening is not the commitment's."""
    return _prove(ctx, commitment, opening, True)


def prove_unchecked(ctx: Context, commitment: Commitment, opening: Opening) -> bytes:
    """Proves without looking, as a dishonest client would; the verifier refuses what is false."""
    return _prove(ctx, commitment, opening, False)


def verify(
    ctx: Context, commitment: Commitment, proof: bytes, *, party: str | None = None, round: int | None = None
) -> None:
    """Returns nothing, or raises `Refused`."""
    with refusals(party=party, round=round):
        _core.verify_plain_opening(
            commitment.suite, ctx.parts(), commitment.shape.parts(), commitment.points, proof
        )
