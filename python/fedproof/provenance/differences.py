"""Where two things that should be the same differ, by the names of their fields: what a person wants to know of a refusal."""

from __future__ import annotations

from collections.abc import Iterator

from fedproof.encoding.message import Message
from fedproof.errors import Malformed
from fedproof.provenance.statement import canonical_json

_NAMED = 3
"""Fields of a policy that are named; of the others it is said how many there are."""


def differences(one: object, other: object, at: str = "") -> Iterator[tuple[str, object, object]]:
    """(field, value in the one, value in the other) of every field that differs; fields of nested ones are joined by dots. None
    stands for a field that is not there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), f"{at}.{key}" if at else key)
    elif one != other:
        yield at, one, other


def short(value: object) -> str:
    """The value as JSON, cut where it is long."""
    text = canonical_json(value).decode()
    return text if len(text) <= 80 else text[:79] + "…"


def policy_difference(theirs: bytes, mine: Message) -> str:
    """In words: which fields of a bundle's policy differ from the verifier's, with both values. theirs: its encoding, from a
    stranger."""
    try:
        read = type(mine).from_bytes(theirs)
    except Malformed:
        return "the bundle's cannot be read as a policy"
    found = [
        f"{at} is {short(there)} in the bundle's, {short(here)} in yours"
        for at, there, here in differences(read.model_dump(mode="json"), mine.model_dump(mode="json"))
    ]
    more = [f"and {len(found) - _NAMED} more differ"] if len(found) > _NAMED else []
    return "; ".join([*found[:_NAMED], *more])
