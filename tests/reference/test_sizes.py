"""Sizes, counts and degrees that the pages of the relations state."""

import math
from collections.abc import Callable
from contextlib import suppress

import pytest

from reference import closing
from reference.commitment import shape_of
from reference.errors import Refused
from reference.group import PALLAS
from reference.recorder import Recorder
from reference.relations import bounded_update, plain_opening
from reference.relations.bounded_update import Bounds
from reference.statement import Context, Shape
from tests.reference.zeros import Zeros

CONTEXT = Context(bytes(32), "clinic-1", 120)
Relation = Callable[[Recorder], None]


@pytest.fixture(autouse=True)
def _without_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes do not depend on the generators, and thousands of them take seconds."""
    monkeypatch.setattr(closing, "columns", lambda _suite, count: [None] * count)


def measured(relation: Relation) -> tuple[Recorder, Zeros]:
    """What the relation reads and notes; the proof of zeros itself is refused."""
    source = Zeros()
    recorder = Recorder(PALLAS, source)
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
        (6, 4, 12, 9, 124.83, 7),
        (8, 4, 7, 7, 125.19, 5),
        (1000, 256, 518, 21, 123.61, 17 + 2),
        (100_000, 1024, 2148, 25, 123.36, 21 + 2),
        (131_072, 1024, 1153, 23, 123.48, 21),
        (1_048_576, 2048, 2561, 25, 123.36, 23),
    ],
)
def test_sizes_of_plain_openings(
    d: int, columns: int, full: int, short: int, bits: float, points: int
) -> None:
    shape = Shape(d, columns)
    recorder, source = measured(lambda r: plain_opening.verify(r, CONTEXT, shape, [None] * shape.rows))
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees)) == (full, short)
    assert round(bits_of_error(recorder), 2) == bits
    assert (source.points, source.scalars) == (points, 2)


@pytest.mark.parametrize(
    ("d", "limb", "messages", "slots", "products", "pairs", "openings", "points", "full", "short", "bits"),
    [
        (6, 0, 14, 53, 10, 18, 3, 33, 117, 49, 122.39),
        (8, 0, 14, 53, 10, 18, 2, 31, 112, 47, 122.45),
        (6, 2, 14, 69, 11, 25, 5, 37, 144, 63, 122.02),
    ],
)
def test_worked_counts_of_bounded_updates(
    d: int, limb: int, messages: int, slots: int, products: int, pairs: int, openings: int, points: int,
    full: int, short: int, bits: float,
) -> None:  # fmt: skip
    recorder, source = measured(bounded(d, 4, Bounds(3, 30, limb)))
    assert len(recorder.messages) == messages
    assert recorder.slots == slots
    assert len(recorder.products) == products
    assert sum(len(product.pairs) for product in recorder.products) == pairs
    assert len(recorder.linear) == 3
    assert len(recorder.openings) == openings
    assert (source.points, source.scalars) == (points, 4)
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees)) == (full, short)
    assert round(bits_of_error(recorder), 2) == bits


def test_degrees_of_the_first_worked_example_one_by_one() -> None:
    recorder, _ = measured(bounded(6, 4, Bounds(3, 30, 0)))
    layers = [3, 1, 3, 2, 1, 3, 2, 2, 1]
    assert recorder.full_degrees == [16, 4, 10, 6, 28, 53]
    assert recorder.short_degrees == [*layers, *[2] * 5, 2, 2, 2, 2, *[2] * 6, 1]


def test_slots_of_the_first_worked_example() -> None:
    recorder, _ = measured(bounded(6, 4, Bounds(3, 30, 0)))
    starts = [0, 5, 9, 17, 19, 27, 31, 35, 39, 41, 43, 45, 47, 49]
    assert [message.first for message in recorder.messages] == starts


@pytest.mark.parametrize(
    ("d", "columns", "B", "limb", "full", "short", "bits", "points"),
    [
        (1_000, 256, 127, 0, 1_960, 167, 120.62, 86),
        (100_000, 1024, 32_767, 256, 266_641, 453, 119.18, 289),
        (131_072, 1024, 32_767, 256, 265_616, 451, 119.18, 317),
        (1_048_576, 2048, 32_767, 0, 1_116_675, 503, 119.03, 277),
    ],
)
def test_table_of_bounded_updates(
    d: int, columns: int, B: int, limb: int, full: int, short: int, bits: float, points: int
) -> None:
    assert shape_of(d).columns == columns
    recorder, source = measured(bounded(d, columns, Bounds(B, d * B * B // 4, limb)))
    assert (sum(recorder.full_degrees), sum(recorder.short_degrees), source.points) == (full, short, points)
    assert round(bits_of_error(recorder), 2) == bits
