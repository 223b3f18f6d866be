"""Small models of every kind that matters here."""

from __future__ import annotations

import torch
from torch import nn


class ConvNet(nn.Sequential):
    """Convolution, BatchNorm with its running statistics and counter, a head. 8 × 8 images of one channel, 3 classes."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


class Tied(nn.Module):
    """An embedding whose weight is the output layer's, too."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.body = nn.Linear(4, 4)
        self.output = nn.Linear(4, 7, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.output(self.body(self.embedding(tokens)))
        return found


class Masked(nn.Module):
    """A linear layer with buffers that no training changes."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.register_buffer("mask", torch.tensor([True, False, True]))
        self.register_buffer("index", torch.arange(4, dtype=torch.int32))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)


class Backbone(nn.Module):
    """A frozen backbone with running statistics, and a head that is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(144, 3)
        self.backbone.requires_grad_(requires_grad=False)


def step(model: nn.Module, seed: int) -> None:
    """Every parameter and running statistic moved a little, as training does, and the counters by one; what is frozen stays."""
    generator = torch.Generator().manual_seed(seed)
    frozen = {n for n, p in model.named_parameters(remove_duplicate=False) if not p.requires_grad}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name in frozen:
                continue
            if tensor.is_floating_point():
                tensor += (0.02 * torch.rand(tensor.shape, generator=generator)).to(tensor.dtype)
            elif name.endswith("num_batches_tracked"):
                tensor += 1


def bits(model: nn.Module) -> dict[str, bytes]:
    """The state_dict's values, bit for bit."""
    return {
        n: t.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        for n, t in model.state_dict().items()
    }
