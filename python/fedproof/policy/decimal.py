"""Numbers that are no integers: decimals in quotes, taken exactly."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field


def _quoted(value: Any) -> Any:
    """A number without quotes would be rounded to a double before anybody reads it."""
    if not isinstance(value, str):
        raise ValueError('write it in quotes, such as "0.001": decimals are taken exactly')
    return value


def _shortest(text: str) -> str:
    """The one spelling of a number: no zeros at the end of its decimals."""
    return text.rstrip("0").rstrip(".") if "." in text else text


Decimal = Annotated[str, BeforeValidator(_quoted), Field(pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,12})?$")]
"""From 0 to 999999.999999999999, as written."""

ShortDecimal = Annotated[Decimal, AfterValidator(_shortest)]
"""The same in its shortest spelling: 0.10 and 0.1 are one."""
