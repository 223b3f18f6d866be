"""Parameters that follow from the policy and the model's size; neither a prover nor a bundle chooses them."""

from __future__ import annotations

from dataclasses import dataclass

from fedproof.errors import Refused
from fedproof.policy.policy import Policy

MAX_DIMENSION = 1 << 28


@dataclass(frozen=True)
class Shape:
    """d: coordinates of an update. columns: length of a committed row."""

    d: int
    columns: int

    @property
    def rows(self) -> int:
        """Number of committed rows."""
        return -(-self.d // self.columns)

    def parts(self) -> tuple[int, int]:
        """As the engine takes it."""
        return self.d, self.columns


def shape(d: int) -> Shape:
    """Row length 2^c, c = min(12, max(7, ⌈(⌈log2 d⌉ + 2)/2⌉)) (spec/commitment.md §4). Raises `Refused`."""
    if not 1 <= d <= MAX_DIMENSION:
        raise Refused("update", "statement", f"{d} coordinates; 1 to {MAX_DIMENSION} can be committed to")
    bits = (d - 1).bit_length()
    return Shape(d, 1 << min(12, max(7, (bits + 3) // 2)))


def limb(d: int, max_abs: int) -> int:
    """0: look-ups in one table; m: of x = lo + m·hi in two (spec/relations/bounded-update.md). One table pays from 2^18
    coordinates on, and where it is small."""
    if d >= 1 << 18 or max_abs < 256:
        return 0
    return 1 << (max_abs.bit_length() + 1) // 2


@dataclass(frozen=True)
class Digits:
    """Numbers as Σ m^l·d_l, |d_l| ≤ bound, m = 2·bound + 1. margins, weights: how many digits each of them has."""

    bound: int
    margins: int
    weights: int

    def parts(self) -> tuple[int, int, int]:
        """As the engine takes it."""
        return self.bound, self.margins, self.weights


def digits(records: int, features: int, classes: int, scale: int, *, hinge: bool, committed: bool) -> Digits:
    """The digits of a head's proof (spec/relations/optimum.md): tables about as large as what is looked up; logits up to ±2^11."""
    if not (hinge or committed):
        return Digits(0, 0, 0)
    columns = (features + classes - 1).bit_length()
    entries = max((records - 1).bit_length(), columns) + (classes - 1).bit_length()
    bound = (1 << max(columns, 8, min(14, entries - 2)) - 1) - 1
    base = 2 * bound + 1
    margins = next(n for n in range(1, 99) if base**n >= 1 << scale + 16) if hinge else 0
    weights = next(n for n in range(1, 99) if base**n // 2 >= 1 << scale + 5) if committed else 0
    return Digits(bound, margins, weights)


def check_sums(policy: Policy, participants: int, largest: int | None = None) -> None:
    """Σ w·x and Σ w stay far below what 64-bit integers hold, with |x_j| ≤ largest, or as large as the policy allows. Raises `Refused`
    (stage "policy")."""
    bound = policy.update.max_abs if largest is None else largest
    if participants * policy.update.weights.max * (bound + 1) >= 1 << 61:
        detail = f"the weighted sum of {participants} updates up to ±{bound} could overflow 61 bits"
        raise Refused("policy", "policy", detail)
