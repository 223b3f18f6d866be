"""Who may be named, and by what. Everything here is signed by the accused, or proved: no aggregator and no colluders can convict an honest
client, and each client runs it before it opens anything (spec/secure-aggregation.md §9)."""

from __future__ import annotations

from collections.abc import Mapping

from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.policy.parameters import Shape
from fedproof.proofs import Commitment, consistent_masking, masking
from fedproof.proofs.consistent_masking import Beacon, Statement
from fedproof.round.blame_messages import (
    BadShare,
    Evidence,
    FailedProof,
    Fingerprints,
    ShownPair,
    WrongPair,
    WrongRow,
)
from fedproof.round.fingerprints import FixedSet
from fedproof.round.masked import blinds_digest, row_digest, rows_digest
from fedproof.round.masked_messages import Sharing
from fedproof.round.messages import UploadHeader
from fedproof.round.sealing import Sealed, unseal


class Court:
    """A set, and what its members signed for. headers: of their uploads, by name."""

    def __init__(self, fixed: FixedSet, headers: Mapping[str, UploadHeader]) -> None:
        self.fixed, self.round, self._headers = fixed, fixed.round, headers

    def named_by(self, evidence: Evidence) -> str:
        """The member that this convicts. Raises `Refused` (object "evidence") where it convicts nobody."""
        try:
            return self._named_by(evidence)
        except Refused as error:
            raise self.round.refuse("evidence", error.stage, error.detail, error.party) from None

    def _named_by(self, evidence: Evidence) -> str:
        if isinstance(evidence, BadShare):
            self.check_bad_share(evidence)
            return evidence.client
        client = self.fixed.member_of(evidence.fingerprints, "evidence")
        told = self.fixed.open_fingerprints(evidence.fingerprints, client)
        if isinstance(evidence, WrongRow):
            self._check_wrong_row(evidence, told)
        elif isinstance(evidence, WrongPair):
            self._check_wrong_pair(evidence, told)
        else:
            self._check_failed_proof(evidence, told)
        return client

    def _refuse(self, detail: str, client: str, stage: str = "statement") -> Refused:
        return self.round.refuse("evidence", stage, detail, client)

    def _check_wrong_row(self, evidence: WrongRow, told: Fingerprints) -> None:
        round, number, client = self.round, evidence.number, told.client
        if rows_digest(evidence.hashes) != self._headers[client].masked:
            raise self._refuse("not the rows that the accused signed for", client, "digest")
        rows = round.shape.rows
        own = evidence.hashes[32 * number : 32 * number + 32]
        if number >= rows or row_digest(number, evidence.row) != own:
            raise self._refuse("not the row that the accused signed for", client, "digest")
        columns, modulus = round.shape.columns, round.parameters.modulus
        # A column's weight does not depend on how many rows there are: this one row alone has the same.
        d = min(columns, round.shape.d - number * columns)
        residues = masking.unpack(modulus, d, evidence.row)
        alone = Beacon(modulus, Shape(d, columns), round.session, self.fixed.accepted)
        true = consistent_masking.row_fingerprints(alone, residues)
        if (self.fixed.unpack_rows(told)[number::rows] == true).all():
            raise self._refuse("the row fingerprints are right", client)

    def _check_failed_proof(self, evidence: FailedProof, told: Fingerprints) -> None:
        statement = self.statement_of(evidence, told)
        try:
            consistent_masking.verify(statement, told.proof)
        except Refused:
            return
        raise self._refuse("the proof holds", told.client)

    def statement_of(self, evidence: FailedProof, told: Fingerprints) -> Statement:
        """What the accused's proof would have to prove. Raises `Refused` where that does not follow from what it signed."""
        round, client = self.round, told.client
        header = self._headers[client]
        commitment = Commitment.parse(round.suite, round.shape, evidence.points, party=client)
        signed_for = (header.commitment, header.blinds, header.sharing)
        if signed_for != (commitment.root(), blinds_digest(evidence.blinds), evidence.sharing.digest()):
            raise self._refuse("not what the accused signed for", client, "digest")
        own_key = masking.public_keys(round.suite, evidence.secret)
        if not evidence.sharing.self_commitments.startswith(own_key):
            raise self._refuse("not the secret of the accused's own mask", client, "opening")
        if [p.client for p in evidence.pairs] != self.fixed.outside(client):
            raise self._refuse("not all of its pairs with those outside the set", client, "shape")
        for pair in evidence.pairs:
            round.check_pair(client, pair.client, pair.point, pair.proof)
        outside = {p.client: p.point for p in evidence.pairs}
        return self.fixed.statement(told, commitment, evidence.blinds, evidence.secret, outside)

    def _check_wrong_pair(self, evidence: WrongPair, told: Fingerprints) -> None:
        shown, client = evidence.shown, told.client
        self.check_shown(shown)
        ends = {shown.pair.member, shown.pair.other}
        if client not in ends:
            raise self._refuse("not a pair of the accused", client)
        (other,) = ends - {client}
        signed = told.points_of(other)
        if signed is None:
            raise self._refuse("not a pair inside the set", client)
        if signed == self.fixed.pair_fingerprint(client, other, shown.point).points:
            raise self._refuse("the points are right", client)

    def check_shown(self, shown: ShownPair) -> None:
        """Two neighbours' mask keys share this point. Raises `Refused`."""
        round, member, other = self.round, shown.pair.member, shown.pair.other
        if not round.are_neighbours(member, other):
            raise self._refuse("no pair of neighbours", member)
        if shown.proof is not None:
            round.check_pair(member, other, shown.point, shown.proof)
            return
        sharing = self._sharing(member, shown.sharing)
        if len(shown.parts) != round.parameters.threshold:
            raise self._refuse("not as many parts as it takes", member, "shape")
        parts = {}
        for part in shown.parts:
            round.check_part(sharing, member, other, part.client, part.point, part.proof)
            parts[round.numbers[part.client]] = part.point
        if masking.interpolate_points(round.suite, parts) != shown.point:
            raise self._refuse("the parts make another point", member, "opening")

    def _sharing(self, client: str, sharing: Sharing | None) -> Sharing:
        header = self._headers.get(client)
        if header is None or sharing is None or sharing.digest() != header.sharing:
            raise self._refuse("not the sharing that its dealer signed for", client, "digest")
        self.round.check_sharing(client, sharing)
        return sharing

    def check_bad_share(self, evidence: BadShare) -> None:
        """The dealer is at fault: anybody can open the ciphertext with the proved point, and sees it. Raises `Refused`."""
        round, dealer, holder = self.round, evidence.client, evidence.holder
        sharing = self._sharing(dealer, evidence.sharing)
        if not round.are_neighbours(dealer, holder):
            raise self._refuse("no pair of neighbours", dealer)
        if sha256(evidence.ciphertext) != sharing.ciphertexts[round.place(dealer, holder)]:
            raise self._refuse("not the ciphertext that its dealer signed for", dealer, "digest")
        masking.verify_key(
            round.suite,
            round.encryption_key(holder) + evidence.point,
            round.complaint_context(dealer, holder),
            evidence.proof,
            round.encryption_key(dealer),
        )
        if unseal(round, holder, [Sealed(dealer, evidence.point, sharing, evidence.ciphertext)]) != [None]:
            raise self._refuse("what was sealed is a good share", dealer)
