"""Every field of every message in a bundle, changed one at a time. The aggregator signs again whatever it can sign; what
clients signed keeps their signatures. The fields are found by walking the types: a new one without a change fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fedproof.errors import Malformed, Refused
from fedproof.provenance.audit import audit
from fedproof.provenance.bundle import Bundle
from fedproof.provenance.verify import verify_bundle
from tests.provenance.world import Forgery, World, changed, honest_bundle, play

ASSERTED = {"result.closed": "the aggregator's clock"}
"""What no rule can check, and why. A certificate still covers it: with it the record's root changes."""


def variants(value: Any) -> Iterator[Any]:
    """Other values, of the same type and of another."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, -1)
    elif isinstance(value, bytes):
        yield value[:-1] + bytes([value[-1] ^ 1])
        yield value[:-1]
    elif value in ("refused", "dropped"):
        yield "dropped" if value == "refused" else "refused"
    elif isinstance(value, str):
        yield value + "x"
        yield "\x1b[2J"
    elif isinstance(value, tuple):
        yield value[1:] if value else (b"",)
        if value:
            yield (*value, value[0])
        if len(value) > 1:
            yield tuple(reversed(value))
    yield bytes(32) if value is None else None


def copies(message: Any, at: str) -> Iterator[tuple[str, Any]]:
    """(path, message with that field changed), through nested parts; of several parts, the first and the last."""
    for name in type(message).model_fields:
        value, path = getattr(message, name), f"{at}.{name}"
        if hasattr(type(value), "model_fields"):
            for below, part in copies(value, path):
                yield below, changed(message, **{name: part})
            continue
        if isinstance(value, tuple) and value:
            for index in sorted({0, len(value) - 1}):
                for below, part in copies(value[index], f"{path}[{value[index].client}]"):
                    yield below, changed(message, **{name: (*value[:index], part, *value[index + 1 :])})
        for other in variants(value):
            yield path, changed(message, **{name: other})


@pytest.fixture(scope="module")
def single() -> World:
    """One round, so that nothing is refused only because a later round names the original."""
    return play(rounds=1, absent={0: ("bob",)})


def forge(forgery: Forgery, kind: str, message: Any) -> list[bytes]:
    """Puts the message in its place and signs around it. Returns the log's entries."""
    r = forgery.rounds[0]
    if kind == "entry":
        return [message.to_bytes()]
    if kind == "body":
        r.body = message
        forgery.rebody(0)
        return forgery.entries()
    if kind.startswith("verdict"):
        r.verdicts[kind.removeprefix("verdict of ")] = message
    else:
        setattr(r, kind, message)
    forgery.resign(0)
    return forgery.entries()


KINDS = ("announcement", "result", "verdict of ada", "verdict of eve", "total", "body", "entry")


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # wrong types on purpose
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_counts(single: World, tmp_path: Path, kind: str) -> None:
    r = Forgery.of(single).rounds[0]
    original = r.verdicts[kind.split()[-1]] if kind.startswith("verdict") else getattr(r, kind)
    honest, tried, unnoticed = Forgery.of(single).entries(), set(), set()
    for number, (path, message) in enumerate(copies(original, kind)):
        forgery = Forgery.of(single)
        try:
            entries = forge(forgery, kind, message)
        except (TypeError, AttributeError):
            continue  # it has no encoding
        if entries == honest:
            continue  # what a signature around it repairs
        tried.add(path)
        bundle, _ = forgery.write(tmp_path / str(number), entries)
        try:
            audit(Bundle.open(bundle), single.policy, single.trust)
        except (Refused, Malformed):
            continue
        unnoticed.add(path)
    assert unnoticed == {path for path in ASSERTED if path.startswith(kind + ".")}
    repaired = {"result.session", "result.total", "verdict of ada.session", "verdict of eve.session"}
    assert {path for path, _ in copies(original, kind)} - tried <= repaired


def test_what_is_only_asserted_is_covered_by_the_certificate(single: World, tmp_path: Path) -> None:
    bundle, model = honest_bundle(single, tmp_path / "honest")
    certificate = (bundle / "certificate.dsse.json").read_bytes()
    forgery = Forgery.of(single)
    forgery.certificate = certificate
    r = forgery.rounds[0]
    r.result = changed(r.result, closed=r.result.closed + 7)
    forgery.resign(0)
    bundle, model = forgery.write(tmp_path / "forged")
    with pytest.raises(Refused, match=r"recordRoot|proofs") as error:
        verify_bundle(bundle, model=model, policy=single.policy, trust=single.trust)
    assert (error.value.subject, error.value.stage) == ("certificate", "statement")
