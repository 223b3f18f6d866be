"""TOML files that people write: policies, trust files, lists of members; and strings for those that programs write."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from fedproof.encoding.text import printable
from fedproof.errors import Malformed, UsageError


def parse_toml(text: str) -> dict[str, Any]:
    """The file's tables. Raises `Malformed`, also where Python's own limits end the parse: numbers of thousands of digits, nesting
    of thousands of levels."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not TOML: {printable(str(error))}") from None


def toml_string(text: str) -> str:
    """A basic string; its escapes are JSON's. Raises `UsageError` for text that no TOML file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{printable(text)} is no UTF-8, and cannot stand in a TOML file: choose another name"
        ) from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
