"""One round on the server's side: the aggregator's steps, and the nodes' answers to them. A node whose answer is no good leaves the round
with a reason; nothing that a node sends stops it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from flwr.app import Message, MetricRecord, RecordDict
from flwr.serverapp import Grid

from fedproof.errors import Malformed, Refused
from fedproof.flower.metrics import alike, metrics_of
from fedproof.flower.nodes import Nodes
from fedproof.flower.opening import Opening
from fedproof.flower.summary import RoundSummary
from fedproof.identity.signed import Signed
from fedproof.round.aggregator import Aggregator

_MAX_READY = 1 << 16


class Conversation:
    """The aggregator's talk with Flower's nodes, over all rounds."""

    def __init__(self, aggregator: Aggregator, grid: Grid, *, arrays: str, weight: str) -> None:
        """arrays, weight: names under which the app has its model, and the metric by which updates are weighed."""
        self._aggregator, self._weight = aggregator, weight
        self._nodes = Nodes(aggregator, grid, arrays=arrays, weight=weight)

    def train(self, calls: Sequence[Message], timeout: float) -> RoundSummary:
        """A round. calls: the strategy's messages, one for each node that it sampled; of their content all but arrays goes to the node.
        timeout: seconds for training; for uploads there are no more of them than the policy's deadline. Raises `Refused` if no node is
        ready."""
        aggregator, clock = self._aggregator, time.perf_counter
        summary = RoundSummary(aggregator.chain.round + 1)
        start = clock()
        ready: dict[int, Signed] = {}
        metrics: dict[int, MetricRecord] = {}
        for node, reply, answer in self._nodes.ask("train", calls, timeout, summary):
            try:
                signed = Signed.from_bytes(answer.ready, limit=_MAX_READY)
                metrics[node] = metrics_of(reply.content)
            except Malformed as error:
                self._nodes.leave(summary, node, str(error))
            else:
                ready[node] = signed
        summary.seconds["training"] = clock() - start
        start = clock()
        announcement = aggregator.announce(ready.values())
        self._nodes.learn(ready, summary)
        self._nodes.verdicts = {}
        present = [call for call in calls if call.metadata.dst_node_id in ready]
        deadline = min(timeout, aggregator.chain.policy.round.deadline_seconds)
        verifying = 0.0
        for node, _, answer in self._nodes.ask("upload", present, deadline, summary, announcement.to_bytes()):
            began = clock()
            summary.bytes += len(answer.upload)
            try:
                self._nodes.verdicts[self._nodes.name(node)] = aggregator.receive(answer.upload)
            except Refused as error:
                self._nodes.leave(summary, node, str(error))
            verifying += clock() - began
        summary.seconds["verify"] = verifying
        summary.seconds["uploads"] = clock() - start - verifying
        if aggregator.chain.policy.masking.enabled:
            self._nodes.keep(call.metadata.dst_node_id for call in present)
            Opening(aggregator, self._nodes, deadline, summary).run(present)
        self._close(summary, {self._nodes.name(node): m for node, m in metrics.items()})
        return summary

    def go_on(self, timeout: float) -> RoundSummary:
        """With a masked round whose set was fixed before this process began. Raises `UsageError` where so many are missing that its
        sum would not open: the round stays open then."""
        aggregator = self._aggregator
        summary = RoundSummary(aggregator.chain.round + 1)
        deadline = min(timeout, aggregator.chain.policy.round.deadline_seconds)
        self._nodes.restore()
        Opening(aggregator, self._nodes, deadline, summary).run()
        self._close(summary, {})
        return summary

    def _close(self, summary: RoundSummary, metrics: dict[str, MetricRecord]) -> None:
        start, server = time.perf_counter(), self._aggregator.server
        closed = self._aggregator.close()
        summary.seconds["sum-and-record"] = time.perf_counter() - start
        summary.close(closed.result, server.unopened if server is not None else None, metrics)

    def evaluate(self, calls: Sequence[Message], timeout: float, summary: RoundSummary) -> list[Message]:
        """The replies that the app's strategy can add up. calls, timeout: as for `train`. summary: of the round before, for what nodes
        measure, and who is not evaluated."""
        good: dict[int, Message] = {}
        metrics: dict[int, MetricRecord] = {}
        for node, reply, _ in self._nodes.ask("evaluate", calls, timeout, summary):
            try:
                metrics[node] = metrics_of(reply.content)
            except Malformed as error:
                self._nodes.leave(summary, node, str(error), "evaluate")
            else:
                good[node] = reply
        usable, left = alike(
            metrics, self._weight, {n: next(iter(good[n].content.metric_records)) for n in good}
        )
        for node, reason in left.items():
            self._nodes.leave(summary, node, reason, "evaluate")
        return [good[node] for node in usable]

    def bring_up_to_date(self, timeout: float) -> None:
        """Sends the last rounds to all nodes that lack them, so that each has checked them before the run ends."""
        summary = RoundSummary(self._aggregator.chain.round)
        late = [n for n, at in self._nodes.round_of.items() if at < self._aggregator.chain.round]
        calls = [Message(RecordDict(), node, "train", group_id="adopt") for node in late]
        for _ in self._nodes.ask("adopt", calls, timeout, summary):
            pass
