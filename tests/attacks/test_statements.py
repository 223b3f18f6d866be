"""Proofs that hold for something else: another round, client, policy, model or curve; of another degree, about nothing, under bounds of
the prover's choosing. (Every public field changed one at a time: `tests/provenance/test_tamper.py`.)"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedproof.encoding.digest import sha256
from fedproof.identity.signed import sign
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.parameters import shape
from fedproof.policy.policy import Policy
from fedproof.proofs import bounded_update, commit, update
from fedproof.proofs.bounded_update import Bounds
from fedproof.round.chain import Chain
from fedproof.round.messages import Announcement, Upload
from tests.attacks.parties import ELEMENT, PROOF_HEAD, caught, crafted, elsewhere, ones, refusal, resealed
from tests.provenance.world import BASE, LAYOUT, POLICY, Lie, Moment, play
from tests.round.world import AGGREGATOR, NOW, World, client, numbers, start
from tests.round.world import policy as round_policy

FALSE = "made for another round, client or policy"


def test_replayed_to_another_round(tmp_path: Path) -> None:
    """Last round's commitment and proof under a fresh signature. Under the old signature it stands against nobody: the record is
    public, anybody could have brought it."""

    def lie(moment: Moment) -> Upload:
        return resealed(moment.sent[0, "dee"], moment.client.key, session=moment.ctx.announcement)

    world = play(lies=False, rounds=2, instead={(1, "dee"): lie})
    caught(world, tmp_path, "dee", "bounded update", "argument", FALSE)
    old, now = World.announced(), World.announced()
    with refusal("upload", "statement", "made for another session", party="dee", round=0):
        now.send(old.upload("dee"))
    assert "dee" in now.server.waiting_for()


def test_replayed_to_another_client(tmp_path: Path) -> None:
    """Ada's commitment, proof, values and blinds under dee's name and signature."""

    def lie(moment: Moment) -> Upload:
        return resealed(moment.sent[0, "ada"], moment.client.key, client="dee")

    world = play(lies=False, rounds=1, instead={(0, "dee"): lie})
    caught(world, tmp_path, "dee", "bounded update", "argument", FALSE)


def under(**replaced: str) -> Policy:
    """The federation's policy with other lines."""
    text = POLICY.replace("PROVE", "bounded").replace("rounds = 3", "rounds = 1")
    for name, value in replaced.items():
        lines = [f"{name} = {value}" if line.startswith(f"{name} =") else line for line in text.splitlines()]
        assert lines != text.splitlines()
        text = "\n".join(lines)
    return Policy.parse(text)


BASE_FILE = serialise(BASE, LAYOUT)


@pytest.mark.parametrize("changed", [{"max_norm": "5001"}, {"max_abs": "4000"}, {"min_accepted": "2"}])
def test_replayed_to_another_policy(tmp_path: Path, changed: dict[str, str]) -> None:
    """A proof that holds under a policy that permits more, or less, or is the same but for something that no proof speaks of."""

    def lie(moment: Moment) -> Upload:
        return elsewhere(moment, Chain.start(under(**changed), BASE_FILE))

    world = play(lies=False, rounds=1, instead={(0, "dee"): lie})
    caught(world, tmp_path, "dee", "bounded update", "argument", FALSE)


def test_replayed_to_another_model(tmp_path: Path) -> None:
    """The same people, bounds and layout; only the base model's weights are others."""
    other = serialise({name: array + 1 for name, array in BASE.items()}, LAYOUT)

    def lie(moment: Moment) -> Upload:
        return elsewhere(moment, Chain.start(under(base_model=f'"sha256:{sha256(other).hex()}"'), other))

    world = play(lies=False, rounds=1, instead={(0, "dee"): lie})
    caught(world, tmp_path, "dee", "bounded update", "argument", FALSE)


BN254 = "bn254-keccak-ed25519-v1"


def on_another_curve() -> Chain:
    weaker = f'"sha256:{sha256(BASE_FILE).hex()}"\nsuites = ["{BN254}"]\nallow_below_112_bits = true'
    return Chain.start(under(base_model=weaker), BASE_FILE)


def test_replayed_to_another_curve(tmp_path: Path) -> None:
    """A proof that holds on the weaker curve, for the same update: its points are none here."""

    def lie(moment: Moment) -> Upload:
        commitment, opening = commit(moment.client.chain.suite, ones(moment.client.chain))
        return crafted(moment, commitment, opening, elsewhere(moment, on_another_curve()).proof)

    world = play(lies=False, rounds=1, instead={(0, "dee"): lie})
    caught(world, tmp_path, "dee", "bounded update", "decoding", "not below the modulus|not on the curve")


def test_a_round_on_another_curve() -> None:
    """An aggregator that calls a round on the weaker curve, under the digest of a policy that does not allow it."""
    world = World.announced()
    honest = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    forged = sign(honest.model_copy(update={"suite": BN254}), AGGREGATOR)
    with refusal("announcement", "policy", "another suite", round=0):
        world.clients["ada"].upload(forged, numbers(1), now=NOW)


