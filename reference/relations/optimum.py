"""R5, optimum: a linear classifier is the optimum of a convex objective on committed records, nearly."""

from collections.abc import Sequence
from dataclasses import dataclass

from reference.closing import close
from reference.errors import demand
from reference.forms import Form
from reference.gadgets import (
    Rule,
    Sums,
    Tree,
    bits,
    eq_table,
    fractional_sums,
    log2_ceiling,
    plain_sumcheck,
    weighted_sumcheck,
)
from reference.group import Point
from reference.recorder import Columns, Matrix, Recorder
from reference.relations.bounded_update import count_below, table_value
from reference.statement import Context, absorb_context
from reference.transcript import Label, scalar_bytes, u32, u64


@dataclass(frozen=True)
class Size:
    """n records, p features with the bias, c classes."""

    n: int
    p: int
    c: int

    @property
    def columns(self) -> int:
        """C, the length of a row."""
        return 1 << (self.p + self.c - 1).bit_length()

    @property
    def q(self) -> int:
        """The variables of a column."""
        return log2_ceiling(self.columns)

    @property
    def class_bits(self) -> int:
        """K, the variables of a class."""
        return log2_ceiling(self.c)

    @property
    def nu(self) -> int:
        """ν, the variables of a record."""
        return max(log2_ceiling(self.n), self.q)

    def check(self) -> None:
        """The limits of the statement."""
        demand(1 <= self.n <= 1 << 24, "statement", "n is out of range")
        demand(self.p >= 2 and 2 <= self.c <= 1024, "statement", "p or c is out of range")
        demand(self.p + self.c <= 4096, "statement", "a row is too long")
        demand(self.class_bits + self.nu <= 28, "statement", "too many margins")


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
class Digits:
    """h, L and L_W: a digit is in [−h, h], |V| has L of them and a committed weight L_W."""

    h: int
    margins: int
    weights: int

    @property
    def m(self) -> int:
        """The base."""
        return 2 * self.h + 1

    def most(self, count: int) -> int:
        """The largest number with `count` digits: H for L, H_W for L_W."""
        return int(self.m**count - 1) // 2

    def check(self, hinge: bool, committed: bool) -> None:
        """The limits of the statement."""
        for needed, count in ((hinge, self.margins), (committed, self.weights)):
            demand(1 <= count <= 8 if needed else count == 0, "statement", "no such number of digits")
        needed = hinge or committed
        demand(1 <= self.h <= 1 << 16 if needed else self.h == 0, "statement", "h is out of range")
        demand(2 * self.most(self.margins) < 1 << 60, "statement", "H is out of range")
        demand(self.most(self.weights) < 1 << 50, "statement", "H_W is out of range")


@dataclass(frozen=True)
class Statement:
    """All but the context. W is a list of c·p integers, class by class, or c row points."""

    size: Size
    objective: Objective
    digits: Digits
    records: Sequence[Point]
    integers: Sequence[int] | None
    points: Sequence[Point] | None

    def check(self) -> None:
        """The limits of the statement."""
        assert (self.integers is None) != (self.points is None)
        self.size.check()
        self.objective.check()
        self.digits.check(self.objective.hinge, self.points is not None)
        demand(len(self.records) == self.size.n, "shape", "not n records")
        if self.points is not None:
            demand(len(self.points) == self.size.c, "shape", "W has not c rows")
        if self.integers is not None:
            demand(len(self.integers) == self.size.c * self.size.p, "shape", "W has not c·p numbers")
            limit = 1 << (self.objective.s + 5)
            demand(all(abs(w) <= limit for w in self.integers), "statement", "a weight is out of range")


@dataclass(frozen=True)
class Sent:
    """The matrices of step 2: digits of |V|, digits 1, 2, … of W, and multiplicities."""

    digits: list[Matrix]
    limbs: list[Matrix]
    multiplicities: list[Matrix]


def verify(recorder: Recorder, context: Context, statement: Statement) -> None:
    """Returns if the proof is accepted, raises Refused if not."""
    statement.check()
    assert recorder.columns == statement.size.columns, "a recorder for another row length"
    records, W = absorb(recorder, context, statement)
    relation(recorder, statement, records, W)
    close(recorder)


