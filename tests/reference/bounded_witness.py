"""What an honest prover of the bounded update commits to, by brute force from the formulas of the pages."""

from reference.relations.bounded_update import Bounds
from reference.statement import Shape
from reference.transcript import Label
from tests.reference.look_up_witness import LookUpWitness
from tests.reference.prover import Prover


class BoundedWitness(LookUpWitness):
    """What R1 commits to, by label."""

    def __init__(self, r: int, x: list[int], shape: Shape, bounds: Bounds) -> None:
        self.x, self.bounds = x, bounds
        size = 1 << (shape.rows * shape.columns - 1).bit_length()
        padded = x + [0] * (size - len(x))
        digits = bounds.digits()
        values = [padded]
        self.hi = [0] * (shape.rows * shape.columns)
        if len(digits) == 2:
            (_, _), (m, top) = digits
            hi = [max(-top, min(top, (v + m // 2) // m)) for v in padded]
            self.hi = hi[: shape.rows * shape.columns]
            values = [[v - m * h for v, h in zip(padded, hi, strict=True)], hi]
        super().__init__(r, values, [bound for _, bound in digits], shape.columns)
        self.weights = [mu for mu, _ in digits]

    def __call__(self, prover: Prover, label: Label) -> list[int]:
        name, j = label.name, label.i
        if name == "limb":
            return self.hi
        if name == "m":
            return self.counts[j]
        if name == "slack":
            slack = self.bounds.max_norm_squared - sum(v * v for v in self.x)
            return [slack >> i & 1 for i in range(self.bounds.max_norm_squared.bit_length())]
        return self.sums(prover, label, norm=True)
