"""What the engine is made of: the lists of deny.toml hold for every crate in Cargo.lock, by what `cargo metadata` says of it.

`cargo deny` does the same and more (it reads the licence texts), where it is installed; this takes no installation.
"""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LISTS = tomllib.loads((ROOT / "deny.toml").read_text())


@pytest.fixture(scope="module")
def crates() -> list[dict[str, Any]]:
    command = ["cargo", "metadata", "--locked", "--all-features", "--format-version", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["packages"]
    assert len(found) > 50
    return found


def permitted(expression: str, allow: set[str]) -> bool:
    """Whether an SPDX expression can be met by licences of the list. A slash is the old way to write OR."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def alternatives() -> bool:
        met = [together()]
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met.append(together())
        return any(met)

    def together() -> bool:
        met = [one()]
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met.append(one())
        return all(met)

    def one() -> bool:
        token = tokens.pop(0)
        if token == "(":
            inner = alternatives()
            assert tokens.pop(0) == ")", expression
            return inner
        if tokens and tokens[0] == "WITH":
            token = " ".join([token, tokens.pop(0), tokens.pop(0)])
        return token in allow

    met = alternatives()
    assert not tokens, expression
    return met


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT/GPL-3.0-only", True),
        ("GPL-3.0-only OR LGPL-2.1-or-later", False),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND Zlib", True),
        ("MIT OR GPL-3.0-only AND GPL-2.0-only", True),
        ("Zlib WITH LLVM-exception", False),
        ("Zlib WITH LLVM-exception OR MIT", True),
    ],
)
def test_an_expression_is_read(expression: str, expected: bool) -> None:
    assert permitted(expression, {"MIT", "Zlib"}) is expected


def test_every_licence_is_permitted(crates: list[dict[str, Any]]) -> None:
    allow = set(LISTS["licenses"]["allow"])
    assert [(c["name"], c["license"]) for c in crates if not permitted(c["license"] or "none", allow)] == []


def test_every_permitted_licence_is_used(crates: list[dict[str, Any]]) -> None:
    every = set(LISTS["licenses"]["allow"])
    for licence in every:
        needed = [c for c in crates if not permitted(c["license"], every - {licence})]
        named = [c for c in crates if licence in c["license"]]
        assert needed or named, licence


def test_every_crate_comes_from_the_registry_or_from_here(crates: list[dict[str, Any]]) -> None:
    registries = {None, *(f"registry+{url}" for url in LISTS["sources"]["allow-registry"])}
    assert [(c["name"], c["source"]) for c in crates if c["source"] not in registries] == []
    ours = {c["name"] for c in crates if c["source"] is None}
    assert ours == {"fedproof-core", "fedproof-py"}


def test_no_crate_is_banned_and_no_version_is_left_open(crates: list[dict[str, Any]]) -> None:
    banned = {ban["crate"] for ban in LISTS["bans"]["deny"]}
    assert {c["name"] for c in crates} & banned == set()
    ours = [c for c in crates if c["source"] is None]
    assert [d["name"] for c in ours for d in c["dependencies"] if d["req"] == "*" and not d.get("path")] == []
