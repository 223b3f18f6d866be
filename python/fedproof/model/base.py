"""The base model: which of its tensors are trained, which stay as they are, and the one file that is released (spec/model.md §1, §2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.files import write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import Malformed
from fedproof.model.layout import Layout, Tensor, never_trained, supported
from fedproof.model.quantise import to_arrays
from fedproof.model.stored import Stored, read_metadata, read_tensors, write_tensors

ORDER = "fedproof.order"
"""Name of the metadata text with the names of all tensors, as a JSON list, in the order in which programs read them by position."""


@dataclass(frozen=True)
class Base:
    """What the base model's file fixes for the whole federation. layout: the tensors that are trained, so committed, proved and added.
    constants: the others by name, as they lie in the file. order: the names of all, in the order that the file gives."""

    layout: Layout
    constants: Mapping[str, Stored]
    order: tuple[str, ...]

    def released(self, W: NDArray[np.int64], scale: int) -> bytes:
        """The one file that belongs to a model state: what is released, bit for bit. Raises `Refused` as `to_arrays`."""
        trained = to_arrays(W, self.layout, scale)
        tensors = {name: Stored.of(name, array) for name, array in trained.items()}
        return write_tensors({**tensors, **self.constants}, _order_text(self.order))

    def arrays(self, W: NDArray[np.int64], scale: int) -> dict[str, NDArray[Any]]:
        """All tensors of a model state, constants too, in `order`. Raises `Refused` as `to_arrays`, and `Malformed` for a constant of an
        element type that numpy has not."""
        trained = to_arrays(W, self.layout, scale)
        return {n: trained[n] if n in trained else self.constants[n].array(n) for n in self.order}


def parse_base(data: bytes, frozen: Sequence[str] = ()) -> tuple[Base, dict[str, NDArray[np.floating]]]:
    """The base model of a safetensors file, and the arrays of the tensors that are trained (read-only, by name).

    Integers and booleans are constants, and so is every tensor whose name matches one of `frozen` (shell-style patterns, case matters).
    Raises `Malformed` for a file that cannot be read or an element type that cannot be trained (with the tensor's name and what to do),
    a pattern that matches nothing, nothing left to train, or an order that does not name each tensor once.
    """
    tensors = read_tensors(data)
    for unused in (p for p in frozen if not any(fnmatchcase(name, p) for name in tensors)):
        raise Malformed(f"model.frozen: {printable(unused)!r} matches no tensor of the base model")
    constants = {
        name: tensor
        for name, tensor in tensors.items()
        if never_trained(tensor.dtype) or any(fnmatchcase(name, pattern) for pattern in frozen)
    }
    if constants and len(constants) == len(tensors):
        detail = "every tensor is an integer, a boolean, or frozen by the policy (model.frozen)"
        raise Malformed(f"base model: nothing is left to train: {detail}")
    trained: dict[str, NDArray[np.floating]] = {}
    kinds: list[Tensor] = []
    for name in tensors.keys() - constants.keys():
        tensor = tensors[name]
        supported(name, tensor.dtype)
        kinds.append(Tensor(name=name, shape=tensor.shape, dtype=tensor.dtype))  # type: ignore[arg-type]
        trained[name] = tensor.array(name)
    return Base(Layout.of(kinds), constants, _order(tensors, read_metadata(data))), trained


def save_base(path: Path, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Writes a base model's file, whole or not at all, and returns its bytes, whose SHA-256 a policy pins. arrays: of any element type that
    numpy and safetensors both have, integers and booleans too, in the order in which programs read them by position. Raises
    `Malformed` for an element type of numpy's own, `UsageError` where the file cannot be written."""
    tensors = {name: Stored.of(name, array) for name, array in arrays.items()}
    data = write_tensors(tensors, _order_text(tuple(arrays)))
    read_tensors(data)  # what is written can be read
    write_atomic(path, data)
    return data


def usual_order(names: Iterable[str]) -> tuple[str, ...]:
    """The order of a file that gives none: of numbers, if all names are decimal numbers, else by code point."""
    found = sorted(names)
    if all(name.isascii() and name.isdecimal() for name in found):
        found.sort(key=int)
    return tuple(found)


def _order(names: Iterable[str], metadata: Mapping[str, str]) -> tuple[str, ...]:
    usual = usual_order(names)
    if ORDER not in metadata:
        return usual
    try:
        order = json.loads(metadata[ORDER])
    except (ValueError, RecursionError):
        raise Malformed(f"base model: its metadata {ORDER} is no JSON") from None
    if not (isinstance(order, list) and all(isinstance(name, str) for name in order)):
        raise Malformed(f"base model: its metadata {ORDER} is no list of names")
    if sorted(order) != sorted(usual):
        raise Malformed(f"base model: its metadata {ORDER} does not name each tensor of the file once")
    return tuple(order)


def _order_text(order: tuple[str, ...]) -> dict[str, str] | None:
    """The metadata of an order: none where a reader comes to it without."""
    if order == usual_order(order):
        return None
    return {ORDER: json.dumps(order, ensure_ascii=False, separators=(",", ":"))}
