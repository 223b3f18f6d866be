"""R2, honest aggregate: the sum is the sum of the committed updates."""

from collections.abc import Sequence

from reference.closing import close
from reference.errors import demand
from reference.generators import blind, columns
from reference.group import Point, Suite, combination
from reference.recorder import Recorder
from reference.relations.plain_opening import opening
from reference.statement import Context, Shape, absorb_context, absorb_shape
from reference.transcript import Label, points_bytes, u32, u64

Term = tuple[int, Sequence[Point]]  # a weight and the rows of a commitment


def combined(suite: Suite, shape: Shape, terms: Sequence[Term]) -> list[Point]:
    """The checks of the statement, and the rows Σ_k w_k·P_{k,i}."""
    shape.check()
    demand(len(terms) >= 1, "shape", "no commitment")
    demand(all(weight >= 1 for weight, _ in terms), "statement", "a weight below 1")
    demand(sum(weight for weight, _ in terms) < 1 << 64, "statement", "the sum of weights has 64 bits")
    demand(all(len(rows) == shape.rows for _, rows in terms), "shape", "not R rows")
    return [combination(suite, [(w, rows[i]) for w, rows in terms]) for i in range(shape.rows)]


def verify_sum(
    suite: Suite, shape: Shape, terms: Sequence[Term], values: Sequence[int], blinds: Sequence[int]
) -> None:
    """Form A: with the sum X and its rows' blinds, each row's equation exactly."""
    rows = combined(suite, shape, terms)
    demand(len(values) == shape.d, "shape", "not d values")
    demand(len(blinds) == shape.rows, "shape", "not R blinds")
    demand(all(-(1 << 63) <= value < 1 << 63 for value in values), "decoding", "a value beyond 64 bits")
    base, H = columns(suite, shape.columns), blind(suite)
    for i, row in enumerate(rows):
        part = values[i * shape.columns : (i + 1) * shape.columns]
        terms_of_row = [*zip(part, base, strict=False), (blinds[i], H), (-1, row)]
        demand(combination(suite, terms_of_row) is None, "argument", f"row {i} is not the sum")


def verify(recorder: Recorder, announcement: bytes, shape: Shape, terms: Sequence[Term]) -> None:
    """Form B: somebody knows an opening of the sum. Returns if accepted, raises Refused if not."""
    rows = combined(recorder.suite, shape, terms)
    context = Context(announcement, "aggregator", sum(weight for weight, _ in terms))
    absorb_context(recorder, "honest aggregate", context)
    absorb_shape(recorder, shape)
    recorder.public(Label("terms"), u32(len(terms)))
    for k, (weight, term_rows) in enumerate(terms):
        recorder.public(Label("term", k), u64(weight))
        recorder.public(Label("term/rows", k), points_bytes(term_rows))
    opening(recorder, shape, recorder.derived_matrix(rows))
    close(recorder)
