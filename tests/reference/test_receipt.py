"""R9 on proofs of an honest prover, on altered proofs, on provers that cheat and on statements that are refused."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from reference import closing
from reference.errors import Refused
from reference.group import BN254, PALLAS, Suite, encode
from reference.proof import Proof
from reference.recorder import Recorder
from reference.relations import receipt
from reference.relations.receipt import Answer, Statement
from reference.statement import Context
from reference.transcript import u32
from tests.reference.optimum_witness import committed
from tests.reference.prover import Prover
from tests.reference.receipt_witness import (
    Head,
    ReceiptWitness,
    WrappedWitness,
    answered,
    best,
    logits,
    made_up,
    prover_of,
)
from tests.reference.zeros import Zeros

CONTEXT = Context(bytes(range(32)), "clinic-1", 120)
SUITES = pytest.mark.parametrize("suite", [PALLAS, BN254], ids=lambda suite: suite.id)


def proof_of(statement: Statement, prover: Prover) -> bytes:
    receipt.verify(prover, CONTEXT, statement)
    return prover.proof()


def verdict(statement: Statement, proof: bytes, context: Context = CONTEXT, suite: Suite = PALLAS) -> str:
    try:
        recorder = Recorder(suite, Proof(suite, proof), statement.columns)
        receipt.verify(recorder, context, statement)
    except Refused as refusal:
        return refusal.stage
    return "accept"


@SUITES
@pytest.mark.parametrize(
    ("p", "c", "count", "s"),
    [
        (2, 2, 1, 0),
        (3, 3, 2, 0),  # three columns of four
        (4, 2, 3, 1),
        (5, 9, 1, 0),  # 7 leads and 1
        (5, 4, 2, 32),  # 2 leads and 1
    ],
)
def test_honest_proofs(p: int, c: int, count: int, s: int, suite: Suite) -> None:
    head, inputs = made_up(p, c, count, seed=c)
    statement = answered(suite, head, inputs, s)
    prover = prover_of(suite, head, statement)
    proof = proof_of(statement, prover)
    assert not false_of(prover)
    assert verdict(statement, proof, suite=suite) == "accept"
    assert verdict(statement, proof[:-1] + bytes([proof[-1] ^ 1]), suite=suite) == "argument"


def test_rows_longer_than_a_message() -> None:
    """C' = C = 256 from p = 129 on: 15 leads to a message."""
    head, inputs = made_up(129, 3, 1)
    statement = answered(PALLAS, [[w % 3 for w in row] for row in head], inputs, 0)
    assert (statement.columns, statement.group) == (256, 15)
    prover = prover_of(PALLAS, [[w % 3 for w in row] for row in head], statement)
    assert verdict(statement, proof_of(statement, prover)) == "accept"


def test_the_same_input_twice() -> None:
    """Equal column weights of two receipts are two vectors all the same."""
    head, inputs = made_up(3, 3, 1)
    statement = answered(PALLAS, head, inputs * 2, 0)
    prover = prover_of(PALLAS, head, statement)
    proof = proof_of(statement, prover)
    assert len(prover.vectors()) == 1 + 2
    assert verdict(statement, proof) == "accept"


def test_either_class_of_a_tie() -> None:
    head = [[1, 2], [2, 1], [-1, -1]]
    for y in (0, 1):
        statement = replace(answered(PALLAS, head, [[5, 5]], 0), answers=[Answer([5, 5], y)])
        assert verdict(statement, proof_of(statement, prover_of(PALLAS, head, statement))) == "accept"


@pytest.mark.parametrize(("lead", "accepted"), [(2**17 - 1, True), (2**17, False)])
def test_the_largest_lead(lead: int, accepted: bool) -> None:
    head = [[lead, 0], [0, 0]]
    statement = answered(PALLAS, head, [[1, 0]], 0)
    prover = prover_of(PALLAS, head, statement)
    if accepted:
        assert verdict(statement, proof_of(statement, prover)) == "accept"
    else:
        assert cheat(statement, prover) == {"lead bit"}
        assert cheat(statement, prover_of(PALLAS, head, statement, WrappedWitness)) == {"lead opening"}


