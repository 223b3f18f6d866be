"""R6 on proofs of an honest prover, on altered proofs, on provers that cheat and on statements that are refused."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reference.errors import Refused
from reference.forms import Form
from reference.group import BN254, PALLAS, Suite, encode
from reference.proof import Proof
from reference.recorder import Matrix, Recorder
from reference.relations import accuracy
from reference.relations.accuracy import Statement
from reference.relations.head import Digits, Size
from reference.statement import Context
from reference.transcript import Label, u32
from tests.reference.accuracy_witness import (
    AccuracyWitness,
    Table,
    bits,
    leads,
    logits,
    made_up,
    prover_of,
    right,
    state,
)
from tests.reference.broken import broken, refused
from tests.reference.look_up_witness import LookUpWitness
from tests.reference.optimum_witness import Problem, committed
from tests.reference.prover import Prover, fold
from tests.reference.zeros import Zeros

CONTEXT = Context(bytes(range(32)), "clinic-1", 120)
DIGITS = Digits(7, 3, 0)
PUBLIC = pytest.mark.parametrize("public", [True, False], ids=["public W", "committed W"])
# Z is (a, 0, −64) for a record's feature a: ahead by one, ahead by four, a tie, behind by one.
FOUR = Problem(
    [[1, 32], [-4, 32], [0, 32], [-1, 32]],
    [0, 1, 0, 0],
    [[1, 0], [0, 0], [0, -2]],
)


def case(
    problem: Problem = FOUR, public: bool = True, T: int | None = None, suite: Suite = PALLAS
) -> tuple[Statement, Prover]:
    """A statement and an honest prover for it that has not yet run; all that are right without T."""
    statement = state(suite, problem, 0, len(right(problem)) if T is None else T, DIGITS, public)
    return statement, prover_of(suite, problem, statement)


def proof_of(statement: Statement, prover: Prover) -> bytes:
    accuracy.verify(prover, CONTEXT, statement)
    return prover.proof()


def verdict(statement: Statement, proof: bytes, context: Context = CONTEXT, suite: Suite = PALLAS) -> str:
    try:
        recorder = Recorder(suite, Proof(suite, proof), statement.size.columns)
        accuracy.verify(recorder, context, statement)
    except Refused as refusal:
        return refusal.stage
    return "accept"


@pytest.mark.parametrize("suite", [PALLAS, BN254], ids=lambda suite: suite.id)
@PUBLIC
def test_honest_proofs(public: bool, suite: Suite) -> None:
    problem = made_up(6, 3, 3)
    assert right(problem) == [0, 2, 3, 5]
    statement, prover = case(problem, public, suite=suite)
    proof = proof_of(statement, prover)
    assert not false_of(prover)
    assert verdict(statement, proof, suite=suite) == "accept"
    assert verdict(statement, proof[:-1] + bytes([proof[-1] ^ 1]), suite=suite) == "argument"


@pytest.mark.parametrize(
    ("n", "p", "c", "s", "T", "digits", "public"),
    [
        (1, 2, 2, 0, 1, DIGITS, True),  # one record
        (1, 2, 2, 0, 1, DIGITS, False),
        (9, 2, 2, 0, 5, Digits(3, 4, 0), True),  # three rows of C = 4, the last with one record
        (8, 2, 2, 32, 1, DIGITS, False),  # full rows, full classes
        (17, 3, 5, 0, 11, Digits(2, 5, 0), False),  # three rows of C = 8, in 2^2; ν = 5, q = 3, K = 3
        (6, 3, 4, 0, 3, Digits(600, 1, 0), True),  # one digit, a table of 2^11
        (2, 3, 2, 0, 1, Digits(1, 8, 0), False),  # a table of 2^q
        (3, 130, 3, 0, 2, DIGITS, False),  # C = 256 > 128
    ],
)
def test_honest_proofs_of_all_sizes(
    n: int, p: int, c: int, s: int, T: int, digits: Digits, public: bool
) -> None:
    problem = made_up(n, p, c)
    statement = state(PALLAS, problem, s, T, digits, public)
    proof = proof_of(statement, prover_of(PALLAS, problem, statement))
    assert verdict(statement, proof) == "accept"


def test_a_lead_of_one_is_enough() -> None:
    """So is one by which all of D is 0."""
    assert leads(FOUR) == [0, 3, -1, -2]
    statement, prover = case(T=1)
    assert isinstance(prover.witness, AccuracyWitness)
    assert prover.witness.sent_b == [1, *[0] * 7]
    assert verdict(statement, proof_of(statement, prover)) == "accept"


def test_which_records_are_counted_is_free() -> None:
    statement, _ = case(T=1)
    proof = proof_of(statement, prover_of(PALLAS, FOUR, statement, [0, 1, 0, 0]))
    assert verdict(statement, proof) == "accept"


@pytest.mark.parametrize("above", [0, 1])
def test_the_largest_lead(above: int) -> None:
    """2H = 62 = Z_0 − Z_1 − 1 for a = 63."""
    digits = Digits(31, 1, 0)
    assert 2 * digits.most(1) == 62
    problem = Problem([[63 + above, 32]], [0], [[1, 0], [0, 0]])
    statement = state(PALLAS, problem, 0, 1, digits, True)
    if above:
        assert cheat(statement, prover_of(PALLAS, problem, statement, [1])) == {"look-up"}
        with pytest.raises(AssertionError, match="no honest prover"):
            bits(problem, digits, 1)
    else:
        assert verdict(statement, proof_of(statement, prover_of(PALLAS, problem, statement))) == "accept"


def test_every_part_counts() -> None:
    """All of a short proof; every fifth one of a longer one."""
    problem = Problem([[1, 32]], [0], [[1, 0], [0, 0]])
    short = state(PALLAS, problem, 0, 1, Digits(1, 1, 0), True)
    for statement, prover, step in (
        (short, prover_of(PALLAS, problem, short), 1),
        (*case(public=False), 5),
    ):
        proof = proof_of(statement, prover)
        scalars = int.from_bytes(proof[4:8], "big")
        for i in range(8, len(proof), 32 * step):
            value = encode((PALLAS.p - 1, 2)) if i < len(proof) - 32 * scalars else bytes(31) + b"\x07"
            assert verdict(statement, proof[:i] + value + proof[i + 32 :]) == "argument"


def test_a_proof_of_another_length() -> None:
    statement, prover = case()
    proof = proof_of(statement, prover)
    points, scalars = (int.from_bytes(proof[i : i + 4], "big") for i in (0, 4))
    assert verdict(statement, proof[:-1]) == "decoding"
    assert verdict(statement, u32(points) + u32(scalars + 1) + proof[8:] + bytes(32)) == "shape"
    assert verdict(statement, u32(points) + u32(scalars - 1) + proof[8:-32]) == "shape"
    assert verdict(statement, u32(points + 1) + u32(scalars) + proof[8:40] + proof[8:]) == "shape"
    assert verdict(statement, u32(points - 1) + u32(scalars) + proof[40:]) == "shape"


def test_a_proof_is_bound_to_its_context() -> None:
    statement, prover = case()
    proof = proof_of(statement, prover)
    for other in (
        replace(CONTEXT, announcement=bytes(32)),
        replace(CONTEXT, client="clinic-2"),
        replace(CONTEXT, weight=121),
        replace(CONTEXT, certificate=bytes(32)),
    ):
        assert verdict(statement, proof, other) == "argument"


def others(statement: Statement) -> list[tuple[str, Statement]]:
    """Statements that differ in one thing, with the stage at which the proof fails for them."""
    size, digits, T, records = statement.size, statement.digits, statement.correct, statement.records
    changes: list[tuple[str, Statement]] = [
        ("argument", replace(statement, records=[records[1], records[0], *records[2:]])),
        ("argument", replace(statement, records=[*records[:-1], None])),
        ("argument", replace(statement, records=records[:-1], size=replace(size, n=size.n - 1))),
        ("argument", replace(statement, records=[*records, records[0]], size=replace(size, n=size.n + 1))),
        ("argument", replace(statement, s=statement.s + 1)),
        ("argument", replace(statement, correct=T + 1)),
        ("argument", replace(statement, correct=T - 1)),
        ("argument", replace(statement, digits=replace(digits, h=digits.h - 1))),
        ("shape", replace(statement, digits=replace(digits, margins=digits.margins + 1))),
        ("shape", replace(statement, records=records[:-1])),
        ("shape", replace(statement, size=replace(size, n=size.n + 1))),
        ("shape", replace(statement, size=replace(size, c=size.c - 1, p=size.p + 1))),
        ("statement", replace(statement, digits=replace(digits, weights=1))),
    ]
    if statement.integers is not None:
        w, *rest = statement.integers
        changes += [
            ("argument", replace(statement, integers=[w + 1, *rest])),
            ("argument", replace(statement, integers=[*rest, w])),
            ("shape", replace(statement, integers=rest)),
            ("shape", replace(statement, integers=[w, w, *rest])),
            ("shape", replace(statement, integers=None, points=[None] * size.c)),
        ]
    if statement.points is not None:
        a, b, *more = statement.points
        changes += [
            ("argument", replace(statement, points=[b, a, *more])),
            ("argument", replace(statement, points=[a, None, *more])),
            ("shape", replace(statement, points=[b, *more])),
            ("shape", replace(statement, points=[a, a, b, *more])),
            ("shape", replace(statement, integers=[0] * (size.c * size.p), points=None)),
        ]
    return changes


@PUBLIC
def test_a_proof_is_bound_to_its_statement(public: bool) -> None:
    statement, prover = case(public=public)
    proof = proof_of(statement, prover)
    for i, (stage, other) in enumerate(others(statement)):
        assert verdict(other, proof) == stage, i


def false_of(prover: Prover) -> set[str]:
    """Which of the relation's constraints and openings do not hold, by the page's names."""
    witness = prover.witness
    assert isinstance(witness, AccuracyWitness)
    digits, size, hidden = witness.digits, witness.size, not witness.public
    L = digits.margins
    layers = max((2 * digits.h).bit_length(), size.class_bits + size.nu)
    products = ["gkr layer"] * layers + ["look-up"] * L + ["accuracy"] + ["logit"] * hidden
    linear = ["logit"] * (not hidden)
    openings = ["logit opening", "label opening", *["weight opening"] * hidden, *["digit opening"] * L]
    openings += ["correct opening", "top opening", "total opening"]
    openings += ["look-up opening"] * L + ["multiplicity opening"] * L
    return broken(prover, products, linear, openings)


def cheat(statement: Statement, prover: Prover) -> set[str]:
    """What does not hold in the proof of a prover that is refused."""
    refused(lambda: accuracy.verify(prover, CONTEXT, statement))
    assert verdict(statement, prover.proof()) == "argument"
    return false_of(prover)


def cheating(
    T: int,
    b: Sequence[int],
    t: Sequence[int] | None = None,
    D: Table | None = None,
    change: Callable[[AccuracyWitness], None] = lambda _witness: None,
    public: bool = True,
    witness: type[AccuracyWitness] = AccuracyWitness,
) -> set[str]:
    """What does not hold for a prover that counts other records of FOUR, or claims other t and D for them."""
    statement = state(PALLAS, FOUR, 0, T, DIGITS, public)
    prover = prover_of(PALLAS, FOUR, statement, b, t, D, witness)
    assert isinstance(prover.witness, AccuracyWitness)
    change(prover.witness)
    return cheat(statement, prover)


TIE, WRONG, NONE = [1, 1, 1, 0], [1, 1, 0, 1], [[0] * 4] * 3


@PUBLIC
def test_a_record_that_is_not_right(public: bool) -> None:
    """Only the look-ups stand against a lead of −1 or −2."""
    assert cheating(3, TIE, public=public) == {"look-up"}
    assert cheating(3, WRONG, public=public) == {"look-up"}


@PUBLIC
@pytest.mark.parametrize("T", [1, 3, 4])
def test_another_total(T: int, public: bool) -> None:
    """Also one below what b has: T is opened exactly."""
    assert cheating(T, [1, 1, 0, 0], public=public) == {"total opening"}


@pytest.mark.parametrize("b", [[1, 1, 0, 0, 1], [1, 1, 0, 0, 0, 0, 0, 1]])
def test_a_bit_beyond_the_records(b: list[int]) -> None:
    """The row goes on to C = 8."""
    assert cheating(3, b) == {"accuracy"}


def test_a_bit_that_is_none() -> None:
    """t and all of D are those of b, so that only f_2 stands against it."""
    assert cheating(3, [2, 1, 0, 0]) == {"accuracy"}
    assert cheating(3, [0, 3, 0, 0]) == {"accuracy"}


def test_a_lead_over_the_own_class() -> None:
    """With a t that is larger than Z_iy no lead is negative, but the own class's is not 0."""
    t = [1, 0, 1, 0]  # 1 more than Z_iy at the tie
    D = [[0, 3, 1, 0], [0, 0, 0, 0], [64, 63, 64, 0]]
    assert cheating(3, TIE, t, D) == {"accuracy"}
    # As t tells, D = t − b·(Z + 1 − O) everywhere: power 0 of γ holds
    for i, (b, own) in enumerate(zip(TIE, FOUR.classes, strict=True)):
        for k, row in enumerate(logits(FOUR)):
            assert D[k][i] == t[i] - b * (row[i] + 1 - (k == own))


