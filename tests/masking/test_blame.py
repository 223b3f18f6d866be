"""Whoever masks something else than it proved is named by evidence that everybody checks, and the sum of the others is opened; nobody
honest is named; where only silent members could be to blame, nobody is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from fedproof.encoding import cbor
from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.signed import Signed, sign
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.round.blame_messages import (
    ConflictRequest,
    FailedProof,
    FingerprintRequest,
    HolderPart,
    RepairRequest,
    ShownPair,
    WrongRow,
    read_evidence,
)
from fedproof.round.chain import Chain
from fedproof.round.closing import Closed
from fedproof.round.masked_messages import Pair, RecoveryAnswer
from fedproof.round.masker import Masked
from fedproof.round.record import RecordedUpload, RoundBody, RoundEntry
from fedproof.round.rules import check_partition, named
from fedproof.round.verify import read_total
from tests.masking.blame import (
    blinded,
    cheats,
    fingerprint,
    lies_about,
    opened,
    settle,
    shifted,
    signs_unchecked,
)
from tests.masking.world import ALL, MaskedWorld, key_of, policy, reader
from tests.round.world import BASE_FILE, NOW, POLICY

CHEAT = "client-02"


def judged(world: MaskedWorld, *but: str) -> Closed:
    """Everything after a sum that did not open. but: who answers nothing of it."""
    blame = world.server.blame()
    fingerprint(world, blame, *but)
    settle(world, blame, *but)
    return world.server.close(now=NOW)


def kinds(closed: Closed) -> dict[str, str]:
    """Of evidence, by whom it names."""
    return {d.client: d.stage for d in closed.result.dropped if d.kind == "named"}


def check_repaired(world: MaskedWorld, closed: Closed, named: dict[str, str]) -> None:
    """The sum is that of the others; everybody who reads the record sees why, and honest clients go on from it."""
    assert kinds(closed) == named
    assert not closed.result.void
    report = world.verified(closed)
    assert {d.client for d in report.dropped if d.kind == "named"} == set(named)
    assert closed.result.total is not None
    total = read_total(closed.blobs[closed.result.total], world.server.chain)
    assert np.array_equal(total.values, world.sum(closed))
    for name, client in world.clients.items():
        if name not in named:
            client.adopt(closed.entry, reader(closed))
            assert client.chain.round == 1


def replace_signed(signed: Signed, payload: bytes) -> Signed:
    """Another payload under its signer's signature."""
    key = next(key_of(name) for name in ALL if key_of(name).verify_key.raw == signed.signer)
    signature = key.sign(b"fedproof/v1/signed/fingerprints\0" + payload)
    return Signed(payload=payload, signer=signed.signer, signature=signature)


def world_of(n: int = 8) -> MaskedWorld:
    return MaskedWorld.announced(n, policy())


def test_one_that_answers_for_another_upload_is_named_by_its_proof() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    check_repaired(world, judged(world), {CHEAT: "failed-proof"})


def test_one_that_answers_for_what_it_should_have_uploaded_is_named_by_a_row() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world), knows=False)
    opened(world)
    check_repaired(world, judged(world), {CHEAT: "wrong-row"})


def test_another_blind_is_as_bad() -> None:
    world = world_of()
    cheats(world, CHEAT, blinded)
    opened(world)
    check_repaired(world, judged(world), {CHEAT: "failed-proof"})


@pytest.mark.parametrize("other", ["client-00", "client-05"])
def test_another_mask_than_the_pairs_is_named_by_the_open_pair(other: str) -> None:
    world = world_of()
    lies_about(world, CHEAT, other)
    opened(world)
    check_repaired(world, judged(world), {CHEAT: "wrong-pair"})


def test_both_ends_of_a_conflict_stay_silent_and_holders_open_it() -> None:
    """The honest end is silent, too: its shares and the liar's are enough."""
    world = world_of()
    lies_about(world, CHEAT, "client-05")
    opened(world)
    blame = world.server.blame()
    fingerprint(world, blame)
    settle(world, blame, CHEAT, "client-05")
    check_repaired(world, world.server.close(now=NOW), {CHEAT: "wrong-pair"})


def test_colluders_that_tell_the_same_lie_are_found_when_one_is_named() -> None:
    world = MaskedWorld.announced(12, policy(colluders=2))
    lies_about(world, CHEAT, "client-05")
    lies_about(world, "client-05", CHEAT)
    cheats(world, "client-05", shifted(world))
    opened(world)
    check_repaired(world, judged(world), {CHEAT: "wrong-pair", "client-05": "failed-proof"})


