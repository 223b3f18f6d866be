"""Tensors as they travel, and back: element types, ties, what has no place."""

from collections import OrderedDict
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.model.base import parse_base
from fedproof.model.stored import read_tensors
from fedproof.torch import arrays_of, frozen_patterns, load, record_of, save_base
from tests.torch.models import Backbone, ConvNet, Masked, Tied, bits, step


def test_the_order_is_the_state_dicts_and_values_are_copies() -> None:
    model = ConvNet()
    arrays = arrays_of(model)
    assert list(arrays) == list(model.state_dict())
    before = arrays["0.weight"].copy()
    step(model, 0)
    assert (arrays["0.weight"] == before).all()
    assert arrays["1.num_batches_tracked"].dtype == np.int64
    assert arrays["1.num_batches_tracked"].shape == ()


def test_buffers_that_the_state_dict_has() -> None:
    arrays = arrays_of(Masked())
    assert {n: a.dtype.name for n, a in arrays.items()} == {
        "linear.weight": "float32",
        "linear.bias": "float32",
        "mask": "bool",
        "index": "int32",
    }


@pytest.mark.parametrize(
    ("dtype", "travels"),
    [
        (torch.float64, np.float64),
        (torch.float32, np.float32),
        (torch.float16, np.float16),
        (torch.bfloat16, np.float32),
        (torch.float8_e4m3fn, np.float32),
        (torch.float8_e5m2, np.float32),
        (torch.complex64, np.complex64),
        (torch.uint8, np.uint8),
        (torch.int64, np.int64),
        (torch.bool, np.bool_),
    ],
    ids=str,
)
def test_every_value_of_a_type_comes_back(dtype: torch.dtype, travels: type) -> None:
    class Held(nn.Module):
        def __init__(self, values: torch.Tensor) -> None:
            super().__init__()
            self.register_buffer("values", values)

    every = torch.arange(1 << 16).to(torch.int32).to(torch.uint16).view(torch.uint8)
    values = every[: 1 << 13].view(dtype) if dtype.itemsize > 2 else every.view(dtype)
    if dtype == torch.bool:
        values = every[: 1 << 13] % 2 == 0
    elif (
        dtype.is_floating_point or dtype.is_complex
    ):  # not-a-number has no one bit pattern, and is never trained
        values = torch.where(
            values.to(torch.complex128 if dtype.is_complex else torch.float64).isfinite(), values, 0
        )
    arrays = arrays_of(Held(values))
    assert arrays["values"].dtype == travels
    model = Held(torch.zeros_like(values))
    load(model, arrays)
    assert bits(model) == bits(Held(values))


def test_a_bfloat16_model_has_the_nearest_values() -> None:
    model = nn.Linear(2, 1).bfloat16()
    weight = np.array([[1 + 2**-8, 1 + 3 * 2**-8]], np.float32)  # each halfway between two: ties to even
    load(model, {"weight": weight, "bias": np.zeros(1, np.float32)})
    assert model.weight.tolist() == [[1, 1 + 2**-6]]


def test_tied_tensors_travel_once_and_stay_tied() -> None:
    model, other = Tied(), Tied()
    arrays = arrays_of(model)
    assert list(arrays) == ["embedding.weight", "body.weight", "body.bias"]
    assert list(record_of(model)) == list(arrays)
    load(other, arrays)
    assert bits(other) == bits(model)
    assert other.output.weight is other.embedding.weight
    step(other, 0)
    load(other, record_of(model))
    assert bits(other) == bits(model)


def test_an_alias_may_be_there_if_it_says_the_same() -> None:
    model, other = Tied(), Tied()
    everything = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    load(other, everything)
    assert bits(other) == bits(model)
    everything["output.weight"][0, 0] += 1
    before = bits(other)
    with pytest.raises(Refused, match=r"output\.weight is tied to embedding\.weight, and has other values"):
        load(other, everything)
    assert bits(other) == before


def test_a_tie_that_only_views_share() -> None:
    shared = torch.zeros(4, 3)
    assert list(arrays_of({"a": shared, "b": shared.view(4, 3), "c": shared.clone()})) == ["a", "c"]
    assert list(arrays_of({"a": torch.zeros(0), "b": torch.zeros(0)})) == ["a", "b"]
    flat = torch.arange(6.0)  # as recurrent layers have them: one memory, in pieces
    assert list(arrays_of({"a": flat[:3], "b": flat[3:]})) == ["a", "b"]
    with pytest.raises(UsageError, match=r"tensors a and b overlap in memory without being the same"):
        arrays_of({"a": flat[:4], "b": flat[3:]})
    with pytest.raises(UsageError, match="overlap"):
        arrays_of({"a": shared, "b": shared.t()})


def test_what_is_not_contiguous() -> None:
    model = nn.Linear(3, 2)
    model.weight = nn.Parameter(torch.arange(6.0).reshape(3, 2).t())
    arrays = arrays_of(model)
    assert arrays["weight"].flags.c_contiguous
    assert arrays["weight"].tolist() == [[0, 2, 4], [1, 3, 5]]
    other = nn.Linear(3, 2)
    load(other, arrays)
    assert bits(other) == bits(model)


class WithExtra(nn.Linear):
    def get_extra_state(self) -> object:
        return {"a": 1}


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (WithExtra(2, 1), "_extra_state in the state_dict is of type dict"),
        (nn.LazyLinear(2), "tensor weight has no shape yet"),
        (nn.Linear(2, 1, device="meta"), "tensor weight has no values"),
        ({"\x1b[2J": torch.zeros(2, 2).to_sparse()}, "has no values that numpy could hold"),
    ],
    ids=["extra", "lazy", "meta", "sparse"],
)
def test_what_cannot_travel(model: nn.Module | dict[str, torch.Tensor], told: str) -> None:
    with pytest.raises(UsageError) as error:
        arrays_of(model)
    assert told in str(error.value)
    assert "\x1b" not in str(error.value)


