"""The proof that a policy asks of every update. Its parameters come from the policy that the verifier holds and from d."""

from __future__ import annotations

from fedproof.policy.parameters import limb
from fedproof.policy.policy import Policy
from fedproof.proofs import bounded_update, plain_opening
from fedproof.proofs.bounded_update import Bounds
from fedproof.proofs.commitment import Commitment, Opening
from fedproof.proofs.context import Context


def bounds(policy: Policy, d: int) -> Bounds:
    """The bounds of an update of d coordinates under this policy."""
    return Bounds(policy.update.max_abs, policy.update.max_norm**2, limb(d, policy.update.max_abs))


def relation(policy: Policy) -> str:
    """Name of the relation that the policy asks for."""
    return bounded_update.NAME if policy.prove.update == "bounded" else plain_opening.NAME


def prove(
    policy: Policy, ctx: Context, commitment: Commitment, opening: Opening, *, unchecked: bool = False
) -> bytes:
    """Proves what the policy asks for. Raises `Refused` (stage "witness") where it is not true, unless `unchecked`, as a
    dishonest client would."""
    if policy.prove.update == "bounded":
        run = bounded_update.prove_unchecked if unchecked else bounded_update.prove
        return run(ctx, bounds(policy, commitment.shape.d), commitment, opening)
    return (plain_opening.prove_unchecked if unchecked else plain_opening.prove)(ctx, commitment, opening)


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
