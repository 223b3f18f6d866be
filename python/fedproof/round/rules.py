"""What must hold of a round (spec/round.md §3, §4). Clients, the aggregator and auditors all check by these functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from fedproof.encoding.digest import sha256
from fedproof.encoding.text import counted
from fedproof.encoding.time import utc_text
from fedproof.errors import Refused
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed
from fedproof.policy.parameters import check_sums, shape
from fedproof.proofs import Commitment, Context, Opening, check_opening, update
from fedproof.proofs.commitment import blinds_size
from fedproof.round.chain import Chain
from fedproof.round.masked import check_keys, parameters
from fedproof.round.messages import (
    Announcement,
    Dropped,
    Ready,
    Result,
    UploadHeader,
    UploadOpening,
)

MAX_PROOF = 1 << 20
"""Bytes; no relation of this version comes near it."""

MAX_SLACK = 4096
"""Bytes of a message beyond its long fields, at most."""

AGGREGATOR = "aggregator"
"""Who proves the honest aggregate, in the proof's context."""


@dataclass(frozen=True)
class Call:
    """What every client's `Ready` for a round answers. policy, roster: digests. previous: of the last entry."""

    federation: str
    policy: bytes
    roster: bytes
    round: int
    attempt: int
    previous: bytes

    @classmethod
    def of(cls, chain: Chain, attempt: int, roster: bytes) -> Self:
        """The call for the next round of this chain."""
        policy = chain.policy
        return cls(policy.federation, policy.digest(), roster, chain.round, attempt, chain.previous)


def check_ready(signed: Signed, client: str, call: Call, roster: Roster, chain: Chain) -> Ready:
    """The client answers this call, with a weight that the policy allows. Raises `Refused` with what it answers instead."""
    ready = signed.open(Ready, roster.key_of(client), party=client)

    def refuse(stage: str, detail: str) -> Refused:
        return Refused("ready", stage, detail, party=client, round=chain.round)

    if ready.client != client:
        raise refuse("statement", "signed for another client")
    check_suspended(chain, client)
    stages = {"policy": "policy", "federation": "policy", "roster": "trust"}
    for name, wanted in vars(call).items():
        if getattr(ready, name) != wanted:
            what = "previous record" if name == "previous" else name
            detail = f"made for another {what} than the one called for"
            numbers = f": {getattr(ready, name)} instead of {wanted}" if isinstance(wanted, int) else ""
            raise refuse(stages.get(name, "statement"), detail + numbers)
    if ready.weight > chain.policy.update.weights.max:
        detail = f"weight {ready.weight} is above the policy's {chain.policy.update.weights.max} (update.weights.max)"
        raise refuse("policy", detail)
    check_keys(ready, chain.policy, chain.suite)
    return ready


def check_suspended(chain: Chain, client: str) -> None:
    """Raises `Refused` (object "ready", stage "policy") where evidence of a round before keeps this client out of the next one."""
    until = dict(chain.suspended).get(client)
    if until is not None:
        detail = f"evidence named this client: it has no part before round {until} (masking.suspend_rounds)"
        raise Refused("ready", "policy", detail, party=client, round=chain.round)


def check_rounds_left(chain: Chain, subject: str, party: str | None = None) -> None:
    """The policy asks for another round. Raises `Refused` (stage "policy") where as many as it asks for are on record: one more, and
    no verifier takes the record."""
    asked = chain.policy.round.rounds
    if asked and chain.round >= asked:
        detail = f"the policy asks for {counted(asked, 'round')}, all are on record"
        raise Refused(subject, "policy", detail, party=party, round=chain.round)


def check_size(chain: Chain, participants: int) -> None:
    """The policy takes a round of so many. Raises `Refused` (object "announcement", stage "policy")."""
    try:
        check_sums(chain.policy, participants)
    except Refused as error:
        raise Refused("announcement", "policy", error.detail, round=chain.round) from None
    if chain.policy.masking.enabled:
        parameters(chain.policy, participants)


def check_announcement(
    announcement: Announcement, chain: Chain, roster: Roster, roster_digest: bytes
) -> None:
    """The announcement continues this chain under this policy and roster; every participant is a member at its time, and signed what
    it says of it. Raises `Refused`."""
    policy = chain.policy

    def refuse(stage: str, detail: str, party: str | None = None) -> Refused:
        return Refused("announcement", stage, detail, party=party, round=announcement.round)

    expected: tuple[tuple[str, object, object, str], ...] = (
        ("round", announcement.round, chain.round, "chain"),
        ("federation", announcement.federation, policy.federation, "policy"),
        ("policy", announcement.policy, policy.digest(), "policy"),
        ("suite", announcement.suite, chain.suite, "policy"),
        ("roster", announcement.roster, roster_digest, "trust"),
        ("layout", announcement.layout, chain.layout.digest(), "chain"),
        ("previous record", announcement.previous, chain.previous, "chain"),
        ("base model", announcement.base, chain.state, "chain"),
    )
    for name, actual, wanted, stage in expected:
        if actual != wanted:
            raise refuse(stage, f"another {name} than the one held here")
    check_rounds_left(chain, "announcement")
    if announcement.time < chain.time:
        raise refuse("chain", f"announced at {utc_text(announcement.time)}, before the round before")
    check_size(chain, len(announcement.participants))
    call = Call.of(chain, announcement.attempt, roster_digest)
    seen: set[bytes] = set()
    for participant in announcement.participants:
        roster.check_current(participant.client, announcement.time)
        ready = check_ready(participant.ready, participant.client, call, roster, chain)
        if ready.weight != participant.weight:
            raise refuse("statement", "not the weight that the client declared", participant.client)
        for key in ready.keys:
            if key.key in seen:
                raise refuse("statement", "a key for masks that another participant has", participant.client)
            seen.add(key.key)


