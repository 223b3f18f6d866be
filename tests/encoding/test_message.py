"""Messages: strict, frozen, one encoding, one digest, no reading of one kind as another."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

import fedproof
from fedproof.encoding import cbor
from fedproof.encoding.digest import Digest, sha256
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name
from fedproof.errors import Malformed


class Item(Record):
    name: Name
    count: Annotated[int, Field(ge=0, le=1 << 32)]


class Letter(Message):
    KIND: ClassVar[str] = "test letter"

    to: Name
    seal: Digest
    items: tuple[Item, ...]
    urgent: bool = False
    room: None = None
    link: Digest | None = None


class Bill(Letter):
    KIND: ClassVar[str] = "test bill"


NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,63}\Z")
LETTERS = st.builds(
    Letter,
    to=NAMES,
    seal=st.binary(min_size=32, max_size=32),
    items=st.lists(st.builds(Item, name=NAMES, count=st.integers(0, 1 << 32)), max_size=4).map(tuple),
    urgent=st.booleans(),
    link=st.none() | st.binary(min_size=32, max_size=32),
)
LETTER = Letter(to="a", seal=bytes(32), items=(Item(name="b", count=1),))
FIELDS = {"kind": "test letter", "to": "a", "seal": bytes(32), "items": [{"name": "b", "count": 1}]}
FULL = FIELDS | {"urgent": False, "room": None, "link": None}


@given(LETTERS)
def test_round_trip(letter: Letter) -> None:
    again = Letter.from_bytes(letter.to_bytes())
    assert again == letter
    assert again.digest() == letter.digest()
    assert hash(again) == hash(letter)


def test_the_encoding_and_the_digest_are_what_the_specification_says() -> None:
    assert LETTER.to_bytes() == cbor.encode(FULL)
    assert LETTER.digest() == sha256(b"fedproof/v1/test letter\0" + cbor.encode(FULL))


def test_another_kind_is_refused_even_with_the_same_fields() -> None:
    bill = Bill(**dict(LETTER))
    assert bill.digest() != LETTER.digest()
    with pytest.raises(Malformed, match="not a message of kind"):
        Letter.from_bytes(bill.to_bytes())


@pytest.mark.parametrize(
    "tree",
    {
        "default left out": FIELDS,
        "unknown field": FULL | {"more": 1},
        "field missing": {k: v for k, v in FULL.items() if k != "to"},
        "no kind": {k: v for k, v in FULL.items() if k != "kind"},
        "kind of another type": FULL | {"kind": 1},
        "text for bytes": FULL | {"seal": "a" * 32},
        "bytes for text": FULL | {"to": b"a"},
        "digest too short": FULL | {"seal": bytes(31)},
        "digest too long": FULL | {"seal": bytes(33)},
        "integer for a boolean": FULL | {"urgent": 0},
        "boolean for an integer": FULL | {"items": [{"name": "b", "count": True}]},
        "text for an integer": FULL | {"items": [{"name": "b", "count": "1"}]},
        "out of range": FULL | {"items": [{"name": "b", "count": -1}]},
        "map for a list": FULL | {"items": {"0": {"name": "b", "count": 1}}},
        "null for a list": FULL | {"items": None},
        "unknown field inside": FULL | {"items": [{"name": "b", "count": 1, "more": 1}]},
        "something in the room for later": FULL | {"room": b"mask"},
        "name with a new line": FULL | {"to": "a\n"},
        "a list": [FULL],
        "not a map": 1,
    }.items(),
    ids=lambda pair: pair[0],
)
def test_other_trees_are_refused(tree: tuple[str, object]) -> None:
    with pytest.raises(Malformed):
        Letter.from_bytes(cbor.encode(tree[1]))


def test_every_byte_matters() -> None:
    good = LETTER.to_bytes()
    for at in range(len(good)):
        for flip in (1, 0x20, 0x80):
            bad = good[:at] + bytes([good[at] ^ flip]) + good[at + 1 :]
            try:
                assert Letter.from_bytes(bad) != LETTER
            except Malformed:
                continue


def test_the_limit() -> None:
    with pytest.raises(Malformed, match="at most"):
        Letter.from_bytes(LETTER.to_bytes(), limit=10)


def test_errors_name_the_field_and_are_safe() -> None:
    with pytest.raises(Malformed, match=r"items\.0\.count"):
        Letter.from_bytes(cbor.encode(FULL | {"items": [{"name": "b", "count": -1}]}))
    with pytest.raises(Malformed) as caught:
        Letter.from_bytes(cbor.encode(FULL | {"\x1b[32mVERIFIED": 1}))
    assert "\x1b" not in str(caught.value)


def test_frozen_and_strict_in_python_too() -> None:
    with pytest.raises(ValidationError):
        LETTER.to = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Letter(to="a", seal=bytes(32), items=[])  # type: ignore[arg-type]


def test_kinds_of_all_messages_differ() -> None:
    for module in pkgutil.walk_packages(fedproof.__path__, "fedproof."):
        if not module.name.startswith(("fedproof.demo", "fedproof.cli", "fedproof._core", "fedproof.torch")):
            importlib.import_module(module.name)
    found: dict[str, str] = {}
    waiting = list(Message.__subclasses__())
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith("fedproof."):
            name = f"{cls.__module__}.{cls.__qualname__}"
            assert "\0" not in cls.KIND
            assert cls.KIND not in found, f"{name} and {found[cls.KIND]} have one kind"
            found[cls.KIND] = name
    assert {"signed", "roster", "policy"} <= found.keys()
