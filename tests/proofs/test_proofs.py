"""The Python face of the proof core: honest and dishonest use, errors with who and when."""

import threading
import time

import numpy as np
import pytest

from fedproof import _core
from fedproof.errors import Refused
from fedproof.policy.parameters import Shape, shape
from fedproof.policy.policy import Policy
from fedproof.proofs import (
    Commitment,
    Context,
    Opening,
    bounded_update,
    check_opening,
    commit,
    commit_public,
    honest_aggregate,
    plain_opening,
    update,
)
from fedproof.proofs.bounded_update import Bounds, Claim

SUITE = "pallas-keccak-ed25519-v1"
CTX = Context(bytes(range(32)), "ada", 3)
X = np.arange(-150, 150, dtype=np.int64)
BOUNDS = Bounds(150, 3_000_000, 0)


def test_bounded_update() -> None:
    commitment, opening = commit(SUITE, X)
    proof = bounded_update.prove(CTX, BOUNDS, commitment, opening)
    bounded_update.verify(CTX, BOUNDS, commitment, proof)
    with pytest.raises(Refused) as refused:
        bounded_update.verify(CTX, Bounds(149, 3_000_000, 0), commitment, proof, party="ada", round=4)
    error = refused.value
    assert (error.subject, error.stage, error.party, error.round) == ("bounded update", "argument", "ada", 4)


def test_the_checked_prover_refuses_and_the_unchecked_one_is_caught() -> None:
    commitment, opening = commit(SUITE, X * 2)
    with pytest.raises(Refused) as refused:
        bounded_update.prove(CTX, BOUNDS, commitment, opening)
    assert refused.value.stage == "witness"
    proof = bounded_update.prove_unchecked(CTX, BOUNDS, commitment, opening)
    with pytest.raises(Refused):
        bounded_update.verify(CTX, BOUNDS, commitment, proof)


def test_batches_hold_together_and_fall_together() -> None:
    claims = []
    for k in range(3):
        commitment, opening = commit(SUITE, X - k)
        bounds = Bounds(160, 3_000_000, 0)
        claims.append(Claim(CTX, bounds, commitment, bounded_update.prove(CTX, bounds, commitment, opening)))
    bounded_update.verify_all(SUITE, claims)
    bounded_update.verify_all(SUITE, [])
    swapped = [
        Claim(CTX, c.bounds, c.commitment, d.proof)
        for c, d in zip(claims, [*claims[1:], claims[0]], strict=True)
    ]
    with pytest.raises(Refused):
        bounded_update.verify_all(SUITE, swapped)
    with pytest.raises(Refused):
        bounded_update.verify_all(SUITE, [*claims[:2], swapped[2]])


def test_plain_opening() -> None:
    commitment, opening = commit(SUITE, X * 10**9)
    proof = plain_opening.prove(CTX, commitment, opening)
    plain_opening.verify(CTX, commitment, proof)
    with pytest.raises(Refused):
        plain_opening.verify(Context(CTX.announcement, "bob", 3), commitment, proof)
    with pytest.raises(Refused):
        plain_opening.prove(CTX, commitment, Opening(opening.values + 1, opening.blinds))
    wrong = plain_opening.prove_unchecked(CTX, commitment, Opening(opening.values + 1, opening.blinds))
    with pytest.raises(Refused):
        plain_opening.verify(CTX, commitment, wrong)


def test_commitments_hide_and_add() -> None:
    first, second = commit(SUITE, X)[0], commit(SUITE, X)[0]
    assert first.points != second.points
    assert commit_public(SUITE, X) == commit_public(SUITE, X)
    (a, oa), (b, ob) = commit(SUITE, X), commit(SUITE, 3 * X)
    total = honest_aggregate.combine_openings(SUITE, [oa, ob], [2, 5])
    assert (total.values == 17 * X).all()
    check_opening(honest_aggregate.combine([a, b], [2, 5]), total)
    ctx = Context(CTX.announcement, "aggregator", 7)
    honest_aggregate.verify(ctx, [a, b], [2, 5], total)
    proof = honest_aggregate.prove(ctx, [a, b], [2, 5], total)
    honest_aggregate.verify_proof(ctx, [a, b], [2, 5], proof)
    for weights in ([5, 2], [2, 6]):
        with pytest.raises(Refused):
            honest_aggregate.verify(
                Context(CTX.announcement, "aggregator", sum(weights)), [a, b], weights, total
            )
        with pytest.raises(Refused):
            honest_aggregate.verify_proof(
                Context(CTX.announcement, "aggregator", sum(weights)), [a, b], weights, proof
            )


