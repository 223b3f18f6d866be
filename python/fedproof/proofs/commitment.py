"""Hyrax row commitments (spec/commitment.md): they hide, they bind, and they add."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.errors import Refused
from fedproof.policy.parameters import Shape, shape
from fedproof.proofs.context import refusals

Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Commitment:
    """One point per row of `shape.columns` integers.

    suite: suite id. points: ceil(d / columns) points, each in its one encoding.
    """

    suite: str
    shape: Shape
    points: bytes

    @classmethod
    def parse(
        cls, suite: str, shape: Shape, points: bytes, *, party: str | None = None, round: int | None = None
    ) -> Commitment:
        """Checks the number of points, and that each is one. Raises `Refused` (stage "shape" or "decoding")."""
        with refusals(party=party, round=round):
            size, _ = _core.sizes(suite)
            expected = shape.rows * size
            if len(points) != expected:
                detail = f"expected {expected} bytes, got {len(points)}"
                raise Refused("commitment", "shape", detail, party=party, round=round)
            commitment = cls(suite, shape, points)
            _ = commitment._root  # not `root`: it knows neither party nor round
        return commitment

    @cached_property
    def _root(self) -> bytes:
        return _core.digest(self.suite, self.points)

    def root(self) -> bytes:
        """The commitment's digest everywhere: root of its Keccak row tree, 32 bytes."""
        with refusals():
            return self._root


@dataclass(frozen=True)
class Opening:
    """What a commitment hides. values: d int64. blinds: one scalar per row, each in its one encoding."""

    values: Integers = field(repr=False)
    blinds: bytes = field(repr=False)


def point_size(suite: str) -> int:
    """Bytes of an encoded point."""
    with refusals():
        point, _ = _core.sizes(suite)
    return point


def blinds_size(suite: str, shape: Shape) -> int:
    """Bytes of an opening's blinds: one scalar per row."""
    with refusals():
        _, scalar = _core.sizes(suite)
    return shape.rows * scalar


def width(values: Integers) -> int:
    """Bits that the engine spends on each value: 16 for an update within any policy's bounds, else 64."""
    small = len(values) == 0 or bool((values.min() >= -(1 << 15)) & (values.max() < 1 << 15))
    return 16 if small else 64


def commit(suite: str, values: Integers) -> tuple[Commitment, Opening]:
    """Commits to d integers under fresh blinds from the operating system."""
    values = np.ascontiguousarray(values, dtype=np.int64)
    rows = shape(len(values))
    with refusals():
        points, blinds = _core.commit(suite, values, rows.columns, width(values))
    return Commitment(suite, rows, points), Opening(values, blinds)


def commit_public(suite: str, values: Integers) -> Commitment:
    """Commits to public integers: all blinds are zero, and anyone gets the same points."""
    values = np.ascontiguousarray(values, dtype=np.int64)
    rows = shape(len(values))
    with refusals():
        points = _core.commit_public(suite, values, rows.columns, width(values))
    return Commitment(suite, rows, points)


def check_opening(
    commitment: Commitment, opening: Opening, *, party: str | None = None, round: int | None = None
) -> None:
    """Raises `Refused` (stage "opening") unless the opening is the commitment's."""
    values = np.ascontiguousarray(opening.values, dtype=np.int64)
    if len(values) != commitment.shape.d:
        detail = f"{len(values)} coordinates, committed to {commitment.shape.d}"
        raise Refused("update", "opening", detail, party=party, round=round)
    with refusals(party=party, round=round):
        _core.check_opening(
            commitment.suite, commitment.points, commitment.shape.columns, values, opening.blinds
        )


_TOGETHER = 1 << 22
"""Entries of records that the engine gets at a time: wide integers take eight bytes each."""


def _parts(rows: NDArray[np.int8]) -> list[Integers]:
    step = max(1, _TOGETHER // rows.shape[1])
    return [rows[at : at + step].astype(np.int64).ravel() for at in range(0, len(rows), step)]


def commit_records(suite: str, rows: NDArray[np.int8]) -> tuple[bytes, bytes]:
    """One point for each row of at most 4,096 entries, and one blind, fresh from the operating system: points and blinds, each in its
    one encoding, one after the other."""
    with refusals():
        made = [_core.commit(suite, part, rows.shape[1], 8) for part in _parts(rows)]
    return b"".join(points for points, _ in made), b"".join(blinds for _, blinds in made)


def check_records(suite: str, points: bytes, rows: NDArray[np.int8], blinds: bytes) -> None:
    """Raises `Refused` unless rows and blinds open the points, one for each row."""
    with refusals():
        point, scalar = _core.sizes(suite)
        if len(points) != point * len(rows) or len(blinds) != scalar * len(rows):
            detail = f"{len(rows)} rows, {len(points) // point} points, {len(blinds) // scalar} blinds"
            raise Refused("data set", "shape", detail)
        at = 0
        for part in _parts(rows):
            n = len(part) // rows.shape[1]
            _core.check_opening(
                suite,
                points[point * at : point * (at + n)],
                rows.shape[1],
                part,
                blinds[scalar * at : scalar * (at + n)],
            )
            at += n