def test_leads_that_are_made_up() -> None:
    assert cheating(4, [1, 1, 1, 1], [0] * 4, NONE) == {"accuracy"}


def test_leads_without_records() -> None:
    """D and t where b is 0."""
    assert cheating(2, [1, 1, 0, 0], [1, 0, 5, 0]) == {"accuracy"}
    D = [[0, 3, 2, 0], [0, 0, 0, 0], [64, 63, 0, 0]]
    assert cheating(2, [1, 1, 0, 0], None, D) == {"accuracy"}


class FreeTop(AccuracyWitness):
    """t̃(r) is taken so that power 0 of γ holds at the anchor; that of 1 does with D = 0."""

    def top(self, prover: Prover) -> int:
        anchor = self.anchor(prover)
        cells = zip(self.D, self.b_by_class, self.Z, self.I, self.O, strict=True)
        f_1 = fold(self.r, [D + b * (z + one - o) for D, b, z, one, o in cells], anchor)[0]
        counted = fold(self.r, [1, 1, 1, 0], anchor[:2])[0]  # Î(v)
        return f_1 * pow(counted, -1, self.r) % self.r


def test_a_top_that_is_chosen_at_the_anchor() -> None:
    assert cheating(4, [1, 1, 1, 1], None, NONE, witness=FreeTop) == {"top opening"}


