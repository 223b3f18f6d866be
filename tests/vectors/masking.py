"""Vectors of R4: uploads under masks, good ones and bad ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from fedproof import _core
from tests.vectors.vectors import Json

ACCEPTED = bytes(range(100, 132))
Context = tuple[bytes, str, int, bytes | None]


def masking(
    suite: str,
    context: Context,
    listed: Json,
    about: str,
    *,
    d: int = 21,
    columns: int = 8,
    modulus: int = (1 << 32) - 5,
    neighbours: int = 3,
    carry_bits: int = 60,
    uploaded: int = 0,
    blinded: bool = False,
    weight: int | None = None,
    signed: int | None = None,
    expect: Any = "accept",
) -> Json:
    """What a false one has otherwise: uploaded, what is added to the first residue; blinded: another blind in the last row;
    weight: what it was multiplied by; signed: a neighbour for whose points there are those of another mask."""
    x = np.random.default_rng(d).integers(-1000, 1001, size=d, dtype=np.int64)
    points, blinds = _core.commit(suite, x, columns, 64)
    pairs = [(bytes([j]) * 32, j % 2 == 0) for j in range(1, neighbours + 1)]
    used = context[2] if weight is None else weight
    packed, masked = _core.mask_update(suite, modulus, columns, used, x, blinds, pairs)
    residues = _core.unpack_residues(modulus, d, packed)
    residues[0] = (int(residues[0]) + uploaded) % modulus
    if blinded:
        masked = masked[:-32] + (int.from_bytes(masked[-32:], "big") ^ 1).to_bytes(32, "big")
    place = (modulus, d, columns, context[0], ACCEPTED)
    values = _core.fold_fingerprints(place, _core.row_fingerprints(place, residues))
    known = [_core.pair_fingerprint(suite, place, seed, bytes([100 + seed[0]]) * 32) for seed, _ in pairs]
    shown = [points for points, _, _ in known]
    if signed is not None:
        shown[signed] = _core.pair_fingerprint(suite, place, bytes([50]) * 32, bytes([150]) * 32)[0]
    signs = [(negative, points) for (_, negative), points in zip(pairs, shown, strict=True)]
    proof = _core.prove_consistent_masking(
        suite,
        context,
        (ACCEPTED, d, columns, modulus, carry_bits),
        points,
        masked,
        signs,
        values,
        x,
        [(values, blinds) for _, values, blinds in known],
        expect == "accept",
    )
    return {
        "relation": "consistent masking",
        "suite": suite,
        "statement": {
            "context": listed,
            "accepted": ACCEPTED.hex(),
            "shape": {"d": d, "columns": columns},
            "masks": {"modulus": modulus, "carry_bits": carry_bits},
            "points": points.hex(),
            "blinds": masked.hex(),
            "pairs": [{"negative": negative, "points": of.hex()} for negative, of in signs],
            "values": values,
        },
        "proof": proof.hex(),
        "expect": expect,
        "about": about,
    }


def good(pallas: str, bn254: str, context: Context, listed: Json) -> dict[str, Json]:
    """All moduli, both suites, a short last row and full ones."""
    return {
        "masking_pallas": masking(pallas, context, listed, "three neighbours, a short last row"),
        "masking_bn254": masking(bn254, context, listed, "three neighbours, a short last row"),
        "masking_alone": masking(
            pallas, context, listed, "nobody else in the set", modulus=(1 << 40) - 87, neighbours=0
        ),
        "masking_full_rows": masking(
            pallas, context, listed, "full rows, long carries", d=16, modulus=(1 << 48) - 59, carry_bits=100
        ),
        "masking_one": masking(bn254, context, listed, "one coordinate", d=1, columns=2, neighbours=1),
    }


def false(suite: str, context: Context, listed: Json) -> dict[str, Json]:
    """By a prover that does not look."""
    lie = {"stage": "argument"}

    def of(about: str, **how: Any) -> Json:
        return masking(suite, context, listed, f"false: {about}", expect=lie, **how)

    return {
        "masking_another_upload": of("one more in a coordinate", uploaded=1),
        "masking_another_blind": of("another blind in the last row", blinded=True),
        "masking_another_multiple": of("another weight than announced", weight=context[2] + 1),
        "masking_another_mask": of("points of another mask", signed=1),
    }
