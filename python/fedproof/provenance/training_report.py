"""What `verify_training` hands back: only a verifier that ran makes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fedproof.encoding.text import printable
from fedproof.encoding.time import utc_text
from fedproof.provenance.training_statement import (
    TRAINING_CLAIMS,
    TRAINING_NOT_PROVEN,
    TrainingClaim,
    TrainingStatement,
)


@dataclass(frozen=True)
class UsedRevocations:
    """The newest revocation list of an authority: (number, issued), or none."""

    authority: str
    newest: tuple[int, int] | None

    def text(self) -> str:
        """One line for people."""
        if self.newest is None:
            return "no revocation list seen: whether anything was revoked is not known here"
        number, issued = self.newest
        return f"nothing used of it revoked by list {number} of {utc_text(issued)}"


@dataclass(frozen=True)
class TrainingReport:
    """The outcome of a verification that refused nothing.

    statement: the certificate's, equal to what was recomputed. revocations: by authority. at: when certificates were held to be valid, Unix
    seconds. keyid: of the trainer's envelope key. policy_source: "policy file" or "trust file". seconds: what it took."""

    statement: TrainingStatement
    revocations: tuple[UsedRevocations, ...]
    at: int
    keyid: str
    policy_source: str
    seconds: float

    @property
    def claims(self) -> tuple[TrainingClaim, ...]:
        """What was proved, with coverage."""
        return self.statement.predicate.claims

    @property
    def not_proven(self) -> tuple[str, ...]:
        """What was not, by code."""
        return self.statement.predicate.not_proven

    def claim_rows(self) -> list[tuple[str, str, str]]:
        """(claim, coverage, meaning) for a table."""
        return [(c.claim, _coverage(c), TRAINING_CLAIMS[c.claim]) for c in self.claims]

    def not_proven_rows(self) -> list[tuple[str, str]]:
        """(code, meaning) for a table."""
        return [(code, TRAINING_NOT_PROVEN[code]) for code in self.not_proven]

    def data_rows(self) -> list[tuple[str, str]]:
        """(authority and serial, what it said and what is revoked) for a table; safe for a terminal."""
        states = {r.authority: r.text() for r in self.revocations}
        p = self.statement.predicate
        used = [("records used", d) for d in p.datasets] + [("test records", d) for d in p.testsets or ()]
        return [
            (
                f"{d.authority}\n{d.serial}",
                "\n".join(
                    [
                        f"{d.records} {what}, licence {printable(d.licence)}",
                        f"consent {', '.join(d.consent) or 'not stated'}",
                        f"valid {d.issued} to {d.expires}",
                        states[d.authority],
                    ]
                ),
            )
            for what, d in used
        ]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        p = self.statement.predicate
        return {
            "verified": True,
            "model": self.statement.subject[0].digest.sha256,
            "name": p.name,
            "trainer": p.trainer,
            "suite": p.suite,
            "bits": int(p.bits),
            "policy": p.policy.digest.sha256,
            "policySource": self.policy_source,
            "signedBy": self.keyid,
            "objective": p.objective.model_dump(mode="json"),
            "claims": [c.model_dump(mode="json", exclude_none=True) for c in self.claims],
            "notProven": list(self.not_proven),
            "datasets": [d.model_dump(mode="json", exclude_none=True) for d in p.datasets],
            "testsets": [d.model_dump(mode="json", exclude_none=True) for d in p.testsets or ()],
            "revocations": [
                {
                    "authority": r.authority,
                    "list": r.newest and r.newest[0],
                    "issued": r.newest and utc_text(r.newest[1]),
                }
                for r in self.revocations
            ],
            "validAt": utc_text(self.at),
            "seconds": round(self.seconds, 3),
        }


def _coverage(claim: TrainingClaim) -> str:
    freedom = (
        f" · logits of records no longer than these: within {claim.logit_freedom} of the optimum's"
        if claim.logit_freedom is not None
        else ""
    )
    correct = f" · at least {claim.correct} correct" if claim.correct is not None else ""
    return f"records {claim.records}{freedom}{correct}"
