"""Deterministic CBOR (RFC 8949, section 4.2.1) over a small set of types.

`None`, `bool`, `int` from −2^63 to 2^64 − 1, `bytes`, `str`, lists, and dictionaries with text keys. No floats,
no tags, no indefinite lengths, no other simple values. Keys stand in the order of their encoded bytes, which
for text keys is "shorter first, then bytewise".

Reading has three steps. `_scan` walks over the heads of all items without building anything and refuses what
the format doesn't have, so that `cbor2` never meets a tag (shared references grow exponentially, big decimals
eat memory) or a length that the input doesn't hold. Then `cbor2` decodes. Then the value is encoded again and
compared with the input: whatever is left that has two spellings (order of keys, duplicate keys) ends there.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import cbor2

from fedproof.errors import Malformed

Value: TypeAlias = bool | int | bytes | str | Sequence["Value"] | Mapping[str, "Value"] | None

MAX_DEPTH: Final = 32
MAX_ITEMS: Final = 1 << 20
MIN_INT: Final = -(1 << 63)
MAX_INT: Final = (1 << 64) - 1

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLE_VALUES = (20, 21, 22)  # false, true, null


def encode(value: Value) -> bytes:
    """The one encoding of `value`; tuples are written as lists.

    Raises `Malformed` for a value outside the types and ranges above, and for nesting deeper than `MAX_DEPTH`.
    """
    try:
        return cbor2.dumps(_checked(value, 0), canonical=True)
    except UnicodeEncodeError as error:
        raise Malformed(f"CBOR: text that isn't Unicode can't be written: {error.reason}") from error


def decode(data: bytes, *, limit: int = 1 << 26) -> Value:
    """The value that `data` is the one encoding of; arrays come back as lists.

    `limit` caps the input in bytes before anything else is looked at. Raises `Malformed`, and nothing else, for
    any other input.
    """
    if not isinstance(data, bytes):
        raise Malformed(f"CBOR: bytes were expected, not {type(data).__name__}")
    if len(data) > limit:
        raise Malformed(f"CBOR: {len(data)} bytes are more than the {limit} allowed here")
    _scan(data)
    try:
        value: Value = cbor2.loads(data)
        again = encode(value)
    except Malformed:
        raise
    except Exception as error:  # the decoder's own exceptions differ between its versions
        raise Malformed(f"CBOR: {type(error).__name__} while decoding {len(data)} bytes") from error
    if again != data:
        raise Malformed("CBOR: not the deterministic encoding (order of keys, or a key that comes twice)")
    return value


def _checked(value: Value, depth: int) -> Value:
    """`value` with its types checked exactly (a subclass could encode as something else)."""
    kind = type(value)
    if value is None or kind in (bool, bytes, str):
        return value
    if isinstance(value, int) and kind is int:
        if not MIN_INT <= value <= MAX_INT:
            raise Malformed("CBOR: integers go from −2^63 to 2^64 − 1")
        return value
    if depth >= MAX_DEPTH:
        raise Malformed(f"CBOR: nested deeper than {MAX_DEPTH}")
    if isinstance(value, list | tuple) and kind in (list, tuple):
        return [_checked(item, depth + 1) for item in value]
    if isinstance(value, dict) and kind is dict:
        if not all(type(key) is str for key in value):
            raise Malformed("CBOR: keys are text")
        return {key: _checked(item, depth + 1) for key, item in value.items()}
    raise Malformed(f"CBOR: a value of type {kind.__name__} has no encoding")


def _scan(data: bytes) -> None:
    """Refuse whatever can't be deterministic CBOR of the types above, in one pass that builds nothing."""
    position, items = 0, 0
    open_counts: list[int] = [1]  # items still expected, per level
    while open_counts:
        if open_counts[-1] == 0:
            open_counts.pop()
            continue
        open_counts[-1] -= 1
        items += 1
        if items > MAX_ITEMS:
            raise Malformed(f"CBOR: more than {MAX_ITEMS} items")
        major, argument, position = _head(data, position)
        if major in (_BYTES, _TEXT):
            if argument > len(data) - position:
                raise Malformed(f"CBOR: ends inside a string of {argument} bytes")
            position += argument
        elif major in (_ARRAY, _MAP):
            expected = argument * (2 if major == _MAP else 1)
            if expected > len(data) - position:
                raise Malformed(f"CBOR: ends inside a list or map of {argument} entries")
            open_counts.append(expected)
            if len(open_counts) > MAX_DEPTH + 1:
                raise Malformed(f"CBOR: nested deeper than {MAX_DEPTH}")
    if position != len(data):
        raise Malformed(f"CBOR: {len(data) - position} bytes after the end of the value")


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Major type and argument of the item at `position`, and where its content begins."""
    if position >= len(data):
        raise Malformed("CBOR: ends where a value was expected")
    major, info = data[position] >> 5, data[position] & 31
    if major == _TAG:
        raise Malformed(f"CBOR: a tag at byte {position}; tags aren't used")
    if major == _SIMPLE:
        if info not in _SIMPLE_VALUES:
            raise Malformed(f"CBOR: a float or unknown simple value at byte {position}")
        return major, info, position + 1
    if info < 24:
        return major, info, position + 1
    if info > 27:
        raise Malformed(f"CBOR: an indefinite length at byte {position}")
    width = 1 << (info - 24)
    end = position + 1 + width
    if end > len(data):
        raise Malformed("CBOR: ends inside the head of a value")
    argument = int.from_bytes(data[position + 1 : end], "big")
    if argument < 24 or (width > 1 and argument < 1 << (4 * width)):
        raise Malformed(f"CBOR: the head at byte {position} isn't the shortest")
    if major == _NEGATIVE and argument >= 1 << 63:
        raise Malformed("CBOR: integers go from −2^63 to 2^64 − 1")
    return major, argument, end
