"""The recorder in the role of a verifier: recorder.md §1.

It reads points and scalars from the proof, absorbs each as it is read, draws challenges, and notes the
constraints and openings that closing.py then checks all at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reference.errors import demand
from reference.forms import Form
from reference.group import Point, Suite, encode
from reference.transcript import Label, Transcript, points_bytes, scalar_bytes

LEAST_WIDTH = 128  # of the vectors of generators that messages and rows lie on


class Source(Protocol):
    """Where the sent points and scalars come from: reference.proof.Proof, or a stand-in of a test."""

    def next_point(self) -> Point:
        """The next sent point; refused where there is none."""

    def next_scalar(self) -> int:
        """The next sent scalar; refused where there is none."""

    def finish(self) -> None:
        """Refused if anything is left over."""


@dataclass(frozen=True)
class Message:
    """A point that commits to `count` slots from `first` on, on the generators from `place` on.

    Messages of one block lie on different generators.
    """

    first: int
    count: int
    block: int
    place: int
    point: Point


@dataclass(frozen=True, eq=False)
class Matrix:
    """Row points. Compared by identity, like column weights."""

    rows: Sequence[Point]


@dataclass(frozen=True, eq=False)
class Columns:
    """A vector of public column weights; two openings share it only if both were given the same object."""

    weights: Sequence[int]


@dataclass(frozen=True)
class Product:
    """linear + Σ A·B = 0."""

    linear: Form
    pairs: Sequence[tuple[Form, Form]]


@dataclass(frozen=True)
class Opening:
    """Σ_i v_i·Σ_c w_c·x_{i,c} = value."""

    matrix: Matrix
    row_weights: Sequence[int]
    columns: Columns
    value: Form


@dataclass
class Recorder:
    """All that a relation has noted so far; `columns` is the relation's row length C."""

    suite: Suite
    source: Source
    columns: int
    hiding: bytes = b"H"  # name of the generator that carries the blinds; R4's is K
    transcript: Transcript = field(init=False)
    slots: int = 0
    messages: list[Message] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    linear: list[Form] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    full_degrees: list[int] = field(default_factory=list)
    short_degrees: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transcript = Transcript(self.suite)

    @property
    def width(self) -> int:
        """C', the number of generators that messages and rows lie on."""
        return max(self.columns, LEAST_WIDTH)

    def constant(self, value: int) -> Form:
        """A public form."""
        return Form(self.suite.r, value)

    def public(self, label: Label, data: bytes) -> None:
        """Absorbs a part of the statement."""
        assert not self.transcript.drawn, "the statement comes before all challenges"
        self.transcript.absorb(label, data)

    def statement_matrix(self, label: Label, rows: Sequence[Point]) -> Matrix:
        """A matrix of the statement."""
        self.public(label, points_bytes(rows))
        return self.derived_matrix(rows)

    def derived_matrix(self, rows: Sequence[Point]) -> Matrix:
        """A matrix whose rows follow from what was absorbed."""
        matrix = Matrix(rows)
        self.matrices.append(matrix)
        return matrix

    def sent_matrix(self, label: Label, count: int) -> Matrix:
        """A matrix sent inside the proof."""
        rows = [self.source.next_point() for _ in range(count)]
        self.transcript.absorb(label, points_bytes(rows))
        return self.derived_matrix(rows)

    def point(self, label: Label) -> Point:
        """A point sent inside the proof."""
        point = self.source.next_point()
        self.transcript.absorb(label, encode(point))
        return point

    def scalar(self, label: Label) -> int:
        """A scalar sent in the clear."""
        scalar = self.source.next_scalar()
        self.transcript.absorb(label, scalar_bytes(scalar))
        return scalar

    def commit(self, label: Label, count: int) -> list[Form]:
        """A message with `count` new slots; the forms that stand for them."""
        demand(count <= self.width, "statement", "a message longer than its block")
        first = self.slots
        block, place = self.next_place(count)
        self.slots += count
        self.messages.append(Message(first, count, block, place, self.point(label)))
        return [Form(self.suite.r, 0, {slot: 1}) for slot in range(first, self.slots)]

    def next_place(self, count: int) -> tuple[int, int]:
        """Block and place of a message with `count` slots that follows those sent so far."""
        if not self.messages:
            return 0, 0
        last = self.messages[-1]
        place = last.place + last.count
        return (last.block, place) if place + count <= self.width else (last.block + 1, 0)

    def full(self, label: Label, degree: int) -> int:
        """A full challenge."""
        self.full_degrees.append(degree)
        return self.transcript.full(label)

    def short(self, label: Label, degree: int) -> int:
        """A short challenge."""
        self.short_degrees.append(degree)
        return self.transcript.short(label)

    def require(self, linear: Form, *pairs: tuple[Form, Form]) -> None:
        """Notes linear + Σ A·B = 0; pairs with a public factor fold into the linear part."""
        kept = []
        for a, b in pairs:
            if a.public:
                linear = linear + a.constant * b
            elif b.public:
                linear = linear + b.constant * a
            else:
                kept.append((a, b))
        if kept:
            self.products.append(Product(linear, kept))
        else:
            self.linear.append(linear)

    def open(self, matrix: Matrix, row_weights: Sequence[int], columns: Columns, value: Form) -> None:
        """Notes Σ_i v_i·Σ_c w_c·x_{i,c} = value."""
        assert len(row_weights) == len(matrix.rows)
        assert len(columns.weights) <= self.columns, "column weights beyond the row length"
        self.openings.append(Opening(matrix, row_weights, columns, value))
