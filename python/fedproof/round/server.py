"""The aggregator's side of one round: a state machine without input or output of its own. It checks every upload before it counts,
and says of each what it decided (spec/round.md §4)."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, MutableMapping

from fedproof.encoding.text import some
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed, claimed_client, sign
from fedproof.proofs import Commitment, Opening, honest_aggregate
from fedproof.round import closing
from fedproof.round.announcing import participants, reasons
from fedproof.round.blame import Blame
from fedproof.round.blame_messages import Evidence
from fedproof.round.chain import Chain
from fedproof.round.closing import Announced, Closed, Received, keep
from fedproof.round.masked import MaskedRound
from fedproof.round.messages import Announcement, UploadHeader, Verdict
from fedproof.round.rules import (
    Call,
    check_announcement,
    check_parts,
    check_proof,
    check_rounds_left,
    check_size,
)
from fedproof.round.unmasking import Unmasking
from fedproof.round.uploads import ClearUploads, Contents, MaskedUploads


class Server:
    """One round. `announce`, then `receive` for each upload, of a masked round then `unmask` and what that asks for, where its sum does
    not open `blame` and what that asks for, then `close`."""

    def __init__(
        self,
        key: SigningKey,
        chain: Chain,
        roster: Roster,
        roster_digest: bytes,
        *,
        attempt: int = 0,
        blobs: MutableMapping[bytes, bytes] | None = None,
        masked: Mapping[bytes, bytes] | None = None,
    ) -> None:
        """roster_digest: of the endorsed roster as signed. chain: where the federation stands. blobs: where what goes on record waits for
        the end of the round, by SHA-256; in memory if nothing is said. masked: where masked uploads can be read again, by SHA-256, once
        `receive` has returned; from memory if nothing is said."""
        self._key = key
        self.chain = chain
        self._roster = roster
        self._roster_digest = roster_digest
        self.attempt = attempt
        self._announced: Announced | None = None
        self._blobs = {} if blobs is None else blobs
        self._masked = masked
        self._received: dict[str, Received] = {}
        self._uploads: ClearUploads | MaskedUploads | None = None
        self._unmasking: Unmasking | None = None
        self._uploads_over = False
        self._blame: Blame | None = None
        self._opened: dict[frozenset[str], Opening] = {}
        self.unopened: Refused | None = None
        self.refused_readies: list[Refused | Malformed] = []

    def announce(self, readies: Iterable[Signed], *, now: int) -> Signed:
        """Opens the round with every member whose `Ready` is in order; others are left out, those whose membership expired, and those who
        come when the round is full (`refused_readies` says why). The same message twice counts once; of two different ones of a client
        the first stands. now: Unix seconds; a clock that was set back announces the time of the round before again. Raises `Refused` if
        nobody is left (with the first few reasons, by client), and where all rounds that the policy asks for are on record."""
        check_rounds_left(self.chain, "announcement")
        now = max(now, self.chain.time)
        call = Call.of(self.chain, self.attempt, self._roster_digest)
        ready, self.refused_readies = participants(readies, self.chain, self._roster, call, now)
        if not ready:
            detail = f"nobody is ready: {reasons(self.refused_readies)}"
            raise Refused("announcement", "statement", detail, round=self.chain.round)
        self._check_size([participant.client for participant in ready])
        announcement = Announcement(
            version=1,
            suite=self.chain.suite,
            federation=self.chain.policy.federation,
            round=self.chain.round,
            attempt=self.attempt,
            time=now,
            policy=self.chain.policy.digest(),
            roster=self._roster_digest,
            layout=self.chain.layout.digest(),
            participants=tuple(ready),
            base=self.chain.state,
            previous=self.chain.previous,
            nonce=secrets.token_bytes(32),
        )
        return self._take_up(announcement, sign(announcement, self._key))

    def _check_size(self, ready: Collection[str]) -> None:
        """Raises `Refused`, with those that it takes to mend that."""
        try:
            check_size(self.chain, len(ready))
        except Refused as error:
            refused = {e.party for e in self.refused_readies if isinstance(e, Refused)}
            absent = {m.client for m in self._roster.members} - {*ready} - refused
            told = [f"not ready: {some(absent, 'client')}"] if absent else []
            told += [f"refused: {reasons(self.refused_readies)}"] if self.refused_readies else []
            detail = "; ".join([error.detail, *told])
            raise Refused(error.subject, error.stage, detail, round=self.chain.round) from None

    def resume(self, signed: Signed) -> Signed:
        """Takes up a round that this aggregator announced before, from the announcement it signed."""
        announcement = signed.open(Announcement, self._key.verify_key)
        check_announcement(announcement, self.chain, self._roster, self._roster_digest)
        return self._take_up(announcement, signed)

    def _take_up(self, announcement: Announcement, signed: Signed) -> Signed:
        session = announcement.digest()
        self._announced = Announced(announcement, signed, self.chain, session)
        self.attempt = announcement.attempt
        if self.chain.policy.masking.enabled:
            round = MaskedRound(announcement, session, self.chain, self._roster)
            self._uploads = MaskedUploads(round, self._masked)
        else:
            self._uploads = ClearUploads(announcement, session, self.chain)
        return signed

    def receive(self, data: bytes) -> Signed:
        """Checks an upload and returns the signed verdict. The same upload again gets the same verdict. Raises `Refused` where no
        participant answers for the bytes: too large, unreadable, not signed by a participant, a second, different upload, or a
        first one after the set of a masked round was fixed."""
        uploads = self._uploads_of_round()
        if len(data) > uploads.limit():
            detail = f"{len(data)} bytes are more than an upload can have"
            raise Refused("upload", "shape", detail, round=self.chain.round)
        try:
            contents = uploads.read(data)
        except Malformed as error:
            raise Refused("upload", "decoding", str(error), round=self.chain.round) from None
        upload = contents.upload
        client = claimed_client(upload.header)
        if client is None:  # nor is what it says instead repeated: nobody signed it
            raise Refused("upload", "decoding", "names no client", round=self.chain.round)
        if self.announcement.weight_of(client) is None:
            raise Refused("upload", "trust", "not a participant", party=client, round=self.chain.round)
        header = upload.header.open(UploadHeader, self._roster.key_of(client), party=client)
        earlier = self._received.get(client)
        if earlier is not None:
            if earlier.header == upload.header:
                return earlier.verdict
            raise Refused(
                "upload",
                "statement",
                "a second upload; the first stands",
                party=client,
                round=self.chain.round,
            )
        if self._uploads_over:
            detail = "the accepted set is fixed"
            raise Refused("upload", "deadline", detail, party=client, round=self.chain.round)
        # What fails here its client did not sign for in this round: the record is public, and anybody can change an
        # upload on its way. It stands against nobody, and a good one is still welcome.
        commitment = check_parts(header, self.session, self.chain, upload.points, upload.proof)
        contents.check_signed_for(header)
        received = self._check(client, contents, commitment)
        self._received[client] = received
        return received.verdict

    def _check(self, client: str, contents: Contents, commitment: Commitment) -> Received:
        """What the client signed for holds, and is in the sum from here on; or not: then the record shows it to everybody."""
        refusal: Refused | None = None
        proved, upload = False, contents.upload
        try:
            check_proof(self.announcement, self.session, client, self.chain, commitment, upload.proof)
            proved = True
            contents.count(client, commitment)
        except Refused as error:
            # As raised, it leads to the frames that raised it, and so to the clear values.
            refusal = Refused(error.subject, error.stage, error.detail, party=client, round=self.chain.round)
        verdict = Verdict(
            session=self.session,
            client=client,
            header=upload.header.digest(),
            accepted=refusal is None,
            subject=refusal.subject[:64] if refusal else "",
            stage=refusal.stage[:64] if refusal else "",
            reason=refusal.detail[:400] if refusal else "",
        )
        return Received(
            upload.header,
            sign(verdict, self._key),
            refusal,
            keep(self._blobs, upload.points),
            keep(self._blobs, upload.proof),
            keep(self._blobs, contents.shown()) if refusal is not None and proved else None,
        )

    def _uploads_of_round(self) -> ClearUploads | MaskedUploads:
        if self._uploads is None:
            raise Refused("round", "statement", "not announced", round=self.chain.round)
        return self._uploads

    def _masked_uploads(self) -> MaskedUploads:
        uploads = self._uploads_of_round()
        if not isinstance(uploads, MaskedUploads):
            raise Refused("round", "policy", "this round is not masked", round=self.chain.round)
        return uploads

    @property
    def enough(self) -> bool:
        """Whether as many uploads are accepted by now as a round needs."""
        return len(self._accepted()) >= self.chain.policy.least_accepted

    @property
    def fixed(self) -> bool:
        """Whether the accepted set of a masked round is fixed."""
        return self._unmasking is not None

    def unmask(self) -> Unmasking:
        """Fixes the accepted set of a masked round: no upload counts any more, and what opens their sum is asked for. The same again when
        called again. Raises `Refused` where too few were accepted: then the round is void, and nothing is opened."""
        uploads = self._masked_uploads()
        self._uploads_over = True
        if self._unmasking is None:
            accepted = self._accepted()
            least = self.chain.policy.least_accepted
            if len(accepted) < least:
                detail = f"{len(accepted)} accepted, at least {least} asked for"
                raise Refused("round", "policy", detail, round=self.chain.round)
            headers = {client: received.header for client, received in accepted.items()}
            self._unmasking = Unmasking(uploads, headers, self._key)
        return self._unmasking

    def opens(self) -> bool:
        """Whether the sum of a masked round can be opened by now. Raises `Refused` where too few were accepted."""
        self.unmask()
        return self._total(self._accepted()) is not None

    def blame(self) -> Blame | None:
        """Of a masked round whose sum does not open: who is to blame is left out. The same again when called again. None where it opens:
        then nobody has anything to answer for. Raises `Refused` where too few were accepted."""
        if self._blame is None:
            unmasking = self.unmask()
            if self.opens():
                return None
            self._blame = Blame(self._masked_uploads(), unmasking)
        return self._blame

    def _accepted(self) -> dict[str, Received]:
        named = self._named()
        return {c: r for c, r in sorted(self._received.items()) if r.refusal is None and c not in named}

    def _named(self) -> Mapping[str, Evidence]:
        return self._blame.judge() if self._blame is not None else {}

    def waiting_for(self) -> list[str]:
        """Participants without a verdict."""
        return [p.client for p in self.announcement.participants if p.client not in self._received]

    def close(self, *, now: int) -> Closed:
        """Sums what was accepted and signs the result. Participants without an upload are dropped. A masked round is void where its sum
        cannot be opened (`unopened` says why). now: Unix seconds."""
        of, evidence = self._open(), self._named()
        accepted, total = self._accepted(), None
        least = self.chain.policy.least_accepted
        if len(accepted) >= least:
            total = self._total(accepted)
        elif evidence:
            detail = f"without {', '.join(evidence)}, whom evidence names, {len(accepted)} are left of at least {least}"
            self.unopened = Refused("sum", "policy", detail, round=self.chain.round)
        return closing.close(of, self._key, self._received, accepted, evidence, total, self._blobs, now=now)

    def _total(self, accepted: dict[str, Received]) -> Opening | None:
        """Checked (R2) before anybody adopts it. None where masks hide it, and `unopened` says why."""
        uploads = self._uploads_of_round()
        if isinstance(uploads, ClearUploads):
            total = uploads.sum.total()
            honest_aggregate.verify(*closing.terms(self._open(), accepted, self._blobs), total)
            return total
        self.unopened = None
        known = self._opened.get(frozenset(accepted))
        if known is not None:
            return known
        try:
            total = self._blame.total() if self._blame is not None else self.unmask().total()
        except Refused as error:
            self.unopened = error
            return None
        try:
            honest_aggregate.verify(*closing.terms(self._open(), accepted, self._blobs), total)
        except Refused:
            detail = "what opened is not what was proved: somebody uploaded something else, and did not answer for it"
            self.unopened = Refused("sum", "argument", detail, round=self.chain.round)
            return None
        self._opened[frozenset(accepted)] = total  # whatever else is answered, there is one such sum
        return total

    @property
    def announcement(self) -> Announcement:
        """Of this round. Raises `Refused` before there is one."""
        return self._open().announcement

    @property
    def signed(self) -> Signed:
        """The announcement, as it was sent."""
        return self._open().signed

    @property
    def session(self) -> bytes:
        """Its digest."""
        return self._open().session

    def _open(self) -> Announced:
        if self._announced is None:
            raise Refused("round", "statement", "not announced", round=self.chain.round)
        return self._announced
