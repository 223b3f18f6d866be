"""The demo's data and network."""

import numpy as np

from fedproof.demo.data import HELD_OUT, SHARES, load
from fedproof.demo.network import accuracy, initial, plain_federation, train


def test_the_split() -> None:
    hospitals, held_out = load(2)
    sizes = [len(h.y) for h in hospitals]
    assert len(held_out.y) == HELD_OUT == 143
    assert sum(sizes) + HELD_OUT == 569
    assert len(set(sizes)) == len(SHARES) == 7
    assert np.isclose(sum(SHARES), 1)
    together = np.concatenate([h.x for h in hospitals])
    assert np.allclose(together.mean(axis=0), 0, atol=1e-4)
    assert np.allclose(together.std(axis=0), 1, atol=1e-4)


def test_training_is_the_same_for_the_same_seed() -> None:
    hospitals, _ = load(2)
    base = initial(2)
    first, again = train(base, hospitals[0], (1, 2)), train(base, hospitals[0], (1, 2))
    other = train(base, hospitals[0], (1, 3))
    assert all((first[n] == again[n]).all() for n in base)
    assert any((first[n] != other[n]).any() for n in base)
    assert all((initial(2)[n] == base[n]).all() for n in base)


def test_plain_training_learns() -> None:
    hospitals, held_out = load(2)
    seeds = [[(2, r, k) for k in range(1, 8)] for r in range(10)]
    trained = plain_federation(initial(2), hospitals, seeds)
    assert accuracy(trained, held_out) > 0.95 > 0.5 + accuracy(initial(2), held_out) / 2
