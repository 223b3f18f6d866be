"""R9, receipt: no class scores higher than the given one, for inputs in the clear and a committed W."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reference.closing import close
from reference.errors import demand
from reference.forms import Form
from reference.gadgets import log2_ceiling
from reference.group import Point
from reference.recorder import LEAST_WIDTH, Columns, Matrix, Recorder
from reference.statement import Context, absorb_context
from reference.transcript import Label, u32


@dataclass(frozen=True)
class Answer:
    """An input x of p integers and the class y that the head gave it."""

    x: Sequence[int]
    y: int


@dataclass(frozen=True)
class Statement:
    """All but the context: p features, c classes, scale s, the receipts, and W's c row points."""

    p: int
    c: int
    s: int
    answers: Sequence[Answer]
    points: Sequence[Point]

    @property
    def columns(self) -> int:
        """C, the length of a row."""
        return 1 << log2_ceiling(self.p)

    @property
    def lead_bits(self) -> int:
        """B."""
        return self.s + 17

    @property
    def group(self) -> int:
        """g, the leads of a message."""
        return max(self.columns, LEAST_WIDTH) // self.lead_bits

    def rivals(self, y: int) -> list[int]:
        """The classes other than y."""
        return [k for k in range(self.c) if k != y]

    def groups(self, y: int) -> Iterator[list[int]]:
        """y's rivals, g for each message."""
        rivals = self.rivals(y)
        for start in range(0, len(rivals), self.group):
            yield rivals[start : start + self.group]

    def check(self) -> None:
        """The limits of the statement."""
        demand(2 <= self.p <= 4096, "statement", "p is out of range")
        demand(2 <= self.c <= 1024, "statement", "c is out of range")
        demand(0 <= self.s <= 32, "statement", "the scale is out of range")
        count = len(self.answers)
        demand(1 <= count <= 4096, "statement", "no such number of receipts")
        demand(count * (self.c - 1) <= 1 << 14, "statement", "too many leads")
        demand(count * (self.c - 1) * self.c <= 1 << 20, "statement", "too many leads for so many classes")
        for answer in self.answers:
            demand(len(answer.x) == self.p, "statement", "an input has not p entries")
            demand(all(abs(entry) <= 127 for entry in answer.x), "statement", "an input is out of range")
            demand(0 <= answer.y < self.c, "statement", "no such class")
        demand(len(self.points) == self.c, "shape", "W has not c rows")


def verify(recorder: Recorder, context: Context, statement: Statement) -> None:
    """Returns if the proof is accepted, raises Refused if not."""
    statement.check()
    assert recorder.columns == statement.columns, "a recorder for another row length"
    W = absorb(recorder, context, statement)
    relation(recorder, statement, W)
    close(recorder)


def absorb(recorder: Recorder, context: Context, statement: Statement) -> Matrix:
    """Step 1."""
    absorb_context(recorder, "receipt", context)
    recorder.public(Label("shape"), u32(statement.p) + u32(statement.c) + u32(statement.s))
    receipts = [
        b"".join(entry.to_bytes(1, "big", signed=True) for entry in answer.x) + u32(answer.y)
        for answer in statement.answers
    ]
    recorder.public(Label("inputs"), u32(len(receipts)) + b"".join(receipts))
    return recorder.statement_matrix(Label("W"), statement.points)


def relation(recorder: Recorder, statement: Statement, W: Matrix) -> None:
    """Steps 2 and 3."""
    # 2. Leads
    leads = [
        [
            lead
            for a, group in enumerate(statement.groups(answer.y))
            for lead in commit_leads(recorder, Label("leads", i, a), len(group), statement.lead_bits)
        ]
        for i, answer in enumerate(statement.answers)
    ]

    # 3. Openings
    for answer, its_leads in zip(statement.answers, leads, strict=True):
        columns = Columns(answer.x)
        for k, lead in zip(statement.rivals(answer.y), its_leads, strict=True):
            rows = [0] * statement.c
            rows[answer.y], rows[k] = 1, -1
            recorder.open(W, rows, columns, lead)


def commit_leads(recorder: Recorder, label: Label, count: int, bits: int) -> list[Form]:
    """One message with the bits of `count` leads; the leads."""
    slots = recorder.commit(label, count * bits)
    for bit in slots:
        recorder.require(-bit, (bit, bit))
    parts = [slots[start : start + bits] for start in range(0, len(slots), bits)]
    return [sum((2**j * bit for j, bit in enumerate(part)), recorder.constant(0)) for part in parts]
