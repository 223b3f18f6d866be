"""Types of the compiled engine; `mypy.stubtest` compares them with the binary. Use `fedproof.proofs` instead."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ProofError",
    "__version__",
    "add_masks",
    "check_opening",
    "combine",
    "combine_blinds",
    "commit",
    "commit_public",
    "count_correct",
    "deal_shares",
    "digest",
    "fold_fingerprints",
    "generate_key",
    "holding_consistent_maskings",
    "interpolate",
    "interpolate_points",
    "mask_update",
    "pack_residues",
    "pair_fingerprint",
    "prove_accuracy",
    "prove_bounded_update",
    "prove_consistent_masking",
    "prove_honest_aggregate",
    "prove_key",
    "prove_optimum",
    "prove_plain_opening",
    "prove_receipt",
    "public_keys",
    "row_fingerprints",
    "share_images",
    "shared_points",
    "sizes",
    "suites",
    "unpack_residues",
    "verify_accuracy",
    "verify_bounded_update",
    "verify_bounded_updates",
    "verify_consistent_masking",
    "verify_honest_aggregate_proof",
    "verify_key",
    "verify_optimum",
    "verify_plain_opening",
    "verify_receipt",
    "verify_sum",
]

__version__: str

_Context: TypeAlias = tuple[bytes, str, int, bytes | None]
_Shape: TypeAlias = tuple[int, int]
_Bounds: TypeAlias = tuple[int, int, int]
_Terms: TypeAlias = list[tuple[int, bytes]]
_Size: TypeAlias = tuple[int, int, int]
_Digits: TypeAlias = tuple[int, int, int]
_Accuracy: TypeAlias = tuple[_Size, tuple[int, int], _Digits]
_Place: TypeAlias = tuple[int, int, int, bytes, bytes]
_Masking: TypeAlias = tuple[bytes, int, int, int, int]
_MaskingClaim: TypeAlias = tuple[_Context, _Masking, bytes, bytes, list[tuple[bool, bytes]], list[int], bytes]
_Optimum: TypeAlias = tuple[_Size, tuple[bool, int, int, int], _Digits]

class ProofError(Exception): ...

def suites() -> list[tuple[str, int]]: ...
def sizes(suite: str) -> tuple[int, int]: ...
def commit(suite: str, values: NDArray[np.int64], columns: int, bits: int) -> tuple[bytes, bytes]: ...
def commit_public(suite: str, values: NDArray[np.int64], columns: int, bits: int) -> bytes: ...
def check_opening(
    suite: str, points: bytes, columns: int, values: NDArray[np.int64], blinds: bytes
) -> None: ...
def digest(suite: str, points: bytes) -> bytes: ...
def combine(suite: str, commitments: list[bytes], weights: list[int]) -> bytes: ...
def combine_blinds(suite: str, blinds: list[bytes], weights: list[int]) -> bytes: ...
def prove_plain_opening(
    suite: str,
    ctx: _Context,
    shape: _Shape,
    points: bytes,
    values: NDArray[np.int64],
    bits: int,
    blinds: bytes,
    checked: bool,
) -> bytes: ...
def verify_plain_opening(suite: str, ctx: _Context, shape: _Shape, points: bytes, proof: bytes) -> None: ...
def prove_bounded_update(
    suite: str,
    ctx: _Context,
    shape: _Shape,
    bounds: _Bounds,
    points: bytes,
    values: NDArray[np.int64],
    bits: int,
    blinds: bytes,
    checked: bool,
) -> tuple[bytes, list[tuple[str, float]]]: ...
def verify_bounded_update(
    suite: str, ctx: _Context, shape: _Shape, bounds: _Bounds, points: bytes, proof: bytes
) -> None: ...
def verify_bounded_updates(
    suite: str, statements: list[tuple[_Context, _Shape, _Bounds, bytes, bytes]]
) -> None: ...
def prove_honest_aggregate(
    suite: str,
    ctx: _Context,
    shape: _Shape,
    terms: _Terms,
    values: NDArray[np.int64],
    bits: int,
    blinds: bytes,
    checked: bool,
) -> bytes: ...
def verify_honest_aggregate_proof(
    suite: str, ctx: _Context, shape: _Shape, terms: _Terms, proof: bytes
) -> None: ...
def verify_sum(
    suite: str,
    ctx: _Context,
    shape: _Shape,
    terms: _Terms,
    values: NDArray[np.int64],
    blinds: bytes,
    proof: bytes | None = None,
) -> None: ...
def prove_optimum(
    suite: str,
    ctx: _Context,
    parts: _Optimum,
    records: bytes,
    rows: NDArray[np.int8],
    blinds: bytes,
    weights: NDArray[np.int64],
    weight_points: bytes | None,
    weight_blinds: bytes,
    checked: bool,
) -> bytes: ...
def verify_optimum(
    suite: str,
    ctx: _Context,
    parts: _Optimum,
    records: bytes,
    weights: NDArray[np.int64] | None,
    weight_points: bytes,
    proof: bytes,
) -> None: ...
def count_correct(
    parts: tuple[_Size, _Digits],
    rows: NDArray[np.int8],
    weights: NDArray[np.int64],
) -> int: ...
def prove_accuracy(
    suite: str,
    ctx: _Context,
    parts: _Accuracy,
    records: bytes,
    rows: NDArray[np.int8],
    blinds: bytes,
    weights: NDArray[np.int64],
    weight_points: bytes | None,
    weight_blinds: bytes,
    checked: bool,
) -> bytes: ...
def verify_accuracy(
    suite: str,
    ctx: _Context,
    parts: _Accuracy,
    records: bytes,
    weights: NDArray[np.int64] | None,
    weight_points: bytes,
    proof: bytes,
) -> None: ...
def prove_receipt(
    suite: str,
    ctx: _Context,
    head: tuple[int, int, int],
    points: bytes,
    inputs: NDArray[np.int8],
    classes: list[int],
    weights: NDArray[np.int64],
    blinds: bytes,
    checked: bool,
) -> bytes: ...
def verify_receipt(
    suite: str,
    ctx: _Context,
    head: tuple[int, int, int],
    points: bytes,
    inputs: NDArray[np.int8],
    classes: list[int],
    proof: bytes,
) -> None: ...
def generate_key(suite: str, context: bytes) -> tuple[bytes, bytes]: ...
def public_keys(suite: str, secrets: bytes) -> bytes: ...
def shared_points(suite: str, secret: bytes, keys: bytes) -> bytes: ...
def prove_key(suite: str, secret: bytes, bases: bytes, context: bytes) -> bytes: ...
def verify_key(suite: str, images: bytes, bases: bytes, context: bytes, proof: bytes) -> None: ...
def deal_shares(
    suite: str, secret: bytes, holders: list[int], threshold: int, context: bytes
) -> tuple[bytes, bytes]: ...
def share_images(suite: str, commitments: list[bytes], holders: list[int]) -> bytes: ...
def interpolate(suite: str, holders: list[int], shares: bytes) -> bytes: ...
def interpolate_points(suite: str, holders: list[int], points: bytes) -> bytes: ...
def mask_update(
    suite: str,
    modulus: int,
    columns: int,
    weight: int,
    values: NDArray[np.int64],
    blinds: bytes,
    masks: list[tuple[bytes, bool]],
) -> tuple[bytes, bytes]: ...
def add_masks(
    suite: str,
    modulus: int,
    columns: int,
    masks: list[tuple[bytes, bool]],
    residues: NDArray[np.uint64],
    blinds: bytes,
) -> tuple[NDArray[np.uint64], bytes]: ...
def pack_residues(modulus: int, residues: NDArray[np.uint64]) -> bytes: ...
def unpack_residues(modulus: int, count: int, packed: bytes) -> NDArray[np.uint64]: ...
def row_fingerprints(place: _Place, residues: NDArray[np.uint64]) -> NDArray[np.uint64]: ...
def fold_fingerprints(place: _Place, rows: NDArray[np.uint64]) -> list[int]: ...
def pair_fingerprint(
    suite: str, place: _Place, seed: bytes, blind_seed: bytes
) -> tuple[bytes, list[int], bytes]: ...
def prove_consistent_masking(
    suite: str,
    ctx: _Context,
    setting: _Masking,
    points: bytes,
    blinds: bytes,
    pairs: list[tuple[bool, bytes]],
    values: list[int],
    update: NDArray[np.int64],
    known: list[tuple[list[int], bytes]],
    checked: bool,
) -> bytes: ...
def verify_consistent_masking(suite: str, claim: _MaskingClaim) -> None: ...
def holding_consistent_maskings(suite: str, claims: list[_MaskingClaim]) -> list[bool]: ...
