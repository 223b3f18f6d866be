"""What `verify_bundle` hands back: only a verifier that ran makes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fedproof.encoding.text import printable
from fedproof.policy.policy import Policy
from fedproof.provenance.claims import CLAIMS, NOT_PROVEN, Claim
from fedproof.provenance.statement import Statement
from fedproof.round.messages import Dropped
from fedproof.round.verify import RoundReport


@dataclass(frozen=True)
class Left:
    """An update that is not in the model. kind: "refused" (what its client signed is on record and fails for the
    verifier too), "named" (evidence convicts its client of a false mask, share or fingerprint), "dropped" (the
    aggregator says that no valid answer came in time: not `rechecked`) or "void" (its proof holds; nothing was
    summed). evidence: of who is named the evidence's SHA-256, its blob's name; else empty.
    """

    client: str
    round: int
    kind: str
    subject: str
    stage: str
    reason: str
    rechecked: bool
    evidence: str = ""


def left_out(report: RoundReport, least: int) -> tuple[Left, ...]:
    """Who is not in a round's sum. In a void round that is everybody whose upload would have been accepted,
    too. least: updates that a sum has (`Policy.least_accepted`).
    """
    listed = tuple(
        Left(d.client, report.round, d.kind, d.subject, d.stage, d.reason, d.kind != "dropped", _evidence(d))
        for d in report.dropped
    )
    if not report.void:
        return listed
    why = "too few were accepted: nothing was summed"
    if len(report.accepted) >= least:
        why = "masked, and its sum did not open: the aggregator's word"
    return listed + tuple(
        Left(c, report.round, "void", "round", "policy", why, len(report.accepted) < least)
        for c, _ in report.accepted
    )


def _evidence(dropped: Dropped) -> str:
    """The reason ends with it (`rules.named`): everybody who checks a round has checked that."""
    return dropped.reason.rsplit(" ", 1)[-1] if dropped.kind == "named" else ""


@dataclass(frozen=True)
class Report:
    """The outcome of a verification that refused nothing.

    statement: the certificate's, equal to what was recomputed. left_out: by round. keyid: of the envelope
    key, pinned in the trust file. policy: what was demanded. policy_source: "policy file" or "trust file" (the
    digest pinned there). seconds: what it took.
    """

    statement: Statement
    policy: Policy
    left_out: tuple[Left, ...]
    keyid: str
    policy_source: str
    seconds: float

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What was proved, with coverage."""
        return self.statement.predicate.claims

    @property
    def not_proven(self) -> tuple[str, ...]:
        """What was not, by code."""
        return self.statement.predicate.not_proven

    def claim_rows(self) -> list[tuple[str, str, str]]:
        """(claim, coverage, meaning) for a table; safe for a terminal."""
        return [(claim.claim, coverage(claim), CLAIMS[claim.claim]) for claim in self.claims]

    def not_proven_rows(self) -> list[tuple[str, str]]:
        """(code, meaning) for a table."""
        return [(code, NOT_PROVEN[code]) for code in self.not_proven]

    def to_json(self) -> dict[str, Any]:
        """For machines: `verified`, `model`, `claims` and `notProven` as in the certificate, and what was
        left out.
        """
        predicate = self.statement.predicate
        return {
            "verified": True,
            "model": self.statement.subject[0].digest.sha256,
            "federation": predicate.federation,
            "suite": predicate.suite,
            "bits": int(predicate.bits),
            "policy": predicate.policy.digest.sha256,
            "policySource": self.policy_source,
            "signedBy": self.keyid,
            "rounds": int(predicate.rounds.count),
            "void": int(predicate.rounds.void),
            "claims": [claim.model_dump(mode="json", exclude_none=True) for claim in self.claims],
            "notProven": list(self.not_proven),
            "leftOut": [
                {
                    "client": left.client,
                    "round": left.round,
                    "kind": left.kind,
                    "subject": printable(left.subject),
                    "stage": printable(left.stage),
                    "reason": printable(left.reason),
                    "rechecked": left.rechecked,
                    **({"evidence": left.evidence} if left.evidence else {}),
                }
                for left in self.left_out
            ],
            "seconds": round(self.seconds, 3),
        }


def coverage(claim: Claim) -> str:
    """One line: how far a claim reaches."""
    parts = [f"rounds {claim.rounds}", f"updates {claim.updates}", f"weight {claim.weight}"]
    if claim.distinct is not None:
        parts.append(f"{claim.distinct} distinct, endorsed by {', '.join(claim.endorsers or ())}")
    return " · ".join(parts)
