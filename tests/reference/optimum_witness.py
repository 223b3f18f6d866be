"""What an honest prover of the optimum commits to, by brute force from the formulas of the page."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reference.commitment import commit
from reference.gadgets import eq_table
from reference.group import Point, Suite
from reference.relations.head import Digits, Size
from reference.relations.optimum import Objective, Statement
from reference.statement import Shape
from reference.transcript import Label
from tests.reference.look_up_witness import LookUpWitness
from tests.reference.prover import Prover, fold, quadratic


@dataclass(frozen=True)
class Problem:
    """Records with their classes, and W by class."""

    X: list[list[int]]  # the bias included
    classes: list[int]
    W: list[list[int]]

    @property
    def size(self) -> Size:
        return Size(len(self.X), len(self.W[0]), len(self.W))

    @property
    def rows(self) -> list[list[int]]:
        """The records' rows: features, then the one-hot label."""
        c = len(self.W)
        return [[*x, *(int(k == own) for k in range(c))] for x, own in zip(self.X, self.classes, strict=True)]

    def margins(self, one: int) -> list[list[tuple[int, int]]]:
        """(y, V) by class and record."""
        out = []
        for k, w in enumerate(self.W):
            signs = [1 if own == k else -1 for own in self.classes]
            Z = [sum(a * b for a, b in zip(x, w, strict=True)) for x in self.X]
            out.append([(y, one - y * z) for y, z in zip(signs, Z, strict=True)])
        return out

    def residual(self, objective: Objective) -> list[list[int]]:
        """E by class and column."""
        out = []
        for w, margins in zip(self.W, self.margins(objective.one), strict=True):
            A = [y * (max(0, V) if objective.hinge else V) for y, V in margins]
            out.append(
                [
                    objective.regularisation * w[j] - sum(x[j] * a for x, a in zip(self.X, A, strict=True))
                    for j in range(len(w))
                ]
            )
        return out

    def norm(self, objective: Objective) -> int:
        """Σ E²."""
        return sum(e * e for row in self.residual(objective) for e in row)


def made_up(n: int, p: int, c: int, seed: int = 1) -> Problem:
    """Some records and some weights, all small."""
    choice = random.Random(seed)
    X = [[choice.randint(-5, 5) for _ in range(p - 1)] + [32] for _ in range(n)]
    W = [[choice.randint(-2, 2) for _ in range(p)] for _ in range(c)]
    return Problem(X, [choice.randrange(c) for _ in range(n)], W)


def expand(number: int, digits: Digits, count: int) -> list[int]:
    """Digits in [−h, h], least first; the last takes what is left, also if it is no digit."""
    out = []
    for _ in range(count - 1):
        digit = (number + digits.h) % digits.m - digits.h
        out.append(digit)
        number = (number - digit) // digits.m
    return [*out, number]


def flat(table: Sequence[Sequence[int]], rows: int, columns: int) -> list[int]:
    """One table with 2^rows rows of 2^columns entries, padded with zeros."""
    out = [[*row, *[0] * (2**columns - len(row))] for row in table]
    return [entry for row in [*out, *[[0] * 2**columns] * (2**rows - len(out))] for entry in row]


