"""Names, and strings from others made safe to print."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Annotated

from pydantic import Field

_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
Name = Annotated[str, Field(pattern=f"^{_NAME}$")]
"""Name of a client, a federation, an endorser: lower-case ASCII, at most 64 characters."""

Reason = Annotated[str, Field(max_length=400)]
"""What a person reads about a refusal."""

_SOME = 8


def is_name(text: str) -> bool:
    """Whether the text is a `Name`."""
    return re.fullmatch(_NAME, text) is not None


def counted(number: int, noun: str) -> str:
    """1 round, 2 rounds: of a noun whose plural takes an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(names: Collection[str], noun: str) -> str:
    """ada, bob, 2 clients in all: the first names, and how many there are."""
    return f"{', '.join(sorted(names)[:_SOME])}, {counted(len(names), noun)} in all"


# Controls, formats (bidi overrides, zero-width), separators, unassigned code points; and marks, which stack on their neighbours
# or, as variation selectors, hide.
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"}
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by category that print as nothing."""
_REORDERING = {"R", "AL", "AN"}
"""Right-to-left letters and digits, around which a terminal reorders its own digits."""


def printable(text: str, limit: int = 400) -> str:
    """The text with everything that could steer a terminal, hide, or reorder what stands around it (controls, ANSI, bidi,
    zero-width, stacked marks) written as escapes, at most `limit` characters long. Backslashes stay single: a sequence that looks
    like an escape may have been in the text. Markup is not escaped: who writes HTML or rich text does that besides."""
    start = unicodedata.normalize("NFC", text[:limit])
    escaped = "".join(
        c if _is_plain(c) else c.encode("unicode_escape", "surrogatepass").decode() for c in start
    )
    return escaped if len(text) <= limit and len(escaped) <= limit else escaped[: limit - 1] + "…"


def _is_plain(character: str) -> bool:
    return (
        unicodedata.category(character) not in _UNSAFE
        and character not in _BLANK
        and unicodedata.bidirectional(character) not in _REORDERING
    )
