"""Flower's nodes, as the aggregator knows them: which client each one is, how far it came, and how it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from flwr.app import ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.serverapp import Grid

from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.message import Message as Encoded
from fedproof.encoding.message import Record
from fedproof.encoding.text import Name
from fedproof.errors import Malformed, Refused
from fedproof.flower.exchange import message, replies
from fedproof.flower.summary import RoundSummary
from fedproof.flower.wire import RECORD, ROUNDS, Answer, Call, Greeting, NodeNumber, Rounds, Step
from fedproof.identity.signed import Signed, claimed_client
from fedproof.round.aggregator import Aggregator
from fedproof.round.record import RoundEntry, named_blobs

_FILE = "nodes.cbor"
_LIMIT = 1 << 24
_MAX_GREETING = 1 << 12


class _KeptNode(Record):
    node: NodeNumber
    client: Name


class _Kept(Encoded):
    KIND: ClassVar[str] = "flower-nodes"

    nodes: tuple[_KeptNode, ...]


class Nodes:
    """All that one run talks to. client_of: what a node is, once it showed that. round_of: the round that a
    node is at. verdicts: on the uploads of the round under way, by client."""

    def __init__(self, aggregator: Aggregator, grid: Grid, *, arrays: str, weight: str) -> None:
        """arrays, weight: names under which the app has its model, and the metric by which updates are weighed."""
        self._aggregator = aggregator
        self.grid = grid
        self._names = arrays, weight
        self.client_of: dict[int, str] = {}
        self.round_of: dict[int, int] = {}
        self.verdicts: dict[str, Signed] = {}
        self._packed: tuple[tuple[int, int], ConfigRecord] | None = None

    def name(self, node: int) -> str:
        """The node's client, if it is known."""
        return self.client_of.get(node, f"node {node}")

    def greet(self, node: int, greeting: bytes) -> None:
        """Takes the node for the client that signed it. Raises `Refused`, `Malformed` where no member did, or another node is meant."""
        signed = Signed.from_bytes(greeting, limit=_MAX_GREETING)
        told = signed.open(Greeting, self._aggregator.roster.key_of(claimed_client(signed) or ""))
        if (told.federation, told.node) != (self._aggregator.chain.policy.federation, node):
            raise Refused(
                "greeting", "statement", "of another node, or in another federation", party=told.client
            )
        self.client_of[node] = told.client

    def leave(self, summary: RoundSummary, node: int, reason: str, step: Step = "train") -> None:
        """The node is not part of this step any more."""
        summary.leave(self.name(node), reason, step)

    def keep(self, nodes: Iterable[int]) -> None:
        """On the disk, with the round under way: which client each of these is, for another process to go on with. Raises `UsageError`
        where it cannot be written."""
        kept = tuple(_KeptNode(node=n, client=self.client_of[n]) for n in nodes if n in self.client_of)
        write_atomic(self._file, _Kept(nodes=kept).to_bytes(), mode=0o600)

    def restore(self) -> None:
        """What was kept; nothing where nothing was. Raises `Malformed`."""
        if self._file.exists():
            kept = _Kept.from_bytes(read_capped(self._file, _LIMIT))
            self.client_of.update({n.node: n.client for n in kept.nodes})

    @property
    def _file(self) -> Path:
        return self._aggregator.store.open_folder / _FILE

    def ask(
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
        for node, reply in replies(self.grid, out, timeout):
            silent.discard(node)
            if isinstance(reply, Malformed):
                self.leave(summary, node, str(reply), step)
                continue
            try:
                answer = Answer.of(reply, step)
            except Malformed as error:
                self.leave(summary, node, str(error), step)
                continue
            # Who does what it is asked has adopted what came with it; its own word on that would have it sent all rounds with every
            # message. Who does not can still say that it lacks them, once an exchange.
            did, last = not answer.behind and not answer.refused, self._aggregator.chain.round
            self.round_of[node] = last if did else min(answer.round, last)
            for part, seconds in answer.seconds.items():
                name = f"node-{part}"
                summary.seconds[name] = max(seconds, summary.seconds.get(name, 0.0))
            if answer.refused:
                self.leave(summary, node, f"the node refuses: {answer.refused}", step)
            elif not answer.behind:
                yield node, reply, answer
            elif node not in again:
                again.add(node)
                silent.add(node)
                out.append(made(node))  # at once: others may be silent to the end
            else:
                self.leave(summary, node, "lacks rounds that it was sent", step)
        for node in sorted(silent):
            self.leave(summary, node, f"no answer within {timeout:.0f} s", step)

    def _call(self, call: Message, step: Step, announcement: bytes, requests: Sequence[bytes]) -> Message:
        node = call.metadata.dst_node_id
        arrays, weight = self._names
        verdict = self.verdicts.get(self.name(node))
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
        return self.round_of.get(node, self._aggregator.chain.round)

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

    def learn(self, ready: dict[int, Signed], summary: RoundSummary) -> None:
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
                self.client_of[node] = client_of.pop(signed)
            else:
                del ready[node]
                reason = reasons.get(claimed_client(signed), "a second node with the key of another one")
                self.leave(summary, node, reason)
