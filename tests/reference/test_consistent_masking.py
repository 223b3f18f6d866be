"""R4 on proofs of an honest prover, on altered proofs, on provers that cheat and on statements that are refused."""

import hashlib
import random
from contextlib import suppress
from dataclasses import replace
from functools import cache

import pytest

from reference import closing, masking
from reference.errors import Refused
from reference.generators import columns, generator
from reference.group import BN254, PALLAS, Point, Suite, combination, encode, minus, plus
from reference.proof import Proof
from reference.recorder import Recorder
from reference.relations import consistent_masking
from reference.relations.consistent_masking import Pair, Statement
from reference.statement import Context, Shape
from reference.transcript import Label, u32
from tests.reference.broken import broken
from tests.reference.masking_witness import (
    MaskingWitness,
    Secret,
    Shared,
    WrappedWitness,
    carry_bits,
    column_sums,
    fingerprint,
    made_up,
    opened,
    prover_of,
    shared,
    stated,
    weights_of,
)
from tests.reference.prover import Prover
from tests.reference.zeros import Zeros

Q32, Q40, Q48 = masking.WIDTHS
CONTEXT = Context(bytes(range(32)), "clinic-1", 120)
SUITES = pytest.mark.parametrize("suite", [PALLAS, BN254], ids=lambda suite: suite.id)


@cache
def example() -> tuple[Statement, Secret, bytes]:
    """Two rows, two neighbours, and an honest proof."""
    statement, secret = made_up(PALLAS, CONTEXT, Q32, Shape(3, 2), [1, -1])
    return statement, secret, proof_of(statement, prover_of(PALLAS, CONTEXT, statement, secret))


def proof_of(statement: Statement, prover: Prover, context: Context = CONTEXT) -> bytes:
    consistent_masking.verify(prover, context, statement)
    return prover.proof()


def verdict(statement: Statement, proof: bytes, context: Context = CONTEXT, suite: Suite = PALLAS) -> str:
    try:
        recorder = Recorder(suite, Proof(suite, proof), 2 * statement.shape.columns)
        consistent_masking.verify(recorder, context, statement)
    except Refused as refusal:
        return refusal.stage
    return "accept"


def false_of(prover: Prover, statement: Statement) -> set[str]:
    """Which of the relation's constraints and openings do not hold, by the page's names."""
    return broken(prover, ["carry bit"] * 3 * (statement.carry_bits + 1), [], ["fingerprint"] * 3)


def cheat(statement: Statement, prover: Prover) -> set[str]:
    """What does not hold in the proof of a prover that is refused."""
    with pytest.raises(Refused, match="argument"):
        consistent_masking.verify(prover, CONTEXT, statement)
    assert verdict(statement, prover.proof()) == "argument"
    return false_of(prover, statement)


@pytest.mark.parametrize(
    ("suite", "q", "d", "columns", "signs"),
    [
        (PALLAS, Q32, 1, 2, []),
        (BN254, Q40, 8, 4, [1, -1, -1]),
        (PALLAS, Q48, 3, 128, [1]),  # C' = 256, and J is beyond what messages lie on
    ],
    ids=["alone", "full rows", "rows of 128"],
)
def test_honest_proofs(suite: Suite, q: int, d: int, columns: int, signs: list[int]) -> None:
    statement, secret = made_up(suite, CONTEXT, q, Shape(d, columns), signs)
    prover = prover_of(suite, CONTEXT, statement, secret)
    proof = proof_of(statement, prover)
    assert not false_of(prover, statement)
    assert verdict(statement, proof, suite=suite) == "accept"


def test_parts_count() -> None:
    statement, _, proof = example()
    assert verdict(statement, proof) == "accept"
    scalars = int.from_bytes(proof[4:8], "big")
    for i in range(8, len(proof), 32 * 15):  # all of them take seconds
        value = encode((PALLAS.p - 1, 2)) if i < len(proof) - 32 * scalars else bytes(31) + b"\x07"
        assert verdict(statement, proof[:i] + value + proof[i + 32 :]) == "argument"


