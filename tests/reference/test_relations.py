"""The relations on proofs of an honest prover, on altered proofs and on statements that are refused."""

import random
from collections.abc import Callable

import pytest

from reference.commitment import commit
from reference.errors import Refused
from reference.group import BN254, PALLAS, Point, Suite, combination, encode
from reference.proof import Proof
from reference.recorder import Recorder
from reference.relations import bounded_update, honest_aggregate, plain_opening
from reference.relations.bounded_update import Bounds
from reference.statement import Context, Shape
from tests.reference.bounded_witness import BoundedWitness
from tests.reference.prover import Prover
from tests.reference.zeros import Zeros

CONTEXT = Context(bytes(range(32)), "clinic-1", 120)
Relation = Callable[[Recorder], None]


def statement(suite: Suite, d: int, C: int, x: list[int]) -> tuple[Shape, list[Point], list[int]]:
    shape = Shape(d, C)
    blinds = [random.Random(i).randrange(suite.r) for i in range(shape.rows)]
    return shape, commit(suite, shape, x, blinds), blinds


def no_witness(_prover: Prover, label: object) -> list[int]:
    raise AssertionError(label)


def plain_case(suite: Suite, d: int = 6, C: int = 4) -> tuple[bytes, Relation]:
    """A proof, and the relation that it is for."""
    x = [(-1) ** i * i * i for i in range(d)]
    shape, rows, blinds = statement(suite, d, C, x)

    def relation(recorder: Recorder) -> None:
        plain_opening.verify(recorder, CONTEXT, shape, rows)

    prover = Prover(suite, no_witness, (C, x, blinds))
    relation(prover)
    return prover.proof(), relation


def bounded_case(suite: Suite, x: list[int], bounds: Bounds, C: int = 4) -> tuple[bytes, Relation]:
    shape, rows, blinds = statement(suite, len(x), C, x)

    def relation(recorder: Recorder) -> None:
        bounded_update.verify(recorder, CONTEXT, shape, bounds, rows)

    prover = Prover(suite, BoundedWitness(suite.r, x, shape, bounds), (C, x, blinds))
    relation(prover)
    return prover.proof(), relation


def verdict(suite: Suite, relation: Relation, proof: bytes, C: int = 4) -> str:
    try:
        relation(Recorder(suite, Proof(suite, proof), C))
    except Refused as refusal:
        return refusal.stage
    return "accept"


@pytest.mark.parametrize("suite", [PALLAS, BN254], ids=lambda suite: suite.id)
@pytest.mark.parametrize(("d", "length"), [(6, 840), (8, 776), (1, 840)])
def test_honest_plain_openings(suite: Suite, d: int, length: int) -> None:
    proof, relation = plain_case(suite, d)
    assert len(proof) == length
    assert verdict(suite, relation, proof) == "accept"


@pytest.mark.parametrize(
    ("d", "C", "points"), [(100, 64, 9), (128, 128, 7), (200, 128, 9), (512, 256, 9), (300, 256, 11)]
)
def test_honest_plain_openings_of_longer_rows(d: int, C: int, points: int) -> None:
    proof, relation = plain_case(PALLAS, d, C)
    assert len(proof) == 8 + 32 * (points + 17)
    assert verdict(PALLAS, relation, proof, C) == "accept"
    assert verdict(PALLAS, relation, proof[:-1] + bytes([proof[-1] ^ 1]), C) == "argument"


@pytest.mark.parametrize(
    ("x", "bounds"),
    [
        ([3, -3, 2, 0, -1, 1], Bounds(3, 30, 0)),
        ([3, -3, 2, 0, -1, 1, 0, 0], Bounds(3, 24, 0)),
        ([3, -3, 2, 0, -1, 1], Bounds(3, 30, 2)),
        ([1], Bounds(1, 1, 0)),
        ([-20, 20, 7, -13, 11, 0, 1, -1, 5], Bounds(20, 2000, 5)),
        ([4, -4, 4], Bounds(4, 48, 4)),
    ],
)
def test_honest_bounded_updates(x: list[int], bounds: Bounds) -> None:
    proof, relation = bounded_case(PALLAS, x, bounds)
    assert verdict(PALLAS, relation, proof) == "accept"