def test_colluders_that_shift_between_each_other_change_nothing() -> None:
    world = world_of()
    lies_about(world, CHEAT, "client-05")
    lies_about(world, "client-05", CHEAT)
    opened(world)
    assert world.server.blame() is None
    closed = world.server.close(now=NOW)
    assert not closed.result.void
    assert len(closed.result.accepted) == 8


def test_a_cheat_that_falls_silent_makes_the_round_void_and_nobody_is_named() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    closed = judged(world, CHEAT)
    assert closed.result.void
    assert kinds(closed) == {}
    world.verified(closed)


def test_one_without_an_answer_before_stays_unnamed() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    world.send_all()
    world.unmask(world.agree(), CHEAT)
    closed = judged(world)
    assert closed.result.void
    assert kinds(closed) == {}


def test_a_silent_member_is_in_the_repaired_sum() -> None:
    """Its pair with the named one is opened by holders of its shares."""
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    world.send_all()
    world.unmask(world.agree(), "client-06")
    check_repaired(world, judged(world), {CHEAT: "failed-proof"})


def test_too_few_are_left_after_the_repair() -> None:
    world = MaskedWorld.announced(7, policy(min_set=7))
    cheats(world, CHEAT, shifted(world))
    opened(world)
    closed = judged(world)
    assert closed.result.void
    assert kinds(closed) == {CHEAT: "failed-proof"}
    assert "without client-02, whom evidence names, 6 are left of at least 7" in str(world.server.unopened)
    world.verified(closed)


def test_a_pair_that_is_open_before_its_end_signs() -> None:
    """Whatever the order, what was signed is compared with what is open."""
    world = world_of()
    lies_about(world, CHEAT, "client-05")
    opened(world)
    blame = world.server.blame()
    fingerprint(world, blame, CHEAT)
    early = conflict(world, CHEAT, "client-05")
    blame.opened(world.clients["client-05"].disclose(world.session, early).to_bytes())
    assert blame.judge() == {}
    blame.receive(signs_unchecked(world, CHEAT, blame.request()))
    assert {n: e.KIND for n, e in blame.judge().items()} == {CHEAT: "wrong-pair"}
    settle(world, blame)
    check_repaired(world, world.server.close(now=NOW), {CHEAT: "wrong-pair"})


def test_one_that_signs_when_the_other_liar_is_named_already() -> None:
    world = MaskedWorld.announced(12, policy(colluders=2))
    lies_about(world, CHEAT, "client-05")
    lies_about(world, "client-05", CHEAT)
    cheats(world, "client-05", shifted(world))
    opened(world)
    blame = world.server.blame()
    fingerprint(world, blame, CHEAT)
    settle(world, blame, CHEAT)
    blame.receive(signs_unchecked(world, CHEAT, blame.request()))
    settle(world, blame)
    check_repaired(world, world.server.close(now=NOW), {CHEAT: "wrong-pair", "client-05": "failed-proof"})


def test_a_mask_that_opens_late_clears_nobody_before() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    world.send_all()
    unmasking = world.agree()
    late = ("client-00", "client-01", "client-03", "client-04")
    world.unmask(unmasking, *late)
    blame = world.server.blame()
    fingerprint(world, blame)
    assert blame.judge() == {}
    for name in late:
        unmasking.answer(world.clients[name].unmask(world.session, unmasking.request(name)).to_bytes())
    assert {n: e.KIND for n, e in blame.judge().items()} == {CHEAT: "failed-proof"}


def test_fingerprints_that_are_too_long_stand_against_nobody() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    blame = world.server.blame()
    signed = signs_unchecked(world, CHEAT, blame.request())
    fields = cbor.decode(signed.payload)
    assert isinstance(fields, dict)
    payload = cbor.encode({**fields, "proof": bytes((1 << 16) + 1)})
    long = replace_signed(signed, payload)
    with pytest.raises(Refused) as refused:
        blame.receive(long)
    assert refused.value.stage == "decoding"
    assert blame.judge() == {}


