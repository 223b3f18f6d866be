"""Trains on certified data and proves it: selection, optimum, commitment, proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fedproof.data.certificate import RevocationList
from fedproof.data.dataset import Holding
from fedproof.data.records import Rows
from fedproof.data.selection import Part, check_selection
from fedproof.errors import Refused
from fedproof.policy.training import TrainingPolicy
from fedproof.proofs.head import HeadOpening, commit_head
from fedproof.proofs.optimum import prove
from fedproof.training.objective import Weights
from fedproof.training.proof import (
    Training,
    UsedData,
    check_count,
    check_demands,
    encode_weights,
    norm_squared_of,
    objective_of,
    statement_of,
)
from fedproof.training.solve import Progress, solve


@dataclass(frozen=True)
class Trained:
    """training, proof: for everybody. weights, blinds: the trainer's; blinds only of committed weights. freedom: Φ that was reached."""

    training: Training
    proof: bytes = field(repr=False)
    weights: Weights = field(repr=False)
    blinds: bytes = field(repr=False)
    freedom: float


def train(
    policy: TrainingPolicy,
    trainer: str,
    parts: Sequence[Part],
    holdings: Sequence[Holding],
    revocations: Sequence[RevocationList],
    *,
    now: int,
    progress: Progress | None = None,
    unchecked: bool = False,
) -> Trained:
    """The optimum on exactly the records that are left in, and its proof. holdings: of the parts, in their order. now: Unix seconds. Raises
    `Refused`: data that may not be used, an optimum that is not reached within the policy's freedom. unchecked: as in `proved`."""
    kept = usable(policy, parts, revocations, now=now)
    rows, blinds = rows_of(parts, holdings, kept)
    classes = len(parts[0].data.certificate.classes)
    found = solve(
        objective_of(policy), rows, classes, norm_squared_of(parts), policy.training.freedom, progress
    )
    return proved(
        policy, trainer, parts, kept, rows, blinds, found.weights, found.freedom, unchecked=unchecked
    )


def usable(
    policy: TrainingPolicy, parts: Sequence[Part], revocations: Sequence[RevocationList], *, now: int
) -> list[tuple[int, int]]:
    """The records that are left in, as (part, record), if the policy and their authorities allow them all. Raises `Refused`."""
    check_demands(policy, parts)
    kept = check_selection(parts, revocations, now=now, max_age=policy.data.max_revocation_age)
    check_count(policy, len(kept))
    return kept


def proved(
    policy: TrainingPolicy,
    trainer: str,
    parts: Sequence[Part],
    kept: Sequence[tuple[int, int]],
    rows: Rows,
    blinds: bytes,
    weights: Weights,
    freedom: float,
    *,
    unchecked: bool = False,
) -> Trained:
    """The proof for these weights. Raises `Refused` (stage "witness") where it would be false, unless `unchecked`, as a dishonest trainer
    would."""
    suite = parts[0].data.certificate.suite
    committed = policy.training.weights == "committed"
    head, opening = commit_head(suite, weights) if committed else (None, HeadOpening(weights))
    training = Training(
        policy=policy.digest(),
        trainer=trainer,
        data=tuple(
            UsedData(certificate=part.data.certificate.digest(), left_out=part.left_out) for part in parts
        ),
        weights=None if committed else encode_weights(weights),
        points=head.points if head is not None else None,
    )
    statement = statement_of(policy, training, parts, kept)
    proof = prove(statement, rows, blinds, opening, unchecked=unchecked)
    return Trained(training, proof, weights, opening.blinds, freedom)


def rows_of(
    parts: Sequence[Part], holdings: Sequence[Holding], kept: Sequence[tuple[int, int]]
) -> tuple[Rows, bytes]:
    """Rows and blinds of the records that are left in, in their order. Raises `Refused` for other holdings than the parts'."""
    if len(parts) != len(holdings):
        raise Refused("data set", "shape", f"{len(parts)} data sets, {len(holdings)} holdings")
    size = len(holdings[0].blinds) // len(holdings[0].rows)
    rows = np.concatenate(
        [
            holding.rows[[record for at, record in kept if at == number]]
            for number, holding in enumerate(holdings)
        ]
    )
    blinds = b"".join(holdings[at].blinds[size * record : size * (record + 1)] for at, record in kept)
    return rows, blinds
