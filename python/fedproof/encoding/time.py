"""Points in time: Unix seconds in messages, `2027-01-31T00:00:00Z` where people write or read them. Always UTC, never a local time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from fedproof.errors import Malformed

Time = Annotated[int, Field(ge=0, le=1 << 32)]
"""Unix seconds, UTC: 1970 to 2106."""

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def utc_text(time: int) -> str:
    """2027-01-31T00:00:00Z for 1801353600."""
    return datetime.fromtimestamp(time, UTC).strftime(_FORM)


def utc_seconds(moment: datetime) -> int:
    """Of a TOML date and time. Raises `Malformed`: no offset, parts of a second, out of range."""
    if moment.tzinfo is not None and moment.microsecond == 0:
        time = int(moment.timestamp())
        if 0 <= time <= 1 << 32:
            return time
    raise _another_form()


def parse_utc(text: str) -> int:
    """The inverse of `utc_text`, its one spelling. Raises `Malformed`."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII):
        try:
            time = int(datetime.strptime(text, _FORM).replace(tzinfo=UTC).timestamp())
        except ValueError:
            time = -1
        if 0 <= time <= 1 << 32:
            return time
    raise _another_form()


def _another_form() -> Malformed:
    return Malformed("a time is written in UTC, like 2027-01-31T00:00:00Z, from 1970 to 2106")
