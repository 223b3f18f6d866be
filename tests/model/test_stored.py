import json

import numpy as np
import pytest
import safetensors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedproof.errors import Malformed
from fedproof.model.stored import ELEMENTS, Stored, read_metadata, read_tensors, write_tensors

LIBRARY = {
    "U64": "uint64",
    "I64": "int64",
    "F64": "float64",
    "C64": "complex64",
    "F32": "float32",
    "U32": "uint32",
    "I32": "int32",
    "BF16": "bfloat16",
    "F16": "float16",
    "U16": "uint16",
    "I16": "int16",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
"""Names of element types in the library's Python interface, of those whose elements are whole bytes."""
NUMPY = [dtype for dtype in ELEMENTS.values() if dtype is not None]


def stored(dtype: str, count: int = 3) -> Stored:
    size = 1 if dtype == "BOOL" or "8" in dtype[:3] else int(dtype[-2:]) // 8
    return Stored(dtype, (count,), bytes(range(size * count)))


def by_the_library(tensors: dict[str, Stored], metadata: dict[str, str] | None = None) -> bytes:
    held = {name: np.frombuffer(t.data, np.uint8) for name, t in tensors.items()}
    specs = {
        name: safetensors.TensorSpec(
            dtype=LIBRARY[t.dtype],
            shape=t.shape,
            data_ptr=held[name].ctypes.data,
            data_len=len(held[name]),
        )
        for name, t in tensors.items()
    }
    return bytes(safetensors.serialize(specs, metadata))


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=6), st.sampled_from([*LIBRARY])
    )
)
def test_the_canonical_file_is_the_librarys_for_every_type(kinds: dict[str, str]) -> None:
    kinds.pop("__metadata__", None)
    tensors = {name: stored(dtype) for name, dtype in kinds.items()}
    assert write_tensors(tensors) == by_the_library(tensors)
    assert write_tensors(tensors, {"a": '["é"]'}) == by_the_library(tensors, {"a": '["é"]'})
    assert read_tensors(write_tensors(tensors)) == tensors


def test_types_stand_by_falling_size() -> None:
    sizes = [dtype.itemsize for dtype in ELEMENTS.values() if dtype is not None]
    assert sizes == sorted(sizes, reverse=True)


@given(st.sampled_from(NUMPY).flatmap(lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=0, max_side=3))))
def test_an_array_survives(array: np.ndarray) -> None:
    back = Stored.of("x", array).array("x")
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert not back.flags.writeable
    assert Stored.of("x", array.astype(array.dtype.newbyteorder(">"))) == Stored.of("x", array)
    assert Stored.of("x", array.T) == Stored.of("x", array.T.copy())


def test_what_one_side_has_no_type_for() -> None:
    with pytest.raises(Malformed, match="tensor x: <U3 is no element type"):
        Stored.of("x", np.array(["abc"]))
    with pytest.raises(Malformed, match="tensor x: numpy has no type for BF16"):
        stored("BF16").array("x")


def test_metadata() -> None:
    assert read_metadata(write_tensors({})) == {}
    assert read_metadata(write_tensors({"a": stored("U8")}, {"k": "v"})) == {"k": "v"}


def header(entries: dict[str, object], data: bytes) -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("", [1], "1 to 512 characters"),
        ("x" * 513, [1], "1 to 512 characters"),
        ("x", [1] * 33, "at most 32 dimensions"),
        ("x", [(1 << 28) + 1, 0], "at most"),
    ],
)
def test_tensors_that_are_none(name: str, shape: list[int], said: str) -> None:
    size = 0 if 0 in shape else 1
    with pytest.raises(Malformed, match=said):
        read_tensors(header({name: {"dtype": "U8", "shape": shape, "data_offsets": [0, size]}}, bytes(size)))