def test_every_part_counts() -> None:
    head, inputs = made_up(2, 2, 1)
    statement = answered(PALLAS, head, inputs, 0)
    proof = proof_of(statement, prover_of(PALLAS, head, statement))
    scalars = int.from_bytes(proof[4:8], "big")
    for i in range(8, len(proof), 32):
        value = encode((PALLAS.p - 1, 2)) if i < len(proof) - 32 * scalars else bytes(31) + b"\x07"
        assert verdict(statement, proof[:i] + value + proof[i + 32 :]) == "argument"


def test_a_proof_of_another_length() -> None:
    head, inputs = made_up(2, 2, 1)
    statement = answered(PALLAS, head, inputs, 0)
    proof = proof_of(statement, prover_of(PALLAS, head, statement))
    points, scalars = (int.from_bytes(proof[i : i + 4], "big") for i in (0, 4))
    assert verdict(statement, proof[:-1]) == "decoding"
    assert verdict(statement, u32(points) + u32(scalars + 1) + proof[8:] + bytes(32)) == "shape"
    assert verdict(statement, u32(points) + u32(scalars - 1) + proof[8:-32]) == "shape"
    assert verdict(statement, u32(points + 1) + u32(scalars) + proof[8:40] + proof[8:]) == "shape"


@pytest.mark.parametrize(
    "other",
    [
        replace(CONTEXT, announcement=bytes(32)),
        replace(CONTEXT, client="clinic-2"),
        replace(CONTEXT, weight=121),
        replace(CONTEXT, certificate=bytes(32)),
    ],
)
def test_a_proof_is_bound_to_its_context(other: Context) -> None:
    head, inputs = made_up(2, 2, 1)
    statement = answered(PALLAS, head, inputs, 0)
    assert verdict(statement, proof_of(statement, prover_of(PALLAS, head, statement)), other) == "argument"


def with_input(statement: Statement, x: list[int]) -> Statement:
    first, *rest = statement.answers
    return replace(statement, answers=[replace(first, x=x), *rest])


def with_class(statement: Statement, y: int) -> Statement:
    first, *rest = statement.answers
    return replace(statement, answers=[replace(first, y=y), *rest])


@SUITES
def test_a_proof_is_bound_to_its_statement(suite: Suite) -> None:
    head, inputs = made_up(3, 3, 2)
    statement = answered(suite, head, inputs, 0)
    proof = proof_of(statement, prover_of(suite, head, statement))
    (x, y), second = (statement.answers[0].x, statement.answers[0].y), statement.answers[1]
    a, b, c = statement.points
    others = [
        ("argument", with_input(statement, [x[0] - 1, *x[1:]])),
        ("argument", with_input(statement, [-entry for entry in x])),
        ("argument", with_input(statement, [x[1], x[0], x[2]])),
        ("argument", with_class(statement, (y + 1) % 3)),
        ("argument", with_class(statement, (y + 2) % 3)),
        ("argument", replace(statement, answers=[second, statement.answers[0]])),
        ("argument", replace(statement, answers=[second, second])),
        ("argument", replace(statement, points=[b, a, c])),
        ("argument", replace(statement, points=[a, b, None])),
        ("argument", replace(statement, points=committed(suite, head, 4)[0])),  # the same head, other blinds
        ("shape", replace(statement, answers=[second])),
        ("shape", replace(statement, answers=[*statement.answers, second])),
        ("shape", replace(statement, s=15)),  # 64 bits in place of 34: one more round
        ("shape", replace(statement, points=[a, b])),
        ("shape", replace(statement, c=4)),
        ("statement", replace(statement, p=2)),
        ("statement", replace(statement, p=4)),
    ]
    for i, (stage, other) in enumerate(others):
        assert verdict(other, proof, suite=suite) == stage, i
    # Four inputs, the last always 0, in rows of the same length C
    longer = [Answer([*answer.x, 0], answer.y) for answer in statement.answers]
    assert verdict(replace(statement, p=4, answers=longer), proof, suite=suite) == "argument"
    other_suite = BN254 if suite is PALLAS else PALLAS
    assert verdict(statement, proof_of(statement, prover_of(suite, head, statement)), suite=suite) == "accept"
    elsewhere = answered(other_suite, head, inputs, 0)
    assert verdict(elsewhere, proof, suite=other_suite) in ("argument", "decoding")


