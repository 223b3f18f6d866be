"""Names, and strings from others made safe to print."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Name of a client, a federation, an endorser: lower-case ASCII, at most 64 characters."""

Reason = Annotated[str, Field(max_length=400)]
"""What a person reads about a refusal."""

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str, limit: int = 400) -> str:
    """The text with everything that could steer a terminal or hide characters (controls, ANSI, bidi marks, zero-width) written
    as escapes, at most `limit` characters long."""
    escaped = "".join(
        c if unicodedata.category(c) not in _UNSAFE else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text[: limit + 1]
    )
    return escaped if len(escaped) <= limit else escaped[: limit - 1] + "…"
