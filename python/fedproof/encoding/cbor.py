"""Deterministic CBOR (RFC 8949 §4.2), restricted to what messages need: null, booleans, integers, byte strings, text, arrays, and
maps with text keys. One value has one encoding; everything else is refused.

Reading has three steps. `_scan` walks over the heads of all items and builds nothing: it refuses tags, so that cbor2 never meets
shared references (a hundred bytes that unfold to gigabytes) or a big number's exponent, and lengths that the input doesn't hold.
Then cbor2 decodes. Then the value is encoded again and compared with the input: order of keys and duplicate keys end there."""

from __future__ import annotations

from typing import TypeAlias

import cbor2

from fedproof.errors import Malformed

Value: TypeAlias = "bool | int | bytes | str | list[Value] | dict[str, Value] | None"

MAX_DEPTH = 16
MAX_ITEMS = 1 << 22
"""Values in one encoding; a hundred thousand participants need about a quarter of it."""
LIMIT = 1 << 26
"""Bytes that `decode` reads at most, unless told otherwise."""


def encode(value: object) -> bytes:
    """Encodes a value made of the types above; tuples count as arrays. Raises `TypeError` on any other type: a bug, not input."""
    # With text keys only, RFC 7049's order (shorter encoding first), which cbor2 calls canonical, is RFC 8949's bytewise order.
    return cbor2.dumps(_plain(value, MAX_DEPTH), canonical=True)


def _plain(value: object, depth: int) -> Value:
    if depth < 0:
        raise TypeError(f"nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int:
        if not -(1 << 63) <= value < 1 << 64:
            raise TypeError("an integer of more than 64 bits")
        return value
    if type(value) is bytes:
        return value
    if type(value) is str:
        return _unicode(value)
    if type(value) is list or type(value) is tuple:
        return [_plain(v, depth - 1) for v in value]
    if type(value) is dict:
        if not all(type(k) is str for k in value):
            raise TypeError("a map key that is not text")
        return {_unicode(k): _plain(v, depth - 1) for k, v in value.items()}
    raise TypeError(f"no encoding for {type(value).__name__}")


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TypeError("text with half a surrogate pair, which UTF-8 cannot hold") from None
    return text


def decode(data: bytes, *, limit: int = LIMIT) -> Value:
    """Reads the one encoding of one value; raises `Malformed` on anything else, whatever it is."""
    if len(data) > limit:
        raise Malformed(f"CBOR of {len(data)} bytes; at most {limit} are read here")
    _scan(data)
    try:
        value = _plain(cbor2.loads(data), MAX_DEPTH)
        canonical = cbor2.dumps(value, canonical=True)
    except (
        cbor2.CBORError,
        TypeError,
        ValueError,
        RecursionError,
        MemoryError,
        OverflowError,
        EOFError,
    ) as error:
        raise Malformed(f"not the CBOR that fedproof writes: {type(error).__name__}") from None
    if canonical != data:
        raise Malformed("CBOR that is not in its one deterministic encoding")
    return value


_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(2, 8)
_FALSE_TRUE_NULL = (20, 21, 22)


def _scan(data: bytes) -> None:
    """Refuses what cannot be an encoding of ours, in one pass over the heads."""
    position, items = 0, 0
    expected = [1]  # items still to come, per open level
    while expected:
        if expected[-1] == 0:
            expected.pop()
            continue
        expected[-1] -= 1
        items += 1
        if items > MAX_ITEMS:
            raise Malformed(f"CBOR of more than {MAX_ITEMS} values")
        major, argument, position = _head(data, position)
        if major in (_BYTES, _TEXT):
            position += argument
        elif major in (_ARRAY, _MAP):
            count = argument * (2 if major == _MAP else 1)
            if count > len(data) - position:
                raise Malformed(f"CBOR that ends inside {argument} entries")
            expected.append(count)
            if len(expected) > MAX_DEPTH + 2:
                raise Malformed(f"CBOR nested deeper than {MAX_DEPTH}")
        if position > len(data):
            raise Malformed("CBOR that ends inside a string")
    if position != len(data):
        raise Malformed("CBOR with bytes after its end")


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Major type and argument of the item at `position`, and where its content begins."""
    if position >= len(data):
        raise Malformed("CBOR that ends where a value should begin")
    major, info = data[position] >> 5, data[position] & 31
    if major == _TAG:
        raise Malformed("CBOR with a tag; tags are not used here")
    if major == _SIMPLE:
        if info not in _FALSE_TRUE_NULL:
            raise Malformed("CBOR with a float or an unknown simple value")
        return major, 0, position + 1
    if info < 24:
        return major, info, position + 1
    if info > 27:
        raise Malformed("CBOR with an indefinite length")
    width = 1 << (info - 24)
    end = position + 1 + width
    argument = int.from_bytes(data[position + 1 : end], "big")
    if end > len(data):
        raise Malformed("CBOR that ends inside the head of a value")
    if argument < (24 if width == 1 else 1 << (4 * width)):
        raise Malformed("CBOR with a number or length that is not written as short as it can be")
    return major, argument, end
