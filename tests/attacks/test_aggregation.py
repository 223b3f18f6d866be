"""Lies about the sum: what is in it, how often, and whose it is. An aggregator writes a record in which all else fits and signs it
again; a client to whom it is shown and an auditor to whom it is published both refuse it. (Two stories told to two people:
`test_equivocation.py`.)"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fedproof.identity.signed import sign
from fedproof.policy.parameters import shape
from fedproof.policy.policy import Policy
from fedproof.proofs import Commitment, Context, Opening, commit, commit_public, honest_aggregate
from fedproof.proofs.commitment import Integers
from fedproof.round.chain import Chain
from fedproof.round.messages import Accepted, Announcement, Participant, Upload
from fedproof.round.rules import context
from fedproof.round.server import Server
from fedproof.round.verify import verify_round
from tests.attacks.parties import (
    adopt,
    caught,
    clients_and_auditor_refuse,
    crafted,
    forced,
    onlooker,
    refusal,
    resealed,
)
from tests.provenance.world import LAYOUT, WEIGHTS, Forgery, Lie, Moment, World, changed, play, silent
from tests.round import world as rounds

SUM = "the result is not the sum of the accepted updates"
FALSE = "the proof does not hold"


@pytest.fixture(scope="module")
def honest() -> World:
    """One round, five accepted updates."""
    return play(rounds=1, lies=False)


@pytest.fixture
def forgery(honest: World) -> Forgery:
    return Forgery.of(honest)


def openings(world: World) -> dict[str, Opening]:
    return {name: rounds.opening_of(upload) for (_, name), upload in world.sent.items()}


def sums(forgery: Forgery, terms: list[tuple[Opening, int]]) -> None:
    """The record's total becomes the exact sum of these, blinds included, and the model follows from it."""
    found = honest_aggregate.combine_openings(
        forgery.world.chain.suite, [o for o, _ in terms], [w for _, w in terms]
    )
    forgery.with_total(0, found.values, found.blinds)


def all_but(world: World, name: str) -> list[tuple[Opening, int]]:
    return [(o, WEIGHTS[n]) for n, o in openings(world).items() if n != name]


def called_silent(forgery: Forgery, name: str) -> None:
    r = forgery.rounds[0]
    left = tuple(a for a in r.result.accepted if a.client != name)
    r.result = changed(r.result, accepted=left, dropped=(silent(name),))
    r.body = changed(r.body, uploads=tuple(u for u in r.body.uploads if u.client != name))
    forgery.resign(0)


def test_the_sum_of_all_is_accepted(honest: World, forgery: Forgery) -> None:
    """What the tests below change, unchanged: the record is the same, byte for byte."""
    sums(forgery, all_but(honest, ""))
    assert forgery.entries() == [c.entry for c in honest.closed]
    client = onlooker(forgery, 0)
    adopt(client, forgery, 0)
    assert client.chain.state == honest.chain.state


# -- dropped, duplicated, inserted, replaced -------------------------------------------------------------------------


def test_dropped_update(honest: World, forgery: Forgery, tmp_path: Path) -> None:
    """Listed as accepted; the sum is that of the others."""
    sums(forgery, all_but(honest, "ada"))
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "argument", SUM, round=0)


def test_dropped_update_that_is_in_the_sum(forgery: Forgery, tmp_path: Path) -> None:
    """Called silent; the sum holds it all the same."""
    called_silent(forgery, "ada")
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "argument", SUM, round=0)


def test_dropped_update_without_a_word(forgery: Forgery, tmp_path: Path) -> None:
    """Neither accepted nor listed with a reason."""
    r = forgery.rounds[0]
    r.result = changed(r.result, accepted=r.result.accepted[1:])
    forgery.resign(0)
    clients_and_auditor_refuse(
        forgery, tmp_path, "result", "statement", "not the announced participants", round=0
    )


