"""One round on the server's side: the aggregator's steps, and the nodes' answers to them. A node whose answer is no good leaves the round
with a reason; nothing that a node sends stops it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid

from fedproof.encoding.text import counted, is_name, printable
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.flower import nodes
from fedproof.flower.exchange import PAUSE, message, replies
from fedproof.flower.metrics import alike, metrics_of
from fedproof.flower.wire import RECORD, ROUNDS, Answer, Call, Rounds, Step
from fedproof.identity.signed import Signed, peek
from fedproof.round.aggregator import Aggregator
from fedproof.round.messages import Result
from fedproof.round.record import RoundEntry, named_blobs
from fedproof.round.requests import read_request

_log = logging.getLogger("flwr")
_MAX_READY = 1 << 16
_TOLD = 300
_MISSING = 8
"""Clients that one line names."""
_LEAVES: dict[Step, str] = {
    "evaluate": "is not evaluated",
    "adopt": "does not have the last rounds",
    "open": "says nothing of the masks",
}


@dataclass
class RoundSummary:
    """What became of a round. round: from 1, as Flower counts. accepted: clients. unopened: of a masked round that is void, why its sum did
    not open. left: why others are out of it, by client, or by "node <id>" where a node did not say who it is. named: of those, clients that
    evidence in the record names. silent: why clients whose uploads are in did not help to open the sum; they count all the same.
    not_evaluated: as left, of the evaluation after it. metrics: of accepted clients, as the app returned them, unproved. seconds: by part;
    what nodes measured is the longest that one of them told. bytes: of all uploads, and of what opened them."""

    round: int
    accepted: tuple[str, ...] = ()
    void: bool = False
    unopened: str = ""
    left: dict[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    silent: dict[str, str] = field(default_factory=dict)
    not_evaluated: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, MetricRecord] = field(default_factory=dict, repr=False)
    seconds: dict[str, float] = field(default_factory=dict)
    bytes: int = 0


class Conversation:
    """The aggregator's talk with Flower's nodes, over all rounds. It remembers who is who, and how far each came."""

    def __init__(self, aggregator: Aggregator, grid: Grid, *, arrays: str, weight: str) -> None:
        """arrays, weight: names under which the app has its model, and the metric by which updates are weighed."""
        self._aggregator = aggregator
        self._grid = grid
        self._names = arrays, weight
        self._client_of: dict[int, str] = {}
        self._round_of: dict[int, int] = {}
        self._verdicts: dict[str, Signed] = {}
        self._packed: tuple[tuple[int, int], ConfigRecord] | None = None

    def name(self, node: int) -> str:
        """The node's client, if it showed that it is one."""
        return self._client_of.get(node, f"node {node}")

    def train(self, calls: Sequence[Message], timeout: float) -> RoundSummary:
        """A round. calls: the strategy's messages, one for each node that it sampled; of their content all but arrays goes to the node.
        timeout: seconds for training; for uploads there are no more of them than the policy's deadline. Raises `Refused` if no node is
        ready."""
        aggregator, clock = self._aggregator, time.perf_counter
        summary = RoundSummary(aggregator.chain.round + 1)
        start = clock()
        ready: dict[int, Signed] = {}
        metrics: dict[int, MetricRecord] = {}
        for node, reply, answer in self._ask("train", calls, timeout, summary):
            try:
                signed = Signed.from_bytes(answer.ready, limit=_MAX_READY)
                metrics[node] = metrics_of(reply.content)
            except Malformed as error:
                self._leave(summary, node, str(error))
            else:
                ready[node] = signed
        summary.seconds["training"] = clock() - start
        start = clock()
        announcement = aggregator.announce(ready.values())
        self._learn_names(ready, summary)
        self._verdicts = {}
        present = [call for call in calls if call.metadata.dst_node_id in ready]
        deadline = min(timeout, aggregator.chain.policy.round.deadline_seconds)
        verifying = 0.0
        for node, _, answer in self._ask("upload", present, deadline, summary, announcement.to_bytes()):
            began = clock()
            summary.bytes += len(answer.upload)
            try:
                self._verdicts[self.name(node)] = aggregator.receive(answer.upload)
            except Refused as error:
                self._leave(summary, node, str(error))
            verifying += clock() - began
        summary.seconds["verify"] = verifying
        summary.seconds["uploads"] = clock() - start - verifying
        if aggregator.chain.policy.masking.enabled:
            asked = (call.metadata.dst_node_id for call in present)
            nodes.keep(aggregator.store.round, {n: self._client_of[n] for n in asked if n in self._client_of})
            self._open(lambda _: present, deadline, summary)
        self._close(summary, {self.name(node): m for node, m in metrics.items()})
        return summary

    def go_on(self, timeout: float) -> RoundSummary:
        """With a masked round whose set was fixed before this process began. Raises `UsageError` where nobody that has to be asked is
        there: the round stays open then."""
        aggregator = self._aggregator
        summary = RoundSummary(aggregator.chain.round + 1)
        deadline = min(timeout, aggregator.chain.policy.round.deadline_seconds)
        self._client_of.update(nodes.kept(aggregator.store.round))
        self._open(lambda names: self._reach(names, deadline), deadline, summary)
        self._close(summary, {})
        return summary

    def _reach(self, names: Collection[str], deadline: float) -> list[Message]:
        """Empty calls to all nodes that are there, once those of all these clients are, or the deadline is over. Nodes may have other
        numbers than they had for the process before: whom they say they are is whom they are asked as, and their answers show whether it
        is so."""
        end, greeted = time.monotonic() + deadline, set(self._client_of)
        while True:
            there = list(self._grid.get_node_ids())
            calls = [Message(RecordDict(), node, "train", group_id="open") for node in there]
            strangers = [call for call in calls if call.metadata.dst_node_id not in greeted]
            greeted.update(there)
            for node, _, answer in self._ask("adopt", strangers, deadline, RoundSummary(0)):
                if is_name(answer.client):
                    self._client_of[node] = answer.client
            for node in there:  # who is asked nothing more gets the record all the same
                self._round_of.setdefault(node, self._aggregator.chain.round)
            missing = set(names) - {self.name(node) for node in there}
            if not missing:
                return calls
            if time.monotonic() >= end:
                break
            time.sleep(PAUSE)
        told = ", ".join(sorted(missing)[:_MISSING])
        _log.warning("masks: not there: %s, %s in all", told, counted(len(missing), "client"))
        if not any(
            node in self._client_of for node in there
        ):  # else the others go on, as without who fell silent
            detail = f"none of the clients that have to be asked is there ({told})"
            raise UsageError(f"{detail}: start their nodes, and run this again; the round stays open")
        return calls

    def _open(
        self, reach: Callable[[Collection[str]], Sequence[Message]], deadline: float, summary: RoundSummary
    ) -> None:
        """The exchanges of a masked round after its uploads, each at most as long as the policy's deadline. reach: calls to nodes, among
        them those of these clients that are there."""
        aggregator, start = self._aggregator, time.perf_counter()
        asked = aggregator.requests() or aggregator.next_requests()
        while asked:
            out = [call for call in reach(asked) if self.name(call.metadata.dst_node_id) in asked]
            _log.info("masks: %s to %s", _kind(asked), counted(len(asked), "client"))
            before = dict(summary.silent)
            for node, _, answer in self._ask("open", out, deadline, summary, requests=asked):
                self._take(node, answer, summary)
            left = (
                aggregator.requests()
            )  # one of two nodes that say they are the same client may have answered
            summary.silent = before | {c: why for c, why in summary.silent.items() if c in left}
            asked = aggregator.next_requests()
        summary.seconds["unmasking"] = time.perf_counter() - start

    def _take(self, node: int, answer: Answer, summary: RoundSummary) -> None:
        """Answers to the requests that the node was sent, in their order; nothing where it refused one. After one that is no good it is not
        listened to any more."""
        aggregator, client = self._aggregator, self.name(node)
        reason = "does not answer all that it was asked"
        for data in filter(None, answer.answers):
            summary.bytes += len(data)
            try:
                aggregator.answer(client, data)
            except Refused as error:
                reason = str(error)
                break
        if client in aggregator.requests():
            self._leave(summary, node, reason, "open")

    def _close(self, summary: RoundSummary, metrics: dict[str, MetricRecord]) -> None:
        start, server = time.perf_counter(), self._aggregator.server
        closed = self._aggregator.close()
        summary.seconds["sum-and-record"] = time.perf_counter() - start
        if server is not None and server.unopened is not None:
            summary.unopened = printable(str(server.unopened), _TOLD)
        self._report(summary, closed.result, metrics)

    def evaluate(self, calls: Sequence[Message], timeout: float, summary: RoundSummary) -> list[Message]:
        """The replies that the app's strategy can add up. calls, timeout: as for `train`. summary: of the round before, for what nodes
        measure, and who is not evaluated."""
        good: dict[int, Message] = {}
        metrics: dict[int, MetricRecord] = {}
        for node, reply, _ in self._ask("evaluate", calls, timeout, summary):
            try:
                metrics[node] = metrics_of(reply.content)
            except Malformed as error:
                self._leave(summary, node, str(error), "evaluate")
            else:
                good[node] = reply
        usable, left = alike(
            metrics, self._names[1], {n: next(iter(good[n].content.metric_records)) for n in good}
        )
        for node, reason in left.items():
            self._leave(summary, node, reason, "evaluate")
        return [good[node] for node in usable]

    def bring_up_to_date(self, timeout: float) -> None:
        """Sends the last rounds to all nodes that lack them, so that each has checked them before the run ends."""
        summary = RoundSummary(self._aggregator.chain.round)
        late = [n for n, at in self._round_of.items() if at < self._aggregator.chain.round]
        calls = [Message(RecordDict(), node, "train", group_id="adopt") for node in late]
        for _ in self._ask("adopt", calls, timeout, summary):
            pass

    # -- asking --------------------------------------------------------------------------------------------

    def _ask(
        self,
        step: Step,
        calls: Sequence[Message],
        timeout: float,
        summary: RoundSummary,
        announcement: bytes = b"",
        requests: Mapping[str, Sequence[bytes]] | None = None,
    ) -> Iterator[tuple[int, Message, Answer]]:
        """The good answers to a call, as they come. requests: by client. A node that lacks more than it was thought to is asked again with
        what it lacks; who answers nothing, or no good, leaves."""
        asked = {call.metadata.dst_node_id: call for call in calls}
        of, again = requests or {}, set[int]()
        silent = set(asked)

        def made(node: int) -> Message:
            return self._call(asked[node], step, announcement, of.get(self.name(node), ()))

        out = [made(node) for node in asked]
        for node, reply in replies(self._grid, out, timeout):
            silent.discard(node)
            if isinstance(reply, Malformed):
                self._leave(summary, node, str(reply), step)
                continue
            try:
                answer = Answer.of(reply, step)
            except Malformed as error:
                self._leave(summary, node, str(error), step)
                continue
            self._round_of[node] = min(answer.round, self._aggregator.chain.round)
            for part, seconds in answer.seconds.items():
                name = f"node-{part}"
                summary.seconds[name] = max(seconds, summary.seconds.get(name, 0.0))
            if answer.refused:
                self._leave(summary, node, f"the node refuses: {answer.refused}", step)
            elif not answer.behind:
                yield node, reply, answer
            elif node not in again:
                again.add(node)
                silent.add(node)
                out.append(made(node))  # at once: others may be silent to the end
            else:
                self._leave(summary, node, "lacks rounds that it was sent", step)
        for node in sorted(silent):
            self._leave(summary, node, f"no answer within {timeout:.0f} s", step)

    def _call(self, call: Message, step: Step, announcement: bytes, requests: Sequence[bytes]) -> Message:
        node = call.metadata.dst_node_id
        arrays, weight = self._names
        verdict = self._verdicts.get(self.name(node))
        ours = Call(
            step,
            attempt=self._aggregator.attempt,
            announcement=announcement,
            verdict=verdict.to_bytes() if verdict else b"",
            requests=tuple(requests),
            arrays=arrays,
            weight=weight,
        )
        ours_alone = step in ("upload", "open")
        apps = {n: r for n, r in call.content.items() if not ours_alone and not isinstance(r, ArrayRecord)}
        content = RecordDict({**apps, RECORD: ours.record(), ROUNDS: self._rounds(self._known(node))})
        return message(call, content, str(self._aggregator.chain.round + 1))

    def _known(self, node: int) -> int:
        """The round that a node is at; of one that never answered it is thought that it lacks nothing."""
        return self._round_of.get(node, self._aggregator.chain.round)

    def _rounds(self, first: int) -> ConfigRecord:
        """What a node at round `first` lacks; the same object for all of them, which Flower keeps once."""
        place = first, self._aggregator.chain.round
        if self._packed is None or self._packed[0] != place:
            entries, store = self._aggregator.entries()[first:], self._aggregator.store
            names: set[bytes] = set()
            for entry in entries:
                names.update(named_blobs(RoundEntry.from_bytes(entry), store.blob))
            blobs = tuple(store.blob(name) for name in sorted(names))
            rounds = Rounds(first=first, entries=tuple(entries), blobs=blobs)
            self._packed = place, rounds.record()
        return self._packed[1]

    # -- who is who, and who leaves ------------------------------------------------------------------------

    def _learn_names(self, ready: dict[int, Signed], summary: RoundSummary) -> None:
        """A node is the client whose key signed what it sent. Nodes that are nobody's leave, and are not in `ready` any more."""
        server = self._aggregator.server
        if server is None:  # announced just now
            return
        client_of = {
            participant.ready: participant.client for participant in server.announcement.participants
        }
        reasons = {e.party: str(e) for e in server.refused_readies if isinstance(e, Refused)}
        for node, signed in list(ready.items()):
            if signed in client_of:
                self._client_of[node] = client_of.pop(signed)
            else:
                del ready[node]
                reason = reasons.get(_claimed(signed), "a second node with the key of another one")
                self._leave(summary, node, reason)

    def _leave(self, summary: RoundSummary, node: int, reason: str, step: Step = "train") -> None:
        name, told = self.name(node), printable(reason, _TOLD)
        where = {"evaluate": summary.not_evaluated, "open": summary.silent}.get(step, summary.left)
        where[name] = told
        _log.warning("\t> %s %s: %s", name, _LEAVES.get(step, "leaves the round"), told)

    def _report(self, summary: RoundSummary, result: Result, metrics: dict[str, MetricRecord]) -> None:
        """What stands on record counts: a reason there is the one that everybody can read."""
        summary.void = result.void
        summary.accepted = tuple(a.client for a in result.accepted)
        summary.named = tuple(d.client for d in result.dropped if d.kind == "named")
        summary.metrics = {name: metrics[name] for name in summary.accepted if name in metrics}
        for dropped in result.dropped:
            if dropped.kind != "dropped":
                told = (
                    f"{dropped.subject} refused: {dropped.reason}"
                    if dropped.kind == "refused"
                    else dropped.reason
                )
                summary.left[dropped.client] = printable(told, _TOLD)
                _log.warning("\t> %s leaves the round: %s", dropped.client, summary.left[dropped.client])
            else:
                summary.left.setdefault(dropped.client, printable(dropped.reason, _TOLD))


def _kind(asked: Mapping[str, Sequence[bytes]]) -> str:
    """What is asked, in the protocol's words, by what the first client is asked: all requests would be large."""
    return read_request(next(iter(asked.values()))[0]).KIND


def _claimed(signed: Signed) -> str | None:
    """Whom the message says it is from, to find the reason that was given for it; nothing where it names no client, as in that reason."""
    try:
        client = peek(signed).get("client")
    except Malformed:
        return None
    return client if isinstance(client, str) and is_name(client) else None
