"""An aggregator that lies to clients about the set, the agreement, the sharings or who is silent. What the quorums are for is shown by the
attack that works without them."""

from __future__ import annotations

import numpy as np
import pytest

from fedproof.encoding.digest import ZERO
from fedproof.errors import Refused
from fedproof.identity.signed import sign
from fedproof.policy.policy import Policy
from fedproof.proofs import Opening, commit, masking
from fedproof.round.masked import MaskedRound
from fedproof.round.masked_messages import AcceptedSet, Acknowledgement, FromClient, Pair, RecoveryRequest
from fedproof.round.masker import Masker
from fedproof.round.server import Server
from fedproof.round.unmasking import Unmasking
from tests.masking.world import (
    ALL,
    ROSTER,
    ROSTER_DIGEST,
    MaskedWorld,
    chain,
    client,
    key_of,
    numbers,
    policy,
    reader,
)
from tests.round.world import AGGREGATOR, LAYOUT, NOW, POLICY, STRANGER

SCALARS = {"pallas-keccak-ed25519-v1": 0x40000000000000000000000000000000224698FC0994A8DD8C46EB2100000001}
"""Orders of suites' groups."""


def refused(stage: str, match: str):
    return pytest.raises(Refused, match=f"refused at {stage}: .*{match}")


@pytest.fixture
def world() -> MaskedWorld:
    """All seven uploaded."""
    made = MaskedWorld.announced()
    made.send_all()
    return made


def signed_set(world: MaskedWorld, **changed: object):
    full = world.server.unmask().accepted.open(AcceptedSet, AGGREGATOR.verify_key)
    return sign(full.model_copy(update=changed), AGGREGATOR)


# --- the set -------------------------------------------------------------------------------------------------------


def test_a_set_that_somebody_else_signed(world):
    full = world.server.unmask().accepted.open(AcceptedSet, AGGREGATOR.verify_key)
    with refused("signature", "signed by another key"):
        world.clients[ALL[0]].acknowledge(world.session, sign(full, STRANGER))


def test_a_set_of_another_session(world):
    with refused("statement", "another session"):
        world.clients[ALL[0]].acknowledge(world.session, signed_set(world, session=ZERO))
    with refused("statement", "no session that this client takes part in"):
        world.clients[ALL[0]].acknowledge(ZERO, signed_set(world))


def test_a_set_without_the_client(world):
    with refused("statement", "does not hold the upload that this client made"):
        world.clients[ALL[0]].acknowledge(world.session, world.set_of(*ALL[1:7]))


def test_a_set_with_another_upload_in_the_clients_name(world):
    """Of a signature by its own key: a header that it did not make in this process."""
    full = world.server.unmask().accepted.open(AcceptedSet, AGGREGATOR.verify_key)
    header = world.round.open_header(full.headers[0].signed, ALL[0])
    other = sign(header.model_copy(update={"masked": ZERO}), key_of(ALL[0]))
    headers = (FromClient(client=ALL[0], signed=other), *full.headers[1:])
    with refused("statement", "does not hold the upload that this client made"):
        world.clients[ALL[0]].acknowledge(world.session, signed_set(world, headers=headers))


def test_a_header_that_its_client_did_not_sign(world):
    full = world.server.unmask().accepted.open(AcceptedSet, AGGREGATOR.verify_key)
    header = world.round.open_header(full.headers[1].signed, ALL[1])
    for forged in (sign(header, AGGREGATOR), full.headers[2].signed):
        headers = (full.headers[0], FromClient(client=ALL[1], signed=forged), *full.headers[2:])
        with refused("signature", ""):
            world.clients[ALL[0]].acknowledge(world.session, signed_set(world, headers=headers))


def test_a_header_of_a_clear_upload_or_another_session(world):
    full = world.server.unmask().accepted.open(AcceptedSet, AGGREGATOR.verify_key)
    header = world.round.open_header(full.headers[1].signed, ALL[1])
    clear = {"opening": ZERO, "masked": None, "blinds": None, "sharing": None}
    for changed in (clear, {"session": ZERO}, {"client": ALL[2]}):
        forged = sign(header.model_copy(update=changed), key_of(ALL[1]))
        headers = (full.headers[0], FromClient(client=ALL[1], signed=forged), *full.headers[2:])
        with refused("statement", "not of a masked upload of the session"):
            world.clients[ALL[0]].acknowledge(world.session, signed_set(world, headers=headers))


def test_a_member_that_is_no_participant(world):
    full = world.server.unmask().accepted.open(AcceptedSet, AGGREGATOR.verify_key)
    header = world.round.open_header(full.headers[1].signed, ALL[1])
    sybil = FromClient(
        client=ALL[9], signed=sign(header.model_copy(update={"client": ALL[9]}), key_of(ALL[9]))
    )
    with refused("trust", "not a participant"):
        world.clients[ALL[0]].acknowledge(world.session, signed_set(world, headers=(*full.headers, sybil)))