def test_dropped_update_of_a_client_that_holds_a_verdict() -> None:
    """The verdict said accepted; the result calls the client silent, with all else in order. Its own client knows better; for others
    it is the aggregator's assertion, and a certificate says that those are not proved."""
    world = rounds.World.announced()
    for name in rounds.NAMES[:3]:
        world.clients[name].verdict(world.receive(world.upload(name)))
    world.change("ada")
    closed = world.close()
    ada = world.clients["ada"]
    with refusal("result", "statement", "leaves out an upload that was accepted", party="ada", round=0):
        ada.adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    assert ada.chain.round == 0
    report = world.clients["bob"].adopt(closed.entry, lambda name, _what, _limit: closed.blobs[name])
    assert [(d.client, d.kind) for d in report.dropped] == [
        ("ada", "dropped"),
        ("dee", "dropped"),
    ]


def test_duplicated_update(honest: World, forgery: Forgery, tmp_path: Path) -> None:
    """The sum counts one update twice."""
    sums(forgery, [*all_but(honest, "ada"), (openings(honest)["ada"], 2 * WEIGHTS["ada"])])
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "argument", SUM, round=0)


def test_duplicated_update_on_record(forgery: Forgery, tmp_path: Path) -> None:
    """Accepted twice, recorded twice."""
    r = forgery.rounds[0]
    r.result = changed(r.result, accepted=(r.result.accepted[0], *r.result.accepted))
    r.body = changed(r.body, uploads=(r.body.uploads[0], *r.body.uploads))
    forgery.resign(0)
    clients_and_auditor_refuse(forgery, tmp_path, "result", "decoding", "each once", round=0)


def test_inserted_update(honest: World, forgery: Forgery, tmp_path: Path) -> None:
    """The sum holds a vector of the aggregator's own beside all others."""
    own = commit(honest.chain.suite, np.full(LAYOUT.size, 50))[1]
    sums(forgery, [*all_but(honest, ""), (own, 1)])
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "argument", SUM, round=0)


def test_inserted_update_of_somebody_not_announced(forgery: Forgery, tmp_path: Path) -> None:
    """Counted as accepted under a name of its own, with another's header."""
    r = forgery.rounds[0]
    guest = Accepted(client="zed", header=r.result.accepted[0].header)
    r.result = changed(r.result, accepted=(*r.result.accepted, guest))
    r.body = changed(r.body, uploads=(*r.body.uploads, changed(r.body.uploads[0], client="zed")))
    r.verdicts["zed"] = changed(r.verdicts["ada"], client="zed")
    forgery.resign(0)
    clients_and_auditor_refuse(
        forgery, tmp_path, "result", "statement", "not the announced participants", round=0
    )


def in_the_name_of(forgery: Forgery, name: str, x: Integers) -> Upload:
    """The aggregator makes an upload for a client, and signs it with the only key it has."""
    client, announcement = onlooker(forgery, 0, name), forgery.rounds[0].announcement
    client.key = forgery.world.aggregator
    return client.seal(context(announcement, announcement.digest(), name), x)


@pytest.mark.parametrize(
    ("replaced", "subject", "stage", "reason"),
    [
        (("header", "points", "proof"), "upload-header", "signature", "signed by another key"),
        (("points", "proof"), "upload", "digest", "the proof is not the one in the signed header"),
        (("points",), "upload", "digest", "the commitment is not the one in the signed header"),
    ],
)
def test_replaced_update(
    honest: World,
    forgery: Forgery,
    tmp_path: Path,
    replaced: tuple[str, ...],
    subject: str,
    stage: str,
    reason: str,
) -> None:
    """In ada's place stands an update of the aggregator's making, with a proof that holds, and the sum is exact. Ada did not sign it."""
    made = in_the_name_of(forgery, "ada", np.full(LAYOUT.size, 7))
    parts = {
        "header": made.header,
        "points": forgery.keep(made.points),
        "proof": forgery.keep(made.proof),
    }
    forgery.replace(0, "ada", changed(forgery.upload(0, "ada"), **{name: parts[name] for name in replaced}))
    sums(forgery, [*all_but(honest, "ada"), (rounds.opening_of(made), WEIGHTS["ada"])])
    clients_and_auditor_refuse(forgery, tmp_path, subject, stage, reason, party="ada", round=0)


