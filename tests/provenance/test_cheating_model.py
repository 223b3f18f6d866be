"""The sum and the model that follows from it.

A dishonest aggregator signs anything, alone or with a client; each lie is refused, at the object and the
stage where it lies.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fedproof.round.rules import silent
from tests.provenance.world import (
    LAYOUT,
    Forgery,
    changed,
    refusal,
    told,
)


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
    late = tuple(silent(c) for c in ("ada", "bob", "cyd"))
    r.result = changed(r.result, accepted=r.result.accepted[2:], dropped=late)
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
    forgery.model = replace(forgery.world.chain, W=W).released()
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
