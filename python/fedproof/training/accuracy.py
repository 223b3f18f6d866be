"""How many records of a registered test set a trained head classifies correctly, and the proof of it (spec/training.md §9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from fedproof.data.certificate import RevocationList
from fedproof.data.dataset import Holding
from fedproof.data.selection import Part, Selection, check_alike, check_selection, disjoint, revoked_in
from fedproof.data.table import MAX_RECORDS
from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message
from fedproof.errors import Refused
from fedproof.policy.training import Test, TrainingPolicy
from fedproof.proofs.accuracy import Statement, count_correct, prove
from fedproof.proofs.context import Context
from fedproof.proofs.head import HeadOpening
from fedproof.training.proof import Training, UsedData, check_demands, head_of, used_data
from fedproof.training.train import Trained, rows_of

MAX_PROOF = 1 << 27


class Accuracy(Message):
    """What a trainer says of its head on the test set. training: digest of the message of that name. data: the test set. correct: at least
    so many of its records are classified correctly."""

    KIND: ClassVar[str] = "accuracy"

    training: Digest
    data: Annotated[tuple[UsedData, ...], Field(min_length=1, max_length=64)]
    correct: Annotated[int, Field(ge=1, le=MAX_RECORDS)]
    proof: Annotated[bytes, Field(max_length=MAX_PROOF)]


def registered(policy: TrainingPolicy) -> Test:
    """The policy's test set. Raises `Refused` if there is none."""
    if policy.test is None:
        raise Refused("accuracy", "policy", "the policy registers no test set")
    return policy.test


def testable(
    policy: TrainingPolicy,
    training: Sequence[Part],
    test: Sequence[Part],
    revocations: Sequence[RevocationList],
    *,
    now: int,
) -> Selection:
    """The test records: all that the policy registers but revoked ones, none of them trained on. Raises `Refused`."""
    wanted = registered(policy).digests
    if tuple(part.certificate.digest() for part in test) != wanted:
        raise Refused("accuracy", "policy", "the test set is not the one that the policy registers")
    check_demands(policy, test)
    check_alike(training[0].certificate, test[0].certificate)
    _check_distinct(Selection(tuple(test)))
    found = check_selection(test, revocations, now=now, max_age=policy.data.max_revocation_age)
    for part in test:
        hidden = sorted(set(part.left_out) - set(revoked_in(part.data, revocations)))
        if hidden:
            detail = f"record {hidden[0]} of test set {part.certificate.serial} is left out, and not revoked"
            raise Refused("accuracy", "policy", detail)
    disjoint(training, test)
    return found


def _check_distinct(test: Selection) -> None:
    """No record is there twice: it would count twice, and leaving one out is not the trainer's choice. Raises `Refused`."""
    seen: set[tuple[str, bytes]] = set()
    for (number, record), tag in zip(test.kept, test.tags(), strict=True):
        if tag in seen:
            serial = test.parts[number].certificate.serial
            detail = f"record {record} of test set {serial} is there twice: have one of them revoked, or certify without it"
            raise Refused("accuracy", "statement", detail)
        seen.add(tag)


def accuracy_statement(
    policy: TrainingPolicy, training: Training, test: Selection, correct: int
) -> Statement:
    """The statement that a training and a test set lead to. Raises `Refused` (stage "policy") for fewer correct records than the policy
    asks for."""
    least = registered(policy).least(len(test))
    if correct < least:
        detail = (
            f"{correct} of {len(test)} test records are classified correctly; the policy asks for {least}"
        )
        raise Refused("accuracy", "policy", detail)
    first = test.certificate
    return Statement(
        ctx=Context(training.digest(), training.trainer, len(test)),
        suite=first.suite,
        features=len(first.features) + 1,
        classes=len(first.classes),
        scale=policy.training.scale,
        correct=correct,
        records=test.points(),
        head=head_of(training, first),
    )


def evaluate(
    policy: TrainingPolicy,
    made: Trained,
    training: Sequence[Part],
    test: Sequence[Part],
    holdings: Sequence[Holding],
    revocations: Sequence[RevocationList],
    *,
    now: int,
    correct: int | None = None,
) -> Accuracy:
    """Counts and proves. training: what `made` was trained on. test, holdings: the registered test set. correct: claims so many, proving it
    unchecked, as a dishonest trainer would. Raises `Refused`: another test set, too few correct ones."""
    selection = testable(policy, training, test, revocations, now=now)
    rows, blinds = rows_of(selection, holdings)
    found = count_correct(rows, made.weights, policy.training.scale) if correct is None else correct
    opening = HeadOpening(made.weights, made.blinds)
    statement = accuracy_statement(policy, made.training, selection, found)
    proof = prove(statement, rows, blinds, opening, unchecked=correct is not None)
    return Accuracy(
        training=made.training.digest(),
        data=used_data(test),
        correct=found,
        proof=proof,
    )
