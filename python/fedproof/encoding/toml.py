"""TOML files that people write: policies, trust files, lists of members."""

from __future__ import annotations

import tomllib
from typing import Any

from fedproof.encoding.text import printable
from fedproof.errors import Malformed


def parse_toml(text: str) -> dict[str, Any]:
    """The file's tables. Raises `Malformed`, also where Python's own limits end the parse: numbers of thousands of digits, nesting
    of thousands of levels."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not TOML: {printable(str(error))}") from None
