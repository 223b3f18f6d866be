"""Fingerprints of uploads under masks: what a member signs of its own, and the statement (R4) that they are about
(spec/secure-aggregation.md §8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fedproof.errors import Refused
from fedproof.identity.signed import Signed
from fedproof.proofs import Commitment, consistent_masking, masking
from fedproof.proofs.commitment import point_size
from fedproof.proofs.consistent_masking import REPETITIONS, Beacon, PairFingerprint, Statement
from fedproof.round.blame_messages import Fingerprints
from fedproof.round.masked import MaskedRound
from fedproof.round.rules import context


@dataclass(frozen=True)
class FixedSet:
    """U, as everybody holds it who knows what was signed. accepted: its digest."""

    round: MaskedRound
    members: frozenset[str]
    accepted: bytes

    @property
    def beacon(self) -> Beacon:
        """Where fingerprints are taken."""
        round = self.round
        return Beacon(round.parameters.modulus, round.shape, round.session, self.accepted)

    def inside(self, client: str) -> list[str]:
        """Its neighbours in the set."""
        return [n for n in self.round.neighbours(client) if n in self.members]

    def outside(self, client: str) -> list[str]:
        """Its neighbours that are not."""
        return [n for n in self.round.neighbours(client) if n not in self.members]

    def member_of(self, signed: Signed, subject: str) -> str:
        """Who signed it, by the key. Raises `Refused` (stage "trust")."""
        for client in self.members:
            if self.round.roster.key_of(client).raw == signed.signer:
                return client
        raise self.round.refuse(subject, "trust", "no member of the set signed it")

    def pair_fingerprint(self, own: str, other: str, shared: bytes) -> PairFingerprint:
        """Of the mask between two neighbours. shared: the point that their mask keys share."""
        round = self.round
        seed = round.pair_seed(own, other, shared).seed
        blind_seed = round.blind_seed(own, other, shared, self.accepted)
        return consistent_masking.pair_fingerprint(round.suite, self.beacon, seed, blind_seed)

    def open_fingerprints(self, signed: Signed, client: str) -> Fingerprints:
        """Of this member, about this set, and of the right form. Raises `Refused`: it says nothing then, and stands against nobody."""
        round = self.round

        def refuse(stage: str, detail: str) -> Refused:
            return round.refuse("fingerprints", stage, detail, client)

        told = signed.open(Fingerprints, round.roster.key_of(client), party=client)
        if (told.session, told.client, told.accepted) != (round.session, client, self.accepted):
            raise refuse("statement", "of another client, session or set")
        self.unpack_rows(told)
        length = REPETITIONS * point_size(round.suite)
        if [p.client for p in told.pairs] != self.inside(client) or any(
            len(p.points) != length for p in told.pairs
        ):
            raise refuse("shape", "not three points for each neighbour in the set")
        return told

    def unpack_rows(self, told: Fingerprints) -> masking.Residues:
        """Row fingerprints, repetition after repetition. Raises `Refused`."""
        round = self.round
        return masking.unpack(round.parameters.modulus, REPETITIONS * round.shape.rows, told.rows)

    def statement(
        self,
        told: Fingerprints,
        commitment: Commitment,
        blinds: bytes,
        secret: bytes,
        outside: Mapping[str, bytes],
    ) -> Statement:
        """R4 of what a member signed. blinds: masked. secret: of its own mask. outside: what its mask key shares with those of its
        neighbours outside the set."""
        round, client, modulus = self.round, told.client, self.round.parameters.modulus
        seeds = [round.self_seed(client, secret, removed=True)]
        seeds += [round.pair_seed(client, j, outside[j], removed=True) for j in self.outside(client)]
        zeros = np.zeros(round.shape.d, np.uint64)
        open_masks, blinds = masking.add_masks(round.suite, modulus, round.shape, zeros, blinds, seeds)
        uploaded = consistent_masking.fold(self.beacon, self.unpack_rows(told))
        taken_away = consistent_masking.fold(
            self.beacon, consistent_masking.row_fingerprints(self.beacon, open_masks)
        )
        return Statement(
            ctx=context(round.announcement, round.session, client),
            suite=round.suite,
            beacon=self.beacon,
            carry_bits=round.carry_bits,
            points=commitment.points,
            blinds=blinds,
            pairs=[(client > pair.client, pair.points) for pair in told.pairs],
            values=[(a + b) % modulus for a, b in zip(uploaded, taken_away, strict=True)],
        )