def sends_more_bits(witness: AccuracyWitness) -> None:
    witness.sent_b = [1, 1, 1, 1, 0, 0, 0, 0]


def sends_more_tops(witness: AccuracyWitness) -> None:
    witness.sent_t = [entry + 1 for entry in witness.sent_t]


def takes_other_logits(witness: AccuracyWitness) -> None:
    """All of the last two records' own classes are ahead by one."""
    for i in (2, 3):
        witness.Z[i] = 1


def looks_up_others(witness: AccuracyWitness) -> None:
    """Zeros are looked up, of which none is out of range."""
    zeros = [[0] * len(table) for table in witness.values]
    honest = LookUpWitness(witness.r, zeros, [DIGITS.h] * len(zeros), witness.size.columns)
    witness.values, witness.counts, witness.tables = honest.values, honest.counts, honest.tables


def sends_others(witness: AccuracyWitness) -> None:
    looks_up_others(witness)
    witness.margin_digits = [[[0] * 4] * 3] * len(witness.margin_digits)


def test_bits_that_are_not_those_of_the_leads() -> None:
    assert cheating(4, [1, 1, 0, 0], change=sends_more_bits) == {"correct opening"}


def test_tops_that_are_not_those_of_the_leads() -> None:
    assert cheating(2, [1, 1, 0, 0], change=sends_more_tops) == {"top opening"}


