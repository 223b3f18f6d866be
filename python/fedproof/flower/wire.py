"""What travels between `Proved` and `proof_mod`: messages of the types that a Flower app has anyway, with a `ConfigRecord` of ours.
Nothing here is believed: whoever reads a call or an answer gets values of the right type, and checks what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, Self, cast, get_args

from flwr.app import ConfigRecord, ConfigRecordValues, Message, RecordDict
from pydantic import Field

from fedproof.encoding import message as encoding
from fedproof.encoding.text import Name
from fedproof.errors import Malformed
from fedproof.round.messages import Count

RECORD = "fedproof"
"""Name of the record of a call or an answer; `ROUNDS` holds what is the same for all nodes, so that Flower keeps it once."""
ROUNDS = "fedproof.rounds"

PARTS = ("adopt", "train", "quantise", "prove", "open")
"""What a node measures: the rounds before checked, training, the update as integers, commitment and proof, answers that open a masked
sum."""

_MAX_ROUNDS = 1 << 33

_NO_CALL = "its server does not use fedproof: Proved(FedAvg(…), context)"
_NO_ANSWER = "its client does not use fedproof: ClientApp(mods=[proof_mod])"

NodeNumber = Annotated[int, Field(ge=0, lt=1 << 64)]

Step = Literal["train", "upload", "open", "evaluate", "adopt", "dry-run"]
"""train: bring yourself up to date, train, say that you are ready. upload: answer the announcement. open: answer the requests of a masked
round. evaluate: bring yourself up to date, evaluate. adopt: bring yourself up to date. dry-run: train in clear, in a simulation that
measures updates."""


class Rounds(encoding.Message):
    """Record entries from round `first` on, and the blobs that they lead to."""

    KIND: ClassVar[str] = "flower-rounds"

    first: Count = 0
    entries: tuple[bytes, ...] = ()
    blobs: Annotated[tuple[bytes, ...], Field(repr=False)] = ()

    def record(self) -> ConfigRecord:
        """As it travels."""
        return ConfigRecord({"rounds": self.to_bytes()})

    @classmethod
    def of(cls, content: RecordDict) -> Self:
        """Those of a message; none if it has none. Raises `Malformed`."""
        record = content.get(ROUNDS)
        return cls() if record is None else cls.from_bytes(_Values(record).raw("rounds"), limit=_MAX_ROUNDS)


class Greeting(encoding.Message):
    """That a node is this client, signed by it: of nodes that came to be there after a server stopped none showed that otherwise. node: its
    number in Flower, so that nobody else can show it as its own."""

    KIND: ClassVar[str] = "flower-greeting"

    federation: Name
    node: NodeNumber
    client: Name


@dataclass(frozen=True)
class Call:
    """The server's side. attempt: at the round that is called for. announcement, verdict: signed messages, empty where there is none.
    verdict: on the node's upload to the round before. requests: encoded, for `Node.answer`. arrays: name under which the app expects the
    model. weight: name of the metric by which the app weighs updates."""

    step: Step
    attempt: int = 0
    announcement: bytes = b""
    verdict: bytes = b""
    arrays: str = "arrays"
    weight: str = "num-examples"
    requests: Sequence[bytes] = field(default=(), repr=False)

    def record(self) -> ConfigRecord:
        """As it travels."""
        return _record(vars(self))

    @classmethod
    def of(cls, content: RecordDict) -> Self:
        """That of a message. Raises `Malformed`."""
        values = _Values(content.get(RECORD), _NO_CALL)
        return cls(
            values.step(),
            attempt=values.number("attempt"),
            announcement=values.raw("announcement"),
            verdict=values.raw("verdict"),
            requests=values.raws("requests"),
            arrays=values.text("arrays"),
            weight=values.text("weight"),
        )


@dataclass(frozen=True)
class Answer:
    """A node's side. greeting: signed, of the step "adopt". round: the next one of its chain. behind: it lacks rounds and did nothing
    else. refused: why it does not do what was asked; empty if it did. ready, upload, answers: what the step asks for. seconds: by part,
    as the node measured them."""

    step: Step
    round: int
    behind: bool = False
    refused: str = ""
    ready: bytes = b""
    upload: bytes = field(default=b"", repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict)
    answers: Sequence[bytes] = field(default=(), repr=False)
    greeting: bytes = b""

    def record(self) -> ConfigRecord:
        """As it travels."""
        values = {name: value for name, value in vars(self).items() if name != "seconds"}
        return _record(values | {f"seconds.{part}": float(value) for part, value in self.seconds.items()})

    @classmethod
    def of(cls, reply: Message, step: Step) -> Self:
        """That of a reply to a call for `step`. Raises `Malformed` with what is wrong, also for an error that Flower reports."""
        if reply.has_error():
            raise Malformed(f"the node reports an error: {_last_line(reply.error.reason)}")
        if not reply.has_content():
            raise Malformed("the reply is empty")
        values = _Values(reply.content.get(RECORD), _NO_ANSWER)
        if values.step() != step:
            raise Malformed("answers another step than the one asked for")
        return cls(
            step,
            values.number("round"),
            greeting=values.raw("greeting"),
            behind=values.flag("behind"),
            refused=values.text("refused"),
            ready=values.raw("ready"),
            upload=values.raw("upload"),
            answers=values.raws("answers"),
            seconds=values.seconds(),
        )


def _record(values: Mapping[str, ConfigRecordValues | Sequence[bytes]]) -> ConfigRecord:
    """Without what is empty: Flower cannot count the bytes of that."""
    lists = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    kept = {name: value for name, value in lists.items() if value not in (b"", "", [])}
    return ConfigRecord(cast("dict[str, ConfigRecordValues]", kept))


def _last_line(reason: str | None) -> str:
    """What happened, where a simulation reports a whole traceback."""
    lines = (reason or "").strip().splitlines()
    return lines[-1] if lines else "without a reason"


class _Values:
    """The fields of a record, by type."""

    def __init__(self, record: object, missing: str = "another kind of record") -> None:
        """missing: what it means if it is none."""
        if not isinstance(record, ConfigRecord):
            raise Malformed(f"no ConfigRecord {RECORD!r} in the message: {missing}")
        self._values = cast("Mapping[str, object]", record)

    def _get(self, name: str, kind: type) -> object:
        value = self._values.get(name)
        if type(value) is not kind:
            raise Malformed(f"{name} in the record {RECORD!r} is missing, or no {kind.__name__}")
        return value

    def step(self) -> Step:
        value = self.text("step")
        if value not in get_args(Step):
            raise Malformed(f"no such step in the record {RECORD!r}")
        return cast(Step, value)

    def number(self, name: str) -> int:
        value = cast(int, self._get(name, int))
        if not 0 <= value <= 1 << 32:
            raise Malformed(f"{name} in the record {RECORD!r} is out of range")
        return value

    def flag(self, name: str) -> bool:
        return cast(bool, self._get(name, bool))

    def text(self, name: str) -> str:
        """Empty where the field is not there."""
        return cast(str, self._get(name, str)) if name in self._values else ""

    def raw(self, name: str) -> bytes:
        """Empty where the field is not there."""
        return cast(bytes, self._get(name, bytes)) if name in self._values else b""

    def raws(self, name: str) -> tuple[bytes, ...]:
        """Empty where the field is not there."""
        found = cast("list[object]", self._get(name, list)) if name in self._values else []
        if not all(type(value) is bytes for value in found):
            raise Malformed(f"{name} in the record {RECORD!r} is no list of bytes")
        return tuple(cast("list[bytes]", found))

    def seconds(self) -> dict[str, float]:
        """The node's own measurements; nobody relies on them."""
        found = {part: self._values.get(f"seconds.{part}") for part in PARTS}
        return {part: value for part, value in found.items() if isinstance(value, float) and 0 <= value < 1e9}
