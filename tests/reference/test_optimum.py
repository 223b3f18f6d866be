"""R5 on proofs of an honest prover, on altered proofs, on provers that cheat and on statements that are refused."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from reference.errors import Refused
from reference.group import BN254, PALLAS, Suite, encode
from reference.proof import Proof
from reference.recorder import Recorder
from reference.relations import optimum
from reference.relations.head import Digits, Size
from reference.relations.optimum import Objective, Statement
from reference.statement import Context
from reference.transcript import Label
from tests.reference.broken import broken, refused
from tests.reference.look_up_witness import LookUpWitness
from tests.reference.optimum_witness import (
    OptimumWitness,
    Problem,
    committed,
    expand,
    flat,
    made_up,
    prover_of,
    state,
)
from tests.reference.prover import Prover
from tests.reference.zeros import Zeros

CONTEXT = Context(bytes(range(32)), "clinic-1", 120)
RIDGE, HINGE = Objective(False, 0, 100, 0), Objective(True, 0, 100, 0)  # B2² is taken exactly
KINDS = list(product((RIDGE, HINGE), (True, False)))
IDS = ["ridge, public W", "ridge, committed W", "hinge, public W", "hinge, committed W"]


def digits_for(objective: Objective, public: bool, h: int = 7, margins: int = 3, weights: int = 2) -> Digits:
    """Those that the statement may have."""
    L, L_W = margins * objective.hinge, weights * (not public)
    return Digits(h if L + L_W else 0, L, L_W)


def case(
    objective: Objective, public: bool, problem: Problem | None = None, suite: Suite = PALLAS
) -> tuple[Statement, Prover]:
    """A statement and the prover for it that has not yet run."""
    problem = problem or made_up(6, 3, 3)
    statement = state(suite, problem, objective, digits_for(objective, public), public)
    return statement, prover_of(suite, problem, statement)


def proof_of(statement: Statement, prover: Prover) -> bytes:
    optimum.verify(prover, CONTEXT, statement)
    return prover.proof()


def verdict(statement: Statement, proof: bytes, context: Context = CONTEXT, suite: Suite = PALLAS) -> str:
    recorder = Recorder(suite, Proof(suite, proof), statement.size.columns)
    try:
        optimum.verify(recorder, context, statement)
    except Refused as refusal:
        return refusal.stage
    return "accept"


@pytest.mark.parametrize("suite", [PALLAS, BN254], ids=lambda suite: suite.id)
@pytest.mark.parametrize(("objective", "public"), KINDS, ids=IDS)
def test_honest_proofs(objective: Objective, public: bool, suite: Suite) -> None:
    problem = made_up(6, 3, 3)
    assert min(V for row in problem.margins(objective.one) for _, V in row) < 0  # where the losses differ
    statement, prover = case(objective, public, problem, suite)
    proof = proof_of(statement, prover)
    assert not false_of(prover)
    assert verdict(statement, proof, suite=suite) == "accept"
    assert verdict(statement, proof[:-1] + bytes([proof[-1] ^ 1]), suite=suite) == "argument"


@pytest.mark.parametrize(
    ("n", "p", "c", "s", "digits", "public"),
    [
        (1, 2, 2, 0, Digits(7, 3, 0), True),  # one record
        (9, 2, 2, 0, Digits(7, 3, 0), True),  # three rows of digits a class, the last with one record
        (8, 2, 2, 0, Digits(3, 4, 4), False),  # full rows, full classes
        (5, 4, 3, 1, Digits(2, 5, 1), False),  # one digit of W: no limb
        (5, 3, 2, 3, Digits(1, 8, 3), False),
        (6, 3, 4, 0, Digits(100, 1, 1), False),  # one digit each, tables of 2^8
        (17, 3, 5, 0, Digits(31, 2, 2), False),  # ν = 5, q = 3, K = 3
    ],
)
def test_honest_proofs_of_all_sizes(n: int, p: int, c: int, s: int, digits: Digits, public: bool) -> None:
    problem = made_up(n, p, c, seed=n)
    for hinge in (True, False):
        own = digits if hinge else replace(digits, margins=0, h=0 if public else digits.h)
        # a bit more than Σ E², and a Λ that is large against the records
        bound = problem.norm(Objective(hinge, s, 3000, 1)) + 1234
        statement = state(PALLAS, problem, Objective(hinge, s, 3000, bound), own, public)
        proof = proof_of(statement, prover_of(PALLAS, problem, statement))
        assert verdict(statement, proof) == "accept"


def test_an_optimum_has_no_residual() -> None:
    """Ridge on one record x = (a, 32) with a = 32: Λ·w = x·(One − …) in integers."""
    problem = Problem([[32, 32]], [0], [[1, 1], [-1, -1]])
    # One = 32, Z = ±64, V = One − y·Z = −32: E = Λ·1 + 32·32 for class 0, so Λ = 0 would be needed; not 0.
    assert problem.residual(Objective(False, 0, 7, 1)) == [[7 + 1024] * 2, [-7 - 1024] * 2]
    # scale 2: One = 128, V = 64, E = Λ − 32·64 = 0
    exact = Objective(False, 2, 2048, 1)
    assert problem.residual(exact) == [[0, 0], [0, 0]]
    statement = state(PALLAS, problem, exact, Digits(0, 0, 0), True)
    assert verdict(statement, proof_of(statement, prover_of(PALLAS, problem, statement))) == "accept"


@pytest.mark.parametrize(("kind", "step"), [(0, 1), (3, 4)])
def test_every_part_counts(kind: int, step: int) -> None:
    """Every fourth one in the longer proof."""
    objective, public = KINDS[kind]
    statement, prover = case(objective, public, made_up(3, 2, 2))
    proof = proof_of(statement, prover)
    scalars = int.from_bytes(proof[4:8], "big")
    for i in range(8, len(proof), 32 * step):
        value = encode((PALLAS.p - 1, 2)) if i < len(proof) - 32 * scalars else bytes(31) + b"\x07"
        assert verdict(statement, proof[:i] + value + proof[i + 32 :]) == "argument"


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
    statement, prover = case(RIDGE, True, made_up(5, 2, 2))
    assert verdict(statement, proof_of(statement, prover), other) == "argument"


def others(statement: Statement) -> list[tuple[str, Statement]]:
    """Statements that differ in one thing, with the stage at which the proof fails for them."""
    size, objective, digits, records = (
        statement.size,
        statement.objective,
        statement.digits,
        statement.records,
    )
    bound = objective.max_residual_squared
    changes: list[tuple[str, Statement]] = [
        ("argument", replace(statement, records=[records[1], records[0], *records[2:]])),
        ("argument", replace(statement, records=[*records[:-1], None])),
        ("argument", replace(statement, records=records[:-1], size=replace(size, n=size.n - 1))),
        ("argument", replace(statement, objective=replace(objective, s=objective.s + 1))),
        ("argument", replace(statement, objective=replace(objective, regularisation=101))),
        ("argument", replace(statement, objective=replace(objective, max_residual_squared=bound - 1))),
        ("argument", replace(statement, objective=replace(objective, max_residual_squared=bound + 1))),
        ("statement", replace(statement, objective=replace(objective, hinge=not objective.hinge))),
        ("shape", replace(statement, records=records[:-1])),
        ("shape", replace(statement, size=replace(size, n=size.n - 1))),
        ("shape", replace(statement, size=replace(size, c=size.c - 1, p=size.p + 1))),
    ]
    if digits.h:
        changes += [("argument", replace(statement, digits=replace(digits, h=digits.h - 1)))]
    if digits.margins:
        changes += [("shape", replace(statement, digits=replace(digits, margins=digits.margins + 1)))]
    if digits.weights:
        changes += [("shape", replace(statement, digits=replace(digits, weights=digits.weights + 1)))]
    if statement.integers is not None:
        w, *rest = statement.integers
        changes += [
            ("argument", replace(statement, integers=[w + 1, *rest])),
            ("argument", replace(statement, integers=[*rest, w])),
            ("shape", replace(statement, integers=rest)),
        ]
    if statement.points is not None:
        a, b, *more = statement.points
        changes += [
            ("argument", replace(statement, points=[b, a, *more])),
            ("shape", replace(statement, points=[b, *more])),
        ]
    return changes


@pytest.mark.parametrize(("objective", "public"), KINDS, ids=IDS)
def test_a_proof_is_bound_to_its_statement(objective: Objective, public: bool) -> None:
    statement, prover = case(objective, public)
    proof = proof_of(statement, prover)
    for i, (stage, other) in enumerate(others(statement)):
        assert verdict(other, proof) == stage, i


def false_of(prover: Prover) -> set[str]:
    """Which of the relation's constraints and openings do not hold, by the page's names."""
    statement = prover.witness
    assert isinstance(statement, OptimumWitness)
    objective, digits, size = statement.objective, statement.digits, statement.size
    hinge, hidden = objective.hinge, digits.weights > 0
    looked_up = digits.margins + digits.weights
    table = max((2 * digits.h).bit_length(), size.q)
    value = size.class_bits + (size.nu if hinge else size.q)
    layers = max(table, value) if looked_up else 0
    products = ["slack bit"] * objective.slack_bits + ["gkr layer"] * layers + ["look-up"] * looked_up
    products += ["norm", "gradient", *["hinge"] * hinge, *["logit"] * hidden]
    linear = [*["ridge"] * (not hinge), *["logit"] * (not hidden)]
    openings = ["gradient opening", "logit opening", "label opening", *["weight opening"] * (2 * hidden)]
    openings += ["digit opening"] * digits.margins + ["look-up opening"] * digits.margins
    if hidden:
        openings += ["weight look-up opening"] + ["limb opening"] * (digits.weights - 1)
    openings += ["multiplicity opening"] * looked_up
    return broken(prover, products, linear, openings)


def cheat(statement: Statement, prover: Prover) -> set[str]:
    """What does not hold in the proof of a prover that is refused."""
    refused(lambda: optimum.verify(prover, CONTEXT, statement))
    assert verdict(statement, prover.proof()) == "argument"
    return false_of(prover)


def negative(V: int) -> int:
    """Makes max(0, V) = (V + N)/2 zero where V is positive: the record does not count."""
    return -abs(V)


def itself(V: int) -> int:
    """Makes the squared hinge a ridge."""
    return V


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("absolute", [negative, itself])
def test_a_margin_that_is_no_absolute_value(absolute: Callable[[int], int], public: bool) -> None:
    """Only the look-ups stand against it."""
    problem = made_up(6, 3, 3)
    statement = state(PALLAS, problem, replace(HINGE, max_residual_squared=2**60), Digits(7, 2, 0), True)
    if not public:
        statement = state(PALLAS, problem, statement.objective, Digits(7, 2, 2), False)
    assert cheat(statement, prover_of(PALLAS, problem, statement, absolute)) == {"look-up"}


@pytest.mark.parametrize(("objective", "public"), KINDS, ids=IDS)
def test_a_bound_one_below(objective: Objective, public: bool) -> None:
    problem = made_up(6, 3, 3)
    objective = replace(objective, max_residual_squared=problem.norm(objective) - 1)
    statement = state(PALLAS, problem, objective, digits_for(objective, public), public)
    assert cheat(statement, prover_of(PALLAS, problem, statement)) == {"norm"}


@pytest.mark.parametrize(("objective", "public"), KINDS, ids=IDS)
def test_another_label(objective: Objective, public: bool) -> None:
    """Records are committed with their labels, and one is taken for one of another class."""
    problem = made_up(6, 3, 3)
    flipped = replace(problem, classes=[(problem.classes[0] + 1) % 3, *problem.classes[1:]])
    assert problem.norm(objective) != flipped.norm(objective)
    statement = state(PALLAS, flipped, objective, digits_for(objective, public), public)
    statement = replace(statement, records=committed(PALLAS, problem.rows, 1)[0])
    prover = prover_of(PALLAS, flipped, statement)
    _, numbers, blinds = committed(PALLAS, problem.rows, 1)
    prover.named["records"] = (6, numbers, blinds)
    assert cheat(statement, prover) == {"label opening"}


@pytest.mark.parametrize(("objective", "public"), KINDS, ids=IDS)
def test_an_omitted_record(objective: Objective, public: bool) -> None:
    """The prover runs with one of the records without features and label."""
    problem = made_up(6, 3, 3)
    without = replace(problem, X=[[0, 0, 0], *problem.X[1:]])
    statement = state(PALLAS, without, objective, digits_for(objective, public), public)
    statement = replace(statement, records=committed(PALLAS, problem.rows, 1)[0])
    prover = prover_of(PALLAS, without, statement)
    _, numbers, blinds = committed(PALLAS, problem.rows, 1)
    prover.named["records"] = (6, numbers, blinds)
    assert cheat(statement, prover) == {"gradient opening", "logit opening"}


@pytest.mark.parametrize("objective", [RIDGE, HINGE], ids=["ridge", "hinge"])
def test_other_committed_weights(objective: Objective) -> None:
    problem = made_up(6, 3, 3)
    other = [[problem.W[0][0] + 1, *problem.W[0][1:]], *problem.W[1:]]
    statement = state(PALLAS, problem, objective, digits_for(objective, False), False)
    statement = replace(statement, points=committed(PALLAS, other, 2)[0])
    prover = prover_of(PALLAS, problem, statement)
    _, numbers, blinds = committed(PALLAS, other, 2)
    prover.named["W"] = (3, numbers, blinds)
    assert cheat(statement, prover) == {"weight opening", "weight look-up opening"}


@pytest.mark.parametrize(("sign", "above"), [(1, 0), (-1, 0), (1, 1), (-1, 1)])
def test_a_committed_weight_at_the_end_of_its_range(sign: int, above: int) -> None:
    digits = Digits(3, 0, 2)
    assert digits.most(2) == 24
    problem = made_up(6, 3, 3)
    problem = replace(problem, W=[*problem.W[:2], [sign * (24 + above), 0, 1]])
    statement = state(PALLAS, problem, RIDGE, digits, False)
    prover = prover_of(PALLAS, problem, statement)
    if above:
        assert cheat(statement, prover) == {"look-up"}
    else:
        assert verdict(statement, proof_of(statement, prover)) == "accept"


@pytest.mark.parametrize("above", [0, 1])
def test_a_margin_at_the_end_of_its_range(above: int) -> None:
    digits = Digits(2, 3, 0)
    assert digits.most(3) == 62
    # V = 32 − y·(a + 32·0) with w = (1, 0): 124 = 2H for a = −92 and y = 1
    problem = Problem([[-92 - above, 32], [5, 32]], [0, 1], [[1, 0], [0, 0]])
    assert max(abs(V) for row in problem.margins(32) for _, V in row) == 124 + above
    statement = state(PALLAS, problem, HINGE, digits, True)
    prover = prover_of(PALLAS, problem, statement)
    if above:
        assert cheat(statement, prover) == {"look-up"}
    else:
        assert verdict(statement, proof_of(statement, prover)) == "accept"


def test_weights_beyond_their_columns() -> None:
    """A row of W with a component on the generator of a label: the tails stand against it."""
    problem = made_up(6, 3, 3)
    statement = state(PALLAS, problem, RIDGE, digits_for(RIDGE, False), False)
    longer = [[*problem.W[0], 1], *[[*row, 0] for row in problem.W[1:]]]
    points, numbers, blinds = committed(PALLAS, longer, 2)
    statement = replace(statement, points=points)
    prover = prover_of(PALLAS, problem, statement)
    prover.named["W"] = (4, numbers, blinds)
    cheat(statement, prover)


def zeros(table: list[int]) -> list[int]:
    return [0] * len(table)


def cheating(
    objective: Objective,
    public: bool,
    change: Callable[[OptimumWitness], None],
    absolute: Callable[[int], int] = abs,
    bound: int = 1000,  # far below Σ E²
) -> set[str]:
    """What does not hold for a prover with a changed witness."""
    problem, digits = made_up(6, 3, 3), digits_for(objective, public)
    statement = state(PALLAS, problem, replace(objective, max_residual_squared=bound), digits, public)
    assert bound > 2**50 or bound < problem.norm(objective)
    prover = prover_of(PALLAS, problem, statement, absolute)
    assert isinstance(prover.witness, OptimumWitness)
    change(prover.witness)
    return cheat(statement, prover)


def field_slack(witness: OptimumWitness) -> None:
    """The first bit is all of the negative slack."""
    slack = witness.objective.max_residual_squared - sum(e * e for e in witness.E)
    assert slack < 0
    witness.slack = [slack % witness.r, *zeros(witness.slack[1:])]


def no_slack(witness: OptimumWitness) -> None:
    witness.slack = zeros(witness.slack)


def no_residual(witness: OptimumWitness) -> None:
    bound = witness.objective.max_residual_squared
    witness.E = zeros(witness.E)
    witness.slack = [bound >> i & 1 for i in range(len(witness.slack))]


def fitting_losses(witness: OptimumWitness) -> None:
    """A for which E is zero: the first p records are enough for that."""
    no_residual(witness)
    r, size = witness.r, witness.size
    p, width = size.p, 1 << size.q
    A = []
    for k in range(size.c):
        system = [
            [
                *(witness.X[i * width + j] for i in range(p)),
                witness.objective.regularisation * witness.W[k * width + j],
            ]
            for j in range(p)
        ]
        A.append(solved(r, system))
    witness.A = flat(A, size.class_bits, size.nu)


def solved(r: int, system: list[list[int]]) -> list[int]:
    """The solution of linear equations, by elimination; the last number of each is its right-hand side."""
    for j in range(len(system)):
        pivot = next(i for i in range(j, len(system)) if system[i][j] % r)
        system[j], system[pivot] = system[pivot], system[j]
        inverse = pow(system[j][j], -1, r)
        system[j] = [entry * inverse % r for entry in system[j]]
        for i, row in enumerate(system):
            if i != j:
                system[i] = [(a - row[j] * b) % r for a, b in zip(row, system[j], strict=True)]
    return [row[-1] for row in system]


def fitting_logits(witness: OptimumWitness) -> None:
    """Z for which ridge's A are those above."""
    fitting_losses(witness)
    one = witness.objective.one
    witness.Z = [one * y - a for y, a in zip(witness.Y, witness.A, strict=True)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (field_slack, "slack bit"),
        (no_slack, "norm"),
        (no_residual, "gradient"),
        (fitting_losses, ""),
        (fitting_logits, "logit"),
    ],
)
@pytest.mark.parametrize(("objective", "public"), KINDS, ids=IDS)
def test_a_residual_above_the_bound(
    objective: Objective, public: bool, change: Callable[[OptimumWitness], None], found: str
) -> None:
    loss = "hinge" if objective.hinge else "ridge"
    expected = {found or loss} | ({loss} if objective.hinge and found == "logit" else set())
    assert cheating(objective, public, change) == expected


