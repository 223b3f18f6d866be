"""The aggregator's side where the sum of a masked round did not open: who is to blame, and the sum of the others
(spec/secure-aggregation.md §8 to §11). A state machine without input or output of its own: `request` to every member that opened the set,
then
`next_requests` and `opened` until nothing is asked, then the round is closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from fedproof.errors import Refused
from fedproof.identity.signed import Signed
from fedproof.proofs import Opening, consistent_masking, masking
from fedproof.round.blame_messages import (
    ConflictRequest,
    Evidence,
    FailedProof,
    FingerprintRequest,
    Fingerprints,
    HolderPart,
    RepairRequest,
    ShownPair,
    WrongPair,
    WrongRow,
)
from fedproof.round.masked import packed_rows, row_hashes
from fedproof.round.masked_messages import MaskedUpload, Pair, PairPart
from fedproof.round.unmasking import Unmasking, read_answer
from fedproof.round.uploads import MaskedUploads

_Edge = tuple[str, str]


def _edge(one: str, other: str) -> _Edge:
    return min(one, other), max(one, other)


class Blame:
    """Fingerprints, open pairs, and what follows from them, in whatever order they come."""

    def __init__(self, uploads: MaskedUploads, unmasking: Unmasking) -> None:
        self._uploads, self._unmasking = uploads, unmasking
        self.round, self._fixed, self._court = unmasking.round, unmasking.fixed, unmasking.court
        self._named: dict[str, Evidence] = {}
        self._cleared: set[str] = set()
        self._true: dict[_Edge, bytes] = {}
        self._told: dict[str, tuple[Signed, Fingerprints]] = {}
        self._shown: dict[_Edge, ShownPair] = {}
        self._parts: dict[_Edge, dict[str, PairPart]] = {}
        self._asked: set[tuple[str, bytes]] = set()
        self._asked_ends: set[_Edge] = set()

    def judge(self) -> dict[str, Evidence]:
        """Evidence, by the client that it names: by all that has come."""
        for holder, answer in self._unmasking.opened.items():
            for complaint in answer.complaints:
                if complaint.client not in self._named:
                    self._named[complaint.client] = self._unmasking.bad_share(holder, complaint)
        self._judge_members()
        for edge, shown in self._shown.items():
            for own, other in (edge, edge[::-1]):
                if own in self._told and own not in self._named:
                    signed, told = self._told[own]
                    if told.points_of(other) != self._true[edge]:
                        self._named[own] = WrongPair(fingerprints=signed, shown=shown)
        return dict(self._named)

    # --- fingerprints ----------------------------------------------------------------------------------------------

    def request(self) -> FingerprintRequest:
        """To every member that opened the set."""
        return FingerprintRequest(session=self.round.session, accepted=self._fixed.accepted)

    def receive(self, signed: Signed) -> str:
        """A member's fingerprints; returns its name. Raises `Refused` for what is of another form: that counts as if nothing had come."""
        client = self._fixed.member_of(signed, "fingerprints")
        told = self._fixed.open_fingerprints(signed, client)
        if client in self._told or client not in self._unmasking.opened:
            return client
        self._told[client] = signed, told
        return client

    def _judge_members(self) -> None:
        """Members by what they say of themselves. One is cleared once its proof could be checked."""
        pending = {
            c: held for c, held in self._told.items() if c not in self._named and c not in self._cleared
        }
        found = {client: self._evidence_against(*held) for client, held in pending.items()}
        good = self._holding(
            [(client, proof, pending[client][1]) for client, (_, proof) in found.items() if proof is not None]
        )
        for client, (rows, proof) in found.items():
            if rows is not None and self._convicts(rows):
                self._named[client] = rows
            elif proof is not None and client not in good and self._convicts(proof):
                self._named[client] = proof
            elif proof is not None:
                self._cleared.add(client)

    def _holding(self, told: Sequence[tuple[str, FailedProof, Fingerprints]]) -> set[str]:
        """Whose proofs hold."""
        claims = {}
        for client, evidence, fingerprints in told:
            # Where it does not follow from what was signed it convicts nobody.
            with suppress(Refused):
                claims[client] = self._court.statement_of(evidence, fingerprints), fingerprints.proof
        holding = consistent_masking.holding(list(claims.values()))
        return {client for client, holds in zip(claims, holding, strict=True) if holds}

    def _convicts(self, evidence: Evidence) -> bool:
        """Nothing is held against anybody that others who read the record would refuse."""
        try:
            self._court.named_by(evidence)
        except Refused:
            return False
        return True

    def _evidence_against(
        self, signed: Signed, told: Fingerprints
    ) -> tuple[WrongRow | None, FailedProof | None]:
        """What may convict it; the second is to be checked first."""
        upload = self._uploads.upload(told.client)
        return self._of_rows(signed, told, upload), self._of_proof(signed, told, upload)

    def _of_rows(self, signed: Signed, told: Fingerprints, upload: MaskedUpload) -> WrongRow | None:
        """About the first row whose fingerprint is another than its own."""
        round = self.round
        true = consistent_masking.row_fingerprints(self._fixed.beacon, self._uploads.unpack(upload))
        wrong = np.flatnonzero(true != self._fixed.unpack_rows(told))
        if not len(wrong):
            return None
        number = int(wrong[0]) % round.shape.rows
        hashes, row = row_hashes(round, upload.masked), packed_rows(round, upload.masked)[number]
        return WrongRow(fingerprints=signed, hashes=hashes, number=number, row=row)

    def _of_proof(self, signed: Signed, told: Fingerprints, upload: MaskedUpload) -> FailedProof | None:
        """With all that the proof is about. None while the client's own mask stays closed: then no sum has it."""
        try:
            secret = self._unmasking.self_secret(told.client)
        except Refused:
            return None
        return FailedProof(
            fingerprints=signed,
            points=upload.points,
            blinds=upload.blinds,
            sharing=upload.sharing,
            secret=secret,
            pairs=self._unmasking.opened[told.client].pairs,
        )

    # --- pairs -----------------------------------------------------------------------------------------------------

    def next_requests(self) -> dict[str, list[ConflictRequest | RepairRequest]]:
        """By member that opened the set, each request once; empty when there is nothing more to ask. To be called when answers to the
        requests before are in, or given up: for an end that did not answer, others are asked then."""
        asked: dict[str, list[ConflictRequest | RepairRequest]] = {}
        named = self.judge()
        asks: list[tuple[ConflictRequest | RepairRequest, Iterable[str]]] = [
            *self._of_conflicts(named),
            *self._of_repairs(named),
        ]
        for request, clients in asks:
            digest = request.digest()
            for client in clients:
                if client in self._unmasking.opened and (client, digest) not in self._asked:
                    self._asked.add((client, digest))
                    asked.setdefault(client, []).append(request)
        return asked

    def _of_conflicts(self, named: Mapping[str, Evidence]) -> list[tuple[ConflictRequest, Iterable[str]]]:
        """Pairs of which both ends signed different points, and whom to ask: the ends first, then everybody."""
        asks: list[tuple[ConflictRequest, Iterable[str]]] = []
        told = {client: held for client, held in sorted(self._told.items()) if client not in named}
        for first, (signed, own) in told.items():
            for pair in own.pairs:
                edge = first, pair.client
                if pair.client < first or pair.client not in told or edge in self._shown:
                    continue
                other_signed, other = told[pair.client]
                if pair.points == other.points_of(first):
                    continue
                request = ConflictRequest(
                    session=self.round.session,
                    accepted=self._fixed.accepted,
                    first=signed,
                    second=other_signed,
                )
                asks.append((request, self._holders(edge) if edge in self._asked_ends else edge))
                self._asked_ends.add(edge)
        return asks

    def _of_repairs(self, named: Mapping[str, Evidence]) -> list[tuple[RepairRequest, Iterable[str]]]:
        """Pairs of members that stay with those that are named: every member is asked for its own first, then everybody for what stayed
        closed. None where too few stay for a sum."""
        asks: list[tuple[RepairRequest, Iterable[str]]] = []
        staying = self._fixed.members - named.keys()
        if len(staying) < self.round.chain.policy.least_accepted:
            return asks

        def ask(evidence: bytes, members: Iterable[str], clients: Iterable[str]) -> None:
            request = RepairRequest(
                session=self.round.session,
                accepted=self._fixed.accepted,
                evidence=evidence,
                members=tuple(sorted(members)),
            )
            asks.append((request, clients))

        for cheat, proof in sorted(named.items()):
            evidence = proof.to_bytes()
            closed = {
                n for n in self._fixed.inside(cheat) if n in staying and _edge(n, cheat) not in self._shown
            }
            given_up = {
                n for n in closed if n not in self._unmasking.opened or _edge(n, cheat) in self._asked_ends
            }
            for client in sorted(closed - given_up):
                ask(evidence, [client], [client])
            if given_up:
                ask(evidence, given_up, self._holders(given_up))
            self._asked_ends.update(_edge(n, cheat) for n in closed)
        return asks

    def _holders(self, members: Iterable[str]) -> list[str]:
        """Who holds shares of one of these."""
        return sorted({holder for member in members for holder in self._fixed.inside(member)})

    def who(self, data: bytes) -> str:
        """Whose answer to one of `next_requests` it says it is. Raises `Refused`."""
        return read_answer(self._fixed, data, len(self._fixed.members)).client

    def opened(self, data: bytes) -> str:
        """An answer; returns whose. Raises `Refused`; nothing of the answer is used then."""
        answer = read_answer(self._fixed, data, len(self._fixed.members))
        holder = answer.client
        # What is open already takes no more parts, nor the work of checking them.
        parts = [p for p in answer.parts if _edge(p.pair.member, p.pair.other) not in self._shown]
        for part in parts:
            self._check_part(holder, part)
        for part in parts:
            self._take(holder, part)
        return holder

    def _check_part(self, holder: str, part: PairPart) -> None:
        round, (member, other) = self.round, (part.pair.member, part.pair.other)
        if not {member, other} <= self._fixed.members or not round.are_neighbours(member, other):
            raise round.refuse("recovery-answer", "statement", "no pair inside the set", holder)
        if holder == member:
            round.check_pair(member, other, part.point, part.proof)
        elif holder == other:
            round.check_pair(other, member, part.point, part.proof)
        else:
            sharing = self._uploads.kept[member].sharing
            round.check_part(sharing, member, other, holder, part.point, part.proof)

    def _take(self, holder: str, part: PairPart) -> None:
        member, other = part.pair.member, part.pair.other
        if _edge(member, other) in self._shown:
            return
        if holder in (member, other):
            pair = part.pair if holder == member else Pair(member=other, other=member)
            self._show(ShownPair(pair=pair, point=part.point, proof=part.proof))
            return
        parts = self._parts.setdefault((member, other), {})
        parts[holder] = part
        if len(parts) < self.round.parameters.threshold:
            return
        points = {self.round.numbers[h]: p.point for h, p in parts.items()}
        self._show(
            ShownPair(
                pair=part.pair,
                point=masking.interpolate_points(self.round.suite, points),
                parts=tuple(
                    HolderPart(client=h, point=p.point, proof=p.proof) for h, p in sorted(parts.items())
                ),
                sharing=self._uploads.kept[member].sharing,
            )
        )

    def _show(self, shown: ShownPair) -> None:
        member, other = shown.pair.member, shown.pair.other
        self._shown[_edge(member, other)] = shown
        self._true[_edge(member, other)] = self._fixed.pair_fingerprint(member, other, shown.point).points

    # --- the sum of the others -------------------------------------------------------------------------------------

    def total(self) -> Opening:
        """Of those that are not named. Raises `Refused` (object "sum", stage "opening")."""
        opened: Mapping[str, dict[str, bytes]] = {
            named: {
                n: self._shown[_edge(n, named)].point
                for n in self._fixed.inside(named)
                if _edge(n, named) in self._shown
            }
            for named in self.judge()
        }
        return self._unmasking.total(opened)