def false_of(prover: Prover) -> set[str]:
    """Which of the relation's constraints and openings do not hold, by the page's names."""
    found = set()
    for constraint in prover.products:
        pairs = sum(prover.at(a) * prover.at(b) for a, b in constraint.pairs)
        found |= {"lead bit"} if (prover.at(constraint.linear) + pairs) % prover.suite.r else set()
    for opening in prover.openings:
        rows, _ = prover.opened[id(opening.matrix)]
        total = sum(
            v * w * x
            for v, row in zip(opening.row_weights, rows, strict=True)
            for w, x in zip(opening.columns.weights, row, strict=False)
        )
        found |= {"lead opening"} if (total - prover.at(opening.value)) % prover.suite.r else set()
    return found


def cheat(statement: Statement, prover: Prover) -> set[str]:
    """What does not hold in the proof of a prover that is refused."""
    with pytest.raises(Refused, match="argument"):
        receipt.verify(prover, CONTEXT, statement)
    assert verdict(statement, prover.proof()) == "argument"
    return false_of(prover)


@pytest.mark.parametrize(
    ("witness", "broken"), [(ReceiptWitness, "lead bit"), (WrappedWitness, "lead opening")]
)
def test_a_class_that_is_one_behind(witness: type[ReceiptWitness], broken: str) -> None:
    head, x = [[1, 2], [2, 1], [-1, -1]], [5, 6]
    assert logits(head, x) == [17, 16, -11]
    statement = replace(answered(PALLAS, head, [x], 0), answers=[Answer(x, 1)])
    assert cheat(statement, prover_of(PALLAS, head, statement, witness)) == {broken}


def test_another_head_than_the_committed_one() -> None:
    head, inputs = made_up(3, 3, 2)
    other: Head = [[head[0][0] + 1, *head[0][1:]], *head[1:]]
    assert [best(other, x) for x in inputs] == [best(head, x) for x in inputs]
    statement = replace(answered(PALLAS, head, inputs, 0), points=committed(PALLAS, other, 3)[0])
    prover = prover_of(PALLAS, head, statement)
    _, numbers, blinds = committed(PALLAS, other, 3)
    prover.named["W"] = (3, numbers, blinds)
    assert cheat(statement, prover) == {"lead opening"}


def test_a_head_with_more_columns_than_p() -> None:
    """The tail stands against the difference of two rows beyond p, and is blind where it is 0 (the page)."""
    for last, accepted in (([4, 5, 5], False), ([5, 5, 5], True)):
        head = [[1, 2], [2, 1], [-1, -1]]
        wide = [[*row, entry] for row, entry in zip(head, last, strict=True)]
        points, numbers, blinds = committed(PALLAS, wide, 3)
        statement = replace(answered(PALLAS, head, [[5, 6]], 0), points=points)
        prover = prover_of(PALLAS, head, statement)
        prover.named["W"] = (3, numbers, blinds)
        if accepted:
            assert verdict(statement, proof_of(statement, prover)) == "accept"
        else:
            cheat(statement, prover)


def sized(p: int, c: int, s: int, count: int) -> Statement:
    return Statement(p, c, s, [Answer([0] * p, 0)] * count, [None] * c)


SMALL = sized(2, 3, 0, 2)


