"""PyTorch models as fedproof counts them, and back (extra `torch`; docs/how-to/prove-a-pytorch-model.md).

`arrays_of` is what travels: each tensor of the state_dict once, in its order. `load` puts a released model back, bit for bit. `save_base`
writes the base model's file, `frozen_patterns` says what the policy is to leave out of training.

Element types that numpy has travel as they are; bfloat16 and the floats of eight bits as float32, which holds each of their values. A
tensor that the model has under two names (a tied embedding) travels under the first one.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch.nn.parameter import is_lazy

from fedproof.encoding.files import read_capped
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.model.base import save_base as save_arrays
from fedproof.model.tensors import MAX_FILE

if TYPE_CHECKING:
    from flwr.app import ArrayRecord

State = Mapping[str, torch.Tensor]


class HasNumpy(Protocol):
    """An array of Flower's, or a tensor."""

    def numpy(self) -> NDArray[Any]:
        """Its values."""


def arrays_of(model: torch.nn.Module | State) -> dict[str, NDArray[Any]]:
    """Copies of the model's tensors by name, in the order of its state_dict, without aliases.

    Ties are known by their memory: give the model, or a state_dict whose tensors were not copied one by one. Raises `UsageError`, with the
    tensor's name, for what is no tensor of numbers (extra state, a parameter without a value, sparse or quantised tensors) and
    for tensors that overlap without being the same: two coordinates would stand for one value.
    """
    state = _state(model)
    aliases = _aliases(state)
    return {name: _array(name, tensor) for name, tensor in state.items() if name not in aliases}


def load(model: torch.nn.Module, source: Mapping[str, NDArray[Any] | HasNumpy] | Path) -> None:
    """Gives the model these values: all or none. source: a safetensors file, such as a release, or arrays by name: `arrays_of` another
    model, or what a Flower message has. Floats are rounded to the type that the model has, to nearest, ties to even; integers and
    booleans have to be of its type. Aliases follow the tensor that they are tied to; if they are among the arrays, with the same value.

    Raises `Refused` (object "model"), with the tensor's name: stage "shape" for a tensor that is missing, not in the model, or of another
    shape or kind, "decoding" for a value that the model's type cannot hold; `Malformed` for a file that cannot be read, `UsageError`
    as `arrays_of`.
    """
    state = _state(model)
    aliases = _aliases(state)
    given = _read(source) if isinstance(source, Path) else {n: _tensor(n, a) for n, a in source.items()}
    for name in given.keys() - state.keys():
        raise Refused("model", "shape", f"tensor {printable(name)} is not in the PyTorch model")
    values: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        first = aliases.get(name, name)
        if name in given:
            found = _fitting(name, given[name], tensor)
        elif first in given:
            found = values[first]
        else:
            raise Refused("model", "shape", f"tensor {printable(name)} is missing")
        if first != name and not _same(found, values[first]):
            detail = f"tensor {printable(name)} is tied to {printable(first)}, and has other values"
            raise Refused("model", "shape", detail)
        values[name] = found
    model.load_state_dict(values)


def save_base(model: torch.nn.Module, path: Path) -> bytes:
    """Writes the model as a federation's base model, whole or not at all; returns the file's bytes, whose SHA-256 a policy pins. Raises as
    `arrays_of`, `Malformed` for an element type that safetensors has not, `UsageError` where the file cannot be written."""
    return save_arrays(path, arrays_of(model))


def frozen_patterns(model: torch.nn.Module) -> tuple[str, ...]:
    """For the policy's `model.frozen`: what is not trained, as patterns that match that alone. A module of which nothing is trained is
    one pattern.

    Not trained are parameters without `requires_grad`, and buffers of floats (running statistics) in the innermost module with parameters
    if it has no others. Integers and booleans are constants anyway. Raises as `arrays_of`.
    """
    trained = {name: p.requires_grad for name, p in model.named_parameters(remove_duplicate=False)}
    modules = dict(model.named_modules(remove_duplicate=False))
    state = _state(model)
    aliases = _aliases(state)
    floats = {
        name: trained[name] if name in trained else _beside_trained(modules, name)
        for name, tensor in state.items()
        if name not in aliases and (tensor.is_floating_point() or tensor.is_complex())
    }
    return tuple(_patterns(floats, ""))


def record_of(model: torch.nn.Module | State) -> ArrayRecord:
    """`arrays_of` as a Flower message carries them (extra `flower`). `ArrayRecord(model.state_dict())` fails for bfloat16, and has every
    alias as a tensor of its own."""
    from flwr.app import Array, ArrayRecord

    return ArrayRecord({name: Array(array) for name, array in arrays_of(model).items()})


def _state(model: torch.nn.Module | State) -> dict[str, torch.Tensor]:
    found = model.state_dict() if isinstance(model, torch.nn.Module) else model
    for name, tensor in found.items():
        if not isinstance(tensor, torch.Tensor):
            what = printable(type(tensor).__name__, 64)
            raise UsageError(
                f"{printable(name)} in the state_dict is of type {what}, no tensor: it cannot travel"
            )
        if is_lazy(tensor):
            raise UsageError(f"tensor {printable(name)} has no shape yet: run the model once on an example")
    return {name: tensor.detach() for name, tensor in found.items()}


