"""The commitment to a public model state. It has zero blinds, so anyone can recompute it, and it adds:
C(W_t) = C(W_{t−1}) + C(f(Σ))."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedproof.model.quantise import check_state
from fedproof.proofs.commitment import Commitment, commit_public


def model_commitment(suite: str, W: NDArray[np.int64]) -> Commitment:
    """C(W) with zero blinds; its `root()` stands in announcements, results and the certificate."""
    check_state(W)
    return commit_public(suite, W)
