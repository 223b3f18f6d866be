import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from fedproof.errors import Malformed, Refused
from fedproof.model.base import ORDER, parse_base, save_base, usual_order
from fedproof.model.quantise import to_integers
from fedproof.model.stored import Stored, read_metadata, read_tensors, write_tensors

STATE = {
    "conv.weight": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
    "bn.weight": np.ones(2, np.float32),
    "bn.running_mean": np.array([0.1, np.nan], np.float32),
    "bn.num_batches_tracked": np.array(7, np.int64),
    "index": np.arange(4, dtype=np.int32),
    "mask": np.array([True, False]),
    "head.weight": np.array([[0.25, -0.5]]),
}
FROZEN = ("bn.running_*", "conv.*")
BF16 = Stored("BF16", (2,), b"\x01\x02\x03\x04")


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    return save_base(tmp_path / "base.safetensors", STATE)


def test_what_is_trained_and_what_is_not(data: bytes) -> None:
    base, arrays = parse_base(data, FROZEN)
    assert [t.name for t in base.layout.tensors] == sorted(arrays) == ["bn.weight", "head.weight"]
    assert set(base.constants) == STATE.keys() - arrays.keys()
    assert base.order == tuple(STATE)
    everything, _ = parse_base(data)
    assert set(everything.constants) == {"bn.num_batches_tracked", "index", "mask"}


def test_the_released_file_has_the_constants_bit_for_bit(data: bytes) -> None:
    base, arrays = parse_base(data, FROZEN)
    W = to_integers(arrays, base.layout, 12)
    assert base.released(W, 12) == data  # nothing was trained, and these weights are whole units
    W[0] += 4096
    before, after = read_tensors(data), read_tensors(base.released(W, 12))
    assert {n for n in before if before[n] != after[n]} == {"bn.weight"}
    assert load(base.released(W, 12))["bn.weight"].tolist() == [2, 1]
    with pytest.raises(Refused, match="the layout has"):
        base.released(W[:-1], 12)


def test_a_state_has_one_file(data: bytes) -> None:
    base, arrays = parse_base(data)
    again = parse_base(save(dict(reversed(STATE.items())), metadata={ORDER: json.dumps(list(STATE))}))[0]
    frozen, _ = parse_base(data, FROZEN)
    for other in (again, parse_base(data)[0]):
        with pytest.raises(Refused, match="not a finite number"):
            to_integers(arrays, other.layout, 12)
        assert other.released(np.zeros(other.layout.size, np.int64), 12) == base.released(
            np.zeros(base.layout.size, np.int64), 12
        )
    assert frozen.layout.digest() != base.layout.digest()


def test_all_arrays_in_the_order_of_the_base(data: bytes) -> None:
    base, arrays = parse_base(data, FROZEN)
    found = base.arrays(to_integers(arrays, base.layout, 12), 12)
    assert list(found) == list(STATE)
    for name, array in STATE.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()


def test_types_without_numpys_are_constants_if_frozen() -> None:
    tensors = {"old": BF16, "new": Stored.of("new", np.ones(1, np.float32))}
    base, arrays = parse_base(write_tensors(tensors), ("old",))
    W = to_integers(arrays, base.layout, 12)
    assert base.released(W, 12) == write_tensors(tensors)
    with pytest.raises(Malformed, match="tensor old: numpy has no type for BF16"):
        base.arrays(W, 12)
    with pytest.raises(Malformed, match=r"tensor old: element type BF16 cannot be trained.*train in float32"):
        parse_base(write_tensors(tensors))


@pytest.mark.parametrize("pattern", ["backbone.*", "CONV.*", "conv", "conv.?", "[!a-z]*", "\x1b[2J"])
def test_a_pattern_that_matches_nothing(data: bytes, pattern: str) -> None:
    with pytest.raises(Malformed, match=r"model\.frozen: .* matches no tensor of the base model") as error:
        parse_base(data, ("conv.*", pattern))
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("pattern", ["conv.*", "conv.weigh?", "[c]onv*", "conv.weight", "*"])
def test_patterns_that_match(data: bytes, pattern: str) -> None:
    if pattern == "*":
        with pytest.raises(Malformed, match="nothing is left to train"):
            parse_base(data, (pattern,))
    else:
        assert "conv.weight" in parse_base(data, (pattern,))[0].constants


def test_nothing_to_train() -> None:
    with pytest.raises(Malformed, match="nothing is left to train"):
        parse_base(save({"a": np.zeros(3, np.int64)}))
    with pytest.raises(Malformed, match="1 to"):
        parse_base(save({}))


def test_the_usual_order() -> None:
    assert usual_order(["10", "9", "0"]) == ("0", "9", "10")
    assert usual_order(["10", "9", "b"]) == ("10", "9", "b")
    assert usual_order(["٣", "10"]) == ("10", "٣")  # digits, but not decimal numbers as programs write them
    arrays = {str(n): np.full(1, n, np.float32) for n in range(11)}
    assert parse_base(save(arrays))[0].order == tuple(arrays)


def test_an_order_is_written_only_where_it_is_not_the_usual_one(tmp_path: Path) -> None:
    arrays = {name: np.ones(1, np.float32) for name in ("b", "a")}
    unusual = save_base(tmp_path / "base.safetensors", arrays)
    assert read_metadata(unusual) == {ORDER: '["b","a"]'}
    usual = save_base(tmp_path / "base.safetensors", dict(sorted(arrays.items())))
    assert usual == save(dict(sorted(arrays.items()))) == (tmp_path / "base.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ('["a"]', "does not name each tensor"),
        ('["a","b","b"]', "does not name each tensor"),
        ('["a","b","c"]', "does not name each tensor"),
        ('["a",1]', "no list of names"),
        ('{"a":"b"}', "no list of names"),
        ("a, b", "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_orders_that_are_none(order: str, said: str) -> None:
    arrays = {name: np.ones(1, np.float32) for name in ("a", "b")}
    with pytest.raises(Malformed, match=said):
        parse_base(save(arrays, metadata={ORDER: order}))


def test_a_base_that_cannot_be_read_back_is_not_written(tmp_path: Path) -> None:
    for arrays in ({"": np.ones(1)}, {"__metadata__": np.ones(1)}, {"x": np.array(["text"])}):
        with pytest.raises(Malformed):
            save_base(tmp_path / "base.safetensors", arrays)
    assert not list(tmp_path.iterdir())