def test_replaced_update_under_a_header_that_names_another() -> None:
    """A client signs for one commitment and sends another, whose proof holds: which of the two counts would be for others to say."""
    world = rounds.World.announced()
    upload, other = world.upload("dee"), world.upload("ada")
    root = Commitment(world.server.chain.suite, shape(rounds.LAYOUT.size), other.points).root()
    with refusal("upload", "digest", "the commitment is not the one", party="dee", round=0):
        world.send(resealed(upload, rounds.KEYS["dee"], commitment=root))
    assert world.send(upload) == (True, "", "")


# -- copied, rogue ---------------------------------------------------------------------------------------------------


def negative(points: bytes) -> bytes:
    """The same points with the other y (spec/commitment.md §2)."""
    return b"".join(bytes([points[i] ^ 0x80]) + points[i + 1 : i + 32] for i in range(0, len(points), 32))


def copies(*, rerandomised: bool) -> Lie:
    """Ada's commitment, seen on its way or on record; with a blind of the thief's own on top, nobody sees that it is a copy."""

    def lie(moment: Moment) -> Upload:
        theirs, suite = moment.sent[0, "ada"], moment.client.chain.suite
        zero, opening = commit(suite, np.zeros(LAYOUT.size, np.int64))
        copy = Commitment(suite, zero.shape, theirs.points)
        if rerandomised:
            copy = honest_aggregate.combine([copy, zero], [1, 1])
            assert copy.points != theirs.points
        return crafted(moment, copy, opening, forced(moment, copy, opening))

    return lie


RELATIONS = pytest.mark.parametrize(
    ("prove", "subject"), [("bounded", "bounded update"), ("opening", "plain opening")]
)


@RELATIONS
@pytest.mark.parametrize("rerandomised", [False, True])
def test_copied_update(tmp_path: Path, prove: str, subject: str, rerandomised: bool) -> None:
    """A free-rider without the opening: whatever it proves, it is not about this commitment. (With ada's proof as well:
    `test_replayed_to_another_client`.)"""
    world = play(prove, lies=False, rounds=1, instead={(0, "dee"): copies(rerandomised=rerandomised)})
    caught(world, tmp_path, "dee", subject, "argument", FALSE)


@RELATIONS
def test_rogue_commitment(tmp_path: Path, prove: str, subject: str) -> None:
    """C' = target − Σ others, weights included: the sum opens to whatever the last to answer likes. The sum alone is content with
    it; nobody can open C'."""
    suite = play(rounds=1, lies=False).chain.suite
    target, wanted = commit(suite, np.full(LAYOUT.size, 999))

    def lie(moment: Moment) -> Upload:
        others = [
            Commitment(suite, target.shape, negative(u.points))
            for (_, n), u in moment.sent.items()
            if n != "eve"
        ]
        weights = [WEIGHTS[n] for _, n in moment.sent]
        assert WEIGHTS["eve"] == 1
        rogue = honest_aggregate.combine([target, *others], [1, *weights])
        commitments = [Commitment(suite, target.shape, u.points) for u in moment.sent.values()]
        honest_aggregate.verify(
            Context(moment.ctx.announcement, "aggregator", sum(weights) + 1),
            [*commitments, rogue],
            [*weights, 1],
            wanted,
        )
        return crafted(moment, rogue, wanted, forced(moment, rogue, wanted))

    world = play(prove, lies=False, rounds=1, instead={(0, "eve"): lie})
    caught(world, tmp_path, "eve", subject, "argument", FALSE)


# -- the number itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [1, -1, 1 << 40])
@pytest.mark.parametrize("at", [0, LAYOUT.size - 1])
def test_result_off_by_one(forgery: Forgery, tmp_path: Path, at: int, change: int) -> None:
    values = forgery.values(0)
    values[at] += change
    forgery.with_total(0, values)
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "argument", SUM, round=0)


