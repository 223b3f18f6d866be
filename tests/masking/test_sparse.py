"""Rounds of many, in which a client shares masks with some of the others: the same outcomes, and the same privacy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedproof.errors import Refused
from fedproof.policy import masking as policy_module
from fedproof.policy.masking import Masking, MaskParameters
from fedproof.round.blame import Blame
from fedproof.round.masked_messages import Pair, RecoveryAnswer
from tests.masking.blame import cheats, fingerprint, settle, shifted
from tests.masking.world import ALL, STEPS, MaskedWorld, rounds

NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve are many: each has eight neighbours, of which six open a secret."""
    monkeypatch.setattr(policy_module, "COMPLETE", 8)


def sparse(n: int = 12) -> MaskedWorld:
    world = MaskedWorld.announced(n)
    assert (world.round.parameters.neighbours, world.round.parameters.threshold) == (8, 6)
    return world


def test_neighbours_stand_beside_each_other_on_the_circle() -> None:
    round = sparse().round
    assert round.neighbours(ALL[0]) == [ALL[n] for n in (1, 2, 3, 4, 8, 9, 10, 11)]
    for one in ALL:
        assert len(set(round.neighbours(one))) == 8
        assert [n for n in ALL if round.are_neighbours(one, n)] == round.neighbours(one)
        assert all(one in round.neighbours(n) for n in round.neighbours(one))
    assert not round.are_neighbours(ALL[0], "stranger")


@pytest.mark.parametrize("n", [32, 33])
def test_up_to_32_participants_everybody_is_a_neighbour(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    monkeypatch.undo()
    parameters = MaskParameters.of(Masking(enabled=True), 100, 10, n)
    assert parameters.neighbours == (31 if n == 32 else 8)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(2, 60), st.integers(2, 200))
def test_a_sparse_round_keeps_every_promise(colluders: int, silent: int, group: int, min_set: int) -> None:
    """The counts of the specification's argument, for whatever a policy says."""
    if min_set <= colluders + 1:
        min_set = colluders + 2
    masking = Masking(
        enabled=True,
        colluders=colluders,
        silent=silent,
        min_honest_group=group,
        min_set=min_set,
        max_clients=1000,
    )
    k = masking.sparse
    t = k - colluders - silent
    assert k % 2 == 0
    assert 2 * t > k + colluders
    assert t - 2 * colluders - silent >= max(group, min_set - colluders)  # for each of several sums
    for n in (masking.fewest, k, k + 1, 33, 400, 1000):
        if n >= masking.fewest:
            parameters = MaskParameters.of(masking, 100, 10, n)
            assert parameters.neighbours == (n - 1 if n <= max(8, k) else k)


def test_a_whole_round_with_a_dropout_and_a_silent_one() -> None:
    world = sparse()
    closed = world.run({ALL[3]: "upload", ALL[9]: "unmask"})
    assert not closed.result.void
    assert len(closed.result.accepted) == 11
    assert not world.verified(closed).void


def test_more_than_promised_may_be_silent_if_they_are_apart() -> None:
    """What counts is how many each client misses: a far pair needs no recovery, a near one needs it."""
    for near in (False, True):
        world = sparse()
        closed = world.run({ALL[0]: "upload", ALL[1 if near else 6]: "unmask"})
        assert len(closed.result.accepted) == 11
        request = world.server.unmask().recovery()
        assert (request is not None) == near
        if request is not None:
            assert request.pairs == (Pair(member=ALL[1], other=ALL[0]),)
            assert closed.result.void == (len(world.server.unmask().opened) < 6)


def test_parts_by_whoever_holds_no_share() -> None:
    """Somebody far from the member cannot hold a share of it, whatever it proves."""
    world = sparse()
    world.send_all(ALL[0])
    unmasking = world.agree()
    world.unmask(unmasking, ALL[1])
    sharing = world.server._masked_uploads().kept[ALL[1]].sharing
    round = world.round
    assert not round.are_neighbours(ALL[1], ALL[6])
    masker = world.clients[ALL[6]].masker_of(world.session)
    assert masker.part_of(Pair(member=ALL[1], other=ALL[0])) is None
    with pytest.raises(Refused, match="holds no share of client-01"):
        round.check_part(sharing, ALL[1], ALL[0], ALL[6], round.mask_key(ALL[0]), bytes(64))