class HeadWitness(LookUpWitness):
    """What R5 and R6 commit to alike."""

    size: Size
    digits: Digits
    margin_digits: list[list[list[int]]]  # by digit, class and record
    X: list[int]
    W: list[int]

    def first(self, table: Sequence[int], point: Sequence[int]) -> list[int]:
        """The table with its first variables set to the point."""
        width = len(table) >> len(point)
        weights = eq_table(self.r, point)
        return [
            sum(weight * table[i * width + j] for i, weight in enumerate(weights)) % self.r
            for j in range(width)
        ]

    def product_round(self, A: Sequence[int], B: Sequence[int], rho: Sequence[int]) -> list[int]:
        """a_0, a_2 of a plain round for Σ A·B."""
        r = self.r

        def q(X: int) -> int:
            pairs = zip(fold(r, A, [X, *rho]), fold(r, B, [X, *rho]), strict=True)
            return sum(a * b for a, b in pairs) % r

        a0, _, a2 = quadratic(r, q)
        return [a0, a2]

    def digit_rows(self, i: int) -> list[int]:
        """All entries of the matrix of digit i."""
        C = self.size.columns
        rows = [row[a : a + C] for row in self.margin_digits[i] for a in range(0, self.size.n, C)]
        return [entry for row in rows for entry in [*row, *[0] * (C - len(row))]]

    def logit(
        self, prover: Prover, label: Label, kappa: Sequence[int], rho: Sequence[int], public: bool
    ) -> list[int]:
        """The slots of a message of R5's step 9."""
        X_rho, W_kappa = self.first(self.X, rho), self.first(self.W, kappa)
        if label.name == "logit/round":
            return self.product_round(X_rho, W_kappa, prover.drawn("logit/rho", 0, label.j))
        assert label.name == "logit/ends"
        theta = prover.drawn("logit/rho", 0, self.size.q)
        ends = [*fold(self.r, X_rho, theta), *fold(self.r, W_kappa, theta)]
        return ends[:1] if public else ends


