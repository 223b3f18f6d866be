"""R1, bounded update (spec/relations/bounded-update.md): |x_j| ≤ max_abs for every j, Σ x_j² ≤ max_norm² over the integers,
and nothing beyond d; exact, in zero knowledge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedproof import _core
from fedproof.proofs.commitment import Commitment, Opening, width
from fedproof.proofs.context import Context, refusals

NAME = "bounded update"


@dataclass(frozen=True)
class Bounds:
    """max_abs: bound on every coordinate, in units. max_norm_squared: bound on Σ x², in squared units.
    limb: 0, or m for look-ups of x = lo + m·hi (fixed by the policy's parameters, never by a prover)."""

    max_abs: int
    max_norm_squared: int
    limb: int

    def parts(self) -> tuple[int, int, int]:
        """As the engine takes them."""
        return self.max_abs, self.max_norm_squared, self.limb


@dataclass(frozen=True)
class Claim:
    """One proof among many."""

    ctx: Context
    bounds: Bounds
    commitment: Commitment
    proof: bytes


Timed = tuple[bytes, list[tuple[str, float]]]


def _prove(ctx: Context, bounds: Bounds, commitment: Commitment, opening: Opening, checked: bool) -> Timed:
    with refusals(party=ctx.client):
        return _core.prove_bounded_update(
            commitment.suite,
            ctx.parts(),
            commitment.shape.parts(),
            bounds.parts(),
            commitment.points,
            opening.values,
            width(opening.values),
            opening.blinds,
            checked,
        )


def prove(ctx: Context, bounds: Bounds, commitment: Commitment, opening: Opening) -> bytes:
    """Raises `Refused` (stage "witness") if the update is out of bounds or not what was committed to."""
    return _prove(ctx, bounds, commitment, opening, True)[0]


def prove_unchecked(ctx: Context, bounds: Bounds, commitment: Commitment, opening: Opening) -> bytes:
    """Proves without looking, as a dishonest client would; the verifier refuses what is false."""
    return prove_timed(ctx, bounds, commitment, opening)[0]


def prove_timed(ctx: Context, bounds: Bounds, commitment: Commitment, opening: Opening) -> Timed:
    """`prove_unchecked`, with the seconds that went into each kind of message: (label as in the spec, seconds), in order."""
    return _prove(ctx, bounds, commitment, opening, False)


def verify(
    ctx: Context,
    bounds: Bounds,
    commitment: Commitment,
    proof: bytes,
    *,
    party: str | None = None,
    round: int | None = None,
) -> None:
    """Returns nothing, or raises `Refused`."""
    with refusals(party=party, round=round):
        _core.verify_bounded_update(
            commitment.suite, ctx.parts(), commitment.shape.parts(), bounds.parts(), commitment.points, proof
        )


def verify_all(suite: str, claims: Sequence[Claim]) -> None:
    """Many proofs in one multi-scalar multiplication. Raises `Refused` if any fails, without saying which: verify them one
    by one then."""
    statements = [
        (c.ctx.parts(), c.commitment.shape.parts(), c.bounds.parts(), c.commitment.points, c.proof)
        for c in claims
    ]
    with refusals():
        _core.verify_bounded_updates(suite, statements)