def test_nothing_is_opened_for_a_sum_of_too_few() -> None:
    world = MaskedWorld.announced(8, policy(min_set=7))
    cheats(world, CHEAT, shifted(world))
    cheats(world, "client-04", shifted(world))
    opened(world)
    blame = world.server.blame()
    fingerprint(world, blame, "client-04")
    (first,) = [r for r in blame.next_requests()["client-01"] if isinstance(r, RepairRequest)]
    client = world.clients["client-01"]
    assert len(client.disclose(world.session, first).parts) == 1
    blame.receive(signs_unchecked(world, "client-04", blame.request()))
    assert set(blame.judge()) == {CHEAT, "client-04"}
    assert blame.next_requests() == {}
    second = first.model_copy(update={"evidence": blame.judge()["client-04"].to_bytes()})
    with pytest.raises(Refused, match="fewer than 7 updates are left") as refused:
        client.disclose(world.session, second)
    assert refused.value.stage == "policy"
    assert len(client.disclose(world.session, first).parts) == 1


def test_other_evidence_than_the_aggregator_signed_for_makes_no_other_record() -> None:
    """The cheat signs once more, as falsely: what a record holds follows from what the aggregator signed."""
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    blame = world.server.blame()
    fingerprint(world, blame)
    settle(world, blame)
    evidence = blame.judge()[CHEAT]
    assert isinstance(evidence, FailedProof)
    again = evidence.model_copy(update={"fingerprints": signs_unchecked(world, CHEAT, blame.request())})
    assert again != evidence
    closed = world.server.close(now=NOW)
    entry = RoundEntry.from_bytes(closed.entry)
    body = RoundBody.from_bytes(closed.blobs[entry.body])
    uploads = tuple(
        u.model_copy(update={"opening": sha256(again.to_bytes())}) if u.client == CHEAT else u
        for u in body.uploads
    )
    forged = body.model_copy(update={"uploads": uploads}).to_bytes()
    blobs = {**closed.blobs, sha256(forged): forged, sha256(again.to_bytes()): again.to_bytes()}
    other = replace(closed, entry=entry.model_copy(update={"body": sha256(forged)}).to_bytes(), blobs=blobs)
    with pytest.raises(Refused, match="otherwise than the result"):
        world.clients["client-01"].adopt(other.entry, reader(other))
    world.clients["client-01"].adopt(closed.entry, reader(closed))


# --- clients open nothing without a reason -------------------------------------------------------------------------------


def conflict(world: MaskedWorld, first: str, second: str) -> ConflictRequest:
    request = FingerprintRequest(session=world.session, accepted=world.server.unmask().fixed.accepted)
    signed = [signs_unchecked(world, name, request) for name in (first, second)]
    return ConflictRequest(
        session=request.session, accepted=request.accepted, first=signed[0], second=signed[1]
    )


def test_a_pair_about_which_both_agree_stays_closed() -> None:
    world = world_of()
    opened(world)
    request = conflict(world, "client-01", "client-03")
    with pytest.raises(Refused, match="signed the same points"):
        world.clients["client-05"].disclose(world.session, request)


def test_ends_come_sorted_so_a_member_alone_is_no_conflict() -> None:
    world = world_of()
    lies_about(world, CHEAT, "client-05")
    opened(world)
    good = conflict(world, CHEAT, "client-05")
    assert len(world.clients["client-01"].disclose(world.session, good).parts) == 1
    for first, second in ((good.second, good.first), (good.first, good.first)):
        request = good.model_copy(update={"first": first, "second": second})
        with pytest.raises(Refused, match="not two members"):
            world.clients["client-01"].disclose(world.session, request)


def asks(world: MaskedWorld, request: FingerprintRequest | ConflictRequest | RepairRequest) -> None:
    client = world.clients["client-01"]
    if isinstance(request, FingerprintRequest):
        client.fingerprints(world.session, request)
    else:
        client.disclose(world.session, request)


def requests(world: MaskedWorld) -> list[FingerprintRequest | ConflictRequest | RepairRequest]:
    """Good ones, after a cheat of each kind."""
    blame = world.server.blame()
    fingerprint(world, blame)
    asked = blame.next_requests()
    return [blame.request(), *asked["client-01"]]


def test_only_about_the_set_that_was_opened() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    lies_about(world, "client-05", "client-01")
    opened(world)
    good = requests(world)
    assert {type(r) for r in good} == {FingerprintRequest, ConflictRequest, RepairRequest}
    client = world.clients["client-01"]
    for request in good:
        asks(world, request)
        for other in ({"accepted": bytes(32)}, {"session": bytes(32)}):
            with pytest.raises(Refused, match="did not open"):
                asks(world, request.model_copy(update=other))
        masker = client.masker_of(world.session)
        masker.answered = False
        with pytest.raises(Refused, match="did not open"):
            asks(world, request)
        masker.answered = True


