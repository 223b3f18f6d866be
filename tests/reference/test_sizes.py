"""Sizes, counts and degrees that the pages of the relations state."""

import hashlib
import math
from collections.abc import Callable
from contextlib import suppress

import pytest

from reference import closing, transcript
from reference.commitment import shape_of
from reference.errors import Refused
from reference.group import PALLAS
from reference.recorder import Recorder
from reference.relations import accuracy, bounded_update, optimum, plain_opening
from reference.relations.bounded_update import Bounds
from reference.relations.head import Digits, Size
from reference.relations.optimum import Objective, Statement
from reference.statement import Context, Shape
from tests.reference.zeros import Zeros

CONTEXT = Context(bytes(32), "clinic-1", 120)
Relation = Callable[[Recorder], None]


@pytest.fixture(autouse=True)
def _without_generators_and_keccak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes depend neither on the generators nor on what is drawn; thousands of them take seconds, and so does Keccak of megabytes."""
    monkeypatch.setattr(closing, "columns", lambda _suite, count: [None] * count)
    monkeypatch.setattr(transcript, "keccak256", lambda data: hashlib.sha3_256(data).digest())


def measured(relation: Relation, columns: int) -> tuple[Recorder, Zeros]:
    """What the relation reads and notes; the proof of zeros itself is refused."""
    source = Zeros()
    recorder = Recorder(PALLAS, source, columns)
    with suppress(Refused):
        relation(recorder)
    assert source.finished
    return recorder, source


def bits_of_error(recorder: Recorder) -> float:
    full, short = sum(recorder.full_degrees), sum(recorder.short_degrees)
    return 128 - math.log2(short + full * 2.0**128 / recorder.suite.r)


def bounded(d: int, C: int, bounds: Bounds) -> Relation:
    shape = Shape(d, C)
    return lambda recorder: bounded_update.verify(recorder, CONTEXT, shape, bounds, [None] * shape.rows)


@pytest.mark.parametrize(
    ("d", "columns", "full", "short", "bits", "points"),
    [
        (6, 4, 136, 11, 124.54, 7 + 2),
        (8, 4, 131, 9, 124.83, 7),
        (1000, 128, 266, 11, 124.54, 7 + 2),
        (100_000, 1024, 2148, 17, 123.91, 13 + 2),
        (131_072, 1024, 1153, 15, 124.09, 13),
        (1_048_576, 2048, 2561, 17, 123.91, 15),
        (10_000_000, 4096, 10_636, 21, 123.61, 17 + 2),
        (268_435_456, 4096, 69_633, 19, 123.75, 17),
    ],
)
def test_sizes_of_plain_openings(
    d: int, columns: int, full: int, short: int, bits: float, points: int
) -> None:
    shape = Shape(d, columns)
    assert shape_of(d).columns == columns or d < 10
    recorder, source = measured(
        lambda r: plain_opening.verify(r, CONTEXT, shape, [None] * shape.rows), columns
    )
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees)) == (full, short)
    assert round(bits_of_error(recorder), 2) == bits
    assert (source.points, source.scalars) == (points, 17)


@pytest.mark.parametrize(
    ("d", "limb", "messages", "slots", "products", "pairs", "openings", "points", "full", "short", "bits"),
    [
        (6, 0, 14, 53, 10, 18, 3, 27, 192, 43, 122.57),
        (8, 0, 14, 53, 10, 18, 2, 25, 187, 41, 122.64),
        (6, 2, 14, 69, 11, 25, 5, 29, 203, 55, 122.22),
    ],
)
def test_worked_counts_of_bounded_updates(
    d: int, limb: int, messages: int, slots: int, products: int, pairs: int, openings: int, points: int,
    full: int, short: int, bits: float,
) -> None:  # fmt: skip
    recorder, source = measured(bounded(d, 4, Bounds(3, 30, limb)), 4)
    assert recorder.width == 128
    assert len(recorder.messages) == messages
    assert recorder.slots == slots
    assert len(recorder.products) == products
    assert sum(len(product.pairs) for product in recorder.products) == pairs
    assert len(recorder.linear) == 3
    assert len(recorder.openings) == openings
    assert (source.points, source.scalars) == (points, 19)
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees)) == (full, short)
    assert round(bits_of_error(recorder), 2) == bits


def test_degrees_of_the_first_worked_example_one_by_one() -> None:
    recorder, _ = measured(bounded(6, 4, Bounds(3, 30, 0)), 4)
    layers = [3, 1, 3, 2, 1, 3, 2, 2, 1]
    assert recorder.full_degrees == [16, 4, 10, 6, 28, 128]
    assert recorder.short_degrees == [*layers, *[2] * 5, 2, 2, 2, 2, *[2] * 3, 1]


def test_slots_of_the_first_worked_example() -> None:
    recorder, _ = measured(bounded(6, 4, Bounds(3, 30, 0)), 4)
    starts = [0, 5, 9, 17, 19, 27, 31, 35, 39, 41, 43, 45, 47, 49]
    assert [message.first for message in recorder.messages] == starts
    assert [(message.block, message.place) for message in recorder.messages] == [(0, s) for s in starts]


@pytest.mark.parametrize(
    ("d", "B", "limb", "live", "leaves"),
    [
        (6, 20, 0, [1, 1, 1, 2, 2], [4, 4, 2, 2, 2, 4]),  # D = 6, n = 3
        (6, 3, 2, [2, 4], [4, 4, 8]),  # D = n = 3, both tables of depth 2
        (20, 3, 0, [1, 1, 2, 2], [4, 4, 4, 4, 4]),  # D = n = 5
    ],
)
def test_slots_of_layers(d: int, B: int, limb: int, live: list[int], leaves: list[int]) -> None:
    """`live` counts trees by inner layer; the norm runs along in the first n − 1 rounds at the leaves."""
    recorder, _ = measured(bounded(d, 4, Bounds(B, 8000, limb)), 4)
    counts = [message.count for message in recorder.messages]
    inner = [count for j, trees in enumerate(live) for count in [*[2] * j, 4 * trees]]
    assert counts[2 : 2 + len(inner) + len(leaves)] == inner + leaves


@pytest.mark.parametrize(
    ("d", "columns", "B", "limb", "full", "short", "bits", "points"),
    [
        (1_000, 128, 127, 0, 1_704, 159, 120.69, 79),
        (1_000, 128, 32_767, 256, 3_261, 203, 120.33, 94),
        (100_000, 1024, 32_767, 256, 266_641, 445, 119.20, 281),
        (131_072, 1024, 32_767, 256, 265_616, 443, 119.21, 309),
        (1_048_576, 2048, 32_767, 0, 1_116_675, 495, 119.05, 269),
        (10_000_000, 4096, 32_767, 0, 16_851_650, 689, 118.57, 348),
        (268_435_456, 4096, 1_048_576, 0, 272_634_792, 907, 118.18, 1_460),
    ],
)
def test_table_of_bounded_updates(
    d: int, columns: int, B: int, limb: int, full: int, short: int, bits: float, points: int
) -> None:
    assert shape_of(d).columns == columns
    recorder, source = measured(bounded(d, columns, Bounds(B, d * B * B // 4, limb)), columns)
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees), source.points) == (full, short, points)
    assert round(bits_of_error(recorder), 2) == bits


@pytest.mark.parametrize(
    (
        "size", "hinge", "digits", "messages", "slots", "products", "pairs", "linear", "openings",
        "points", "full", "short", "bits",
    ),
    [
        (Size(6, 3, 3), False, Digits(0, 0, 0), 21, 50, 12, 12, 5, 3, 34, 190, 47, 122.45),
        (Size(6, 3, 3), False, Digits(7, 0, 2), 40, 148, 20, 47, 4, 9, 68, 337, 119, 121.11),
        (Size(6, 3, 3), True, Digits(7, 3, 0), 45, 198, 21, 66, 4, 12, 79, 399, 156, 120.71),
        (Size(6, 3, 3), True, Digits(7, 3, 2), 46, 272, 24, 101, 3, 18, 93, 505, 202, 120.34),
        (Size(9, 2, 2), True, Digits(3, 4, 2), 44, 265, 25, 98, 3, 21, 107, 457, 218, 120.23),
    ],
)  # fmt: skip
def test_worked_counts_of_optima(
    size: Size, hinge: bool, digits: Digits, messages: int, slots: int, products: int, pairs: int,
    linear: int, openings: int, points: int, full: int, short: int, bits: float,
) -> None:  # fmt: skip
    """With B2² = 1000 and committed W where it has digits."""
    public = digits.weights == 0
    statement = Statement(
        size,
        Objective(hinge, 0, 100, 1000),
        digits,
        [None] * size.n,
        [0] * (size.c * size.p) if public else None,
        None if public else [None] * size.c,
    )
    recorder, source = measured(lambda r: optimum.verify(r, CONTEXT, statement), size.columns)
    assert (len(recorder.messages), recorder.slots) == (messages, slots)
    assert len(recorder.products) == products
    assert sum(len(product.pairs) for product in recorder.products) == pairs
    assert len(recorder.linear) == linear
    assert len(recorder.openings) == openings
    assert (source.points, source.scalars) == (points, 19)
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees)) == (full, short)
    assert round(bits_of_error(recorder), 2) == bits


@pytest.mark.parametrize(
    (
        "size", "digits", "public", "messages", "slots", "products", "pairs", "linear", "openings",
        "points", "full", "short",
    ),
    [
        (Size(6, 3, 3), Digits(7, 3, 0), True, 34, 168, 9, 53, 4, 14, 72, 367, 140),
        (Size(6, 3, 3), Digits(7, 3, 0), False, 34, 169, 10, 54, 3, 15, 74, 368, 142),
        (Size(9, 2, 2), Digits(3, 4, 0), False, 33, 188, 11, 63, 3, 18, 94, 386, 160),
    ],
)  # fmt: skip
def test_worked_counts_of_accuracies(
    size: Size, digits: Digits, public: bool, messages: int, slots: int, products: int, pairs: int,
    linear: int, openings: int, points: int, full: int, short: int,
) -> None:  # fmt: skip
    statement = accuracy.Statement(
        size,
        0,
        1,
        digits,
        [None] * size.n,
        [0] * (size.c * size.p) if public else None,
        None if public else [None] * size.c,
    )
    recorder, source = measured(lambda r: accuracy.verify(r, CONTEXT, statement), size.columns)
    assert (len(recorder.messages), recorder.slots) == (messages, slots)
    assert len(recorder.products) == products
    assert sum(len(product.pairs) for product in recorder.products) == pairs
    assert len(recorder.linear) == linear
    assert len(recorder.openings) == openings
    assert (source.points, source.scalars) == (points, 19)
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees)) == (full, short)
