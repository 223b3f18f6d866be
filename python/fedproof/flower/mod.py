"""The client's side: a Flower mod. It believes the server nothing: policy, trust, key and state come from the node's own folder, the model
that the app trains is the node's own, and the round before is checked whole before anything is done for the next."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flwr.app import Context, Message, MetricRecord, RecordDict
from numpy.typing import NDArray

from fedproof.encoding.digest import sha256
from fedproof.encoding.text import printable
from fedproof.errors import FedproofError, Malformed, Refused, UsageError
from fedproof.flower import pending
from fedproof.flower.arrays import arrays_of, as_wide_as, record_of
from fedproof.flower.metrics import whole_weight
from fedproof.flower.wire import RECORD, ROUNDS, Answer, Call, Greeting, Rounds
from fedproof.identity.signed import Signed, sign
from fedproof.round.counter import FileCounter
from fedproof.round.folder import STATE, open_node
from fedproof.round.messages import Announcement
from fedproof.round.node import Node

CONFIG = "fedproof"
"""In a SuperNode's node configuration: the node's folder. In a run's configuration: the federation's, for the server and simulations."""

COUNTER = "fedproof-counter"
"""In a SuperNode's node configuration: a file outside the node's folder, on a disk that is not set back with it."""

Handler = Callable[[Message, Context], Message]

_log = logging.getLogger("flwr")
_MAX_ANNOUNCEMENT = 1 << 28
_MAX_VERDICT = 1 << 16
_NO_DRY_RUN = "a dry run trains in clear; a node takes part in one only in a simulation"


def proof_mod(message: Message, context: Context, call_next: Handler) -> Message:
    """Proves what the app trained: `ClientApp(mods=[proof_mod])`, before all other mods, so that what they do to an update (noise, say) is
    done when it is proved. Messages that are neither of training nor of evaluation pass untouched.

    The app gets the model that the node itself holds, under the name that the app's server gives it, and no other array that the message
    brought; no array of the app's leaves the node but as a proved update. What the node refuses leaves it as an answer with the reason, and
    stands in the node's audit log; what the app raises is Flower's to report.

    Raises what leaves as Flower's error: `UsageError` for a node without a folder, one that another process has, or a dry run outside a
    simulation; `Malformed` for a message without a call; both and `Refused` for a folder whose files do not go together.
    """
    if _kind(message) not in ("train", "evaluate"):
        return call_next(message, context)
    try:
        call = Call.of(message.content)
    except Malformed as error:
        _keep_refusal(context, str(error))
        raise
    if call.step == "dry-run":
        if not in_simulation() or CONFIG in context.node_config:
            _keep_refusal(context, _NO_DRY_RUN)
            raise UsageError(_NO_DRY_RUN)
        return call_next(_without(message, (RECORD, ROUNDS)), context)
    folder = node_folder(context)
    if not folder.is_dir():
        where = printable(str(folder.absolute()))
        raise UsageError(
            f"no node's folder: {where} is not there (a simulation needs as many SuperNodes as the federation has nodes)"
        )
    with open_node(folder, counter=node_counter(context)) as node:
        return _Turn(node, folder / STATE, call, message, context).run(call_next)


def in_simulation() -> bool:
    """Whether this process is a worker of Flower's simulation on this machine, or its app has Ray running for other reasons. No message
    makes a SuperNode's app one."""
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


def node_folder(context: Context) -> Path:
    """The node's own folder; an empty text names none, since that would be wherever the process happens to run. Raises `UsageError` if
    nobody set it."""
    own = context.node_config.get(CONFIG)
    if isinstance(own, str) and own:
        return Path(own).expanduser()
    federation, place = context.run_config.get(CONFIG), context.node_config.get("partition-id")
    if in_simulation() and isinstance(federation, str) and federation and isinstance(place, int):
        return Path(federation).expanduser() / "nodes" / str(place)
    raise UsageError(
        f"this node has no fedproof folder: start its SuperNode with --node-config '{CONFIG}=\"/its/folder\"'"
        f" (in a simulation: {CONFIG} in the app's configuration names the federation's folder)"
    )


