"""Models with tensors that are not trained: they are released as the base model has them, or `verify` refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fedproof.errors import Malformed, Refused
from fedproof.model.base import ORDER
from fedproof.model.stored import Stored, read_metadata, read_tensors, write_tensors
from fedproof.provenance import verify_bundle
from fedproof.provenance.certificate import issue
from fedproof.round.chain import Chain
from tests.provenance.world import BASE, PRODUCER, Forgery, World, honest_bundle, play, refusal, told

TENSORS = {
    **{name: Stored.of(name, array) for name, array in BASE.items()},
    "backbone.0": Stored.of("", np.array([1.5, -2.5], np.float32)),
    "backbone.1": Stored.of("", np.array([0.5, 3.5], np.float32)),
    "backbone.half": Stored("BF16", (2,), b"\x80\x3f\x00\x40"),
    "bn.num_batches_tracked": Stored.of("", np.array(41, np.int64)),
    "mask": Stored.of("", np.array([True, False])),
}
ORDERED = ["mask", *sorted(TENSORS.keys() - {"mask"})]
BASE_FILE = write_tensors(TENSORS, {ORDER: json.dumps(ORDERED, separators=(",", ":"))})


@pytest.fixture(scope="module")
def world() -> World:
    return play(rounds=1, base=BASE_FILE, tables='[model]\nfrozen = ["backbone.*"]\n')


@pytest.fixture
def forgery(world: World) -> Forgery:
    return Forgery.of(world)


def test_the_trained_tensors_move_and_the_others_stay(world: World, tmp_path: Path) -> None:
    bundle, model = honest_bundle(world, tmp_path)
    report = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    assert report.statement.predicate.model.parameters == "15"
    released = read_tensors(model.read_bytes())
    assert {n for n in TENSORS if released[n] != TENSORS[n]} == set(BASE)
    assert released.keys() == TENSORS.keys()
    assert json.loads(read_metadata(model.read_bytes())[ORDER]) == ORDERED


Change = Callable[[dict[str, Stored]], object]
CHEATS: dict[str, tuple[Change, str]] = {
    "a frozen weight": (
        lambda t: t.update({"backbone.0": Stored.of("", np.array([1.5, 2.5], np.float32))}),
        "tensor backbone.0 is another",
    ),
    "one bit of an opaque one": (
        lambda t: t.update({"backbone.half": Stored("BF16", (2,), b"\x81\x3f\x00\x40")}),
        "tensor backbone.half is another",
    ),
    "a counter": (
        lambda t: t.update({"bn.num_batches_tracked": Stored.of("", np.array(42, np.int64))}),
        "tensor bn.num_batches_tracked is another",
    ),
    "a type": (lambda t: t.update({"mask": Stored("U8", (2,), b"\1\0")}), "tensor mask is another"),
    "a shape": (lambda t: t.update({"mask": Stored("BOOL", (1, 2), b"\1\0")}), "tensor mask is another"),
    "one that is missing": (lambda t: t.pop("mask"), "tensor mask is missing"),
    "one too many": (
        lambda t: t.update({"backbone.2": t["backbone.1"]}),
        "tensor backbone.2 is not in the base model",
    ),
    "two that were swapped": (
        lambda t: t.update({"backbone.0": t["backbone.1"], "backbone.1": t["backbone.0"]}),
        "tensor backbone.0 is another",
    ),
    "a name": (lambda t: t.update({"Mask": t.pop("mask")}), "tensor Mask is not in the base model"),
    "nothing but the order": (lambda t: None, "written in another way"),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_released_file_with_another_constant(forgery: Forgery, tmp_path: Path, cheat: str) -> None:
    change, said = CHEATS[cheat]
    tensors = read_tensors(forgery.model)
    change(tensors)
    order = sorted(tensors) if cheat.startswith("nothing") else ORDERED
    forgery.model = write_tensors(tensors, {ORDER: json.dumps(order, separators=(",", ":"))})
    error = refusal(forgery, tmp_path)
    assert told(error)[:2] == ("model", "chain")
    assert said in error.detail


def test_a_model_without_the_order(forgery: Forgery, tmp_path: Path) -> None:
    forgery.model = write_tensors(read_tensors(forgery.model))
    error = refusal(forgery, tmp_path)
    assert (*told(error)[:2], "written in another way" in error.detail) == ("model", "chain", True)


def test_nobody_certifies_another_constant(forgery: Forgery, tmp_path: Path) -> None:
    tensors = read_tensors(forgery.model)
    tensors["mask"] = Stored("BOOL", (2,), b"\1\1")
    forgery.model = write_tensors(tensors, read_metadata(forgery.model))
    bundle, model = forgery.write(tmp_path)
    held = forgery.world
    with pytest.raises(Refused, match="tensor mask is another"):
        issue(bundle, model=model, policy=held.policy, trust=held.trust, key=held.envelope, producer=PRODUCER)


def test_another_base_model_with_other_constants(forgery: Forgery, tmp_path: Path) -> None:
    """The policy pins the file: constants are no more exchanged there than weights."""
    digest = forgery.world.policy.base_digest
    forgery.blobs[digest] = write_tensors({**TENSORS, "mask": Stored("BOOL", (2,), b"\1\1")})
    assert told(refusal(forgery, tmp_path))[:2] == ("base model", "digest")


def test_another_policys_frozen_tensors(world: World, forgery: Forgery, tmp_path: Path) -> None:
    """Who asked for more to be frozen than the federation did refuses its model."""
    more = world.policy.model_copy(
        update={"model": world.policy.model.model_copy(update={"frozen": ("backbone.*", "layer.bias")})}
    )
    error = refusal(forgery, tmp_path, policy=more)
    assert (error.subject, error.stage) == ("policy", "policy")
    assert "model.frozen" in error.detail


def test_a_client_trains_what_the_policy_lets_it(world: World) -> None:
    """Constants may come back from training, changed, as counters do: they do not count."""
    from tests.round.world import client

    chain = Chain.start(world.policy, BASE_FILE)
    ada = client("ada", chain)
    trained = {name: array + np.float32(2**-5) for name, array in BASE.items()}
    counted = {"bn.num_batches_tracked": np.array(42), "backbone.0": np.zeros(2, np.float32)}
    assert ada.update({**trained, **counted}).tolist() == [128] * 15
    with pytest.raises(Refused, match=r"layer\.bias is missing"):
        ada.update({"layer.weight": trained["layer.weight"], **counted})
    with pytest.raises(Refused, match="other is not in the base model"):
        ada.update({**trained, "other": np.zeros(1)})


@pytest.mark.parametrize("frozen", ['"back*", "no.*"', '"*"'])
def test_a_policy_that_fits_no_base(world: World, frozen: str) -> None:
    held = world.policy.model_copy(
        update={"model": world.policy.model.model_copy(update={"frozen": tuple(json.loads(f"[{frozen}]"))})}
    )
    with pytest.raises(Malformed, match=r"matches no tensor|nothing is left to train"):
        Chain.start(held, BASE_FILE)