def test_members_twice_or_out_of_order(world):
    full = world.server.unmask().accepted.open(AcceptedSet, AGGREGATOR.verify_key)
    for headers in (full.headers[::-1], (*full.headers, full.headers[-1])):
        with refused("decoding", "sorted by name, each once"):
            world.clients[ALL[0]].acknowledge(world.session, signed_set(world, headers=headers))


def test_a_small_set(world):
    with refused("policy", "3 updates, a sum of fewer than 4 is not opened"):
        world.clients[ALL[0]].acknowledge(world.session, world.set_of(*ALL[:3]))


def test_a_set_below_what_every_round_asks_for():
    """`round.min_accepted` holds where it is above `min_set`."""
    text = POLICY.replace("min_accepted = 2", "min_accepted = 6")
    world = MaskedWorld.announced(held=Policy.parse(text + "\n[masking]\nenabled = true"))
    world.send_all()
    with refused("policy", "5 updates, a sum of fewer than 6 is not opened"):
        world.clients[ALL[0]].acknowledge(world.session, world.set_of(*ALL[:5]))


def test_a_set_with_few_of_the_clients_neighbours(world):
    """Large enough for min_set, and yet most of the client's masks would be opened by itself."""
    with refused("policy", "fewer than 4 of this client's neighbours are in the set"):
        world.clients[ALL[0]].acknowledge(world.session, world.set_of(*ALL[:4]))
    world.clients[ALL[0]].acknowledge(world.session, world.set_of(*ALL[:5]))


def test_a_second_set(world):
    first, second = world.set_of(*ALL[:6]), world.set_of(*ALL[:7])
    one = world.clients[ALL[0]]
    assert one.acknowledge(world.session, first) == one.acknowledge(world.session, first)
    with refused("statement", "a second, different set in one session"):
        one.acknowledge(world.session, second)
    with refused("statement", "a second, different set in one session"):
        one.unmask(world.session, world.request_of(second, ALL[0], {}))


# --- the agreement -------------------------------------------------------------------------------------------------


def agreed(world: MaskedWorld, accepted, *names: str):
    return {n: world.clients[n].acknowledge(world.session, accepted) for n in names}


def test_opening_before_others_agreed(world):
    everybody = world.set_of(*ALL[:7])
    with refused("policy", "fewer than 4 of this client's neighbours agreed"):
        world.clients[ALL[0]].unmask(world.session, world.request_of(everybody, ALL[0], {}))
    three = agreed(world, everybody, *ALL[1:4])
    own = agreed(world, everybody, ALL[0])  # its own does not count
    with refused("policy", "fewer than 4 of this client's neighbours agreed"):
        world.clients[ALL[0]].unmask(world.session, world.request_of(everybody, ALL[0], three | own))
    assert world.clients[ALL[0]].releases == 0
    four = agreed(world, everybody, *ALL[1:5])
    world.clients[ALL[0]].unmask(world.session, world.request_of(everybody, ALL[0], four))
    assert world.clients[ALL[0]].releases == 1


def test_agreement_to_another_set_or_by_somebody_else(world):
    everybody, six = world.set_of(*ALL[:7]), world.set_of(*ALL[:6])
    others = agreed(world, six, *ALL[1:6])
    with refused("policy", "neighbours agreed"):
        world.clients[ALL[0]].unmask(world.session, world.request_of(everybody, ALL[0], others))
    last = agreed(world, everybody, ALL[6])[ALL[6]]
    passed_off = dict.fromkeys(ALL[1:6], last)  # one client's word under five names
    with refused("policy", "neighbours agreed"):
        world.clients[ALL[0]].unmask(world.session, world.request_of(everybody, ALL[0], passed_off))


def test_agreement_of_somebody_outside_the_set(world):
    """A participant that is not in the set has nothing to lose by it: its word does not count."""
    six = world.set_of(*ALL[:6])
    accepted = six.open(AcceptedSet, AGGREGATOR.verify_key).digest()
    outsider = sign(Acknowledgement(session=world.session, client=ALL[6], accepted=accepted), key_of(ALL[6]))
    three = agreed(world, six, *ALL[1:4])
    with refused("policy", "fewer than 4 of this client's neighbours agreed"):
        world.clients[ALL[0]].unmask(world.session, world.request_of(six, ALL[0], three | {ALL[6]: outsider}))


# --- what is delivered ---------------------------------------------------------------------------------------------


def changed_request(world: MaskedWorld, name: str, change):
    """A request for the whole set in which one delivery was changed by the aggregator."""
    request = world.agree().request(name)
    return request.model_copy(update={"deliveries": change(request.deliveries)})


