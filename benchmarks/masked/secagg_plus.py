"""Flower's SecAgg+ (legacy API) at the same size: its own workflow and mod in one process, over a grid that calls clients one by one."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterable
from types import SimpleNamespace

import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.client.mod import secaggplus_mod
from flwr.common import Code, FitIns, FitRes, Status, ndarrays_to_parameters
from flwr.common.serde import recorddict_to_proto
from flwr.compat.common import recorddict_compat as compat
from flwr.server.compat.legacy_context import LegacyContext
from flwr.server.strategy import FedAvg
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD, Key
from flwr.supercore.task_identity import TaskIdentity


class _Grid:
    """Each node's own state, seconds in the clients' code, and the bytes of their answers."""

    def __init__(self, nodes: Iterable[int], d: int) -> None:
        self.contexts = {
            n: Context(run_id=1, node_id=n, node_config={}, state=RecordDict(), run_config={}) for n in nodes
        }
        self.client_s, self.bytes = 0.0, 0
        rng = np.random.default_rng(1)
        self.update = rng.normal(scale=0.01, size=d).astype(np.float32)

    def _fit(self, message: Message, context: Context) -> Message:
        fit = FitRes(Status(Code.OK, ""), ndarrays_to_parameters([self.update]), 10, {})
        return Message(compat.fitres_to_recorddict(fit, False), reply_to=message)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        replies = []
        for shared in messages:
            message = copy.deepcopy(shared)  # the mod takes entries out of it
            start = time.perf_counter()
            node = message.metadata.dst_node_id
            reply = secaggplus_mod(message, self.contexts[node], self._fit)
            reply.metadata.__dict__["_src_node_id"] = node
            self.client_s += time.perf_counter() - start
            self.bytes += recorddict_to_proto(reply.content).ByteSize()
            replies.append(reply)
        return replies


def secagg_plus(clients: int, d: int, neighbours: int) -> dict[str, object]:
    """A round in which all goes well. Shares: one for each neighbour, and one's own; threshold: two thirds of them."""
    logging.getLogger("flwr").setLevel(logging.ERROR)
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 1, 1
    nodes = range(1, clients + 1)
    grid = _Grid(nodes, d)
    parameters = ndarrays_to_parameters([np.zeros(d, np.float32)])
    fits = [(SimpleNamespace(node_id=n), FitIns(parameters, {})) for n in nodes]

    class Strategy(FedAvg):
        def configure_fit(self, server_round, parameters, client_manager):  # type: ignore[no-untyped-def]
            return fits

    context = LegacyContext(
        Context(run_id=1, node_id=1, node_config={}, state=RecordDict(), run_config={}),
        strategy=Strategy(),
        client_manager=SimpleNamespace(num_available=lambda: clients),  # type: ignore[arg-type]
    )
    context.state.config_records[MAIN_CONFIGS_RECORD] = ConfigRecord({Key.CURRENT_ROUND: 1})
    context.state.array_records[MAIN_PARAMS_RECORD] = compat.parameters_to_arrayrecord(parameters, True)
    shares = min(neighbours + 1, clients)
    start = time.perf_counter()
    SecAggPlusWorkflow(shares, max(2, 2 * shares // 3))(grid, context)  # type: ignore[arg-type]
    total = time.perf_counter() - start
    found = compat.arrayrecord_to_parameters(context.state.array_records[MAIN_PARAMS_RECORD], True)
    assert np.abs(np.frombuffer(found.tensors[0][-4 * d :], np.float32)).max() > 0
    return {
        "client_s": grid.client_s / clients,
        "server_s": (total - grid.client_s) / clients,
        "bytes": grid.bytes / clients,
        "bytes, each coordinate": grid.bytes / clients / d,
    }
