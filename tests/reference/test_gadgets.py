"""Sumchecks and fractional sums by themselves, also in shapes that no relation has."""

import random
from collections.abc import Sequence

import pytest

from reference.forms import Form
from reference.gadgets import Norm, Tree, eq_table, fractional_sums, sumcheck
from reference.group import PALLAS
from reference.relations.bounded_update import Bounds
from reference.statement import Shape
from reference.transcript import Label
from tests.reference.bounded_witness import BoundedWitness
from tests.reference.prover import Prover, quadratic

r = PALLAS.r


def extension(table: Sequence[int], point: Sequence[int]) -> int:
    return sum(a * b for a, b in zip(eq_table(r, point), table, strict=True)) % r


class Quadratic:
    """f = Ã·B̃ for random tables of 2^variables numbers."""

    def __init__(self, choice: random.Random, variables: int) -> None:
        self.variables = variables
        self.A, self.B = ([choice.randrange(r) for _ in range(1 << variables)] for _ in range(2))

    def __call__(self, point: Sequence[int]) -> int:
        """f at the last coordinates of the point."""
        own = point[len(point) - self.variables :]
        return extension(self.A, own) * extension(self.B, own) % r


def corners(variables: int) -> list[list[int]]:
    return [[v >> (variables - 1 - k) & 1 for k in range(variables)] for v in range(1 << variables)]


@pytest.mark.parametrize(
    ("rounds", "weighted", "plain"),
    [
        (3, [3], None),
        (3, [], 3),
        (3, [3, 1, 0, 3, 2], None),
        (3, [3, 1, 0], 2),
        (3, [3, 2], 3),
        (2, [1], 2),
        (2, [2], 0),
        (1, [1, 0], 1),
        (0, [0, 0], 0),
        (0, [], 0),
    ],
)
def test_sumcheck(rounds: int, weighted: list[int], plain: int | None) -> None:
    """The prover's q sums over all variables, so it takes claims over fewer for functions of all of them."""
    choice = random.Random(3)
    anchor = [choice.randrange(r) for _ in range(rounds)]
    fs = [Quadratic(choice, variables) for variables in weighted]
    g = Quadratic(choice, plain or 0)
    counts: list[int] = []

    def witness(prover: Prover, label: Label) -> list[int]:
        assert label.name == "message"
        rho = prover.drawn("challenge", 7, label.j)
        left = rounds - 1 - label.j
        eq = eq_table(r, anchor[:left])

        def q(X: int) -> int:
            points = [[*v, X, *rho] for v in corners(left)]
            return sum(w * f(v) for f in fs for w, v in zip(eq, points, strict=True)) % r

        def p(X: int) -> int:
            return sum(g([*v, X, *rho]) for v in corners(g.variables - 1 - label.j)) % r

        slots = list(quadratic(r, q)[1:]) if fs else []
        if plain is not None and label.j < plain:
            slots += quadratic(r, p)[::2]
        counts.append(len(slots))
        return slots

    prover = Prover(PALLAS, witness, (4, [], []))
    T = sum(w * f(v) for f in fs for w, v in zip(eq_table(r, anchor), corners(rounds), strict=True))
    S = sum(map(g, corners(g.variables)))
    point, T_end, S_end = sumcheck(
        prover,
        rounds,
        anchor,
        Form(r, T) if fs else None,
        None if plain is None else (Form(r, S), plain),
        (lambda i: Label("message", 7, i), lambda i: Label("challenge", 7, i)),
    )
    assert list(prover.challenges) == [Label("challenge", 7, i) for i in range(rounds)]
    assert point == list(prover.challenges.values())[::-1]
    assert counts == [2 * bool(fs) + 2 * (i < (plain or 0)) for i in range(rounds)]
    assert (T_end is not None) == bool(fs)
    assert (S_end is not None) == (plain is not None)
    assert T_end is None or prover.at(T_end) == sum(f(point) for f in fs) % r
    assert S_end is None or prover.at(S_end) == g(point)


@pytest.mark.parametrize("x", [[1, -2], [1, -2, 0, 2], [1, -2, 0, 2, 2, 0, 0, 0]])
def test_fractional_sums_of_one_tree(x: list[int]) -> None:
    """Without a table tree, so that there is one of depth 1 and no round: the relations have no such case."""
    depth = len(x).bit_length() - 1
    witness = BoundedWitness(r, x, Shape(len(x), 2), Bounds(2, 100, 0))
    witness.counts = witness.tables = []
    prover = Prover(PALLAS, witness, (2, x, []))
    alpha = prover.full(Label("alpha"), 0)
    tree = Tree(depth, lambda y, _: (prover.constant(1), alpha - y))
    norm = Norm({0: 1}, prover.constant(sum(v * v for v in x)))
    sums = fractional_sums(prover, [tree], norm)
    inner = [count for j in range(depth - 1) for count in [*[2] * j, 4]]
    assert [message.count for message in prover.messages] == [2, *inner, *[4] * (depth - 1), 2]
    for product in prover.products:
        total = prover.at(product.linear) + sum(prover.at(a) * prover.at(b) for a, b in product.pairs)
        assert total % r == 0
    ((P, Q),) = sums.roots
    assert prover.at(P) == sum(prover.at(Q) * pow(alpha - v, -1, r) for v in x) % r
    assert prover.at(sums.values[0]) == extension(x, sums.point)
