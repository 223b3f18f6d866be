"""Digests in bytes and in the one text that is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedproof.encoding.digest import ZERO, parse_sha256, sha256, text_of
from fedproof.errors import Malformed


def test_known_answer() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256(b"").hex() == empty
    assert text_of(sha256(b"")) == "sha256:" + empty
    assert len(ZERO) == 32


@given(st.binary(min_size=32, max_size=32))
def test_round_trip(digest: bytes) -> None:
    assert parse_sha256(text_of(digest)) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "SHA256:" + "a" * 64,
        "sha512:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
        " sha256:" + "a" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "\u0661" * 64,
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_sha256(text)
