"""What is written as TOML is read as what it was."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedproof.encoding.toml import toml_string
from fedproof.errors import UsageError


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_a_string_comes_back(text: str) -> None:
    assert tomllib.loads(f"a = {toml_string(text)}")["a"] == text


def test_text_that_no_file_can_hold() -> None:
    with pytest.raises(UsageError, match="no UTF-8"):
        toml_string("a\udcff")