@PUBLIC
def test_other_logits(public: bool) -> None:
    t, D = [1, 0, 1, 1], [[0, 3, 0, 0], [0, 0, 0, 0], [64, 63, 64, 64]]
    assert cheating(4, [1] * 4, t, D, takes_other_logits, public) == {"logit"}


def test_digits_that_are_not_those_looked_up() -> None:
    assert cheating(3, TIE, change=looks_up_others) == {"look-up opening"}
    assert cheating(3, TIE, change=sends_others) == {"digit opening"}


def test_multiplicities_that_are_chosen_after_alpha() -> None:
    def late(witness: AccuracyWitness) -> None:
        r, honest_trees = witness.r, witness.trees

        def trees(alpha: int) -> None:
            witness.counts = []
            for column, table in zip(witness.values, witness.tables, strict=True):
                first = sum((alpha - table[0]) * pow(alpha - x, -1, r) for x in column) % r
                witness.counts.append([first, *[0] * (len(table) - 1)])
            honest_trees(alpha)

        witness.trees = trees  # type: ignore[method-assign]

    assert cheating(3, TIE, change=late) == {"multiplicity opening"}


def test_roots_that_are_chosen() -> None:
    def zero_roots(witness: AccuracyWitness) -> None:
        honest = witness.sums

        def sums(prover: Prover, label: Label, norm: bool) -> list[int]:
            slots = honest(prover, label, norm)
            return [0] * len(slots) if label.name == "gkr/roots" else slots

        witness.sums = sums  # type: ignore[method-assign]

    assert cheating(3, TIE, change=zero_roots) == {"gkr layer"}


