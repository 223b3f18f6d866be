"""The proof that a policy asks of every update. Its parameters come from the policy that the verifier holds and from d."""

from __future__ import annotations

from collections.abc import Sequence

from fedproof.errors import Refused
from fedproof.policy.parameters import limb
from fedproof.policy.policy import Policy
from fedproof.proofs import bounded_update, plain_opening
from fedproof.proofs.bounded_update import Bounds
from fedproof.proofs.commitment import Commitment, Opening
from fedproof.proofs.context import Context


def bounds(policy: Policy, d: int) -> Bounds:
    """The bounds of an update of d coordinates under this policy."""
    return Bounds(policy.update.max_abs, policy.update.max_norm**2, limb(d, policy.update.max_abs))


def prove(
    policy: Policy, ctx: Context, commitment: Commitment, opening: Opening, *, unchecked: bool = False
) -> bytes:
    """Proves what the policy asks for. Raises `Refused` (stage "witness") where it is not true, unless `unchecked`, as a
    dishonest client would."""
    if policy.prove.update == "bounded":
        run = bounded_update.prove_unchecked if unchecked else bounded_update.prove
        return run(ctx, bounds(policy, commitment.shape.d), commitment, opening)
    return (plain_opening.prove_unchecked if unchecked else plain_opening.prove)(ctx, commitment, opening)


def verify_all(
    policy: Policy, claims: Sequence[tuple[Context, Commitment, bytes]], *, round: int | None = None
) -> None:
    """Many proofs of one policy, each with context and commitment: together where that is quicker, one by one where only that tells
    whose fails. Returns nothing, or raises `Refused` with the first client whose proof does not hold."""
    if policy.prove.update == "bounded" and len(claims) > 1:
        batch = [
            bounded_update.Claim(ctx, bounds(policy, commitment.shape.d), commitment, proof)
            for ctx, commitment, proof in claims
        ]
        try:
            bounded_update.verify_all(policy.suites[0], batch)
            return
        except Refused:
            pass  # does not say which
    for ctx, commitment, proof in claims:
        verify(policy, ctx, commitment, proof, party=ctx.client, round=round)


def verify(
    policy: Policy,
    ctx: Context,
    commitment: Commitment,
    proof: bytes,
    *,
    party: str | None = None,
    round: int | None = None,
) -> None:
    """Returns nothing, or raises `Refused`."""
    if policy.prove.update == "bounded":
        held = bounds(policy, commitment.shape.d)
        bounded_update.verify(ctx, held, commitment, proof, party=party, round=round)
    else:
        plain_opening.verify(ctx, commitment, proof, party=party, round=round)
