"""Deterministic CBOR (RFC 8949 §4.2), restricted to what messages need: null, booleans, integers, byte strings, text, arrays, and
maps with text keys. One value has one encoding; everything else is refused."""

from __future__ import annotations

from typing import TypeAlias

import cbor2

from fedproof.errors import Malformed

Value: TypeAlias = "bool | int | bytes | str | list[Value] | dict[str, Value] | None"

MAX_DEPTH = 16
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
    if type(value) is bytes or type(value) is str:
        return value
    if type(value) is list or type(value) is tuple:
        return [_plain(v, depth - 1) for v in value]
    if type(value) is dict:
        if not all(type(k) is str for k in value):
            raise TypeError("a map key that is not text")
        return {k: _plain(v, depth - 1) for k, v in value.items()}
    raise TypeError(f"no encoding for {type(value).__name__}")


def decode(data: bytes, *, limit: int = LIMIT) -> Value:
    """Reads the one encoding of one value; raises `Malformed` on anything else, whatever it is."""
    if len(data) > limit:
        raise Malformed(f"CBOR of {len(data)} bytes; at most {limit} are read here")
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
