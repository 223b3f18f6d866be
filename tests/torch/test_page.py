"""The page on PyTorch models runs as it stands, and says of bfloat16 and of BatchNorm what is so."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fedproof.errors import Malformed, Refused
from fedproof.model.base import parse_base
from fedproof.round.folder import open_node
from fedproof.torch import arrays_of, frozen_patterns, load, save_base
from tests.docs.test_commands import PYTORCH, Runner
from tests.torch.federation import set_up
from tests.torch.models import Tied


@pytest.mark.parametrize("name", PYTORCH)
def test_the_page_runs(name: str, tmp_path: Path) -> None:
    def needs_none() -> dict[str, str]:
        raise AssertionError("no page on PyTorch simulates")

    where = Runner(tmp_path, tmp_path, needs_none).run(name)
    assert (where / "federation" / "server" / "release" / "model.safetensors").exists()


def test_each_node_proves_as_many_coordinates_as_the_page_says(tmp_path: Path) -> None:
    base, _ = parse_base(save_base(nn.Linear(8 * 6 * 6, 3), tmp_path / "head.safetensors"))
    assert base.layout.size == 867


def test_a_bfloat16_module_rounds_before_it_has_learned_anything(tmp_path: Path) -> None:
    torch.manual_seed(0)
    start = nn.Linear(64, 64)
    folder = set_up(tmp_path, start, nodes=1)
    with open_node(folder / "nodes" / "0") as node:
        exact = node.client.chain.arrays()
        half = nn.Linear(64, 64).bfloat16()
        load(half, exact)
        rounding = {name: np.abs(array - exact[name]) for name, array in arrays_of(half).items()}
        for name, off in rounding.items():
            assert (off <= np.abs(exact[name]) * 2**-8).all()
        assert (rounding["weight"] > np.abs(exact["weight"]) * 2**-9).any()
        assert np.count_nonzero(node.client.update(arrays_of(half))) > 1000
        full = nn.Linear(64, 64)
        load(full, exact)
        assert not node.client.update(arrays_of(full)).any()


def test_of_two_names_proved_each_for_itself_a_cheater_moves_one(tmp_path: Path) -> None:
    arrays = {name: tensor.numpy().copy() for name, tensor in Tied().state_dict().items()}
    arrays["output.weight"] += 1
    with pytest.raises(Refused, match="is tied to"):
        load(Tied(), arrays)


def test_complex_numbers_are_frozen_or_refused(tmp_path: Path) -> None:
    class Wave(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.phase = nn.Parameter(torch.zeros(3, dtype=torch.complex64))
            self.real = nn.Parameter(torch.zeros(3))

    wave = Wave()
    data = save_base(wave, tmp_path / "base.safetensors")
    with pytest.raises(Malformed, match="phase: element type C64 cannot be trained"):
        parse_base(data, frozen_patterns(wave))
    wave.phase.requires_grad_(requires_grad=False)
    base, _ = parse_base(data, frozen_patterns(wave))
    assert set(base.constants) == {"phase"}
