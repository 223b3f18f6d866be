"""Whom the holder of a trust file believes about trained models: authorities that certify data, and the trainer that signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fedproof.errors import Malformed
from fedproof.identity.keys import EnvelopeVerifyKey, VerifyKey
from fedproof.identity.trust import File, TrustFile


@dataclass(frozen=True)
class Authority:
    """key: of its certificates and revocation lists. revocations: where its lists are fetched, if anywhere."""

    key: VerifyKey
    revocations: str | None = None


@dataclass(frozen=True)
class TrainingTrust(TrustFile):
    """trainer, envelope: who signs the certificate, and with which key. authorities: by name, revoked ones left out. policy: digest of
    the only policy accepted, if pinned. revoked: raw keys that count for nothing."""

    trainer: str
    envelope: EnvelopeVerifyKey
    authorities: dict[str, Authority]
    policy: bytes | None = None
    revoked: frozenset[bytes] = frozenset()

    def keys(self) -> dict[str, VerifyKey]:
        """The authorities' keys, by name."""
        return {name: authority.key for name, authority in self.authorities.items()}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Malformed`."""
        file = File.parse(text)
        if file.trainer is None or not file.authorities:
            raise Malformed('it names no trainer, or no authorities: [trainer] and [authorities."name"]')
        revoked = file.revoked_keys()
        authorities = {
            name: Authority(VerifyKey.parse(a.key), a.revocations) for name, a in file.authorities.items()
        }
        if len({a.key.raw for a in authorities.values()}) != len(authorities):
            raise Malformed("two authorities have one key: records of the two would count as different ones")
        return cls(
            trainer=file.trainer.name,
            envelope=EnvelopeVerifyKey.parse(file.trainer.envelope_key),
            authorities={name: a for name, a in authorities.items() if a.key.raw not in revoked},
            policy=file.pinned(),
            revoked=revoked,
        )

    def own_tables(self) -> list[str]:
        """Lines of [trainer] and [authorities]."""
        lines = [
            "[trainer]",
            f'name = "{self.trainer}"',
            f'envelope_key = """\n{self.envelope.pem}"""',
        ]
        for name, authority in sorted(self.authorities.items()):
            lines += ["", f'[authorities."{name}"]', f'key = "{authority.key.text}"']
            if authority.revocations is not None:
                lines.append(f'revocations = "{authority.revocations}"')
        return lines
