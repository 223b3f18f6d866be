import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load, save

from fedproof.errors import Malformed
from fedproof.model.layout import Layout
from fedproof.model.tensors import parse_model, save_model, serialise

MODELS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
        lambda t: hnp.arrays(
            t, hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), elements={"allow_nan": False}
        )
    ),
    min_size=1,
    max_size=5,
)


@given(MODELS)
def test_the_canonical_file_is_the_safetensors_librarys(
    arrays: dict[str, np.ndarray],
) -> None:
    arrays.pop("__metadata__", None)
    if not arrays:
        return
    data = serialise(arrays, Layout.of_arrays(arrays))
    assert data == save(arrays)
    back = load(data)
    assert all(np.array_equal(back[name], array) for name, array in arrays.items())


@given(MODELS)
def test_reading_gives_back_what_was_written(arrays: dict[str, np.ndarray]) -> None:
    arrays.pop("__metadata__", None)
    if not arrays:
        return
    layout, back = parse_model(serialise(arrays, Layout.of_arrays(arrays)))
    assert layout == Layout.of_arrays(arrays)
    assert all(np.array_equal(back[name], array) for name, array in arrays.items())


def test_metadata_is_ignored_and_never_written() -> None:
    arrays = {"w": np.ones(3, np.float32)}
    layout, back = parse_model(save(arrays, metadata={"format": "pt"}))
    assert b"format" not in serialise(back, layout)


@given(st.binary(max_size=200))
def test_bytes_from_anywhere_are_malformed_or_a_model(data: bytes) -> None:
    with suppress(Malformed):
        parse_model(data)


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_file_is_malformed_or_a_model(data: st.DataObject) -> None:
    whole = serialise(
        {"w": np.ones(3, np.float32), "v": np.zeros((2, 2))},
        Layout.of_arrays({"w": np.ones(3, np.float32), "v": np.zeros((2, 2))}),
    )
    if data.draw(st.booleans()):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        position, byte = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
        damaged = whole[:position] + bytes([byte]) + whole[position + 1 :]
    with suppress(Malformed):
        parse_model(damaged)


def header(entries: dict[str, object], data: bytes) -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    ("dtype", "size", "says"),
    [
        ("BF16", 2, "float32"),
        ("I64", 8, "constants"),
        ("U8", 1, "constants"),
        ("BOOL", 1, "constants"),
        ("F8_E4M3", 1, "freeze"),
    ],
)
def test_other_types_are_refused_by_name_with_advice(dtype: str, size: int, says: str) -> None:
    entry = {"w.x": {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}}
    with pytest.raises(Malformed, match=rf"w\.x.*{dtype}.*{says}"):
        parse_model(header(entry, bytes(size)))


def test_hostile_names_do_not_reach_the_terminal() -> None:
    entry = {"\x1b[2Jx": {"dtype": "I8", "shape": [1], "data_offsets": [0, 1]}}
    with pytest.raises(Malformed) as error:
        parse_model(header(entry, b"\0"))
    assert "\x1b" not in str(error.value)


def test_an_empty_model_is_malformed() -> None:
    with pytest.raises(Malformed, match="1 to"):
        parse_model(header({}, b""))
    with pytest.raises(Malformed, match="not a safetensors file"):
        parse_model(b"")


def test_a_saved_model_is_the_canonical_file(tmp_path: Path) -> None:
    arrays = {"w": np.ones(3, np.float32)}
    layout = Layout.of_arrays(arrays)
    path = tmp_path / "model.safetensors"
    assert save_model(path, arrays, layout) == path.read_bytes()
    assert parse_model(path.read_bytes())[0] == layout
