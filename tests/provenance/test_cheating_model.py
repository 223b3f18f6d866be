"""The sum and the model that follows from it.

A dishonest aggregator signs anything, alone or with a client; each lie is refused, at the object and the
stage where it lies.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedproof.model.aggregate import apply
from fedproof.model.tensors import model_bytes
from fedproof.round.chain import Chain
from fedproof.round.messages import Dropped
from tests.provenance.world import (
    LAYOUT,
    Forgery,
    changed,
    refusal,
    told,
)


def with_total(forgery: Forgery, index: int, values: np.ndarray) -> None:
    """Another total, and the model that follows from it."""
    world, r = forgery.world, forgery.rounds[index]
    assert r.total is not None
    r.total = changed(r.total, values=values.astype("<i8").tobytes())
    before = Chain.start(world.policy, world.blobs[world.policy.base_digest])
    if index:
        before = replace(before, W=world.closed[index - 1].chain.W)
    weights = {p.client: p.weight for p in r.announcement.participants}
    W = apply(before.W, values, sum(weights[a.client] for a in r.result.accepted))
    r.result = changed(r.result, after=replace(before, W=W).state)
    forgery.resign(index)
    forgery.model = model_bytes(W, LAYOUT, world.policy.update.scale)


def values_of(forgery: Forgery, index: int) -> np.ndarray:
    total = forgery.rounds[index].total
    assert total is not None
    return np.frombuffer(total.values, "<i8").astype(np.int64)


def test_a_total_that_is_off_by_one(forgery: Forgery, tmp_path: Path) -> None:
    values = values_of(forgery, 2)
    values[0] += 1
    with_total(forgery, 2, values)
    error = refusal(forgery, tmp_path)
    assert (error.subject, error.round) == ("honest aggregate", 2)


def test_a_total_that_leaves_somebody_out(forgery: Forgery, tmp_path: Path) -> None:
    """Cyd is listed as accepted, and her update is not in the sum."""
    with_total(forgery, 2, values_of(forgery, 2) - values_of(forgery, 1))
    assert refusal(forgery, tmp_path).subject == "honest aggregate"


def test_a_total_that_counts_more_than_the_accepted(forgery: Forgery, tmp_path: Path) -> None:
    with_total(forgery, 2, values_of(forgery, 2) * 2)
    assert refusal(forgery, tmp_path).subject == "honest aggregate"


def test_a_total_whose_mean_would_overflow(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[2]
    assert r.total is not None
    values = np.full(LAYOUT.size, -(1 << 63), np.int64)
    r.total = changed(r.total, values=values.astype("<i8").tobytes())
    forgery.resign(2)
    assert refusal(forgery, tmp_path).subject in ("honest aggregate", "total")


@pytest.mark.parametrize("length", [0, 8, 8 * LAYOUT.size - 1, 8 * LAYOUT.size + 8])
def test_a_total_of_another_length(forgery: Forgery, tmp_path: Path, length: int) -> None:
    r = forgery.rounds[0]
    assert r.total is not None
    r.total = changed(r.total, values=bytes(length))
    forgery.resign(0)
    assert told(refusal(forgery, tmp_path))[:3] == ("total", "shape", 0)


def test_an_opening_proof_that_does_not_hold(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[0]
    proof = bytearray(forgery.blobs[r.result.proof or b""])
    proof[-1] ^= 1
    r.result = changed(r.result, proof=forgery.keep(bytes(proof)))
    forgery.resign(0)
    error = refusal(forgery, tmp_path)
    assert (error.subject, error.round) == ("honest aggregate", 0)


def test_a_model_that_does_not_follow_from_the_total(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[2]
    r.result = changed(r.result, after=changed(r.result.after, weights=bytes(32)))
    forgery.resign(2)
    assert told(refusal(forgery, tmp_path))[:3] == ("result", "chain", 2)


def test_a_round_with_too_few_that_counts(forgery: Forgery, tmp_path: Path) -> None:
    """Below `min_accepted` a round is void."""
    r = forgery.rounds[2]
    asserted = {"subject": "upload", "stage": "deadline", "reason": "late"}
    late = [Dropped(client=c, kind="dropped", evidence=False, **asserted) for c in ("ada", "bob", "cyd")]
    r.result = changed(r.result, accepted=r.result.accepted[2:], dropped=tuple(late))
    forgery.resign(2)
    assert told(refusal(forgery, tmp_path))[:3] == ("result", "policy", 2)


def test_a_round_with_enough_that_is_called_void(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[2]
    r.result = changed(r.result, void=True, total=None, proof=None, after=r.announcement.base)
    r.total = None
    forgery.resign(2)
    assert told(refusal(forgery, tmp_path))[:3] == ("result", "policy", 2)


def test_another_model_file(forgery: Forgery, tmp_path: Path) -> None:
    W = forgery.world.chain.W.copy()
    W[0] += 1
    forgery.model = model_bytes(W, LAYOUT, forgery.world.policy.update.scale)
    assert told(refusal(forgery, tmp_path))[:2] == ("model", "chain")


@pytest.mark.parametrize("end", [b"\0", b""])
def test_a_model_file_with_other_bytes_and_the_same_tensors(
    forgery: Forgery, tmp_path: Path, end: bytes
) -> None:
    """Spaces in the header, or something after the data."""
    data = forgery.model
    if end:
        forgery.model = data + end
    else:
        size = int.from_bytes(data[:8], "little")
        forgery.model = (size + 8).to_bytes(8, "little") + data[8 : 8 + size] + b" " * 8 + data[8 + size :]
    assert told(refusal(forgery, tmp_path))[:2] == ("model", "chain")
