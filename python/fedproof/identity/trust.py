"""The trust file: whom its holder believes. A bundle adds nothing to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from fedproof.encoding.digest import parse_sha256
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.message import validated
from fedproof.encoding.text import Name, printable
from fedproof.encoding.toml import parse_toml
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import EnvelopeVerifyKey, VerifyKey

_LIMIT = 1 << 20
T = TypeVar("T")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Aggregator(_Part):
    message_key: str
    envelope_key: str


class _Endorser(_Part):
    key: str


class _Pinned(_Part):
    sha256: str


class _Revoked(_Part):
    keys: tuple[str, ...] = ()


class _Trainer(_Part):
    name: Name
    envelope_key: str


class _Authority(_Part):
    key: str
    revocations: str | None = Field(default=None, pattern="^https?://[!-~]{1,390}$")


class File(_Part):
    """The file's tables. [aggregator] and [endorsers] are for federations, [trainer] and [authorities] for training on certified data."""

    version: int = Field(ge=1, le=1)
    aggregator: _Aggregator | None = None
    endorsers: dict[Name, _Endorser] = {}
    trainer: _Trainer | None = None
    authorities: dict[Name, _Authority] = {}
    policy: _Pinned | None = None
    revoked: _Revoked = _Revoked()


def check_is_trust(tables: dict[str, Any]) -> None:
    """Raises `Malformed` for a policy of either kind in a trust file's place."""
    if {"base_model", "update"} <= tables.keys() or {"training", "data"} <= tables.keys():
        raise Malformed("this is a policy, which says what is demanded; give the trust file")


def end_of_file(policy: bytes | None, revoked: frozenset[bytes]) -> list[str]:
    """Lines that stand last in trust files of either kind."""
    lines = []
    if policy is not None:
        lines += ["", "[policy]", f'sha256 = "sha256:{policy.hex()}"']
    if revoked:
        keys = ", ".join(f'"{VerifyKey(k).text}"' for k in sorted(revoked))
        lines += ["", "[revoked]", f"keys = [{keys}]"]
    return lines


def check_pinned(pinned: bytes | None, digest: bytes) -> None:
    """Raises `Refused` (stage "trust") if another policy is pinned than the one with this digest."""
    if pinned is not None and pinned != digest:
        detail = f"the trust file pins {pinned.hex()}, the policy's digest is {digest.hex()}"
        raise Refused("policy", "trust", detail)


def load_trust(path: Path, parse: Callable[[str], T]) -> T:
    """What a trust file says, for either kind of verification; raises `UsageError` with what is wrong in it."""
    subject = f"trust file {printable(str(path))}"
    try:
        return parse(read_capped(path, _LIMIT).decode())
    except UnicodeDecodeError:
        raise UsageError(f"{subject}: not UTF-8 text; a trust file is a TOML file") from None
    except Malformed as error:
        raise UsageError(f"{subject}: {error}") from None


@dataclass(frozen=True)
class Trust:
    """aggregator: key of its messages and checkpoints. envelope: key of its certificates. endorsers: by name, revoked ones
    left out. policy: digest of the only policy accepted, if pinned. revoked: raw keys that count for nothing."""

    aggregator: VerifyKey
    envelope: EnvelopeVerifyKey
    endorsers: dict[str, VerifyKey]
    policy: bytes | None = None
    revoked: frozenset[bytes] = frozenset()

    def check_policy(self, digest: bytes) -> None:
        """Raises `Refused` (stage "trust") if another policy is pinned than the one with this digest."""
        check_pinned(self.policy, digest)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a TOML file; raises `UsageError` with what is wrong and how it is written."""
        return load_trust(path, cls.parse)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Malformed`."""
        tables = parse_toml(text)
        check_is_trust(tables)
        file = validated(File, tables, "trust")
        if file.aggregator is None or not file.endorsers:
            raise Malformed('it names no aggregator, or no endorsers: [aggregator] and [endorsers."name"]')
        revoked = frozenset(VerifyKey.parse(k).raw for k in file.revoked.keys)
        endorsers = {name: VerifyKey.parse(e.key) for name, e in file.endorsers.items()}
        aggregator = VerifyKey.parse(file.aggregator.message_key)
        if aggregator.raw in {e.raw for e in endorsers.values()}:
            raise Malformed("the aggregator is its own endorser: a roster is signed by somebody else")
        if aggregator.raw in revoked:
            raise Malformed("the aggregator's key is revoked")
        return cls(
            aggregator=aggregator,
            envelope=EnvelopeVerifyKey.parse(file.aggregator.envelope_key),
            endorsers={name: key for name, key in endorsers.items() if key.raw not in revoked},
            policy=parse_sha256(file.policy.sha256) if file.policy else None,
            revoked=revoked,
        )

    def to_toml(self) -> str:
        """The file's text."""
        lines = [
            "# Whom the holder of this file believes. A bundle adds nothing to it.",
            "version = 1",
            "",
            "[aggregator]",
            f'message_key = "{self.aggregator.text}"',
            f'envelope_key = """\n{self.envelope.pem}"""',
        ]
        for name, key in sorted(self.endorsers.items()):
            lines += ["", f'[endorsers."{name}"]', f'key = "{key.text}"']
        return "\n".join([*lines, *end_of_file(self.policy, self.revoked)]) + "\n"

    def save(self, path: Path) -> None:
        """Writes the TOML file, whole or not at all."""
        write_atomic(path, self.to_toml().encode())
