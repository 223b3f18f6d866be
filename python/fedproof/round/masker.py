"""A client's side of one masked round: its secrets, and what it opens of them and for whom (spec/secure-aggregation.md §4 to §7). A state
machine without input or output of its own: what it remembers must be on the disk before its answer leaves (`answered`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.identity.signed import Signed, sign
from fedproof.proofs import Commitment, Opening, masking
from fedproof.proofs.commitment import point_size
from fedproof.round.masked import KEYS, MaskedRound, key_context
from fedproof.round.masked_messages import (
    AcceptedSet,
    Acknowledgement,
    Complaint,
    Delivery,
    FromClient,
    OpenedPair,
    Pair,
    PairPart,
    RecoveryAnswer,
    RecoveryRequest,
    SelfShare,
    Sharing,
    UnmaskAnswer,
    UnmaskRequest,
)
from fedproof.round.messages import RoundKey, UploadHeader
from fedproof.round.sealing import Sealed, seal, unseal


@dataclass(frozen=True)
class Masked:
    """The masked part of an upload. rows: packed residues."""

    rows: bytes = field(repr=False)
    blinds: bytes = field(repr=False)
    sharing: Sharing
    ciphertexts: tuple[bytes, ...]


@dataclass(frozen=True)
class Made:
    """What a client has to answer for. values: its update, as integers. rows, blinds: as uploaded."""

    commitment: Commitment
    values: NDArray[np.int64] = field(repr=False)
    rows: bytes = field(repr=False)
    blinds: bytes = field(repr=False)


@dataclass
class Masker:
    """client: its name. keys: as its `Ready` has them. mask, encryption: their secrets. own: the secret of its own mask. made: its upload;
    after a restart it is read when it is needed. opens: the one set that it opens. accepted: digest of it, empty before there is one.
    headers: of its members, by name. answered: whether it opened it. shares: of its neighbours' mask secrets, by name. left_out: members
    that evidence named, so that the sum of the others is opened."""

    client: str
    keys: tuple[RoundKey, RoundKey]
    mask: masking.KeyPair = field(repr=False)
    encryption: masking.KeyPair = field(repr=False)
    round: MaskedRound | None = None
    own: masking.KeyPair | None = field(default=None, repr=False)
    made: Made | None = field(default=None, repr=False)
    opens: AcceptedSet | None = None
    accepted: bytes = b""
    headers: dict[str, UploadHeader] = field(default_factory=dict, repr=False)
    answered: bool = False
    shares: dict[str, bytes] = field(default_factory=dict, repr=False)
    left_out: set[str] = field(default_factory=set)

    @classmethod
    def generate(cls, suite: str, federation: str, round: int, attempt: int, client: str) -> Masker:
        """With fresh keys, for one round and attempt."""
        contexts = [key_context(federation, round, attempt, client, which) for which in KEYS]
        mask, encryption = (masking.generate_key(suite, context) for context in contexts)
        first, second = (
            RoundKey(key=pair.key, proof=masking.prove_key(suite, pair.secret, context))
            for pair, context in zip((mask, encryption), contexts, strict=True)
        )
        return cls(client, (first, second), mask, encryption)

    def join(self, round: MaskedRound) -> None:
        """Takes part in this announcement, and in no other with these keys. Raises `Refused` (object "announcement")."""
        announced = round.mask_key(self.client), round.encryption_key(self.client)
        if announced != (self.mask.key, self.encryption.key):
            raise round.refuse(
                "announcement", "statement", "names other keys than this client has", self.client
            )
        if self.round is not None and self.round.session != round.session:
            raise round.refuse(
                "announcement", "statement", "a second announcement of the same keys", self.client
            )
        self.round = round

    @property
    def members(self) -> frozenset[str]:
        """Of the set that it opens."""
        return frozenset(self.headers)

    def joined(self) -> MaskedRound:
        """The round that it takes part in. Raises `Refused` before there is one."""
        if self.round is None:
            raise Refused("masks", "statement", "no announcement was answered", party=self.client)
        return self.round

    # --- exchange A ------------------------------------------------------------------------------------------------

    def apply(self, commitment: Commitment, opening: Opening, weight: int) -> Masked:
        """The update under its own mask and one for each neighbour; both secrets shared among the neighbours."""
        round = self.joined()
        suite, parameters = round.suite, round.parameters
        if self.own is not None:
            # Two updates under one mask: their difference would be in clear.
            raise round.refuse(
                "masks", "statement", "used already: one announcement gets one upload", self.client
            )
        self.own = masking.generate_key(suite, round.session)
        seeds = [round.self_seed(self.client, self.own.secret)]
        neighbours = round.neighbours(self.client)
        points = self.shared(self.mask, {n: round.mask_key(n) for n in neighbours})
        seeds += [round.pair_seed(self.client, other, point) for other, point in points.items()]
        rows, blinds = masking.mask_update(suite, parameters.modulus, round.shape, weight, opening, seeds)
        sharing, ciphertexts = self._share(neighbours, self.own.secret)
        self.made = Made(commitment, opening.values, rows, blinds)
        return Masked(rows, blinds, sharing, ciphertexts)

    def shared(self, own: masking.KeyPair, keys: dict[str, bytes]) -> dict[str, bytes]:
        """The points that one of this client's keys shares with those of others, by name."""
        suite = self.joined().suite
        points, size = masking.shared_points(suite, own.secret, b"".join(keys.values())), point_size(suite)
        return {name: points[at * size : (at + 1) * size] for at, name in enumerate(keys)}

    def _share(self, neighbours: list[str], own: bytes) -> tuple[Sharing, tuple[bytes, ...]]:
        round = self.joined()
        holders = [round.numbers[n] for n in neighbours]
        threshold, context = round.parameters.threshold, round.session
        self_shares, self_commitments = masking.deal(round.suite, own, holders, threshold, context)
        key_shares, key_commitments = masking.deal(round.suite, self.mask.secret, holders, threshold, context)
        points = self.shared(self.encryption, {n: round.encryption_key(n) for n in neighbours})
        ciphertexts = []
        for at, holder in enumerate(neighbours):
            plain = self_shares[32 * at : 32 * at + 32] + key_shares[32 * at : 32 * at + 32]
            ciphertexts.append(seal(round, self.client, holder, points[holder], plain))
        sharing = Sharing(
            self_commitments=self_commitments,
            key_commitments=key_commitments,
            ciphertexts=tuple(sha256(c) for c in ciphertexts),
        )
        return sharing, tuple(ciphertexts)

    # --- agree -----------------------------------------------------------------------------------------------------

    def acknowledge(
        self, signed: Signed, aggregator: VerifyKey, own_header: bytes, key: SigningKey
    ) -> Signed:
        """Agrees to a set: from here on this client opens no other in the session. own_header: digest of the header that it made. Raises
        `Refused` (object "accepted-set") for a set that it must not open."""
        self._settle(signed, aggregator, own_header)
        return self._acknowledgement(key)

    def _acknowledgement(self, key: SigningKey) -> Signed:
        session = self.joined().session
        return sign(Acknowledgement(session=session, client=self.client, accepted=self.accepted), key)

    def _settle(self, signed: Signed, aggregator: VerifyKey, own_header: bytes) -> dict[str, UploadHeader]:
        """Checks a set, and remembers it as the only one that this client opens in the session. Returns the members' headers. Raises
        `Refused`, and remembers nothing."""
        round = self.joined()
        accepted = signed.open(AcceptedSet, aggregator)

        def refuse(stage: str, detail: str) -> Refused:
            return round.refuse("accepted-set", stage, detail, self.client)

        if accepted.session != round.session:
            raise refuse("statement", "of another session")
        digest = accepted.digest()
        if self.accepted not in (b"", digest):
            raise refuse(
                "statement", "a second, different set in one session: somebody shows clients different sets"
            )
        if self.accepted == digest:
            return self.headers
        headers = open_set(round, accepted)
        if own_header not in [m.signed.digest() for m in accepted.headers if m.client == self.client]:
            raise refuse("statement", "does not hold the upload that this client made")
        members = frozenset(headers)
        least = round.chain.policy.least_accepted
        if len(members) < least:
            raise refuse("policy", f"{len(members)} updates, a sum of fewer than {least} is not opened")
        if not round.quorum(self.client, members):
            detail = f"fewer than {round.parameters.threshold} of this client's neighbours are in the set"
            raise refuse("policy", detail)
        self.take_set(accepted, headers)
        return headers

    def take_set(self, accepted: AcceptedSet, headers: dict[str, UploadHeader]) -> None:
        """The one set that it opens. Nothing is checked here."""
        self.opens, self.accepted, self.headers = accepted, accepted.digest(), headers

    # --- exchange B ------------------------------------------------------------------------------------------------

    def unmask(
        self, request: UnmaskRequest, aggregator: VerifyKey, own_header: bytes, key: SigningKey
    ) -> UnmaskAnswer:
        """Shares of the members' own masks, and what this client shares with neighbours outside the set. Raises `Refused`."""
        round = self.joined()
        headers = self._settle(request.accepted, aggregator, own_header)
        neighbours = round.neighbours(self.client)
        if round.chain.policy.masking.agree_first:
            self._check_agreed(request.acknowledgements)
        shares: list[SelfShare] = []
        complaints: list[Complaint] = []
        inside = [n for n in neighbours if n in self.members]
        if [d.client for d in request.deliveries] != inside:
            raise round.refuse(
                "unmask-request", "statement", "not one delivery from each neighbour in the set", self.client
            )
        points = self.shared(self.encryption, {n: round.encryption_key(n) for n in inside})
        for dealer, share in self._unseal(request.deliveries, headers, points).items():
            if share is None:
                context = round.complaint_context(dealer, self.client)
                proof = masking.prove_key(
                    round.suite, self.encryption.secret, context, round.encryption_key(dealer)
                )
                complaints.append(Complaint(client=dealer, point=points[dealer], proof=proof))
            else:
                shares.append(SelfShare(client=dealer, share=share))
        outside = [Pair(member=self.client, other=n) for n in neighbours if n not in self.members]
        opened = [part for pair in outside if (part := self.part_of(pair)) is not None]
        pairs = tuple(OpenedPair(client=p.pair.other, point=p.point, proof=p.proof) for p in opened)
        self.answered = True
        return UnmaskAnswer(
            acknowledgement=self._acknowledgement(key),
            shares=tuple(shares),
            pairs=pairs,
            complaints=tuple(complaints),
        )

    def _check_agreed(self, acknowledgements: tuple[FromClient, ...]) -> None:
        round = self.joined()
        agreed = acknowledging(round, acknowledgements, self.members, self.accepted)
        if not round.quorum(self.client, agreed):
            detail = f"fewer than {round.parameters.threshold} of this client's neighbours agreed to this set"
            raise round.refuse("unmask-request", "policy", detail, self.client)

    def _unseal(
        self, deliveries: Sequence[Delivery], headers: Mapping[str, UploadHeader], points: Mapping[str, bytes]
    ) -> dict[str, bytes | None]:
        """Shares of the dealers' own secrets, None of one that sealed no share. Keeps those of their mask secrets. Raises `Refused`."""
        round = self.joined()
        for delivery in deliveries:
            if delivery.sharing.digest() != headers[delivery.client].sharing:
                raise round.refuse("sharing", "digest", "not what its dealer signed", delivery.client)
        round.foresee_shares([delivery.sharing for delivery in deliveries], self.client)
        for delivery in deliveries:
            dealer, sharing = delivery.client, delivery.sharing
            round.check_sharing(dealer, sharing, self.client)
            if sha256(delivery.ciphertext) != sharing.ciphertexts[round.place(dealer, self.client)]:
                raise round.refuse(
                    "sharing", "digest", "the ciphertext is not what its dealer signed", dealer
                )
        sealed = [Sealed(d.client, points[d.client], d.sharing, d.ciphertext) for d in deliveries]
        shares = dict(zip((d.client for d in deliveries), unseal(round, self.client, sealed), strict=True))
        self.shares.update({dealer: both[1] for dealer, both in shares.items() if both is not None})
        return {dealer: both and both[0] for dealer, both in shares.items()}

    def part_of(self, pair: Pair) -> PairPart | None:
        """What this client can give of a pair: what both keys share, if it is an end; else by its share of the member's mask secret."""
        round, member, other = self.joined(), pair.member, pair.other
        secret = self.mask.secret
        if self.client == other:
            member, other = other, member
        elif self.client != member:
            if member not in self.shares:
                return None
            secret = self.shares[member]
        key = round.mask_key(other)
        point = masking.shared_points(round.suite, secret, key)
        context = round.pair_context(member, other, self.client)
        return PairPart(pair=pair, point=point, proof=masking.prove_key(round.suite, secret, context, key))

    # --- exchange C ------------------------------------------------------------------------------------------------

    def recover(self, request: RecoveryRequest) -> RecoveryAnswer:
        """Parts of pairs between members that fell silent and participants outside the set, of whose masks nothing else is open. Answered
        only after this client opened the same set itself, and where enough neighbours of both ends agreed to it. Raises `Refused`
        (object "recovery-request")."""
        round = self.joined()

        def refuse(stage: str, detail: str) -> Refused:
            return round.refuse("recovery-request", stage, detail, self.client)

        if not self.answered or (request.session, request.accepted) != (round.session, self.accepted):
            raise refuse("statement", "about a set that this client did not open")
        agreed = acknowledging(round, request.acknowledgements, self.members, request.accepted)
        parts = []
        for pair in request.pairs:
            if pair.member not in self.members or pair.other in self.members:
                raise refuse("statement", "only a pair across the edge of the set is opened")
            if not round.are_neighbours(pair.member, pair.other):
                raise refuse("statement", "no pair of neighbours")
            for end in (pair.member, pair.other):
                if not round.quorum(end, agreed):
                    detail = f"fewer than {round.parameters.threshold} neighbours of {end} agreed to this set"
                    raise refuse("policy", detail)
            part = self.part_of(pair) if pair.member != self.client else None  # it opened its own already
            if part is not None:
                parts.append(part)
        return RecoveryAnswer(session=round.session, client=self.client, parts=tuple(parts))


def open_set(round: MaskedRound, accepted: AcceptedSet) -> dict[str, UploadHeader]:
    """The members' headers, by name. Raises `Refused` unless all are participants that signed for a masked upload of the session."""
    for member in accepted.headers:
        if member.client not in round.numbers:
            raise round.refuse("accepted-set", "trust", "not a participant", member.client)
    return {m.client: round.open_header(m.signed, m.client) for m in accepted.headers}


def acknowledging(
    round: MaskedRound, acknowledgements: tuple[FromClient, ...], members: frozenset[str], accepted: bytes
) -> frozenset[str]:
    """Members that signed for this set."""
    return frozenset(
        a.client
        for a in acknowledgements
        if a.client in members and round.acknowledges(a.signed, a.client, accepted)
    )
