from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedproof.errors import Refused
from fedproof.model.layout import Layout
from fedproof.model.quantise import MAX_STATE, clip_update, square_sum, to_arrays, to_integers, update

F64 = Layout.of_arrays({"w": np.zeros(3)})
F32 = Layout.of_arrays({"w": np.zeros(1, np.float32)})
UNITS = st.integers(-(1 << 53) + 1, (1 << 53) - 1)


def rounded(value: Fraction) -> int:
    """Nearest integer, ties to even, by exact arithmetic."""
    low = floor(value)
    rest = value - low
    return low + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1))


@given(st.floats(-1e9, 1e9), st.integers(0, 20))
def test_rounding_is_exact_to_nearest_even(value: float, scale: int) -> None:
    arrays = {"w": np.array([value, 0.5, -1.5])}
    got = to_integers(arrays, F64, scale)
    assert got[0] == rounded(Fraction(value) * 2**scale)


def test_ties_go_to_even() -> None:
    assert to_integers({"w": np.array([0.5, 1.5, -2.5])}, F64, 0).tolist() == [0, 2, -2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_place(bad: float) -> None:
    with pytest.raises(Refused, match="tensor w, element 1") as refused:
        to_integers({"w": np.array([0, bad, 0])}, F64, 12)
    assert refused.value.stage == "decoding"


@pytest.mark.parametrize("bad", [2.0**53, -(2.0**53), 1.7e308])
def test_what_cannot_be_counted_is_refused(bad: float) -> None:
    with pytest.raises(Refused, match=r"element 2 .*lower the policy's scale"):
        to_integers({"w": np.array([0, 0, bad])}, F64, 0)
    assert to_integers({"w": np.array([0, 0, 2.0**53 - 1])}, F64, 0)[2] == 2**53 - 1


@given(UNITS, st.integers(0, 30))
def test_float64_holds_every_state_exactly(units: int, scale: int) -> None:
    W = np.array([units, 0, 1])
    arrays = to_arrays(W, F64, scale)
    assert Fraction(float(arrays["w"][0])) == Fraction(units, 2**scale)
    assert to_integers(arrays, F64, scale).tolist() == W.tolist()


@given(UNITS, st.integers(0, 30))
def test_float32_is_the_nearest_to_the_state(units: int, scale: int) -> None:
    got = to_arrays(np.array([units]), F32, scale)["w"][0]
    exact = Fraction(units, 2**scale)
    error = abs(Fraction(float(got)) - exact)
    for neighbour in (np.nextafter(got, np.float32(np.inf)), np.nextafter(got, np.float32(-np.inf))):
        assert error <= abs(Fraction(float(neighbour)) - exact)


def test_float32_ties_go_to_the_even_mantissa() -> None:
    assert to_arrays(np.array([(1 << 24) + 1]), F32, 0)["w"][0] == 1 << 24
    assert to_arrays(np.array([(1 << 24) + 3]), F32, 0)["w"][0] == (1 << 24) + 4


def test_a_state_out_of_range_is_refused() -> None:
    for units in (MAX_STATE, -MAX_STATE):
        with pytest.raises(Refused, match="2\\^53"):
            to_arrays(np.array([units]), F32, 12)


def test_an_update_is_new_minus_base() -> None:
    base = to_integers({"w": np.array([1.0, 2.0, 3.0])}, F64, 4)
    assert update({"w": np.array([1.5, 2.0, 2.0])}, base, F64, 4).tolist() == [8, 0, -16]


@given(
    st.lists(st.integers(-(1 << 54), 1 << 54) | st.integers(-300, 300), min_size=1, max_size=600),
)
def test_the_sum_of_squares_is_exact(values: list[int]) -> None:
    assert square_sum(np.array(values)) == sum(v * v for v in values)


@given(
    st.lists(st.integers(-(1 << 54), 1 << 54) | st.integers(-300, 300), min_size=1, max_size=50),
    st.integers(1, 1 << 20),
    st.integers(1, 1 << 34),
)
def test_a_clipped_update_is_within_both_bounds(values: list[int], max_abs: int, max_norm: int) -> None:
    x = np.array(values)
    clipped = clip_update(x, max_abs, max_norm)
    assert clipped.dtype == np.int64
    assert all(abs(int(c)) <= max_abs for c in clipped)
    assert sum(int(c) ** 2 for c in clipped) <= max_norm**2
    assert all(int(c) * int(v) >= 0 and abs(int(c)) <= abs(int(v)) for c, v in zip(clipped, x, strict=True))
    if sum(v * v for v in values) <= max_norm**2 and max(map(abs, values)) <= max_abs:
        assert clipped.tolist() == values


def test_clipping_shortens_to_the_norm_and_hardly_more() -> None:
    x = np.random.default_rng(5).integers(-(10**6), 10**6, 1000)
    clipped = clip_update(x, 1 << 20, 10**6)
    assert 0.999 * 10**6 < square_sum(clipped) ** 0.5 <= 10**6
    exact = x * (10**6 / square_sum(x) ** 0.5)
    assert np.abs(clipped - exact).max() < 1.001


def test_the_bounds_are_reached_and_not_passed() -> None:
    assert clip_update(np.array([3, 4]), 4, 5).tolist() == [3, 4]
    assert clip_update(np.array([3, 5]), 4, 5).tolist() == [2, 4]
    assert clip_update(np.array([9, -9]), 4, 1000).tolist() == [4, -4]
    assert clip_update(np.zeros(0, np.int64), 4, 1000).tolist() == []
