"""R6, accuracy: a linear head classifies at least T of n committed records correctly."""

from collections.abc import Sequence
from dataclasses import dataclass

from reference.closing import close
from reference.errors import demand
from reference.gadgets import eq_table, weighted_sumcheck
from reference.group import Point
from reference.recorder import Columns, Matrix, Recorder
from reference.relations.bounded_update import count_below
from reference.relations.head import (
    Digits,
    Size,
    Weights,
    digit_rows,
    logit,
    look_up,
    margin,
    ones,
    open_look_ups,
    send_columns,
)
from reference.statement import Context, absorb_context
from reference.transcript import Label, u32, u64


@dataclass(frozen=True)
class Statement:
    """All but the context. W is a list of c·p integers, class by class, or c row points."""

    size: Size
    s: int
    correct: int  # T
    digits: Digits
    records: Sequence[Point]
    integers: Sequence[int] | None
    points: Sequence[Point] | None

    @property
    def weights(self) -> Weights:
        """W."""
        return Weights(self.integers, self.points)

    def check(self) -> None:
        """The limits of the statement."""
        self.size.check()
        demand(0 <= self.s <= 32, "statement", "the scale is out of range")
        demand(1 <= self.correct <= self.size.n, "statement", "T is out of range")
        self.digits.check(margins=True, weights=False)  # also with committed W
        demand(len(self.records) == self.size.n, "shape", "not n records")
        self.weights.check(self.size, self.s)


def verify(recorder: Recorder, context: Context, statement: Statement) -> None:
    """Returns if the proof is accepted, raises Refused if not."""
    statement.check()
    assert recorder.columns == statement.size.columns, "a recorder for another row length"
    records, W = absorb(recorder, context, statement)
    relation(recorder, statement, records, W)
    close(recorder)


def absorb(recorder: Recorder, context: Context, statement: Statement) -> tuple[Matrix, Matrix | None]:
    """Step 1: the records, and W if it is committed."""
    absorb_context(recorder, "accuracy", context)
    statement.size.absorb(recorder)
    recorder.public(Label("claim"), u32(statement.s) + u64(statement.correct))
    statement.digits.absorb(recorder)
    return statement.weights.absorb(recorder, statement.records)


def relation(recorder: Recorder, statement: Statement, records: Matrix, W: Matrix | None) -> None:
    """Steps 2 to 7."""
    r = recorder.suite.r
    size, digits = statement.size, statement.digits
    n, p, c, K, nu, q = size.n, size.p, size.c, size.class_bits, size.nu, size.q

    # 2. Columns
    correct = recorder.sent_matrix(Label("correct"), size.record_rows)
    top = recorder.sent_matrix(Label("top"), size.record_rows)
    sent = send_columns(recorder, size, digits)

    # 3. Look-ups
    sums = look_up(recorder, size, digits)
    assert sums is not None

    # 4. The anchor
    tau = [recorder.short(Label("accuracy/tau", 0, i), 1) for i in range(K + nu)]
    v, at = tau[:K], tau[K:]
    (t,) = recorder.commit(Label("accuracy/top"), 1)
    gamma = recorder.short(Label("accuracy/gamma"), 2)

    # 5. Leads; f_2's claim is 0
    point, T = weighted_sumcheck(recorder, tau, t * classes(r, size, v), "accuracy")
    kappa, rho = point[:K], point[K:]
    o, z, *leads, b = recorder.commit(Label("accuracy/ends"), digits.margins + 3)
    D = margin(recorder, size, digits, leads, kappa, rho)
    inside = count_below(r, n, rho)[0]
    recorder.require(
        -T,
        (D, 1 + gamma * o),
        (b, classes(r, size, kappa) * (z + ones(r, size, kappa, rho) - o) + gamma * gamma * (b - inside)),
    )

    # 6. Logits
    end = logit(recorder, size, statement.weights, z, kappa)

    # 7. Openings
    rows = eq_table(r, rho)[:n]
    recorder.open(records, rows, Columns(eq_table(r, end.theta)[:p] + [0] * c), end.x)
    recorder.open(records, rows, Columns([0] * p + eq_table(r, kappa)[:c]), o)
    if W is not None:
        recorder.open(W, eq_table(r, kappa)[:c], Columns(eq_table(r, end.theta)[:p]), end.omega)
    by_record = Columns(eq_table(r, rho[nu - q :]))
    rows = digit_rows(r, size, [*kappa, *rho[: nu - q]])
    for matrix, digit in zip(sent.digits, leads, strict=True):
        recorder.open(matrix, rows, by_record, digit)
    recorder.open(correct, record_weights(r, size, rho), by_record, b)
    recorder.open(top, record_weights(r, size, at), Columns(eq_table(r, at[nu - q :])), t)
    total = recorder.constant(statement.correct)
    recorder.open(correct, [1] * size.record_rows, Columns([1] * size.columns), total)
    open_look_ups(recorder, size, digits, sent, None, sums)


def classes(r: int, size: Size, kappa: Sequence[int]) -> int:
    """Î(κ)."""
    return count_below(r, size.c, kappa)[0]


def record_weights(r: int, size: Size, point: Sequence[int]) -> list[int]:
    """Weights of the rows of a number for each record."""
    return eq_table(r, point[: size.nu - size.q])[: size.record_rows]
