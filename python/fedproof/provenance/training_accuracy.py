"""The accuracy of a trained head, checked against a bundle from anybody (spec/training.md §9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedproof.data.certificate import RevocationList
from fedproof.data.selection import Part, Selection
from fedproof.errors import Refused
from fedproof.identity.training_trust import TrainingTrust
from fedproof.policy.training import TrainingPolicy
from fedproof.proofs.accuracy import verify
from fedproof.provenance.training_bundle import ACCURACY, TEST, TrainingBundle, parts_of
from fedproof.training.accuracy import Accuracy, accuracy_statement, testable
from fedproof.training.proof import Training


@dataclass(frozen=True)
class AccuracyAudit:
    """What the bundle was found to say of the test set. selection: the records that count."""

    accuracy: Accuracy
    selection: Selection


def audit_accuracy(
    bundle: TrainingBundle,
    policy: TrainingPolicy,
    trust: TrainingTrust,
    training: Training,
    trained_on: Sequence[Part],
    revocations: Sequence[RevocationList],
    *,
    now: int,
) -> AccuracyAudit | None:
    """None where the policy registers no test set. training, trained_on: the message, and its data sets. Raises `Refused`."""
    found = bundle.accuracy()
    if policy.test is None:
        if found is not None or bundle.tests:
            name = ACCURACY if found is not None else TEST
            raise Refused(
                "bundle", "digest", f"{name} does not belong there: the policy registers no test set"
            )
        return None
    if found is None:
        detail = f"the policy registers a test set, and the bundle has no {ACCURACY}"
        raise Refused("accuracy", "policy", detail)
    if found.training != training.digest():
        raise Refused("accuracy", "chain", "it was proved of another training")
    parts = parts_of(found.data, bundle.test_sets(trust.keys()), "accuracy")
    selection = testable(policy, trained_on, parts, revocations, now=now)
    verify(accuracy_statement(policy, training, selection, found.correct), found.proof)
    return AccuracyAudit(found, selection)
