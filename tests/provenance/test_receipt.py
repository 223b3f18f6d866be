"""Receipts: answers of a committed head, for others than whoever asked, and the ways in which a service could lie."""

from __future__ import annotations

import numpy as np
import pytest

from fedproof.errors import Refused, UsageError
from fedproof.proofs.head import HeadOpening
from fedproof.proofs.receipt import prove
from fedproof.provenance.training import TrainingAudit, audit_training, read_head
from fedproof.provenance.training_bundle import TrainingBundle
from fedproof.training import receipt as receipts
from fedproof.training.receipt import Receipt, answer, check_answer, inputs_of
from tests.provenance.head import NOW, Certified, Head, World, honest, policy, table


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("receipts"))


@pytest.fixture(scope="module")
def certified(world: World) -> Certified:
    return world.certify(table())


@pytest.fixture(scope="module")
def head(world: World, certified: Certified) -> Head:
    return honest(world, policy("committed"), [certified])


def audit(head: Head) -> TrainingAudit:
    return audit_training(TrainingBundle.open(head.bundle), head.policy, head.world.trust, now=NOW)


@pytest.fixture(scope="module")
def found(head: Head) -> TrainingAudit:
    return audit(head)


def inputs(found: TrainingAudit, start: int = 300, stop: int = 305) -> np.ndarray:
    return inputs_of(found.selection.certificate, table(start, stop).values)


def made(head: Head, found: TrainingAudit) -> Receipt:
    opening = read_head(head.model, found)
    return answer(found.statement, opening, inputs(found), found.training.digest())


def refusal(found: TrainingAudit, receipt: Receipt, asked: np.ndarray) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        check_answer(found.statement, found.training.digest(), receipt, asked)
    return caught.value.subject, caught.value.stage


def test_answers_of_the_certified_head(head: Head, found: TrainingAudit) -> None:
    receipt = Receipt.from_bytes(made(head, found).to_bytes())
    check_answer(found.statement, found.training.digest(), receipt, inputs(found))
    names = [found.selection.certificate.classes[k] for k in receipt.answers]
    assert sum(a == b for a, b in zip(names, table(300, 305).labels, strict=True)) >= 4


def test_another_answer(head: Head, found: TrainingAudit) -> None:
    receipt = made(head, found)
    flipped = tuple(1 - k for k in receipt.answers)
    lied = receipt.model_copy(update={"answers": flipped})
    assert refusal(found, lied, inputs(found)) == ("receipt", "argument")
    statement = receipts._statement(found.statement, found.training.digest(), inputs(found), flipped)
    forced = prove(statement, read_head(head.model, found), unchecked=True)
    assert refusal(found, lied.model_copy(update={"proof": forced}), inputs(found)) == ("receipt", "argument")
    with pytest.raises(Refused, match="witness"):
        prove(statement, read_head(head.model, found))


def test_another_input(head: Head, found: TrainingAudit) -> None:
    receipt, asked = made(head, found), inputs(found)
    other = asked.copy()
    other[0, 0] ^= 1
    assert refusal(found, receipt, other) == ("receipt", "statement")
    claimed = receipt.model_copy(update={"inputs": other.tobytes()})
    assert refusal(found, claimed, other) == ("receipt", "argument")


def test_another_head(world: World, certified: Certified, head: Head, found: TrainingAudit) -> None:
    """A better or worse head answers in the certified one's name."""
    other = audit(honest(world, policy("committed"), [certified], left_out=[(1, 2, 3)]))
    receipt = made(head, found)
    assert refusal(other, receipt, inputs(found)) == ("receipt", "statement")
    renamed = receipt.model_copy(update={"training": other.training.digest()})
    assert refusal(other, renamed, inputs(found)) == ("receipt", "argument")
    opening = read_head(head.model, found)
    changed = HeadOpening(-opening.weights, opening.blinds)
    with pytest.raises(Refused, match="witness"):
        answer(found.statement, changed, inputs(found), found.training.digest())


def test_a_public_head_has_none(world: World, certified: Certified) -> None:
    public = honest(world, policy(), [certified])
    found = audit(public)
    with pytest.raises(UsageError, match="public"):
        answer(found.statement, read_head(public.model, found), inputs(found), found.training.digest())