@pytest.mark.parametrize(
    ("d", "C", "bounds", "value_depth", "table_depths"),
    [
        (1, 2, Bounds(1, 1, 0), 1, [2]),
        (1, 2, Bounds(30, 1000, 0), 1, [6]),
        (2, 2, Bounds(5, 60, 2), 1, [2, 3]),
        (2, 2, Bounds(2, 8, 2), 1, [3, 1]),  # the second table holds 0 only
        (3, 2, Bounds(1, 3, 0), 2, [2]),
        (3, 2, Bounds(2, 12, 2), 2, [3, 1]),
        (5, 2, Bounds(3, 45, 0), 3, [3]),
        (7, 4, Bounds(3, 63, 3), 3, [3, 2]),
        (7, 2, Bounds(40, 12_000, 7), 3, [4, 4]),
        (11, 4, Bounds(1, 11, 0), 4, [2]),
        (13, 2, Bounds(40, 21_000, 2), 4, [3, 6]),  # one table shallower, one deeper
        (13, 2, Bounds(40, 21_000, 20), 4, [6, 2]),
        (17, 16, Bounds(2, 68, 2), 5, [4, 4]),
        (21, 4, Bounds(3, 200, 2), 5, [2, 2]),
    ],
)
def test_honest_bounded_updates_of_all_depths(
    d: int, C: int, bounds: Bounds, value_depth: int, table_depths: list[int]
) -> None:
    B = bounds.max_abs
    x = [(7 * i + 1) % (2 * B + 1) - B for i in range(d - 1)] + [B]
    witness = BoundedWitness(PALLAS.r, x, Shape(d, C), bounds)
    assert [len(numbers) for numbers in witness.values] == [2**value_depth] * len(table_depths)
    assert [len(table) for table in witness.tables] == [2**k for k in table_depths]
    proof, relation = bounded_case(PALLAS, x, bounds, C)
    assert verdict(PALLAS, relation, proof, C) == "accept"
    assert verdict(PALLAS, relation, proof[:-1] + bytes([proof[-1] ^ 1]), C) == "argument"


def test_an_honest_bounded_update_over_bn254() -> None:
    proof, relation = bounded_case(BN254, [2, -2, 0, 1, 1], Bounds(2, 10, 0))
    assert verdict(BN254, relation, proof) == "accept"
    assert verdict(BN254, relation, proof[:-1] + bytes([proof[-1] ^ 1])) == "argument"


@pytest.mark.parametrize(
    ("x", "bounds"),
    [([4, 0, 0, 0], Bounds(3, 30, 0)), ([0, -4, 0, 0], Bounds(3, 30, 2)), ([3, 3, 3, 3], Bounds(3, 35, 0))],
)
def test_a_bound_that_does_not_hold_has_no_honest_proof(x: list[int], bounds: Bounds) -> None:
    with pytest.raises(Refused, match="argument"):
        bounded_case(PALLAS, x, bounds)


def test_nonzero_padding_has_no_honest_proof() -> None:
    x = [1, 2, 3, 4, 5, 6, 7, 0]
    _, rows, blinds = statement(PALLAS, 8, 4, x)
    prover = Prover(PALLAS, no_witness, (4, x, blinds))
    with pytest.raises(Refused, match="argument"):
        plain_opening.verify(prover, CONTEXT, Shape(6, 4), rows)


def test_a_component_beyond_the_columns_has_no_honest_proof() -> None:
    x = [1, 2, 3, 4, 0, 0, 0, 5]
    _, rows, blinds = statement(PALLAS, 8, 8, x)
    prover = Prover(PALLAS, no_witness, (4, x, blinds))
    prover.given = (8, x, blinds)  # one row on 8 generators, 4 of which are the statement's
    with pytest.raises(Refused, match="argument"):
        plain_opening.verify(prover, CONTEXT, Shape(4, 4), rows)


class Misplacing(Prover):
    """Puts each message one place too far."""

    def place_for(self, count: int) -> tuple[int, int]:
        block, place = super().place_for(count)
        return block, place + 1


def test_a_message_has_to_lie_in_its_place() -> None:
    x, bounds = [1, -1], Bounds(1, 2, 0)
    shape, rows, blinds = statement(PALLAS, 2, 4, x)
    prover = Misplacing(PALLAS, BoundedWitness(PALLAS.r, x, shape, bounds), (4, x, blinds))
    with pytest.raises(Refused, match="argument"):
        bounded_update.verify(prover, CONTEXT, shape, bounds, rows)


