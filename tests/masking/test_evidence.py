"""Evidence convicts by what the accused signed, or not at all: each part of it changed, and true things said of honest clients."""

from __future__ import annotations

from typing import Any

import pytest

from fedproof.errors import Malformed, Refused
from fedproof.identity.signed import Signed, sign
from fedproof.proofs import masking
from fedproof.round.blame import Blame
from fedproof.round.blame_messages import (
    BadShare,
    Evidence,
    FailedProof,
    HolderPart,
    ShownPair,
    WrongPair,
    WrongRow,
    read_evidence,
)
from fedproof.round.masked import packed_rows, row_digest, row_hashes
from fedproof.round.masked_messages import OpenedPair, Pair
from tests.masking.blame import cheats, fingerprint, lies_about, seals_another_share, settle, shifted
from tests.masking.world import MaskedWorld, key_of, policy

HONEST, ROW, PROOF, PAIR, OTHER, SHARE = (f"client-{n:02}" for n in (0, 1, 2, 3, 4, 5))
GONE = "client-11"
"""Uploads nothing."""


class Trial:
    """A round with a cheat of each kind, all fingerprints signed."""

    def __init__(self) -> None:
        self.world = world = MaskedWorld.announced(12, policy(colluders=3, silent=0, min_set=5))
        cheats(world, ROW, shifted(world), knows=False)
        cheats(world, PROOF, shifted(world))
        lies_about(world, PAIR, OTHER)
        seals_another_share(world, SHARE, HONEST)
        world.send_all(GONE)
        world.unmask(world.agree())
        self.blame: Blame = world.server.blame()
        fingerprint(world, self.blame)
        self.court = world.server.unmask().court

    def signed(self, name: str) -> Signed:
        return self.blame._told[name][0]

    def named_by(self, evidence: Evidence) -> str:
        return self.court.named_by(read_evidence(evidence.to_bytes()))

    def free(self, evidence: Evidence, stage: str = "statement") -> None:
        """It convicts nobody."""
        with pytest.raises(Refused) as refused:
            self.named_by(evidence)
        assert (refused.value.subject, refused.value.stage) == ("evidence", stage), refused.value

    def shown(self, member: str, other: str) -> ShownPair:
        """By the member."""
        masker = self.world.clients[member].masker_of(self.world.session)
        part = masker.part_of(Pair(member=member, other=other))
        assert part is not None
        return ShownPair(pair=part.pair, point=part.point, proof=part.proof)

    def by_holders(self, member: str, other: str, count: int) -> ShownPair:
        """By so many holders of the member's shares."""
        round, parts = self.world.round, []
        for holder in round.neighbours(member):
            if holder in (other, GONE) or len(parts) == count:
                continue
            masker = self.world.clients[holder].masker_of(self.world.session)
            key, share = round.mask_key(other), masker.shares[member]
            context = round.pair_context(member, other, holder)
            parts.append(
                HolderPart(
                    client=holder,
                    point=masking.shared_points(round.suite, share, key),
                    proof=masking.prove_key(round.suite, share, context, key),
                )
            )
        sharing = self.world.server.unmask()._uploads.kept[member].sharing
        true = self.shown(member, other)
        return ShownPair(pair=true.pair, point=true.point, parts=tuple(parts), sharing=sharing)


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial()


def changed(evidence: Any, **update: object) -> Any:
    return evidence.model_copy(update=update)


def flipped(data: bytes, at: int = -1) -> bytes:
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


def test_each_kind_convicts(trial: Trial) -> None:
    named = trial.blame.judge()
    assert {n: e.KIND for n, e in named.items() if n != PAIR} == {
        ROW: "wrong-row",
        PROOF: "failed-proof",
        SHARE: "bad-share",
    }
    assert all(trial.named_by(evidence) == name for name, evidence in named.items())
    pair = WrongPair(fingerprints=trial.signed(PAIR), shown=trial.shown(OTHER, PAIR))
    assert trial.named_by(pair) == PAIR
    threshold = trial.world.round.parameters.threshold
    held = WrongPair(fingerprints=trial.signed(PAIR), shown=trial.by_holders(PAIR, OTHER, threshold))
    assert trial.named_by(held) == PAIR


def test_only_what_a_member_signed_about_this_set(trial: Trial) -> None:
    row = trial.blame.judge()[ROW]
    assert isinstance(row, WrongRow)
    told = trial.blame._told[ROW][1]
    trial.free(changed(row, fingerprints=sign(told, key_of(GONE))), "trust")
    trial.free(changed(row, fingerprints=sign(told, key_of(HONEST))))
    for other in ({"session": bytes(32)}, {"accepted": bytes(32)}):
        trial.free(changed(row, fingerprints=sign(told.model_copy(update=other), key_of(ROW))))
    forged = changed(row.fingerprints, payload=told.model_copy(update={"proof": b""}).to_bytes())
    trial.free(changed(row, fingerprints=forged), "signature")


def test_fingerprints_of_another_form_stand_against_nobody(trial: Trial) -> None:
    row = trial.blame.judge()[ROW]
    told = trial.blame._told[ROW][1]
    short = changed(told.pairs[0], points=told.pairs[0].points[:-32])
    width = trial.world.round.parameters.width
    for update, stage in (
        ({"rows": told.rows[:-1]}, "shape"),
        ({"rows": b"\xff" * width + told.rows[width:]}, "decoding"),
        ({"pairs": told.pairs[1:]}, "shape"),
        ({"pairs": (short, *told.pairs[1:])}, "shape"),
    ):
        signed = sign(told.model_copy(update=update), key_of(ROW))
        trial.free(changed(row, fingerprints=signed), stage)
        with pytest.raises(Refused):
            trial.blame.receive(signed)