def node_counter(context: Context) -> FileCounter | None:
    """By which the node notices that its folder was set back, if it has one. Raises `UsageError` for what names no file."""
    path = context.node_config.get(COUNTER)
    if path is None:
        return None
    if not isinstance(path, str) or not path:
        raise UsageError(
            f"{COUNTER} in the node's configuration names no file: --node-config '{COUNTER}=\"/a/file\"'"
        )
    return FileCounter(Path(path).expanduser())


@dataclass
class _Turn:
    """One message and its answer."""

    node: Node
    state: Path
    call: Call
    message: Message
    context: Context
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, call_next: Handler) -> Message:
        try:
            with self.node.on_record():
                return self._run(call_next)
        except FedproofError as error:
            return self._answer(refused=_told(error))

    def _run(self, call_next: Handler) -> Message:
        step, kind = self.call.step, _kind(self.message)
        if step in ("train", "evaluate") and step != kind:  # the kind says what the app does with it
            raise Malformed(f"a call to {step} in a message of the kind {printable(kind)!r}")
        rounds = Rounds.of(self.message.content)
        if rounds.first > self.node.client.chain.round:
            return self._answer(behind=True)
        with self._part("adopt"):
            self._catch_up(rounds)
        pending.forget_old(self.state, self.node)
        if step == "train":
            return self._train(call_next)
        if step == "upload":
            return self._upload()
        if step == "open":
            return self._open()
        if step == "evaluate":
            return self._evaluate(call_next)
        return self._answer()

    def _catch_up(self, rounds: Rounds) -> None:
        """Checks the rounds that this node lacks, one by one, and moves its model on."""
        last = rounds.first + len(rounds.entries) - 1
        if self.call.verdict and self.node.client.chain.round == last:  # later it is no news
            self._verdict()
        blobs = {sha256(blob): blob for blob in rounds.blobs}

        def read(name: bytes, what: str, limit: int) -> bytes:
            if name not in blobs or len(blobs[name]) > limit:
                raise Malformed(f"{what} is not among what the server sent, or has more than {limit} bytes")
            return blobs[name]

        for entry in rounds.entries[self.node.client.chain.round - rounds.first :]:
            report = self.node.adopt(entry, read)
            _log.info(
                "fedproof: round %d checked, %d updates accepted", report.round + 1, len(report.accepted)
            )
            for left in report.dropped:
                if left.client == self.node.client.name and left.kind == "named":
                    _log.error("fedproof: this node is named in round %d: %s", report.round + 1, left.reason)

    def _verdict(self) -> None:
        verdict = self.node.verdict(Signed.from_bytes(self.call.verdict, limit=_MAX_VERDICT))
        told = "accepted" if verdict.accepted else f"refused: {printable(verdict.reason)}"
        _log.info("fedproof: the update of round %d was %s", self.node.client.chain.round + 1, told)

    def _train(self, call_next: Handler) -> Message:
        self.node.client.check_takes_part(self.call.attempt)  # training takes time
        self._keep_what_is_asked()
        with self._part("train"):
            reply = call_next(self._with_model(), self.context)
        if reply.has_error():
            return reply
        arrays, metrics = self._trained(reply.content)
        with self._part("quantise"):
            x = self.node.client.update(arrays)
        pending.keep(self.state, self.node, self.call.attempt, x)
        ready = self.node.ready(whole_weight(metrics, self.call.weight), attempt=self.call.attempt)
        return self._answer({"metrics": metrics}, ready=ready.to_bytes())

    def _keep_what_is_asked(self) -> None:
        """In the audit log: what the server steers training by, so that nodes can find out whether it asked the same of all."""
        ours = (RECORD, ROUNDS, *self.message.content.array_records)
        records = {n: dict(r) for n, r in sorted(self.message.content.items()) if n not in ours}
        told = json.dumps(records, sort_keys=True, default=lambda value: bytes(value).hex())
        round, weight = self.node.client.chain.round, printable(self.call.weight, 100)
        self.node.audit.append("train", round=round, weight=weight, config=sha256(told.encode()).hex())

    def _upload(self) -> Message:
        announcement = Signed.from_bytes(self.call.announcement, limit=_MAX_ANNOUNCEMENT)
        opened = announcement.open(Announcement, self.node.client.aggregator)
        x = pending.kept(self.state, self.node, opened.round, opened.attempt)
        with self._part("prove"):
            upload = self.node.upload(announcement, x).to_bytes()
        return self._answer(upload=upload)

    def _open(self) -> Message:
        """Each answer is on the disk before the next is made: of a masked round a node must forget nothing that left it. A request that is
        refused is answered by nothing, beside others that are not."""
        answers: list[bytes] = []
        refused = ""
        with self._part("open"):
            for request in self.call.requests:
                try:
                    answers.append(self.node.answer(request))
                except (Refused, Malformed) as error:
                    refused = _told(error)
                    answers.append(b"")
        return self._answer(answers=answers) if any(answers) else self._answer(refused=refused)

    def _evaluate(self, call_next: Handler) -> Message:
        reply = call_next(self._with_model(), self.context)
        if not reply.has_error():
            _without(reply, list(reply.content.array_records))
            answer = Answer(self.call.step, self.node.client.chain.round, seconds=self.seconds)
            reply.content[RECORD] = answer.record()
        return reply

    def _with_model(self) -> Message:
        """The message as the app expects it: with the model that this node holds, under whatever name the app looks for one."""
        message = _without(self.message, (RECORD, ROUNDS, *self.message.content.array_records))
        message.content[self.call.arrays] = record_of(self.node.client.chain.arrays())
        return message

    def _trained(self, content: RecordDict) -> tuple[Mapping[str, NDArray[Any]], MetricRecord]:
        """What the app returned: weights, and metrics."""
        if len(content.array_records) != 1 or len(content.metric_records) != 1:
            raise Malformed("the app must return one ArrayRecord, the trained weights, and one MetricRecord")
        kinds = {tensor.name: tensor.numpy_dtype for tensor in self.node.client.chain.layout.tensors}
        arrays = as_wide_as(kinds, arrays_of(next(iter(content.array_records.values()))))
        return arrays, next(iter(content.metric_records.values()))

    def _answer(
        self,
        records: Mapping[str, MetricRecord] | None = None,
        *,
        behind: bool = False,
        refused: str = "",
        ready: bytes = b"",
        upload: bytes = b"",
        answers: Sequence[bytes] = (),
    ) -> Message:
        answer = Answer(
            self.call.step,
            self.node.client.chain.round,
            greeting=self._greeting() if self.call.step == "adopt" else b"",
            behind=behind,
            refused=refused,
            ready=ready,
            upload=upload,
            answers=answers,
            seconds=self.seconds,
        )
        return Message(RecordDict({RECORD: answer.record(), **(records or {})}), reply_to=self.message)

    def _greeting(self) -> bytes:
        client, node = self.node.client, self.message.metadata.dst_node_id
        told = Greeting(federation=client.chain.policy.federation, node=node, client=client.name)
        return sign(told, client.key).to_bytes()

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def _keep_refusal(context: Context, told: str) -> None:
    """In the audit log, of a message that comes to no turn, where the node has a folder."""
    with suppress(FedproofError), open_node(node_folder(context), counter=node_counter(context)) as node:
        node.audit.append("refused", what=told)


def _kind(message: Message) -> str:
    """What Flower has the app do with it."""
    return message.metadata.message_type.split(".")[0]


def _told(error: FedproofError) -> str:
    """What goes to this node's log and to the server: no more than the record would say. Reasons name bounds and digests, never values of
    an update."""
    told = printable(str(error), 1000)
    _log.error("fedproof: %s", told)
    return told


def _without(message: Message, names: Iterable[str]) -> Message:
    """The message without these records, in place: an app replies to the message that came."""
    for name in names:
        message.content.pop(name, None)
    return message
