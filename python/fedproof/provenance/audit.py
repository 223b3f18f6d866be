"""The record, checked again from public files: trust, roster, log, then every round from the base model to
the last state (spec/certificate.md §6, steps 1 to 6).

Everything is checked against the policy and the trust that the *verifier* holds; the rules of a single round
are those of `fedproof.round`, which clients and aggregators obey too. `Refused` names the object and
the stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fedproof.encoding.text import counted
from fedproof.errors import Malformed, Refused
from fedproof.identity.roster import Roster, open_roster
from fedproof.identity.signed import Signed
from fedproof.identity.trust import Trust
from fedproof.log.tiles import TileReader
from fedproof.model.tensors import MAX_FILE
from fedproof.policy.policy import Policy
from fedproof.provenance.bundle import MAX_ROSTER, Bundle
from fedproof.provenance.differences import policy_difference
from fedproof.round.chain import Chain
from fedproof.round.verify import RoundReport, verify_round

Progress = Callable[[int, int], None]
"""Called with (rounds checked, rounds on record)."""


@dataclass(frozen=True)
class Audit:
    """What the record was found to say. roster_digest: of the roster as signed. chain: policy, suite, layout and the last
    model state. rounds: one for each entry. record_root: the log's root, 32 bytes. blobs: digests of all that the record leads to."""

    chain: Chain
    roster: Roster
    roster_digest: bytes
    rounds: tuple[RoundReport, ...]
    record_root: bytes
    blobs: frozenset[bytes]


def audit(bundle: Bundle, policy: Policy, trust: Trust, *, progress: Progress | None = None) -> Audit:
    """Checks everything but the released file and the certificate. Raises `Refused` or `Malformed`."""
    check_policy(bundle, policy, trust)
    roster, roster_digest = read_roster(bundle, policy, trust)
    reader = TileReader(bundle.log, policy.federation, trust.aggregator)
    entries = list(reader.entries())
    if not entries:
        raise Refused("record", "chain", "the record is empty: there is nothing to verify")
    if policy.round.rounds and len(entries) != policy.round.rounds:
        detail = f"{counted(len(entries), 'round')} on record, the policy asks for {policy.round.rounds}"
        raise Refused("record", "policy", detail)
    base = bundle.blob(policy.base_digest, "base model", limit=MAX_FILE)
    chain = Chain.start(policy, base)
    rounds: list[RoundReport] = []
    for entry in entries:
        try:
            chain, report = verify_round(chain, roster, roster_digest, trust.aggregator, entry, bundle.read)
            check_revoked(report, roster, trust)
        except Refused as error:
            raise _in_round(error, chain.round) from None
        rounds.append(report)
        if progress is not None:
            progress(len(rounds), len(entries))
    bundle.check_all_read(reader.size)
    return Audit(chain, roster, roster_digest, tuple(rounds), reader.root(), bundle.blobs)


def check_policy(bundle: Bundle, policy: Policy, trust: Trust) -> None:
    """The verifier's policy is the one that the trust file pins, and the bundle's is the same. Raises
    `Refused`.
    """
    trust.check_policy(policy.digest())
    if (theirs := bundle.policy()) != policy.to_bytes():
        detail = f"the federation ran under another policy than yours: {policy_difference(theirs, policy)}"
        raise Refused("policy", "policy", detail)


def read_roster(bundle: Bundle, policy: Policy, trust: Trust) -> tuple[Roster, bytes]:
    """The roster and its digest. Raises `Refused` unless an endorser of the trust file signed it for this
    federation.
    """
    try:
        signed = Signed.from_bytes(bundle.roster(), limit=MAX_ROSTER)
    except Malformed as error:
        raise Refused("roster", "decoding", str(error)) from None
    return open_roster(signed, trust.endorsers, policy.federation), signed.digest()


def check_revoked(report: RoundReport, roster: Roster, trust: Trust) -> None:
    """Nobody in the sum has a key that the trust file revokes; in a void round there is no sum. Raises `Refused`
    (subject "roster", stage "trust").
    """
    for client, _ in () if report.void else report.accepted:
        if roster.key_of(client).raw in trust.revoked:
            detail = "the trust file revokes its key"
            raise Refused("roster", "trust", detail, party=client, round=report.round)


def _in_round(error: Refused, number: int) -> Refused:
    if error.round is not None:
        return error
    return Refused(error.subject, error.stage, error.detail, party=error.party, round=number)
