"""Masked rounds that go as they should, with as many drop-outs as the policy tolerates, and with more."""

from __future__ import annotations

import numpy as np
import pytest

from fedproof.errors import Refused
from fedproof.policy.masking import MODULI, MaskParameters
from fedproof.policy.policy import Policy
from fedproof.proofs import masking
from fedproof.round.masker import Masker
from fedproof.round.messages import Total
from fedproof.round.rules import check_partition
from fedproof.round.server import Server
from tests.masking.world import (
    ALL,
    ROSTER,
    ROSTER_DIGEST,
    MaskedWorld,
    chain,
    client,
    numbers,
    policy,
    reader,
)
from tests.round import world as clear
from tests.round.world import AGGREGATOR, LAYOUT, NOW, POLICY


def total(closed):
    return np.frombuffer(Total.from_bytes(closed.blobs[closed.result.total]).values, "<i8")


def test_the_sum_and_nothing_else_is_opened():
    world = MaskedWorld.announced()
    closed = world.run()
    assert not closed.result.void
    assert (total(closed) == world.sum(closed)).all()
    report = world.verified(closed)
    assert [c for c, _ in report.accepted] == list(world.clients)
    for name, each in world.clients.items():
        each.adopt(closed.entry, reader(closed))
        assert each.chain.state == closed.chain.state, name
    assert (closed.chain.W != world.server.chain.W).any()


@pytest.mark.parametrize("step", ["upload", "agree", "unmask", "recover"])
@pytest.mark.parametrize("agree_first", [True, False])
def test_one_is_silent(step, agree_first):
    """From any step on; whoever uploaded is in the sum all the same."""
    world = MaskedWorld.announced(held=policy(agree_first=agree_first))
    closed = world.run({ALL[2]: step})
    assert not closed.result.void
    assert (total(closed) == world.sum(closed)).all()
    assert ([d.client for d in closed.result.dropped] == [ALL[2]]) == (step == "upload")
    world.verified(closed)


def test_one_never_uploads_and_another_falls_silent():
    """The mask between the two is opened by neither: shares open it."""
    world = MaskedWorld.announced(9, policy(colluders=1, silent=2))
    closed = world.run({ALL[2]: "upload", ALL[5]: "agree"})
    assert not closed.result.void
    assert (total(closed) == world.sum(closed)).all()
    unmasking = world.server.unmask()
    assert unmasking.silent == [ALL[5]]
    assert [(p.member, p.other) for p in unmasking.recovery().pairs] == [(ALL[5], ALL[2])]


def test_more_are_silent_than_the_policy_tolerates():
    world = MaskedWorld.announced()
    closed = world.run(dict.fromkeys(ALL[:4], "unmask"))
    assert closed.result.void
    assert len(closed.result.accepted) == 7
    assert closed.result.total is None
    assert closed.chain.state == world.server.chain.state
    assert "3 of the 4 shares" in world.server.unopened.detail
    report = world.verified(closed)
    assert report.void
    world.clients[ALL[5]].adopt(closed.entry, reader(closed))


def test_too_few_uploads_open_nothing():
    world = MaskedWorld.announced()
    closed = world.run(dict.fromkeys(ALL[:4], "upload"))
    assert closed.result.void
    assert len(closed.result.accepted) == 3
    with pytest.raises(Refused, match="3 accepted, at least 4"):
        world.server.unmask()
    assert all(not each.releases for each in world.clients.values())


def test_no_upload_counts_once_the_set_is_fixed():
    """Whoever is in the set and did not see its verdict still gets it."""
    world = MaskedWorld.announced()
    world.send_all(ALL[2], ALL[3])
    earlier, late = world.upload(ALL[3]), world.upload(ALL[2])
    assert world.send(earlier)[0]
    members = world.server.unmask().members
    with pytest.raises(
        Refused, match="upload of client-02 in round 0 refused at deadline: the accepted set is fixed"
    ):
        world.server.receive(late.to_bytes())
    assert world.send(earlier)[0]
    assert world.server.unmask().members == members == set(ALL[:7]) - {ALL[2]}


