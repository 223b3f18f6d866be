"""The trust file: whom its holder believes. A bundle adds nothing to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from fedproof.encoding.digest import parse_sha256
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.message import validated
from fedproof.encoding.text import Name, printable
from fedproof.encoding.toml import parse_toml
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import EnvelopeVerifyKey, VerifyKey

_LIMIT = 1 << 20


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

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Malformed`, also for a policy of either kind in a trust file's place."""
        tables = parse_toml(text)
        if {"base_model", "update"} <= tables.keys() or {"training", "data"} <= tables.keys():
            raise Malformed("this is a policy, which says what is demanded; give the trust file")
        return validated(cls, tables, "trust")

    def pinned(self) -> bytes | None:
        """Digest of the only policy accepted, if there is one."""
        return parse_sha256(self.policy.sha256) if self.policy else None

    def revoked_keys(self) -> frozenset[bytes]:
        """Raw."""
        return frozenset(VerifyKey.parse(k).raw for k in self.revoked.keys)


class TrustFile(ABC):
    """A trust file of either kind. policy: digest of the only policy accepted, if pinned. revoked: raw keys that count for nothing."""

    policy: bytes | None
    revoked: frozenset[bytes]

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Self:
        """Raises `Malformed`."""

    @abstractmethod
    def own_tables(self) -> list[str]:
        """Lines of the tables that only its kind has."""

    def check_policy(self, digest: bytes) -> None:
        """Raises `Refused` (stage "trust") if another policy is pinned than the one with this digest."""
        if self.policy is not None and self.policy != digest:
            detail = f"the trust file pins {self.policy.hex()}, the policy's digest is {digest.hex()}"
            raise Refused("policy", "trust", detail)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a TOML file; raises `UsageError` with what is wrong in it."""
        subject = f"trust file {printable(str(path))}"
        try:
            return cls.parse(read_capped(path, _LIMIT).decode())
        except UnicodeDecodeError:
            raise UsageError(f"{subject}: not UTF-8 text; a trust file is a TOML file") from None
        except Malformed as error:
            raise UsageError(f"{subject}: {error}") from None

    def to_toml(self) -> str:
        """The file's text."""
        lines = [
            "# Whom the holder of this file believes. A bundle adds nothing to it.",
            "version = 1",
            "",
            *self.own_tables(),
        ]
        if self.policy is not None:
            lines += ["", "[policy]", f'sha256 = "sha256:{self.policy.hex()}"']
        if self.revoked:
            keys = ", ".join(f'"{VerifyKey(k).text}"' for k in sorted(self.revoked))
            lines += ["", "[revoked]", f"keys = [{keys}]"]
        return "\n".join(lines) + "\n"

    def save(self, path: Path) -> None:
        """Writes the TOML file, whole or not at all."""
        write_atomic(path, self.to_toml().encode())


@dataclass(frozen=True)
class Trust(TrustFile):
    """aggregator: key of its messages and checkpoints. envelope: key of its certificates. endorsers: by name, revoked ones
    left out. policy: digest of the only policy accepted, if pinned. revoked: raw keys that count for nothing."""

    aggregator: VerifyKey
    envelope: EnvelopeVerifyKey
    endorsers: dict[str, VerifyKey]
    policy: bytes | None = None
    revoked: frozenset[bytes] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Malformed`."""
        file = File.parse(text)
        if file.aggregator is None or not file.endorsers:
            raise Malformed('it names no aggregator, or no endorsers: [aggregator] and [endorsers."name"]')
        revoked = file.revoked_keys()
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
            policy=file.pinned(),
            revoked=revoked,
        )

    def own_tables(self) -> list[str]:
        """Lines of [aggregator] and [endorsers]."""
        lines = [
            "[aggregator]",
            f'message_key = "{self.aggregator.text}"',
            f'envelope_key = """\n{self.envelope.pem}"""',
        ]
        for name, key in sorted(self.endorsers.items()):
            lines += ["", f'[endorsers."{name}"]', f'key = "{key.text}"']
        return lines
