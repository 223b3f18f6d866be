import numpy as np
import pytest

from fedproof.errors import Refused
from fedproof.model.aggregate import move, weighted_mean
from fedproof.model.commitment import model_commitment
from fedproof.proofs import honest_aggregate

SUITE = "pallas-keccak-ed25519-v1"


def test_the_commitment_moves_as_the_model_does() -> None:
    """C(W_t) = C(W_{t−1}) + C(f(X))."""
    random = np.random.default_rng(1)
    W = random.integers(-(1 << 40), 1 << 40, 300)
    total = random.integers(-(1 << 40), 1 << 40, 300)
    after = model_commitment(SUITE, move(W, weighted_mean(total, 77)))
    parts = [model_commitment(SUITE, W), model_commitment(SUITE, weighted_mean(total, 77))]
    assert honest_aggregate.combine(parts, [1, 1]) == after


def test_anyone_gets_the_same_commitment_and_only_for_this_model() -> None:
    W = np.arange(300)
    assert model_commitment(SUITE, W).root() == model_commitment(SUITE, W.copy()).root()
    W[299] += 1
    assert model_commitment(SUITE, W).root() != model_commitment(SUITE, np.arange(300)).root()


def test_a_state_out_of_range_is_refused() -> None:
    with pytest.raises(Refused):
        model_commitment(SUITE, np.array([1 << 53]))
