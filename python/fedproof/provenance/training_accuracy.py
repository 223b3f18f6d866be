"""The accuracy of a trained head, checked against a bundle from anybody (spec/training.md §9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedproof.data.certificate import RevocationList
from fedproof.data.dataset import DataSet
from fedproof.data.selection import Part
from fedproof.errors import Refused
from fedproof.identity.training_trust import TrainingTrust
from fedproof.policy.training import TrainingPolicy
from fedproof.proofs.accuracy import verify
from fedproof.provenance.training_bundle import ACCURACY, TEST, TrainingBundle
from fedproof.training.accuracy import Accuracy, accuracy_statement, testable
from fedproof.training.proof import Training, UsedData


@dataclass(frozen=True)
class AccuracyAudit:
    """What the bundle was found to say of the test set. kept: the records that count, as (part, record)."""

    accuracy: Accuracy
    parts: tuple[Part, ...]
    kept: tuple[tuple[int, int], ...]


def audit_accuracy(
    bundle: TrainingBundle,
    policy: TrainingPolicy,
    trust: TrainingTrust,
    training: tuple[Training, Sequence[Part]],
    revocations: Sequence[RevocationList],
    *,
    now: int,
) -> AccuracyAudit | None:
    """None where the policy registers no test set. training: the message, and the data sets trained on. Raises `Refused`."""
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
    said, trained_on = training
    if found.training != said.digest():
        raise Refused("accuracy", "chain", "it was proved of another training")
    parts = parts_of(found.data, bundle.test_sets(trust.keys()), "accuracy")
    kept = testable(policy, trained_on, parts, revocations, now=now)
    verify(accuracy_statement(policy, said, parts, kept, found.correct), found.proof)
    return AccuracyAudit(found, parts, tuple(kept))


def parts_of(used: Sequence[UsedData], found: dict[bytes, DataSet], subject: str) -> tuple[Part, ...]:
    """The data sets that a message names, all of them there and no other. subject: the message. Raises `Refused`."""
    named = [one.certificate for one in used]
    if len(set(named)) != len(named):
        raise Refused(subject, "statement", "it names a data set twice")
    for digest in named:
        if digest not in found:
            raise Refused("data set", "digest", f"{digest.hex()} is named and not in the bundle")
    if len(found) != len(named):
        raise Refused("bundle", "digest", f"it holds a data set that {subject} does not name")
    return tuple(Part(found[one.certificate], one.left_out) for one in used)
