"""Deterministic CBOR: one encoding per value, everything else refused, whatever it is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedproof.encoding import cbor
from fedproof.errors import Malformed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.binary(max_size=40) | TEXT
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@given(st.dictionaries(TEXT, st.integers(0, 30), min_size=2, max_size=6))
def test_order_of_insertion_does_not_matter(value: dict[str, int]) -> None:
    assert cbor.encode(dict(reversed(value.items()))) == cbor.encode(value)


@settings(max_examples=500)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_are_the_one_encoding(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except Malformed:
        return
    assert cbor.encode(value) == data


@given(VALUES, st.data())
def test_a_changed_byte_is_refused_or_another_value(value: Any, data: st.DataObject) -> None:
    good = cbor.encode(value)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    try:
        read = cbor.decode(bad)
    except Malformed:
        return
    assert cbor.encode(read) == bad


@given(VALUES)
def test_truncation_and_extension_are_refused(value: Any) -> None:
    good = cbor.encode(value)
    for end in range(len(good)):
        with pytest.raises(Malformed):
            cbor.decode(good[:end])
    with pytest.raises(Malformed):
        cbor.decode(good + b"\0")


@pytest.mark.parametrize(
    ("value", "expected"),
    [  # RFC 8949, appendix A, and the order of section 4.2.1
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (1000000000000, "1b000000e8d4a51000"),
        (18446744073709551615, "1bffffffffffffffff"),
        (-1, "20"),
        (-9223372036854775808, "3b7fffffffffffffff"),
        (None, "f6"),
        (b"\1\2\3\4", "4401020304"),
        ("ü", "62c3bc"),
        ([1, [2, 3]], "8201820203"),
        ({"aa": 0, "b": 1, "a": 2, "": 3}, "a4600361610261620162616100"),
    ],
)
def test_known_answers(value: Any, expected: str) -> None:
    assert cbor.encode(value).hex() == expected
    assert cbor.decode(bytes.fromhex(expected)) == value


BAD = {
    "empty": "",
    "two values": "0000",
    "integer not shortest, one byte": "1817",
    "integer not shortest, two bytes": "1900ff",
    "integer not shortest, four bytes": "1a0000ffff",
    "integer not shortest, eight bytes": "1b00000000ffffffff",
    "length not shortest": "580161",
    "array length not shortest": "980100",
    "below −2^63": "3b8000000000000000",
    "half float": "f93c00",
    "single float": "fa3f800000",
    "double float": "fb3ff0000000000000",
    "NaN": "f97e00",
    "undefined": "f7",
    "simple value": "f0",
    "simple value, two bytes": "f8ff",
    "break": "ff",
    "reserved head": "1c",
    "indefinite bytes": "5f4101ff",
    "indefinite text": "7f6161ff",
    "indefinite array": "9f00ff",
    "indefinite map": "bf616100ff",
    "tag: date": "c11a514b67b0",
    "tag: small bignum": "c24101",
    "tag: big float with a huge exponent": "c5821b7fffffffffffffff01",
    "tag: regular expression": "d8236128",
    "tag: shared": "d81c80",
    "tag: cycle": "d81c81d81d00",
    "tag: self-described": "d9d9f700",
    "keys out of order": "a2616201616100",
    "longer key first": "a262616100616201",
    "key twice": "a2616100616101",
    "integer key": "a10000",
    "bytes key": "a1416100",
    "list key": "a18000",
    "null key": "a1f600",
    "invalid UTF-8": "61ff",
    "surrogate in UTF-8": "63eda080",
    "overlong UTF-8": "62c080",
    "array ends early": "8201",
    "huge array": "9bffffffffffffffff",
    "huge map": "bbffffffffffffffff",
    "huge string": "5bffffffffffffffff00",
    "head ends early": "1a0000",
}


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(BAD[name]))


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x60", b"\xd8\x1c\x81", b"\x9f", b"\xc1"])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    with pytest.raises(Malformed):
        cbor.decode(opening * 200_000 + b"\0")


def test_the_deepest_value_that_is_written_is_read() -> None:
    value: Any = 0
    for _ in range(cbor.MAX_DEPTH):
        value = [value]
    assert cbor.decode(cbor.encode(value)) == value
    with pytest.raises(TypeError):
        cbor.encode([[value]])


def test_shared_references_do_not_unfold() -> None:
    # level n is ten references to level n − 1: about a hundred bytes, 10^12 values
    bomb = bytes.fromhex("d81c80")
    for level in range(12):
        bomb = bytes.fromhex("d81c8b") + bomb + bytes.fromhex("d81d") * 10 + bytes([level] * 0)
        bomb = bomb.replace(bytes.fromhex("d81dd81d"), bytes.fromhex("d81d00d81d"))
    started = time.monotonic()
    with pytest.raises(Malformed, match="tag"):
        cbor.decode(bomb)
    assert time.monotonic() - started < 1


def test_too_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cbor, "MAX_ITEMS", 100)
    assert cbor.decode(cbor.encode([0] * 99)) == [0] * 99
    with pytest.raises(Malformed, match="100 values"):
        cbor.decode(cbor.encode([0] * 100))


def test_the_limit_comes_before_everything() -> None:
    good = cbor.encode(bytes(100))
    assert cbor.decode(good, limit=len(good)) == bytes(100)
    with pytest.raises(Malformed, match="at most"):
        cbor.decode(good, limit=len(good) - 1)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        {1: 2},
        {b"a": 1},
        {"a": {1}},
        1 << 64,
        -(1 << 63) - 1,
        bytearray(b"a"),
        object(),
        "\ud800",
        {"\udfff": 1},
    ],
)
def test_values_without_an_encoding(value: object) -> None:
    with pytest.raises(TypeError):
        cbor.encode(value)


def test_subclasses_have_no_encoding() -> None:
    class Odd(int):
        pass

    with pytest.raises(TypeError):
        cbor.encode(Odd(1))
