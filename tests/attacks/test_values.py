"""Values that the policy forbids, each by one: a client forces a proof about them out of the real prover."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedproof import _core
from fedproof.policy.parameters import shape
from fedproof.proofs import Commitment, Opening
from fedproof.round.messages import Upload
from tests.attacks.parties import caught, crafted, forced
from tests.provenance.world import LAYOUT, Lie, Moment, play

FALSE = "the proof does not hold"
MAX_ABS, MAX_NORM = 4095, 5000


def sends(*values: int) -> Lie:
    """These coordinates, the others zero."""
    x = np.array([*values, *[0] * (LAYOUT.size - len(values))], np.int64)
    return lambda moment: moment.client.seal(moment.ctx, x, unchecked=True)


def test_values_at_the_bounds_are_accepted() -> None:
    """What the tests below exceed by one."""
    instead = {
        (0, "ada"): sends(MAX_ABS),
        (0, "bob"): sends(-MAX_ABS),
        (0, "cyd"): sends(4000, 3000),  # 4000² + 3000² = MAX_NORM²
    }
    world = play(lies=False, rounds=1, instead=instead)
    assert len(world.closed[0].result.accepted) == 5


@pytest.mark.parametrize("at", [0, LAYOUT.size - 1])
def test_value_one_above_the_bound(tmp_path: Path, at: int) -> None:
    world = play(lies=False, rounds=1, instead={(0, "dee"): sends(*[0] * at, MAX_ABS + 1)})
    caught(world, tmp_path, "dee", "bounded update", "argument", FALSE)


@pytest.mark.parametrize("at", [0, LAYOUT.size - 1])
def test_value_one_below_the_bound(tmp_path: Path, at: int) -> None:
    world = play(lies=False, rounds=1, instead={(0, "dee"): sends(*[0] * at, -MAX_ABS - 1)})
    caught(world, tmp_path, "dee", "bounded update", "argument", FALSE)


def test_squared_norm_one_above_the_bound(tmp_path: Path) -> None:
    assert MAX_NORM**2 == 4000**2 + 3000**2
    world = play(lies=False, rounds=1, instead={(0, "dee"): sends(4000, 3000, 1)})
    caught(world, tmp_path, "dee", "bounded update", "argument", FALSE)


@pytest.mark.parametrize("prove", ["bounded", "opening"])
def test_padding_that_is_not_zero(tmp_path: Path, prove: str) -> None:
    """A coordinate beyond d in the committed row: it would spoil the sum, and nobody would know whose fault it is."""

    def lie(moment: Moment) -> Upload:
        suite, held = moment.client.chain.suite, shape(LAYOUT.size)
        more = np.append(np.arange(LAYOUT.size), 3)
        points, blinds = _core.commit(suite, more, held.columns, 16)
        commitment = Commitment(suite, held, points)
        proof = forced(moment, commitment, Opening(more, blinds))
        return crafted(moment, commitment, Opening(more[:-1], blinds), proof)

    world = play(prove, lies=False, rounds=1, instead={(0, "dee"): lie})
    subject = "bounded update" if prove == "bounded" else "plain opening"
    caught(world, tmp_path, "dee", subject, "argument", FALSE)