def test_only_pairs_with_whom_the_evidence_names() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    (repair,) = [r for r in requests(world) if isinstance(r, RepairRequest)]
    for members in ((CHEAT,), ("client-11",)):
        with pytest.raises(Refused, match="not pairs inside the set"):
            asks(world, repair.model_copy(update={"members": members}))
    with pytest.raises(Refused) as refused:
        asks(world, repair.model_copy(update={"evidence": b"\xa0"}))
    assert refused.value.stage == "decoding"


def test_evidence_that_convicts_nobody_opens_nothing() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    (repair,) = [r for r in requests(world) if isinstance(r, RepairRequest)]
    evidence = read_evidence(repair.evidence)
    assert isinstance(evidence, FailedProof)
    upload = world.server.unmask()._uploads.upload("client-03")
    honest = evidence.model_copy(
        update={
            "fingerprints": world.clients["client-03"].fingerprints(
                world.session, world.server.blame().request()
            ),
            "points": upload.points,
            "blinds": upload.blinds,
            "sharing": upload.sharing,
            "secret": world.server.unmask().self_secret("client-03"),
            "pairs": world.server.unmask().opened["client-03"].pairs,
        }
    )
    framing = repair.model_copy(update={"evidence": honest.to_bytes(), "members": ("client-01",)})
    with pytest.raises(Refused, match="the proof holds") as refused:
        asks(world, framing)
    assert (refused.value.subject, refused.value.stage) == ("evidence", "statement")


# --- the aggregator takes no false answer --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def disputed() -> MaskedWorld:
    """A round in which a pair is to be opened, and nothing of it is yet. Client 7 uploads nothing."""
    world = MaskedWorld.announced(9, policy())
    lies_about(world, CHEAT, "client-05")
    world.send_all("client-07")
    world.unmask(world.agree("client-06"), "client-06")
    fingerprint(world, world.server.blame())
    return world


def answer_of(world: MaskedWorld, name: str) -> RecoveryAnswer:
    request = conflict(world, CHEAT, "client-05")
    return world.clients[name].disclose(world.session, request)


def test_answers_that_are_none(disputed: MaskedWorld) -> None:
    blame, good = disputed.server.blame(), answer_of(disputed, "client-01")
    with pytest.raises(Refused) as refused:
        blame.opened(b"\xa0")
    assert refused.value.stage == "decoding"
    for update in ({"session": bytes(32)}, {"client": "client-07"}):
        with pytest.raises(Refused, match="not of a member"):
            blame.opened(good.model_copy(update=update).to_bytes())
    outside = Pair(member=CHEAT, other="client-07")
    part = good.parts[0].model_copy(update={"pair": outside})
    with pytest.raises(Refused, match="no pair inside the set"):
        blame.opened(good.model_copy(update={"parts": (part,)}).to_bytes())


@pytest.mark.parametrize("name", [CHEAT, "client-05", "client-01"])
def test_a_point_that_is_not_proved(disputed: MaskedWorld, name: str) -> None:
    """By one end, the other, and a holder of shares."""
    good, other = answer_of(disputed, name), disputed.round.mask_key("client-03")
    part = good.parts[0].model_copy(update={"point": other})
    with pytest.raises(Refused, match="key proof"):
        disputed.server.blame().opened(good.model_copy(update={"parts": (part,)}).to_bytes())


def test_only_the_first_fingerprints_of_a_member_that_opened_the_set_count(disputed: MaskedWorld) -> None:
    blame = disputed.server.blame()
    first = blame._told["client-01"]
    told = first[1].model_copy(update={"proof": b""})
    assert blame.receive(sign(told, key_of("client-01"))) == "client-01"
    assert blame._told["client-01"] == first
    absent = told.model_copy(
        update={
            "client": "client-06",
            "pairs": tuple(
                p.model_copy(update={"client": n})
                for p, n in zip(told.pairs, blame._fixed.inside("client-06"), strict=True)
            ),
        }
    )
    assert blame.receive(sign(absent, key_of("client-06"))) == "client-06"
    assert "client-06" not in blame._told
    assert blame.judge() == {}


# --- a record that names somebody ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Nonsense:
    """In place of evidence."""

    KIND = "failed-proof"

    def to_bytes(self) -> bytes:
        return b"\xa0"


