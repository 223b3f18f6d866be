"""A masked round over Flower, once its uploads are in: the exchanges that open the sum, also by a server that was started again."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence

from flwr.app import Message, RecordDict

from fedproof.encoding.text import counted, some
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.flower.exchange import PAUSE
from fedproof.flower.nodes import Nodes
from fedproof.flower.summary import RoundSummary
from fedproof.flower.wire import Answer
from fedproof.round.aggregator import Aggregator

_log = logging.getLogger("flwr")
_GREETING = 30.0
"""Seconds that a node has to say who it is, before it is asked again."""


class Opening:
    """deadline: seconds of an exchange, at most."""

    def __init__(self, aggregator: Aggregator, nodes: Nodes, deadline: float, summary: RoundSummary) -> None:
        self._aggregator, self._nodes = aggregator, nodes
        self._deadline, self._summary = deadline, summary
        self._greeted: dict[int, float] = {}

    def run(self, present: Sequence[Message] | None = None) -> None:
        """Until nothing is asked any more. present: calls to the round's nodes; where a server was started again there are none, and it
        looks for them in each exchange. Raises `UsageError` where too many are missing then: the round stays open."""
        aggregator, summary, start = self._aggregator, self._summary, time.perf_counter()
        asked = aggregator.requests() or aggregator.next_requests()
        while asked:
            there = present if present is not None else self._reach(asked)
            out = [call for call in there if self._nodes.name(call.metadata.dst_node_id) in asked]
            _log.info("masks: %s to %s", aggregator.asking, counted(len(asked), "client"))
            before = dict(summary.silent)
            for node, _, answer in self._nodes.ask("open", out, self._deadline, summary, requests=asked):
                self._take(node, answer)
            # One of two nodes that say they are the same client may have answered.
            left = aggregator.requests()
            silent = {c: summary.silent.get(c, "its node is not there") for c in left}
            summary.silent = before | silent
            asked = aggregator.next_requests()
        summary.seconds["unmasking"] = time.perf_counter() - start

    def _take(self, node: int, answer: Answer) -> None:
        """Answers to the requests that the node was sent, in their order; nothing where it refused one. After one that is no good it is not
        listened to any more."""
        aggregator, client = self._aggregator, self._nodes.name(node)
        reason = "does not answer all that it was asked"
        for data in filter(None, answer.answers):
            self._summary.bytes += len(data)
            try:
                aggregator.answer(client, data)
            except Refused as error:
                reason = str(error)
                break
        if client in aggregator.requests():
            self._nodes.leave(self._summary, node, reason, "open")

    def _reach(self, clients: Collection[str]) -> list[Message]:
        """Calls to all nodes that are there, once those of all these clients are, or the deadline is over. Nodes may have other numbers
        than they had before: those that nobody knows are asked who they are, and show it."""
        nodes, end = self._nodes, time.monotonic() + self._deadline
        waiting = False
        while True:
            there = list(nodes.grid.get_node_ids())
            if self._missing(clients, there):
                self._greet(there, end)
            missing = self._missing(clients, there)
            if not missing or time.monotonic() >= end:
                break
            if not waiting:
                _log.info("masks: waiting for %s, up to %.0f s", some(missing, "client"), self._deadline)
                waiting = True
            time.sleep(PAUSE)
        for node in there:  # who is asked nothing more gets the record all the same
            nodes.round_of.setdefault(node, self._aggregator.chain.round)
        if missing:
            told = f"not there: {some(missing, 'client')}"
            _log.warning("masks: %s", told)
            if not self._aggregator.opens_without(missing):
                detail = f"{told}, and the sum does not open without"
                raise UsageError(f"{detail}: start their nodes, and run this again; the round stays open")
        return [_call(node) for node in there]

    def _missing(self, clients: Collection[str], there: Sequence[int]) -> set[str]:
        return set(clients) - {self._nodes.name(node) for node in there}

    def _greet(self, there: Sequence[int], end: float) -> None:
        """Asks those of these nodes who they are that nobody knows yet; each now and then."""
        now = time.monotonic()
        strangers = [n for n in there if n not in self._nodes.client_of and now >= self._greeted.get(n, now)]
        self._greeted.update(dict.fromkeys(strangers, now + _GREETING))
        timeout, calls = min(_GREETING, max(0.0, end - now)), [_call(node) for node in strangers]
        for node, _, answer in self._nodes.ask("adopt", calls, timeout, RoundSummary(0)):
            try:
                self._nodes.greet(node, answer.greeting)
            except (Refused, Malformed) as error:
                _log.warning("masks: node %d is nobody's: %s", node, error)


def _call(node: int) -> Message:
    return Message(RecordDict(), node, "train", group_id="open")
