"""R5, optimum: a linear classifier is the optimum of a convex objective on committed records, nearly."""

from collections.abc import Sequence
from dataclasses import dataclass

from reference.closing import close
from reference.errors import demand
from reference.forms import Form
from reference.gadgets import bits, eq_table, plain_sumcheck, weighted_sumcheck
from reference.group import Point
from reference.recorder import Columns, Matrix, Recorder
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
from reference.transcript import Label, scalar_bytes, u32, u64


@dataclass(frozen=True)
class Objective:
    """The loss, the scale s, Λ and B2²."""

    hinge: bool
    s: int
    regularisation: int
    max_residual_squared: int

    @property
    def one(self) -> int:
        """One: 1 at Z's scale."""
        return 1 << (5 + self.s)

    @property
    def slack_bits(self) -> int:
        """The bit length of B2²."""
        return self.max_residual_squared.bit_length()

    def check(self) -> None:
        """The limits of the statement."""
        demand(0 <= self.s <= 32, "statement", "the scale is out of range")
        demand(1 <= self.regularisation <= 1 << 40, "statement", "Λ is out of range")
        demand(self.max_residual_squared >= 1 and self.slack_bits <= 120, "statement", "B2² is out of range")


@dataclass(frozen=True)
class Statement:
    """All but the context. W is a list of c·p integers, class by class, or c row points."""

    size: Size
    objective: Objective
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
        self.objective.check()
        self.digits.check(self.objective.hinge, self.points is not None)
        demand(len(self.records) == self.size.n, "shape", "not n records")
        self.weights.check(self.size, self.objective.s)


def verify(recorder: Recorder, context: Context, statement: Statement) -> None:
    """Returns if the proof is accepted, raises Refused if not."""
    statement.check()
    assert recorder.columns == statement.size.columns, "a recorder for another row length"
    records, W = absorb(recorder, context, statement)
    relation(recorder, statement, records, W)
    close(recorder)


def absorb(recorder: Recorder, context: Context, statement: Statement) -> tuple[Matrix, Matrix | None]:
    """Step 1: the records, and W if it is committed."""
    objective = statement.objective
    absorb_context(recorder, "optimum", context)
    statement.size.absorb(recorder)
    recorder.public(Label("loss"), bytes([objective.hinge]))
    limits = u64(objective.regularisation) + scalar_bytes(objective.max_residual_squared)
    recorder.public(Label("objective"), u32(objective.s) + limits)
    statement.digits.absorb(recorder)
    return statement.weights.absorb(recorder, statement.records)


def relation(recorder: Recorder, statement: Statement, records: Matrix, W: Matrix | None) -> None:
    """Steps 2 to 10."""
    r = recorder.suite.r
    size, objective, digits = statement.size, statement.objective, statement.digits
    K, nu, q = size.class_bits, size.nu, size.q

    # 2. Columns
    sent = send_columns(recorder, size, digits)

    # 3. Slack
    slack = bits(recorder, Label("slack"), objective.slack_bits)

    # 4. Look-ups
    sums = look_up(recorder, size, digits)

    # 5. Norm
    point, S = plain_sumcheck(recorder, K + q, objective.max_residual_squared - slack, "norm")
    v, u = point[:K], point[K:]
    (e,) = recorder.commit(Label("norm/end"), 1)
    recorder.require(-S, (e, e))

    # 6. Weights at (v, u)
    weights = statement.weights
    omega = weights.at(recorder, size, v, u) if W is None else recorder.commit(Label("weights/at"), 1)[0]

    # 7. Gradient
    at, S = plain_sumcheck(recorder, nu, omega * objective.regularisation - e, "gradient")
    x_at, a = recorder.commit(Label("gradient/ends"), 2)
    recorder.require(-S, (x_at, a))

    # 8. Loss
    loss = squared_hinge if objective.hinge else ridge
    kappa, rho, o, z, margins, x_rho = loss(recorder, statement, v, at, a, x_at)

    # 9. Logits
    end = logit(recorder, size, weights, z, kappa)

    # 10. Openings
    n, p, c = size.n, size.p, size.c
    rows = eq_table(r, rho)[:n]
    recorder.open(records, rows, Columns(eq_table(r, u)[:p] + [0] * c), x_rho)
    recorder.open(records, rows, Columns(eq_table(r, end.theta)[:p] + [0] * c), end.x)
    recorder.open(records, rows, Columns([0] * p + eq_table(r, kappa)[:c]), o)
    if W is not None:
        recorder.open(W, eq_table(r, v)[:c], Columns(eq_table(r, u)[:p]), omega)
        recorder.open(W, eq_table(r, kappa)[:c], Columns(eq_table(r, end.theta)[:p]), end.omega)
    by_record = Columns(eq_table(r, rho[nu - q :]))
    rows = digit_rows(r, size, [*kappa, *rho[: nu - q]])
    for matrix, digit in zip(sent.digits, margins, strict=True):
        recorder.open(matrix, rows, by_record, digit)
    if sums is not None:
        open_look_ups(recorder, size, digits, sent, W, sums)


Ends = tuple[Sequence[int], Sequence[int], Form, Form, list[Form], Form]  # κ, ρ, o, z, d̃_0 …, x_ρ


def margin_sign(recorder: Recorder, size: Size, o: Form, kappa: Sequence[int], rho: Sequence[int]) -> Form:
    """y = 2o − Ĩ(κ, ρ)."""
    return 2 * o - ones(recorder.suite.r, size, kappa, rho)


def ridge(
    recorder: Recorder, statement: Statement, v: Sequence[int], at: Sequence[int], a: Form, x_at: Form
) -> Ends:
    """Step 8 with A = One·Y − Z."""
    o, z = recorder.commit(Label("ridge/ends"), 2)
    y = margin_sign(recorder, statement.size, o, v, at)
    recorder.require(a - statement.objective.one * y + z)
    return v, at, o, z, [], x_at


def squared_hinge(
    recorder: Recorder, statement: Statement, v: Sequence[int], at: Sequence[int], a: Form, x_at: Form
) -> Ends:
    """Step 8 with A = ½(One·Y − Z + Y·N), and N² = V² everywhere."""
    r, size, digits = recorder.suite.r, statement.size, statement.digits
    one, half = statement.objective.one, pow(2, -1, recorder.suite.r)
    gamma = recorder.short(Label("hinge/gamma"), 2 + size.class_bits + size.nu)
    claim = a - gamma * one * one * ones(r, size, v, at) + gamma * gamma * x_at
    point, T = weighted_sumcheck(recorder, [*v, *at], claim, "hinge")
    kappa, rho = point[: size.class_bits], point[size.class_bits :]
    o, z, *margins, x_rho = recorder.commit(Label("hinge/ends"), digits.margins + 3)
    y = margin_sign(recorder, size, o, kappa, rho)
    N = margin(recorder, size, digits, margins, kappa, rho)
    recorder.require(
        -T + half * (one * y - z) + gamma * gamma * x_rho,
        (y, half * N - 2 * gamma * one * z),
        (z, gamma * z),
        (N, -gamma * N),
    )
    return kappa, rho, o, z, margins, x_rho