def test_a_result_that_counts_a_small_set():
    """Enough for `min_accepted`, and not for `min_set`: everybody who reads the record refuses a sum of it."""
    world = MaskedWorld.announced()
    closed = world.run(dict.fromkeys(ALL[:4], "upload"))
    assert world.server.chain.policy.round.min_accepted <= len(closed.result.accepted) == 3
    forged = closed.result.model_copy(update={"void": False})
    with pytest.raises(Refused, match="3 accepted, at least 4 asked for"):
        check_partition(world.server.announcement, forged, world.server.chain)


def test_steps_out_of_order():
    world = MaskedWorld.announced()
    with pytest.raises(Refused, match="bytes are more than an upload can have"):
        world.server.receive(bytes(world.server._uploads.limit() + 1))
    with pytest.raises(Refused, match="not announced"):
        Server(AGGREGATOR, chain(), ROSTER, ROSTER_DIGEST).unmask()
    with pytest.raises(Refused, match="this round is not masked"):
        clear.World.announced().server.unmask()
    masker = Masker.generate(world.server.chain.suite, "tests", 0, 0, ALL[0])
    with pytest.raises(Refused, match="no announcement was answered"):
        masker.apply(None, None, 1)


def test_the_aggregator_alone_opens_nothing():
    """Before anybody answers there is not one share; one answer less than the threshold is as good as none."""
    world = MaskedWorld.announced()
    world.send_all()
    unmasking = world.agree()
    with pytest.raises(Refused, match="0 of the 4 shares that open client-00's own mask"):
        unmasking.total()
    for name in ALL[:3]:
        unmasking.answer(world.clients[name].unmask(world.session, unmasking.request(name)).to_bytes())
    with pytest.raises(Refused, match="of the 4 shares that open client-00's own mask"):
        unmasking.total()


def test_who_did_not_agree_is_told_apart_from_who_did_not_open():
    """Those who refuse to open a set to which too few agreed did nothing wrong."""
    world = MaskedWorld.announced()
    closed = world.run(dict.fromkeys(ALL[4:7], "agree"))
    assert closed.result.void
    told = str(world.server.unopened)
    assert "client-04, client-05, client-06, 3 clients in all did not agree to the set; " in told
    assert told.endswith(
        "client-00, client-01, client-02, client-03, 4 clients in all did not open it (masking.silent is 1)"
    )


def test_an_update_looks_another_way_each_time():
    """What hides it is in `test_transcript`: here, that nothing of the masks is used twice."""
    rows = []
    for _ in range(2):
        world = MaskedWorld.announced()
        q = world.round.parameters.modulus
        rows.append(masking.integers(q, masking.unpack(q, LAYOUT.size, world.upload(ALL[0]).masked)))
    assert (rows[0] != rows[1]).all()
    assert np.abs(rows[0]).max() > q // 8  # masks have the modulus' length: by chance less once in 4^35 times
    assert (rows[0] != world.weights[ALL[0]] * numbers(ALL[0])).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sum_has_its_place(sign: int):
    """All at their bound with the largest weight that the smallest modulus takes."""
    bound, weight = 32767, 9362
    largest = POLICY.replace("= 1000", f"= {bound}").replace("= 3000", f"= {bound}")
    masks = "[masking]\nenabled = true\nmax_clients = 7\n"
    for most, width in ((weight, 4), (weight + 1, 5)):
        held = Policy.parse(largest.replace("max = 10 ", f"max = {most} ") + masks)
        assert MaskParameters.of(held.masking, bound, most, 7).width == width
    at = chain(Policy.parse(largest.replace("max = 10 ", f"max = {weight} ") + masks))
    world = MaskedWorld.of({n: client(n, at) for n in ALL[:7]}, at, weights=dict.fromkeys(ALL, weight))
    x = np.zeros(LAYOUT.size, np.int64)
    x[4] = sign * bound
    for name in world.clients:
        assert world.send(world.upload(name, x))[0]
    world.unmask(world.agree())
    assert (total(world.server.close(now=NOW)) == 7 * weight * x).all()


@pytest.mark.parametrize("q", MODULI)
def test_residues_stand_for_integers_to_half_the_modulus(q: int):
    half = q // 2
    told = masking.integers(q, np.array([0, 1, half, half + 1, q - 1], np.uint64))
    assert list(told) == [0, 1, half, -half, -1]


