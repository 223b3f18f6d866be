"""The aggregator's side of a masked round once the set is fixed: it collects what opens the sum, and nothing else
(spec/secure-aggregation.md §5 to §7). A state machine without input or output of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fedproof.encoding.text import some
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import Signed, sign
from fedproof.proofs import Opening, masking
from fedproof.round.blame_messages import BadShare
from fedproof.round.evidence import Court
from fedproof.round.fingerprints import FixedSet
from fedproof.round.masked_messages import (
    AcceptedSet,
    Complaint,
    Delivery,
    FromClient,
    Pair,
    RecoveryAnswer,
    RecoveryRequest,
    UnmaskAnswer,
    UnmaskRequest,
)
from fedproof.round.messages import UploadHeader
from fedproof.round.rules import MAX_SLACK
from fedproof.round.uploads import MaskedUploads

_Edge = tuple[str, str]
"""(member, participant outside the set)"""
_MAX_ENTRY = 512
"""Bytes of an answer for each neighbour or pair, at most."""


class Unmasking:
    """Exchanges agree, B and C of one round. Every answer is checked. What fails counts as if it had not come, and names
    nobody: an answer as a whole is not signed, and whoever has seen a member's acknowledgement can send one in its name."""

    def __init__(self, uploads: MaskedUploads, headers: Mapping[str, Signed], key: SigningKey) -> None:
        """headers: of the accepted uploads, by client. key: the aggregator's."""
        self._uploads, self.round = uploads, uploads.round
        accepted = AcceptedSet(
            session=self.round.session,
            headers=tuple(FromClient(client=c, signed=headers[c]) for c in sorted(headers)),
        )
        self.accepted: Signed = sign(accepted, key)
        self.fixed = FixedSet(self.round, frozenset(headers), accepted.digest())
        opened = {c: UploadHeader.from_bytes(signed.payload) for c, signed in headers.items()}
        self.court = Court(self.fixed, opened)
        self.opened: dict[str, UnmaskAnswer] = {}
        self._acknowledged: dict[str, Signed] = {}
        self._shares: dict[str, dict[int, bytes]] = {c: {} for c in self.members}
        self._pairs: dict[_Edge, bytes] = {}
        self._asked: set[_Edge] = set()
        self._parts: dict[_Edge, dict[int, bytes]] = {}

    @property
    def members(self) -> frozenset[str]:
        """Of the set."""
        return self.fixed.members

    # --- agree -----------------------------------------------------------------------------------------------------

    def agree(self, signed: Signed) -> str:
        """A member's acknowledgement; returns its name. Raises `Refused`."""
        client = self.fixed.member_of(signed, "acknowledgement")
        if not self.round.acknowledges(signed, client, self.fixed.accepted):
            raise self.round.refuse("acknowledgement", "statement", "not of this set, by this member", client)
        self._acknowledged[client] = signed
        return client

    def _acknowledgements(self, of: Iterable[str]) -> tuple[FromClient, ...]:
        """Those that came, of these members."""
        known = sorted(c for c in of if c in self._acknowledged)
        return tuple(FromClient(client=c, signed=self._acknowledged[c]) for c in known)

    # --- exchange B ------------------------------------------------------------------------------------------------

    def request(self, client: str) -> UnmaskRequest:
        """What this member is asked."""
        return UnmaskRequest(
            accepted=self.accepted,
            acknowledgements=self._acknowledgements(self.fixed.inside(client)),
            deliveries=tuple(self._delivery(dealer, client) for dealer in self.fixed.inside(client)),
        )

    def _delivery(self, dealer: str, holder: str) -> Delivery:
        ciphertext = self._uploads.kept[dealer].ciphertexts[self.round.place(dealer, holder)]
        return Delivery(client=dealer, sharing=self._uploads.kept[dealer].sharing, ciphertext=ciphertext)

    def who(self, data: bytes) -> str:
        """Whose answer to `request` it says it is. Raises `Refused`."""
        return self.fixed.member_of(self._read(data).acknowledgement, "unmask-answer")

    def _read(self, data: bytes) -> UnmaskAnswer:
        try:
            limit = MAX_SLACK + _MAX_ENTRY * self.round.parameters.neighbours
            return UnmaskAnswer.from_bytes(data, limit=limit)
        except Malformed as error:
            raise self.round.refuse("unmask-answer", "decoding", str(error)) from None

    def answer(self, data: bytes) -> str:
        """A member's answer to `request`; returns its name. Raises `Refused`: the member is silent unless a good one comes."""
        answer = self._read(data)
        client = self.fixed.member_of(answer.acknowledgement, "unmask-answer")
        if not self.round.acknowledges(answer.acknowledgement, client, self.fixed.accepted):
            raise self.round.refuse("acknowledgement", "statement", "not of this set, by this member", client)
        if client in self.opened:
            return client
        self._check(client, answer)
        number = self.round.numbers[client]
        for share in answer.shares:
            self._shares[share.client][number] = share.share
        for pair in answer.pairs:
            self._pairs[client, pair.client] = pair.point
        self._acknowledged[client] = answer.acknowledgement
        self.opened[client] = answer
        return client

    def _check(self, client: str, answer: UnmaskAnswer) -> None:
        """Complete, and true in every part. Raises `Refused`."""

        def refuse(stage: str, detail: str) -> Refused:
            return self.round.refuse("unmask-answer", stage, detail, client)

        told = [s.client for s in answer.shares] + [c.client for c in answer.complaints]
        if sorted(told) != self.fixed.inside(client):
            raise refuse("shape", "not a share or a complaint for each neighbour in the set")
        if [p.client for p in answer.pairs] != self.fixed.outside(client):
            raise refuse("shape", "not the point shared with each neighbour outside the set")
        kept = self._uploads.kept
        shares = [(kept[s.client].sharing.self_commitments, s.share) for s in answer.shares]
        for share, good in zip(answer.shares, self.round.good_shares(client, shares), strict=True):
            if not good:
                raise refuse("opening", f"not the share that {share.client} committed to")
        for complaint in answer.complaints:
            try:
                self.court.check_bad_share(self.bad_share(client, complaint))
            except Refused as error:
                raise refuse(error.stage, f"its complaint: {error}") from None
        for pair in answer.pairs:
            self.round.check_pair(client, pair.client, pair.point, pair.proof)

    def bad_share(self, holder: str, complaint: Complaint) -> BadShare:
        """A complaint as evidence."""
        delivery = self._delivery(complaint.client, holder)
        return BadShare(
            client=complaint.client,
            holder=holder,
            point=complaint.point,
            proof=complaint.proof,
            ciphertext=delivery.ciphertext,
            sharing=delivery.sharing,
        )

    @property
    def silent(self) -> list[str]:
        """Members without an answer."""
        return sorted(self.members - self.opened.keys())

    # --- exchange C ------------------------------------------------------------------------------------------------

    def recovery(self) -> RecoveryRequest | None:
        """What every member that answered is asked where others are silent: shares of their pairs with those outside the set. None if
        there is nothing to ask, or no pair that opened: it takes the shares of as many that answered as of any secret."""
        if len(self.opened) < self.round.parameters.threshold:
            return None
        pairs = [
            Pair(member=member, other=outsider)
            for member in self.silent
            for outsider in self.fixed.outside(member)
        ]
        if not pairs:
            return None
        self._asked.update((pair.member, pair.other) for pair in pairs)
        return RecoveryRequest(
            session=self.round.session,
            accepted=self.fixed.accepted,
            pairs=tuple(pairs),
            acknowledgements=self._acknowledgements(self.members),
        )

    def who_recovers(self, data: bytes) -> str:
        """Whose answer to `recovery` it says it is. Raises `Refused`."""
        return read_answer(self.fixed, data, len(self._asked)).client

    def recovered(self, data: bytes) -> str:
        """An answer to `recovery`; returns whose. Raises `Refused`; nothing of the answer is used then."""
        round = self.round
        answer = read_answer(self.fixed, data, len(self._asked))
        holder = answer.client
        for part in answer.parts:
            member, outsider = part.pair.member, part.pair.other
            # Of a member that answered after all the others may still speak: they were asked before.
            if (member, outsider) not in self._asked or holder == member:
                raise round.refuse(
                    "recovery-answer", "statement", "a part of a pair that nobody asked for", holder
                )
            sharing = self._uploads.kept[member].sharing
            round.check_part(sharing, member, outsider, holder, part.point, part.proof)
        for part in answer.parts:
            edge = part.pair.member, part.pair.other
            self._parts.setdefault(edge, {})[round.numbers[holder]] = part.point
        return holder

    # --- the sum ---------------------------------------------------------------------------------------------------

    def total(self, named: Mapping[str, Mapping[str, bytes]] | None = None) -> Opening:
        """Σ w·x and Σ w·ρ over the set, if all its masks can be taken away. named: members to leave out, and what the mask key of each of
        the others shares with theirs. Raises `Refused` (object "sum", stage "opening"); whether it opens the commitments' sum is checked
        elsewhere."""
        round, seeds, named = self.round, [], named or {}
        for member in sorted(self.members - named.keys()):
            seeds.append(round.self_seed(member, self.self_secret(member), removed=True))
            for other in round.neighbours(member):
                if other in named:
                    point = named[other].get(member)
                    if point is None:
                        detail = f"nobody opened the mask between {member} and {other}, who is named"
                        raise round.refuse("sum", "opening", detail)
                elif other not in self.members:
                    point = self._pair(member, other)
                else:
                    continue
                seeds.append(round.pair_seed(member, other, point, removed=True))
        residues, blinds = self._uploads.sum(named)
        modulus = round.parameters.modulus
        residues, blinds = masking.add_masks(round.suite, modulus, round.shape, residues, blinds, seeds)
        return Opening(masking.integers(modulus, residues), blinds)

    def _enough(self, parts: dict[int, bytes], what: str) -> dict[int, bytes]:
        threshold = self.round.parameters.threshold
        if len(parts) < threshold:
            detail = f"{len(parts)} of the {threshold} shares that open {what}{self._missing()}"
            raise self.round.refuse("sum", "opening", detail)
        return dict(sorted(parts.items())[:threshold])

    def _missing(self) -> str:
        """Who has not answered, and to what: who rightly opens no set to which too few agreed is not to be taken for one who left."""
        masking = self.round.chain.policy.masking
        left = self.members - self._acknowledged.keys() if masking.agree_first else frozenset[str]()
        closed = self.members - self.opened.keys() - left
        told = [f"{some(left, 'client')} did not agree to the set"] if left else []
        told += [f"{some(closed, 'client')} did not open it"] if closed else []
        return f"; {'; '.join(told)} (masking.silent is {masking.silent})" if told else ""

    def self_secret(self, member: str) -> bytes:
        """Of its own mask, from shares. Raises `Refused`."""
        shares = self._enough(self._shares[member], f"{member}'s own mask")
        return masking.interpolate(self.round.suite, shares)

    def _pair(self, member: str, outsider: str) -> bytes:
        known = self._pairs.get((member, outsider))
        if known is not None:
            return known
        what = f"the mask between {member}, who fell silent, and {outsider}"
        parts = self._enough(self._parts.get((member, outsider), {}), what)
        return masking.interpolate_points(self.round.suite, parts)


def read_answer(fixed: FixedSet, data: bytes, most: int) -> RecoveryAnswer:
    """Of a member, in the session. most: parts that it may have. Raises `Refused` (object "recovery-answer")."""
    try:
        answer = RecoveryAnswer.from_bytes(data, limit=MAX_SLACK + _MAX_ENTRY * most)
    except Malformed as error:
        raise fixed.round.refuse("recovery-answer", "decoding", str(error)) from None
    if answer.session != fixed.round.session or answer.client not in fixed.members:
        raise fixed.round.refuse("recovery-answer", "statement", "not of a member in the session")
    return answer
