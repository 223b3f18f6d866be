"""Group elements and scalars that are none, or have a second encoding: in an upload, in a proof, in a record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fedproof.proofs import Commitment, Opening, commit, update
from fedproof.provenance import verify_bundle
from fedproof.round.messages import Upload
from tests.attacks.parties import (
    ELEMENT,
    ORDER,
    PROOF_HEAD,
    caught,
    clients_and_auditor_refuse,
    crafted,
    forced,
    refusal,
)
from tests.provenance.world import LAYOUT, Forgery, Lie, Moment, World, changed, honest_bundle, play
from tests.round import world as rounds

BASE_FIELD = 0x40000000000000000000000000000000224698FC094CF91B992D30ED00000001
"""Pallas's p."""
FALSE = "the proof does not hold"


def proving(change: Callable[[bytes], bytes]) -> Lie:
    """An honest update whose proof is changed before the header names it."""

    def lie(moment: Moment) -> Upload:
        chain = moment.client.chain
        commitment, opening = commit(chain.suite, np.arange(LAYOUT.size))
        proof = change(update.prove(chain.policy, moment.ctx, commitment, opening))
        return crafted(moment, commitment, opening, proof)

    return lie


def element(at: int, value: int | Callable[[int], int]) -> Callable[[bytes], bytes]:
    """The proof with its element `at` (points first, negative: scalars from the end) replaced."""

    def change(proof: bytes) -> bytes:
        start = PROOF_HEAD + at * ELEMENT if at >= 0 else len(proof) + at * ELEMENT
        old = int.from_bytes(proof[start : start + ELEMENT], "big")
        new = value(old) if callable(value) else value
        assert new != old
        return proof[:start] + new.to_bytes(ELEMENT, "big") + proof[start + ELEMENT :]

    return change


def head(points: int, scalars: int) -> Callable[[bytes], bytes]:
    return lambda proof: points.to_bytes(4, "big") + scalars.to_bytes(4, "big") + proof[PROOF_HEAD:]


