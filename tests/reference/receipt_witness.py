"""What an honest prover of receipts commits to, by brute force from the page."""

import random
from collections.abc import Sequence

from reference.group import Suite
from reference.relations.receipt import Answer, Statement
from reference.transcript import Label
from tests.reference.optimum_witness import committed
from tests.reference.prover import Prover

Head = list[list[int]]  # W by class


def logits(head: Head, x: Sequence[int]) -> list[int]:
    """Z by class."""
    return [sum(a * b for a, b in zip(w, x, strict=True)) for w in head]


def best(head: Head, x: Sequence[int]) -> int:
    """The first of the classes that score highest."""
    Z = logits(head, x)
    return Z.index(max(Z))


def made_up(p: int, c: int, count: int, seed: int = 1) -> tuple[Head, list[list[int]]]:
    """A head and inputs."""
    choice = random.Random(seed)
    head = [[choice.randint(-20, 20) for _ in range(p)] for _ in range(c)]
    inputs = [[choice.randint(-127, 127) for _ in range(p)] for _ in range(count)]
    return head, inputs


def answered(suite: Suite, head: Head, inputs: list[list[int]], s: int) -> Statement:
    """The head's own answers."""
    points, _, _ = committed(suite, head, 3)
    answers = [Answer(x, best(head, x)) for x in inputs]
    return Statement(len(head[0]), len(head), s, answers, points)


class ReceiptWitness:
    """Bits of leads. A lead that is out of range leaves what is no bit in its last slot."""

    def __init__(self, head: Head, statement: Statement) -> None:
        self.head, self.statement = head, statement

    def __call__(self, _prover: Prover, label: Label) -> list[int]:
        assert label.name == "leads"
        B = self.statement.s + 17
        g = max(128, 1 << (self.statement.p - 1).bit_length()) // B
        answer = self.statement.answers[label.i]
        Z = logits(self.head, answer.x)
        leads = [Z[answer.y] - z for k, z in enumerate(Z) if k != answer.y]
        return [bit for lead in leads[label.j * g : (label.j + 1) * g] for bit in self.expand(lead, B)]

    def expand(self, lead: int, B: int) -> list[int]:
        """Σ 2^j·b_j = lead."""
        return [*(lead >> j & 1 for j in range(B - 1)), lead >> (B - 1)]


class WrappedWitness(ReceiptWitness):
    """Only bits, whatever the lead."""

    def expand(self, lead: int, B: int) -> list[int]:
        return [lead >> j & 1 for j in range(B)]


def prover_of(
    suite: Suite, head: Head, statement: Statement, witness: type[ReceiptWitness] = ReceiptWitness
) -> Prover:
    """A prover that holds the head as its witness."""
    _, numbers, blinds = committed(suite, head, 3)
    columns = 1 << (statement.p - 1).bit_length()
    named = {"W": (statement.p, numbers, blinds)}
    return Prover(suite, witness(head, statement), (columns, [], []), named)
