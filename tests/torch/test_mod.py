"""Flower apps with PyTorch models through `proof_mod` and `Proved`, in one process: as users write them, and by `record_of` and `load`."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp.strategy import FedAvg, Result
from torch import nn

from fedproof.cli.app import load_commands, main
from fedproof.errors import UsageError
from fedproof.flower import Proved, proof_mod
from fedproof.model.base import save_base as save_arrays
from fedproof.round.provision import provision
from fedproof.torch import load, record_of
from tests.flower.world import World
from tests.torch.federation import policy_for, set_up, verified
from tests.torch.models import ConvNet, Tied, bits, step

Make = Callable[[], nn.Module]
load_commands()


def stock(make: Make, seed: int, seen: list[nn.Module]) -> ClientApp:
    """Flower's own way with PyTorch. seen: gets each model that is evaluated."""
    app = ClientApp(mods=[proof_mod])

    @app.train()
    def _train(message: Message, context: Context) -> Message:
        model = make()
        model.load_state_dict(message.content["arrays"].to_torch_state_dict())
        step(model, seed)
        content = {
            "arrays": ArrayRecord(model.state_dict()),
            "metrics": MetricRecord({"num-examples": 10 + seed, "loss": 0.5}),
        }
        return Message(RecordDict(content), reply_to=message)

    @app.evaluate()
    def _evaluate(message: Message, context: Context) -> Message:
        model = make()
        model.load_state_dict(message.content["arrays"].to_torch_state_dict())
        seen.append(model)
        largest = max(float(t.abs().max()) for t in model.state_dict().values())
        metrics = MetricRecord({"num-examples": 10, "largest": largest})
        return Message(RecordDict({"metrics": metrics}), reply_to=message)

    return app


def ours(make: Make, seed: int) -> ClientApp:
    """With `load` and `record_of`."""
    app = ClientApp(mods=[proof_mod])

    @app.train()
    def _train(message: Message, context: Context) -> Message:
        model = make()
        load(model, message.content["arrays"])
        step(model, seed)
        content = {"arrays": record_of(model), "metrics": MetricRecord({"num-examples": 10})}
        return Message(RecordDict(content), reply_to=message)

    return app


def world(folder: Path, clients: list[ClientApp]) -> World:
    found = World(folder)
    for k, client in enumerate(clients):
        found.answering[1000 + k] = found.node(k, client)
    return found


def run(world: World, initial: ArrayRecord, **config: object) -> Result:
    evaluate = 0.0 if config.pop("quiet", False) else 1.0
    strategy = Proved(FedAvg(fraction_evaluate=evaluate), world.context(**config))
    grid = world.grid()
    result = strategy.start(grid, initial, num_rounds=2)
    assert all(len(r.accepted) == len(world.answering) for r in strategy.rounds)
    return result


def test_a_stock_app_with_batchnorm(tmp_path: Path) -> None:
    start, seen = ConvNet(), list[nn.Module]()
    folder = set_up(tmp_path, start)
    there = world(folder, [stock(ConvNet, k, seen) for k in range(2)])
    result = run(there, ArrayRecord(start.state_dict()))
    file, _ = verified(folder)
    released, told = ConvNet(), ConvNet()
    load(released, file)
    told.load_state_dict(result.arrays.to_torch_state_dict())
    assert bits(told) == bits(released) == bits(seen[-1])
    assert list(result.arrays) == list(start.state_dict())
    assert all(model[1].num_batches_tracked == 0 for model in [*seen, released])  # type: ignore[index]
    # The mean of what was trained: 10 and 11 examples, two rounds.
    steps = []
    for seed in range(2):
        moved = ConvNet()
        load(moved, {n: torch.zeros_like(t) for n, t in moved.state_dict().items()})
        step(moved, seed)
        steps.append(moved.state_dict())
    for name, tensor in start.state_dict().items():
        if tensor.is_floating_point():
            mean = (10 * steps[0][name] + 11 * steps[1][name]) / 21
            assert torch.allclose(released.state_dict()[name], tensor + 2 * mean, atol=2**-12), name


def test_flower_has_no_bfloat16_and_record_of_has(tmp_path: Path) -> None:
    def make() -> nn.Module:
        return ConvNet().bfloat16()

    with pytest.raises(TypeError, match="BFloat16"):
        ArrayRecord(make().state_dict())
    start = make()
    folder = set_up(tmp_path, start)
    result = run(world(folder, [ours(make, k) for k in range(2)]), record_of(start), quiet=True)
    released, told = make(), make()
    load(released, verified(folder)[0])
    load(told, result.arrays)
    assert bits(told) == bits(released) != bits(start)


def test_tied_tensors_once_or_twice(tmp_path: Path) -> None:
    """Flower's own way has a tied tensor under both names: it works, and is proved twice. An app mixes no base of the one kind with
    records of the other."""
    start = Tied()
    once = set_up(tmp_path / "once", start)
    run(world(once, [ours(Tied, k) for k in range(2)]), record_of(start), quiet=True)
    both = ArrayRecord(start.state_dict())
    assert list(both) == ["embedding.weight", "body.weight", "body.bias", "output.weight"]
    (tmp_path / "twice").mkdir()
    base = save_arrays(tmp_path / "twice" / "base.safetensors", {n: a.numpy() for n, a in both.items()})
    twice = tmp_path / "twice" / "federation"
    provision(twice, policy=policy_for(base).encode(), base=base, nodes=2)
    there = world(twice, [stock(Tied, k, []) for k in range(2)])
    run(there, both, quiet=True)
    with pytest.raises(
        UsageError, match=r"output\.weight is not in initial_arrays: the app has another model"
    ):
        run(there, record_of(start), quiet=True)
    released, other = Tied(), Tied()
    load(released, verified(once)[0])
    load(other, verified(twice)[0])  # honest nodes moved both names alike
    assert released.output.weight is released.embedding.weight
    assert bits(other).keys() == bits(released).keys()


def test_bounds_from_a_dry_run_with_batchnorm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flower itself averages counters, too: what it makes of them is in no bound."""
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(is_initialized=lambda: True))
    start = ConvNet()
    dry, policy = tmp_path / "dry", tmp_path / "policy.toml"
    there = world(tmp_path / "federation", [stock(ConvNet, k, []) for k in range(2)])
    there.simulated = True
    run(there, ArrayRecord(start.state_dict()), **{"fedproof-dry-run": str(dry)})
    base = dry / "base.safetensors"
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "fedproof",
            "policy",
            "calibrate",
            str(dry),
            "--federation",
            "f",
            "--base",
            str(base),
            "--out",
            str(policy),
        ],
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0, capsys.readouterr().err
    again = {"fedproof-dry-run": str(dry), "fedproof-dry-policy": str(policy)}
    run(there, ArrayRecord(start.state_dict()), **again)
    there.simulated = False
    provision(tmp_path / "federation", policy=policy.read_bytes(), base=base.read_bytes(), nodes=2)
    run(there, ArrayRecord(start.state_dict()))
    released = ConvNet()
    load(released, verified(tmp_path / "federation")[0])
    assert bits(released) != bits(start)