def test_a_proof_of_another_length() -> None:
    statement, _, proof = example()
    points, scalars = (int.from_bytes(proof[i : i + 4], "big") for i in (0, 4))
    assert verdict(statement, proof[:-1]) == "decoding"
    assert verdict(statement, u32(points) + u32(scalars + 1) + proof[8:] + bytes(32)) == "shape"
    assert verdict(statement, u32(points) + u32(scalars - 1) + proof[8:-32]) == "shape"
    assert verdict(statement, u32(points + 1) + u32(scalars) + proof[8:40] + proof[8:]) == "shape"


def absorbed(statement: Statement, context: Context = CONTEXT) -> tuple[bytes, list[Point]]:
    """The transcript's state before anything is read, and Q."""
    recorder = Recorder(PALLAS, Zeros(), 2 * statement.shape.columns)
    consistent_masking.absorb(recorder, context, statement)
    weights = weights_of(PALLAS, statement.q, statement.shape, context, statement.accepted)
    Q = [
        consistent_masking.row_point(PALLAS, context.weight, statement, each.a, s)
        for s, each in enumerate(weights)
    ]
    return recorder.transcript.state, Q


def test_a_proof_is_bound_to_all_that_is_public() -> None:
    """No two statements have one transcript. Proofs take longer: of each field the next test has one."""
    statement, _, _ = example()
    (a, b), (p, p2) = statement.pairs, statement.points
    x, y, z = a.points
    v, *others = statement.values
    statements = [
        statement,
        replace(statement, accepted=bytes(32)),
        replace(statement, shape=Shape(4, 2)),
        replace(statement, q=Q40),
        replace(statement, carry_bits=statement.carry_bits - 1),
        replace(statement, points=[p2, p]),
        replace(statement, points=[p, None]),
        replace(statement, blinds=statement.blinds[::-1]),
        replace(statement, blinds=[statement.blinds[0], 0]),
        replace(statement, pairs=[b, a]),
        replace(statement, pairs=[a]),
        replace(statement, pairs=[a._replace(negative=True), b]),
        replace(statement, pairs=[a._replace(points=[y, x, z]), b]),
        replace(statement, pairs=[a, b, Pair(False, [None] * 3)]),
        replace(statement, values=[(v + 1) % Q32, *others]),
        replace(statement, values=[*others, v]),
    ]
    contexts = [
        replace(CONTEXT, announcement=bytes(32)),
        replace(CONTEXT, client="clinic-2"),
        replace(CONTEXT, weight=121),
        replace(CONTEXT, certificate=bytes(32)),
    ]
    states = [absorbed(each)[0] for each in statements] + [absorbed(statement, each)[0] for each in contexts]
    assert len(set(states)) == len(statements) + len(contexts)


def test_a_proof_of_another_statement() -> None:
    statement, _, proof = example()
    assert verdict(statement, proof, replace(CONTEXT, client="clinic-2")) == "argument"
    for stage, other in [
        ("argument", replace(statement, carry_bits=statement.carry_bits - 1)),
        ("argument", replace(statement, pairs=statement.pairs[:1])),
        ("argument", replace(statement, values=[*statement.values[:2], 0])),
        ("shape", replace(statement, shape=Shape(5, 2))),
        ("shape", replace(statement, shape=Shape(3, 4))),
    ]:
        assert verdict(other, proof) == stage


def test_the_same_q_by_other_points() -> None:
    """What changes nothing in Q and the openings is bound by the transcript alone."""
    statement, _, proof = example()
    a, b = statement.pairs
    turned = [
        pair._replace(negative=not pair.negative, points=[minus(PALLAS, each) for each in pair.points])
        for pair in (a, b)
    ]
    shifted = [pair._replace(points=[plus(PALLAS, each, each) for each in pair.points]) for pair in (a, b)]
    shifted[0] = a._replace(points=[plus(PALLAS, p, q) for p, q in zip(a.points, b.points, strict=True)])
    state, Q = absorbed(statement)  # a − b = (a + b) − 2b
    for pairs in (turned, shifted, [b, a]):
        other = replace(statement, pairs=pairs)
        assert absorbed(other)[0] != state
        assert absorbed(other)[1] == Q
    assert verdict(replace(statement, pairs=turned), proof) == "argument"