def test_a_running_total() -> None:
    """One at a time, in any order, it is the sum of all; what is refused leaves it as it was, and nobody changes what it gave out."""
    parts = [(commit(SUITE, n * X)[1], weight) for n, weight in ((1, 2), (-3, 5), (7, 1), (2, 1000))]
    wanted = honest_aggregate.combine_openings(SUITE, [o for o, _ in parts], [w for _, w in parts])
    running = honest_aggregate.RunningTotal(SUITE, shape(len(X)))
    nothing = running.total()
    assert not nothing.values.any()
    assert not any(nothing.blinds)
    for opening, weight in reversed(parts):
        for bad in (
            Opening(X[:-1], opening.blinds),
            Opening(X, opening.blinds[:-1]),
            Opening(X, opening.blinds[:-32]),
            Opening(X, b"\xff" * len(opening.blinds)),
            Opening(np.full_like(X, 1 << 61), opening.blinds),
            Opening(np.full_like(X, -(1 << 63)), opening.blinds),
        ):
            before = running.total()
            with pytest.raises(Refused):
                running.add(bad, 2)
            after = running.total()
            assert (after.values == before.values).all()
            assert after.blinds == before.blinds
        running.add(opening, weight)
    total = running.total()
    assert (total.values == wanted.values).all()
    assert total.blinds == wanted.blinds
    assert not nothing.values.any()
    with pytest.raises(Refused, match="nothing to add"):
        honest_aggregate.combine_openings(SUITE, [], [])


def test_shapes_that_do_not_fit() -> None:
    (a, oa), (b, _) = commit(SUITE, X), commit(SUITE, X[:10])
    with pytest.raises(Refused):
        honest_aggregate.combine([a, b], [1, 1])
    with pytest.raises(Refused):
        honest_aggregate.combine([], [])
    with pytest.raises(Refused):
        honest_aggregate.verify(CTX, [a], [1, 2], oa)
    with pytest.raises(Refused):
        honest_aggregate.combine_openings(SUITE, [Opening(np.full(3, 1 << 61), oa.blinds)], [4])
    with pytest.raises(Refused):
        check_opening(a, Opening(X[:-1], oa.blinds))
    with pytest.raises(Refused):
        check_opening(a, Opening(X, oa.blinds[:-1]))


def test_points_that_are_none() -> None:
    a = commit(SUITE, X)[0]
    assert Commitment.parse(SUITE, a.shape, a.points) == a
    for points in (a.points[:-1], a.points + bytes(32), b"\x7f" + b"\xff" * (len(a.points) - 1)):
        with pytest.raises(Refused):
            Commitment.parse(SUITE, a.shape, points)
    with pytest.raises(Refused):
        Commitment.parse("rot13", a.shape, a.points)


@pytest.mark.parametrize("weight", [-1, 1 << 64])
def test_numbers_out_of_range_are_refused_not_crashes(weight: int) -> None:
    a, opening = commit(SUITE, X)
    with pytest.raises(Refused):
        plain_opening.prove(Context(CTX.announcement, "ada", weight), a, opening)


@pytest.mark.parametrize("announcement", [b"", bytes(31), bytes(33)])
def test_digests_of_the_wrong_length(announcement: bytes) -> None:
    a, opening = commit(SUITE, X)
    with pytest.raises(Refused):
        plain_opening.prove(Context(announcement, "ada", 1), a, opening)


def test_secrets_are_not_printed() -> None:
    assert str(commit(SUITE, X)[1]) == "Opening()"


def test_long_proofs_let_other_threads_run() -> None:
    """The interpreter lock is released while Rust works."""
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    x = np.zeros(200_000, dtype=np.int64)
    commitment, opening = commit(SUITE, x)
    bounded_update.prove(CTX, Bounds(100, 100, 0), commitment, opening)
    done.set()
    thread.join()
    assert ticks > 10


def test_the_engine_knows_its_suites() -> None:
    assert dict(_core.suites()) == {SUITE: 126, "bn254-keccak-ed25519-v1": 100}
    assert Shape(5, 4).rows == 2


POLICY = """
version = 1
federation = "tests"
base_model = "sha256:%s"
[update]
scale = 0
max_abs = 150
max_norm = 3000
[prove]
update = "%s"
"""


@pytest.mark.parametrize("relation", ["bounded", "opening"])
@pytest.mark.parametrize("together", [True, False])
def test_many_proofs_of_one_policy(relation: str, together: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one or in a batch: the same answer, and the culprit has a name."""
    policy = Policy.parse(POLICY % ("0" * 64, relation))
    claims, batches = [], []
    for client in ("ada", "bob", "cyd"):
        ctx = Context(CTX.announcement, client, 1)
        commitment, opening = commit(SUITE, X)
        claims.append((ctx, commitment, update.prove(policy, ctx, commitment, opening)))
    batch = bounded_update.verify_all

    def watched(suite: str, held: list[Claim]) -> None:
        batches.append(len(held))
        if not together:
            raise Refused("bounded update", "argument", "a batch that fails proves nothing against anybody")
        batch(suite, held)

    monkeypatch.setattr(bounded_update, "verify_all", watched)
    update.verify_all(policy, claims)
    assert batches == ([3] if relation == "bounded" else [])
    for empty in ([], claims[:1]):
        update.verify_all(policy, empty)
    (_, commitment, proof), (bob, _, _) = claims[0], claims[1]
    for bad in ((bob, commitment, proof), (bob, commitment, b""), (bob, commitment, proof[:-1])):
        for rest in ([claims[0], bad, claims[2]], [bad], [claims[0], bad, bad]):
            with pytest.raises(Refused) as refused:
                update.verify_all(policy, rest, round=7)
            assert (refused.value.party, refused.value.round) == ("bob", 7)
