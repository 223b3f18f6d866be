"""Messages: frozen, strictly typed, each with one encoding and one digest (spec/encoding.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fedproof.encoding import cbor
from fedproof.encoding.digest import sha256
from fedproof.encoding.text import printable
from fedproof.errors import Malformed

M = TypeVar("M", bound=BaseModel)


class Record(BaseModel):
    """A part of a message: typed fields, nothing else, immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, without what was computed from the old fields and kept (`cached_property`)."""
        copy = super().model_copy(update=update, deep=deep)
        for name in vars(copy).keys() - type(self).model_fields.keys():
            del vars(copy)[name]
        return copy


class Message(Record):
    """What is sent, signed or stored. `KIND` names the type within the bytes."""

    KIND: ClassVar[str]

    def to_bytes(self) -> bytes:
        """The one encoding: deterministic CBOR of a map with "kind" and the fields."""
        return cbor.encode({"kind": self.KIND, **self.model_dump()})

    @classmethod
    def from_bytes(cls, data: bytes, *, limit: int = cbor.LIMIT) -> Self:
        """Reads the one encoding; raises `Malformed`."""
        value = cbor.decode(data, limit=limit)
        if not isinstance(value, dict) or value.get("kind") != cls.KIND:
            raise Malformed(f"not a message of kind {cls.KIND!r}")
        fields = {k: v for k, v in value.items() if k != "kind"}
        message = validated(cls, fields, cls.KIND)
        if message.to_bytes() != data:
            raise Malformed(f"{cls.KIND}: a field is not in its one encoding")
        return message

    def digest(self) -> bytes:
        """SHA-256 over the kind and the encoding: no message of another kind has the same."""
        return sha256(b"fedproof/v1/" + self.KIND.encode() + b"\0" + self.to_bytes())


T = TypeVar("T", bound=Message)


def read_one_of(kinds: Sequence[type[T]], data: bytes, *, what: str, limit: int) -> T:
    """A message of one of these kinds. what: their name in errors. Raises `Malformed`."""
    value = cbor.decode(data, limit=limit)
    kind = value.get("kind") if isinstance(value, dict) else None
    for cls in kinds:
        if kind == cls.KIND:
            return cls.from_bytes(data, limit=limit)
    raise Malformed(f"no kind of {what}")


def validated(cls: type[M], fields: dict[str, Any], subject: str) -> M:
    """Fields as a model; raises `Malformed` with the first thing that is wrong, and where."""
    try:
        return cls.model_validate(_tuples(fields))
    except RecursionError:  # a TOML key of a thousand parts is a thousand tables; CBOR is capped earlier
        raise Malformed(f"{subject}: nested too deep") from None
    except ValidationError as error:
        raise Malformed(f"{subject}: {printable(_what_is_wrong(error))}") from None


def _what_is_wrong(error: ValidationError) -> str:
    """The first thing that is wrong, and where; a misspelt field beside the one that is missing for it."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    # Of a choice between types pydantic names the type, too: no word for whoever wrote the file.
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("_") and part != "str")
    if first["type"] != "extra_forbidden":
        told = first["msg"].removeprefix("Value error, ")
        return f"{where}: {told}" if where else told
    beside = (e["loc"] for e in errors if e["type"] == "missing")
    missing = [str(loc[-1]) for loc in beside if loc[:-1] == first["loc"][:-1]]
    return f"{where}: no such field" + (f"; missing beside it: {', '.join(missing)}" if missing else "")


def _tuples(value: Any) -> Any:
    """Arrays as tuples, so that what was read is as immutable as what was made."""
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return value