@pytest.mark.parametrize(
    ("witness", "wrong"), [(MaskingWitness, {"carry bit"}), (WrappedWitness, {"fingerprint"})]
)
def test_another_upload(witness: type[MaskingWitness], wrong: set[str]) -> None:
    """One more in a coordinate: without either constraint the proof would pass."""
    statement, secret, _ = example()
    weights = weights_of(PALLAS, Q32, statement.shape, CONTEXT)
    more = [fingerprint(statement.shape, each, [0, 0, 1]) for each in weights]
    values = [(v + by) % Q32 for v, by in zip(statement.values, more, strict=True)]
    false = replace(statement, values=values)
    assert cheat(false, prover_of(PALLAS, CONTEXT, false, secret, witness)) == wrong


def test_a_carry_out_of_range() -> None:
    """A true statement needs enough carry bits: exactly those of κ + 2^ℓ."""
    statement, secret, _ = example()
    carries = [
        (each.total - v) // Q32
        for each, v in zip(opened(PALLAS, CONTEXT, statement, secret), statement.values, strict=True)
    ]
    least = max(max(carry + 1, -carry) for carry in carries)
    enough = replace(statement, carry_bits=(least - 1).bit_length())
    assert verdict(enough, proof_of(enough, prover_of(PALLAS, CONTEXT, enough, secret))) == "accept"
    few = replace(statement, carry_bits=enough.carry_bits - 1)
    assert cheat(few, prover_of(PALLAS, CONTEXT, few, secret)) == {"carry bit"}


@pytest.mark.parametrize("where", ["blinds", "beyond J"])
def test_q_on_a_generator_that_it_may_not_have(where: str) -> None:
    """All openings hold for what the prover has of Q; the rest of Q is what fails the equation."""
    statement, secret, _ = example()
    if where == "blinds":
        false = replace(statement, blinds=[(statement.blinds[0] + 1) % PALLAS.r, statement.blinds[1]])
    else:
        false = replace(
            statement, points=[plus(PALLAS, statement.points[0], columns(PALLAS, 4)[3]), statement.points[1]]
        )
    assert cheat(false, prover_of(PALLAS, CONTEXT, false, secret)) == set()


