"""A client's side of the rounds: a state machine without input or output of its own. It believes nothing that it did not check: not
the roster, not the base model, not the sum (spec/round.md §3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.digest import sha256
from fedproof.encoding.text import counted, printable
from fedproof.encoding.time import utc_text
from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed, sign
from fedproof.model.quantise import clip_update
from fedproof.model.quantise import update as difference
from fedproof.proofs import Commitment, commit, update
from fedproof.proofs.context import Context
from fedproof.round import disclosure
from fedproof.round.attempts import MAX_AGREED, Attempt, Attempts
from fedproof.round.blame_messages import ConflictRequest, FingerprintRequest, RepairRequest
from fedproof.round.chain import Chain
from fedproof.round.masked import MaskedRound, blinds_digest, masked_digest
from fedproof.round.masked_messages import (
    AnyUpload,
    MaskedUpload,
    RecoveryAnswer,
    RecoveryRequest,
    UnmaskAnswer,
    UnmaskRequest,
)
from fedproof.round.masker import Masker
from fedproof.round.messages import Announcement, Ready, Upload, UploadHeader, UploadOpening, Verdict
from fedproof.round.rules import check_announcement, check_rounds_left, check_suspended, context
from fedproof.round.verify import Ended, Read, RoundReport

MAX_ATTEMPT = 1 << 16
"""At one round: a state folder remembers each that was answered."""
CLOCK_SKEW = 300
"""Seconds by which a client's clock and the aggregator's may differ."""


@dataclass
class Client:
    """name: as in the roster. key: its own. aggregator: whose messages it answers. chain: where it stands by its own checks. ended: the
    last round of which it saw the aggregator's result. attempts: what it said in each. releases: sums that it helped to open from the base
    model that it has.

    The driver keeps `attempts`, `ended` and `releases` across crashes (`answered`): a client answers one announcement per round and
    attempt, and none of a round that is over.
    """

    name: str
    key: SigningKey = field(repr=False)
    aggregator: VerifyKey
    roster: Roster
    roster_digest: bytes
    chain: Chain
    attempts: Attempts = field(default_factory=Attempts, repr=False)
    ended: int | None = None
    releases: int = 0

    def __post_init__(self) -> None:
        if self.roster.key_of(self.name) != self.key.verify_key:
            raise Refused("roster", "trust", "lists another key than this client's", party=self.name)

    def ready(self, weight: int, *, attempt: int = 0) -> Signed:
        """Declares that it will take part in the next round. weight: how much its update is to count, from 1 to the policy's
        `update.weights.max`. attempt: the aggregator's, at this round. Raises `Refused` (object "ready", stage "policy") for a weight
        out of range, where all rounds that the policy asks for are on record, and while this client is suspended."""
        self.check_takes_part(attempt)
        if not 0 <= attempt <= MAX_ATTEMPT:
            detail = f"attempt {attempt} is not from 0 to {MAX_ATTEMPT}"
            raise Refused("ready", "statement", detail, party=self.name, round=self.chain.round)
        most = self.chain.policy.update.weights.max
        if not 1 <= weight <= most:
            detail = f"weight {weight} is not within the policy's 1 to {most} (update.weights.max)"
            raise Refused("ready", "policy", detail, party=self.name, round=self.chain.round)
        masker = self._masker_at(attempt) if self.chain.policy.masking.enabled else None
        self.attempts.declare((self.chain.round, attempt), weight).masker = masker
        message = Ready(
            federation=self.chain.policy.federation,
            round=self.chain.round,
            attempt=attempt,
            client=self.name,
            weight=weight,
            policy=self.chain.policy.digest(),
            roster=self.roster_digest,
            previous=self.chain.previous,
            keys=masker.keys if masker else (),
        )
        return sign(message, self.key)

    def check_takes_part(self, attempt: int = 0) -> None:
        """That this client may say it is ready at all. Raises `Refused` (object "ready", stage "policy") as `ready`."""
        check_rounds_left(self.chain, "ready", self.name)
        check_suspended(self.chain, self.name)
        said = self.attempts.get((self.chain.round, attempt))
        if self.chain.policy.masking.enabled and (said is None or said.masker is None):
            self._check_release("ready")

    def _masker_at(self, attempt: int) -> Masker:
        """Of the next round, with keys of its own: those that it said before, if it said any."""
        place = self.chain.round, attempt
        said, federation = self.attempts.get(place), self.chain.policy.federation
        if said is not None and said.masker is not None:
            return said.masker
        return Masker.generate(self.chain.suite, federation, *place, self.name)

    def _check_release(self, subject: str) -> None:
        """The policy lets this client help to open one more sum from the base model that it has: the difference of two could be somebody's
        update. Raises `Refused` (stage "policy")."""
        most = self.chain.policy.masking.max_releases_per_base
        if self.releases >= most:
            told = f"this client helped to open {counted(self.releases, 'sum')} from this base model"
            detail = f"{told}, the policy allows {most} (masking.max_releases_per_base)"
            raise Refused(subject, "policy", detail, party=self.name, round=self.chain.round)

    def check(self, signed: Signed, *, now: int) -> Announcement:
        """An announcement that this client can answer. now: its own clock, Unix seconds. Raises `Refused`, also for a time far from
        its own, and for a second, different one of the same round and attempt: then somebody shows different clients different
        things. The one that it agreed to stays good, however long the work on it takes."""
        announcement = signed.open(Announcement, self.aggregator)
        check_announcement(announcement, self.chain, self.roster, self.roster_digest)
        self._check_goes_on(announcement)
        place = announcement.round, announcement.attempt
        said, session = self._declared(announcement, self.attempts.get(place)), announcement.digest()
        if said.session is None:
            self._check_time(announcement.time, now)
        elif said.session != session:
            detail = "a second announcement of the same round and attempt"
            raise Refused("announcement", "statement", detail, party=self.name)
        said.session = session
        if self.chain.policy.masking.enabled:
            self._join(announcement, said.masker)
        return announcement

    def _check_goes_on(self, announcement: Announcement) -> None:
        """Neither its round is over, as far as this client knows, nor its attempt was given up. Raises `Refused`."""
        detail = None
        if announcement.round == self.ended:
            detail = (
                "the aggregator signed a result of this round: it is over, and nothing but its record counts"
            )
        elif self.attempts.gave_up((announcement.round, announcement.attempt)):
            detail = "of an attempt that was given up: this client answered a later one"
        if detail is not None:
            raise Refused("announcement", "chain", detail, party=self.name, round=announcement.round)

    def _join(self, announcement: Announcement, masker: Masker | None) -> None:
        if masker is None:
            detail = "this client has no keys for it"
            raise Refused("announcement", "statement", detail, party=self.name, round=announcement.round)
        masker.join(MaskedRound(announcement, announcement.digest(), self.chain, self.roster))
        self.attempts.forget_masks(before=(announcement.round, announcement.attempt))

    def _declared(self, announcement: Announcement, said: Attempt | None) -> Attempt:
        """It takes part, with the weight that it declared. A member whose time is over is left out for that reason."""
        weight = announcement.weight_of(self.name)
        if weight is None:
            self.roster.check_current(self.name, announcement.time)
            detail = "this client is not among the participants"
        elif said is None or weight != said.weight:
            declared = "none" if said is None else str(said.weight)
            detail = f"weight {weight} is not the weight that this client declared: {declared}"
        else:
            return said
        raise Refused("announcement", "statement", detail, party=self.name, round=announcement.round)

    def _check_time(self, announced: int, now: int) -> None:
        """An announcement is as old as the policy's deadline at most. Clocks may differ by `CLOCK_SKEW`."""
        latest = announced + self.chain.policy.round.deadline_seconds + CLOCK_SKEW
        if not announced - CLOCK_SKEW <= now <= latest:
            detail = f"announced at {utc_text(announced)}, which is too far from this client's clock, {utc_text(now)}"
            raise Refused("announcement", "expiry", detail, party=self.name, round=self.chain.round)

    def update(self, new: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
        """x: what training changed, in units, within the policy's bounds. new: the trained weights by name. What the policy does not have
        trained (frozen tensors, step counters) may be among them, and does not count."""
        policy, constants = self.chain.policy.update, self.chain.base.constants
        new = {name: array for name, array in new.items() if name not in constants}
        x = difference(new, self.chain.W, self.chain.layout, policy.scale)
        return clip_update(x, policy.max_abs, policy.max_norm)

    def check_update(self, x: object) -> NDArray[np.int64]:
        """x as int64, if it can be this client's update: a numpy array of one dimension, of d coordinates (as many as the base model
        has parameters), of any signed or unsigned integer type, each value in 32 bits with its sign. Nothing is converted that could
        change a value: floats, booleans (a mask is no update), masked arrays, lists and all others are refused. Raises `Refused`
        (object "update"): stage "shape" for another number of dimensions or coordinates, "statement" for the rest."""

        def refuse(stage: str, detail: str) -> Refused:
            return Refused("update", stage, detail, party=self.name, round=self.chain.round)

        advice = "quantise the trained weights with `Client.update` (`node.client.update(weights)`)"
        if not isinstance(x, np.ndarray) or isinstance(x, np.ma.MaskedArray):
            what = printable(type(x).__name__, 64)
            raise refuse("statement", f"of type {what}, not a numpy array of integers; {advice}")
        if x.dtype.kind not in "iu":
            what = printable(str(x.dtype), 64)
            raise refuse("statement", f"its dtype is {what}, an update has integers, in units; {advice}")
        d = len(self.chain.W)
        if x.ndim != 1:
            raise refuse("shape", f"of shape {x.shape}, an update is one vector of {d} coordinates; {advice}")
        if len(x) != d:
            raise refuse("shape", f"{len(x)} coordinates, the model's layout has {d}")
        if int(x.min()) < -(1 << 31) or int(x.max()) >= 1 << 31:
            raise refuse("statement", "a coordinate has no place in 32 bits")
        return x.astype(np.int64)

    def upload(self, signed: Signed, x: NDArray[np.int64], *, now: int) -> AnyUpload:
        """Commits to x, proves what the policy asks for, signs. signed: the announcement. x: the update, one integer in units of
        2^-scale for each parameter, in the layout's order, as `update` makes it; see `check_update`. now: this client's clock, Unix
        seconds.

        Raises `Refused` before anything is proved or signed: x that is no update (object "update"), an announcement that this client
        does not answer (see `check`) or answered already; then x that the policy's bounds forbid (object "bounded update", stage
        "witness"). The answer is not spent: the right x can follow."""
        x = self.check_update(x)
        return self.answer(self.check(signed, now=now), x)

    def answer(self, announcement: Announcement, x: NDArray[np.int64]) -> AnyUpload:
        """The upload of x for an announcement that `check` took. Raises `Refused`, as `upload`."""
        self._check_goes_on(announcement)
        session = announcement.digest()
        said = self.attempts.of(session)
        if said is None or said.header is not None:
            detail = "answered already: one announcement gets one upload"
            if said is None:
                detail = "not checked, or another one was: nothing would remember the answer"
            raise Refused("announcement", "statement", detail, party=self.name, round=announcement.round)
        return self.seal(context(announcement, session, self.name), x)

    def seal(self, ctx: Context, x: NDArray[np.int64], *, unchecked: bool = False) -> AnyUpload:
        """The upload of x for a session. unchecked: prove without looking, as a dishonest client would. Raises `Refused` for x, as
        `upload`."""
        if not unchecked:
            x = self.check_update(x)
        commitment, opening = commit(self.chain.suite, x)
        proof = update.prove(self.chain.policy, ctx, commitment, opening, unchecked=unchecked)
        if self.chain.policy.masking.enabled:
            masker = self.masker_of(ctx.announcement)
            masked = masker.apply(commitment, opening, ctx.weight)
            return MaskedUpload(
                header=self._header(
                    ctx,
                    commitment,
                    proof,
                    masked=masked_digest(masker.joined(), masked.rows),
                    blinds=blinds_digest(masked.blinds),
                    sharing=masked.sharing.digest(),
                ),
                points=commitment.points,
                proof=proof,
                masked=masked.rows,
                blinds=masked.blinds,
                sharing=masked.sharing,
                ciphertexts=masked.ciphertexts,
            )
        clear = UploadOpening.of(opening)
        return Upload(
            header=self._header(ctx, commitment, proof, opening=clear.digest()),
            points=commitment.points,
            proof=proof,
            values=clear.values,
            blinds=clear.blinds,
            salt=clear.salt,
        )

    def _header(self, ctx: Context, commitment: Commitment, proof: bytes, **named: bytes) -> Signed:
        """The signed header, and this client's answer in the session from here on. named: digests of what else the upload holds."""
        header = UploadHeader(
            session=ctx.announcement,
            client=self.name,
            commitment=commitment.root(),
            proof=sha256(proof),
            **{"opening": None, **named},
        )
        signed = sign(header, self.key)
        said = self.attempts.of(ctx.announcement)
        if said is not None:  # of no session that it takes part in only a dishonest client makes one
            said.header = signed.digest()
        return signed

    def header_of(self, session: bytes) -> bytes | None:
        """Digest of the header that it signed for an announcement, if it did."""
        said = self.attempts.of(session)
        return said.header if said is not None else None

    def masker_of(self, session: bytes) -> Masker:
        """What it has of this masked round. Raises `Refused`."""
        said = self.attempts.of(session)
        if said is None or said.masker is None or said.masker.round is None:
            raise Refused(
                "masks", "statement", "of no session that this client takes part in", party=self.name
            )
        return said.masker

    def _agreeing(self, session: bytes) -> Masker:
        """What it has of a round of which it may agree to a set."""
        masker = self.masker_of(session)
        if not masker.accepted and self.attempts.agreed() >= MAX_AGREED:
            detail = f"this client agreed to {MAX_AGREED} sets of this round, in attempts that were given up"
            raise Refused("accepted-set", "policy", detail, party=self.name, round=self.chain.round)
        return masker

    def acknowledge(self, session: bytes, accepted: Signed) -> Signed:
        """Agrees to the set that the aggregator signed, and to no other in the session. Raises `Refused` (object "accepted-set")."""
        masker = self._agreeing(session)
        return masker.acknowledge(accepted, self.aggregator, self.header_of(session) or b"", self.key)

    def unmask(self, session: bytes, request: UnmaskRequest) -> UnmaskAnswer:
        """What this client knows of the masks on the set's sum. It counts as one of the sums that the policy lets this client help to open,
        whatever becomes of the round; the same session again counts once. Raises `Refused`: then it does not count."""
        masker = self._agreeing(session)
        first = not masker.answered
        if first:
            self._check_release("unmask-request")
        answer = masker.unmask(request, self.aggregator, self.header_of(session) or b"", self.key)
        if first:
            self.releases += 1
        return answer

    def recover(self, session: bytes, request: RecoveryRequest) -> RecoveryAnswer:
        """Parts of the masks of members that fell silent. Raises `Refused` (object "recovery-request")."""
        return self.masker_of(session).recover(request)

    def fingerprints(self, session: bytes, request: FingerprintRequest) -> Signed:
        """What this client answers for where the sum did not open. Raises `Refused` (object "fingerprint-request")."""
        return disclosure.fingerprints(self.masker_of(session), request, self.key)

    def disclose(self, session: bytes, request: ConflictRequest | RepairRequest) -> RecoveryAnswer:
        """Parts of pairs of which somebody lied, or was named. Raises `Refused` (object "conflict-request", "repair-request",
        "evidence")."""
        return disclosure.disclose(self.masker_of(session), request)

    def verdict(self, signed: Signed) -> Verdict:
        """Reads the aggregator's receipt. Raises `Refused` if it is not about this client's upload."""
        verdict = signed.open(Verdict, self.aggregator, party=self.name)
        said = self.attempts.of(verdict.session)
        if said is None:
            detail = "of no round that is open here: this client adopted its record, or never took part"
            raise Refused("verdict", "statement", detail, party=self.name)
        if verdict.client != self.name or said.header != verdict.header:
            raise Refused("verdict", "statement", "about another upload", party=self.name)
        said.accepted = said.accepted or verdict.accepted
        return verdict

    def adopt(self, entry: bytes, read: Read) -> RoundReport:
        """Checks a recorded round completely, then moves its own base on. Raises `Refused`, `Malformed`, and stays where it is. Once
        the aggregator has signed a result of this round it is over all the same: an honest one has it on record, and makes no other
        attempt. A record that was only spoiled on its way can be adopted when it comes again."""
        ended = Ended.open(self.chain, self.roster, self.roster_digest, self.aggregator, entry, read)
        self.ended = self.chain.round
        after, report = ended.check()

        def refuse(detail: str) -> Refused:
            return Refused("result", "statement", detail, party=self.name, round=report.round)

        at, said = self.attempts.get((report.round, report.attempt)), self.attempts.of(report.session)
        if at is not None and at.session not in (None, report.session):
            raise refuse("of another session than this client answered")
        made, shown = said and said.header, dict(report.headers).get(self.name)
        counted = self.name in dict(report.accepted)
        if counted and shown != made:
            raise refuse("counts an upload that this client did not make")
        convicted = any(d.client == self.name and d.kind == "named" for d in report.dropped)
        if not counted and not convicted and said is not None and said.accepted:
            raise refuse("leaves out an upload that was accepted")
        if shown is not None and shown != made:
            raise refuse(
                "shows an upload in this client's name that it did not make for this round's announcement"
            )
        agreed = said.masker.accepted if said is not None and said.masker is not None else b""
        if agreed and not report.void and ended.accepted_set().digest() != agreed:
            # Whoever knows the sum and the updates of some could choose those anew, or leave them out.
            raise refuse("counts other uploads than those of the set that this client agreed to")
        if after.state != self.chain.state:  # a sum that moves nothing leaves the base model that it was of
            self.releases = 0
        self.chain = after
        self.attempts.forget(after.round)
        return report
