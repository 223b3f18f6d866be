"""An honest prover for small cases, by brute force from the formulas of spec/recorder.md.

It is the reference recorder with a witness: the relations' code runs unchanged, and whenever it reads a value
from the proof, this class computes and sends that value instead.
"""

import random
from collections.abc import Callable, Iterator, Sequence

from reference.commitment import commit
from reference.forms import Form
from reference.generators import columns, generator, value
from reference.group import Point, Suite, combination, encode
from reference.recorder import Matrix, Recorder
from reference.statement import Shape
from reference.transcript import Label, points_bytes, scalar_bytes, u32

Opened = tuple[list[list[int]], list[int]]  # the numbers of a matrix by row, and its blinds
Vector = tuple[list[int], int, list[int]]  # numbers, blind and weights of a Z of recorder.md §7.1
Sum = list[tuple[int, Point]]  # Σ scalar·point
Witness = Callable[["Prover", Label], list[int]]

ANSWERED = 16  # entries of the last vector, each with an answer of its own


class NoSource:
    """A prover reads nothing."""

    def next_point(self) -> Point:
        raise AssertionError("a prover was asked to read")

    next_scalar = next_point  # type: ignore[assignment]

    def finish(self) -> None:
        pass


def fold(r: int, table: Sequence[int], point: Sequence[int]) -> list[int]:
    """The table with its last variables set to the point."""
    for rho in reversed(point):
        table = [(a + rho * (b - a)) % r for a, b in zip(table[::2], table[1::2], strict=True)]
    return list(table)


def quadratic(r: int, q: Callable[[int], int]) -> tuple[int, int, int]:
    """The coefficients of a polynomial of degree 2."""
    q0, q1, q2 = q(0), q(1), q(2)
    top = (q2 - 2 * q1 + q0) * pow(2, -1, r) % r
    return q0, (q1 - q0 - top) % r, top