def test_a_true_pair_with_somebody_far_names_nobody() -> None:
    """Any two mask keys share a point; of one that masks nothing, nobody signed fingerprints."""
    world = sparse()
    cheat, far = ALL[1], ALL[6]
    assert not world.round.are_neighbours(cheat, far)
    cheats(world, cheat, shifted(world))
    world.send_all()
    world.unmask(world.agree())
    blame = world.server.blame()
    assert blame is not None
    fingerprint(world, blame)
    part = world.clients[cheat].masker_of(world.session).part_of(Pair(member=cheat, other=far))
    assert part is not None
    with pytest.raises(Refused, match="no pair inside the set"):
        blame.opened(RecoveryAnswer(session=world.session, client=cheat, parts=(part,)).to_bytes())
    assert set(blame.judge()) == {cheat}


@pytest.mark.parametrize("end", [ALL[0], ALL[4]])
def test_recovery_where_few_neighbours_of_one_end_agreed(end: str) -> None:
    """Enough of the other's did: an aggregator shows the acknowledgements of those alone."""
    world = sparse()
    world.send_all(ALL[0])
    unmasking = world.agree()
    world.unmask(unmasking, ALL[4])
    request = unmasking.recovery()
    assert request is not None
    assert request.pairs == (Pair(member=ALL[4], other=ALL[0]),)
    assert world.clients[ALL[1]].recover(world.session, request).parts
    (other,) = {ALL[0], ALL[4]} - {end}
    near = world.round.neighbours(other)
    few = request.model_copy(
        update={"acknowledgements": tuple(a for a in request.acknowledgements if a.client in near)}
    )
    with pytest.raises(Refused, match=f"fewer than 6 neighbours of {end} agreed to this set"):
        world.clients[ALL[1]].recover(world.session, few)


def test_a_cheat_is_named_by_its_neighbours() -> None:
    world = sparse()
    cheat = ALL[4]
    cheats(world, cheat, shifted(world))
    world.send_all()
    world.unmask(world.agree())
    blame = world.server.blame()
    fingerprint(world, blame)
    settle(world, blame)
    closed = world.server.close(now=NOW)
    assert [(d.client, d.kind) for d in closed.result.dropped] == [(cheat, "named")]
    assert not world.verified(closed).void


@settings(max_examples=rounds(6))
@given(
    st.dictionaries(st.sampled_from(ALL), st.sampled_from(STEPS), max_size=5),
    st.none() | st.sampled_from(ALL),
)
def test_the_sum_of_the_accepted_or_void(silent: dict[str, str], cheat: str | None) -> None:
    world = sparse()
    if cheat is not None:
        cheats(world, cheat, shifted(world))
    world.exchange(silent)
    try:
        opens = world.server.opens()
    except Refused:  # too few uploads
        opens = True
    if not opens and len(world.server.unmask().opened) >= 6:
        blame: Blame = world.server.blame()
        quiet = [name for name in silent if name in world.server.unmask().opened]
        fingerprint(world, blame, *quiet)
        settle(world, blame, *quiet)
    closed = world.server.close(now=NOW)
    report = world.verified(closed)
    assert {d.client for d in closed.result.dropped if d.kind == "named"} <= {cheat}
    if not report.void:
        weights = sum(world.weights[a.client] for a in closed.result.accepted)
        after = world.server.chain.advance(b"", 0, world.sum(closed), weights)
        assert (closed.chain.W == after.W).all()
    if cheat is None and len(silent) <= 1:  # as the policy promises
        assert not report.void
    if cheat is not None and not silent:
        assert [(d.client, d.kind) for d in closed.result.dropped] == [(cheat, "named")]
        assert not report.void
