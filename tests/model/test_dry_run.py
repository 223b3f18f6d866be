"""A dry run's folder, and folders that are none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedproof.errors import Malformed
from fedproof.model.base import parse_base, save_base
from fedproof.model.dry_run import CLIPPED, PLAIN, Cost, DryRun, compare, read_metrics

ARRAYS = {"w": np.arange(6, dtype=np.float32), "steps": np.array(3), "head": np.ones(2, np.float32)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two rounds; bob is away in the second."""
    save_base(tmp_path / "base.safetensors", ARRAYS)
    for number, names in ((0, ("ada", "bob")), (1, ("ada",)), (10, ("bob",))):
        place = tmp_path / f"round-{number}"
        place.mkdir()
        save_base(place / "start.safetensors", {**ARRAYS, "w": ARRAYS["w"] + number})
        for weight, name in enumerate(names, 5):
            save_base(
                place / f"{name}.safetensors", {**ARRAYS, "w": ARRAYS["w"] + number + 1, "steps": np.array(9)}
            )
            (place / f"{name}.json").write_text(json.dumps({"weight": weight, "loss": 0.5}))
    (tmp_path / "round-0" / ".DS_Store").touch()
    (tmp_path / "round-0" / "notes.txt").touch()
    return tmp_path


def opened(folder: Path, frozen: tuple[str, ...] = ("head",)) -> DryRun:
    base, _ = parse_base((folder / "base.safetensors").read_bytes(), frozen)
    return DryRun(folder, base)


def test_updates_come_in_order_and_more_than_once(folder: Path) -> None:
    run = opened(folder)
    assert (run.rounds, run.clients) == (3, ("ada", "bob"))
    for _ in range(2):
        found = list(run)
        assert [(t.round, t.client, t.weight) for t in found] == [
            (0, "ada", 5),
            (0, "bob", 6),
            (1, "ada", 5),
            (10, "bob", 5),
        ]
        assert all(set(t.start) == set(t.new) == {"w"} for t in found)
        assert all((t.new["w"] - t.start["w"] == 1).all() for t in found)
    assert set(next(iter(opened(folder, ()))).new) == {"w", "head"}


Change = Callable[[Path], Any]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "round-0/start.safetensors").unlink(), "start.safetensors is missing"),
        (lambda f: (f / "round-0/ada.json").unlink(), "ada.json is missing"),
        (lambda f: (f / "round-0/ada.safetensors").unlink(), "ada.safetensors is missing"),
        (
            lambda f: [(f / f"round-1/ada{s}").unlink() for s in (".json", ".safetensors")],
            "no client's weights",
        ),
        (lambda f: (f / "round-0/ada.json").write_text("[]"), "ada.json: expected"),
        (lambda f: (f / "round-0/ada.json").write_text("["), "ada.json: not JSON"),
        (lambda f: (f / "round-0/ada.json").write_text("[" * 100_000), "ada.json: not JSON"),
        (lambda f: (f / "round-0/ada.json").write_text('{"weight": 0}'), "from 1 to 2^32"),
        (lambda f: (f / "round-0/ada.json").write_text('{"weight": true}'), "whole number"),
        (lambda f: (f / "round-0/ada.json").write_text('{"weight": 1.5}'), "whole number"),
        (
            lambda f: (f / "round-0/ada.safetensors").write_bytes(b"x"),
            "ada.safetensors: not a safetensors file",
        ),
        (
            lambda f: [
                (f / f"round-0/ada{s}").rename(f / f"round-0/Ada{s}") for s in (".json", ".safetensors")
            ],
            "lower-case",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_named(folder: Path, change: Change, said: str) -> None:
    change(folder)
    with pytest.raises(Malformed) as error:
        list(opened(folder))
    assert said in str(error.value)


def test_a_folder_without_rounds(folder: Path, tmp_path: Path) -> None:
    base, _ = parse_base((folder / "base.safetensors").read_bytes())
    (tmp_path / "empty").mkdir()
    for none in ("missing", "empty", "base.safetensors"):
        with pytest.raises(Malformed, match=r"no folder|none of a dry run"):
            DryRun(tmp_path / none, base)


def test_what_clipping_costs() -> None:
    plain, clipped = (
        {"accuracy": (0.5, 0.9, 0.9), "loss": (1.0, 0.5)},
        {"accuracy": (0.5, 0.7, 0.875), "loss": (1.0, 0.5)},
    )
    found = compare(plain, clipped)
    assert found == (Cost("accuracy", 0.9, 0.875, 0.9 - 0.7, 1), Cost("loss", 0.5, 0.5, 0.0, 0))
    assert found[0].difference == pytest.approx(-0.025)


@pytest.mark.parametrize(
    ("plain", "clipped"),
    [
        ({}, {}),
        ({"a": (1.0,)}, {}),
        ({"a": (1.0,)}, {"b": (1.0,)}),
        ({"a": (1.0,)}, {"a": (1.0, 2.0)}),
        ({"a": ()}, {"a": ()}),
    ],
)
def test_metrics_that_do_not_go_together(plain: Any, clipped: Any) -> None:
    with pytest.raises(Malformed, match=PLAIN):
        compare(plain, clipped)


def test_metrics_are_read(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) is None
    (tmp_path / PLAIN).write_text('{"accuracy": [1, 0.5]}')
    assert read_metrics(tmp_path) is None  # not run with clipping yet
    (tmp_path / CLIPPED).write_text('{"accuracy": [0.25, 0.5]}')
    assert read_metrics(tmp_path) == ({"accuracy": (1.0, 0.5)}, {"accuracy": (0.25, 0.5)})


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"a": 1}',
        '{"a": ["1"]}',
        '{"a": [NaN]}',
        '{"a": [Infinity]}',
        '{"a": [true]}',
        '{"a": [1e999]}',
        f'{{"a": [{10**400}]}}',
        "[" * 10**5,
    ],
)
def test_metrics_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / PLAIN).write_text(text)
    (tmp_path / CLIPPED).write_text('{"a": [1]}')
    with pytest.raises(Malformed, match=PLAIN):
        read_metrics(tmp_path)