def _array(name: str, tensor: torch.Tensor) -> NDArray[Any]:
    try:
        if tensor.is_floating_point() and tensor.dtype not in _NUMPY_FLOATS:
            tensor = tensor.to(torch.float32)
        return np.array(tensor.cpu().resolve_conj().resolve_neg().numpy(), order="C")
    except (RuntimeError, TypeError, ValueError) as error:
        detail = printable(str(error).partition("\n")[0], 200)
        raise UsageError(f"tensor {printable(name)} has no values that numpy could hold: {detail}") from None


_NUMPY_FLOATS = (torch.float16, torch.float32, torch.float64)


def _aliases(state: State) -> dict[str, str]:
    """Names of tensors that another name had before them, by name."""
    firsts: dict[object, str] = {}
    aliases: dict[str, str] = {}
    for name, tensor in state.items():
        place = _place(tensor)
        if place is None:
            continue
        if place in firsts:
            aliases[name] = firsts[place]
        firsts.setdefault(place, name)
    _check_apart({name: state[name] for name in firsts.values()})
    return aliases


def _place(tensor: torch.Tensor) -> tuple[object, ...] | None:
    """Where its elements lie; nothing for a tensor that has none, or no memory of its own."""
    if tensor.layout != torch.strided or tensor.numel() == 0 or tensor.is_meta:
        return None
    strides = tuple(stride for stride, size in zip(tensor.stride(), tensor.shape, strict=True) if size > 1)
    return tensor.device, tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), strides


def _check_apart(state: State) -> None:
    """By the bytes from each tensor's first to its last element."""
    spans = []
    for name, tensor in state.items():
        steps = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
        start = tensor.data_ptr()
        spans.append((str(tensor.device), start, start + (steps + 1) * tensor.element_size(), name))
    spans.sort()
    for (device, _, end, name), (other, start, _, following) in pairwise(spans):
        if device == other and start < end:
            raise UsageError(
                f"tensors {printable(name)} and {printable(following)} overlap in memory without being the same:"
                " tie whole tensors, or copy one of them"
            )


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        return dict(load_tensors(read_capped(path, MAX_FILE)))
    except (SafetensorError, ValueError, KeyError) as error:
        raise Malformed(
            f"{printable(str(path))}: not a safetensors file: {printable(str(error), 200)}"
        ) from None


def _tensor(name: str, array: NDArray[Any] | HasNumpy) -> torch.Tensor:
    if isinstance(array, torch.Tensor):
        return array.detach()
    values = array if isinstance(array, np.ndarray) else array.numpy()
    try:
        return torch.from_numpy(np.array(values, dtype=values.dtype.newbyteorder("="), order="C"))
    except TypeError as error:
        raise Refused("model", "shape", f"tensor {printable(name)}: {printable(str(error), 200)}") from None


def _fitting(name: str, given: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """As the model's own tensor. Raises `Refused`."""
    shown = printable(name)
    if given.shape != own.shape:
        detail = f"tensor {shown} has shape {tuple(given.shape)}, in the PyTorch model {tuple(own.shape)}"
        raise Refused("model", "shape", detail)
    if given.dtype == own.dtype:
        return given
    if not (given.is_floating_point() and own.is_floating_point()):
        detail = f"tensor {shown} holds {given.dtype}, in the PyTorch model {own.dtype}"
        raise Refused("model", "shape", detail)
    found = given.to(own.dtype)
    if not torch.equal(found.to(torch.float64).isfinite(), given.to(torch.float64).isfinite()):
        detail = f"tensor {shown}: a value is beyond the range of the PyTorch model's {own.dtype}"
        raise Refused("model", "decoding", detail)
    return found


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one is other or torch.equal(one, other)


def _beside_trained(modules: Mapping[str, torch.nn.Module], name: str) -> bool:
    """Whether a buffer's innermost module with parameters has one that is trained, or there is none. modules: by path."""
    path = name
    while path:
        path = path.rpartition(".")[0]
        if path in modules and (parameters := list(modules[path].parameters())):
            return any(p.requires_grad for p in parameters)
    return True


def _patterns(floats: Mapping[str, bool], prefix: str) -> Iterator[str]:
    """floats: whether each is trained. prefix: where these are, with a dot at its end."""
    groups: dict[str, dict[str, bool]] = {}
    for name, trained in floats.items():
        groups.setdefault(name[len(prefix) :].partition(".")[0], {})[name] = trained
    for child, members in groups.items():
        below = f"{prefix}{child}."
        if not any(members.values()) and all(name.startswith(below) for name in members):
            yield glob.escape(below) + "*"
        elif f"{prefix}{child}" not in members:
            yield from _patterns(members, below)
        elif not any(members.values()):
            yield glob.escape(f"{prefix}{child}")