def test_deliveries_that_are_missing_twice_or_swapped(world):
    for change in (lambda d: d[1:], lambda d: (*d, d[-1]), lambda d: d[::-1]):
        with refused("statement", "not one delivery from each neighbour"):
            world.clients[ALL[0]].unmask(world.session, changed_request(world, ALL[0], change))


def test_a_sharing_that_its_dealer_did_not_sign(world):
    def of_another(deliveries):
        first, second, *rest = deliveries
        return (first.model_copy(update={"sharing": second.sharing}), second, *rest)

    with refused("digest", "not what its dealer signed"):
        world.clients[ALL[0]].unmask(world.session, changed_request(world, ALL[0], of_another))


def test_a_ciphertext_that_its_dealer_did_not_sign(world):
    """Else the aggregator could make an honest dealer look like one that sealed nonsense."""

    def flipped(deliveries):
        first, *rest = deliveries
        return (first.model_copy(update={"ciphertext": first.ciphertext[::-1]}), *rest)

    with refused("digest", "the ciphertext is not what its dealer signed"):
        world.clients[ALL[0]].unmask(world.session, changed_request(world, ALL[0], flipped))


# --- pairs of silent members ---------------------------------------------------------------------------------------


@pytest.fixture
def recovering() -> MaskedWorld:
    """Nine; the third never uploaded, the sixth is silent after that. All others answered."""
    world = MaskedWorld.announced(9, policy(silent=2))
    world.send_all(ALL[2])
    unmasking = world.agree(ALL[5])
    world.unmask(unmasking, ALL[5])
    return world


def changed_recovery(world: MaskedWorld, **changed: object) -> RecoveryRequest:
    request = world.server.unmask().recovery()
    assert request is not None
    return request.model_copy(update=changed)


def test_a_pair_inside_or_outside_the_set(recovering):
    one = recovering.clients[ALL[0]]
    for member, outsider in ((ALL[5], ALL[1]), (ALL[2], ALL[5]), (ALL[2], ALL[2])):
        request = changed_recovery(recovering, pairs=(Pair(member=member, other=outsider),))
        with refused("statement", "only a pair across the edge of the set"):
            one.recover(recovering.session, request)


def test_a_pair_with_a_stranger(recovering):
    one = recovering.clients[ALL[0]]
    request = changed_recovery(recovering, pairs=(Pair(member=ALL[5], other=ALL[10]),))
    with refused("statement", "no pair of neighbours"):
        one.recover(recovering.session, request)


def test_recovery_where_few_agreed(recovering):
    request = recovering.server.unmask().recovery()
    few = request.acknowledgements[: recovering.round.parameters.threshold - 1]
    with refused("policy", "neighbours of client-05 agreed to this set"):
        recovering.clients[ALL[0]].recover(
            recovering.session, changed_recovery(recovering, acknowledgements=few)
        )


def test_recovery_of_another_set_or_session(recovering):
    for changed in ({"accepted": ZERO}, {"session": ZERO}):
        with refused("statement", "about a set that this client did not open"):
            recovering.clients[ALL[0]].recover(recovering.session, changed_recovery(recovering, **changed))


def test_recovery_before_the_client_opened_the_set():
    world = MaskedWorld.announced(9, policy(silent=2))
    world.send_all(ALL[2])
    unmasking = world.agree(ALL[5])
    world.unmask(unmasking, ALL[5], ALL[0])
    with refused("statement", "about a set that this client did not open"):
        world.clients[ALL[0]].recover(world.session, unmasking.recovery())


# --- the record ----------------------------------------------------------------------------------------------------


