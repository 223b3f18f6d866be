"""Whatever stands in a policy or trust file: a clear error of ours, never one of the parser's own."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedproof.errors import Malformed, UsageError
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy

HOSTILE = {
    "empty": "",
    "NUL": "\0",
    "nested too deep": "a = " + "[" * 100_000,
    "tables nested too deep": "a = " + "{a = " * 50_000,
    "key with too many parts": ".".join("a" * 5000) + " = 1",
    "an integer of 5,000 digits": "version = " + "9" * 5000,
    "key twice": "version = 1\nversion = 1",
    "a date": "version = 1979-05-27T07:32:00Z",
    "infinity": "version = inf",
    "half a string": 'federation = "a',
    "escape in a name": 'federation = "\\u001b[32mVERIFIED"',
    "escape in a key": '"\\u001b[32mVERIFIED" = 1',
    "table for a value": "[version]\n[federation]\n[suites]",
    "value for a table": "update = 1\naggregator = 1\nendorsers = 1",
    "list of tables": "[[update]]\n[[aggregator]]",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", [Policy, Trust])
def test_hostile_files(tmp_path: Path, kind: type[Policy] | type[Trust], name: str) -> None:
    path = tmp_path / "file.toml"
    path.write_text(HOSTILE[name])
    with pytest.raises(UsageError) as caught:
        kind.load(path)
    assert str(path) in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("kind", [Policy, Trust])
def test_files_that_cannot_be_read(tmp_path: Path, kind: type[Policy] | type[Trust]) -> None:
    (tmp_path / "latin").write_bytes(b'federation = "caf\xe9"')
    (tmp_path / "giant").write_bytes(b"#" * ((1 << 20) + 1))
    (tmp_path / "link").symlink_to("latin")
    for name in ("missing", "latin", "giant", "link", "."):
        with pytest.raises(UsageError, match=r"trust file|policy"):
            kind.load(tmp_path / name)


@given(st.text(max_size=200))
@example("a = [" * 2000)
def test_any_text(text: str) -> None:
    for kind in (Policy, Trust):
        with contextlib.suppress(Malformed):
            kind.parse(text)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        Policy.from_bytes(data)
