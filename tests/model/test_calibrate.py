"""Bounds from a dry run: always a policy's, kept by honest updates, and never an overflow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.model.calibrate import Bounds, Margins, Trained, effect, furthest_norm, propose
from fedproof.model.layout import Layout
from fedproof.model.quantise import clip_update, square_sum, to_integers, update
from fedproof.policy.policy import Update

LAYOUT = Layout.of_arrays({"w": np.zeros(6), "b": np.zeros(2)})
F32 = Layout.of_arrays({"w": np.zeros(8, np.float32)})


def trained(
    new: Any, start: Any = None, client: str = "ada", round: int = 0, dtype: Any = np.float64
) -> Trained:
    """Eight values after training, and before it."""
    before = np.zeros(8) if start is None else np.asarray(start, float)

    def named(values: Any) -> dict[str, Any]:
        values = np.asarray(values, float).astype(dtype)
        return {"w": values} if dtype == np.float32 else {"w": values[:6], "b": values[6:]}

    return Trained(round, client, 1, named(before), named(new))


def integers(one: Trained, scale: int) -> Any:
    return update(one.new, to_integers(one.start, LAYOUT, scale), LAYOUT, scale)


def quantile(values: list[int], share: float) -> int:
    """The smallest of the values that at least this share does not exceed."""
    return next(v for v in sorted(values) if sum(w <= v for w in values) >= share * len(values) - 1e-9)


VALUES = arrays_of.arrays(np.float64, 8, elements=st.floats(-1e9, 1e9) | st.floats(-1, 1))
DRY_RUNS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12)
MARGINS = st.builds(Margins, st.floats(0.01, 1), st.floats(1, 8), st.floats(1, 8))


@given(DRY_RUNS, MARGINS)
def test_bounds_are_a_policys_and_honest_updates_are_within(
    values: list[tuple[Any, Any]], margins: Margins
) -> None:
    updates = [trained(new, start) for start, new in values]
    try:
        bounds = propose(updates, LAYOUT, margins)
    except Malformed:  # no scale holds them, or enough of them change nothing
        return
    Update(**vars(bounds))
    assert bounds.max_norm <= furthest_norm(LAYOUT.size, bounds.max_abs)
    found = [effect(one, LAYOUT, bounds) for one in updates]
    counted = [one for one, e in zip(updates, found, strict=True) if e.counted]
    limits = [(int(np.abs(x).max()), square_sum(x)) for x in (integers(u, bounds.scale) for u in counted)]
    far = [(1 << 62, 1 << 124)] * (len(updates) - len(counted))
    reach = quantile([size for size, _ in limits + far], margins.quantile)
    norm = quantile([squares for _, squares in limits + far], margins.quantile)
    for one, (size, squares) in zip(counted, limits, strict=True):
        x = integers(one, bounds.scale)
        if size <= reach and squares <= norm:
            assert np.array_equal(clip_update(x, bounds.max_abs, bounds.max_norm), x)
            assert effect(one, LAYOUT, bounds).unchanged
    for e in found:
        assert 0 <= e.norm_kept <= 1
        assert 0 <= e.clamped <= 1
        assert np.isfinite([e.rounding, e.norm]).all()


@given(DRY_RUNS)
def test_with_all_of_them_nothing_is_cut(values: list[tuple[Any, Any]]) -> None:
    updates = [trained(new, start) for start, new in values]
    try:
        bounds = propose(updates, LAYOUT, Margins(quantile=1, norm=1, coordinate=1))
    except Malformed:
        return
    assert all(effect(one, LAYOUT, bounds).unchanged for one in updates)


@given(
    st.lists(
        arrays_of.arrays(np.float32, 8, elements=st.floats(-(2.0**20), 2.0**20, width=32)),
        min_size=1,
        max_size=8,
    )
)
def test_the_scale_is_the_largest(values: list[Any]) -> None:
    updates = [trained(v, dtype=np.float32) for v in values]
    margins = Margins(quantile=1, norm=1, coordinate=2)
    try:
        bounds = propose(updates, F32, margins)
    except Malformed:
        assert not any(v.any() for v in values) or max(np.abs(v).max() for v in values) * 2 > 32766
        return
    reach = max(float(np.abs(v).max()) for v in values)
    assert reach * 2 * 2**bounds.scale + 1 <= 32767
    assert bounds.scale == 24 or reach * 2 * 2 ** (bounds.scale + 1) + 1 > 32767
    assert bounds.max_abs >= max(
        abs(int(x)) for v in values for x in np.rint(np.ldexp(v.astype(float), bounds.scale))
    )


def test_known_numbers() -> None:
    updates = [trained([0.25 * k, 0, 0, 0, 0, 0, 0, 0.25 * k]) for k in range(1, 21)]
    bounds = propose(updates, LAYOUT)
    # 19 of 20 reach 4.75; times 1.5 that is 7.125, and 7.125·2^12 = 29184 fits
    assert bounds == Bounds(12, 29184, furthest_norm_of(4.75, 12))
    last = effect(updates[19], LAYOUT, bounds)
    assert last.unchanged  # the room holds it
    tight = propose(updates, LAYOUT, Margins(norm=1, coordinate=1))
    assert (tight.scale, tight.max_abs) == (12, 19456)
    found = [effect(one, LAYOUT, tight) for one in updates]
    assert [e.unchanged for e in found] == [True] * 19 + [False]
    assert found[19].norm_kept == pytest.approx(0.95, abs=1e-4)
    assert found[0].rounding == 0
    assert found[3].norm == pytest.approx(2**0.5)


def furthest_norm_of(reach: float, scale: int) -> int:
    """1.1 times the norm of two such coordinates, rounded as `propose` does."""
    from math import ceil, isqrt

    return ceil((isqrt(2 * int(reach * 2**scale) ** 2 - 1) + 1) * 1.1)


def test_rounding_is_told() -> None:
    updates = [trained([1000, 0.3, 0, 0, 0, 0, 0, 0]), trained([0, 0.3, 0, 0, 0, 0, 0, 0])]
    bounds = propose(updates, LAYOUT, Margins(quantile=1, norm=1, coordinate=1))
    assert bounds.scale == 5
    assert effect(updates[0], LAYOUT, bounds).rounding < 1e-4
    assert effect(updates[1], LAYOUT, bounds).rounding == pytest.approx(abs(10 / 32 - 0.3) / 0.3)


def test_what_is_cut_is_told() -> None:
    one = trained([8, 1, 1, 1, 1, 1, 1, 1])
    e = effect(one, LAYOUT, Bounds(4, 16, 1 << 30))
    assert (e.clamped, e.unchanged) == (1 / 8, False)
    assert e.norm_kept == pytest.approx((8 / 71) ** 0.5)
    e = effect(one, LAYOUT, Bounds(4, 32767, 64))
    assert (e.clamped, round(e.norm_kept, 2)) == (0, pytest.approx(64 / (16 * 71**0.5), abs=0.05))


HONEST = [trained([0.01 * (k + 1)] * 8, client=f"c{k}") for k in range(39)]


@pytest.mark.parametrize("giant", [1e3, 1e12, 1e20, 1e300, 1.7e308, -1.7e308])
def test_one_giant_sets_no_bounds(giant: float) -> None:
    outlier = trained([giant] * 8, start=[-giant / 2] * 8, client="giant")
    bounds = propose([*HONEST, outlier], LAYOUT)
    without = propose(HONEST, LAYOUT)
    assert bounds.scale == without.scale
    Update(**vars(bounds))
    e = effect(outlier, LAYOUT, bounds)
    assert not e.unchanged
    assert e.counted == (abs(giant) * 2**bounds.scale < 2**53)
    assert all(effect(one, LAYOUT, bounds).unchanged for one in HONEST)
    with pytest.raises(Malformed, match="no scale holds them"):
        propose([outlier, *HONEST], LAYOUT, Margins(quantile=1, coordinate=1000))


def test_tiny_updates() -> None:
    for tiny in (1e-12, 1e-300, 5e-324):
        bounds = propose([trained([tiny] * 8)], LAYOUT)
        assert bounds == Bounds(24, 1, 1)
        e = effect(trained([tiny] * 8), LAYOUT, bounds)
        assert (e.unchanged, e.rounding) == (True, 1)


def test_large_weights_lower_the_scale() -> None:
    start = np.full(8, 2.0**40)
    bounds = propose([trained(start + 1, start)], LAYOUT)
    assert bounds.scale == 11  # 2^40·2^11 < 2^52
    with pytest.raises(Malformed, match="no scale holds them"):
        propose([trained(np.full(8, 2.0**52) + 1, np.full(8, 2.0**52))], LAYOUT)


def test_updates_that_change_nothing() -> None:
    with pytest.raises(Malformed, match="95% of the updates change nothing"):
        propose([trained([0] * 8)] * 3, LAYOUT)
    some = [trained([1] * 8), trained([0] * 8)]
    bounds = propose(some, LAYOUT)
    e = effect(some[1], LAYOUT, bounds)
    assert (e.unchanged, e.rounding, e.norm) == (True, 0, 0)
    with pytest.raises(Malformed, match="without updates"):
        propose([], LAYOUT)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("made", ["start", "new"])
def test_what_is_not_finite_is_refused_by_client_and_round(bad: float, made: str) -> None:
    values = [0, 0, 0, bad, 0, 0, 0, 0]
    one = trained([1] * 8, values, "bob", 3) if made == "start" else trained(values, None, "bob", 3)
    calls: tuple[Callable[[], object], ...] = (
        lambda: propose([*HONEST, one], LAYOUT),
        lambda: effect(one, LAYOUT, Bounds(4, 100, 100)),
    )
    for call in calls:
        with pytest.raises(Refused, match="not a finite number") as refused:
            call()
        assert (refused.value.stage, refused.value.party, refused.value.round) == ("decoding", "bob", 3)


def test_other_tensors_are_refused_by_client_and_round() -> None:
    one = Trained(2, "bob", 1, {"w": np.zeros(6), "b": np.zeros(2)}, {"w": np.zeros(6)})
    with pytest.raises(Refused, match="tensor b is missing") as refused:
        propose([one], LAYOUT)
    assert (refused.value.stage, refused.value.party, refused.value.round) == ("shape", "bob", 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantile": 0},
        {"quantile": 1.1},
        {"quantile": np.nan},
        {"norm": 0.9},
        {"norm": np.inf},
        {"coordinate": np.nan},
    ],
)
def test_margins_that_are_none(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Margins(**wrong)
