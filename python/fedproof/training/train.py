"""Trains on certified data and proves it: selection, optimum, commitment, proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fedproof.data.certificate import RevocationList
from fedproof.data.dataset import Holding
from fedproof.data.records import Rows
from fedproof.data.selection import Part, Selection, check_selection
from fedproof.errors import Refused
from fedproof.policy.training import TrainingPolicy
from fedproof.proofs.head import HeadOpening, commit_head
from fedproof.proofs.optimum import prove
from fedproof.training.objective import Weights
from fedproof.training.proof import (
    Training,
    check_count,
    check_demands,
    encode_weights,
    objective_of,
    statement_of,
    used_data,
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
    selection = usable(policy, parts, revocations, now=now)
    rows, blinds = rows_of(selection, holdings)
    classes = len(selection.certificate.classes)
    found = solve(
        objective_of(policy), rows, classes, selection.norm_squared, policy.training.freedom, progress
    )
    return proved(policy, trainer, selection, rows, blinds, found.weights, found.freedom, unchecked=unchecked)


def usable(
    policy: TrainingPolicy, parts: Sequence[Part], revocations: Sequence[RevocationList], *, now: int
) -> Selection:
    """The records that are left in, if the policy and their authorities allow them all. Raises `Refused`."""
    check_demands(policy, parts)
    selection = check_selection(parts, revocations, now=now, max_age=policy.data.max_revocation_age)
    check_count(policy, len(selection))
    return selection


def proved(
    policy: TrainingPolicy,
    trainer: str,
    selection: Selection,
    rows: Rows,
    blinds: bytes,
    weights: Weights,
    freedom: float,
    *,
    unchecked: bool = False,
) -> Trained:
    """The proof for these weights. rows, blinds: of the selection, in its order. freedom: Φ of the weights. Raises `Refused` (stage
    "witness") where it would be false, unless `unchecked`, as a dishonest trainer would."""
    committed = policy.training.weights == "committed"
    head, opening = (
        commit_head(selection.certificate.suite, weights) if committed else (None, HeadOpening(weights))
    )
    training = Training(
        policy=policy.digest(),
        trainer=trainer,
        data=used_data(selection.parts),
        weights=None if committed else encode_weights(weights),
        points=head.points if head is not None else None,
    )
    statement = statement_of(policy, training, selection)
    proof = prove(statement, rows, blinds, opening, unchecked=unchecked)
    return Trained(training, proof, weights, opening.blinds, freedom)


def rows_of(selection: Selection, holdings: Sequence[Holding]) -> tuple[Rows, bytes]:
    """Rows and blinds of the selection, in its order. holdings: of its parts. Raises `Refused` for another number of them."""
    if len(selection.parts) != len(holdings):
        raise Refused("data set", "shape", f"{len(selection.parts)} selection sets, {len(holdings)} holdings")
    size = len(holdings[0].blinds) // len(holdings[0].rows)
    rows = np.concatenate(
        [holding.rows[part.kept] for part, holding in zip(selection.parts, holdings, strict=True)]
    )
    blinds = b"".join(
        holdings[at].blinds[size * record : size * (record + 1)] for at, record in selection.kept
    )
    return rows, blinds