def off_curve() -> int:
    """The least x of no point on y² = x³ + 5."""
    return next(
        x for x in range(1, 100) if pow(x**3 + 5, (BASE_FIELD - 1) // 2, BASE_FIELD) == BASE_FIELD - 1
    )


def dee(lie: Lie, prove: str = "bounded") -> World:
    return play(prove, lies=False, rounds=1, instead={(0, "dee"): lie})


RELATIONS = pytest.mark.parametrize(
    ("prove", "subject"), [("bounded", "bounded update"), ("opening", "plain opening")]
)


@RELATIONS
def test_huge_lengths_in_a_proof(tmp_path: Path, prove: str, subject: str) -> None:
    world = dee(proving(head((1 << 32) - 1, (1 << 32) - 1)), prove)
    caught(world, tmp_path, "dee", subject, "decoding", "length|count|elements|points")


@RELATIONS
@pytest.mark.parametrize("at", [-1, -2, -3, -4])
def test_non_canonical_scalars(tmp_path: Path, prove: str, subject: str, at: int) -> None:
    """The same scalar plus the group's order: a second encoding of a proof that holds."""
    world = dee(proving(element(at, lambda old: old + ORDER)), prove)
    caught(world, tmp_path, "dee", subject, "decoding", "not below the modulus")


@RELATIONS
@pytest.mark.parametrize("at", [0, 1])
def test_off_curve_points(tmp_path: Path, prove: str, subject: str, at: int) -> None:
    world = dee(proving(element(at, off_curve())), prove)
    caught(world, tmp_path, "dee", subject, "decoding", "not on the curve")


def test_non_canonical_points(tmp_path: Path) -> None:
    """x + p: a second encoding of the same point, and x = p, which would be 0."""
    small = next(x for x in range(1, 100) if pow(x**3 + 5, (BASE_FIELD - 1) // 2, BASE_FIELD) == 1)
    for number, x in enumerate((small + BASE_FIELD, BASE_FIELD)):
        world = dee(proving(element(0, x)))
        caught(world, tmp_path / str(number), "dee", "bounded update", "decoding", "not below the modulus")


@RELATIONS
def test_identity_points(tmp_path: Path, prove: str, subject: str) -> None:
    """The identity is a point, so it is read; in the place of any point of a proof it is a lie like every other."""
    honest = play(prove, lies=False, rounds=1).sent[0, "dee"].proof
    count = int.from_bytes(honest[:4], "big")
    for at in (0, count - 1):
        world = dee(proving(element(at, 0)), prove)
        caught(world, tmp_path / str(at), "dee", subject, "argument", FALSE)


def commits(points: bytes, values: int) -> Lie:
    """A commitment of these points; the proof and the values are about a vector of `values`."""

    def lie(moment: Moment) -> Upload:
        suite = moment.client.chain.suite
        own, opening = commit(suite, np.full(LAYOUT.size, values))
        lied = Commitment(suite, own.shape, points)
        return crafted(moment, lied, opening, forced(moment, lied, opening))

    return lie


@RELATIONS
def test_identity_points_as_a_commitment(tmp_path: Path, prove: str, subject: str) -> None:
    """The identity commits to nothing but zero without a blind; with an update beside it, it is refused."""
    caught(dee(commits(bytes(32), 5), prove), tmp_path, "dee", subject, "argument", FALSE)


@pytest.mark.parametrize(
    ("x", "reason"),
    [(off_curve(), "not on the curve"), (BASE_FIELD, "not below"), ((1 << 255) - 1, "not below")],
)
def test_off_curve_points_as_a_commitment(x: int, reason: str) -> None:
    """In the rows of C(x): they have no digest that a header could name, so they stand against nobody."""
    world = rounds.World.announced()
    upload = world.upload("dee")
    with refusal("point", "decoding", reason):
        world.send(upload.model_copy(update={"points": x.to_bytes(32, "big")}))
    assert world.send(upload) == (True, "", "")


def test_non_canonical_scalars_as_blinds(tmp_path: Path) -> None:
    """A blind plus the group's order would open the same commitment: a second upload of one update."""

    def lie(moment: Moment) -> Upload:
        chain = moment.client.chain
        commitment, opening = commit(chain.suite, np.arange(LAYOUT.size))
        proof = update.prove(chain.policy, moment.ctx, commitment, opening)
        blind = (int.from_bytes(opening.blinds, "big") + ORDER).to_bytes(ELEMENT, "big")
        return crafted(moment, commitment, Opening(opening.values, blind), proof)

    world = dee(lie)
    bundle, model = honest_bundle(world, tmp_path)
    (left,) = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust).left_out
    assert (left.client, left.kind, left.rechecked) == ("dee", "refused", True)
    assert (left.subject, left.stage, left.reason) == ("field", "decoding", "not below the modulus")


# -- in a record -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> World:
    return play(rounds=1, lies=False)


@pytest.fixture
def forgery(world: World) -> Forgery:
    return Forgery.of(world)


def test_non_canonical_scalars_in_a_record(forgery: Forgery, tmp_path: Path) -> None:
    """The blinds of the total plus the group's order: the same sum in a second encoding."""
    total = forgery.rounds[0].total
    assert total is not None
    blinds = (int.from_bytes(total.blinds, "big") + ORDER).to_bytes(32, "big")
    forgery.with_total(0, forgery.values(0), blinds)
    clients_and_auditor_refuse(forgery, tmp_path, "field", "decoding", "not below the modulus", round=0)


def test_identity_points_in_a_record(forgery: Forgery, tmp_path: Path) -> None:
    """In the place of the first point of the aggregate's proof."""
    r = forgery.rounds[0]
    assert r.result.proof is not None
    proof = element(0, 0)(forgery.blobs[r.result.proof])
    r.result = changed(r.result, proof=forgery.keep(proof))
    forgery.resign(0)
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "argument", FALSE, round=0)


def test_off_curve_points_in_a_record(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[0]
    assert r.result.proof is not None
    proof = element(0, off_curve())(forgery.blobs[r.result.proof])
    r.result = changed(r.result, proof=forgery.keep(proof))
    forgery.resign(0)
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "decoding", "not on the curve", round=0)
