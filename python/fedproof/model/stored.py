"""Tensors as a safetensors file holds them: element type, shape and bytes, of every type that the format has. Reading any such file, and
the one way in which fedproof writes one (spec/model.md §2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import safetensors
from numpy.typing import NDArray

from fedproof.encoding.text import printable
from fedproof.errors import Malformed
from fedproof.model.layout import MAX_PARAMETERS, MAX_RANK

ELEMENTS: dict[str, np.dtype[Any] | None] = {
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
    "C64": np.dtype("<c8"),
    "F32": np.dtype("<f4"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "BF16": None,
    "F16": np.dtype("<f2"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F8_E5M2FNUZ": None,
    "F8_E4M3FNUZ": None,
    "F8_E8M0": None,
    "F8_E4M3": None,
    "F8_E5M2": None,
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "F6_E3M2": None,
    "F6_E2M3": None,
    "F4": None,
    "BOOL": np.dtype("?"),
}
"""Element types by their safetensors names, and what numpy has for them. In this order tensors stand in the canonical file: by falling
size of an element, so that all lie aligned."""

_NAMES = {dtype: name for name, dtype in ELEMENTS.items() if dtype is not None}
_RANKS = {name: rank for rank, name in enumerate(ELEMENTS)}
_METADATA = "__metadata__"


@dataclass(frozen=True)
class Stored:
    """dtype: the element type's safetensors name. data: the elements, little-endian, row-major."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, name: str, array: NDArray[Any]) -> Self:
        """As numpy has it. Raises `Malformed`, with the tensor's name, for an element type that safetensors has not."""
        little = array.dtype.newbyteorder("<")
        if little not in _NAMES:
            what = printable(str(array.dtype), 64)
            raise Malformed(f"tensor {printable(name)}: {what} is no element type of a safetensors file")
        return cls(_NAMES[little], tuple(array.shape), np.asarray(array, dtype=little, order="C").tobytes())

    def array(self, name: str) -> NDArray[Any]:
        """Read-only. Raises `Malformed`, with the tensor's name, for an element type or a shape that numpy has not."""
        dtype = ELEMENTS[self.dtype]
        if dtype is None:
            detail = f"numpy has no type for {self.dtype}; take it from the base model's file"
            raise Malformed(f"tensor {printable(name)}: {detail}")
        try:
            return np.frombuffer(self.data, dtype=dtype).reshape(self.shape)
        except ValueError as error:
            raise Malformed(f"tensor {printable(name)}: {printable(str(error))}") from None


def read_tensors(data: bytes) -> dict[str, Stored]:
    """Every tensor of a safetensors file by name. Raises `Malformed` for anything else, names of none or more than 512 characters, shapes
    that no array has, and element types that are not in `ELEMENTS`."""
    try:
        entries = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except (safetensors.SafetensorError, ValueError) as error:
        raise Malformed(f"not a safetensors file: {printable(str(error))}") from None
    found: dict[str, Stored] = {}
    while entries:  # each is let go as soon as it was copied
        name, entry = entries.pop()
        shape, dtype = tuple(entry["shape"]), entry["dtype"]
        if not 1 <= len(name) <= 512:
            raise Malformed(f"tensor {printable(name, 64)}: a name has 1 to 512 characters")
        if len(shape) > MAX_RANK or any(size > MAX_PARAMETERS for size in shape):
            detail = f"at most {MAX_RANK} dimensions, of at most {MAX_PARAMETERS} each"
            raise Malformed(f"tensor {printable(name)}: its shape has {detail}")
        if dtype not in ELEMENTS:
            raise Malformed(
                f"tensor {printable(name)}: element type {printable(dtype, 64)} is not known here"
            )
        found[name] = Stored(dtype, shape, bytes(entry["data"]))
    return found


def read_metadata(data: bytes) -> dict[str, str]:
    """The texts beside the tensors, of a file that `read_tensors` reads."""
    size = int.from_bytes(data[:8], "little")
    found = json.loads(data[8 : 8 + size]).get(_METADATA) or {}
    return {str(name): str(text) for name, text in found.items()}


def write_tensors(tensors: Mapping[str, Stored], metadata: Mapping[str, str] | None = None) -> bytes:
    """The canonical file: tensors in the order of their types in `ELEMENTS`, then by name; the header padded with spaces to 8 bytes. The
    safetensors library writes the same bytes, of at most one metadata text."""
    header: dict[str, object] = {_METADATA: dict(metadata)} if metadata else {}
    parts: list[bytes] = []
    start = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (_RANKS[item[1].dtype], item[0])):
        end = start + len(tensor.data)
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [start, end]}
        parts.append(tensor.data)
        start = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])