def context(announcement: Announcement, session: bytes, client: str) -> Context:
    """What a participant's proof is bound to."""
    weight = announcement.weight_of(client)
    if weight is None:
        raise Refused("upload", "trust", "not a participant", party=client, round=announcement.round)
    return Context(session, client, weight)


def check_parts(
    header: UploadHeader, session: bytes, chain: Chain, points: bytes, proof: bytes
) -> Commitment:
    """The commitment, if the header answers this announcement and points and proof are the ones that it names. Raises `Refused`: its client
    did not sign for these bytes, in this place."""
    client = header.client
    if header.session != session:
        raise Refused("upload", "statement", "made for another session", party=client, round=chain.round)
    if (header.opening is None) != chain.policy.masking.enabled:
        detail = (
            "masked, the policy asks for clear ones"
            if header.opening is None
            else "in clear, the policy asks for masks"
        )
        raise Refused("upload", "policy", detail, party=client, round=chain.round)
    if len(proof) > MAX_PROOF or sha256(proof) != header.proof:
        detail = "the proof is not the one in the signed header"
        raise Refused("upload", "digest", detail, party=client, round=chain.round)
    commitment = Commitment.parse(chain.suite, shape(len(chain.W)), points, party=client, round=chain.round)
    if commitment.root() != header.commitment:
        detail = "the commitment is not the one in the signed header"
        raise Refused("upload", "digest", detail, party=client, round=chain.round)
    return commitment


def check_signed_for(header: UploadHeader, opening: UploadOpening, chain: Chain) -> None:
    """The clear values are the ones that the header names, and as long as any that could open a commitment. Raises `Refused`: it
    stands against nobody, since its client did not sign for them, or since no record could hold them."""
    if opening.digest() != header.opening:
        detail = "the clear values are not the ones in the signed header"
        raise Refused("upload", "digest", detail, party=header.client, round=chain.round)
    d = len(chain.W)
    if len(opening.values) != 4 * d or len(opening.blinds) != blinds_size(chain.suite, shape(d)):
        detail = (
            f"{len(opening.values)} bytes of values and {len(opening.blinds)} of blinds for {d} coordinates"
        )
        raise Refused("upload", "shape", detail, party=header.client, round=chain.round)


def check_proof(
    announcement: Announcement,
    session: bytes,
    client: str,
    chain: Chain,
    commitment: Commitment,
    proof: bytes,
) -> None:
    """The proof holds under the policy, for this client and announcement. Raises `Refused`: anyone comes to the same answer."""
    ctx = context(announcement, session, client)
    update.verify(chain.policy, ctx, commitment, proof, party=client, round=chain.round)


def check_clear_values(
    announcement: Announcement, client: str, chain: Chain, commitment: Commitment, clear: UploadOpening
) -> Opening:
    """The clear values open the commitment: without that the sum would open for nobody. Where no proof bounds them, they are small
    enough for the sum all the same: else one client could stop every round at its end. Raises `Refused`."""
    values = np.frombuffer(clear.values, "<i4").astype(np.int64)
    opening = Opening(values, clear.blinds)
    check_opening(commitment, opening, party=client, round=chain.round)
    try:
        check_sums(chain.policy, len(announcement.participants), int(np.abs(values).max(initial=0)))
    except Refused as error:
        raise Refused("update", "sum", error.detail, party=client, round=chain.round) from None
    return opening


def silent(client: str) -> Dropped:
    """That no valid upload came in time, the only thing that an aggregator may say of a client without showing it."""
    reason = "no upload before the round was closed"
    return Dropped(client=client, kind="dropped", subject="upload", stage="deadline", reason=reason)


def named(client: str, kind: str, evidence: bytes) -> Dropped:
    """That evidence of this kind is on record against it. evidence: its SHA-256, which the aggregator so signs for: what a record holds
    follows from what is signed."""
    reason = f"what it uploaded, sealed or signed about it is false: the record holds the evidence {evidence.hex()}"
    return Dropped(client=client, kind="named", subject="evidence", stage=kind, reason=reason)


def check_partition(announcement: Announcement, result: Result, chain: Chain) -> None:
    """Everybody announced is either accepted or listed with a reason, and the round is void exactly if too few were accepted."""
    names = sorted([a.client for a in result.accepted] + [d.client for d in result.dropped])
    if names != [p.client for p in announcement.participants]:
        detail = "accepted and dropped clients are not the announced participants"
        raise Refused("result", "statement", detail, round=announcement.round)
    for dropped in result.dropped:
        if dropped.kind == "named" and not chain.policy.masking.enabled:
            detail = "names a client where nothing is masked"
            raise Refused("result", "statement", detail, party=dropped.client, round=announcement.round)
        if dropped.kind == "dropped" and dropped != silent(dropped.client):
            detail = "says more of a client than that no upload came, and shows nothing"
            raise Refused("result", "statement", detail, party=dropped.client, round=announcement.round)
    if result.closed < announcement.time:
        raise Refused("result", "statement", "closed before it was announced", round=announcement.round)
    least = chain.policy.least_accepted
    few = len(result.accepted) < least
    # A sum under masks may stay closed: that is the aggregator's word, which could as well have asked nobody.
    if result.void != few and (few or not chain.policy.masking.enabled):
        detail = f"{len(result.accepted)} accepted, at least {least} asked for: void does not say so"
        raise Refused("result", "policy", detail, round=announcement.round)
