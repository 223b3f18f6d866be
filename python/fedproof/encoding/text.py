"""Text from strangers: names that are safe everywhere, and a printable form of everything else."""

import re
import unicodedata
from typing import Annotated, Final

from pydantic import StringConstraints

from fedproof.errors import UsageError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Clients, federations, endorsers, authorities: safe as a file name, in a terminal, in a page, in a log line."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

# Letters, digits, punctuation and symbols. Everything else is escaped: controls (ANSI sequences), formats (bidi
# overrides, zero-width characters), separators (new lines), surrogates, private and unassigned code points, and
# marks that stack on their neighbours.
_VISIBLE: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mc", "Nd", "Nl", "No"})
_VISIBLE_FIRST: Final = frozenset({"P", "S"})
# Letters by category that print as nothing at all.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Right-to-left letters and Arabic digits make a terminal reorder their neighbours, digits of a table included.
_REORDERING: Final = frozenset({"R", "AL", "AN"})


def printable(text: str, limit: int = 200) -> str:
    """`text` made safe for a terminal or a log line: one line, no control over what surrounds it.

    Characters outside the visible ones become `\\n`-like escapes (`\\x1b`, `\\u202e`), a backslash is doubled so
    that escapes can't be faked, and more than `limit` characters of output are cut with `…`. It doesn't escape
    markup: who writes HTML or rich text passes the result through that format's own escape.
    """
    out: list[str] = []
    length = 0
    for character in unicodedata.normalize("NFC", text[: limit + 1]):
        piece = character if _is_safe(character) else _escape(character)
        if length + len(piece) > limit:
            return "".join(out) + "…"
        out.append(piece)
        length += len(piece)
    return "".join(out) + ("…" if len(text) > limit else "")


def check_name(text: str, what: str) -> str:
    """`text` if it is a `Name`; `UsageError` saying what a name looks like otherwise. `what` is "client" or the like."""
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{what} {printable(text, 80)!r} isn't a name: 1 to 64 of a–z, 0–9, '.', '_', '-', "
            "beginning with a letter or digit"
        )
    return text


def _is_safe(character: str) -> bool:
    if character == " ":
        return True
    if character == "\\" or character in _BLANK:
        return False
    category = unicodedata.category(character)
    if category not in _VISIBLE and category[0] not in _VISIBLE_FIRST:
        return False
    return unicodedata.bidirectional(character) not in _REORDERING


def _escape(character: str) -> str:
    named = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in named:
        return named[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
