"""One spelling of each second, in UTC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedproof.encoding.time import parse_utc, utc_text
from fedproof.errors import Malformed


def test_known_times() -> None:
    assert utc_text(0) == "1970-01-01T00:00:00Z"
    assert utc_text(1801353600) == "2027-01-31T00:00:00Z"


@given(st.integers(0, 1 << 32))
def test_there_and_back(time: int) -> None:
    assert parse_utc(utc_text(time)) == time


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2027-01-31",
        "2027-01-31 00:00:00Z",
        "2027-01-31T00:00:00",
        "2027-01-31T00:00:00+00:00",
        "2027-1-31T00:00:00Z",
        "2027-02-30T00:00:00Z",
        "2027-01-31T24:00:00Z",
        "2027-01-31T00:00:00Z\n",
        "1969-12-31T23:59:59Z",
        "2106-02-07T06:28:17Z",
        "٢027-01-31T00:00:00Z",
    ],
)
def test_other_spellings(text: str) -> None:
    with pytest.raises(Malformed, match="written in UTC"):
        parse_utc(text)