def with_records_of(problem: Problem, claimed: Problem, public: bool) -> set[str]:
    """What does not hold for a prover of what is claimed where the records are those of the problem."""
    statement = state(PALLAS, claimed, 0, 4, DIGITS, public)
    points, numbers, blinds = committed(PALLAS, problem.rows, 1)
    prover = prover_of(PALLAS, claimed, statement)
    prover.named["records"] = (5, numbers, blinds)
    return cheat(replace(statement, records=points), prover)


@PUBLIC
def test_other_labels(public: bool) -> None:
    claimed = replace(FOUR, X=[*FOUR.X[:2], [-1, 32], [-1, 32]], classes=[0, 1, 1, 1])
    assert right(claimed) == [0, 1, 2, 3]
    assert with_records_of(replace(claimed, classes=[0, 1, 1, 0]), claimed, public) == {"label opening"}


def test_other_features() -> None:
    claimed = replace(FOUR, X=[*FOUR.X[:2], [1, 32], [1, 32]])
    assert right(claimed) == [0, 1, 2, 3]
    assert with_records_of(FOUR, claimed, True) == {"logit opening"}


def test_other_weights() -> None:
    """Those with which the last two records are right, too."""
    better = replace(FOUR, W=[[1, 1], [-20, 0], [0, -2]])
    assert right(better) == [0, 1, 2, 3]
    statement = state(PALLAS, better, 0, 4, DIGITS, False)
    points, numbers, blinds = committed(PALLAS, FOUR.W, 2)
    prover = prover_of(PALLAS, better, statement)
    prover.named["W"] = (2, numbers, blinds)
    assert cheat(replace(statement, points=points), prover) == {"weight opening"}