@pytest.mark.parametrize(
    ("x", "bounds", "ends"),
    [
        ([3, -3, 2, 0, -1, 1], Bounds(3, 2**119, 0), [124, 50]),  # 8 slots do not fit into the last 4 places
        ([20, -20, 5, 0, 1], Bounds(20, 2**119, 5), [128, 80]),  # the last of 8 slots has the last place
        ([2000, -2000, 2, 0, -1, 1], Bounds(2000, 2**119, 32), [128, 128, 6]),
    ],
)
def test_bounded_updates_with_several_blocks(x: list[int], bounds: Bounds, ends: list[int]) -> None:
    """`ends` has the first place after the messages of each block."""
    shape, rows, blinds = statement(PALLAS, len(x), 4, x)
    prover = Prover(PALLAS, BoundedWitness(PALLAS.r, x, shape, bounds), (4, x, blinds))
    bounded_update.verify(prover, CONTEXT, shape, bounds, rows)
    places = [(message.block, message.place) for message in prover.messages]
    assert places == prover.places
    found = [0] * (1 + places[-1][0])
    for message in prover.messages:
        assert message.place == found[message.block]
        found[message.block] += message.count
    assert found == ends
    merges = sum(label.name == "merge/e" for label in prover.challenges)
    assert merges == len(ends) + 1  # the common column point, and padding
    recorder = Recorder(PALLAS, Proof(PALLAS, prover.proof()), 4)
    bounded_update.verify(recorder, CONTEXT, shape, bounds, rows)


def test_every_part_of_a_plain_opening_counts() -> None:
    proof, relation = plain_case(PALLAS)
    generator = encode((PALLAS.p - 1, 2))
    for i in range(8, len(proof), 32):
        value = generator if i < 8 + 9 * 32 else bytes(31) + b"\x07"
        assert verdict(PALLAS, relation, proof[:i] + value + proof[i + 32 :]) == "argument"


def test_every_part_of_a_bounded_update_counts() -> None:
    proof, relation = bounded_case(PALLAS, [1, -1], Bounds(1, 2, 0))
    other = encode((PALLAS.p - 1, 2))
    for i in range(8, len(proof), 32):
        value = other if i < len(proof) - 19 * 32 else bytes(31) + b"\x07"
        assert verdict(PALLAS, relation, proof[:i] + value + proof[i + 32 :]) == "argument"


def test_malformed_proofs() -> None:
    proof, relation = plain_case(PALLAS)
    points, scalars = proof[8 : 8 + 9 * 32], proof[8 + 9 * 32 :]

    def counted(n_points: int, n_scalars: int, body: bytes) -> str:
        head = n_points.to_bytes(4, "big") + n_scalars.to_bytes(4, "big")
        return verdict(PALLAS, relation, head + body)

    assert counted(9, 17, points + scalars) == "accept"
    assert verdict(PALLAS, relation, proof[:7]) == "decoding"
    assert verdict(PALLAS, relation, proof[:-1]) == "decoding"
    assert verdict(PALLAS, relation, proof + b"\0") == "decoding"
    assert counted(2**20 + 1, 17, points + scalars) == "decoding"
    assert counted(9, 17, b"\xff" * 32 + points[32:] + scalars) == "decoding"
    assert counted(9, 17, b"\x80" + bytes(31) + points[32:] + scalars) == "decoding"
    assert counted(9, 17, points + PALLAS.r.to_bytes(32, "big") + scalars[32:]) == "decoding"
    assert counted(10, 17, points + bytes(32) + scalars) == "shape"
    assert counted(8, 17, points[32:] + scalars) == "shape"
    assert counted(9, 18, points + scalars + bytes(32)) == "shape"
    assert counted(9, 16, points + scalars[:-32]) == "shape"


