"""What a client says and opens where the sum of a masked round did not: fingerprints of its own upload, and pairs of which somebody lied or
was named by evidence that it checks itself (spec/secure-aggregation.md §8 to §11)."""

from __future__ import annotations

from fedproof.errors import Malformed
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import Signed, sign
from fedproof.proofs import consistent_masking, masking
from fedproof.round.blame_messages import (
    ConflictRequest,
    FingerprintRequest,
    Fingerprints,
    PairPoints,
    RepairRequest,
    read_evidence,
)
from fedproof.round.evidence import Court
from fedproof.round.fingerprints import FixedSet
from fedproof.round.masked_messages import Pair, RecoveryAnswer
from fedproof.round.masker import Masker


def _opened(masker: Masker, session: bytes, accepted: bytes, kind: str) -> FixedSet:
    """The set that this client opened, if the request is about it. Raises `Refused`."""
    round = masker.joined()
    if not masker.answered or (session, accepted) != (round.session, masker.accepted):
        detail = "about a set that this client did not open"
        raise round.refuse(kind, "statement", detail, masker.client)
    return FixedSet(round, masker.members, masker.accepted)


def fingerprints(
    masker: Masker, request: FingerprintRequest, key: SigningKey, *, unchecked: bool = False
) -> Signed:
    """Of this client's upload, signed. unchecked: prove without looking, as a dishonest client would. Raises `Refused`."""
    fixed = _opened(masker, request.session, request.accepted, request.KIND)
    made, own = masker.made, masker.own
    if made is None or own is None:
        raise fixed.round.refuse(request.KIND, "statement", "of no upload", masker.client)
    round, client, beacon = fixed.round, masker.client, fixed.beacon
    points = masker.shared(masker.mask, {n: round.mask_key(n) for n in round.neighbours(client)})
    known = [fixed.pair_fingerprint(client, n, points[n]) for n in fixed.inside(client)]
    residues = masking.unpack(beacon.modulus, round.shape.d, made.rows)
    rows = consistent_masking.row_fingerprints(beacon, residues)
    told = Fingerprints(
        session=round.session,
        client=client,
        accepted=masker.accepted,
        rows=masking.pack(beacon.modulus, rows),
        pairs=tuple(
            PairPoints(client=n, points=pair.points)
            for n, pair in zip(fixed.inside(client), known, strict=True)
        ),
        proof=b"",
    )
    outside = {n: points[n] for n in fixed.outside(client)}
    statement = fixed.statement(told, made.commitment, made.blinds, own.secret, outside)
    proof = consistent_masking.prove(statement, made.values, known, unchecked=unchecked)
    return sign(told.model_copy(update={"proof": proof}), key)


def disclose(masker: Masker, request: ConflictRequest | RepairRequest) -> RecoveryAnswer:
    """Raises `Refused`."""
    fixed = _opened(masker, request.session, request.accepted, request.KIND)
    round = fixed.round
    if isinstance(request, ConflictRequest):
        pairs = [_in_conflict(fixed, request)]
    else:
        named = _named(fixed, masker, request)
        if not set(request.members) <= set(fixed.inside(named)):
            detail = "not pairs inside the set with the one that is named"
            raise round.refuse(request.KIND, "statement", detail, masker.client)
        left_out = masker.left_out | {named}
        least = round.chain.policy.least_accepted
        if len(masker.members - left_out) < least:
            detail = f"without {len(left_out)} that are named fewer than {least} updates are left"
            raise round.refuse(request.KIND, "policy", detail, masker.client)
        masker.left_out = left_out
        pairs = [Pair(member=n, other=named) for n in request.members]
    parts = [part for pair in pairs if (part := masker.part_of(pair)) is not None]
    return RecoveryAnswer(session=round.session, client=masker.client, parts=tuple(parts))


def _in_conflict(fixed: FixedSet, request: ConflictRequest) -> Pair:
    """The pair of which both ends signed different points. Raises `Refused`."""
    first, second = (
        fixed.open_fingerprints(signed, fixed.member_of(signed, request.KIND))
        for signed in (request.first, request.second)
    )
    if not first.client < second.client:
        raise fixed.round.refuse(request.KIND, "statement", "not two members, sorted by name")
    if first.points_of(second.client) == second.points_of(first.client):
        raise fixed.round.refuse(request.KIND, "statement", "they signed the same points")
    return Pair(member=first.client, other=second.client)


def _named(fixed: FixedSet, masker: Masker, request: RepairRequest) -> str:
    try:
        evidence = read_evidence(request.evidence)
    except Malformed as error:
        raise fixed.round.refuse(request.KIND, "decoding", str(error), masker.client) from None
    return Court(fixed, masker.headers).named_by(evidence)