@pytest.mark.parametrize("name", ["records", "W"])
def test_rows_beyond_their_columns(name: str) -> None:
    """A row with a component on the generator after its last one: the tails stand against it."""
    statement = state(PALLAS, FOUR, 0, 2, DIGITS, False)
    rows, seed = (FOUR.rows, 1) if name == "records" else (FOUR.W, 2)
    first, *rest = rows
    points, numbers, blinds = committed(PALLAS, [[*first, 1], *([*row, 0] for row in rest)], seed)
    statement = replace(statement, **{"records" if name == "records" else "points": points})
    prover = prover_of(PALLAS, FOUR, statement)
    prover.named[name] = (len(first) + 1, numbers, blinds)
    assert not cheat(statement, prover)


class Watched(Recorder):
    """Notes what is absorbed, sent and drawn."""

    def __init__(self, columns: int) -> None:
        super().__init__(PALLAS, Zeros(), columns)
        self.seen: list[tuple[str, Any]] = []

    def public(self, label: Label, data: bytes) -> None:
        super().public(label, data)
        self.seen.append((label.name, data))

    def sent_matrix(self, label: Label, count: int) -> Matrix:
        self.seen.append((f"{label.name} {label.i}", count))
        return super().sent_matrix(label, count)

    def commit(self, label: Label, count: int) -> list[Form]:
        self.seen.append((f"{label.name} {label.i} {label.j}", count))
        return super().commit(label, count)

    def full(self, label: Label, degree: int) -> int:
        self.seen.append((f"{label.name}!", degree))
        return super().full(label, degree)

    def short(self, label: Label, degree: int) -> int:
        self.seen.append((f"{label.name} {label.i} {label.j}!", degree))
        return super().short(label, degree)


@PUBLIC
def test_order(public: bool) -> None:
    """n = 9, p = 2, c = 2: C = 4, K = 1, ν = 4, three rows; k_t = 3."""
    W: list[Any] = [[-1, 2, 3, -4], None] if public else [None, [None] * 2]
    statement = Statement(Size(9, 2, 2), 5, 7, Digits(2, 2, 0), [None] * 9, *W)
    recorder = Watched(4)
    records, matrix = accuracy.absorb(recorder, CONTEXT, statement)
    names = ["suite", "version", "relation", "generators", "announcement", "client", "weight", "certificate"]
    assert [name for name, _ in recorder.seen[:8]] == names
    assert recorder.seen[2] == ("relation", b"accuracy")
    nine = ("records", u32(9) + bytes(9 * 32))
    weights = b"".join(bytes([255 * (w < 0)] * 7 + [w % 256]) for w in (-1, 2, 3, -4))
    assert recorder.seen[8:] == [
        ("shape", bytes.fromhex("0000000000000009 00000002 00000002")),
        ("claim", bytes.fromhex("00000005 0000000000000007")),
        ("digits", bytes.fromhex("0000000000000002 00000002 00000000")),
        *([("weights", weights), nine] if public else [nine, ("W", u32(2) + bytes(64))]),
    ]
    recorder.seen.clear()
    accuracy.relation(recorder, statement, records, matrix)
    sent = [("correct 0", 3), ("top 0", 3), ("digit 0", 6), ("digit 1", 6), ("m 0", 2), ("m 1", 2)]
    assert recorder.seen[:7] == [*sent, ("alpha!", 2 * (2**5 + 2**3))]
    start = recorder.seen.index(("accuracy/tau 0 0!", 1))
    assert {name[:3] for name, _ in recorder.seen[7:start]} == {"gkr"}
    rounds = [(f"accuracy/{name}", count) for i in range(5) for name, count in (
        (f"round 0 {i}", 2), (f"rho 0 {i}!", 2))]  # fmt: skip
    logits = [(f"logit/{name}", count) for i in range(2) for name, count in (
        (f"round 0 {i}", 2), (f"rho 0 {i}!", 2))]  # fmt: skip
    assert recorder.seen[start:] == [
        *((f"accuracy/tau 0 {i}!", 1) for i in range(5)),
        ("accuracy/top 0 0", 1),
        ("accuracy/gamma 0 0!", 2),
        *rounds,
        ("accuracy/ends 0 0", 5),
        *logits,
        ("logit/ends 0 0", 1 if public else 2),
    ]
    shared = [opening.columns for opening in recorder.openings]
    digit = 2 if public else 3
    assert shared[digit] is shared[digit + 1] is shared[digit + 2]  # both digits and b
    assert len(set(map(id, shared[-4:]))) == 1  # all look-ups
    assert len(set(map(id, shared))) == digit + 4


