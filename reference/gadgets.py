"""Multilinear weights, range bits, committed sumchecks, fractional sums: recorder.md §2 to §5."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reference.forms import Form
from reference.recorder import Recorder
from reference.transcript import Label

Rule = Callable[[Form, Sequence[int]], tuple[Form, Form]]


def eq_table(r: int, y: Sequence[int]) -> list[int]:
    """eq(y, v) for v = 0, 1, …; y_0 belongs to the top bit of v."""
    table = [1]
    for coordinate in y:
        table = [weight * factor % r for weight in table for factor in (1 - coordinate, coordinate)]
    return table


def log2_ceiling(count: int) -> int:
    """⌈log2 count⌉ for count ≥ 1."""
    return (count - 1).bit_length()


def bits(recorder: Recorder, label: Label, count: int) -> Form:
    """A number in [0, 2^count), from committed bits with the least significant first."""
    slots = recorder.commit(label, count)
    for bit in slots:
        recorder.require(-bit, (bit, bit))
    return sum((2**i * bit for i, bit in enumerate(slots)), recorder.constant(0))


def sumcheck(
    recorder: Recorder,
    rounds: int,
    anchor: Sequence[int],
    weighted: Form | None,
    plain: tuple[Form, int] | None,
    labels: tuple[Callable[[int], Label], Callable[[int], Label]],
) -> tuple[list[int], Form | None, Form | None]:
    """The point ρ, T and S, each of these two None without such a claim.

    `weighted` is the sum of all weighted claims, `plain` the plain claim and the number of its variables.
    `labels` are those of a round's message and challenge.
    """
    r = recorder.suite.r
    T = weighted
    S, variables = plain or (None, 0)
    assert variables <= rounds
    point = [0] * rounds
    for i in range(rounds):
        bound = rounds - 1 - i  # the last variable first
        slots = recorder.commit(labels[0](i), 2 * (T is not None) + 2 * (i < variables))
        rho = point[bound] = recorder.short(labels[1](i), 2)
        if T is not None:
            c1, c2 = slots[:2]
            T = T + c1 * (rho - anchor[bound]) + c2 * (rho * rho - anchor[bound])
        if S is not None and i < variables:
            a0, a2 = slots[-2:]
            S = S * rho + a0 * (1 - 2 * rho) + a2 * ((rho * rho - rho) % r)
    return point, T, S


def labels_of(name: str) -> tuple[Callable[[int], Label], Callable[[int], Label]]:
    """Labels of a sumcheck's messages and challenges, `name`/round (0, i) and `name`/rho (0, i)."""
    return (lambda i: Label(f"{name}/round", 0, i), lambda i: Label(f"{name}/rho", 0, i))


def plain_sumcheck(recorder: Recorder, rounds: int, claim: Form, name: str) -> tuple[list[int], Form]:
    """A plain claim alone: the point and S."""
    point, _, S = sumcheck(recorder, rounds, (), None, (claim, rounds), labels_of(name))
    assert S is not None
    return point, S


def weighted_sumcheck(
    recorder: Recorder, anchor: Sequence[int], claim: Form, name: str
) -> tuple[list[int], Form]:
    """Weighted claims alone, `claim` being their sum: the point and T.

    A claim over fewer variables than the anchor has lives on the last of them.
    """
    point, T, _ = sumcheck(recorder, len(anchor), anchor, claim, None, labels_of(name))
    assert T is not None
    return point, T


@dataclass(frozen=True)
class Tree:
    """A fractional sum over 2^depth leaves; the rule gives (P, Q) of the column's value at a point."""

    depth: int
    rule: Rule


@dataclass(frozen=True)
class Norm:
    """Asks for Σ_v (Σ_t weight_t·y^t(v))² = total, over trees of equal depth."""

    weights: dict[int, int]  # by tree
    total: Form


@dataclass(frozen=True)
class Sums:
    """Root claims (P, Q) by tree, the final point, and each column's value there."""

    roots: list[tuple[Form, Form]]
    point: list[int]
    values: list[Form]


def fractional_sums(recorder: Recorder, trees: Sequence[Tree], norm: Norm | None) -> Sums:
    """Layer by layer from the roots to the leaves; trees are aligned at the leaves."""
    r = recorder.suite.r
    depth = max(tree.depth for tree in trees)
    joins = [depth - tree.depth for tree in trees]
    slots = recorder.commit(Label("gkr/roots"), 2 * len(trees))
    roots = list(zip(slots[::2], slots[1::2], strict=True))
    claims = list(roots)
    point: list[int] = []
    values: list[Form] = []
    for j in range(depth):
        leaves = j == depth - 1
        live = [t for t in range(len(trees)) if joins[t] <= j]
        lam = recorder.short(Label("gkr/lambda", j), 2 * len(trees) - 1)
        weight = [pow(lam, 2 * t, r) for t in range(len(trees))]
        plain = None
        if leaves and norm is not None:
            (norm_depth,) = {trees[t].depth for t in norm.weights}
            plain = norm.total, norm_depth - 1
        rho, T, S = sumcheck(
            recorder,
            j,
            point,
            sum(((claims[t][0] + claims[t][1] * lam) * weight[t] for t in live), recorder.constant(0)),
            plain,
            (lambda i, j=j: Label("gkr/round", j, i), lambda i, j=j: Label("gkr/rho", j, i)),  # type: ignore[misc]
        )
        slots = recorder.commit(Label("gkr/ends", j), (2 if leaves else 4) * len(live))
        xi = recorder.short(Label("gkr/xi", j), 1)
        pairs = []
        for k, t in enumerate(live):
            if leaves:
                y0, y1 = slots[2 * k : 2 * k + 2]
                P0, Q0 = trees[t].rule(y0, [*rho[joins[t] :], 0])
                P1, Q1 = trees[t].rule(y1, [*rho[joins[t] :], 1])
                values.append(y0 + (y1 - y0) * xi)
            else:
                P0, P1, Q0, Q1 = slots[4 * k : 4 * k + 4]
                claims[t] = (P0 + (P1 - P0) * xi, Q0 + (Q1 - Q0) * xi)
            pairs.append((Q1 * weight[t], P0 + Q0 * lam))
            pairs.append((P1 * weight[t], Q0))
        assert T is not None
        recorder.require(-T, *pairs)
        if leaves and norm is not None:
            assert S is not None
            ends = [
                sum((mu * slots[2 * t + b] for t, mu in norm.weights.items()), recorder.constant(0))
                for b in (0, 1)
            ]
            recorder.require(-S, *((end, end) for end in ends))
        point = [*rho, xi]
    return Sums(roots, point, values)