def test_two_rounds_and_the_second_has_other_keys():
    world = MaskedWorld.announced()
    closed = world.run()
    keys = {c.ready(1).digest() for c in world.clients.values()}
    for each in world.clients.values():
        each.adopt(closed.entry, reader(closed))
        assert not each.attempts
    following = MaskedWorld.of(world.clients, closed.chain)
    assert not keys & {p.ready.digest() for p in following.server.announcement.participants}
    second = following.run({ALL[3]: "unmask"})
    assert (total(second) == following.sum(second)).all()


def test_the_same_ready_twice():
    """A client that is asked again says the same: other keys would be another client's word against its own."""
    one = client(ALL[0], chain())
    assert one.ready(2) == one.ready(2)


def test_masks_of_one_round_hide_one_update():
    world = MaskedWorld.announced()
    world.upload(ALL[0])
    with pytest.raises(Refused, match="answered already"):
        world.upload(ALL[0], numbers(ALL[1]))
    with pytest.raises(Refused, match="used already"):
        world.forced(ALL[0], numbers(ALL[1]))


def test_one_sum_from_one_base_model():
    """A void round after its sum was opened to the aggregator: with another set, the difference would be somebody's update."""
    world = MaskedWorld.announced()
    closed = world.run(dict.fromkeys(ALL[:4], "unmask"))
    assert closed.result.void
    for name, each in world.clients.items():
        each.adopt(closed.entry, reader(closed))
        if name in ALL[:4]:
            each.ready(1)
        else:
            with pytest.raises(Refused, match="helped to open 1 sum from this base model"):
                each.ready(1)


def test_a_sum_that_moves_nothing():
    """The next round has the same base model, and two sums of it could differ by one client's update."""
    world = MaskedWorld.announced()
    for name in world.clients:
        assert world.send(world.upload(name, np.zeros(LAYOUT.size, np.int64)))[0]
    world.unmask(world.agree())
    closed = world.server.close(now=NOW)
    assert not closed.result.void
    for each in world.clients.values():
        each.adopt(closed.entry, reader(closed))
        with pytest.raises(Refused, match="helped to open 1 sum from this base model"):
            each.ready(1)


def test_one_sum_from_one_base_model_of_two_attempts():
    """Keys for a later attempt that were made before the first sum was opened do not open a second one."""
    first = MaskedWorld.announced()
    second = MaskedWorld.of(first.clients, first.server.chain, attempt=1)
    first.send_all()
    first.unmask(first.agree())
    second.send_all()
    unmasking = second.agree()
    for name, each in second.clients.items():
        with pytest.raises(
            Refused, match=r"unmask-request .* at policy: .* helped to open 1 sum from this base"
        ):
            each.unmask(second.session, unmasking.request(name))
        assert each.releases == 1


def test_the_same_request_again_costs_nothing_more():
    world = MaskedWorld.announced()
    world.send_all()
    unmasking = world.agree()
    world.unmask(unmasking)
    world.unmask(unmasking)
    assert all(each.releases == 1 for each in world.clients.values())


def test_a_policy_that_allows_two_sums_from_one_base_model():
    world = MaskedWorld.announced(held=policy(max_releases_per_base=2))
    closed = world.run(dict.fromkeys(ALL[:4], "unmask"))
    for each in world.clients.values():
        each.adopt(closed.entry, reader(closed))
    following = MaskedWorld.of(world.clients, closed.chain)
    assert not following.run().result.void


def test_who_never_agreed_to_a_set_adopts_the_record_all_the_same():
    """Its upload was lost, or it was not asked: it saw no sum, and has nothing to compare."""
    world = MaskedWorld.announced(8)
    world.send_all(ALL[0])
    unmasking = world.agree(ALL[1])
    world.unmask(unmasking, ALL[1])
    world.recover(unmasking, ALL[1])
    closed = world.server.close(now=NOW)
    assert not closed.result.void
    for name in ALL[:3]:
        world.clients[name].check(world.announcement, now=NOW)
        world.clients[name].adopt(closed.entry, reader(closed))
        assert world.clients[name].chain.round == 1
