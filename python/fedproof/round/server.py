"""The aggregator's side of one round: a state machine without input or output of its own. It checks every upload before it counts,
and says of each what it decided (spec/round.md §4)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass

from fedproof.encoding.digest import sha256
from fedproof.encoding.text import is_name, printable
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed, peek, sign
from fedproof.policy.parameters import shape
from fedproof.proofs import Commitment, Context, Opening, honest_aggregate
from fedproof.round.blame import Blame
from fedproof.round.blame_messages import Evidence
from fedproof.round.chain import Chain
from fedproof.round.masked import MaskedRound, most_participants
from fedproof.round.messages import (
    Accepted,
    Announcement,
    Dropped,
    Participant,
    Result,
    Total,
    UploadHeader,
    Verdict,
)
from fedproof.round.record import RecordedUpload, RoundBody, RoundEntry
from fedproof.round.rules import (
    AGGREGATOR,
    Call,
    check_announcement,
    check_partition,
    check_parts,
    check_proof,
    check_ready,
    check_rounds_left,
    context,
    named,
    silent,
)
from fedproof.round.unmasking import Unmasking
from fedproof.round.uploads import ClearUploads, Contents, MaskedUploads


@dataclass(frozen=True)
class Closed:
    """A finished round: the log's entry, the blobs that it leads to, where the `Server` keeps them, and where the federation stands after
    it."""

    entry: bytes
    blobs: Mapping[bytes, bytes]
    chain: Chain
    result: Result


@dataclass(frozen=True)
class _Received:
    """What became of a client's upload. points, proof, opening: names of blobs; the last of those where what they hold beside the proof is
    what failed. Of an accepted one only the sum knows it."""

    header: Signed
    verdict: Signed
    refusal: Refused | None
    points: bytes
    proof: bytes
    opening: bytes | None


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
        self._announcement: Announcement | None = None
        self._signed: Signed | None = None
        self._blobs = {} if blobs is None else blobs
        self._masked = masked
        self._received: dict[str, _Received] = {}
        self._uploads: ClearUploads | MaskedUploads | None = None
        self._unmasking: Unmasking | None = None
        self._uploads_over = False
        self._blame: Blame | None = None
        self._opened: dict[frozenset[str], Opening] = {}
        self.unopened: Refused | None = None
        self.session = b""
        self.refused_readies: list[Refused | Malformed] = []

    def announce(self, readies: Iterable[Signed], *, now: int) -> Signed:
        """Opens the round with every member whose `Ready` is in order; others are left out, those whose membership expired, and those who
        come when the round is full (`refused_readies` says why). The same message twice counts once; of two different ones of a client
        the first stands. now: Unix seconds; a clock that was set back announces the time of the round before again. Raises `Refused` if
        nobody is left (with the first few reasons, by client), and where all rounds that the policy asks for are on record."""
        check_rounds_left(self.chain, "announcement")
        ready: dict[str, Participant] = {}
        owners: dict[bytes, str] = {}
        self.refused_readies = []
        now = max(now, self.chain.time)
        call = Call.of(self.chain, self.attempt, self._roster_digest)
        most = most_participants(self.chain.policy)
        for signed in readies:
            try:
                participant, keys = self._participant(signed, call, now)
                if any(owners.setdefault(key, participant.client) != participant.client for key in keys):
                    detail = "a key for masks that another participant has"
                    raise Refused(
                        "ready", "statement", detail, party=participant.client, round=self.chain.round
                    )
                if participant.client not in ready and len(ready) == most:
                    detail = f"came after {most} others, and no more take part in a round"
                    raise Refused("ready", "policy", detail, party=participant.client, round=self.chain.round)
                first = ready.setdefault(participant.client, participant)
                if first != participant:
                    detail = "a second, different one; the first stands"
                    raise Refused(
                        "ready", "statement", detail, party=participant.client, round=self.chain.round
                    )
            except (Refused, Malformed) as error:
                self.refused_readies.append(error)
        if not ready:
            detail = f"nobody is ready: {_reasons(self.refused_readies)}"
            raise Refused("announcement", "statement", detail, round=self.chain.round)
        participants = [ready[client] for client in sorted(ready)]
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
            participants=tuple(participants),
            base=self.chain.state,
            previous=self.chain.previous,
            nonce=secrets.token_bytes(32),
        )
        return self.resume(sign(announcement, self._key))

    def _participant(self, signed: Signed, call: Call, now: int) -> tuple[Participant, list[bytes]]:
        """Whoever is ready, and its keys for masks."""
        client = _claimed_client(signed)
        self._roster.check_current(client, now)
        ready = check_ready(signed, client, call, self._roster, self.chain)
        participant = Participant(client=client, weight=ready.weight, ready=signed)
        return participant, [key.key for key in ready.keys]

    def resume(self, signed: Signed) -> Signed:
        """Takes up a round that this aggregator announced before, from the announcement it signed."""
        announcement = signed.open(Announcement, self._key.verify_key)
        check_announcement(announcement, self.chain, self._roster, self._roster_digest)
        self._announcement, self._signed = announcement, signed
        self.session = announcement.digest()
        self.attempt = announcement.attempt
        if self.chain.policy.masking.enabled:
            round = MaskedRound(announcement, self.session, self.chain, self._roster)
            self._uploads = MaskedUploads(round, self._masked)
        else:
            self._uploads = ClearUploads(announcement, self.session, self.chain)
        return signed

    def receive(self, data: bytes) -> Signed:
        """Checks an upload and returns the signed verdict. The same upload again gets the same verdict. Raises `Refused` where no
        participant answers for the bytes: too large, unreadable, not signed by a participant, a second, different upload, or a
        first one after the set of a masked round was fixed."""
        announcement, uploads = self._open(), self._uploads_of_round()
        if len(data) > uploads.limit():
            detail = f"{len(data)} bytes are more than an upload can have"
            raise Refused("upload", "shape", detail, round=self.chain.round)
        try:
            upload = uploads.read(data)
        except Malformed as error:
            raise Refused("upload", "decoding", str(error), round=self.chain.round) from None
        client = _claimed_client(upload.header)
        if announcement.weight_of(client) is None:
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
        upload.check_signed_for(header)
        received = self._check(announcement, client, upload, commitment)
        self._received[client] = received
        return received.verdict

    def _check(
        self, announcement: Announcement, client: str, upload: Contents, commitment: Commitment
    ) -> _Received:
        """What the client signed for holds, and is in the sum from here on; or not: then the record shows it to everybody."""
        refusal: Refused | None = None
        proved = False
        try:
            check_proof(announcement, self.session, client, self.chain, commitment, upload.proof)
            proved = True
            upload.count(client, commitment)
        except (
            Refused
        ) as error:  # as raised, it leads to the frames that raised it, and so to the clear values
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
        return _Received(
            upload.header,
            sign(verdict, self._key),
            refusal,
            self._keep(upload.points),
            self._keep(upload.proof),
            self._keep(upload.shown()) if refusal is not None and proved else None,
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

    def _accepted(self) -> dict[str, _Received]:
        named = self._named()
        return {c: r for c, r in sorted(self._received.items()) if r.refusal is None and c not in named}

    def _named(self) -> Mapping[str, Evidence]:
        return self._blame.named if self._blame is not None else {}

    def waiting_for(self) -> list[str]:
        """Participants without a verdict."""
        return [p.client for p in self._open().participants if p.client not in self._received]

    def close(self, *, now: int) -> Closed:
        """Sums what was accepted and signs the result. Participants without an upload are dropped. A masked round is void where its sum
        cannot be opened (`unopened` says why). now: Unix seconds."""
        announcement = self._open()
        signed = self._signed
        if signed is None:
            raise Refused("round", "statement", "not announced", round=self.chain.round)
        accepted, evidence = self._accepted(), self._named()
        total_name, proof_name, total, weight_sum = None, None, None, 0
        least = self.chain.policy.least_accepted
        if len(accepted) >= least:
            total = self._total(accepted)
        elif evidence:
            detail = f"without {', '.join(evidence)}, whom evidence names, {len(accepted)} are left of at least {least}"
            self.unopened = Refused("sum", "policy", detail, round=self.chain.round)
        if total is not None:
            ctx, commitments, weights = self._terms(accepted)
            proof = honest_aggregate.prove(ctx, commitments, weights, total)
            weight_sum = ctx.weight
            total_name = self._keep(
                Total(values=total.values.astype("<i8").tobytes(), blinds=total.blinds).to_bytes()
            )
            proof_name = self._keep(proof)
        values = total.values if total is not None else None
        after = self.chain.advance(b"", announcement.time, values, weight_sum, evidence)
        result = Result(
            session=self.session,
            void=total is None,
            accepted=tuple(Accepted(client=c, header=r.header.digest()) for c, r in accepted.items()),
            dropped=tuple(
                self._dropped(p.client) for p in announcement.participants if p.client not in accepted
            ),
            total=total_name,
            proof=proof_name,
            after=after.state,
            closed=max(now, announcement.time),
        )
        check_partition(announcement, result, self.chain)
        uploads = tuple(
            RecordedUpload(
                client=c,
                header=r.header,
                verdict=r.verdict,
                points=r.points,
                proof=r.proof,
                opening=self._keep(evidence[c].to_bytes()) if c in evidence else r.opening,
            )
            for c, r in sorted(self._received.items())
        )
        body = RoundBody(
            announcement=signed,
            result=sign(result, self._key),
            uploads=uploads,
        )
        entry = RoundEntry(
            level=0,
            round=announcement.round,
            attempt=announcement.attempt,
            previous=self.chain.previous,
            body=self._keep(body.to_bytes()),
        ).to_bytes()
        return Closed(entry, self._blobs, after.recorded(sha256(entry)), result)

    def _terms(self, accepted: dict[str, _Received]) -> tuple[Context, list[Commitment], list[int]]:
        """What the sum is of: the context of its proof, commitments, weights."""
        suite, shape_ = self.chain.suite, shape(len(self.chain.W))
        commitments = [Commitment(suite, shape_, self._blobs[r.points]) for r in accepted.values()]
        weights = [context(self._open(), self.session, c).weight for c in accepted]
        return Context(self.session, AGGREGATOR, sum(weights)), commitments, weights

    def _total(self, accepted: dict[str, _Received]) -> Opening | None:
        """Checked (R2) before anybody adopts it. None where masks hide it, and `unopened` says why."""
        uploads = self._uploads_of_round()
        if isinstance(uploads, ClearUploads):
            total = uploads.sum.total()
            honest_aggregate.verify(*self._terms(accepted), total)
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
            honest_aggregate.verify(*self._terms(accepted), total)
        except Refused:
            detail = "what opened is not what was proved: somebody uploaded something else, and did not answer for it"
            self.unopened = Refused("sum", "argument", detail, round=self.chain.round)
            return None
        self._opened[frozenset(accepted)] = total  # whatever else is answered, there is one such sum
        return total

    def _keep(self, data: bytes) -> bytes:
        name = sha256(data)
        self._blobs[name] = data
        return name

    def _dropped(self, client: str) -> Dropped:
        evidence = self._named().get(client)
        if evidence is not None:
            return named(client, evidence.KIND, sha256(evidence.to_bytes()))
        received = self._received.get(client)
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

    @property
    def announcement(self) -> Announcement:
        """Of this round. Raises `Refused` before there is one."""
        return self._open()

    def _open(self) -> Announcement:
        if self._announcement is None:
            raise Refused("round", "statement", "not announced", round=self.chain.round)
        return self._announcement


_TOLD = 4
"""Reasons that one message gives."""


def _reasons(refused: list[Refused | Malformed]) -> str:
    """Why nobody is ready, by client: the first few, each in so many characters as fit a terminal's two lines. The rest is counted."""
    if not refused:
        return "no client said that it is"
    told = []
    for error in refused[:_TOLD]:
        if isinstance(error, Refused):
            told.append(f"{error.party or 'somebody'}: {printable(error.detail, 160)}")
        else:
            told.append(f"somebody: {printable(str(error), 160)}")
    more = len(refused) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _claimed_client(signed: Signed) -> str:
    """Who the payload says it is from: whose key to ask, nothing more."""
    try:
        client = peek(signed).get("client")
    except Malformed as error:
        raise Refused("upload", "decoding", str(error)) from None
    if not isinstance(client, str) or not is_name(client):
        raise Refused("upload", "decoding", "names no client")  # nor is the text repeated: nobody signed it
    return client
