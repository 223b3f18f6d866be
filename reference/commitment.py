"""Shape rule, row commitments and their digest: commitment.md §4 to §6."""

from collections.abc import Sequence

from reference.generators import blind, columns
from reference.group import Point, Suite, combination
from reference.keccak import keccak256
from reference.statement import Shape
from reference.transcript import scalar_bytes, u32


def shape_of(d: int) -> Shape:
    """The rows' length that goes with d coordinates."""
    n = (d - 1).bit_length()
    return Shape(d, 1 << min(12, max(7, -(-(n + 2) // 2))))


def commit(suite: Suite, shape: Shape, x: Sequence[int], blinds: Sequence[int]) -> list[Point]:
    """P_i = Σ_c x_{iC+c}·G_c + ρ_i·H."""
    assert len(x) == shape.d
    assert len(blinds) == shape.rows
    base, H = columns(suite, shape.columns), blind(suite)
    parts = [x[i * shape.columns : (i + 1) * shape.columns] for i in range(shape.rows)]
    return [
        combination(suite, [*zip(part, base, strict=False), (rho, H)])
        for part, rho in zip(parts, blinds, strict=True)
    ]


def digest(rows: Sequence[Point]) -> bytes:
    """The root of the row tree."""
    padded = [*rows, *[None] * ((1 << (len(rows) - 1).bit_length()) - len(rows))]
    level = []
    for i, point in enumerate(padded):
        x, y = point or (0, 0)
        level.append(keccak256(b"\x00" + u32(i) + scalar_bytes(x) + scalar_bytes(y)))
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [keccak256(b"\x01" + left + right) for left, right in pairs]
    return level[0]