def positive_claimed(witness: OptimumWitness) -> None:
    """N = −|V| everywhere but in the digits that are committed and looked up."""
    digits = witness.digits
    H = digits.most(digits.margins)
    size = witness.size
    N = [[abs(v) for v in witness.N[k * 2**size.nu :][: size.n]] for k in range(size.c)]
    split = [[expand(v - H, digits, digits.margins) for v in row] for row in N]
    honest = [[[parts[i] for parts in row] for row in split] for i in range(digits.margins)]
    witness.margin_digits = honest
    values = [flat(table, size.class_bits, size.nu) for table in honest]
    replace_values(witness, [*values, *witness.values[digits.margins :]])


def positive_looked_up(witness: OptimumWitness) -> None:
    """As above, but what is committed is −|V|, too."""
    sent = witness.margin_digits
    positive_claimed(witness)
    witness.margin_digits = sent


def replace_values(witness: OptimumWitness, values: list[list[int]]) -> None:
    """Other columns for the look-ups, with honest multiplicities."""
    honest = LookUpWitness(witness.r, values, [witness.digits.h] * len(values), witness.size.columns)
    witness.values, witness.counts, witness.tables = honest.values, honest.counts, honest.tables


def test_digits_that_are_not_those_looked_up() -> None:
    assert cheating(HINGE, True, positive_claimed, negative, 2**60) == {"digit opening"}
    assert cheating(HINGE, True, positive_looked_up, negative, 2**60) == {"look-up opening"}


