"""What R5 and R6 share: a linear head over committed records, digits, look-ups, logits.

The pages are spec/relations/optimum.md and, where it says otherwise, spec/relations/accuracy.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reference.errors import demand
from reference.forms import Form
from reference.gadgets import Rule, Sums, Tree, eq_table, fractional_sums, log2_ceiling, plain_sumcheck
from reference.group import Point
from reference.recorder import Columns, Matrix, Recorder
from reference.relations.bounded_update import count_below, table_value
from reference.transcript import Label, u32, u64


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

    @property
    def record_rows(self) -> int:
        """⌈n/C⌉, the rows of a number for each record."""
        return -(-self.n // self.columns)

    def check(self) -> None:
        """The limits of the statement."""
        demand(1 <= self.n <= 1 << 24, "statement", "n is out of range")
        demand(self.p >= 2 and 2 <= self.c <= 1024, "statement", "p or c is out of range")
        demand(self.p + self.c <= 4096, "statement", "a row is too long")
        demand(self.class_bits + self.nu <= 28, "statement", "too many margins")

    def absorb(self, recorder: Recorder) -> None:
        """u64(n) ‖ u32(p) ‖ u32(c)."""
        recorder.public(Label("shape"), u64(self.n) + u32(self.p) + u32(self.c))


@dataclass(frozen=True)
class Digits:
    """h, L and L_W: a digit is in [−h, h], a margin (R6: a lead) has L of them, a committed weight L_W."""

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

    def check(self, margins: bool, weights: bool) -> None:
        """The limits of the statement, with or without digits of margins and of weights."""
        for needed, count in ((margins, self.margins), (weights, self.weights)):
            demand(1 <= count <= 8 if needed else count == 0, "statement", "no such number of digits")
        needed = margins or weights
        demand(1 <= self.h <= 1 << 16 if needed else self.h == 0, "statement", "h is out of range")
        demand(2 * self.most(self.margins) < 1 << 60, "statement", "H is out of range")
        demand(self.most(self.weights) < 1 << 50, "statement", "H_W is out of range")

    def absorb(self, recorder: Recorder) -> None:
        """u64(h) ‖ u32(L) ‖ u32(L_W)."""
        recorder.public(Label("digits"), u64(self.h) + u32(self.margins) + u32(self.weights))


@dataclass(frozen=True)
class Weights:
    """W, either as c·p integers, class by class, or as c row points."""

    integers: Sequence[int] | None
    points: Sequence[Point] | None

    def check(self, size: Size, s: int) -> None:
        """The limits of the statement; s is the scale."""
        assert (self.integers is None) != (self.points is None)
        if self.points is not None:
            demand(len(self.points) == size.c, "shape", "W has not c rows")
        if self.integers is not None:
            demand(len(self.integers) == size.c * size.p, "shape", "W has not c·p numbers")
            limit = 1 << (s + 5)
            demand(all(abs(w) <= limit for w in self.integers), "statement", "a weight is out of range")

    def absorb(self, recorder: Recorder, records: Sequence[Point]) -> tuple[Matrix, Matrix | None]:
        """The records, and W if it is committed."""
        if self.integers is not None:
            numbers = b"".join(w.to_bytes(8, "big", signed=True) for w in self.integers)
            recorder.public(Label("weights"), numbers)
        matrix = recorder.statement_matrix(Label("records"), records)
        if self.points is None:
            return matrix, None
        return matrix, recorder.statement_matrix(Label("W"), self.points)

    def at(self, recorder: Recorder, size: Size, classes: Sequence[int], columns: Sequence[int]) -> Form:
        """W̃ of public weights at a point."""
        assert self.integers is not None
        r = recorder.suite.r
        pairs = [(a, b) for a in eq_table(r, classes)[: size.c] for b in eq_table(r, columns)[: size.p]]
        return recorder.constant(sum(a * b * w for (a, b), w in zip(pairs, self.integers, strict=True)))


@dataclass(frozen=True)
class Sent:
    """The matrices sent inside the proof: digits of margins, digits 1, 2, … of W, and multiplicities."""

    digits: list[Matrix]
    limbs: list[Matrix]
    multiplicities: list[Matrix]


def digit_rows(r: int, size: Size, point: Sequence[int]) -> list[int]:
    """Weights of a digit's rows: row (k, a) has the index k·2^{ν−q} + a."""
    table, step = eq_table(r, point), 1 << (size.nu - size.q)
    return [table[k * step + a] for k in range(size.c) for a in range(size.record_rows)]


def send_columns(recorder: Recorder, size: Size, digits: Digits) -> Sent:
    """Step 2: digits and their multiplicities."""
    count = digits.margins + digits.weights
    rows = size.c * size.record_rows
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
    """R5, step 4: all digits are in [−h, h]. None without digits."""
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


def ones(r: int, size: Size, kappa: Sequence[int], rho: Sequence[int]) -> int:
    """Ĩ(κ, ρ)."""
    return count_below(r, size.c, kappa)[0] * count_below(r, size.n, rho)[0] % r


def margin(
    recorder: Recorder,
    size: Size,
    digits: Digits,
    ends: Sequence[Form],
    kappa: Sequence[int],
    rho: Sequence[int],
) -> Form:
    """H·Ĩ(κ, ρ) + Σ_l m^l·d̃_l."""
    total = recorder.constant(digits.most(digits.margins) * ones(recorder.suite.r, size, kappa, rho))
    return sum((digits.m**i * digit for i, digit in enumerate(ends)), total)


@dataclass(frozen=True)
class Logit:
    """θ, x_θ and ω_θ of a logit."""

    theta: Sequence[int]
    x: Form
    omega: Form


def logit(recorder: Recorder, size: Size, weights: Weights, z: Form, kappa: Sequence[int]) -> Logit:
    """R5, step 9."""
    theta, S = plain_sumcheck(recorder, size.q, z, "logit")
    x, *rest = recorder.commit(Label("logit/ends"), 1 if weights.points is None else 2)
    omega = rest[0] if rest else weights.at(recorder, size, kappa, theta)
    recorder.require(-S, (x, omega))
    return Logit(theta, x, omega)


def open_look_ups(
    recorder: Recorder, size: Size, digits: Digits, sent: Sent, W: Matrix | None, sums: Sums
) -> None:
    """R5, step 10 from the look-ups' final point on; W only where it has digits."""
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
