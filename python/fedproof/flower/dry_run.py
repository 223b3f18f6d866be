"""A run of the app as it is, in a simulation, without proofs: it leaves the updates from which bounds are chosen, and, run again under a
policy, tells what clipping to its bounds costs (`model.dry_run` has the folder's layout)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, Result, Strategy
from numpy.typing import NDArray

from fedproof.encoding.files import make_folder, read_capped, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import UsageError
from fedproof.flower.arrays import arrays_of, as_wide_as, record_of
from fedproof.flower.exchange import message
from fedproof.flower.metrics import whole_weight
from fedproof.flower.wire import RECORD, Call
from fedproof.model.base import parse_base, save_base
from fedproof.model.dry_run import CLIPPED, PLAIN, START, compare, read_metrics
from fedproof.model.quantise import clip_update, to_arrays, to_integers, update
from fedproof.model.tensors import MAX_FILE
from fedproof.policy.policy import Policy
from fedproof.round.folder import BASE

_log = logging.getLogger("flwr")

Start = Callable[[Strategy], Result]


def dry_run(
    strategy: FedAvg, folder: Path, initial_arrays: ArrayRecord, policy: Path | None, start: Start
) -> Result:
    """Runs `start` with a strategy that records. folder: without a policy it is new or empty, and gets the initial model as
    `base.safetensors`, every update and `metrics-plain.json`; with one it is that of the run without, and gets `metrics-clipped.json`.

    Raises `UsageError` for a folder that is not empty, `Malformed` for a weight that no proof could have, a policy or base model that
    cannot be read, `Refused` (object "model") for weights that have no integers."""
    make_folder(folder)
    held = Policy.load(policy) if policy is not None else None
    if held is None and any(folder.iterdir()):
        raise UsageError(f"{printable(str(folder))} is not empty; name a new folder for the dry run")
    if held is None:
        save_base(folder / BASE, arrays_of(initial_arrays))
        recording: _Plain = _Recorded(strategy, folder, initial_arrays)
    else:
        recording = _Clipped(strategy, held, read_capped(folder / BASE, MAX_FILE))
    result = start(recording)
    metrics = json.dumps(_by_metric(result), sort_keys=True, indent=1)
    write_atomic(folder / (PLAIN if held is None else CLIPPED), metrics.encode())
    if held is None:
        _log.info("dry run: %s; next: fedproof policy calibrate", printable(str(folder)))
    elif (both := read_metrics(folder)) is not None:
        for cost in compare(*both):
            told = printable(cost.metric), cost.plain, cost.clipped, cost.difference
            _log.info("what clipping costs: %s %.4g without, %.4g with: %+.4g", *told)
    return result


class _Plain(Strategy):
    """The wrapped strategy, whose messages say that this is a dry run."""

    def __init__(self, strategy: FedAvg) -> None:
        self._strategy = strategy
        self._arrays = ArrayRecord()

    def summary(self) -> None:
        self._strategy.summary()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        self._arrays = arrays
        return _marked(self._strategy.configure_train(server_round, arrays, config, grid), server_round)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        replies = list(replies)
        for reply in replies:
            if not reply.has_error() and len(reply.content.array_records) == 1:
                name = next(iter(reply.content.array_records))
                reply.content[name] = self._seen(server_round - 1, reply, reply.content.array_records[name])
        return self._strategy.aggregate_train(server_round, replies)

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        return _marked(self._strategy.configure_evaluate(server_round, arrays, config, grid), server_round)

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        return self._strategy.aggregate_evaluate(server_round, replies)

    def _seen(self, number: int, reply: Message, arrays: ArrayRecord) -> ArrayRecord:
        """What counts of a node's weights. number: the round, from 0."""
        return arrays


class _Recorded(_Plain):
    """Keeps every update, in floats as wide as the base model's, as a node has it before it proves."""

    def __init__(self, strategy: FedAvg, folder: Path, base: ArrayRecord) -> None:
        super().__init__(strategy)
        self._folder = folder
        self._names: dict[int, str] = {}
        self._kinds = {name: array.dtype for name, array in arrays_of(base).items()}

    def _seen(self, number: int, reply: Message, arrays: ArrayRecord) -> ArrayRecord:
        here = self._folder / f"round-{number}"
        if not here.exists():
            make_folder(here)
            save_base(here / f"{START}.safetensors", as_wide_as(self._kinds, arrays_of(self._arrays)))
        node = reply.metadata.src_node_id
        name = self._names.setdefault(node, f"node-{len(self._names)}")  # Flower's ids are twenty digits long
        metrics = next(iter(reply.content.metric_records.values()), MetricRecord())
        weight = whole_weight(metrics, self._strategy.weighted_by_key)
        write_atomic(here / f"{name}.json", json.dumps({"weight": weight}).encode())
        save_base(here / f"{name}.safetensors", as_wide_as(self._kinds, arrays_of(arrays)))
        return arrays


class _Clipped(_Plain):
    """Has every update within a policy's bounds, as a node would before it proves."""

    def __init__(self, strategy: FedAvg, policy: Policy, base: bytes) -> None:
        super().__init__(strategy)
        self._base, _ = parse_base(base, policy.model.frozen)
        self._update = policy.update

    def _seen(self, number: int, reply: Message, arrays: ArrayRecord) -> ArrayRecord:
        layout, bounds = self._base.layout, self._update
        kinds = {tensor.name: tensor.numpy_dtype for tensor in layout.tensors}
        start, new = (as_wide_as(kinds, arrays_of(record)) for record in (self._arrays, arrays))

        def trained(values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            return {name: values[name] for name in kinds if name in values}

        W = to_integers(trained(start), layout, bounds.scale)
        x = clip_update(update(trained(new), W, layout, bounds.scale), bounds.max_abs, bounds.max_norm)
        clipped = {**start, **to_arrays(W + x, layout, bounds.scale)}
        return record_of({name: clipped[name] for name in arrays})


def _marked(messages: Iterable[Message], number: int) -> list[Message]:
    mark = Call("dry-run").record()
    return [message(m, RecordDict({**m.content, RECORD: mark}), str(number)) for m in messages]


def _by_metric(result: Result) -> dict[str, list[float]]:
    """Evaluation metrics that every round has, as finite numbers; the server's own before the nodes'."""
    found: dict[str, list[float]] = {}
    for rounds in (result.evaluate_metrics_clientapp, result.evaluate_metrics_serverapp):
        records = [record for number, record in sorted(rounds.items()) if number > 0]
        for name in set.intersection(*[set(record) for record in records]) if records else ():
            values = [record[name] for record in records]
            if all(isinstance(value, int | float) and np.isfinite(value) for value in values):
                found[name] = [float(value) for value in values if isinstance(value, int | float)]
    return found