def no_limbs(witness: OptimumWitness) -> None:
    witness.weight_digits = [[zeros(row) for row in table] for table in witness.weight_digits]


def no_weights(witness: OptimumWitness) -> None:
    """Neither committed nor looked up."""
    no_limbs(witness)
    L = witness.digits.margins
    replace_values(witness, [*witness.values[:L], *map(zeros, witness.values[L:])])


def no_weights_looked_up(witness: OptimumWitness) -> None:
    sent = witness.weight_digits
    no_weights(witness)
    witness.weight_digits = sent


@pytest.mark.parametrize("objective", [RIDGE, HINGE], ids=["ridge", "hinge"])
def test_weights_that_are_not_those_looked_up(objective: Objective) -> None:
    problem = replace(made_up(6, 3, 3), W=[[10, 0, 1], [0, -9, 0], [0, 0, -1]])
    digits = digits_for(objective, False)
    statement = state(PALLAS, problem, replace(objective, max_residual_squared=2**60), digits, False)
    cases = {
        no_limbs: {"limb opening"},
        no_weights: {"weight look-up opening"},
        no_weights_looked_up: {"weight look-up opening", "limb opening"},
    }
    for change, expected in cases.items():
        prover = prover_of(PALLAS, problem, statement)
        assert isinstance(prover.witness, OptimumWitness)
        assert any(map(any, prover.witness.weight_digits[1]))  # limbs are not zero
        change(prover.witness)
        assert cheat(statement, prover) == expected


