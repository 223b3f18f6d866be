"""Metrics that an app returns. Nobody proves them, so whatever stands in them stops nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

from flwr.app import MetricRecord, RecordDict

from fedproof.encoding.text import printable
from fedproof.errors import Malformed

K = TypeVar("K")


def metrics_of(content: RecordDict) -> MetricRecord:
    """The one record of metrics in a reply. Raises `Malformed` if there is none, or more."""
    if len(content.metric_records) != 1:
        raise Malformed(f"{len(content.metric_records)} MetricRecords in the reply, expected one")
    return next(iter(content.metric_records.values()))


def whole_weight(record: MetricRecord, name: str) -> int:
    """The metric by which updates are weighed. Raises `Malformed` for what is no whole number from 1 on: proofs count in integers."""
    weight = record.get(name)
    if not isinstance(weight, int | float) or not float(weight).is_integer() or weight < 1:
        shown = printable(name)
        raise Malformed(
            f"the metric {shown!r}, by which updates are weighed, is missing, or no whole number from 1 on"
        )
    return int(weight)


def alike(
    records: Mapping[K, MetricRecord], weight: str, called: Mapping[K, str] | None = None
) -> tuple[dict[K, MetricRecord], dict[K, str]]:
    """Metrics that can be averaged: each has the weight, a number above zero, and the names that most of them have. Also why the others are
    left out, by name. called: the names of the records themselves, where Flower compares them, too."""
    left: dict[K, str] = {}
    usable: dict[K, MetricRecord] = {}
    for name, record in records.items():
        value = record.get(weight)
        if isinstance(value, int | float) and 0 < value < float("inf"):
            usable[name] = record
        else:
            left[name] = f"its metrics have no weight {printable(weight)!r} above zero"
    kinds = {n: ((called or {}).get(n), _kind(record)) for n, record in usable.items()}
    if kinds:
        usual = Counter(kinds.values()).most_common(1)[0][0]
        for name in [n for n, kind in kinds.items() if kind != usual]:
            del usable[name]
            left[name] = "its metrics have other names or shapes than those of the others"
    return usable, left


def _kind(record: MetricRecord) -> tuple[tuple[str, int], ...]:
    """Names of the metrics and, of lists, their lengths."""
    return tuple(sorted((k, len(v) if isinstance(v, list) else -1) for k, v in record.items()))