@pytest.mark.parametrize(
    "other",
    [
        Context(bytes(32), "clinic-1", 120),
        Context(CONTEXT.announcement, "clinic-2", 120),
        Context(CONTEXT.announcement, "clinic-1", 121),
        Context(CONTEXT.announcement, "clinic-1", 120, bytes(32)),
    ],
)
def test_a_proof_is_bound_to_its_context(other: Context) -> None:
    proof, _ = plain_case(PALLAS)
    shape, rows, _ = statement(PALLAS, 6, 4, [(-1) ** i * i * i for i in range(6)])
    found = verdict(PALLAS, lambda recorder: plain_opening.verify(recorder, other, shape, rows), proof)
    assert found == "argument"


@pytest.mark.parametrize(
    ("shape", "bounds"),
    [
        (Shape(0, 4), Bounds(3, 30, 0)),
        (Shape(6, 3), Bounds(3, 30, 0)),
        (Shape(6, 1), Bounds(3, 30, 0)),
        (Shape(6, 0), Bounds(3, 30, 0)),
        (Shape(6, 4), Bounds(0, 30, 0)),
        (Shape(6, 4), Bounds(2**20 + 1, 30, 0)),
        (Shape(6, 4), Bounds(3, 0, 0)),
        (Shape(6, 4), Bounds(3, 2**120, 0)),
        (Shape(6, 4), Bounds(3, 30, 1)),
        (Shape(6, 4), Bounds(3, 30, 4)),
    ],
)
def test_statements_that_are_refused(shape: Shape, bounds: Bounds) -> None:
    with pytest.raises(Refused, match="statement"):
        bounded_update.verify(Recorder(PALLAS, Zeros(), shape.columns), CONTEXT, shape, bounds, [None, None])


def test_another_number_of_rows_is_refused() -> None:
    with pytest.raises(Refused, match="shape"):
        plain_opening.verify(Recorder(PALLAS, Zeros(), 4), CONTEXT, Shape(6, 4), [None])


def aggregate() -> tuple[Shape, list[honest_aggregate.Term], list[int], list[int]]:
    shape = Shape(6, 4)
    terms, total, total_blinds = [], [0] * 6, [0, 0]
    for k, weight in enumerate((3, 1, 10)):
        x = [k - i for i in range(6)]
        blinds = [100 * k + 1, 100 * k + 2]
        terms.append((weight, commit(PALLAS, shape, x, blinds)))
        total = [a + weight * b for a, b in zip(total, x, strict=True)]
        total_blinds = [a + weight * b for a, b in zip(total_blinds, blinds, strict=True)]
    return shape, terms, total, total_blinds


def test_honest_aggregates() -> None:
    shape, terms, X, blinds = aggregate()
    honest_aggregate.verify_sum(PALLAS, shape, terms, X, blinds)
    prover = Prover(PALLAS, no_witness, (4, X, blinds))
    honest_aggregate.verify(prover, bytes(32), shape, terms)

    def relation(recorder: Recorder) -> None:
        honest_aggregate.verify(recorder, bytes(32), shape, terms)

    assert len(prover.proof()) == 840
    assert verdict(PALLAS, relation, prover.proof()) == "accept"
    other = [terms[1], terms[0], terms[2]]
    swapped = verdict(PALLAS, lambda r: honest_aggregate.verify(r, bytes(32), shape, other), prover.proof())
    assert swapped == "argument"  # the order of terms is part of the statement


def test_false_sums() -> None:
    shape, terms, X, blinds = aggregate()
    cases = [
        ("argument", terms, [X[0] + 1, *X[1:]], blinds),
        ("argument", terms[:2], X, blinds),
        ("argument", terms, X, [blinds[0], blinds[1] + 1]),
        ("shape", terms, X[:5], blinds),
        ("shape", terms, X, blinds[:1]),
        ("shape", [], X, blinds),
        ("shape", [(1, terms[0][1][:1])], X, blinds),
        ("statement", [(0, terms[0][1])], X, blinds),
        ("statement", [(2**63, terms[0][1]), (2**63, terms[0][1])], X, blinds),
    ]
    for stage, some_terms, values, some_blinds in cases:
        with pytest.raises(Refused, match=stage):
            honest_aggregate.verify_sum(PALLAS, shape, some_terms, values, some_blinds)


def test_the_proof_of_zeros_is_not_one() -> None:
    point = combination(PALLAS, [(1, (PALLAS.p - 1, 2))])
    with pytest.raises(Refused, match="argument"):
        plain_opening.verify(Recorder(PALLAS, Zeros(), 4), CONTEXT, Shape(6, 4), [point, None])
