"""A masked round over Flower, once its uploads are in: the exchanges that open the sum, also by a server that was started again."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence

from flwr.app import Message, RecordDict

from fedproof.encoding.text import counted, is_name
from fedproof.errors import Refused, UsageError
from fedproof.flower.exchange import PAUSE
from fedproof.flower.nodes import Nodes
from fedproof.flower.summary import RoundSummary
from fedproof.flower.wire import Answer
from fedproof.round.aggregator import Aggregator

_log = logging.getLogger("flwr")
_GREETING = 30.0
"""Seconds that a node has to say who it is, before it is asked again."""
_MISSING = 8
"""Clients that one line names."""


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
        than they had before: whom they say they are is whom they are asked as. Who lies can keep another one's answer out where answers are
        not signed, as one that falls silent does; nobody else's is believed for it."""
        nodes, end = self._nodes, time.monotonic() + self._deadline
        while True:
            there = list(nodes.grid.get_node_ids())
            missing = set(clients) - {nodes.name(node) for node in there}
            if missing:
                missing -= self._greet(there, end)
            if not missing or time.monotonic() >= end:
                break
            time.sleep(PAUSE)
        for node in there:  # who is asked nothing more gets the record all the same
            nodes.round_of.setdefault(node, self._aggregator.chain.round)
        if missing:
            told = ", ".join(sorted(missing)[:_MISSING])
            told = f"not there: {told}, {counted(len(missing), 'client')} in all"
            _log.warning("masks: %s", told)
            if not self._aggregator.opens_without(missing):
                detail = f"{told}, and the sum does not open without"
                raise UsageError(f"{detail}: start their nodes, and run this again; the round stays open")
        return [_call(node) for node in there]

    def _greet(self, there: Sequence[int], end: float) -> set[str]:
        """Whom those of these nodes say they are that are not known yet; each is asked now and then. One that answers does not keep another
        one out that says the same."""
        now, found = time.monotonic(), set[str]()
        strangers = [n for n in there if n not in self._nodes.client_of and now >= self._greeted.get(n, now)]
        if not strangers:
            return found
        self._greeted.update(dict.fromkeys(strangers, now + _GREETING))
        timeout = min(_GREETING, max(0.0, end - now))
        for node, _, answer in self._nodes.ask(
            "adopt", [_call(n) for n in strangers], timeout, RoundSummary(0)
        ):
            if is_name(answer.client):
                self._nodes.client_of[node] = answer.client
                found.add(answer.client)
        return found


def _call(node: int) -> Message:
    return Message(RecordDict(), node, "train", group_id="open")
