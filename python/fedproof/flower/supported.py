"""Which of Flower's strategies a record can stand for. The wrapped strategy samples nodes and adds up metrics; what becomes of the updates
is the policy's to say, and everybody's to recompute."""

from __future__ import annotations

from typing import get_args

from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy

from fedproof.encoding.text import printable
from fedproof.errors import UsageError
from fedproof.policy import aggregate
from fedproof.policy.policy import Policy

SUPPORTED: tuple[str, ...] = get_args(aggregate.Strategy)

_OWN = ("start", "aggregate_train")
"""Methods that decide what becomes of updates: those of a supported class, or the strategy is not what it says."""


def check_strategy(strategy: Strategy, policy: Policy) -> None:
    """Raises `UsageError`, by name, for a strategy whose sums no record can show, one that the policy does not ask for, and one whose
    parameters differ from the policy's."""
    name = _supported(strategy)
    asked = policy.aggregate
    if name != asked.strategy:
        raise UsageError(f"the strategy is {name}, the policy asks for {asked.strategy} (aggregate.strategy)")
    if asked.optimiser is not None:
        for field, text in asked.optimiser.model_dump(exclude_none=True).items():
            held = getattr(strategy, field, None)
            if held is not None and float(held) != float(text):
                raise UsageError(
                    f"{name}: {field} is {held}, the policy asks for {text} (aggregate.optimiser)"
                )


def _supported(strategy: Strategy) -> str:
    kind = type(strategy)
    names = {getattr(flower, name): name for name in SUPPORTED}
    shown = printable(kind.__name__)
    for cls in kind.__mro__:
        if cls.__name__ in aggregate.OTHERS and cls.__module__.startswith("flwr."):
            raise UsageError(
                f"{shown} is not supported: {aggregate.OTHERS[cls.__name__]}; use {', '.join(SUPPORTED)}"
            )
    base = next((cls for cls in kind.__mro__ if cls in names), None)
    if base is None:
        detail = "nobody could recompute what it does with updates"
        raise UsageError(f"{shown} is not supported: {detail}; use {', '.join(SUPPORTED)}")
    for method in _OWN:
        if getattr(kind, method) is not getattr(base, method):
            raise UsageError(
                f"{shown} has its own {method}, so it is not {names[base]}, and nobody could recompute what it does;"
                f" override configure_train or configure_evaluate instead, or use {', '.join(SUPPORTED)}"
            )
    return names[base]
