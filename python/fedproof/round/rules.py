"""What must hold of a round (spec/round.md §3, §4). Clients, the aggregator and auditors all check by these functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from fedproof.encoding.digest import sha256
from fedproof.encoding.time import utc_text
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import VerifyKey
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed
from fedproof.policy.parameters import check_sums, shape
from fedproof.proofs import Commitment, Context, Opening, check_opening, honest_aggregate, update
from fedproof.round.chain import Chain
from fedproof.round.messages import (
    Announcement,
    Dropped,
    Ready,
    Result,
    Total,
    UploadHeader,
    UploadOpening,
    Verdict,
)
from fedproof.round.record import MAX_BODY, RecordedUpload, RoundBody, RoundEntry

MAX_PROOF = 1 << 20
"""Bytes; no relation of this version comes near it."""

MAX_SLACK = 4096
"""Bytes of a message beyond its long fields, at most."""

AGGREGATOR = "aggregator"
"""Who proves the honest aggregate, in the proof's context."""

Read = Callable[[bytes, str, int], bytes]
"""Reads a blob: its SHA-256, what it is, the bytes it may have at most."""


@dataclass(frozen=True)
class RoundReport:
    """What a checked round was. accepted: (client, weight). uploads: bytes of commitment and proof, and verification time in ms.
    opened, closed: by the aggregator's clock."""

    round: int
    attempt: int
    void: bool
    participants: tuple[tuple[str, int], ...]
    accepted: tuple[tuple[str, int], ...]
    dropped: tuple[Dropped, ...]
    uploads: tuple[tuple[str, int, int], ...]
    opened: int
    closed: int

    @property
    def weight_sum(self) -> int:
        """Σ w of the accepted clients."""
        return sum(weight for _, weight in self.accepted)


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
    stages = {"policy": "policy", "federation": "policy", "roster": "trust"}
    for name, wanted in vars(call).items():
        if getattr(ready, name) != wanted:
            raise refuse(stages.get(name, "statement"), f"made for another {name} than the one called for")
    if ready.weight > chain.policy.update.weights.max:
        detail = f"weight {ready.weight} is above the policy's {chain.policy.update.weights.max}"
        raise refuse("policy", detail)
    return ready


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
    if announcement.time < chain.time:
        raise refuse("chain", f"announced at {utc_text(announcement.time)}, before the round before")
    try:
        check_sums(policy, len(announcement.participants))
    except Refused as error:
        raise refuse("policy", error.detail) from None
    call = Call.of(chain, announcement.attempt, roster_digest)
    for participant in announcement.participants:
        roster.check_current(participant.client, announcement.time)
        ready = check_ready(participant.ready, participant.client, call, roster, chain)
        if ready.weight != participant.weight:
            raise refuse("statement", "not the weight that the client declared", participant.client)


def context(announcement: Announcement, session: bytes, client: str) -> Context:
    """What a participant's proof is bound to."""
    weight = announcement.weight_of(client)
    if weight is None:
        raise Refused("upload", "trust", "not a participant", party=client, round=announcement.round)
    return Context(session, client, weight)


def check_parts(
    header: UploadHeader, session: bytes, chain: Chain, points: bytes, proof: bytes
) -> Commitment:
    """The commitment, if the header is of this session and points and proof are the ones that it names. Raises `Refused`: its client
    did not sign for these bytes, in this place."""
    client = header.client
    if header.session != session:
        raise Refused("upload", "statement", "made for another session", party=client, round=chain.round)
    if len(proof) > MAX_PROOF or sha256(proof) != header.proof:
        detail = "the proof is not the one in the signed header"
        raise Refused("upload", "digest", detail, party=client, round=chain.round)
    commitment = Commitment.parse(chain.suite, shape(len(chain.W)), points, party=client, round=chain.round)
    if commitment.root() != header.commitment:
        detail = "the commitment is not the one in the signed header"
        raise Refused("upload", "digest", detail, party=client, round=chain.round)
    return commitment


def check_signed_for(header: UploadHeader, opening: UploadOpening, chain: Chain) -> None:
    """The clear values are the ones that the header names. Raises `Refused`: whatever they are, its client did not sign for them."""
    if opening.digest() != header.opening:
        detail = "the clear values are not the ones in the signed header"
        raise Refused("upload", "digest", detail, party=header.client, round=chain.round)


def check_proof(
    announcement: Announcement,
    session: bytes,
    client: str,
    chain: Chain,
    commitment: Commitment,
    proof: bytes,
) -> None:
    """The proof holds under the policy, for this client in this session. Raises `Refused`: anyone comes to the same answer."""
    ctx = context(announcement, session, client)
    update.verify(chain.policy, ctx, commitment, proof, party=client, round=chain.round)


