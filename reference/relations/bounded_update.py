"""R1, bounded update: |x_j| ≤ B for every j, Σ x_j² ≤ B2², and zero beyond d."""

from collections.abc import Sequence
from dataclasses import dataclass

from reference.closing import close
from reference.errors import demand
from reference.forms import Form
from reference.gadgets import Norm, Rule, Tree, bits, eq_table, fractional_sums, log2_ceiling
from reference.group import Point, Suite
from reference.recorder import Columns, Matrix, Recorder
from reference.relations.plain_opening import padding
from reference.statement import Context, Shape, absorb_context, absorb_shape
from reference.transcript import Label, scalar_bytes, u64


@dataclass(frozen=True)
class Bounds:
    """B, B2² and the limb base m (0: no limbs)."""

    max_abs: int
    max_norm_squared: int
    limb: int

    def check(self, suite: Suite, d: int) -> None:
        """The limits of the statement."""
        B, m = self.max_abs, self.limb
        demand(1 <= B <= 1 << 20, "statement", "the bound B is out of range")
        demand(self.max_norm_squared >= 1 and self.slack_bits <= 120, "statement", "B2² is out of range")
        demand(m == 0 or 2 <= m <= B, "statement", "no such limb")
        demand(d * B * B + 2**self.slack_bits < suite.r, "statement", "the norm could wrap around")

    @property
    def slack_bits(self) -> int:
        """κ, the bit length of B2²."""
        return self.max_norm_squared.bit_length()

    def digits(self) -> list[tuple[int, int]]:
        """(μ_i, β_i): x = Σ μ_i·x^(i) with |x^(i)| ≤ β_i."""
        B, m = self.max_abs, self.limb
        if m == 0:
            return [(1, B)]
        low = m // 2 + (B - m // 2) % m
        return [(1, low), (m, (B - low) // m)]


def count_below(r: int, N: int, p: Sequence[int]) -> tuple[int, int]:
    """cnt = Σ_{t<N} eq(p, t) and tot = Σ_{t<N} eq(p, t)·t, for 1 ≤ N ≤ 2^k and p of k coordinates."""
    k = len(p)

    def rest(start: int) -> int:
        return sum(p[f] * 2 ** (k - 1 - f) for f in range(start, k))

    if N.bit_length() > k:  # N = 2^k
        return 1, rest(0) % r
    count = total = offset = 0
    prefix = 1  # eq of p and the bits of N so far
    for i in range(k):
        place = k - 1 - i
        if N >> place & 1:
            below = prefix * (1 - p[i]) % r
            count += below
            total += below * (offset + rest(i + 1))
            prefix = prefix * p[i] % r
            offset += 1 << place
        else:
            prefix = prefix * (1 - p[i]) % r
    return count % r, total % r


def table_value(r: int, bound: int, p: Sequence[int]) -> int:
    """T̃(p): the extension of the entries t − bound for t ≤ 2·bound, and 0 from there on."""
    count, total = count_below(r, 2 * bound + 1, p)
    return (total - bound * count) % r


def verify(recorder: Recorder, context: Context, shape: Shape, bounds: Bounds, rows: Sequence[Point]) -> None:
    """Returns if the proof is accepted, raises Refused if not."""
    shape.check()
    bounds.check(recorder.suite, shape.d)
    demand(len(rows) == shape.rows, "shape", "not R rows")
    absorb_context(recorder, "bounded update", context)
    absorb_shape(recorder, shape)
    limits = u64(bounds.max_abs) + scalar_bytes(bounds.max_norm_squared) + u64(bounds.limb)
    recorder.public(Label("bounds"), limits)
    x = recorder.statement_matrix(Label("x"), rows)
    relation(recorder, shape, bounds, x)
    close(recorder)


def relation(recorder: Recorder, shape: Shape, bounds: Bounds, x: Matrix) -> None:
    """Steps 2 to 8."""
    r = recorder.suite.r
    C, c = shape.columns, log2_ceiling(shape.columns)
    n = log2_ceiling(shape.rows) + c
    digits = bounds.digits()
    depths = [max((2 * bound).bit_length(), c) for _, bound in digits]

    # 2. Columns
    hi = recorder.sent_matrix(Label("limb", 1), shape.rows) if bounds.limb else None
    multiplicities = [recorder.sent_matrix(Label("m", i), 2**k // C) for i, k in enumerate(depths)]

    # 3. Norm slack
    slack = bits(recorder, Label("slack"), bounds.slack_bits)

    # 4. α
    alpha = recorder.full(Label("alpha"), sum(2**n + 2**k for k in depths))

    # 5. Look-ups
    def value_rule(y: Form, _: Sequence[int]) -> tuple[Form, Form]:
        return recorder.constant(1), alpha - y

    def table_rule(bound: int) -> Rule:
        return lambda y, p: (y, recorder.constant(alpha - table_value(r, bound, p)))

    trees = [Tree(n, value_rule) for _ in digits]
    trees += [Tree(k, table_rule(bound)) for k, (_, bound) in zip(depths, digits, strict=True)]
    norm = Norm({i: mu for i, (mu, _) in enumerate(digits)}, bounds.max_norm_squared - slack)
    sums = fractional_sums(recorder, trees, norm)

    # 6. Roots
    for i in range(len(digits)):
        (P_x, Q_x), (P_T, Q_T) = sums.roots[i], sums.roots[len(digits) + i]
        recorder.require(recorder.constant(0), (P_x, Q_T), (-P_T, Q_x))

    # 7. Openings
    column_bits = len(sums.point) - c
    columns = Columns(eq_table(r, sums.point[column_bits:]))

    def open_at_point(matrix: Matrix, row_bits: int, value: Form) -> None:
        weights = eq_table(r, sums.point[column_bits - row_bits : column_bits])
        recorder.open(matrix, weights[: len(matrix.rows)], columns, value)

    whole = sum((mu * sums.values[i] for i, (mu, _) in enumerate(digits)), recorder.constant(0))
    open_at_point(x, n - c, whole)
    if hi is not None:
        open_at_point(hi, n - c, sums.values[1])
    for i, k in enumerate(depths):
        open_at_point(multiplicities[i], k - c, sums.values[len(digits) + i])

    # 8. Padding
    padding(recorder, shape, x)
