"""Whom the holder of a trust file believes about trained models: authorities that certify data, and the trainer that signs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fedproof.encoding.digest import parse_sha256
from fedproof.encoding.files import write_atomic
from fedproof.encoding.message import validated
from fedproof.encoding.toml import parse_toml
from fedproof.errors import Malformed
from fedproof.identity.keys import EnvelopeVerifyKey, VerifyKey
from fedproof.identity.trust import File, check_is_trust, check_pinned, end_of_file, load_trust


@dataclass(frozen=True)
class Authority:
    """key: of its certificates and revocation lists. revocations: where its lists are fetched, if anywhere."""

    key: VerifyKey
    revocations: str | None = None


@dataclass(frozen=True)
class TrainingTrust:
    """trainer, envelope: who signs the certificate, and with which key. authorities: by name, revoked ones left out. policy: digest of
    the only policy accepted, if pinned. revoked: raw keys that count for nothing."""

    trainer: str
    envelope: EnvelopeVerifyKey
    authorities: dict[str, Authority]
    policy: bytes | None = None
    revoked: frozenset[bytes] = frozenset()

    def check_policy(self, digest: bytes) -> None:
        """Raises `Refused` (stage "trust") if another policy is pinned than the one with this digest."""
        check_pinned(self.policy, digest)

    def keys(self) -> dict[str, VerifyKey]:
        """The authorities' keys, by name."""
        return {name: authority.key for name, authority in self.authorities.items()}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a TOML file; raises `UsageError`."""
        return load_trust(path, cls.parse)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Malformed`."""
        tables = parse_toml(text)
        check_is_trust(tables)
        file = validated(File, tables, "trust")
        if file.trainer is None or not file.authorities:
            raise Malformed('it names no trainer, or no authorities: [trainer] and [authorities."name"]')
        revoked = frozenset(VerifyKey.parse(k).raw for k in file.revoked.keys)
        authorities = {
            name: Authority(VerifyKey.parse(a.key), a.revocations) for name, a in file.authorities.items()
        }
        if len({a.key.raw for a in authorities.values()}) != len(authorities):
            raise Malformed("two authorities have one key: records of the two would count as different ones")
        return cls(
            trainer=file.trainer.name,
            envelope=EnvelopeVerifyKey.parse(file.trainer.envelope_key),
            authorities={name: a for name, a in authorities.items() if a.key.raw not in revoked},
            policy=parse_sha256(file.policy.sha256) if file.policy else None,
            revoked=revoked,
        )

    def to_toml(self) -> str:
        """The file's text."""
        lines = [
            "# Whom the holder of this file believes. A bundle adds nothing to it.",
            "version = 1",
            "",
            "[trainer]",
            f'name = "{self.trainer}"',
            f'envelope_key = """\n{self.envelope.pem}"""',
        ]
        for name, authority in sorted(self.authorities.items()):
            lines += ["", f'[authorities."{name}"]', f'key = "{authority.key.text}"']
            if authority.revocations is not None:
                lines.append(f'revocations = "{authority.revocations}"')
        return "\n".join([*lines, *end_of_file(self.policy, self.revoked)]) + "\n"

    def save(self, path: Path) -> None:
        """Writes the TOML file, whole or not at all."""
        write_atomic(path, self.to_toml().encode())
