"""What is proved of a trained head, and how the statement follows from policy, data sets and weights (spec/training.md §2, §3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from fedproof.data.certificate import MAX_CLASSES, MAX_WIDTH, DataCertificate
from fedproof.data.selection import Part, Selection
from fedproof.data.table import MAX_RECORDS
from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name
from fedproof.errors import Refused
from fedproof.policy.training import TrainingPolicy
from fedproof.proofs.commitment import point_size
from fedproof.proofs.context import Context
from fedproof.proofs.head import Head
from fedproof.proofs.optimum import Statement
from fedproof.training.objective import Objective, Weights, max_residual_squared

_ENTRY = 8
"""Bytes of a weight."""


class UsedData(Record):
    """A data set, by the digest of its certificate, and which of its records are left out: from 0, increasing."""

    certificate: Digest
    left_out: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=MAX_RECORDS)], ...], Field(max_length=MAX_RECORDS)
    ]


class Training(Message):
    """What a trainer says was trained on what. weights: eight bytes each, class by class, big-endian. points: of committed weights, one a
    class. Exactly one of the two is there."""

    KIND: ClassVar[str] = "training"

    policy: Digest
    trainer: Name
    data: Annotated[tuple[UsedData, ...], Field(min_length=1, max_length=1024)]
    weights: Annotated[bytes, Field(max_length=_ENTRY * MAX_WIDTH * MAX_CLASSES)] | None
    points: Annotated[bytes, Field(max_length=64 * MAX_CLASSES)] | None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.weights is None) == (self.points is None):
            raise ValueError("weights are there, or points of committed ones")
        return self


def objective_of(policy: TrainingPolicy) -> Objective:
    """The policy's objective."""
    return Objective(policy.training.loss, policy.training.scale, policy.training.regularisation)


def used_data(parts: Sequence[Part]) -> tuple[UsedData, ...]:
    """The parts as messages name them."""
    return tuple(UsedData(certificate=p.certificate.digest(), left_out=p.left_out) for p in parts)


def encode_weights(weights: Weights) -> bytes:
    """Eight bytes each, class by class."""
    return weights.astype(">i8").tobytes()


def decode_weights(data: bytes, classes: int) -> Weights:
    """Classes by features. Raises `Refused` for bytes that are none."""
    if not data or len(data) % (_ENTRY * classes):
        raise Refused("training", "shape", "its weights are not as many for each class")
    return np.frombuffer(data, ">i8").astype(np.int64).reshape(classes, -1)


def head_of(training: Training, certificate: DataCertificate) -> Head:
    """W as statements have it. certificate: of one of the data sets. Raises `Refused` for weights that do not fit it."""
    classes = len(certificate.classes)
    if training.weights is not None:
        return Head(decode_weights(training.weights, classes))
    if len(training.points or b"") != point_size(certificate.suite) * classes:
        raise Refused("training", "shape", "its weights are not committed to in one point a class")
    return Head(None, training.points or b"")


def statement_of(policy: TrainingPolicy, training: Training, selection: Selection) -> Statement:
    """The statement that policy, data and weights lead to; nothing of it is a prover's choice. Raises `Refused`."""
    first = selection.certificate
    head = head_of(training, first)
    if (training.points is None) != (policy.training.weights == "public"):
        raise Refused("training", "policy", f"the policy asks for {policy.training.weights} weights")
    return Statement(
        ctx=Context(training.digest(), training.trainer, len(selection)),
        suite=first.suite,
        features=len(first.features) + 1,
        classes=len(first.classes),
        loss=policy.training.loss,
        scale=policy.training.scale,
        regularisation=policy.training.regularisation,
        max_residual_squared=max_residual_squared(
            objective_of(policy), policy.training.freedom, selection.norm_squared
        ),
        records=selection.points(),
        head=head,
    )


def check_demands(policy: TrainingPolicy, parts: Sequence[Part]) -> None:
    """Raises `Refused` (stage "policy") for a data set that the policy does not allow: authority, licence, consent, suite."""
    demands = policy.data
    for part in parts:
        certificate = part.certificate
        for found, allowed, what in (
            (certificate.authority, demands.authorities, "authority"),
            (certificate.licence, demands.licences or (certificate.licence,), "licence"),
            (certificate.suite, policy.suites, "suite"),
        ):
            if found not in allowed:
                detail = f"{certificate.serial} has the {what} {found}; allowed: {', '.join(allowed)}"
                raise Refused("data certificate", "policy", detail)
        missing = [term for term in demands.consent if term not in certificate.consent]
        if missing:
            detail = f"{certificate.serial} has no consent {missing[0]}; it has {', '.join(certificate.consent) or 'none'}"
            raise Refused("data certificate", "policy", detail)


def check_count(policy: TrainingPolicy, kept: int) -> None:
    """Raises `Refused` (stage "policy") for fewer records than the policy asks for."""
    if kept < policy.data.min_records:
        detail = f"{kept} records are left in; the policy asks for {policy.data.min_records}"
        raise Refused("data set", "policy", detail)