def test_a_colluder_chosen_after_the_sum_was_seen(monkeypatch):
    """Who knows the sum, and one update in it, knows the sum without it. The record of that holds, but nobody agreed to that set: so
    nobody's update is left out, or another one put in its place, once it was seen what the others add up to."""
    world, colluder, openings = MaskedWorld.announced(8), ALL[3], {}

    def remembered(suite, x):
        commitment, opening = commit(suite, x)
        openings[len(openings)] = opening
        return commitment, opening

    with monkeypatch.context() as patch:
        patch.setattr("fedproof.round.client.commit", remembered)
        uploads = {name: world.upload(name) for name in world.clients}
    for upload in uploads.values():
        assert world.send(upload)[0]
    world.unmask(world.agree())
    honest = world.server.close(now=NOW)
    total, own = world.server.unmask().total(), openings[3]
    weight, suite = world.weights[colluder], world.round.suite
    minus = (-weight) % SCALARS[suite]
    blinds = b"".join(
        (int.from_bytes(own.blinds[at : at + 32], "big") * minus % SCALARS[suite]).to_bytes(32, "big")
        for at in range(0, len(own.blinds), 32)
    )
    without = Opening(total.values - weight * own.values, masking.sum_blinds(suite, [total.blinds, blinds]))
    again = Server(AGGREGATOR, world.server.chain, ROSTER, ROSTER_DIGEST)
    again.resume(world.announcement)
    for name, upload in uploads.items():
        if name != colluder:
            again.receive(upload.to_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(Unmasking, "total", lambda _: without)
        forged = again.close(now=NOW)
    assert not forged.result.void
    assert not world.verified(forged).void
    with refused("statement", "other uploads than those of the set that this client agreed to"):
        world.clients[ALL[0]].adopt(forged.entry, reader(forged))
    world.clients[ALL[0]].adopt(honest.entry, reader(honest))


# --- announcements -------------------------------------------------------------------------------------------------


def test_a_second_announcement_of_the_same_keys():
    world = MaskedWorld.announced()
    other = sign(world.server.announcement.model_copy(update={"nonce": ZERO}), AGGREGATOR)
    one = world.clients[ALL[0]]
    one.check(world.announcement, now=NOW)
    with refused("statement", "a second announcement of the same round and attempt"):
        one.check(other, now=NOW)
    one.attempts[
        0, 0
    ].session = None  # of a client that lost this part of its memory, the keys know all the same
    with refused("statement", "a second announcement of the same keys"):
        one.check(other, now=NOW)


def test_keys_that_the_client_has_no_more():
    world = MaskedWorld.announced()
    one = world.clients[ALL[0]]
    one.attempts[0, 0].masker = None
    with refused("statement", "has no keys for it"):
        one.check(world.announcement, now=NOW)
    one.ready(world.weights[ALL[0]])
    with refused("statement", "names other keys than this client has"):
        one.check(world.announcement, now=NOW)


def test_too_few_participants_for_the_policy():
    at = chain()
    with refused(
        "policy", "6 participants; with 1 that may collude and 1 that may fall silent a masked round needs 7"
    ):
        MaskedWorld.of({n: client(n, at) for n in ALL[:6]}, at)


# --- what the checks are for ---------------------------------------------------------------------------------------


def isolate(world: MaskedWorld, victim: str) -> np.ndarray:
    """One client's update, by showing different sets: the victim one with two others, these two one without it, and all others everybody.
    Each opens the masks on the victim that its own set leaves there."""
    near = [n for n in world.clients if n != victim][:2]
    close, rest = world.set_of(victim, *near), world.set_of(*(n for n in world.clients if n != victim))
    shown = {n: rest if n in near else world.set_of(*world.clients) for n in world.clients} | {victim: close}
    said = {n: each.acknowledge(world.session, shown[n]) for n, each in world.clients.items()}
    points, shares = {}, {}
    for name, each in world.clients.items():
        answer = each.unmask(
            world.session,
            world.request_of(shown[name], name, {n: s for n, s in said.items() if shown[n] == shown[name]}),
        )
        for pair in answer.pairs:
            if victim in (name, pair.client):
                points[pair.client if name == victim else name] = pair.point
        for share in answer.shares:
            if share.client == victim:
                shares[world.round.numbers[name]] = share.share
    round = world.round
    secret = masking.interpolate(round.suite, dict(sorted(shares.items())[: round.parameters.threshold]))
    seeds = [round.self_seed(victim, secret, removed=True)]
    seeds += [round.pair_seed(victim, other, point, removed=True) for other, point in points.items()]
    assert len(points) == len(world.clients) - 1
    q, rows = round.parameters.modulus, world.masked[victim]
    residues, _ = masking.add_masks(
        round.suite, q, round.shape, masking.unpack(q, LAYOUT.size, rows), bytes(32 * round.shape.rows), seeds
    )
    return masking.integers(q, residues)


def test_an_equivocating_aggregator_is_refused_by_both_quorums(monkeypatch):
    """Showing different clients different sets opens one client's update, where nobody looks for neighbours in the set or for agreement."""
    victim = ALL[0]

    def world(**masked: int | bool) -> MaskedWorld:
        made = MaskedWorld.announced(9, policy(min_set=3, **masked))
        made.send_all()
        return made

    with refused("policy", "neighbours are in the set"):
        isolate(world(agree_first=False), victim)
    for agree_first in (True, False):
        attacked = world(agree_first=agree_first)
        with monkeypatch.context() as patch:
            patch.setattr(MaskedRound, "quorum", lambda *_: True)
            if agree_first:
                patch.setattr(Masker, "_check_agreed", lambda *_: None)
            stolen = isolate(attacked, victim)
        assert (stolen == attacked.weights[victim] * numbers(victim)).all()
    with monkeypatch.context() as patch:  # agreement alone stops it, too
        patch.setattr(MaskedRound, "quorum", lambda self, name, members: len(members) >= 3)
        with refused("policy", "neighbours agreed"):
            isolate(world(), victim)
