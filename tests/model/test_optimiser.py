"""The optimisers' steps: the same bits as one double after the other, and Flower's own results."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedproof.errors import Refused
from fedproof.model.aggregate import MAX_TOTAL, move, weighted_mean
from fedproof.model.optimiser import Moments, step
from fedproof.policy.aggregate import PARAMETERS, Aggregate

STRATEGIES = {
    "FedAvgM": {"server_learning_rate": "0.7", "server_momentum": "0.9"},
    "FedAdagrad": {},
    "FedAdam": {},
    "FedYogi": {"eta": "0.03", "beta_2": "0.95"},
}
SCALE = 14


def aggregate(strategy: str, **parameters: str) -> Aggregate:
    table: dict[str, Any] = {"strategy": strategy}
    return Aggregate.model_validate({**table, "optimiser": parameters or None})


def by_hand(held: Aggregate, W: list[int], rounds: list[tuple[list[int], int]], scale: int) -> list[int]:
    """As spec/model.md §5 has it, one number after the other."""
    assert held.optimiser is not None
    p = {n: float(v) for n, v in held.optimiser.model_dump(exclude_none=True).items()}
    m, v = [0.0] * len(W), [0.0] * len(W)
    for n, (total, weight) in enumerate(rounds, 1):
        for j, x in enumerate(total):
            delta = math.ldexp(float(x) / float(weight), -scale)
            if held.strategy == "FedAvgM":
                m[j] = p["server_momentum"] * m[j] + delta
                change = p["server_learning_rate"] * m[j]
            elif held.strategy == "FedAdagrad":
                v[j] = v[j] + delta * delta
                change = p["eta"] * delta / (math.sqrt(v[j]) + p["tau"])
            else:
                m[j] = p["beta_1"] * m[j] + (1.0 - p["beta_1"]) * delta
                q, rate = delta * delta, p["eta"]
                if held.strategy == "FedAdam":
                    v[j] = p["beta_2"] * v[j] + (1.0 - p["beta_2"]) * q
                    one, two = p["beta_1"], p["beta_2"]
                    for _ in range(n):
                        one, two = one * p["beta_1"], two * p["beta_2"]
                    rate = rate * math.sqrt(1.0 - two) / (1.0 - one)
                else:
                    sign = (v[j] > q) - (v[j] < q)
                    v[j] = v[j] - (1.0 - p["beta_2"]) * q * sign
                change = rate * m[j] / (math.sqrt(v[j]) + p["tau"])
            W[j] += round(math.ldexp(change, scale))
    return W


@given(
    st.sampled_from([*STRATEGIES]),
    st.lists(
        st.tuples(
            st.lists(st.integers(-(1 << 40), 1 << 40), min_size=3, max_size=3), st.integers(1, 1 << 20)
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([0, 14, 24]),
)
def test_the_same_bits_one_number_after_the_other(
    strategy: str, rounds: list[tuple[list[int], int]], scale: int
) -> None:
    held = aggregate(strategy, **STRATEGIES[strategy])
    W, moments = np.array([5, -7, 0]), Moments.start(held, 3)
    for total, weight in rounds:
        W, moments = step(held, moments, W, np.array(total), weight, scale)
    assert moments.steps == len(rounds)
    assert W.tolist() == by_hand(held, [5, -7, 0], rounds, scale)


@pytest.mark.parametrize("strategy", ["FedAvg", "FedProx"])
def test_without_an_optimiser_it_is_the_exact_mean(strategy: str) -> None:
    held = aggregate(strategy)
    W, total = np.array([1, 2]), np.array([7, -7])
    after, moments = step(held, Moments.start(held, 2), W, total, 2, SCALE)
    assert after.tolist() == move(W, weighted_mean(total, 2)).tolist()
    assert (moments.steps, len(moments.first), len(moments.second)) == (0, 0, 0)


def test_steps_that_cannot_be_made() -> None:
    W = np.zeros(1, np.int64)
    held = aggregate("FedAvgM", server_learning_rate="999999")
    start = Moments.start(held, 1)
    with pytest.raises(Refused, match="beyond ±2\\^53 units; lower its rate") as error:
        step(held, start, W, np.array([1 << 50]), 1, SCALE)
    assert (error.value.subject, error.value.stage) == ("aggregate", "sum")
    with pytest.raises(Refused, match="weights sum to"):
        step(held, start, W, np.array([1]), 0, SCALE)
    with pytest.raises(Refused, match="beyond ±2\\^61"):
        step(held, start, W, np.array([MAX_TOTAL]), 1, SCALE)
    with pytest.raises(Refused, match="coordinate of the model"):
        step(held, start, W + (1 << 53) - 1, np.array([1]), 1, SCALE)
    for value in (math.nan, math.inf):
        for first, second in ((value, 0.0), (0.0, value)):
            held = aggregate("FedAdam")
            spoiled = Moments(1, np.array([first]), np.array([second]))
            with pytest.raises(Refused, match="no finite number"):
                step(held, spoiled, W, np.array([1]), 1, SCALE)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("defaults", [True, False])
def test_flowers_own_results(strategy: str, defaults: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flower's own classes on the same means: they compute with float32 or float64 models, here with float64 ones."""
    strategies = pytest.importorskip("flwr.serverapp.strategy")
    app = pytest.importorskip("flwr.app")
    parameters = {} if defaults else STRATEGIES[strategy]
    theirs = getattr(strategies, strategy)(**{n: float(v) for n, v in parameters.items()})
    random = np.random.default_rng(3)
    W = random.integers(-(1 << 20), 1 << 20, 50)
    held = aggregate(strategy, **parameters)
    moments = Moments.start(held, len(W))
    current = np.ldexp(W.astype(np.float64), -SCALE)

    for number in range(1, 8):
        total, weight = random.integers(-(1 << 22), 1 << 22, 50), 977
        mean = current + np.ldexp(total / weight, -SCALE)
        arrays = app.ArrayRecord({"w": app.Array(mean)})
        monkeypatch.setattr(
            strategies.FedAvg, "aggregate_train", lambda self, number, replies, arrays=arrays: (arrays, None)
        )
        before = app.ArrayRecord({"w": app.Array(current)})
        theirs.current_arrays = before if strategy == "FedAvgM" else {"w": current}
        found, _ = theirs.aggregate_train(number, [])
        before_W = W
        W, moments = step(held, moments, W, total, weight, SCALE)
        change = found["w"].numpy() - current
        units = np.ldexp(change, SCALE)
        assert np.abs(W - before_W - units).max() <= 0.5 + 1e-6 * np.abs(units).max()
        if strategy != "FedAvgM":
            assert np.allclose(moments.second, theirs.v_t["w"], rtol=1e-6, atol=0)
        current = current + change


def test_the_defaults_are_flowers() -> None:
    strategies = pytest.importorskip("flwr.serverapp.strategy")
    for strategy, parameters in PARAMETERS.items():
        made = getattr(strategies, strategy)()
        assert {n: getattr(made, n) for n in parameters} == {n: float(v) for n, v in parameters.items()}
