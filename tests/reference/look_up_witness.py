"""What an honest prover of look-ups commits to in fractional sums, by brute force from spec/recorder.md §5."""

from collections.abc import Sequence

from reference.gadgets import eq_table
from reference.transcript import Label
from tests.reference.prover import Prover, fold, quadratic


class LookUpWitness:
    """Columns `values[t]`, each looked up in a table of its own of −bound … bound and then zeros."""

    def __init__(self, r: int, values: Sequence[list[int]], bounds: Sequence[int], columns: int) -> None:
        self.r = r
        self.values = list(values)
        self.weights = [0] * len(values)  # of the norm
        self.counts = []
        self.tables = []
        for numbers, bound in zip(values, bounds, strict=True):
            size = 1 << max((2 * bound).bit_length(), columns.bit_length() - 1)
            self.tables.append([t - bound if t <= 2 * bound else 0 for t in range(size)])
            self.counts.append([numbers.count(t - bound) if t <= 2 * bound else 0 for t in range(size)])
        self.layers: list[list[tuple[list[int], list[int]]]] = []  # by tree, from the root

    def trees(self, alpha: int) -> None:
        r = self.r
        leaves = [([1] * len(v), [alpha - y for y in v]) for v in self.values]
        leaves += [(m, [alpha - t for t in T]) for m, T in zip(self.counts, self.tables, strict=True)]
        for P, Q in leaves:
            layers = [(P, Q)]
            while len(P) > 1:
                P, Q = (
                    [
                        (a * d + b * c) % r
                        for a, b, c, d in zip(P[::2], P[1::2], Q[::2], Q[1::2], strict=True)
                    ],
                    [a * b % r for a, b in zip(Q[::2], Q[1::2], strict=True)],
                )
                layers.insert(0, (P, Q))
            self.layers.append(layers)

    def sums(self, prover: Prover, label: Label, norm: bool) -> list[int]:
        """The slots of a message of the fractional sums; `norm` if one is asked for."""
        r, name, j = self.r, label.name, label.i
        if name == "gkr/roots":
            self.trees(prover.challenges[Label("alpha")])
            return [part[0] for layers in self.layers for part in layers[0]]
        depth = max(map(len, self.layers)) - 1
        joins = [depth - len(layers) + 1 for layers in self.layers]
        live = [t for t, first in enumerate(joins) if first <= j]
        if name == "gkr/round":
            return self.round(prover, j, label.j, [(t, j - joins[t]) for t in live], norm and j == depth - 1)
        assert name == "gkr/ends"
        rho = prover.drawn("gkr/rho", j, j)
        columns = [*self.values, *self.counts]
        out = []
        for t in live:
            parts = [columns[t]] if j == depth - 1 else self.layers[t][j - joins[t] + 1]
            out += [fold(r, part[b::2], rho[joins[t] :])[0] for part in parts for b in (0, 1)]
        return out

    def round(self, prover: Prover, j: int, i: int, live: list[tuple[int, int]], norm: bool) -> list[int]:
        """The slots of a round; `live` has the live trees and the numbers of variables of their claims."""
        r, lam = self.r, prover.challenges[Label("gkr/lambda", j)]
        rho = prover.drawn("gkr/rho", j, i)
        anchor = [*prover.drawn("gkr/rho", j - 1, j - 1), prover.challenges[Label("gkr/xi", j - 1)]]

        def weighted(X: int) -> int:
            total = 0
            for t, variables in live:
                if i >= variables:
                    continue  # a constant, which touches neither c_1 nor c_2
                parts = self.layers[t][variables + 1]
                P0, P1, Q0, Q1 = (fold(r, part[b::2], [X, *rho]) for part in parts for b in (0, 1))
                eq = eq_table(r, anchor[j - variables : j - 1 - i])
                for weight, p0, p1, q0, q1 in zip(eq, P0, P1, Q0, Q1, strict=True):
                    total += pow(lam, 2 * t, r) * weight * (p0 * q1 + p1 * q0 + lam * q0 * q1)
            return total % r

        _, c1, c2 = quadratic(r, weighted)
        variables = len(self.values[0]).bit_length() - 2  # n − 1
        if not norm or i >= variables:
            return [c1, c2]
        column = [
            sum(mu * v for mu, v in zip(self.weights, vs, strict=True))
            for vs in zip(*self.values, strict=True)
        ]

        def plain(X: int) -> int:
            return sum(v * v for b in (0, 1) for v in fold(r, column[b::2], [X, *rho])) % r

        a0, _, a2 = quadratic(r, plain)
        return [c1, c2, a0, a2]
