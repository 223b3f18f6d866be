"""From a model to updates, proofs, a verified release, and back into a model: bit for bit the state of the chain."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fedproof.model.aggregate import weighted_mean
from fedproof.model.base import parse_base
from fedproof.model.quantise import clip_update
from fedproof.round.folder import open_aggregator
from fedproof.torch import arrays_of, load
from tests.torch.federation import set_up, train_rounds, verified
from tests.torch.models import Backbone, ConvNet, Masked, Tied, bits, step


def ten_million() -> nn.Module:
    return nn.Sequential(nn.Linear(3000, 3000), nn.ReLU(), nn.Linear(3000, 330))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "convolutions with BatchNorm": ConvNet,
    "tied": Tied,
    "buffers": Masked,
    "frozen backbone": Backbone,
    "one layer": lambda: nn.Linear(5, 2),
    "float16": lambda: ConvNet().half(),
    "bfloat16": lambda: ConvNet().bfloat16(),
    "float64": lambda: ConvNet().double(),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_released_is_what_the_chain_has(name: str, tmp_path: Path) -> None:
    make = MODELS[name]
    torch.manual_seed(0)
    start = make()
    folder = set_up(tmp_path, start)
    train_rounds(folder, make, step, rounds=2)
    file, report = verified(folder)
    assert {"UPDATES_BOUNDED", "AGGREGATE_EXACT", "MODEL_CHAIN"} <= {c.claim for c in report.claims}
    released, own = make(), make()
    load(released, file)
    with open_aggregator(folder / "server") as aggregator:
        chain = aggregator.chain
    load(own, chain.arrays())
    assert bits(released) == bits(own)
    assert bits(released) != bits(start)
    # Loaded and taken apart again it is the file's own: nothing but the type's rounding was between.
    again, held = arrays_of(released), chain.arrays()
    assert list(again) == list(held)
    for array, kept in zip(again.values(), held.values(), strict=True):
        assert array.dtype == kept.dtype
        if name != "bfloat16":
            assert array.tobytes() == kept.tobytes()


def test_the_proof_of_a_frozen_backbone_is_over_the_head(tmp_path: Path) -> None:
    start = Backbone()
    folder = set_up(tmp_path, start)
    with open_aggregator(folder / "server") as aggregator:
        assert aggregator.chain.layout.size == 144 * 3 + 3 == len(aggregator.chain.W)
        assert {t.name for t in aggregator.chain.layout.tensors} == {"head.weight", "head.bias"}

    def train_all(model: nn.Module, k: int) -> None:
        model.requires_grad_()  # a node that does not keep to it: what is frozen stays all the same
        step(model, k)

    train_rounds(folder, Backbone, train_all, rounds=1)
    released = Backbone()
    load(released, verified(folder)[0])
    before, after = bits(start), bits(released)
    assert {n for n in before if before[n] != after[n]} == {"head.weight", "head.bias"}


def test_counters_are_the_base_models_and_statistics_are_averaged(tmp_path: Path) -> None:
    start = ConvNet()
    folder = set_up(tmp_path, start)
    torch.manual_seed(0)
    images = torch.rand(2, 16, 1, 8, 8)
    locally: list[torch.Tensor] = []

    def train(model: nn.Module, k: int) -> None:
        model.train()
        model(images[k] * (k + 1))
        locally.append(model[1].running_var.clone())  # type: ignore[index]

    train_rounds(folder, ConvNet, train, rounds=1)
    released = ConvNet()
    load(released, verified(folder)[0])
    assert released[1].num_batches_tracked == start[1].num_batches_tracked == 0
    mean = (10 * locally[0] + 11 * locally[1]) / 21
    assert torch.allclose(released[1].running_var, mean, atol=2**-14)
    assert (released[1].running_var > 0).all()
    released.eval()
    assert released(images[0]).isfinite().all()


variances = st.lists(st.integers(0, 1 << 20), min_size=3, max_size=3)


@given(
    variances,
    st.lists(st.tuples(variances, st.integers(1, 100)), min_size=1, max_size=4),
    st.integers(1, 1 << 20),
)
def test_averages_of_variances_are_no_less_than_zero(
    start: list[int], nodes: list[tuple[list[int], int]], bound: int
) -> None:
    """However clipping shortens the updates of nodes whose own variances are not negative."""
    W = np.array(start)
    total = sum(w * clip_update(np.array(own) - W, min(bound, 32767), bound) for own, w in nodes)
    assert (W + weighted_mean(np.asarray(total), sum(w for _, w in nodes)) >= 0).all()


def test_one_node_within_the_bounds_can_make_a_variance_negative(tmp_path: Path) -> None:
    """As the page says: of the values themselves nothing is proved."""
    folder = set_up(tmp_path, ConvNet())

    def train(model: nn.Module, k: int) -> None:
        if k == 1:
            model[1].running_var.fill_(-0.99)  # type: ignore[index,union-attr]
        else:
            model[1].running_var.fill_(0.1)  # type: ignore[index,union-attr]

    train_rounds(folder, ConvNet, train, rounds=1)
    released = ConvNet()
    load(released, verified(folder)[0])
    assert (released[1].running_var < 0).all()


def test_ten_million_parameters(tmp_path: Path) -> None:
    torch.manual_seed(0)
    start = ten_million()
    folder = set_up(tmp_path, start, nodes=1)
    base, _ = parse_base((tmp_path / "base.safetensors").read_bytes())
    assert base.layout.size == 9_993_330
    train_rounds(folder, ten_million, step, rounds=1)
    released, own = ten_million(), ten_million()
    load(released, verified(folder)[0])
    with open_aggregator(folder / "server") as aggregator:
        load(own, aggregator.chain.arrays())
    assert bits(released) == bits(own) != bits(start)