def check_opening_of(
    announcement: Announcement, client: str, chain: Chain, commitment: Commitment, clear: UploadOpening
) -> Opening:
    """The clear values open the commitment: without that the sum would open for nobody. Where no proof bounds them, they are small
    enough for the sum all the same: else one client could stop every round at its end. Raises `Refused`."""
    if len(clear.values) != 4 * commitment.shape.d:
        detail = f"{len(clear.values)} bytes for {commitment.shape.d} coordinates"
        raise Refused("update", "opening", detail, party=client, round=chain.round)
    values = np.frombuffer(clear.values, "<i4").astype(np.int64)
    opening = Opening(values, clear.blinds)
    check_opening(commitment, opening, party=client, round=chain.round)
    try:
        check_sums(chain.policy, len(announcement.participants), int(np.abs(values).max(initial=0)))
    except Refused as error:
        raise Refused("update", "sum", error.detail, party=client, round=chain.round) from None
    return opening


def check_partition(announcement: Announcement, result: Result, chain: Chain) -> None:
    """Everybody announced is either accepted or listed with a reason, and the round is void exactly if too few were accepted."""
    names = sorted([a.client for a in result.accepted] + [d.client for d in result.dropped])
    if names != [p.client for p in announcement.participants]:
        detail = "accepted and dropped clients are not the announced participants"
        raise Refused("result", "statement", detail, round=announcement.round)
    if result.void != (len(result.accepted) < chain.policy.round.min_accepted):
        detail = f"{len(result.accepted)} accepted, at least {chain.policy.round.min_accepted} asked for: void does not say so"
        raise Refused("result", "policy", detail, round=announcement.round)


def check_total(
    announcement: Announcement,
    session: bytes,
    result: Result,
    commitments: Sequence[Commitment],
    total: Opening,
    proof: bytes,
    chain: Chain,
) -> None:
    """R2: the total opens Σ w_k·C_k of the accepted commitments, in the result's order; the short proof of it holds, too."""
    weights = [context(announcement, session, a.client).weight for a in result.accepted]
    ctx = Context(session, AGGREGATOR, sum(weights))
    try:
        honest_aggregate.verify(ctx, commitments, weights, total)
        honest_aggregate.verify_proof(ctx, commitments, weights, proof)
    except Refused as error:
        raise Refused(error.subject, error.stage, error.detail, round=chain.round) from None


def read_total(data: bytes, chain: Chain) -> Opening:
    """Raises `Refused` (stage "shape", "decoding")."""
    try:
        total = Total.from_bytes(data, limit=len(data))  # `read` was capped already
    except Malformed as error:
        raise Refused("total", "decoding", str(error), round=chain.round) from None
    if len(total.values) != 8 * len(chain.W):
        raise Refused(
            "total", "shape", f"{len(total.values)} bytes for {len(chain.W)} coordinates", round=chain.round
        )
    return Opening(np.frombuffer(total.values, "<i8").astype(np.int64), total.blinds)


def verify_round(
    chain: Chain, roster: Roster, roster_digest: bytes, aggregator: VerifyKey, entry: bytes, read: Read
) -> tuple[Chain, RoundReport]:
    """Checks a recorded round again, completely, and moves the chain on. entry: the log's bytes. Raises `Refused`, `Malformed`."""
    record = RoundEntry.from_bytes(entry)
    if (record.round, record.previous) != (chain.round, chain.previous):
        raise Refused("record", "chain", "the entry does not follow the one before", round=chain.round)
    body = RoundBody.from_bytes(read(record.body, "round body", MAX_BODY), limit=MAX_BODY)
    announcement = body.announcement.open(Announcement, aggregator)
    if announcement.attempt != record.attempt:
        raise Refused(
            "record", "chain", "the entry names another attempt than the announcement", round=chain.round
        )
    session = announcement.digest()
    check_announcement(announcement, chain, roster, roster_digest)
    result = body.result.open(Result, aggregator)
    if result.session != session:
        raise Refused("result", "statement", "made for another session", round=chain.round)
    check_partition(announcement, result, chain)

    uploads = {u.client: u for u in body.uploads}
    if [u.client for u in body.uploads] != sorted(uploads):
        raise Refused("record", "shape", "uploads are sorted by client, each once", round=chain.round)
    wanted = {a.client for a in result.accepted} | {d.client for d in result.dropped if d.kind == "refused"}
    if set(uploads) != wanted:
        raise Refused(
            "record", "shape", "the recorded uploads are not those of the result", round=chain.round
        )
    commitments, sizes = [], []
    for accepted in result.accepted:
        client, upload = accepted.client, uploads[accepted.client]
        header = _header(upload, roster, aggregator, session, None, chain)
        if upload.header.digest() != accepted.header:
            raise Refused("result", "digest", "names another header", party=client, round=chain.round)
        if upload.opening is not None:
            detail = "shows the clear values of an update that was accepted"
            raise Refused("record", "shape", detail, party=client, round=chain.round)
        commitment, proof = _parts(upload, header, session, chain, read)
        check_proof(announcement, session, client, chain, commitment, proof)
        commitments.append(commitment)
        sizes.append((client, len(commitment.points) + len(proof), upload.verify_ms))
    left_out: list[Dropped] = []
    for dropped in result.dropped:
        if dropped.kind == "refused":
            upload = uploads[dropped.client]
            header = _header(upload, roster, aggregator, session, dropped, chain)
            dropped = _check_refusal(announcement, session, header, chain, upload, read, dropped)
        left_out.append(dropped)

    total = None
    if result.total is not None and result.proof is not None:
        opening = read_total(read(result.total, "total", 64 * len(chain.W) + 4096), chain)
        proof = read(result.proof, "aggregate proof", MAX_PROOF)
        check_total(announcement, session, result, commitments, opening, proof, chain)
        total = opening.values
    report = RoundReport(
        announcement.round,
        announcement.attempt,
        result.void,
        tuple((p.client, p.weight) for p in announcement.participants),
        tuple((a.client, context(announcement, session, a.client).weight) for a in result.accepted),
        tuple(left_out),
        tuple(sizes),
        announcement.time,
        body.closed,
    )
    after = chain.advance(sha256(entry), announcement.time, total, report.weight_sum)
    if result.after != after.state:
        raise Refused("result", "chain", "names another model than the total leads to", round=chain.round)
    return after, report