def recounted(proof: bytes, points: int, scalars: int) -> bytes:
    """The proof with so many points and scalars more (the last ones again) or less."""
    n, k = (int.from_bytes(proof[i : i + 4], "big") for i in (0, 4))
    elements = [proof[i : i + ELEMENT] for i in range(PROOF_HEAD, len(proof), ELEMENT)]
    first, second = elements[:n], elements[n:]
    assert (len(first), len(second)) == (n, k)
    first = first[: n + points] if points < 0 else first + first[-1:] * points
    second = second[: k + scalars] if scalars < 0 else second + second[-1:] * scalars
    head = b"".join(len(part).to_bytes(4, "big") for part in (first, second))
    return head + b"".join(first + second)


MORE, LESS = "more elements than the relation reads", "nothing left to read"


@pytest.mark.parametrize(
    ("points", "scalars", "reason"),
    [(1, 0, MORE), (0, 1, MORE), (-1, 0, LESS), (0, -1, LESS), (-2, 2, LESS), (2, -1, LESS)],
)
def test_wrong_degree(tmp_path: Path, points: int, scalars: int, reason: str) -> None:
    """A polynomial of another degree is a proof of another length: how long it is follows from policy and model alone."""

    def lie(moment: Moment) -> Upload:
        me = moment.client
        commitment, opening = commit(me.chain.suite, ones(me.chain))
        proof = update.prove(me.chain.policy, moment.ctx, commitment, opening)
        return crafted(moment, commitment, opening, recounted(proof, points, scalars))

    world = play(lies=False, rounds=1, instead={(0, "dee"): lie})
    caught(world, tmp_path, "dee", "bounded update", "shape", reason)


@pytest.mark.parametrize(("limb", "reason"), [(0, MORE), (16, MORE), (1024, MORE)])
def test_wrong_number_of_rounds(tmp_path: Path, limb: int, reason: str) -> None:
    """The same true statement, proved with tables of the prover's choosing: other sumchecks than the verifier's."""
    world = play(lies=False, rounds=1, instead={(0, "dee"): chooses(Bounds(4095, 5000**2, limb), 1)})
    caught(world, tmp_path, "dee", "bounded update", "shape", reason)


def test_zero_variables() -> None:
    """An update of no coordinates, of one (nothing to sum over), and a model that has none."""
    world = World.announced()
    upload = world.upload("dee")
    with refusal("commitment", "shape", "expected 32 bytes, got 0", party="dee"):
        world.send(upload.model_copy(update={"points": b"", "values": b"", "blinds": b""}))
    with refusal("update", "statement", "0 coordinates"):
        shape(0)
    arrays = {"w": np.zeros(1, np.float32)}
    base = serialise(arrays, Layout.of_arrays(arrays))
    chain = start_of(base)
    single = World.announced(chain)
    for name, value in (("ada", 1000), ("bob", -1000), ("cyd", 0)):
        assert single.send(single.upload(name, np.array([value]))) == (True, "", "")
    assert single.send(single.forced("dee", np.array([1001]))) == (False, "bounded update", "argument")


def start_of(base: bytes) -> Chain:
    return Chain.start(round_policy(base_model=f'"sha256:{sha256(base).hex()}"'), base)


def chooses(bounds: Bounds, *values: int) -> Lie:
    """An honest proof about an honest commitment, under the prover's own bounds and in the context of this round: it holds."""
    x = np.array([*values, *[0] * (LAYOUT.size - len(values))], np.int64)

    def lie(moment: Moment) -> Upload:
        me = moment.client
        commitment, opening = commit(me.chain.suite, x)
        proof = bounded_update.prove(moment.ctx, bounds, commitment, opening)
        bounded_update.verify(moment.ctx, bounds, commitment, proof)
        return crafted(moment, commitment, opening, proof)

    return lie


@pytest.mark.parametrize(
    ("bounds", "values", "stage", "reason"),
    [
        (Bounds(4096, 5000**2, 64), [4096], "shape", MORE),
        (Bounds(4095, 5000**2 + 1, 64), [4000, 3000, 1], "argument", FALSE),
        (Bounds(32767, 40000**2, 256), [32767], "shape", MORE),
    ],
)
def test_prover_chosen_bound(
    tmp_path: Path, bounds: Bounds, values: list[int], stage: str, reason: str
) -> None:
    """Honestly proved, for bounds that nobody but the prover holds."""
    world = play(lies=False, rounds=1, instead={(0, "dee"): chooses(bounds, *values)})
    caught(world, tmp_path, "dee", "bounded update", stage, reason)


def test_prover_chosen_relation(tmp_path: Path) -> None:
    """A plain opening, which holds, where bounds are asked for."""

    def lie(moment: Moment) -> Upload:
        me = moment.client
        lax = replace(me, chain=replace(me.chain, policy=under(update='"opening"')))
        return lax.seal(moment.ctx, np.full(LAYOUT.size, 4096))

    world = play(lies=False, rounds=1, instead={(0, "dee"): lie})
    caught(world, tmp_path, "dee", "bounded update", "shape", LESS)


def test_a_client_under_a_policy_of_its_own() -> None:
    """The other way round: whoever holds another policy than the one announced does not answer."""
    world = World.announced()
    lax = client("ada", start(round_policy(max_abs="1001")))
    lax.ready(3)
    with refusal("announcement", "policy", "another policy", round=0):
        lax.upload(world.announcement, numbers(1), now=NOW)
