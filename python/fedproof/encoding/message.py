"""Messages: frozen, strictly typed, one encoding each, one digest each.

A message is a class with a `KIND` and typed fields: bytes, text, integers, booleans, `None`, tuples, nested
models and messages. Its encoding is the CBOR map of its fields and `"kind"`; nested messages carry their kind
too. Fields of one kind can never be read as another's, and a digest or signature made for one kind means
nothing for another, since the kind goes into both.
"""

from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from fedproof.encoding import cbor
from fedproof.encoding.digest import sha256
from fedproof.encoding.text import printable
from fedproof.errors import Malformed

DOMAIN: Final = b"fedproof/v1/"


class Part(BaseModel):
    """A structured field of a message: frozen and strict, without a kind of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Message(Part):
    """A thing that travels, is signed, or is named by its digest. Subclasses set `KIND`."""

    KIND: ClassVar[str] = ""
    MAX_BYTES: ClassVar[int] = 1 << 26

    @model_validator(mode="before")
    @classmethod
    def _take_kind(cls, data: Any) -> Any:
        """The kind is no field: check it against the class, wherever a map comes from CBOR."""
        if isinstance(data, dict) and "kind" in data:
            if data["kind"] != cls.KIND:
                raise ValueError(f"kind is {printable(str(data['kind']), 40)!r}, not {cls.KIND!r}")
            return {key: value for key, value in data.items() if key != "kind"}
        return data

    def to_bytes(self) -> bytes:
        """Deterministic CBOR of the kind and all fields, defaults included."""
        return cbor.encode(_tree(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The message whose encoding is exactly `data`.

        Raises `Malformed` for anything that isn't deterministic CBOR, for another kind, for unknown, missing or
        ill-typed fields, and for input longer than the class's `MAX_BYTES`.
        """
        tree = cbor.decode(data, limit=cls.MAX_BYTES)
        if not isinstance(tree, dict):
            raise Malformed(f"{cls.KIND}: a CBOR map was expected")
        if tree.get("kind") != cls.KIND:
            raise Malformed(
                f"{cls.KIND}: the bytes hold a message of kind {printable(str(tree.get('kind')), 40)!r}"
            )
        try:
            message = cls.model_validate(_tuples(tree))
        except ValidationError as error:
            raise Malformed(f"{cls.KIND}: {first_errors(error)}") from error
        if message.to_bytes() != data:
            # a field left out for its default, or a nested message without its kind: a second encoding
            raise Malformed(
                f"{cls.KIND}: not the one encoding of this message (a field or a kind is left out)"
            )
        return message

    def digest(self) -> bytes:
        """SHA-256 of `fedproof/v1/`, the kind, a zero byte, and the encoding: the name of this message, 32 bytes."""
        return sha256(DOMAIN + self.KIND.encode() + b"\0" + self.to_bytes())


def kind_of(data: bytes) -> str:
    """The kind that an encoded message states, for readers that don't know what they hold; `Malformed` if none."""
    tree = cbor.decode(data)
    kind = tree.get("kind") if isinstance(tree, dict) else None
    if not isinstance(kind, str):
        raise Malformed("not an encoded message: no kind")
    return kind


def first_errors(error: ValidationError, at_most: int = 3) -> str:
    """What is wrong with which field, on one safe line, without the values (they may be secret or huge)."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    parts = []
    for item in found[:at_most]:
        where = ".".join(printable(str(step), 40) for step in item["loc"]) or "message"
        what = "unknown field" if item["type"] == "extra_forbidden" else item["msg"]
        parts.append(f"{where}: {printable(what, 300)}")
    more = len(found) - at_most
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def _tree(value: object) -> Any:
    if isinstance(value, BaseModel):
        fields = {name: _tree(getattr(value, name)) for name in type(value).model_fields}
        return {"kind": value.KIND, **fields} if isinstance(value, Message) else fields
    if isinstance(value, tuple | list):
        return [_tree(item) for item in value]
    if isinstance(value, dict):
        return {key: _tree(item) for key, item in value.items()}
    return value


def _tuples(value: Any) -> Any:
    """CBOR's arrays as tuples: messages are immutable all the way down, and strict models take no lists."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
