"""A trained head as a safetensors file, the one that is released (spec/training.md §4).

weight   classes × features, W/2^s
bias     classes, of the bias column
centre, spread   features: how a raw value v becomes x̂ = min(127, max(−127, round((v − centre)/spread·32)))/32
blinds   classes × 32, byte by byte: of committed weights only. Whoever has the file can show that it is the committed one, and give
receipts.

Everything is a float64: W has at most 38 bits. Logits are x̂·weightᵀ + bias."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fedproof.data.quantise import Quantisation
from fedproof.errors import Malformed, Refused
from fedproof.model.layout import Layout, Tensor
from fedproof.model.tensors import parse_model, serialise
from fedproof.training.objective import Weights


@dataclass(frozen=True)
class HeadFile:
    """weights: classes by features with the bias, in units of 2^-scale. blinds: 32 bytes a class, of committed weights."""

    weights: Weights = field(repr=False)
    blinds: bytes = field(repr=False)
    quantisation: Quantisation
    scale: int

    def to_bytes(self) -> bytes:
        """The one file."""
        real = self.weights / 2.0**self.scale
        arrays = {
            "weight": real[:, :-1],
            "bias": real[:, -1],
            "centre": self.quantisation.centre,
            "spread": self.quantisation.spread,
        }
        if self.blinds:
            arrays["blinds"] = np.frombuffer(self.blinds, np.uint8).reshape(len(real), -1).astype(np.float64)
        tensors = [Tensor(name=name, shape=tuple(a.shape), dtype="F64") for name, a in arrays.items()]
        return serialise(arrays, Layout.of(tensors))

    @classmethod
    def from_bytes(cls, data: bytes, scale: int) -> HeadFile:
        """Raises `Malformed` for a file of another kind, and `Refused` for one that `to_bytes` would not write."""
        _, arrays = parse_model(data)
        if set(arrays) not in (
            {"weight", "bias", "centre", "spread"},
            {"weight", "bias", "centre", "spread", "blinds"},
        ):
            raise Malformed(
                "the model is no trained head: it has other tensors than weight, bias, centre, spread"
            )
        weight, bias = arrays["weight"], arrays["bias"]
        if weight.ndim != 2 or bias.shape != weight.shape[:1]:
            raise Malformed("the model is no trained head: weight and bias have other shapes")
        if not arrays["centre"].shape == arrays["spread"].shape == weight.shape[1:]:
            raise Malformed("the model is no trained head: centre and spread are not one number a feature")
        with np.errstate(over="ignore", invalid="ignore"):
            weights = np.rint(np.column_stack([weight, bias]) * 2.0**scale)
        if not (np.abs(weights) < 2.0**52).all():
            raise Malformed("the model is no trained head: its weights are too large")
        blinds = arrays.get("blinds")
        quantisation = Quantisation(arrays["centre"].astype(np.float64), arrays["spread"].astype(np.float64))
        if blinds is not None and not ((blinds >= 0) & (blinds < 256)).all():
            raise Malformed("the model is no trained head: its blinds are no bytes")
        found = cls(
            weights.astype(np.int64),
            b"" if blinds is None else blinds.astype(np.uint8).tobytes(),
            quantisation,
            scale,
        )
        if found.to_bytes() != data:
            detail = "the file was changed or rewritten: it is not written the one way that a head is"
            raise Refused("model", "decoding", detail)
        return found