def absorb(recorder: Recorder, context: Context, statement: Statement) -> tuple[Matrix, Matrix | None]:
    """Step 1: the records, and W if it is committed."""
    size, objective, digits = statement.size, statement.objective, statement.digits
    absorb_context(recorder, "optimum", context)
    recorder.public(Label("shape"), u64(size.n) + u32(size.p) + u32(size.c))
    recorder.public(Label("loss"), bytes([objective.hinge]))
    limits = u64(objective.regularisation) + scalar_bytes(objective.max_residual_squared)
    recorder.public(Label("objective"), u32(objective.s) + limits)
    recorder.public(Label("digits"), u64(digits.h) + u32(digits.margins) + u32(digits.weights))
    if statement.integers is not None:
        numbers = b"".join(w.to_bytes(8, "big", signed=True) for w in statement.integers)
        recorder.public(Label("weights"), numbers)
    records = recorder.statement_matrix(Label("records"), statement.records)
    if statement.points is None:
        return records, None
    return records, recorder.statement_matrix(Label("W"), statement.points)


def relation(recorder: Recorder, statement: Statement, records: Matrix, W: Matrix | None) -> None:
    """Steps 2 to 10."""
    r = recorder.suite.r
    size, objective, digits = statement.size, statement.objective, statement.digits
    K, nu, q = size.class_bits, size.nu, size.q

    def weight_at(classes: Sequence[int], columns: Sequence[int]) -> Form:
        """W̃ of public weights."""
        assert statement.integers is not None
        pairs = [(a, b) for a in eq_table(r, classes)[: size.c] for b in eq_table(r, columns)[: size.p]]
        return recorder.constant(sum(a * b * w for (a, b), w in zip(pairs, statement.integers, strict=True)))

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
    omega = weight_at(v, u) if W is None else recorder.commit(Label("weights/at"), 1)[0]

    # 7. Gradient
    at, S = plain_sumcheck(recorder, nu, omega * objective.regularisation - e, "gradient")
    x_at, a = recorder.commit(Label("gradient/ends"), 2)
    recorder.require(-S, (x_at, a))

    # 8. Loss
    loss = squared_hinge if objective.hinge else ridge
    kappa, rho, o, z, margins, x_rho = loss(recorder, statement, v, at, a, x_at)

    # 9. Logits
    theta, S = plain_sumcheck(recorder, q, z, "logit")
    x_theta, *rest = recorder.commit(Label("logit/ends"), 1 if W is None else 2)
    omega_theta = weight_at(kappa, theta) if W is None else rest[0]
    recorder.require(-S, (x_theta, omega_theta))

    # 10. Openings
    n, p, c = size.n, size.p, size.c
    rows = eq_table(r, rho)[:n]
    recorder.open(records, rows, Columns(eq_table(r, u)[:p] + [0] * c), x_rho)
    recorder.open(records, rows, Columns(eq_table(r, theta)[:p] + [0] * c), x_theta)
    recorder.open(records, rows, Columns([0] * p + eq_table(r, kappa)[:c]), o)
    if W is not None:
        recorder.open(W, eq_table(r, v)[:c], Columns(eq_table(r, u)[:p]), omega)
        recorder.open(W, eq_table(r, kappa)[:c], Columns(eq_table(r, theta)[:p]), omega_theta)
    by_record = Columns(eq_table(r, rho[nu - q :]))
    rows = digit_rows(r, size, [*kappa, *rho[: nu - q]])
    for matrix, digit in zip(sent.digits, margins, strict=True):
        recorder.open(matrix, rows, by_record, digit)
    if sums is not None:
        open_look_ups(recorder, size, digits, sent, W, sums)