def test_model_off_by_one(forgery: Forgery, tmp_path: Path) -> None:
    """The total is exact, the model after it is not."""
    r = forgery.rounds[0]
    lie = Chain.start(forgery.world.policy, forgery.world.blobs[forgery.world.policy.base_digest]).state
    r.result = changed(r.result, after=lie)
    forgery.resign(0)
    clients_and_auditor_refuse(forgery, tmp_path, "result", "chain", "names another model", round=0)


def extreme(value: int) -> NDArray[np.int64]:
    return np.full(LAYOUT.size, value, np.int64)


@pytest.mark.parametrize("value", [-(1 << 63), (1 << 63) - 1])
def test_overflowing_total(forgery: Forgery, tmp_path: Path, value: int) -> None:
    """Numbers at the ends of 64 bits, whose mean would wrap round."""
    r = forgery.rounds[0]
    assert r.total is not None
    r.total = changed(r.total, values=extreme(value).astype("<i8").tobytes())
    forgery.resign(0)
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "argument", SUM, round=0)


@pytest.mark.parametrize("overflows", [True, False])
def test_overflowing_sum(overflows: bool) -> None:
    """A policy without bounds, with weights so large that one client's values could make the sum overflow. Other values beyond
    max_abs are taken: that policy asks for no bounds."""
    opening = '\n[prove]\nupdate = "opening"\n'
    held = Policy.parse(rounds.POLICY.replace("max = 10 ", f"max = {1 << 32} ") + opening)
    chain = Chain.start(held, rounds.BASE_FILE)
    server = Server(rounds.AGGREGATOR, chain, rounds.ROSTER, rounds.ROSTER_DIGEST)
    clients = {n: rounds.client(n, chain) for n in rounds.NAMES}
    announced = server.announce([c.ready(1 << 32) for c in clients.values()], now=rounds.NOW)
    world = rounds.World(clients, server, announced)
    for name in rounds.NAMES[:3]:
        assert world.send(world.upload(name))[0]
    largest = (1 << 61) // (len(rounds.NAMES) << 32) - 2
    x = np.where(np.arange(35) == 3, (1 << 31) - 1 if overflows else largest, 0).astype(np.int64)
    assert world.send(world.forced("dee", x)) == ((False, "update", "sum") if overflows else (True, "", ""))
    closed = world.close()
    assert len(closed.result.accepted) == (3 if overflows else 4)
    held_by = rounds.ROSTER, rounds.ROSTER_DIGEST, rounds.AGGREGATOR.verify_key
    _, report = verify_round(chain, *held_by, closed.entry, lambda name, _what, _limit: closed.blobs[name])
    found = [(d.client, d.kind, d.subject, d.stage) for d in report.dropped]
    assert found == ([("dee", "refused", "update", "sum")] if overflows else [])


def test_overflowing_policy() -> None:
    """Participants so many and weights so large that the sum of honest updates could overflow: a client does not answer."""
    held = Policy.parse(rounds.POLICY.replace("max = 10 ", f"max = {1 << 32} ").replace("= 1000", "= 32767"))
    ada = rounds.client("ada", Chain.start(held, rounds.BASE_FILE))
    ready = ada.ready(3)
    announcement = rounds.World.announced(ada.chain).announcement.open(
        Announcement, rounds.AGGREGATOR.verify_key
    )
    crowd = tuple(Participant(client=f"c{n:05}", weight=1, ready=ready) for n in range(1 << 14))
    assert len(crowd) * held.update.weights.max * (held.update.max_abs + 1) == 1 << 61
    signed = sign(changed(announcement, participants=crowd), rounds.AGGREGATOR)
    with refusal("announcement", "policy", "could overflow 61 bits", round=0):
        ada.upload(signed, rounds.numbers(1), now=rounds.NOW)


def test_public_blinds_do_not_help(honest: World, forgery: Forgery, tmp_path: Path) -> None:
    """The right values under other blinds: the opening of another commitment."""
    zero = bytes(len(commit_public(honest.chain.suite, forgery.values(0)).points))
    forgery.with_total(0, forgery.values(0), zero)
    clients_and_auditor_refuse(forgery, tmp_path, "honest aggregate", "argument", SUM, round=0)
