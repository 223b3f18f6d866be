"""Which tensors of a model are trained, and in which order their values form one vector.

The order is that of the names (by code point); within a tensor, row-major. Everything that is committed to,
proved or added is a vector in this order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused

MAX_PARAMETERS = 1 << 28
"""What one commitment can hold (spec/commitment.md)."""

MAX_RANK = 32
"""Dimensions of a tensor: what every numpy can hold."""

DTYPES: dict[str, np.dtype[np.floating]] = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
"""Element types that can be trained, by their safetensors names."""

_ADVICE = "train in float32, or freeze the tensor (model.frozen in the policy)"
_ADVICE_CONSTANT = (
    "integers and booleans (step counters, index tables, masks) have no exact mean; in a base model "
    "they are constants (`fedproof.model.base`)"
)

TypeName = Literal["F16", "F32", "F64"]
Arrays = Mapping[str, NDArray[np.floating]]


def never_trained(dtype: str) -> bool:
    """Whether it is a safetensors type of integers or booleans: they have no exact mean."""
    return dtype == "BOOL" or dtype[:1] in "IU"


def supported(name: str, dtype: str) -> np.dtype[np.floating]:
    """The numpy type of a safetensors type that can be trained. Raises `Malformed` with the tensor's name and what to do
    otherwise.
    """
    if dtype in DTYPES:
        return DTYPES[dtype]
    advice = _ADVICE_CONSTANT if never_trained(dtype) else _ADVICE
    raise Malformed(
        f"tensor {printable(name)}: element type {printable(dtype)} cannot be trained exactly; {advice}"
    )


class Tensor(Record):
    """One tensor: its name, its shape (none: a scalar) and its element type."""

    name: Annotated[str, Field(min_length=1, max_length=512)]
    shape: Annotated[tuple[Annotated[int, Field(ge=0, le=MAX_PARAMETERS)], ...], Field(max_length=MAX_RANK)]
    dtype: TypeName

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def numpy_dtype(self) -> np.dtype[np.floating]:
        """Its element type in numpy, little-endian."""
        return DTYPES[self.dtype]


class Layout(Message):
    """The tensors of a model that are trained, sorted by name. `digest()` stands in announcements and certificates."""

    KIND: ClassVar[str] = "layout"

    tensors: tuple[Tensor, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [tensor.name for tensor in self.tensors]
        if names != sorted(set(names)):
            raise ValueError("tensors are sorted by name, each name once")
        if not 1 <= self.size <= MAX_PARAMETERS:
            raise ValueError(f"a model has 1 to {MAX_PARAMETERS} parameters, this one {self.size}")
        return self

    @classmethod
    def of(cls, tensors: Iterable[Tensor]) -> Self:
        """Sorts; raises `Malformed` if there is nothing to train or too much."""
        try:
            return cls(tensors=tuple(sorted(tensors, key=lambda tensor: tensor.name)))
        except ValueError as error:
            raise Malformed(f"model: {error}") from None

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        """The layout of arrays in memory. Raises `Malformed` for element types that are not supported."""
        return cls.of(
            Tensor(name=name, shape=tuple(array.shape), dtype=_dtype_name(name, array))
            for name, array in arrays.items()
        )

    @property
    def size(self) -> int:
        """d: the number of parameters."""
        return sum(tensor.size for tensor in self.tensors)


def _dtype_name(name: str, array: NDArray[np.generic]) -> TypeName:
    little = array.dtype.newbyteorder("<")
    for known, dtype in DTYPES.items():
        if little == dtype:
            return known  # type: ignore[return-value]
    kind = {"i": "I", "u": "U", "b": "BOOL"}.get(array.dtype.kind, str(array.dtype))
    supported(name, kind)
    raise AssertionError("unreachable: every supported type is in DTYPES")


def flatten(arrays: Arrays, layout: Layout) -> NDArray[np.float64]:
    """The d values in the layout's order, exactly (float64 holds every supported type).

    Raises `Refused` (subject "model", stage "shape") where names, shapes or element types differ from the
    layout.
    """
    expected = {tensor.name for tensor in layout.tensors}
    for name in sorted(expected ^ set(arrays)):
        problem = "is missing" if name in expected else "is not in the base model"
        raise Refused("model", "shape", f"tensor {printable(name)} {problem}")
    flat = np.empty(layout.size, dtype=np.float64)
    start = 0
    for tensor in layout.tensors:
        array = arrays[tensor.name]
        if tuple(array.shape) != tensor.shape:
            shape = tuple(array.shape)
            detail = f"tensor {printable(tensor.name)} has shape {shape}, the base model {tensor.shape}"
            raise Refused("model", "shape", detail)
        if _dtype_name(tensor.name, array) != tensor.dtype:
            detail = f"tensor {printable(tensor.name)} holds {array.dtype}, the base model {tensor.dtype}"
            raise Refused("model", "shape", detail)
        flat[start : start + tensor.size] = array.ravel()
        start += tensor.size
    return flat


def unflatten(flat: NDArray[np.float64], layout: Layout) -> dict[str, NDArray[np.floating]]:
    """The inverse of `flatten`: each value is rounded to its tensor's type, to nearest, ties to even; one beyond the type's range becomes
    its largest or smallest: a single accepted update could get a half-precision weight there, and the rounds have to go on.

    Raises `Refused` (subject "model", stage "shape") for another length."""
    if flat.shape != (layout.size,):
        raise Refused("model", "shape", f"{flat.shape} values, the layout has {layout.size}")
    arrays: dict[str, NDArray[np.floating]] = {}
    start = 0
    for tensor in layout.tensors:
        largest = np.finfo(tensor.numpy_dtype).max
        part = flat[start : start + tensor.size].clip(-largest, largest).astype(tensor.numpy_dtype)
        arrays[tensor.name] = part.reshape(tensor.shape)
        start += tensor.size
    return arrays
