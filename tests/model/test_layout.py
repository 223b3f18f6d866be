import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedproof.errors import Malformed, Refused
from fedproof.model.layout import MAX_PARAMETERS, Layout, Tensor, flatten, unflatten

ARRAYS = {
    "b": np.arange(3, dtype=np.float32),
    "a": np.arange(4, dtype=np.float64).reshape(2, 2),
    "c": np.array(7, dtype=np.float16),
}


def test_values_lie_in_the_order_of_the_names() -> None:
    layout = Layout.of_arrays(ARRAYS)
    assert [t.name for t in layout.tensors] == ["a", "b", "c"]
    assert flatten(ARRAYS, layout).tolist() == [0, 1, 2, 3, 0, 1, 2, 7]
    assert layout.size == 8


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
        st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
            lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=0, max_dims=3, max_side=3))
        ),
        min_size=1,
        max_size=4,
    )
)
def test_unflatten_is_the_inverse_of_flatten(arrays: dict[str, np.ndarray]) -> None:
    arrays = {name: np.nan_to_num(array, posinf=1, neginf=-1) for name, array in arrays.items()}
    layout = Layout.of_arrays(arrays)
    back = unflatten(flatten(arrays, layout), layout)
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert np.array_equal(back[name], array)


def test_a_layout_survives_its_encoding() -> None:
    layout = Layout.of_arrays(ARRAYS)
    assert Layout.from_bytes(layout.to_bytes()) == layout
    renamed = Layout.of_arrays({**{k: v for k, v in ARRAYS.items() if k != "c"}, "d": ARRAYS["c"]})
    assert renamed.digest() != layout.digest()


def test_a_layout_that_is_not_sorted_is_refused() -> None:
    layout = Layout.of_arrays(ARRAYS)
    with pytest.raises(ValueError, match="sorted by name"):
        Layout(tensors=tuple(reversed(layout.tensors)))
    with pytest.raises(ValueError, match="each name once"):
        Layout(tensors=(layout.tensors[0], layout.tensors[0]))


def test_a_model_without_parameters_is_malformed() -> None:
    with pytest.raises(Malformed, match="1 to"):
        Layout.of([Tensor(name="a", shape=(0,), dtype="F32")])
    with pytest.raises(Malformed, match="1 to"):
        Layout.of([])


def test_a_model_beyond_one_commitment_is_malformed() -> None:
    big = Tensor(name="a", shape=(MAX_PARAMETERS,), dtype="F32")
    Layout.of([big])
    with pytest.raises(Malformed, match="parameters"):
        Layout.of([big, Tensor(name="b", shape=(1,), dtype="F32")])


def test_integer_tensors_are_refused_by_name_with_advice() -> None:
    with pytest.raises(Malformed, match=r"num_batches.*constants"):
        Layout.of_arrays({"num_batches": np.array(3)})
    with pytest.raises(Malformed, match=r"mask.*constants"):
        Layout.of_arrays({"mask": np.array([True])})
    with pytest.raises(Malformed, match=r"z.*train in float32"):
        Layout.of_arrays({"z": np.array([1j])})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a.pop("a"), "a is missing"),
        (lambda a: a.update(extra=np.zeros(1, np.float32)), "extra is not in the base model"),
        (lambda a: a.update(a=np.zeros(4)), r"shape \(4,\)"),
        (lambda a: a.update(a=np.zeros((2, 2), np.float32)), "float32"),
    ],
)
def test_arrays_of_another_layout_are_refused(change, says: str) -> None:
    layout = Layout.of_arrays(ARRAYS)
    arrays = dict(ARRAYS)
    change(arrays)
    with pytest.raises(Refused, match=says) as refused:
        flatten(arrays, layout)
    assert refused.value.stage == "shape"


def test_a_value_beyond_the_type_is_its_largest() -> None:
    layout = Layout.of_arrays({"a": np.zeros(1, np.float16)})
    assert unflatten(np.array([65504.0]), layout)["a"][0] == 65504
    # Beyond the range the rounds go on: one client could get a weight there.
    assert unflatten(np.array([65536.0]), layout)["a"][0] == 65504
    assert unflatten(np.array([-1e300]), layout)["a"][0] == -65504
    with pytest.raises(Refused, match="the layout has 1"):
        unflatten(np.zeros(2), layout)


def test_big_endian_arrays_are_read_by_value() -> None:
    layout = Layout.of_arrays({"a": np.zeros(2, np.float32)})
    assert flatten({"a": np.array([1, 2], ">f4")}, layout).tolist() == [1, 2]


def test_a_tensor_of_too_many_dimensions() -> None:
    assert Tensor(name="w", shape=(1,) * 32, dtype="F32").size == 1
    for shape in ((1,) * 33, ((1 << 28) + 1,), (-1,)):
        with pytest.raises(ValueError, match="shape"):
            Tensor(name="w", shape=shape, dtype="F32")