def test_multiplicities_that_are_chosen_after_alpha() -> None:
    def late(witness: OptimumWitness) -> None:
        r, honest_trees = witness.r, witness.trees

        def trees(alpha: int) -> None:
            witness.counts = []
            for column, table in zip(witness.values, witness.tables, strict=True):
                first = sum((alpha - table[0]) * pow(alpha - x, -1, r) for x in column) % r
                witness.counts.append([first, *zeros(table[1:])])
            honest_trees(alpha)

        witness.trees = trees  # type: ignore[method-assign]

    assert cheating(HINGE, True, late, negative, 2**60) == {"multiplicity opening"}


def test_roots_that_are_chosen() -> None:
    def zero_roots(witness: OptimumWitness) -> None:
        honest = witness.sums

        def sums(prover: Prover, label: Label, norm: bool) -> list[int]:
            slots = honest(prover, label, norm)
            return zeros(slots) if label.name == "gkr/roots" else slots

        witness.sums = sums  # type: ignore[method-assign]

    assert cheating(HINGE, True, zero_roots, negative, 2**60) == {"gkr layer"}


SIZE, DIGITS = Size(2, 3, 2), Digits(7, 2, 2)
GOOD = Statement(SIZE, Objective(True, 5, 100, 1000), DIGITS, [None] * 2, None, [None] * 2)
PUBLIC = replace(GOOD, digits=Digits(7, 2, 0), integers=[0] * 6, points=None)


