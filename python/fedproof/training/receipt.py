"""Receipts: answers of a committed head, with the proof that it gave them (spec/training.md §8)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fedproof.data.certificate import DataCertificate
from fedproof.data.quantise import BIAS
from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message
from fedproof.errors import Refused, UsageError
from fedproof.proofs.context import Context
from fedproof.proofs.head import HeadOpening
from fedproof.proofs.optimum import Statement as Trained
from fedproof.proofs.receipt import Statement, prove, verify

MAX_ANSWERS = 4096


class Receipt(Message):
    """training: digest of the head's training. inputs: p bytes each, features as integers with the bias. answers: classes by number.
    proof: one for all."""

    KIND: ClassVar[str] = "receipt"

    training: Digest
    inputs: Annotated[bytes, Field(max_length=1 << 24)]
    answers: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=1024)], ...], Field(min_length=1, max_length=MAX_ANSWERS)
    ]
    proof: Annotated[bytes, Field(max_length=1 << 26)]


def inputs_of(certificate: DataCertificate, values: NDArray[np.float64]) -> NDArray[np.int8]:
    """Raw features as a head's inputs: integers, and the bias."""
    features = certificate.quantisation().apply(values)
    return np.column_stack([features, np.full(len(features), BIAS, dtype=np.int8)])


def answer(trained: Trained, opening: HeadOpening, inputs: NDArray[np.int8], training: bytes) -> Receipt:
    """The head's answers to these inputs, proved. training: its digest. Raises `UsageError` for a head that is public (who has it can
    compute) or for too many inputs."""
    if not trained.head.committed:
        raise UsageError("the weights are public: whoever has the model's file can compute its answers")
    if not 1 <= len(inputs) <= MAX_ANSWERS:
        raise UsageError(f"{len(inputs)} inputs; one receipt has 1 to {MAX_ANSWERS}")
    logits = inputs.astype(np.int64) @ opening.weights.T
    answers = tuple(int(k) for k in logits.argmax(axis=1))
    statement = _statement(trained, training, inputs, answers)
    return Receipt(
        training=training, inputs=inputs.tobytes(), answers=answers, proof=prove(statement, opening)
    )


def check_answer(trained: Trained, training: bytes, receipt: Receipt, inputs: NDArray[np.int8]) -> None:
    """Raises `Refused` unless the head of this training gave these answers to these inputs."""
    if receipt.training != training:
        raise Refused("receipt", "statement", "it is of another training's head")
    if not trained.head.committed:
        raise Refused("receipt", "statement", "that training's weights are public: it has no receipts")
    if receipt.inputs != inputs.tobytes() or len(receipt.answers) != len(inputs):
        raise Refused("receipt", "statement", "it is for other inputs")
    verify(_statement(trained, training, inputs, receipt.answers), receipt.proof)


def _statement(
    trained: Trained, training: bytes, inputs: NDArray[np.int8], answers: tuple[int, ...]
) -> Statement:
    return Statement(
        ctx=Context(training, trained.ctx.client, len(inputs)),
        suite=trained.suite,
        scale=trained.scale,
        points=trained.head.points,
        classes=trained.classes,
        inputs=inputs,
        answers=answers,
    )
