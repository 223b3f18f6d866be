"""R0, plain opening: some x is known with P_i = C(x)'s rows, zero beyond d."""

from collections.abc import Sequence

from reference.closing import close
from reference.errors import demand
from reference.group import Point
from reference.recorder import Columns, Matrix, Recorder
from reference.statement import Context, Shape, absorb_context, absorb_shape
from reference.transcript import Label


def verify(recorder: Recorder, context: Context, shape: Shape, rows: Sequence[Point]) -> None:
    """Returns if the proof is accepted, raises Refused if not."""
    shape.check()
    demand(len(rows) == shape.rows, "shape", "not R rows")
    absorb_context(recorder, "plain opening", context)
    absorb_shape(recorder, shape)
    x = recorder.statement_matrix(Label("x"), rows)
    opening(recorder, shape, x)
    close(recorder)


def opening(recorder: Recorder, shape: Shape, x: Matrix) -> None:
    """Steps 2 to 4: every row on its own generators, and the padding."""
    r = recorder.suite.r
    gamma = recorder.full(Label("rows"), shape.rows)
    weights = [pow(gamma, i, r) for i in range(shape.rows)]
    recorder.open(x, weights, Columns([0] * shape.columns), recorder.constant(0))
    padding(recorder, shape, x)


def padding(recorder: Recorder, shape: Shape, x: Matrix) -> None:
    """x is 0 in the last row's columns from `used` on."""
    if not shape.padded:
        return
    beta = recorder.full(Label("padding"), shape.columns)
    tail = [pow(beta, c, recorder.suite.r) for c in range(shape.columns - shape.used)]
    last_row = [0] * (shape.rows - 1) + [1]
    recorder.open(x, last_row, Columns([0] * shape.used + tail), recorder.constant(0))
