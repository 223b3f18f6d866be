"""A recorded round, checked again (spec/round.md §5). Clients run this before they move on, auditors for every round of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.digest import sha256
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import VerifyKey
from fedproof.identity.roster import Roster
from fedproof.policy.parameters import shape
from fedproof.proofs import Commitment, Context, Opening, honest_aggregate, update
from fedproof.round.blame_messages import MAX_EVIDENCE, read_evidence
from fedproof.round.chain import Chain
from fedproof.round.evidence import Court
from fedproof.round.fingerprints import FixedSet
from fedproof.round.masked import MaskedRound
from fedproof.round.masked_messages import MAX_SHARING, AcceptedSet, FromClient, Sharing
from fedproof.round.messages import (
    Announcement,
    Dropped,
    Result,
    Total,
    UploadHeader,
    UploadOpening,
    Verdict,
)
from fedproof.round.record import MAX_BODY, RecordedUpload, RoundBody, RoundEntry
from fedproof.round.rules import (
    AGGREGATOR,
    MAX_PROOF,
    MAX_SLACK,
    check_announcement,
    check_clear_values,
    check_partition,
    check_parts,
    check_proof,
    check_signed_for,
    context,
    named,
)

Read = Callable[[bytes, str, int], bytes]
"""Reads a blob: its SHA-256, what it is, the bytes it may have at most."""


def checked(read: Read) -> Read:
    """The same from a source that nobody trusts. Raises `Refused` (stage "digest") for other bytes than were asked for."""

    def reads(digest: bytes, what: str, limit: int) -> bytes:
        data = read(digest, what, limit)
        if len(data) > limit or sha256(data) != digest:
            raise Refused(what, "digest", f"{len(data)} bytes came that are not {digest.hex()}")
        return data

    return reads


@dataclass(frozen=True)
class RoundReport:
    """What a checked round was. session: digest of its announcement. accepted: (client, weight). headers: digest of the signed header of
    each upload on record, accepted or refused. opened, closed: by the aggregator's clock."""

    round: int
    attempt: int
    session: bytes
    void: bool
    participants: tuple[tuple[str, int], ...]
    accepted: tuple[tuple[str, int], ...]
    dropped: tuple[Dropped, ...]
    headers: tuple[tuple[str, bytes], ...]
    opened: int
    closed: int

    @property
    def weight_sum(self) -> int:
        """Σ w of the accepted clients."""
        return sum(weight for _, weight in self.accepted)


