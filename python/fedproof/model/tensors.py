"""Models as safetensors files: reading them, and the one way in which fedproof writes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import safetensors
from numpy.typing import NDArray

from fedproof.encoding.files import write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import Malformed
from fedproof.model.layout import MAX_PARAMETERS, Arrays, Layout, Tensor, flatten, supported
from fedproof.model.quantise import to_arrays

MAX_FILE = 8 * MAX_PARAMETERS + (1 << 24)
"""Bytes: the largest model in float64, and a header."""


def parse_model(data: bytes) -> tuple[Layout, dict[str, NDArray[np.floating]]]:
    """The layout and the arrays (read-only, by name) of a safetensors file. Any metadata in it is ignored."""
    try:
        entries = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except (safetensors.SafetensorError, ValueError) as error:
        raise Malformed(f"not a safetensors file: {printable(str(error))}") from None
    tensors, arrays = [], {}
    for name, entry in entries:
        dtype = supported(name, entry["dtype"])
        shape = tuple(entry["shape"])
        try:
            tensors.append(Tensor(name=name, shape=shape, dtype=entry["dtype"]))
            arrays[name] = np.frombuffer(entry["data"], dtype=dtype).reshape(shape)
        except ValueError as error:  # ours, or numpy's for a shape that no array has
            raise Malformed(f"tensor {printable(name)}: {printable(str(error))}") from None
    return Layout.of(tensors), arrays


def serialise(arrays: Arrays, layout: Layout) -> bytes:
    """The canonical file of these arrays: no metadata; tensors by falling element size (so that all lie
    aligned), then by name; the header padded with spaces to 8 bytes. The safetensors library writes the same
    bytes.

    Raises `Refused` where the arrays don't have this layout.
    """
    flatten(arrays, layout)
    header: dict[str, object] = {}
    parts: list[bytes] = []
    start = 0
    for tensor in sorted(layout.tensors, key=lambda t: (-t.numpy_dtype.itemsize, t.name)):
        part = np.ascontiguousarray(arrays[tensor.name], dtype=tensor.numpy_dtype).tobytes()
        header[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [start, start + len(part)],
        }
        parts.append(part)
        start += len(part)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def save_model(path: Path, arrays: Arrays, layout: Layout) -> bytes:
    """Writes the canonical file, whole or not at all, and returns its bytes."""
    data = serialise(arrays, layout)
    write_atomic(path, data)
    return data


def model_bytes(W: NDArray[np.int64], layout: Layout, scale: int) -> bytes:
    """The one file that belongs to a model state: what is released, bit for bit."""
    return serialise(to_arrays(W, layout, scale), layout)