@pytest.mark.parametrize(
    ("how", "stage", "detail"),
    [
        ("somebody else's", "statement", "names somebody else"),
        ("another kind", "statement", "otherwise than the result"),
        ("nonsense", "decoding", "not a message|no kind"),
        ("none", "shape", "without evidence"),
        ("another upload's parts", "digest", "not the one in the signed header"),
    ],
)
def test_a_record_whose_evidence_does_not_convict_is_refused(
    how: str, stage: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    blame = world.server.blame()
    fingerprint(world, blame)
    settle(world, blame)
    evidence: dict[str, object] = dict(blame.judge())
    if how == "somebody else's":
        evidence["client-03"] = evidence[CHEAT]
    if how == "nonsense":
        evidence["client-03"] = Nonsense()
    monkeypatch.setattr(blame, "judge", lambda: dict(evidence))
    if how == "another kind":
        monkeypatch.setattr(
            "fedproof.round.closing.named", lambda client, _, evidence: named(client, "wrong-row", evidence)
        )
    if how == "none":
        honest = RecordedUpload
        monkeypatch.setattr(
            "fedproof.round.closing.RecordedUpload",
            lambda opening, **rest: honest(opening=None, **rest),
        )
    if how == "another upload's parts":
        received = world.server._received
        received[CHEAT] = replace(received[CHEAT], points=received["client-03"].points)
    closed = world.server.close(now=NOW)
    with pytest.raises(Refused, match=detail) as refused:
        world.verified(closed)
    assert refused.value.stage == stage
    with pytest.raises(Refused):
        world.clients["client-01"].adopt(closed.entry, reader(closed))


def test_one_that_is_named_for_an_upload_that_it_did_not_make_says_so() -> None:
    """Its key was stolen. Evidence convicts the key; the client itself does not follow a record of which it knows better."""
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    closed = judged(world)
    with pytest.raises(Refused, match="in this client's name that it did not make"):
        world_of().clients[CHEAT].adopt(closed.entry, reader(closed))
    world.clients[CHEAT].adopt(closed.entry, reader(closed))


def test_nobody_is_named_where_nothing_is_masked() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    opened(world)
    closed = judged(world)
    clear = Chain.start(Policy.parse(POLICY), BASE_FILE)
    with pytest.raises(Refused, match="where nothing is masked"):
        check_partition(world.server.announcement, closed.result, clear)


# --- rows ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 130, 299])
def test_any_row_convicts(at: int) -> None:
    """Three rows, the last one short."""
    arrays = {"w": np.zeros(300, np.float32)}
    base = serialise(arrays, Layout.of_arrays(arrays))
    text = POLICY.replace(sha256(BASE_FILE).hex(), sha256(base).hex()) + "[masking]\nenabled = true\n"
    world = MaskedWorld.announced(7, at=Chain.start(Policy.parse(text), base))
    assert world.round.shape.rows == 3
    width = world.round.parameters.width

    def change(made: Masked) -> Masked:
        rows = bytearray(made.rows)
        rows[at * width] ^= 1
        return replace(made, rows=bytes(rows))

    cheats(world, CHEAT, change, knows=False)
    x = np.arange(300) % 11 - 5
    for name in world.clients:
        assert world.send(world.upload(name, x))[0]
    world.unmask(world.agree())
    closed = judged(world)
    assert kinds(closed) == {CHEAT: "wrong-row"}
    assert not closed.result.void
    world.verified(closed)
    evidence = world.server.blame().judge()[CHEAT]
    assert isinstance(evidence, WrongRow)
    assert evidence.number == at // 128


def test_a_pair_is_opened_in_one_way() -> None:
    pair, point = Pair(member="a", other="b"), bytes(32)
    part = HolderPart(client="c", point=point, proof=bytes(64))
    for wrong in ({}, {"proof": bytes(64), "parts": (part,)}, {"parts": (part,)}):
        with pytest.raises(ValueError, match="by an end, or by parts"):
            ShownPair(pair=pair, point=point, **wrong)  # type: ignore[arg-type]


def test_bits_of_a_carry_and_the_seed_that_hides_a_fingerprint() -> None:
    round = world_of().round
    # w_max·d·q·B + k + 2 of the tests' policy: 10 · 35 · (2^32 − 5) · 1000 + 7 + 2
    assert (round.shape.d, round.parameters.modulus) == (35, (1 << 32) - 5)
    assert 1 << round.carry_bits - 1 <= 350_000 * ((1 << 32) - 5) + 9 < 1 << round.carry_bits
    known = replace(round, session=b"\x01" * 32)
    seed = known.blind_seed("bob", "ada", b"\x02" * 32, b"\x03" * 32)
    assert seed == known.blind_seed("ada", "bob", b"\x02" * 32, b"\x03" * 32)
    assert seed.hex() == "20750a20579f785b24f6530456bc472d79750abeeccb4b6352052c342b5e4e77"
