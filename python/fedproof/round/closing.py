"""The end of a round as the aggregator puts it on record: who is in the sum, who is not and why, and the sum with its proof
(spec/round.md §5)."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import Signed, sign
from fedproof.policy.parameters import shape
from fedproof.proofs import Commitment, Context, Opening, honest_aggregate
from fedproof.round.blame_messages import Evidence
from fedproof.round.chain import Chain
from fedproof.round.messages import Accepted, Announcement, Dropped, Result, Total
from fedproof.round.record import RecordedUpload, RoundBody, RoundEntry
from fedproof.round.rules import AGGREGATOR, check_partition, context, named, silent

Blobs = MutableMapping[bytes, bytes]


@dataclass(frozen=True)
class Announced:
    """A round that an aggregator opened. announcement: in `signed`. chain: where the federation stands. session: the announcement's
    digest."""

    announcement: Announcement
    signed: Signed
    chain: Chain
    session: bytes


@dataclass(frozen=True)
class Received:
    """What became of a client's upload. points, proof, opening: names of blobs; the last of those where what they hold beside the proof is
    what failed. Of an accepted one only the sum knows it."""

    header: Signed
    verdict: Signed
    refusal: Refused | None
    points: bytes
    proof: bytes
    opening: bytes | None


@dataclass(frozen=True)
class Closed:
    """A finished round: the log's entry, the blobs that it leads to, where the `Server` keeps them, and where the federation stands after
    it."""

    entry: bytes
    blobs: Mapping[bytes, bytes]
    chain: Chain
    result: Result


def keep(blobs: Blobs, data: bytes) -> bytes:
    """Its name."""
    name = sha256(data)
    blobs[name] = data
    return name


def terms(
    of: Announced, accepted: Mapping[str, Received], blobs: Blobs
) -> tuple[Context, list[Commitment], list[int]]:
    """What the sum is of: the context of its proof, commitments, weights."""
    suite, shape_ = of.chain.suite, shape(len(of.chain.W))
    commitments = [Commitment(suite, shape_, blobs[r.points]) for r in accepted.values()]
    weights = [context(of.announcement, of.session, c).weight for c in accepted]
    return Context(of.session, AGGREGATOR, sum(weights)), commitments, weights


def close(
    of: Announced,
    key: SigningKey,
    received: Mapping[str, Received],
    accepted: Mapping[str, Received],
    evidence: Mapping[str, Evidence],
    total: Opening | None,
    blobs: Blobs,
    *,
    now: int,
) -> Closed:
    """The entry of a round. key: the aggregator's. received: by client, all of it; accepted: those of it that count, sorted. evidence: by
    the client that it names. total: their sum, checked; None makes the round void. blobs: what goes on record is put there. now: Unix
    seconds."""
    total_name, proof_name, weight_sum = None, None, 0
    if total is not None:
        ctx, commitments, weights = terms(of, accepted, blobs)
        proof = honest_aggregate.prove(ctx, commitments, weights, total)
        weight_sum = ctx.weight
        total_name = keep(
            blobs, Total(values=total.values.astype("<i8").tobytes(), blinds=total.blinds).to_bytes()
        )
        proof_name = keep(blobs, proof)
    values = total.values if total is not None else None
    after = of.chain.advance(b"", of.announcement.time, values, weight_sum, evidence)
    result = Result(
        session=of.session,
        void=total is None,
        accepted=tuple(Accepted(client=c, header=r.header.digest()) for c, r in accepted.items()),
        dropped=tuple(
            _dropped(p.client, received.get(p.client), evidence.get(p.client))
            for p in of.announcement.participants
            if p.client not in accepted
        ),
        total=total_name,
        proof=proof_name,
        after=after.state,
        closed=max(now, of.announcement.time),
    )
    check_partition(of.announcement, result, of.chain)
    uploads = tuple(
        RecordedUpload(
            client=c,
            header=r.header,
            verdict=r.verdict,
            points=r.points,
            proof=r.proof,
            opening=keep(blobs, evidence[c].to_bytes()) if c in evidence else r.opening,
        )
        for c, r in sorted(received.items())
    )
    body = RoundBody(announcement=of.signed, result=sign(result, key), uploads=uploads)
    entry = RoundEntry(
        level=0,
        round=of.announcement.round,
        attempt=of.announcement.attempt,
        previous=of.chain.previous,
        body=keep(blobs, body.to_bytes()),
    ).to_bytes()
    return Closed(entry, blobs, after.recorded(sha256(entry)), result)


def _dropped(client: str, received: Received | None, evidence: Evidence | None) -> Dropped:
    if evidence is not None:
        return named(client, evidence.KIND, sha256(evidence.to_bytes()))
    if received is None or received.refusal is None:
        return silent(client)
    r = received.refusal
    return Dropped(
        client=client,
        kind="refused",
        subject=r.subject[:64],
        stage=r.stage[:64],
        reason=r.detail[:400],
    )
