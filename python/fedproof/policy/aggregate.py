"""How a policy has updates become one: Flower's strategies that are a weighted mean and, for some, an optimiser's step from it
(spec/model.md §5)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal, Self

from pydantic import model_validator

from fedproof.encoding.message import Record
from fedproof.policy.decimal import ShortDecimal

Strategy = Literal["FedAvg", "FedProx", "FedAvgM", "FedAdagrad", "FedAdam", "FedYogi"]

PARAMETERS: dict[str, dict[str, str]] = {
    "FedAvgM": {"server_learning_rate": "1", "server_momentum": "0"},
    "FedAdagrad": {"eta": "0.1", "tau": "0.001"},
    "FedAdam": {"eta": "0.1", "beta_1": "0.9", "beta_2": "0.99", "tau": "0.001"},
    "FedYogi": {"eta": "0.01", "beta_1": "0.9", "beta_2": "0.99", "tau": "0.001"},
}
"""Of the strategies with an optimiser: its parameters, and their defaults, which are Flower's."""

_DISTANCES = (
    "it chooses updates by their distances to each other: that is not a weighted mean of all accepted ones"
)
_ORDER = "it sorts the values of each coordinate: that is not a weighted mean"
_LOSSES = "it weighs updates by the clients' losses, which nobody proves: that is not a weighted mean by declared weights"
_TREES = "it joins trees: that is not a weighted mean"
_NOISE = "it clips or adds noise, which nobody proves: that is not a weighted mean"
OTHERS = {
    "Krum": _DISTANCES,
    "MultiKrum": _DISTANCES,
    "Bulyan": _DISTANCES,
    "FedMedian": _ORDER,
    "FedTrimmedAvg": _ORDER,
    "QFedAvg": _LOSSES,
    "FedXgbBagging": _TREES,
    "FedXgbCyclic": _TREES,
    "DifferentialPrivacyClientSideAdaptiveClipping": _NOISE,
    "DifferentialPrivacyClientSideFixedClipping": _NOISE,
    "DifferentialPrivacyServerSideAdaptiveClipping": _NOISE,
    "DifferentialPrivacyServerSideFixedClipping": _NOISE,
}
"""Strategies of Flower's that no record can stand for, and why."""


class Optimiser(Record):
    """Parameters of the server's optimiser, under Flower's names; None: the strategy has no such parameter. Rates and tau are above zero,
    momentum and betas from zero to below one."""

    server_learning_rate: ShortDecimal | None = None
    server_momentum: ShortDecimal | None = None
    eta: ShortDecimal | None = None
    beta_1: ShortDecimal | None = None
    beta_2: ShortDecimal | None = None
    tau: ShortDecimal | None = None

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        for name in ("server_learning_rate", "eta", "tau"):
            if (text := getattr(self, name)) is not None and Fraction(text) <= 0:
                raise ValueError(f"{name} is above zero")
        for name in ("server_momentum", "beta_1", "beta_2"):
            if (text := getattr(self, name)) is not None and Fraction(text) >= 1:
                raise ValueError(f"{name} is below one")
        return self

    def value(self, name: str) -> float:
        """A parameter that the strategy has: the double next to it, ties to even."""
        text = getattr(self, name)
        if text is None:
            raise ValueError(f"the strategy has no {name}")
        return float(text)


class Aggregate(Record):
    """How updates become one (spec/model.md §5). optimiser: none for FedAvg and FedProx; with all parameters for the others."""

    rule: Literal["weighted-mean"] = "weighted-mean"
    strategy: Strategy = "FedAvg"
    optimiser: Optimiser | None = None

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, value: Any) -> Any:
        """With the strategy's defaults. Other strategies are refused by name."""
        strategy = value.get("strategy", "FedAvg") if isinstance(value, dict) else None
        if not isinstance(strategy, str):
            return value
        if strategy in OTHERS:
            raise ValueError(f"{strategy} is not supported: {OTHERS[strategy]}")
        given, known = value.get("optimiser"), PARAMETERS.get(strategy)
        if known is None:
            if given is not None and strategy in ("FedAvg", "FedProx"):
                raise ValueError(f"{strategy} has no optimiser; leave its table out")
            return value
        if given is None:
            given = {}
        if not isinstance(given, dict):
            return value
        for name in given:
            if name in Optimiser.model_fields and name not in known:
                raise ValueError(f"{strategy} has no {name}; it has {', '.join(known)}")
        return {**value, "optimiser": {**known, **given}}
