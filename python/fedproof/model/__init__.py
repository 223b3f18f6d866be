"""From tensors to integers and back (spec/model.md).

`parse_base` reads the base model's file: a `Layout` and arrays of what is trained, constants of the rest; `to_integers` turns the arrays
into the model state W, a vector of integers at 2^-scale; `update` and `clip_update` make a client's contribution; `step` moves the state
by the exact weighted mean, or by an optimiser's step from it; `Base.released` is the one file that belongs to a state.
"""

from fedproof.model.aggregate import move, weighted_mean
from fedproof.model.base import Base, parse_base, save_base
from fedproof.model.commitment import model_commitment
from fedproof.model.digest import FileDigest, root_of
from fedproof.model.layout import Arrays, Layout, Tensor, flatten, unflatten
from fedproof.model.optimiser import Moments, step
from fedproof.model.quantise import clip_update, to_arrays, to_integers, update
from fedproof.model.tensors import parse_model, save_model, serialise

__all__ = [
    "Arrays",
    "Base",
    "FileDigest",
    "Layout",
    "Moments",
    "Tensor",
    "clip_update",
    "flatten",
    "model_commitment",
    "move",
    "parse_base",
    "parse_model",
    "root_of",
    "save_base",
    "save_model",
    "serialise",
    "step",
    "to_arrays",
    "to_integers",
    "unflatten",
    "update",
    "weighted_mean",
]
