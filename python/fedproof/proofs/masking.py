"""Masks, keys and shares of masked rounds (spec/masks.md), as bytes at the edge of the core: a secret and a share are a scalar, a key is a
point, several stand one after another. Every function that reads bytes raises `Refused` for what is not in its one encoding (stage
"decoding"), and for other sizes than it needs ("shape")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fedproof import _core
from fedproof.policy.parameters import Shape
from fedproof.proofs.commitment import Opening
from fedproof.proofs.context import refusals

Residues: TypeAlias = NDArray[np.uint64]


@dataclass(frozen=True)
class KeyPair:
    """secret: a scalar. key: secret·D."""

    secret: bytes = field(repr=False)
    key: bytes


@dataclass(frozen=True)
class Seed:
    """Of a mask. seed: 32 bytes. negative: whether it is subtracted."""

    seed: bytes = field(repr=False)
    negative: bool


def _pairs(seeds: Sequence[Seed]) -> list[tuple[bytes, bool]]:
    return [(s.seed, s.negative) for s in seeds]


def generate_key(suite: str, context: bytes) -> KeyPair:
    """A fresh secret from the operating system."""
    with refusals():
        return KeyPair(*_core.generate_key(suite, context))


def public_keys(suite: str, secrets: bytes) -> bytes:
    """s·D for each of these scalars."""
    with refusals():
        return _core.public_keys(suite, secrets)


def shared_points(suite: str, secret: bytes, keys: bytes) -> bytes:
    """secret·K for each of these keys. Raises `Refused` for the identity (stage "statement")."""
    with refusals():
        return _core.shared_points(suite, secret, keys)


def prove_key(suite: str, secret: bytes, context: bytes, bases: bytes = b"") -> bytes:
    """That one secret makes D its key and each base its image (spec/masks.md §3). context: what for, by whom, where."""
    with refusals():
        return _core.prove_key(suite, secret, bases, context)


def verify_key(suite: str, images: bytes, context: bytes, proof: bytes, bases: bytes = b"") -> None:
    """images: of D, then of the bases. Raises `Refused` (object "key proof")."""
    with refusals():
        _core.verify_key(suite, images, bases, context, proof)


def deal(
    suite: str, secret: bytes, holders: Sequence[int], threshold: int, context: bytes
) -> tuple[bytes, bytes]:
    """(shares, commitments) of a secret: a share for each holder's number (from 1), and `threshold` points, the first of them secret·D.
    `threshold` shares give the secret. context: goes into the randomness. Raises `Refused` (object "sharing", stage "statement") for a
    number twice, or a threshold that is not from 1 to the number of holders."""
    with refusals():
        return _core.deal_shares(suite, secret, list(holders), threshold, context)


def share_images(suite: str, commitments: Sequence[bytes], holders: Sequence[int]) -> bytes:
    """share·D of these holders' shares, one after another, from the commitments of one dealer after another: to read those takes longer
    than an image."""
    with refusals():
        return _core.share_images(suite, list(commitments), list(holders))


def interpolate(suite: str, shares: dict[int, bytes]) -> bytes:
    """The secret, from the shares of as many holders as it takes, by number."""
    with refusals():
        return _core.interpolate(suite, list(shares), b"".join(shares.values()))


def interpolate_points(suite: str, points: dict[int, bytes]) -> bytes:
    """secret·E, from share·E of as many holders as it takes, by number."""
    with refusals():
        return _core.interpolate_points(suite, list(points), b"".join(points.values()))


def mask_update(
    suite: str, modulus: int, shape: Shape, weight: int, opening: Opening, seeds: Sequence[Seed]
) -> tuple[bytes, bytes]:
    """weight·x plus masks, packed to the modulus' width, and weight·ρ plus theirs, one scalar per row."""
    with refusals():
        return _core.mask_update(
            suite, modulus, shape.columns, weight, opening.values, opening.blinds, _pairs(seeds)
        )


def add_masks(
    suite: str, modulus: int, shape: Shape, residues: Residues, blinds: bytes, seeds: Sequence[Seed]
) -> tuple[Residues, bytes]:
    """d residues and a scalar per row, with these masks added, or taken away where a seed is negative."""
    with refusals():
        return _core.add_masks(suite, modulus, shape.columns, _pairs(seeds), residues, blinds)


def sum_blinds(suite: str, blinds: Sequence[bytes]) -> bytes:
    """The sums of as many scalars each, of one or more."""
    with refusals():
        return _core.combine_blinds(suite, list(blinds), [1] * len(blinds))


def pack(modulus: int, residues: Residues) -> bytes:
    """Each as a little-endian integer of the modulus' width."""
    with refusals():
        return _core.pack_residues(modulus, residues)


def unpack(modulus: int, d: int, packed: bytes) -> Residues:
    """d residues. Raises `Refused` (object "mask"): another length (stage "shape"), one that is not below the modulus ("decoding")."""
    with refusals():
        return _core.unpack_residues(modulus, d, packed)


def integers(modulus: int, residues: Residues) -> NDArray[np.int64]:
    """The integers between -q/2 and q/2 that residues stand for."""
    signed = residues.astype(np.int64)
    return np.where(signed > modulus // 2, signed - modulus, signed)
