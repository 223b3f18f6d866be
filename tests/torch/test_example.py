"""The example on images, in Flower's simulation and by its own page, and what it does with its data."""

from __future__ import annotations

import gzip
import os
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fedproof.round.folder import open_aggregator
from fedproof.torch import load
from tests.docs.pages import ROOT, blocks
from tests.flower.simulation import run_in
from tests.torch.federation import verified
from tests.torch.models import bits

FOLDER = ROOT / "examples" / "flower_images"
SMALL = {"IMAGES": "600", "ROUNDS": "2"}


@pytest.fixture(scope="module")
def task() -> dict[str, Any]:
    """The example's own functions."""
    return runpy.run_path(str(FOLDER / "images_app" / "task.py"))


def idx(sizes: list[int], body: bytes) -> bytes:
    return gzip.compress(bytes([0, 0, 8, len(sizes)]) + b"".join(n.to_bytes(4) for n in sizes) + body)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fashion-MNIST, where it is installed; else as many images, a bright bar for each class at a height of its own."""
    usual = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
    if usual.is_dir():
        return usual
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for part, count in (("train", 600), ("t10k", 2000)):
        classes = rng.integers(0, 10, count, np.uint8)
        images = rng.integers(0, 100, (count, 28, 28), np.uint8)
        for image, label in zip(images, classes, strict=True):
            image[4 + 2 * label : 6 + 2 * label] = 255
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx([count, 28, 28], images.tobytes()))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx([count], classes.tobytes()))
    return folder


def test_the_example_by_its_page(
    simulation: dict[str, str], data: Path, task: dict[str, Any], tmp_path: Path
) -> None:
    page = FOLDER / "README.md"
    assert f"export {' '.join(f'{k}={v}' for k, v in SMALL.items())}" in page.read_text("utf-8")
    script = ""
    for block in blocks(page):
        if block.language == "python":
            (tmp_path / block.name).write_text(block.text)
        else:
            assert block.language == "sh"
            script += block.text
    own = {"APP": str(FOLDER), "FASHION_MNIST": str(data), **SMALL}
    told = run_in(tmp_path, script, {**simulation, **own})
    assert told.count("train: 5 updates accepted, 0 not") == 2, told
    assert "VERIFIED" in told
    assert "batches counted: 0" in told
    # Once more, without the page: the file is the chain's model, and training changed statistics, too.
    folder = tmp_path / "federation"
    file, report = verified(folder)
    released, own_model, start = (task["Net"]() for _ in range(3))
    load(released, file)
    load(start, tmp_path / "dry" / "base.safetensors")
    with open_aggregator(folder / "server") as aggregator:
        assert aggregator.chain.layout.size == 9194
        load(own_model, aggregator.chain.arrays())
    assert bits(released) == bits(own_model)
    same = {name for name, held in bits(released).items() if held == bits(start)[name]}
    assert same == {"1.num_batches_tracked", "5.num_batches_tracked"}
    assert {"UPDATES_BOUNDED", "AGGREGATE_EXACT", "MODEL_CHAIN"} <= {c.claim for c in report.claims}


@pytest.mark.parametrize("alpha", [0.01, 0.5, 100.0])
@pytest.mark.parametrize("partitions", [1, 5, 12])
def test_every_image_goes_to_one_node(task: dict[str, Any], partitions: int, alpha: float) -> None:
    classes = np.random.default_rng(1).integers(0, 10, 300).astype(np.uint8)
    shares = task["split"](classes, partitions, alpha)
    assert sorted(np.concatenate(shares).tolist()) == list(range(300))
    assert min(map(len, shares)) >= 2
    again = task["split"](classes, partitions, alpha)
    assert all((one == other).all() for one, other in zip(shares, again, strict=True))


def test_a_small_alpha_leaves_nodes_few_classes(task: dict[str, Any]) -> None:
    classes = np.arange(1000, dtype=np.int64).astype(np.uint8) % 10

    def largest(alpha: float) -> float:
        shares = task["split"](classes, 5, alpha)
        return float(np.mean([np.bincount(classes[s], minlength=10).max() / len(s) for s in shares]))

    assert largest(0.1) > 0.3 > 0.15 > largest(1000.0)


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (idx([3, 28, 27], bytes(3 * 28 * 27)), "does not hold"),
        (idx([1, 28, 28], bytes(784)), "does not hold 2 entries"),
        (idx([3], bytes(3)), "does not hold"),
        (idx([3, 28, 28], bytes(784)), "is cut off"),
    ],
    ids=["shape", "count", "dimensions", "cut"],
)
def test_files_that_are_others(task: dict[str, Any], images: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(images)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(idx([3], bytes(3)))
    with pytest.raises(ValueError, match=told):
        task["read"](tmp_path, "train", 2)


def test_a_last_image_alone_is_left_out(task: dict[str, Any]) -> None:
    """BatchNorm cannot be trained on one."""
    images, classes = np.zeros((33, 28, 28), np.uint8), np.zeros(33, np.uint8)
    net: nn.Module = task["Net"]()
    loss = task["train_epochs"](net, task["dataset"](images, classes, np.arange(33)), 1, 0.01)
    assert np.isfinite(loss)
    assert net.state_dict()["1.num_batches_tracked"] == torch.tensor(1)