@dataclass(frozen=True)
class Ended:
    """A round of which the aggregator signed announcement and result: for an honest one it is over, and on record. Nothing else is
    checked yet. chain: where its verifier stands. entry: digest of the log's entry."""

    chain: Chain
    roster: Roster
    aggregator: VerifyKey
    read: Read
    entry: bytes
    body: RoundBody
    announcement: Announcement
    session: bytes
    result: Result

    @classmethod
    def open(
        cls,
        chain: Chain,
        roster: Roster,
        roster_digest: bytes,
        aggregator: VerifyKey,
        entry: bytes,
        read: Read,
    ) -> Ended:
        """entry: the log's bytes. Raises `Refused`, `Malformed`, also unless this is the chain's next round."""
        record, read = RoundEntry.from_bytes(entry), checked(read)
        if (record.round, record.previous) != (chain.round, chain.previous):
            detail = "the entry does not follow the one before"
            raise Refused("record", "chain", detail, round=chain.round)
        body = RoundBody.from_bytes(read(record.body, "round body", MAX_BODY), limit=MAX_BODY)
        announcement = body.announcement.open(Announcement, aggregator)
        if announcement.attempt != record.attempt:
            detail = "the entry names another attempt than the announcement"
            raise Refused("record", "chain", detail, round=chain.round)
        check_announcement(announcement, chain, roster, roster_digest)
        session, result = announcement.digest(), body.result.open(Result, aggregator)
        if result.session != session:
            raise Refused("result", "statement", "made for another session", round=chain.round)
        return cls(chain, roster, aggregator, read, sha256(entry), body, announcement, session, result)

    @cached_property
    def _round(self) -> MaskedRound:
        """Where it is masked."""
        return MaskedRound(self.announcement, self.session, self.chain, self.roster)

    def accepted_set(self) -> AcceptedSet:
        """The set that a masked round's clients must have opened: whoever counts, and whoever is named."""
        refused = {d.client for d in self.result.dropped if d.kind == "refused"}
        headers = [
            FromClient(client=u.client, signed=u.header) for u in self.body.uploads if u.client not in refused
        ]
        return AcceptedSet(session=self.session, headers=tuple(headers))

    def check(self) -> tuple[Chain, RoundReport]:
        """Everything else, and the chain that follows. Raises `Refused`, `Malformed`."""
        chain, result = self.chain, self.result
        check_partition(self.announcement, result, chain)
        uploads = {u.client: u for u in self.body.uploads}
        if [u.client for u in self.body.uploads] != sorted(uploads):
            raise Refused("record", "shape", "uploads are sorted by client, each once", round=chain.round)
        refused = {d.client for d in result.dropped if d.kind == "refused"}
        blamed = [d for d in result.dropped if d.kind == "named"]
        if set(uploads) != {a.client for a in result.accepted} | refused | {d.client for d in blamed}:
            detail = "the recorded uploads are not those of the result"
            raise Refused("record", "shape", detail, round=chain.round)

        commitments = self._check_accepted(uploads)
        dropped = tuple(self._check_refused(d, uploads) if d.client in refused else d for d in result.dropped)
        if blamed:
            self._check_named(blamed, uploads)
        total = self._check_total(commitments)
        report = RoundReport(
            round=self.announcement.round,
            attempt=self.announcement.attempt,
            session=self.session,
            void=result.void,
            participants=tuple((p.client, p.weight) for p in self.announcement.participants),
            accepted=tuple((a.client, self._context(a.client).weight) for a in result.accepted),
            dropped=dropped,
            headers=tuple((u.client, u.header.digest()) for u in self.body.uploads),
            opened=self.announcement.time,
            closed=result.closed,
        )
        after = chain.advance(
            self.entry, self.announcement.time, total, report.weight_sum, [d.client for d in blamed]
        )
        if result.after != after.state:
            detail = "names another model than the total leads to"
            raise Refused("result", "chain", detail, round=chain.round)
        return after, report

    def _check_accepted(self, uploads: dict[str, RecordedUpload]) -> list[Commitment]:
        """The commitments, in the result's order. Proofs are checked together."""
        claims: list[tuple[Context, Commitment, bytes]] = []
        for accepted in self.result.accepted:
            client, upload = accepted.client, uploads[accepted.client]
            header = self._header(upload, None)
            if upload.header.digest() != accepted.header:
                raise self._refuse("result", "digest", "names another header", client)
            if upload.opening is not None:
                raise self._refuse("record", "shape", "shows the clear values of an accepted update", client)
            claims.append((self._context(client), *self._parts(upload, header)))
        update.verify_all(self.chain.policy, claims, round=self.chain.round)
        return [commitment for _, commitment, _ in claims]

    def _check_refused(self, dropped: Dropped, uploads: dict[str, RecordedUpload]) -> Dropped:
        """What is on record as refused was signed for by its client, for this announcement, and must fail here as well. The reason
        returned is the one found here: the aggregator's words are its own."""
        client, upload = dropped.client, uploads[dropped.client]
        header = self._header(upload, dropped)
        commitment, proof = self._parts(upload, header)
        check = self._evidence(upload, header)
        proved = False
        try:
            check_proof(self.announcement, self.session, client, self.chain, commitment, proof)
            proved = True
            if check is not None:
                check(commitment)
        except Refused as error:
            found, told = (error.subject, error.stage), (dropped.subject, dropped.stage)
            if found != told:
                detail = f"the evidence fails at {error.subject}, {error.stage}: not the reason given"
                raise self._refuse("result", "statement", detail, client) from None
            if check is not None and not proved:
                detail = "shows more than its proof, which fails without it"
                raise self._refuse("record", "shape", detail, client) from None
            return dropped.model_copy(update={"reason": error.detail[:400]})
        detail = "left out although its proof holds" + (
            ", and all that it shows" if check is not None else ""
        )
        raise self._refuse("result", "statement", detail, client)

    def _check_named(self, dropped: Sequence[Dropped], uploads: dict[str, RecordedUpload]) -> None:
        """The evidence against each of them convicts it, by what it signed for."""
        accepted = self.accepted_set()
        members = {m.client: self._header(uploads[m.client], None) for m in accepted.headers}
        court = Court(FixedSet(self._round, frozenset(members), accepted.digest()), members)
        for told in dropped:
            client, upload = told.client, uploads[told.client]
            self._parts(upload, members[client])
            if upload.opening is None:
                raise self._refuse("record", "shape", "names a client without evidence", client)
            data = self.read(upload.opening, "evidence", MAX_EVIDENCE)
            try:
                evidence = read_evidence(data)
            except Malformed as error:
                raise self._refuse("evidence", "decoding", str(error), client) from None
            if court.named_by(evidence) != client or told != named(client, evidence.KIND, upload.opening):
                detail = "names somebody else, or otherwise than the result"
                raise self._refuse("evidence", "statement", detail, client)

    def _check_total(self, commitments: Sequence[Commitment]) -> NDArray[np.int64] | None:
        """R2: the total opens Σ w_k·C_k of the accepted commitments, in the result's order; the short proof of it holds, too. None in a
        void round."""
        result, chain = self.result, self.chain
        if result.total is None or result.proof is None:
            return None
        total = read_total(self.read(result.total, "total", 64 * len(chain.W) + MAX_SLACK), chain)
        proof = self.read(result.proof, "aggregate proof", MAX_PROOF)
        weights = [self._context(a.client).weight for a in result.accepted]
        ctx = Context(self.session, AGGREGATOR, sum(weights))
        try:
            honest_aggregate.verify(ctx, commitments, weights, total, proof)
        except Refused as error:
            raise Refused(error.subject, error.stage, error.detail, round=chain.round) from None
        return total.values

    def _header(self, upload: RecordedUpload, dropped: Dropped | None) -> UploadHeader:
        """A recorded upload's header, signed by its client, and the aggregator's verdict on it, which agrees with the result."""
        client = upload.client
        header = upload.header.open(UploadHeader, self.roster.key_of(client), party=client)
        verdict = upload.verdict.open(Verdict, self.aggregator, party=client)
        reason = (dropped.subject, dropped.stage, dropped.reason) if dropped else ("", "", "")
        told = (verdict.session, verdict.client, verdict.header, verdict.accepted)
        if header.client != client or told != (self.session, client, upload.header.digest(), dropped is None):
            detail = "is about another upload, or says something else than the result"
            raise self._refuse("verdict", "statement", detail, client)
        if (verdict.subject, verdict.stage, verdict.reason) != reason:
            raise self._refuse("verdict", "statement", "gives another reason than the result", client)
        return header

    def _parts(self, upload: RecordedUpload, header: UploadHeader) -> tuple[Commitment, bytes]:
        """Commitment and proof of a recorded upload, if they are what its client signed for in this round."""
        limit = shape(len(self.chain.W)).rows * 64 + 64
        points, proof = (
            self.read(upload.points, "commitment", limit),
            self.read(upload.proof, "proof", MAX_PROOF),
        )
        return check_parts(header, self.session, self.chain, points, proof), proof

    def _evidence(
        self, upload: RecordedUpload, header: UploadHeader
    ) -> Callable[[Commitment], object] | None:
        """What must fail of what an upload shows beside its proof: clear values that do not open the commitment, or a sharing that is none.
        None if it shows nothing. Its client signed for it."""
        if upload.opening is None:
            return None
        client, d, rows = header.client, len(self.chain.W), shape(len(self.chain.W)).rows
        data = self.read(upload.opening, "opening", 4 * d + rows * 64 + MAX_SLACK + MAX_SHARING)
        try:
            if header.sharing is None:
                clear = UploadOpening.from_bytes(data, limit=len(data))  # `read` was capped already
            else:
                sharing = Sharing.from_bytes(data, limit=len(data))
        except Malformed as error:
            raise self._refuse("opening", "decoding", str(error), client) from None
        if header.sharing is None:
            check_signed_for(header, clear, self.chain)
            return lambda commitment: check_clear_values(
                self.announcement, client, self.chain, commitment, clear
            )
        if sharing.digest() != header.sharing:
            raise self._refuse("sharing", "digest", "not the one in the signed header", client)
        return lambda _: self._round.check_sharing(client, sharing)

    def _context(self, client: str) -> Context:
        return context(self.announcement, self.session, client)

    def _refuse(self, subject: str, stage: str, detail: str, client: str) -> Refused:
        return Refused(subject, stage, detail, party=client, round=self.chain.round)


def read_total(data: bytes, chain: Chain) -> Opening:
    """Raises `Refused` (stage "shape", "decoding")."""
    try:
        total = Total.from_bytes(data, limit=len(data))  # `read` was capped already
    except Malformed as error:
        raise Refused("total", "decoding", str(error), round=chain.round) from None
    if len(total.values) != 8 * len(chain.W):
        detail = f"{len(total.values)} bytes for {len(chain.W)} coordinates"
        raise Refused("total", "shape", detail, round=chain.round)
    return Opening(np.frombuffer(total.values, "<i8").astype(np.int64), total.blinds)


def verify_round(
    chain: Chain, roster: Roster, roster_digest: bytes, aggregator: VerifyKey, entry: bytes, read: Read
) -> tuple[Chain, RoundReport]:
    """Checks a recorded round again, completely, and moves the chain on. entry: the log's bytes. Raises `Refused`, `Malformed`."""
    return Ended.open(chain, roster, roster_digest, aggregator, entry, read).check()
