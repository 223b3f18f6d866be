"""Models of which every tensor is trained, as safetensors files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.files import write_atomic
from fedproof.model.layout import Arrays, Layout, Tensor, flatten, supported
from fedproof.model.stored import Stored, read_tensors, write_tensors

MAX_FILE = 1 << 32
"""Bytes of a model's file at most."""


def parse_model(data: bytes) -> tuple[Layout, dict[str, NDArray[np.floating]]]:
    """The layout and the arrays (read-only, by name) of a safetensors file. Any metadata in it is ignored. Raises `Malformed`, also for
    element types that cannot be trained (`fedproof.model.base` reads models that have some)."""
    tensors, arrays = [], {}
    for name, entry in read_tensors(data).items():
        supported(name, entry.dtype)
        tensors.append(Tensor(name=name, shape=entry.shape, dtype=entry.dtype))  # type: ignore[arg-type]
        arrays[name] = entry.array(name)
    return Layout.of(tensors), arrays


def serialise(arrays: Arrays, layout: Layout) -> bytes:
    """The canonical file of these arrays, without metadata (`write_tensors`). Raises `Refused` where they don't have this layout."""
    flatten(arrays, layout)
    return write_tensors(
        {tensor.name: Stored.of(tensor.name, arrays[tensor.name]) for tensor in layout.tensors}
    )


def save_model(path: Path, arrays: Arrays, layout: Layout) -> bytes:
    """Writes the canonical file, whole or not at all, and returns its bytes."""
    data = serialise(arrays, layout)
    write_atomic(path, data)
    return data
