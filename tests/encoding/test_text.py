"""Strings from strangers: nothing in them steers a terminal, hides, or reorders what stands around them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fedproof.encoding.text import Name, printable, some

NAME: TypeAdapter[str] = TypeAdapter(Name)


@pytest.mark.parametrize(
    "hostile",
    {
        "ANSI colour": "\x1b[32mVERIFIED\x1b[0m",
        "C1 control sequence": "\x9b2J",
        "new line": "ok\nVERIFIED",
        "carriage return": "refused\rVERIFIED",
        "backspace": "refused\b\b\b\b",
        "bell": "\a",
        "NUL": "a\0b",
        "line separator": "a\u2028b",
        "paragraph separator": "a\u2029b",
        "bidi override": "\u202edeifirev",
        "bidi isolate": "\u2066x\u2069",
        "Arabic letter mark": "\u061c",
        "Hebrew letters": "3/10 \u05d0\u05d1",
        "Arabic digits": "\u0663",
        "zero width space": "veri\u200bfied",
        "zero width joiner": "a\u200db",
        "byte order mark": "\ufeff",
        "soft hyphen": "a\u00adb",
        "variation selector": "a\ufe0f",
        "tag characters": "\U000e0041",
        "stacked marks": "a" + "\u0336" * 20,
        "half a surrogate pair": "\ud800",
        "private use": "\ue000",
        "not assigned": "\u0378",
        "Hangul filler": "\u3164",
        "blank braille": "\u2800",
        "OSC 8 link": "\x1b]8;;http://x\x1b\\y",
    }.values(),
)
def test_hostile_text_is_escaped(hostile: str) -> None:
    shown = printable(hostile)
    assert "\\" in shown
    assert "\x1b" not in shown
    assert "\n" not in shown


@pytest.mark.parametrize(
    "text", ["Klinikum Düren, 3 of 7 (bounded update)", "病院", "больница", "x ≤ B∞ · Σ", "[a] <b> & 'c'"]
)
def test_plain_text_stays(text: str) -> None:
    assert printable(text) == text


@given(st.text(max_size=80), st.integers(5, 60))
def test_output_is_short_plain_and_one_line(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable() or all(unicodedata.category(c) == "Zs" for c in shown if not c.isprintable())
    assert len(shown.splitlines()) <= 1


def test_a_cut_is_marked() -> None:
    assert printable("a" * 50, 50) == "a" * 50
    assert printable("a" * 51, 50) == "a" * 49 + "…"
    assert printable("e\u0301" * 60, 100).endswith("…")
    assert len(printable("\x1b" * 1000, 50)) == 50


@pytest.mark.parametrize("name", ["a", "7", "hospital-4", "breast-cancer-2026", "a.b_c-d", "x" * 64])
def test_names(name: str) -> None:
    assert NAME.validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        ".",
        "..",
        ".a",
        "-a",
        "_a",
        "a/b",
        "a\\b",
        "a b",
        "a\n",
        "a\0",
        "ä",
        "x" * 65,
        "а",
        "\uff41",
        "a\u200b",
    ],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(name)


def test_a_line_names_the_first_of_many() -> None:
    assert some({"bob", "ada"}, "client") == "ada, bob, 2 clients in all"
    assert some([f"{n:02}" for n in range(30)], "node") == "00, 01, 02, 03, 04, 05, 06, 07, 30 nodes in all"