@pytest.mark.parametrize(
    ("stage", "statement"),
    [
        ("statement", sized(1, 2, 0, 1)),
        ("statement", sized(4097, 2, 0, 1)),
        ("statement", sized(2, 1, 0, 1)),
        ("statement", sized(2, 1025, 0, 1)),
        ("statement", sized(2, 2, 33, 1)),
        ("statement", sized(2, 2, -1, 1)),
        ("statement", sized(2, 2, 0, 0)),
        ("statement", sized(2, 2, 0, 4097)),
        ("statement", sized(2, 6, 0, 3277)),  # 16 385 leads
        ("statement", sized(2, 128, 0, 65)),  # 8 255 leads, 1 056 640 weights of rows
        ("statement", sized(2, 1024, 0, 2)),
        ("statement", with_input(SMALL, [128, 0])),
        ("statement", with_input(SMALL, [0, -128])),
        ("statement", with_input(SMALL, [0])),
        ("statement", with_input(SMALL, [0, 0, 0])),
        ("statement", with_class(SMALL, 3)),
        ("statement", with_class(SMALL, -1)),
        ("shape", replace(SMALL, points=[None] * 2)),
        ("shape", replace(SMALL, points=[None] * 4)),
    ],
)
def test_statements_that_are_refused(stage: str, statement: Statement) -> None:
    with pytest.raises(Refused) as refusal:
        statement.check()
    assert refusal.value.stage == stage


@pytest.mark.parametrize(
    "statement",
    [
        sized(2, 2, 0, 1),
        sized(4096, 2, 32, 1),
        sized(2, 1024, 0, 1),
        sized(2, 2, 0, 4096),
        sized(2, 5, 0, 4096),  # 2^14 leads
        sized(2, 128, 0, 64),
        with_input(SMALL, [127, -127]),
        with_class(SMALL, 2),
    ],
)
def test_statements_at_their_limits(statement: Statement) -> None:
    statement.check()


@pytest.mark.parametrize(
    ("statement", "messages", "slots", "products", "openings", "points", "full", "short"),
    [
        (sized(2, 2, 0, 1), 7, 31, 17, 1, 16, 163, 23),
        (sized(3, 3, 0, 2), 10, 86, 68, 4, 21, 223, 29),
        (sized(5, 4, 32, 2), 14, 316, 294, 6, 31, 459, 39),
    ],
)
def test_worked_counts(
    statement: Statement, messages: int, slots: int, products: int, openings: int, points: int,
    full: int, short: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(closing, "columns", lambda _suite, count: [None] * count)
    source = Zeros()
    recorder = Recorder(PALLAS, source, statement.columns)
    with suppress(Refused):
        receipt.verify(recorder, CONTEXT, statement)
    assert source.finished
    assert (len(recorder.messages), recorder.slots) == (messages, slots)
    assert len(recorder.products) == products == sum(len(each.pairs) for each in recorder.products)
    assert len(recorder.linear) == 3
    assert len(recorder.openings) == openings
    assert (source.points, source.scalars) == (points, 19)
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees)) == (full, short)


def test_slots_of_a_receipt() -> None:
    """Rivals 0, 1, 3 of class 2 at s = 32: two in the first message, one in the second."""
    statement = replace(sized(2, 4, 32, 1), answers=[Answer([1, 1], 2)])
    seen: list[tuple[str, int, int, int]] = []

    class Watched(Recorder):
        def commit(self, label, count):  # type: ignore[no-untyped-def]
            seen.append((*label, count))
            return super().commit(label, count)

    recorder = Watched(PALLAS, Zeros(), 2)
    W = receipt.absorb(recorder, CONTEXT, statement)
    receipt.relation(recorder, statement, W)
    assert seen == [("leads", 0, 0, 98), ("leads", 0, 1, 49)]
    assert [opening.row_weights for opening in recorder.openings] == [
        [-1, 0, 1, 0],
        [0, -1, 1, 0],
        [0, 0, 1, -1],
    ]
    firsts: Callable[[int], dict[int, int]] = lambda f: {f + j: 2**j for j in range(49)}  # noqa: E731
    assert [opening.value.coefficients for opening in recorder.openings] == [firsts(f) for f in (0, 49, 98)]