def of_size(n: int, p: int, c: int) -> Statement:
    return replace(GOOD, size=Size(n, p, c))


def of_objective(s: int, regularisation: int, bound: int) -> Statement:
    return replace(GOOD, objective=Objective(True, s, regularisation, bound))


def of_ridge(h: int, margins: int) -> Statement:
    return replace(PUBLIC, objective=Objective(False, 5, 100, 1000), digits=Digits(h, margins, 0))


@pytest.mark.parametrize(
    ("stage", "statement"),
    [
        ("argument", GOOD),
        ("argument", PUBLIC),
        ("argument", of_ridge(0, 0)),
        ("statement", of_size(0, 3, 2)),
        ("statement", of_size(2**24 + 1, 3, 2)),
        ("statement", of_size(2, 1, 2)),
        ("statement", of_size(2, 3, 1)),
        ("statement", of_size(2, 3, 1025)),
        ("statement", of_size(2, 4095, 2)),
        ("statement", of_size(2**24, 2, 17)),  # K + ν = 29
        ("shape", of_size(2**24, 2, 16)),  # 28, but other points
        ("shape", of_size(3, 3, 2)),
        ("shape", of_size(2, 3, 3)),
        ("statement", of_objective(33, 100, 1000)),
        ("statement", of_objective(-1, 100, 1000)),
        ("argument", of_objective(32, 2**40, 2**120 - 1)),
        ("statement", of_objective(5, 0, 1000)),
        ("statement", of_objective(5, 2**40 + 1, 1000)),
        ("statement", of_objective(5, 100, 0)),
        ("statement", of_objective(5, 100, 2**120)),
        ("statement", replace(GOOD, digits=Digits(7, 0, 2))),
        ("statement", replace(GOOD, digits=Digits(7, 9, 2))),
        ("statement", replace(GOOD, digits=Digits(7, 2, 0))),
        ("statement", replace(GOOD, digits=Digits(7, 2, 9))),
        ("statement", replace(GOOD, digits=Digits(0, 2, 2))),
        ("statement", replace(GOOD, digits=Digits(2**16 + 1, 2, 2))),
        ("argument", replace(GOOD, digits=Digits(1, 8, 8))),
        ("statement", replace(GOOD, digits=Digits(91, 8, 1))),  # 2H = 183^8 − 1 > 2^60
        ("argument", replace(GOOD, digits=Digits(90, 8, 1))),  # 181^8 < 2^60
        ("statement", replace(GOOD, digits=Digits(2**16, 2, 3))),  # H_W = (131073^3 − 1)/2 > 2^50
        ("statement", of_ridge(7, 0)),
        ("statement", of_ridge(7, 1)),
        ("statement", of_ridge(0, 1)),
        ("statement", replace(PUBLIC, digits=Digits(7, 2, 1))),
        ("argument", replace(PUBLIC, integers=[2**10, -(2**10), 0, 0, 0, 0])),
        ("statement", replace(PUBLIC, integers=[2**10 + 1, 0, 0, 0, 0, 0])),
        ("statement", replace(PUBLIC, integers=[0, 0, 0, 0, 0, -(2**10) - 1])),
        ("shape", replace(PUBLIC, integers=[0] * 5)),
        ("shape", replace(PUBLIC, integers=[0] * 9)),
        ("shape", replace(GOOD, points=[None] * 3)),
        ("shape", replace(GOOD, records=[None] * 3)),
    ],
)
def test_statements(stage: str, statement: Statement) -> None:
    """A proof of zeros gets as far as the argument where a statement is good."""
    with pytest.raises(Refused, match=f"^{stage}:"):
        optimum.verify(Recorder(PALLAS, Zeros(), statement.size.columns), CONTEXT, statement)
