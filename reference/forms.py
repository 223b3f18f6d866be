"""Forms c + Σ c_s·m_s over the slots of a proof, with public c and c_s: recorder.md §1."""

from __future__ import annotations


class Form:
    """An affine form modulo r. A slot in `coefficients` occurs in it, also where its coefficient is 0."""

    def __init__(self, r: int, constant: int = 0, coefficients: dict[int, int] | None = None) -> None:
        self.r = r
        self.constant = constant % r
        self.coefficients = coefficients or {}

    @property
    def public(self) -> bool:
        """Whether no slot occurs."""
        return not self.coefficients

    def __add__(self, other: Form | int) -> Form:
        if isinstance(other, int):
            return Form(self.r, self.constant + other, self.coefficients)
        total = dict(self.coefficients)
        for slot, coefficient in other.coefficients.items():
            total[slot] = (total.get(slot, 0) + coefficient) % self.r
        return Form(self.r, self.constant + other.constant, total)

    def __mul__(self, scalar: int) -> Form:
        scaled = {slot: scalar * coefficient % self.r for slot, coefficient in self.coefficients.items()}
        return Form(self.r, scalar * self.constant, scaled)

    def __neg__(self) -> Form:
        return self * -1

    def __sub__(self, other: Form | int) -> Form:
        return self + -other

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: int) -> Form:
        return -self + other