def _header(
    upload: RecordedUpload,
    roster: Roster,
    aggregator: VerifyKey,
    session: bytes,
    dropped: Dropped | None,
    chain: Chain,
) -> UploadHeader:
    """A recorded upload's header, signed by its client, and the aggregator's verdict on it, which agrees with the result."""
    client = upload.client
    header = upload.header.open(UploadHeader, roster.key_of(client), party=client)
    verdict = upload.verdict.open(Verdict, aggregator, party=client)
    reason = (dropped.subject, dropped.stage, dropped.reason) if dropped else ("", "", "")
    told = (verdict.session, verdict.client, verdict.header, verdict.accepted)
    if header.client != client or told != (session, client, upload.header.digest(), dropped is None):
        raise Refused(
            "verdict",
            "statement",
            "is about another upload, or says something else than the result",
            party=client,
            round=chain.round,
        )
    if (verdict.subject, verdict.stage, verdict.reason) != reason:
        raise Refused(
            "verdict", "statement", "gives another reason than the result", party=client, round=chain.round
        )
    return header


def _parts(
    upload: RecordedUpload, header: UploadHeader, session: bytes, chain: Chain, read: Read
) -> tuple[Commitment, bytes]:
    """Commitment and proof of a recorded upload, if they are what its client signed for in this session."""
    points = read(upload.points, "commitment", shape(len(chain.W)).rows * 64 + 64)
    proof = read(upload.proof, "proof", MAX_PROOF)
    return check_parts(header, session, chain, points, proof), proof


def _check_refusal(
    announcement: Announcement,
    session: bytes,
    header: UploadHeader,
    chain: Chain,
    upload: RecordedUpload,
    read: Read,
    dropped: Dropped,
) -> Dropped:
    """What is on record as refused was signed for by its client, for this session, and must fail here as well. The reason returned is
    the one found here: the aggregator's words are its own."""
    client = header.client
    commitment, proof = _parts(upload, header, session, chain, read)
    clear = _clear(upload, header, chain, read)
    proved = False
    try:
        check_proof(announcement, session, client, chain, commitment, proof)
        proved = True
        if clear is not None:
            check_opening_of(announcement, client, chain, commitment, clear)
    except Refused as error:
        found, told = (error.subject, error.stage), (dropped.subject, dropped.stage)
        if found != told:
            detail = f"the evidence fails at {error.subject}, {error.stage}: not the reason given"
            raise Refused("result", "statement", detail, party=client, round=chain.round) from None
        if clear is not None and not proved:
            detail = "shows clear values although its proof fails without them"
            raise Refused("record", "shape", detail, party=client, round=chain.round) from None
        return dropped.model_copy(update={"reason": error.detail[:400]})
    detail = "left out although its proof holds" + (" and its values open" if clear is not None else "")
    raise Refused("result", "statement", detail, party=client, round=chain.round)


def _clear(upload: RecordedUpload, header: UploadHeader, chain: Chain, read: Read) -> UploadOpening | None:
    """The clear values on record, if there are any and their client signed for them."""
    if upload.opening is None:
        return None
    rows = shape(len(chain.W)).rows
    data = read(upload.opening, "opening", 4 * len(chain.W) + rows * 64 + MAX_SLACK)
    try:
        clear = UploadOpening.from_bytes(data, limit=len(data))  # `read` was capped already
    except Malformed as error:
        raise Refused("opening", "decoding", str(error), party=header.client, round=chain.round) from None
    check_signed_for(header, clear, chain)
    return clear