@pytest.mark.parametrize("hiding", [b"K", b"H"])
def test_blinds_on_h_would_make_up_for_other_blinds(hiding: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What K stands in place of H for: a member alone, whose masked blinds are not the committed ones."""
    monkeypatch.setattr(consistent_masking, "HIDING", hiding)
    honest, secret = made_up(PALLAS, CONTEXT, Q32, Shape(3, 2), [])
    false = replace(honest, blinds=[(honest.blinds[0] + 1) % PALLAS.r, honest.blinds[1]])
    on_h = [-each.a[0] for each in weights_of(PALLAS, Q32, honest.shape, CONTEXT)]
    prover = prover_of(PALLAS, CONTEXT, false, secret)
    prover.given = (prover.given[0], prover.given[1], on_h)
    with suppress(Refused):
        consistent_masking.verify(prover, CONTEXT, false)
    assert verdict(false, prover.proof()) == ("argument" if hiding == b"K" else "accept")


def test_what_follows() -> None:
    """Over all members Q is free of H and J, and fingerprints of the sum are those of Σ w·x."""
    shape, choice = Shape(3, 2), random.Random(2)
    names, weights = ["ada", "bob", "eve"], [3, 1, 7]
    pairs: dict[frozenset[str], Shared] = {
        frozenset((i, j)): shared(PALLAS, Q32, shape, choice) for i in names for j in names if i < j
    }
    total_x, total_y, total_v = [0] * 3, [0] * 3, [0] * 3
    Q: list[Point] = [None] * 3
    for name, w in zip(names, weights, strict=True):
        context = replace(CONTEXT, client=name, weight=w)
        x = [choice.randint(-1000, 1000) for _ in range(3)]
        rho = [choice.randrange(PALLAS.r) for _ in range(2)]
        its = [
            (1 if name < other else -1, pairs[frozenset((name, other))]) for other in names if other != name
        ]
        statement, upload = stated(PALLAS, context, Q32, shape, x, rho, its)
        if name == "eve":  # one for all: a proof takes a second
            proof = proof_of(statement, prover_of(PALLAS, context, statement, Secret(x, its)), context)
            assert verdict(statement, proof, context) == "accept"
        total_x = [a + w * b for a, b in zip(total_x, x, strict=True)]
        total_y = [(a + b) % Q32 for a, b in zip(total_y, upload.residues, strict=True)]
        total_v = [(a + b) % Q32 for a, b in zip(total_v, statement.values, strict=True)]
        beacons = weights_of(PALLAS, Q32, shape, context)
        points = [
            consistent_masking.row_point(PALLAS, w, statement, each.a, s) for s, each in enumerate(beacons)
        ]
        Q = [plus(PALLAS, a, b) for a, b in zip(Q, points, strict=True)]
    assert [masking.integer(Q32, y) for y in total_y] == total_x
    for s, each in enumerate(beacons):
        assert fingerprint(shape, each, total_x) % Q32 == total_v[s]
        sums = column_sums(shape, each, total_x)
        assert Q[s] == combination(PALLAS, list(zip(sums, columns(PALLAS, 2), strict=True)))


def sized(d: int, C: int, q: int = Q32, ell: int = 60, neighbours: int = 0) -> Statement:
    shape = Shape(d, C)
    rows = shape.rows if C else 0
    pairs = [Pair(False, [None] * 3)] * neighbours
    return Statement(bytes(32), shape, q, ell, [None] * rows, [0] * rows, pairs, [0] * 3)


SMALL = sized(3, 2, neighbours=1)


@pytest.mark.parametrize(
    ("stage", "statement"),
    [
        ("statement", replace(SMALL, accepted=bytes(31))),
        ("statement", sized(0, 2)),
        ("statement", replace(SMALL, shape=Shape(2**28 + 1, 2**16))),
        ("statement", sized(3, 0)),
        ("statement", sized(3, 1)),
        ("statement", sized(3, 3)),
        ("statement", sized(3, 2**17)),
        ("statement", sized(3, 2, q=2**32 - 6)),
        ("statement", sized(3, 2, ell=0)),
        ("statement", sized(3, 2, ell=127)),
        ("statement", sized(3, 2, neighbours=1001)),
        ("statement", replace(SMALL, values=[0, Q32, 0])),
        ("shape", replace(SMALL, values=[0] * 2)),
        ("shape", replace(SMALL, values=[0] * 4)),
        ("shape", replace(SMALL, points=[None])),
        ("shape", replace(SMALL, points=[None] * 3)),
        ("shape", replace(SMALL, blinds=[0])),
        ("shape", replace(SMALL, blinds=[0] * 3)),
        ("shape", replace(SMALL, pairs=[Pair(False, [None] * 2)])),
        ("shape", replace(SMALL, pairs=[Pair(True, [None] * 4)])),
    ],
)
def test_statements_that_are_refused(stage: str, statement: Statement) -> None:
    with pytest.raises(Refused) as refusal:
        statement.check()
    assert refusal.value.stage == stage


@pytest.mark.parametrize(
    "statement",
    [
        sized(1, 2, ell=1),
        sized(1, 2**16, q=Q48, ell=126),
        sized(2**20, 2**16, q=Q40),
        sized(3, 2, neighbours=1000),
        replace(SMALL, values=[Q32 - 1] * 3),
    ],
)
def test_statements_at_their_limits(statement: Statement) -> None:
    statement.check()


def test_carry_bits_are_the_bit_length() -> None:
    """As secure-aggregation.md §8 says it, and this page."""
    ell = carry_bits(Q32, 10, 4)
    assert 2 ** (ell - 1) <= 1000 * 10 * Q32 * 1000 + 4 + 2 < 2**ell


@pytest.mark.parametrize(
    ("statement", "messages", "openings", "points", "full", "short"),
    [
        (sized(3, 2), 12, 3, 12 + 8 + 6 + 1, 183 + 6 + 24 + 128, 16 + 2 + 8 + 2 + 6 + 1),
        (sized(3, 2, ell=126), 13, 3, 13 + 12 + 6 + 1, 381 + 6 + 26 + 128, 18 + 2 + 12 + 2 + 6 + 1),
        (sized(3, 128), 12, 3, 12 + 6 + 8 + 1, 183 + 6 + 24 + 256, 16 + 2 + 6 + 2 + 8 + 1),
    ],
)
def test_counts(
    statement: Statement, messages: int, openings: int, points: int, full: int, short: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(closing, "columns", lambda _suite, count: [None] * count)
    source = Zeros()
    recorder = Recorder(PALLAS, source, 2 * statement.shape.columns)
    with suppress(Refused):
        consistent_masking.verify(recorder, CONTEXT, statement)
    assert source.finished
    assert (len(recorder.messages), len(recorder.openings)) == (messages, openings)
    assert len(recorder.products) == 3 * (statement.carry_bits + 1)
    assert (source.points, source.scalars) == (points, 19)
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees)) == (full, short)
    assert closing.error_is_small(recorder)


def test_slots_and_columns() -> None:
    """Three messages of ℓ + 1 bits; an opening for each row of Q with C + 1 weights, the last 1."""
    seen: list[tuple[Label, int]] = []

    class Watched(Recorder):
        def commit(self, label, count):  # type: ignore[no-untyped-def]
            seen.append((label, count))
            return super().commit(label, count)

    recorder = Watched(PALLAS, Zeros(), 4)
    with suppress(Refused):
        consistent_masking.verify(recorder, CONTEXT, SMALL)
    assert seen[:3] == [(Label("carry", s), 61) for s in range(3)]
    beacons = weights_of(PALLAS, Q32, SMALL.shape, CONTEXT, SMALL.accepted)
    for s, opening in enumerate(recorder.openings):
        assert opening.row_weights == [int(i == s) for i in range(3)]
        assert opening.columns.weights == [*beacons[s].b, 1]
        assert opening.value.constant == -Q32 * 2**60 % PALLAS.r
        assert opening.value.coefficients == {61 * s + i: Q32 * 2**i for i in range(61)}


def test_the_beacon() -> None:
    """Row 0 for a, row 1 for b, of the seed that SHA-256 gives."""
    seed = hashlib.sha256(
        b"fedproof/v1/beacon" + bytes(1) + bytes(32) + bytes([9]) * 32 + bytes([0, 0, 0, 2])
    )
    a, b = consistent_masking.beacon(PALLAS, Q48, Shape(5, 2), bytes(32), bytes([9]) * 32, 2)
    assert a == masking.row_mask(PALLAS, Q48, seed.digest(), 0, 3)[1]
    assert b == masking.row_mask(PALLAS, Q48, seed.digest(), 1, 2)[1]


@SUITES
def test_the_openings_are_those_of_q(suite: Suite) -> None:
    """Σ z·G + f·J + β·K, with J the generator behind the last column."""
    statement, secret = made_up(suite, CONTEXT, Q32, Shape(3, 2), [1, -1])
    weights = weights_of(suite, Q32, statement.shape, CONTEXT)
    bases = [*columns(suite, 3), generator(suite, b"K")]
    for s, each in enumerate(opened(suite, CONTEXT, statement, secret)):
        point = consistent_masking.row_point(suite, CONTEXT.weight, statement, weights[s].a, s)
        assert combination(suite, list(zip([*each.z, each.f, each.beta], bases, strict=True))) == point