def digit_rows(r: int, size: Size, point: Sequence[int]) -> list[int]:
    """Weights of a digit's rows: row (k, a) has the index k·2^{ν−q} + a."""
    table, step = eq_table(r, point), 1 << (size.nu - size.q)
    return [table[k * step + a] for k in range(size.c) for a in range(-(-size.n // size.columns))]


def send_columns(recorder: Recorder, size: Size, digits: Digits) -> Sent:
    """Step 2."""
    count = digits.margins + digits.weights
    rows = size.c * -(-size.n // size.columns)
    return Sent(
        [recorder.sent_matrix(Label("digit", i), rows) for i in range(digits.margins)],
        [recorder.sent_matrix(Label("limb", i), size.c) for i in range(1, digits.weights)],
        [
            recorder.sent_matrix(Label("m", t), 2 ** table_depth(size, digits) // size.columns)
            for t in range(count)
        ],
    )


def table_depth(size: Size, digits: Digits) -> int:
    """k_t, the same for all tables."""
    return max((2 * digits.h).bit_length(), size.q)


def look_up(recorder: Recorder, size: Size, digits: Digits) -> Sums | None:
    """Step 4: all digits are in [−h, h]. None without digits."""
    depths = [size.class_bits + size.nu] * digits.margins + [size.class_bits + size.q] * digits.weights
    if not depths:
        return None
    depth = table_depth(size, digits)
    alpha = recorder.full(Label("alpha"), sum(2**own + 2**depth for own in depths))

    def value_rule(y: Form, _: Sequence[int]) -> tuple[Form, Form]:
        return recorder.constant(1), alpha - y

    def table_rule(y: Form, p: Sequence[int]) -> tuple[Form, Form]:
        return y, recorder.constant(alpha - table_value(recorder.suite.r, digits.h, p))

    rules: list[tuple[int, Rule]] = [(own, value_rule) for own in depths] + [(depth, table_rule)] * len(
        depths
    )
    sums = fractional_sums(recorder, [Tree(own, rule) for own, rule in rules], None)
    for t in range(len(depths)):
        (P_x, Q_x), (P_T, Q_T) = sums.roots[t], sums.roots[len(depths) + t]
        recorder.require(recorder.constant(0), (P_x, Q_T), (-P_T, Q_x))
    return sums


Ends = tuple[Sequence[int], Sequence[int], Form, Form, list[Form], Form]  # κ, ρ, o, z, d̃_0 …, x_ρ


def margin_sign(recorder: Recorder, size: Size, o: Form, kappa: Sequence[int], rho: Sequence[int]) -> Form:
    """y = 2o − Ĩ(κ, ρ)."""
    return 2 * o - ones(recorder.suite.r, size, kappa, rho)


def ones(r: int, size: Size, kappa: Sequence[int], rho: Sequence[int]) -> int:
    """Ĩ(κ, ρ)."""
    return count_below(r, size.c, kappa)[0] * count_below(r, size.n, rho)[0] % r


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
    N = recorder.constant(digits.most(digits.margins) * ones(r, size, kappa, rho))
    for i, digit in enumerate(margins):
        N = N + digits.m**i * digit
    recorder.require(
        -T + half * (one * y - z) + gamma * gamma * x_rho,
        (y, half * N - 2 * gamma * one * z),
        (z, gamma * z),
        (N, -gamma * N),
    )
    return kappa, rho, o, z, margins, x_rho


def open_look_ups(
    recorder: Recorder, size: Size, digits: Digits, sent: Sent, W: Matrix | None, sums: Sums
) -> None:
    """Step 10 from the look-ups' final point on."""
    r, L, count = recorder.suite.r, digits.margins, digits.margins + digits.weights
    before, last = sums.point[: len(sums.point) - size.q], sums.point[len(sums.point) - size.q :]
    columns = Columns(eq_table(r, last))

    def tail(variables: int) -> Sequence[int]:
        """So many coordinates of π before its last q."""
        return before[len(before) - variables :]

    for matrix, value in zip(sent.digits, sums.values[:L], strict=True):
        recorder.open(matrix, digit_rows(r, size, tail(size.class_bits + size.nu - size.q)), columns, value)
    if W is not None:
        values = sums.values[L:count]
        rows = eq_table(r, tail(size.class_bits))[: size.c]
        whole = sum((digits.m**i * value for i, value in enumerate(values)), recorder.constant(0))
        recorder.open(W, rows, columns, whole)
        for matrix, value in zip(sent.limbs, values[1:], strict=True):
            recorder.open(matrix, rows, columns, value)
    rows = eq_table(r, tail(table_depth(size, digits) - size.q))
    for matrix, value in zip(sent.multiplicities, sums.values[count:], strict=True):
        recorder.open(matrix, rows, columns, value)
