"""What an honest prover of an accuracy commits to, by brute force from the formulas of the page."""

import random
from collections.abc import Sequence

from reference.gadgets import eq_table
from reference.group import Suite
from reference.relations.accuracy import Statement
from reference.relations.head import Digits
from reference.transcript import Label
from tests.reference.optimum_witness import HeadWitness, Problem, committed, expand, flat
from tests.reference.prover import Prover, fold, quadratic

Table = list[list[int]]  # by class and record


def logits(problem: Problem) -> Table:
    """Z."""
    return [[sum(a * b for a, b in zip(x, w, strict=True)) for x in problem.X] for w in problem.W]


def leads(problem: Problem) -> list[int]:
    """By record, Z_iy − Z_ik − 1 for the rival that comes closest: negative where the record does not count."""
    Z = logits(problem)
    return [
        min(Z[own][i] - Z[k][i] - 1 for k in range(len(Z)) if k != own)
        for i, own in enumerate(problem.classes)
    ]


def right(problem: Problem) -> list[int]:
    """The records that are classified correctly."""
    return [i for i, lead in enumerate(leads(problem)) if lead >= 0]


def made_up(n: int, p: int, c: int, seed: int = 1) -> Problem:
    """Records of which every third, from the second on, has the class that scores least."""
    choice = random.Random(seed)
    W = [[choice.randint(-9, 9) for _ in range(p - 1)] + [choice.randint(-1, 1)] for _ in range(c)]
    X = [[choice.randint(-20, 20) for _ in range(p - 1)] + [32] for _ in range(n)]
    Z = logits(Problem(X, [0] * n, W))
    classes = []
    for i in range(n):
        scores = [row[i] for row in Z]
        classes.append(scores.index(min(scores) if i % 3 == 1 else max(scores)))
    return Problem(X, classes, W)


def bits(problem: Problem, digits: Digits, T: int) -> list[int]:
    """b of an honest prover."""
    Z, most = logits(problem), 2 * digits.most(digits.margins)
    fitting = [i for i in right(problem) if all(Z[problem.classes[i]][i] - row[i] - 1 <= most for row in Z)]
    assert len(fitting) >= T, "no honest prover could"
    return [int(i in fitting[:T]) for i in range(problem.size.n)]