class Prover(Recorder):
    """`witness` gives what a relation commits to: the slots of a message, or all numbers of a matrix."""

    def __init__(
        self,
        suite: Suite,
        witness: Witness,
        given: tuple[int, list[int], list[int]],
        named: dict[str, tuple[int, list[int], list[int]]] | None = None,
    ) -> None:
        super().__init__(suite, NoSource(), given[0])
        self.witness = witness
        self.given = given  # row length, numbers and blinds of the statement's matrix
        self.named = (
            named or {}
        )  # the same of matrices of the statement by their labels, where there are several
        self.length = max(given[0], 128)  # C'
        self.random = random.Random(0)
        self.numbers: list[int] = []  # by slot
        self.blinds: list[int] = []  # by message
        self.places: list[tuple[int, int]] = []  # block and place, by message
        self.opened: dict[int, Opened] = {}
        self.challenges: dict[Label, int] = {}
        self.sent_points: list[Point] = []
        self.sent_scalars: list[int] = []
        self.steps = self.inner_product()

    def proof(self) -> bytes:
        """What was sent."""
        counts = u32(len(self.sent_points)) + u32(len(self.sent_scalars))
        return counts + b"".join([*map(encode, self.sent_points), *map(scalar_bytes, self.sent_scalars)])

    def fresh(self) -> int:
        return self.random.randrange(self.suite.r)

    def full(self, label: Label, degree: int) -> int:
        self.challenges[label] = super().full(label, degree)
        return self.challenges[label]

    def short(self, label: Label, degree: int) -> int:
        self.challenges[label] = super().short(label, degree)
        return self.challenges[label]

    def drawn(self, name: str, i: int, rounds: int) -> list[int]:
        """The last coordinates of a sumcheck's point, which its first rounds drew."""
        return [self.challenges[Label(name, i, j)] for j in reversed(range(rounds))]

    def know(self, matrix: Matrix, width: int, numbers: list[int], blinds: list[int]) -> None:
        """Tells the prover the opening of a matrix."""
        rows = [numbers[i : i + width] for i in range(0, len(numbers), width)]
        rows[-1] = rows[-1] + [0] * (width - len(rows[-1]))
        self.opened[id(matrix)] = rows, blinds

    def derived_matrix(self, rows: Sequence[Point]) -> Matrix:
        matrix = super().derived_matrix(rows)
        if self.given[1]:
            self.know(matrix, *self.given)
        return matrix

    def statement_matrix(self, label: Label, rows: Sequence[Point]) -> Matrix:
        matrix = super().statement_matrix(label, rows)
        if label.name in self.named:
            self.know(matrix, *self.named[label.name])
        return matrix

    def sent_matrix(self, label: Label, count: int) -> Matrix:
        assert self.hiding == b"H"  # the one of row commitments
        numbers = self.witness(self, label)
        width = len(numbers) // count
        blinds = [self.fresh() for _ in range(count)]
        rows = commit(self.suite, Shape(len(numbers), width), numbers, blinds)
        self.sent_points += rows
        self.transcript.absorb(label, points_bytes(rows))
        matrix = self.derived_matrix(rows)
        self.know(matrix, width, numbers, blinds)
        return matrix

    def commit(self, label: Label, count: int) -> list[Form]:
        numbers = self.products_witness(label) or self.witness(self, label)
        assert len(numbers) == count, label
        self.places.append(self.place_for(count))
        self.numbers += numbers
        self.blinds.append(self.fresh())
        return super().commit(label, count)

    def point(self, label: Label) -> Point:
        point = self.message_point() if len(self.blinds) > len(self.messages) else next(self.steps)
        assert point is None or isinstance(point, tuple)
        self.sent_points.append(point)
        self.transcript.absorb(label, encode(point))
        return point

    def place_for(self, count: int) -> tuple[int, int]:
        """Block and place of the next message (recorder.md §1)."""
        if not self.places:
            return 0, 0
        block, place = self.places[-1]
        end = place + self.messages[-1].count
        return (block, end) if end + count <= self.length else (block + 1, 0)

    def message_point(self) -> Point:
        numbers = self.numbers[sum(message.count for message in self.messages) :]
        _, place = self.places[-1]
        base = columns(self.suite, self.length)[place : place + len(numbers)]
        pairs = zip(numbers, base, strict=True)
        return combination(self.suite, [*pairs, (self.blinds[-1], generator(self.suite, self.hiding))])

    def scalar(self, label: Label) -> int:
        if label.name.startswith("product/"):
            masks = self.numbers[-4:]
            which = "uv".index(label.name[-1])
            number = (masks[which] + self.challenges[Label("product/e")] * self.ends[which]) % self.suite.r
        else:
            number = next(self.steps)  # type: ignore[assignment]
        self.sent_scalars.append(number)
        self.transcript.absorb(label, scalar_bytes(number))
        return number

    def at(self, form: Form) -> int:
        """The number that a form stands for."""
        total = sum(c * self.numbers[slot] for slot, c in form.coefficients.items())
        return (form.constant + total) % self.suite.r

    def products_witness(self, label: Label) -> list[int] | None:
        """The slots of the messages of recorder.md §6."""
        if label.name not in ("products/round", "product/masks"):
            return None
        r, delta = self.suite.r, self.challenges[Label("products/delta")]
        pairs = [
            (pow(delta, j, r) * self.at(a) % r, self.at(b))
            for j, product in enumerate(self.products)
            for a, b in product.pairs
        ]
        size = 1 << (len(pairs) - 1).bit_length()
        pairs += [(0, 0)] * (size - len(pairs))
        A, B = ([pair[i] for pair in pairs] for i in (0, 1))
        rounds = label.j if label.name == "products/round" else size.bit_length() - 1
        sigma = self.drawn("products/sigma", 0, rounds)
        A, B = fold(r, A, sigma), fold(r, B, sigma)
        if label.name == "product/masks":
            self.ends = (A[0], B[0])
            a, b = self.fresh(), self.fresh()
            return [a, b, a * b % r, (a * B[0] + b * A[0]) % r]

        def q(X: int) -> int:
            return sum(a * b for a, b in zip(fold(r, A, [X]), fold(r, B, [X]), strict=True)) % r

        a0, _, a2 = quadratic(r, q)
        return [a0, a2]

    def vectors(self) -> list[Vector]:
        """The vectors of recorder.md §7.1: one for each block of messages, one for each handle."""
        return [*self.message_vectors(), *self.row_vectors()]

    def message_vectors(self) -> list[Vector]:
        """Z = Σ_i τ^i·M_i for each block; slot s has the weight Ω_s·τ^(N−1−i)."""
        r, J, N = self.suite.r, len(self.linear), len(self.messages)
        eta, tau = (self.challenges[Label(f"combine/{name}")] for name in ("eta", "tau"))
        vectors = []
        for block in range(1 + max((block for block, _ in self.places), default=-1)):
            z, w, rho = [0] * self.length, [0] * self.length, 0
            for i, message in enumerate(self.messages):
                its_block, place = self.places[i]
                if its_block != block:
                    continue
                rho += pow(tau, i, r) * self.blinds[i]
                for k in range(message.count):
                    s = message.first + k
                    omega = sum(pow(eta, j, r) * f.coefficients.get(s, 0) for j, f in enumerate(self.linear))
                    for o, opening in enumerate(self.openings):
                        omega -= pow(eta, J + o, r) * opening.value.coefficients.get(s, 0)
                    z[place + k] = pow(tau, i, r) * self.numbers[s] % r
                    w[place + k] = omega * pow(tau, N - 1 - i, r) % r
            vectors.append((z, rho % r, w))
        return vectors

    def row_vectors(self) -> list[Vector]:
        """Z = Σ_k η^(J+k)·Σ_i v_i·P_i for each handle; beyond its weights stand β, β², …"""
        r = self.suite.r
        eta, tau, beta = (self.challenges[Label(f"combine/{name}")] for name in ("eta", "tau", "beta"))
        J, N = len(self.linear), len(self.messages)
        groups = list(dict.fromkeys(id(opening.columns) for opening in self.openings))
        last = pow(tau, max(N, 1) - 1, r)
        vectors = []
        for group in groups:
            z, rho = [0] * self.length, 0
            for k, opening in enumerate(self.openings):
                if id(opening.columns) == group:
                    given = list(opening.columns.weights)
                    rows, blinds = self.opened[id(opening.matrix)]
                    for v, row, rho_i in zip(opening.row_weights, rows, blinds, strict=True):
                        factor = pow(eta, J + k, r) * v
                        rho += factor * rho_i
                        for c, number in enumerate(row):
                            z[c] = (z[c] + factor * number) % r
            w = given + [pow(beta, i, r) for i in range(1, self.length - len(given) + 1)]
            vectors.append((z, rho % r, [weight * last % r for weight in w]))
        return vectors

    def inner_product(self) -> Iterator[Point | int]:
        """The points and scalars of recorder.md §7.2 to §7.4, one after the other."""
        r, suite = self.suite.r, self.suite
        U, H = value(suite), generator(suite, self.hiding)

        def dot(a: Sequence[int], b: Sequence[int]) -> int:
            return sum(x * y for x, y in zip(a, b, strict=True)) % r

        def times(scalars: Sequence[int], sums: Sequence[Sum]) -> Sum:
            pairs = zip(scalars, sums, strict=True)
            return [(scalar * factor % r, point) for scalar, terms in pairs for factor, point in terms]

        (z, rho, w), *others = self.vectors()
        V_blind, E = 0, 1
        for k, (z_b, rho_b, w_b) in enumerate(others):
            w_b = [E * weight % r for weight in w_b]
            low, high = self.fresh(), self.fresh()
            yield combination(suite, [(dot(z, w_b), U), (low, H)])
            yield combination(suite, [(dot(z_b, w), U), (high, H)])
            e = self.challenges[Label("merge/e", k)]
            z = [(a + e * b) % r for a, b in zip(z, z_b, strict=True)]
            w = [(e * a + b) % r for a, b in zip(w, w_b, strict=True)]
            rho, V_blind, E = rho + e * rho_b, low + e * V_blind + e * e * high, E * e % r
        chi = self.challenges[Label("ipa/chi")]
        rho += chi * V_blind
        G: list[Sum] = [[(1, generator)] for generator in columns(suite, self.length)]
        k = 0
        while len(z) > ANSWERED:
            half = len(z) // 2
            low, high = self.fresh(), self.fresh()
            lo, hi = slice(None, half), slice(half, None)
            for a, b, hidden in ((lo, hi, low), (hi, lo, high)):
                yield combination(suite, [*times(z[a], G[b]), (dot(z[a], w[b]) * chi, U), (hidden, H)])
            e = self.challenges[Label("ipa/e", k)]
            z = [(a + e * b) % r for a, b in zip(z[lo], z[hi], strict=True)]
            w = [(e * a + b) % r for a, b in zip(w[lo], w[hi], strict=True)]
            G = [times([e, 1], pair) for pair in zip(G[lo], G[hi], strict=True)]
            rho = low + e * rho + e * e * high
            k += 1
        *nonces, last_nonce = [self.fresh() for _ in range(ANSWERED + 1)]
        yield combination(suite, [*times(nonces, G), (dot(nonces, w) * chi, U), (last_nonce, H)])
        e = self.challenges[Label("schnorr/e")]
        for nonce, number in zip(nonces, z, strict=True):
            yield (nonce + e * number) % r
        yield (last_nonce + e * rho) % r