SIZE = Size(3, 3, 2)
GOOD = Statement(SIZE, 5, 2, DIGITS, [None] * 3, None, [None] * 2)
IN_CLEAR = replace(GOOD, integers=[0] * 6, points=None)


def of_size(n: int, p: int, c: int) -> Statement:
    return replace(GOOD, size=Size(n, p, c))


@pytest.mark.parametrize(
    ("stage", "statement"),
    [
        ("argument", GOOD),
        ("argument", IN_CLEAR),
        ("statement", of_size(0, 3, 2)),
        ("statement", of_size(2**24 + 1, 3, 2)),
        ("statement", of_size(3, 1, 2)),
        ("statement", of_size(3, 3, 1)),
        ("statement", of_size(3, 3, 1025)),
        ("statement", of_size(3, 4095, 2)),
        ("statement", of_size(2**24, 2, 17)),  # K + ν = 29
        ("shape", of_size(2**24, 2, 16)),  # 28, but other points
        ("shape", of_size(4, 3, 2)),
        ("shape", of_size(3, 3, 3)),
        ("statement", replace(GOOD, s=33)),
        ("statement", replace(GOOD, s=-1)),
        ("argument", replace(GOOD, s=32)),
        ("argument", replace(GOOD, s=0)),
        ("statement", replace(GOOD, correct=0)),
        ("statement", replace(GOOD, correct=-1)),
        ("statement", replace(GOOD, correct=4)),
        ("argument", replace(GOOD, correct=1)),
        ("argument", replace(GOOD, correct=3)),
        ("statement", replace(GOOD, digits=Digits(7, 0, 0))),
        ("statement", replace(GOOD, digits=Digits(7, 9, 0))),
        ("statement", replace(GOOD, digits=Digits(7, 3, 1))),
        ("statement", replace(IN_CLEAR, digits=Digits(7, 3, 1))),
        ("statement", replace(GOOD, digits=Digits(0, 3, 0))),
        ("statement", replace(GOOD, digits=Digits(2**16 + 1, 1, 0))),
        ("argument", replace(GOOD, digits=Digits(1, 8, 0))),
        ("statement", replace(GOOD, digits=Digits(91, 8, 0))),  # 2H = 183^8 − 1 > 2^60
        ("argument", replace(GOOD, digits=Digits(90, 8, 0))),  # 181^8 < 2^60
        ("argument", replace(IN_CLEAR, integers=[2**10, -(2**10), 0, 0, 0, 0])),
        ("statement", replace(IN_CLEAR, integers=[2**10 + 1, 0, 0, 0, 0, 0])),
        ("statement", replace(IN_CLEAR, integers=[0, 0, 0, 0, 0, -(2**10) - 1])),
        ("shape", replace(IN_CLEAR, integers=[0] * 5)),
        ("shape", replace(IN_CLEAR, integers=[0] * 9)),
        ("shape", replace(GOOD, points=[None] * 3)),
        ("shape", replace(GOOD, records=[None] * 4)),
    ],
)
def test_statements(stage: str, statement: Statement) -> None:
    """A proof of zeros gets as far as the argument where a statement is good."""
    with pytest.raises(Refused, match=f"^{stage}:"):
        accuracy.verify(Recorder(PALLAS, Zeros(), statement.size.columns), CONTEXT, statement)