class AccuracyWitness(HeadWitness):
    """What R6 commits to, by label.

    b may be longer than there are records. Of t and D those that follow from b are taken if they are not given.
    """

    def __init__(
        self,
        r: int,
        problem: Problem,
        digits: Digits,
        public: bool,
        b: Sequence[int],
        t: Sequence[int] | None = None,
        D: Table | None = None,
    ) -> None:
        size = problem.size
        self.size, self.digits, self.public = size, digits, public
        n, c, K, nu, q = size.n, size.c, size.class_bits, size.nu, size.q
        Z, own = logits(problem), problem.classes
        label = [[int(k == y) for y in own] for k in range(c)]
        if t is None:
            t = [b[i] * Z[own[i]][i] for i in range(n)]
        if D is None:
            D = [[b[i] * (Z[own[i]][i] - Z[k][i] - 1 + label[k][i]) for i in range(n)] for k in range(c)]
        H = digits.most(digits.margins)
        split = [[expand(lead - H, digits, digits.margins) for lead in row] for row in D]
        self.margin_digits = [[[parts[i] for parts in row] for row in split] for i in range(digits.margins)]
        values = [flat(table, K, nu) for table in self.margin_digits]
        super().__init__(r, values, [digits.h] * len(values), size.columns)
        self.D_digits = self.values  # what is claimed at the end of the sumcheck
        self.D, self.O, self.Z = (flat(table, K, nu) for table in (D, label, Z))
        self.I = flat([[1] * n] * c, K, nu)
        self.J, self.b, self.t = ([*row, *[0] * (2**nu - len(row))] for row in ([1] * n, b, t))
        entries = size.record_rows * size.columns
        self.sent_b, self.sent_t = self.b[:entries], self.t[:entries]
        self.X, self.W = flat(problem.X, nu, q), flat(problem.W, K, q)

    @property
    def b_by_class(self) -> list[int]:
        """[k < c]·b_i."""
        return flat([self.b] * self.size.c, self.size.class_bits, self.size.nu)

    def anchor(self, prover: Prover) -> list[int]:
        """τ, whose coordinates are drawn one after the other."""
        K, nu = self.size.class_bits, self.size.nu
        return [prover.challenges[Label("accuracy/tau", 0, i)] for i in range(K + nu)]

    def top(self, prover: Prover) -> int:
        """t̃(r)."""
        return fold(self.r, self.t, self.anchor(prover)[self.size.class_bits :])[0]

    def __call__(self, prover: Prover, label: Label) -> list[int]:
        name, K, nu = label.name, self.size.class_bits, self.size.nu
        if name == "correct":
            return self.sent_b
        if name == "top":
            return self.sent_t
        if name == "digit":
            return self.digit_rows(label.i)
        if name == "m":
            return self.counts[label.i]
        if name.startswith("gkr/"):
            return self.sums(prover, label, norm=False)
        if name == "accuracy/top":
            return [self.top(prover)]
        if name == "accuracy/round":
            return self.accuracy_round(prover, label.j)
        point = prover.drawn("accuracy/rho", 0, K + nu)
        kappa, rho = point[:K], point[K:]
        if name == "accuracy/ends":
            tables = [self.O, self.Z, *self.D_digits]
            return [*(fold(self.r, table, point)[0] for table in tables), *fold(self.r, self.b, rho)]
        return self.logit(prover, label, kappa, rho, self.public)

    def accuracy_round(self, prover: Prover, i: int) -> list[int]:
        """c_1, c_2: f_1 over all variables, f_2 over the last ν."""
        r, nu, tau = self.r, self.size.nu, self.anchor(prover)
        gamma = prover.challenges[Label("accuracy/gamma")]
        rho = prover.drawn("accuracy/rho", 0, i)
        bound = len(tau) - 1 - i

        def f(X: int) -> int:
            total = 0
            tables = [
                fold(r, table, [X, *rho]) for table in (self.D, self.O, self.b_by_class, self.Z, self.I)
            ]
            for weight, D, o, b, z, one in zip(eq_table(r, tau[:bound]), *tables, strict=True):
                total += weight * (D * (1 + gamma * o) + b * (z + one - o))
            if i < nu:
                weights = eq_table(r, tau[len(tau) - nu : bound])
                pairs = (fold(r, table, [X, *rho]) for table in (self.b, self.J))
                for weight, b, inside in zip(weights, *pairs, strict=True):
                    total += weight * gamma * gamma * (b * b - inside * b)
            return total % r

        return list(quadratic(r, f)[1:])


def state(suite: Suite, problem: Problem, s: int, T: int, digits: Digits, public: bool) -> Statement:
    """The statement."""
    records, _, _ = committed(suite, problem.rows, 1)
    points, integers, _ = committed(suite, problem.W, 2)
    return Statement(
        problem.size,
        s,
        T,
        digits,
        records,
        integers if public else None,
        None if public else points,
    )


def prover_of(
    suite: Suite,
    problem: Problem,
    statement: Statement,
    b: Sequence[int] | None = None,
    t: Sequence[int] | None = None,
    D: Table | None = None,
    witness: type[AccuracyWitness] = AccuracyWitness,
) -> Prover:
    """A prover that holds the problem as its witness; an honest one without b, t, D."""
    named = {}
    for name, rows, seed in (("records", problem.rows, 1), ("W", problem.W, 2)):
        _, numbers, blinds = committed(suite, rows, seed)
        named[name] = (len(rows[0]), numbers, blinds)
    if b is None:
        b = bits(problem, statement.digits, statement.correct)
    held = witness(suite.r, problem, statement.digits, statement.integers is not None, b, t, D)
    return Prover(suite, held, (statement.size.columns, [], []), named)