class OptimumWitness(HeadWitness):
    """What R5 commits to, by label. `absolute` is what the prover takes for |·|."""

    def __init__(
        self,
        r: int,
        problem: Problem,
        objective: Objective,
        digits: Digits,
        absolute: Callable[[int], int] = abs,
    ) -> None:
        size = problem.size
        self.size, self.objective, self.digits = size, objective, digits
        K, nu, q = size.class_bits, size.nu, size.q
        margins = problem.margins(objective.one)
        H = digits.most(digits.margins)
        N = [[absolute(V) for _, V in row] for row in margins] if objective.hinge else []
        split = [[expand(v - H, digits, digits.margins) for v in row] for row in N]
        weights = [[expand(w, digits, digits.weights) for w in row] for row in problem.W]
        self.margin_digits = [[[parts[i] for parts in row] for row in split] for i in range(digits.margins)]
        self.weight_digits = [[[parts[i] for parts in row] for row in weights] for i in range(digits.weights)]
        values = [flat(table, K, nu) for table in self.margin_digits]
        values += [flat(table, K, q) for table in self.weight_digits]
        super().__init__(r, values, [digits.h] * len(values), size.columns)
        self.N_digits = self.values[: digits.margins]  # what is claimed at the end of the hinge's sumcheck
        self.N = flat(N, K, nu)
        self.Y = flat([[y for y, _ in row] for row in margins], K, nu)
        self.O = flat([[int(y > 0) for y, _ in row] for row in margins], K, nu)
        self.Z = flat([[y * (objective.one - V) for y, V in row] for row in margins], K, nu)
        self.X = flat(problem.X, nu, q)
        self.W = flat(problem.W, K, q)
        if objective.hinge:
            A = [(objective.one * y - z + y * v) // 2 for y, z, v in zip(self.Y, self.Z, self.N, strict=True)]
        else:
            A = [objective.one * y - z for y, z in zip(self.Y, self.Z, strict=True)]
        self.A = A
        by_class = [A[k * 2**nu :][: size.n] for k in range(size.c)]
        E = [
            [
                objective.regularisation * w - sum(x[j] * a for x, a in zip(problem.X, row, strict=True))
                for j, w in enumerate(own)
            ]
            for own, row in zip(problem.W, by_class, strict=True)
        ]
        self.E = flat(E, K, q)
        slack = objective.max_residual_squared - sum(e * e for e in self.E)
        self.slack = [slack >> i & 1 for i in range(objective.slack_bits)]

    def __call__(self, prover: Prover, label: Label) -> list[int]:
        name, size = label.name, self.size
        K, nu, q, C = size.class_bits, size.nu, size.q, size.columns
        if name == "digit":
            return self.digit_rows(label.i)
        if name == "limb":
            return [entry for row in self.weight_digits[label.i] for entry in [*row, *[0] * (C - len(row))]]
        if name == "m":
            return self.counts[label.i]
        if name == "slack":
            return self.slack
        if name.startswith("gkr/"):
            return self.sums(prover, label, norm=False)
        r = self.r
        if name == "norm/round":
            return self.product_round(self.E, self.E, prover.drawn("norm/rho", 0, label.j))
        vu = prover.drawn("norm/rho", 0, K + q)
        v, u = vu[:K], vu[K:]
        if name == "norm/end":
            return fold(r, self.E, vu)
        if name == "weights/at":
            return fold(r, self.W, vu)
        X_u, A_v = fold(r, self.X, u), self.first(self.A, v)
        if name == "gradient/round":
            return self.product_round(X_u, A_v, prover.drawn("gradient/rho", 0, label.j))
        at = prover.drawn("gradient/rho", 0, nu)
        if name == "gradient/ends":
            return [*fold(r, X_u, at), *fold(r, A_v, at)]
        if name == "ridge/ends":
            return [*fold(r, self.O, [*v, *at]), *fold(r, self.Z, [*v, *at])]
        if name == "hinge/round":
            return self.hinge_round(prover, label.j, X_u, [*v, *at])
        both = prover.drawn("hinge/rho", 0, K + nu) if self.objective.hinge else [*v, *at]
        kappa, rho = both[:K], both[K:]
        if name == "hinge/ends":
            tables = [self.O, self.Z, *self.N_digits]
            return [*(fold(r, table, both)[0] for table in tables), *fold(r, X_u, rho)]
        return self.logit(prover, label, kappa, rho, public=not self.digits.weights)

    def hinge_round(self, prover: Prover, i: int, X_u: list[int], anchor: list[int]) -> list[int]:
        """c_1, c_2: f_1 over all variables, f_2 over the last ν."""
        r, one, nu = self.r, self.objective.one, self.size.nu
        half, gamma = pow(2, -1, r), prover.challenges[Label("hinge/gamma")]
        rho = prover.drawn("hinge/rho", 0, i)
        bound = len(anchor) - 1 - i

        def f(X: int) -> int:
            total = 0
            tables = [fold(r, table, [X, *rho]) for table in (self.Y, self.Z, self.N)]
            for weight, y, z, n in zip(eq_table(r, anchor[:bound]), *tables, strict=True):
                loss = half * (one * y - z + y * n)
                total += weight * (loss + gamma * (z * z - 2 * one * y * z - n * n))
            if i < nu:
                weights = eq_table(r, anchor[len(anchor) - nu : bound])
                pairs = zip(weights, fold(r, X_u, [X, *rho]), strict=True)
                total += gamma * gamma * sum(weight * x for weight, x in pairs)
            return total % r

        return list(quadratic(r, f)[1:])


def committed(suite: Suite, rows: list[list[int]], seed: int) -> tuple[list[Point], list[int], list[int]]:
    """Points, numbers and blinds of a matrix."""
    numbers = [entry for row in rows for entry in row]
    blinds = [random.Random(1000 * seed + i).randrange(suite.r) for i in range(len(rows))]
    return commit(suite, Shape(len(numbers), len(rows[0])), numbers, blinds), numbers, blinds


def state(suite: Suite, problem: Problem, objective: Objective, digits: Digits, public: bool) -> Statement:
    """The statement; with B2² = 0 in the objective, exactly Σ E² is taken for it."""
    if not objective.max_residual_squared:
        objective = replace(objective, max_residual_squared=problem.norm(objective))
    records, _, _ = committed(suite, problem.rows, 1)
    points, integers, _ = committed(suite, problem.W, 2)
    return Statement(
        problem.size,
        objective,
        digits,
        records,
        integers if public else None,
        None if public else points,
    )


def prover_of(
    suite: Suite,
    problem: Problem,
    statement: Statement,
    absolute: Callable[[int], int] = abs,
) -> Prover:
    """A prover that holds the problem as its witness."""
    named = {}
    for name, rows, seed in (("records", problem.rows, 1), ("W", problem.W, 2)):
        _, numbers, blinds = committed(suite, rows, seed)
        named[name] = (len(rows[0]), numbers, blinds)
    witness = OptimumWitness(suite.r, problem, statement.objective, statement.digits, absolute)
    return Prover(suite, witness, (statement.size.columns, [], []), named)
