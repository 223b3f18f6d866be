from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedproof.errors import Refused
from fedproof.model.aggregate import MAX_TOTAL, move, weighted_mean


@given(
    st.lists(st.integers(-MAX_TOTAL + 1, MAX_TOTAL - 1), min_size=1, max_size=20),
    st.integers(1, MAX_TOTAL - 1) | st.integers(1, 1000),
)
def test_the_mean_is_the_nearest_integer_ties_upwards(total: list[int], weight: int) -> None:
    got = weighted_mean(np.array(total), weight).tolist()
    assert got == [floor(Fraction(x, weight) + Fraction(1, 2)) for x in total]


def test_ties_go_upwards_on_both_sides_of_zero() -> None:
    assert weighted_mean(np.array([-3, -1, 1, 3]), 2).tolist() == [-1, 0, 1, 2]


@pytest.mark.parametrize("weight", [0, -1, MAX_TOTAL])
def test_a_sum_of_weights_out_of_range_is_refused(weight: int) -> None:
    with pytest.raises(Refused, match="weights sum to"):
        weighted_mean(np.array([1]), weight)


@pytest.mark.parametrize("x", [MAX_TOTAL, -MAX_TOTAL, -(1 << 63)])
def test_a_total_that_could_wrap_is_refused(x: int) -> None:
    with pytest.raises(Refused, match="beyond"):
        weighted_mean(np.array([x]), 1)


def test_the_model_moves_by_the_mean() -> None:
    assert move(np.array([10, -10]), weighted_mean(np.array([7, -7]), 2)).tolist() == [14, -13]
    with pytest.raises(Refused, match="the total has 1"):
        move(np.array([1, 2]), np.array([1]))


@pytest.mark.parametrize("W", [(1 << 53) - 1, 1 << 53])
def test_a_model_that_leaves_its_range_is_refused(W: int) -> None:
    with pytest.raises(Refused, match="2\\^53"):
        move(np.array([W]), np.array([1]))
