"""Proofs that are verified together: what fails alone fails in company, and two wrongs make no right."""

from __future__ import annotations

import numpy as np
import pytest

from fedproof.proofs import Context, bounded_update, commit
from fedproof.proofs.bounded_update import Bounds, Claim
from tests.attacks.parties import ELEMENT, ORDER, refusal

SUITE = "pallas-keccak-ed25519-v1"
BOUNDS = Bounds(200, 3_000_000, 0)
CTX = Context(bytes(range(32)), "ada", 3)


def claim() -> Claim:
    commitment, opening = commit(SUITE, np.arange(-150, 150))
    return Claim(CTX, BOUNDS, commitment, bounded_update.prove(CTX, BOUNDS, commitment, opening))


def shifted(good: Claim, by: int) -> Claim:
    """The last scalar of the proof, in which its final equation is linear, moved by this much."""
    last = (int.from_bytes(good.proof[-ELEMENT:], "big") + by) % ORDER
    return Claim(
        good.ctx, good.bounds, good.commitment, good.proof[:-ELEMENT] + last.to_bytes(ELEMENT, "big")
    )


@pytest.mark.parametrize("twins", [True, False])
def test_two_bad_proofs_that_cancel(twins: bool) -> None:
    """One off by 1, the other by −1: both equations are false. Of the same proof twice, their plain sum would be true."""
    good = [claim()] * 2 if twins else [claim(), claim()]
    bounded_update.verify_all(SUITE, good)
    bad = [shifted(good[0], 1), shifted(good[1], -1)]
    for one in bad:
        with refusal("bounded update", "argument", "does not hold"):
            bounded_update.verify(one.ctx, one.bounds, one.commitment, one.proof)
    for batch in (bad, bad[::-1], [*bad, *good], [good[0], *bad]):
        with refusal("bounded update", "argument", "does not hold"):
            bounded_update.verify_all(SUITE, batch)
