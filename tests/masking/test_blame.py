"""Whoever masks something else than it proved is named by evidence that everybody checks, and the sum of the others is opened; nobody
honest is named; where only silent members could be to blame, nobody is."""

from __future__ import annotations

import numpy as np
import pytest

from fedproof.errors import Refused
from fedproof.round.blame_messages import ConflictRequest, FingerprintRequest, RepairRequest
from fedproof.round.server import Closed
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
from tests.masking.world import MaskedWorld, policy, reader
from tests.round.world import NOW

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
    with pytest.raises(Refused, match="the sum opens"):
        world.server.blame()
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
    world.verified(closed)


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
    asked = blame.asks()
    return [blame.request(), *asked["client-01"]]


def test_only_about_the_set_that_was_opened() -> None:
    world = world_of()
    cheats(world, CHEAT, shifted(world))
    lies_about(world, "client-03", "client-05")
    opened(world)
    good = requests(world)
    assert {type(r) for r in good} == {FingerprintRequest, ConflictRequest, RepairRequest}
    client = world.clients["client-01"]
    for request in good:
        asks(world, request)
        for other in ({"accepted": bytes(32)}, {"session": bytes(32)}):
            with pytest.raises(Refused, match="did not open"):
                asks(world, request.model_copy(update=other))
        masker = client._masker_of(world.session)
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
