"""R4, consistent masking (spec/relations/consistent-masking.md): what a client uploaded under masks is the update that it committed to,
plus masks that both ends of each pair signed fingerprints of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.policy.parameters import Shape
from fedproof.proofs.context import Context, refusals
from fedproof.proofs.masking import Residues

REPETITIONS = 3

_Parts: TypeAlias = tuple[
    tuple[bytes, str, int, bytes | None],
    tuple[bytes, int, int, int, int],
    bytes,
    bytes,
    list[tuple[bool, bytes]],
    list[int],
]
"""(context, setting, points, blinds, pairs, values)"""


@dataclass(frozen=True)
class Beacon:
    """Where fingerprints are taken: weights follow from the session and the accepted set's digest, so nobody knew them before the set was
    fixed. modulus: q."""

    modulus: int
    shape: Shape
    session: bytes
    accepted: bytes

    def parts(self) -> tuple[int, int, int, bytes, bytes]:
        """As the engine takes it."""
        return self.modulus, self.shape.d, self.shape.columns, self.session, self.accepted


@dataclass(frozen=True)
class PairFingerprint:
    """Of the mask of two clients. points: Φ of every repetition, which both sign. values, blinds: φ and β, which only they know."""

    points: bytes
    values: list[int] = field(repr=False)
    blinds: bytes = field(repr=False)


@dataclass(frozen=True)
class Statement:
    """points: C(x). blinds: the masked ones without the masks that are open. pairs: of the neighbours in the set, in the order of names:
    whether the client subtracts the mask, and the points that it signed. values: fingerprints of the upload without the masks that are
    open, one a repetition. carry_bits: ℓ."""

    ctx: Context
    suite: str
    beacon: Beacon
    carry_bits: int
    points: bytes = field(repr=False)
    blinds: bytes = field(repr=False)
    pairs: Sequence[tuple[bool, bytes]] = field(repr=False)
    values: Sequence[int]

    def parts(self) -> _Parts:
        """As the engine takes it."""
        beacon = self.beacon
        setting = beacon.accepted, beacon.shape.d, beacon.shape.columns, beacon.modulus, self.carry_bits
        return self.ctx.parts(), setting, self.points, self.blinds, list(self.pairs), list(self.values)


def row_fingerprints(beacon: Beacon, residues: Residues) -> Residues:
    """Of d residues: one for each row, repetition after repetition."""
    with refusals():
        return _core.row_fingerprints(beacon.parts(), residues)


def fold(beacon: Beacon, rows: Residues) -> list[int]:
    """The fingerprint of every repetition, from those of the rows."""
    with refusals():
        return _core.fold_fingerprints(beacon.parts(), rows)


def pair_fingerprint(suite: str, beacon: Beacon, seed: bytes, blind_seed: bytes) -> PairFingerprint:
    """seed: of the pair's mask. blind_seed: of β."""
    with refusals():
        return PairFingerprint(*_core.pair_fingerprint(suite, beacon.parts(), seed, blind_seed))


def prove(
    statement: Statement,
    update: NDArray[np.int64],
    pairs: Sequence[PairFingerprint],
    *,
    unchecked: bool = False,
) -> bytes:
    """update: x. pairs: of the statement's. Raises `Refused` (stage "witness") where the upload does not fit, unless `unchecked`, as a
    dishonest client would."""
    with refusals(party=statement.ctx.client):
        return _core.prove_consistent_masking(
            statement.suite,
            *statement.parts(),
            update,
            [(pair.values, pair.blinds) for pair in pairs],
            not unchecked,
        )


def verify(statement: Statement, proof: bytes) -> None:
    """Returns nothing, or raises `Refused`."""
    with refusals(party=statement.ctx.client):
        _core.verify_consistent_masking(statement.suite, (*statement.parts(), proof))


def holding(claims: Sequence[tuple[Statement, bytes]]) -> list[bool]:
    """Of each whether its proof holds, as `verify` says: all of them in one multi-scalar multiplication, and by halves where one does
    not. claims: of one suite."""
    if not claims:
        return []
    with refusals():
        return _core.holding_consistent_maskings(
            claims[0][0].suite, [(*statement.parts(), proof) for statement, proof in claims]
        )