def test_a_row_that_is_another_or_right(trial: Trial) -> None:
    row = trial.blame.judge()[ROW]
    assert isinstance(row, WrongRow)
    trial.free(changed(row, hashes=flipped(row.hashes)), "digest")
    trial.free(changed(row, row=flipped(row.row, 0)), "digest")
    trial.free(changed(row, number=row.number + 1), "digest")
    masked = trial.world.masked[HONEST]
    hashes = row_hashes(trial.world.round, masked)
    right = packed_rows(trial.world.round, masked)[0]
    trial.free(WrongRow(fingerprints=trial.signed(HONEST), hashes=hashes, number=0, row=right))


def test_hashes_made_up_for_a_row_that_nobody_uploaded(trial: Trial) -> None:
    """They go together, and what its client signed for the row it uploaded is false for this one: that would name anybody."""
    forged = flipped(trial.world.masked[HONEST], 0)
    framing = WrongRow(fingerprints=trial.signed(HONEST), hashes=row_digest(0, forged), number=0, row=forged)
    trial.free(framing, "digest")


def honest_proof(trial: Trial) -> FailedProof:
    """All of it true, and so no evidence."""
    upload = trial.world.server.unmask()._uploads.upload(HONEST)
    return FailedProof(
        fingerprints=trial.signed(HONEST),
        points=upload.points,
        blinds=upload.blinds,
        sharing=upload.sharing,
        secret=trial.world.server.unmask().self_secret(HONEST),
        pairs=trial.world.server.unmask().opened[HONEST].pairs,
    )


def test_a_proof_that_holds_convicts_nobody_however_it_is_shown(trial: Trial) -> None:
    """Each change would make it fail."""
    good = honest_proof(trial)
    trial.free(good)
    other = trial.world.server.unmask()._uploads.upload(ROW)
    (pair,) = good.pairs
    wrong = OpenedPair(client=pair.client, point=other.points[:32], proof=pair.proof)
    trial.free(changed(good, points=other.points), "digest")
    trial.free(changed(good, blinds=other.blinds), "digest")
    trial.free(changed(good, sharing=other.sharing), "digest")
    trial.free(changed(good, secret=(1).to_bytes(32, "big")), "opening")
    trial.free(changed(good, pairs=()), "shape")
    trial.free(changed(good, pairs=(wrong,)), "argument")
    trial.free(changed(good, points=b""), "shape")
    trial.free(changed(good, secret=b"\xff" * 32), "decoding")


def test_a_pair_that_is_not_open_or_right(trial: Trial) -> None:
    threshold = trial.world.round.parameters.threshold
    pair = WrongPair(fingerprints=trial.signed(PAIR), shown=trial.shown(OTHER, PAIR))
    held = trial.by_holders(PAIR, OTHER, threshold)
    other = trial.shown(HONEST, PROOF)

    def free(shown: ShownPair, stage: str = "statement") -> None:
        trial.free(changed(pair, shown=shown), stage)

    free(changed(pair.shown, point=other.point), "argument")
    free(changed(pair.shown, pair=Pair(member=OTHER, other=OTHER)))
    free(changed(held, parts=held.parts[1:]), "shape")
    free(changed(held, parts=trial.by_holders(PAIR, OTHER, threshold + 1).parts), "shape")
    free(changed(held, point=other.point), "opening")
    free(changed(held, sharing=trial.by_holders(PROOF, OTHER, 1).sharing), "digest")
    first = changed(held.parts[0], point=other.point)
    free(changed(held, parts=(first, *held.parts[1:])), "argument")
    by_itself = tuple(sorted((changed(held.parts[0], client=PAIR), *held.parts[1:]), key=lambda p: p.client))
    free(changed(held, parts=by_itself))
    free(other)  # not the accused's
    free(trial.shown(PAIR, GONE))  # of no mask that it signed for
    right = WrongPair(fingerprints=trial.signed(HONEST), shown=trial.shown(PAIR, HONEST))
    trial.free(right)


def test_shares_that_are_good_or_not_the_dealers(trial: Trial) -> None:
    bad = trial.blame.judge()[SHARE]
    assert isinstance(bad, BadShare)
    uploads = trial.world.server.unmask()._uploads.kept
    place = trial.world.round.place(SHARE, OTHER)
    trial.free(changed(bad, sharing=uploads[ROW].sharing), "digest")
    trial.free(changed(bad, ciphertext=uploads[SHARE].ciphertexts[place]), "digest")
    trial.free(changed(bad, point=trial.world.server.unmask()._uploads.upload(ROW).points[:32]), "argument")
    trial.free(changed(bad, holder=SHARE))
    trial.free(changed(bad, client=GONE), "digest")
    masker = trial.world.clients[OTHER].masker_of(trial.world.session)
    round = trial.world.round
    key = round.encryption_key(SHARE)
    good = BadShare(
        client=SHARE,
        holder=OTHER,
        point=masking.shared_points(round.suite, masker.encryption.secret, key),
        proof=masking.prove_key(
            round.suite, masker.encryption.secret, round.complaint_context(SHARE, OTHER), key
        ),
        ciphertext=uploads[SHARE].ciphertexts[place],
        sharing=uploads[SHARE].sharing,
    )
    trial.free(good)


def test_what_is_no_evidence() -> None:
    for data in (b"", b"\xa0", b"\x80", b"\xa1\x64kind\x65ready"):
        with pytest.raises(Malformed):
            read_evidence(data)


def test_all_of_them_are_left_out_and_the_others_count(trial: Trial) -> None:
    settle(trial.world, trial.blame)
    assert set(trial.blame.judge()) == {ROW, PROOF, PAIR, SHARE}
