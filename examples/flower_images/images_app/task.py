"""What is trained, and on what: a small convolutional network with BatchNorm on Fashion-MNIST."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

Images = TensorDataset
"""Grey values, about 0 in the mean, n × 1 × 28 × 28; classes from 0 to 9."""
Config = Mapping[str, bool | float | int | str]

SIDE, CLASSES = 28, 10
MEAN, DEVIATION = 0.286, 0.353
"""Of the grey values, from 0 to 1, of all images for training."""


class Net(nn.Sequential):
    """Two convolutions, each with BatchNorm, and a linear head: 9,194 numbers that are trained, running statistics among them."""

    def __init__(self) -> None:
        super().__init__(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(16 * 7 * 7, CLASSES)),
        )


def load_partition(config: Config, partition: int, partitions: int) -> Images:
    """A node's own images."""
    images, classes = read(Path(str(config["data"])), "train", int(config["images"]))
    return dataset(images, classes, split(classes, partitions, float(config["alpha"]))[partition])


def load_test(config: Config) -> Images:
    """What the server measures on: no node trains on these."""
    images, classes = read(Path(str(config["data"])), "t10k", int(config["test-images"]))
    return dataset(images, classes, np.arange(len(classes)))


def dataset(images: NDArray[np.uint8], classes: NDArray[np.uint8], chosen: NDArray[np.int64]) -> Images:
    """The chosen images, as the network takes them."""
    grey = torch.from_numpy(images[chosen]).unsqueeze(1).float() / 255
    return TensorDataset((grey - MEAN) / DEVIATION, torch.from_numpy(classes[chosen]).long())


def split(classes: NDArray[np.uint8], partitions: int, alpha: float) -> list[NDArray[np.int64]]:
    """Which images each node has: each class is shared out in proportions drawn from a Dirichlet distribution, so nodes differ in classes
    and in size. Every node draws the same. A node without any gets two of the largest share, as many as BatchNorm needs."""
    rng = np.random.default_rng(0)
    shares: list[list[int]] = [[] for _ in range(partitions)]
    for label in range(CLASSES):
        of_class = rng.permutation(np.flatnonzero(classes == label))
        ends = np.cumsum(rng.dirichlet(np.full(partitions, alpha)))[:-1] * len(of_class)
        for share, part in zip(shares, np.split(of_class, ends.astype(int)), strict=True):
            share.extend(part.tolist())
    for share in shares:
        while len(share) < 2:
            share.append(max(shares, key=len).pop())
    return [np.sort(np.array(share, np.int64)) for share in shares]


def read(folder: Path, part: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first `count` images, n × 28 × 28, and classes, n. part: "train" or "t10k". Raises `ValueError` for files that are others."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", (SIDE, SIDE), count)
    classes = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", (), count)
    if classes.max() >= CLASSES:
        raise ValueError(f"{folder}: a class beyond {CLASSES - 1}")
    return images, classes


def read_idx(path: Path, shape: tuple[int, ...], count: int) -> NDArray[np.uint8]:
    """The first `count` entries of an IDX file of bytes: two zeros, 8, the number of dimensions, their sizes in four bytes each."""
    size = int(np.prod(shape, dtype=int))
    with gzip.open(path) as file:
        head = file.read(4 + 4 * (1 + len(shape)))
        sizes = tuple(int.from_bytes(head[at : at + 4]) for at in range(4, len(head), 4))
        if head[:4] != bytes([0, 0, 8, 1 + len(shape)]) or sizes[1:] != shape or not 1 <= count <= sizes[0]:
            raise ValueError(f"{path} does not hold {count} entries of {shape or 1} bytes")
        data = file.read(count * size)
    if len(data) < count * size:
        raise ValueError(f"{path} is cut off")
    return np.frombuffer(data, np.uint8).reshape(count, *shape)


def train_epochs(net: nn.Module, images: Images, epochs: int, rate: float) -> float:
    """Stochastic gradient descent, in place. Returns the last epoch's mean loss. A last image alone is left out: BatchNorm needs two."""
    optimiser = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    batch = 32
    loader = DataLoader(images, batch_size=batch, shuffle=True, drop_last=len(images) % batch == 1)
    net.train()
    mean = 0.0
    for _ in range(epochs):
        losses = []
        for x, y in loader:
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        mean = float(np.mean(losses))
    return mean


@torch.no_grad()
def evaluate(net: nn.Module, images: Images) -> tuple[float, float]:
    """Loss, and the share of images that are classified correctly."""
    net.eval()
    x, y = images.tensors
    logits: Tensor = net(x)
    return nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()