F = np.float32
GOOD = {"weight": np.ones((2, 3), F), "bias": np.ones(2, F)}


@pytest.mark.parametrize(
    ("changed", "stage", "told"),
    [
        ({"bias": None}, "shape", "tensor bias is missing"),
        ({"more": np.ones(1, F)}, "shape", "tensor more is not in the PyTorch model"),
        ({"bias": np.ones(3, F)}, "shape", r"bias has shape \(3,\), in the PyTorch model \(2,\)"),
        ({"weight": np.ones((3, 2), F)}, "shape", "weight has shape"),
        ({"bias": np.ones((2, 1), F)}, "shape", "bias has shape"),
        (
            {"bias": np.ones(2, np.int64)},
            "shape",
            r"bias holds torch\.int64, in the PyTorch model torch\.float32",
        ),
        ({"bias": np.array([1, 1e300])}, "decoding", r"bias: a value is beyond the range"),
        ({"bias": np.array(["a", "b"])}, "shape", "bias: can't convert"),
    ],
)
def test_what_does_not_fit_changes_nothing(changed: dict[str, object], stage: str, told: str) -> None:
    model = nn.Linear(3, 2)
    before = bits(model)
    arrays = {n: a for n, a in {**GOOD, **changed}.items() if a is not None}
    with pytest.raises(Refused, match=told) as error:
        load(model, arrays)  # type: ignore[arg-type]
    assert (error.value.subject, error.value.stage) == ("model", stage)
    assert bits(model) == before


def test_integers_have_to_be_of_the_models_type() -> None:
    model = Masked()
    arrays = arrays_of(model)
    for name, other in (("mask", np.uint8), ("index", np.int64)):
        with pytest.raises(Refused, match=f"tensor {name} holds"):
            load(model, {**arrays, name: arrays[name].astype(other)})


def test_arrays_of_either_byte_order_and_read_only() -> None:
    model = nn.Linear(3, 2)
    big = {name: array.astype(">f4") for name, array in GOOD.items()}
    big["bias"].flags.writeable = False
    load(model, big)
    assert model.weight.eq(1).all()


def test_files(tmp_path: Path) -> None:
    model, other = ConvNet(), ConvNet()
    data = save_base(model, tmp_path / "base.safetensors")
    assert (tmp_path / "base.safetensors").read_bytes() == data
    load(other, tmp_path / "base.safetensors")
    assert bits(other) == bits(model)
    assert parse_base(data)[0].order == tuple(model.state_dict())
    half = nn.Linear(3, 2).bfloat16()
    save_file(half.state_dict(), tmp_path / "bf16.safetensors")  # of another program: bfloat16 as such
    same = nn.Linear(3, 2).bfloat16()
    load(same, tmp_path / "bf16.safetensors")
    assert bits(same) == bits(half)
    (tmp_path / "none").write_bytes(data[:40])
    with pytest.raises(Malformed, match="not a safetensors file"):
        load(other, tmp_path / "none")
    with pytest.raises(Malformed, match="cannot read"):
        load(other, tmp_path / "missing")


def test_integers_of_a_base_model_are_constants(tmp_path: Path) -> None:
    base, _ = parse_base(save_base(ConvNet(), tmp_path / "base.safetensors"))
    assert set(base.constants) == {"1.num_batches_tracked"}
    tensors = read_tensors(save_base(Tied().half(), tmp_path / "base.safetensors"))
    assert {t.dtype for t in tensors.values()} == {"F16"}


def frozen_of(model: nn.Module) -> set[str]:
    patterns = frozen_patterns(model)
    names = arrays_of(model)
    assert all(any(fnmatchcase(name, pattern) for name in names) for pattern in patterns)
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}


def test_what_is_frozen() -> None:
    model = Backbone()
    assert frozen_patterns(model) == ("backbone.*",)
    assert frozen_of(model) == {n for n in model.state_dict() if n.startswith("backbone.")}
    assert frozen_patterns(ConvNet()) == ()
    model.backbone[1].weight.requires_grad_()
    # The statistics of a BatchNorm that is trained are trained, too.
    assert frozen_patterns(model) == ("backbone.0.*", "backbone.1.bias")
    model.head.bias.requires_grad_(requires_grad=False)
    assert "head.bias" in frozen_patterns(model)


def test_statistics_without_parameters_go_with_the_module_around_them() -> None:
    model = nn.Sequential(
        OrderedDict(a=nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)), b=nn.Linear(2, 1))
    )
    assert frozen_patterns(model) == ()
    model.a.requires_grad_(requires_grad=False)
    assert frozen_patterns(model) == ("a.*",)
    assert frozen_patterns(nn.BatchNorm1d(2, affine=False)) == ()


def test_a_tied_parameter_is_frozen_by_its_first_name() -> None:
    model = Tied()
    model.embedding.weight.requires_grad_(requires_grad=False)
    assert frozen_patterns(model) == ("embedding.*",)
    assert frozen_of(model) == {"embedding.weight"}


def test_names_with_the_letters_of_patterns() -> None:
    model = nn.ModuleDict({"a[0]*": nn.Linear(2, 1), "a0": nn.Linear(2, 1)})
    model["a[0]*"].requires_grad_(requires_grad=False)
    assert frozen_of(model) == {"a[0]*.weight", "a[0]*.bias"}
