"""A template becomes an app. Templates are files that end in `.tmpl`, with {{name}} and the like in those that are no Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.digest import sha256, text_of
from fedproof.encoding.files import make_folder, write_atomic
from fedproof.encoding.text import printable
from fedproof.encoding.toml import toml_string
from fedproof.errors import UsageError
from fedproof.model.base import save_base
from fedproof.round.folder import BASE, POLICY
from fedproof.round.provision import check_count, provision

FEDERATION = "federation"
_SUFFIX = ".tmpl"
_PLAIN = {"gitignore": ".gitignore"}
"""Names that a package index or a version control would take for its own."""
_MAX_NAME = 32
"""Characters of an app's name, for Flower."""

Weights = Mapping[str, NDArray[np.float32]]


def _logistic() -> Weights:
    return {"weight": np.zeros(30, np.float32), "bias": np.zeros(1, np.float32)}


def _network() -> Weights:
    """The `state_dict` of the template's module, drawn as torch draws linear layers: uniformly within 1/√inputs."""
    rng = np.random.default_rng(0)
    weights = {}
    for layer, inputs, outputs in (("hidden", 64, 32), ("output", 32, 10)):
        for name, shape in ((f"{layer}.weight", (outputs, inputs)), (f"{layer}.bias", (outputs,))):
            weights[name] = rng.uniform(-(inputs**-0.5), inputs**-0.5, shape).astype(np.float32)
    return weights


TEMPLATES: Mapping[str, Callable[[], Weights]] = {"numpy": _logistic, "pytorch": _network}
"""Templates by name, and what makes the weights that training starts from."""


def write_app(folder: Path, *, template: str, nodes: int) -> tuple[str, ...]:
    """Makes `folder`, which is not there yet: the template's files, `base.safetensors`, a policy that names it, and in `federation/` the
    folders of all parties; returns the nodes' names. template: one of `TEMPLATES`. nodes: 1 to 10,000.

    Raises `UsageError` for a folder that is there or cannot be written, another template, or another number of nodes."""
    if template not in TEMPLATES:
        raise UsageError(f"there is no template {printable(template)}: {', '.join(TEMPLATES)}")
    check_count(nodes)
    if folder.exists() or folder.is_symlink():
        raise UsageError(
            f"{printable(str(folder))} exists; an app is not written over another: name a new folder"
        )
    place = folder.absolute()
    make_folder(place)
    base = save_base(place / BASE, TEMPLATES[template]())
    values = {
        "name": app_name(place.name),
        "nodes": str(nodes),
        "base_model": text_of(sha256(base)),
        "federation": toml_string(str(place / FEDERATION)),
    }
    for name, text in _files(files("fedproof.templates") / template):
        path = place / name
        make_folder(path.parent)
        write_atomic(path, _filled(text, values).encode())
    policy = (place / POLICY).read_bytes()
    return provision(place / FEDERATION, policy=policy, base=base, nodes=nodes)


def app_name(folder: str) -> str:
    """What Flower and a policy both take for a name, like the folder's."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")
    name = name if name[:1].isalpha() else f"app-{name}"
    return name[:_MAX_NAME].strip("-")


def _files(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    """The template's files: where each goes, and its text."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            yield path + _PLAIN.get(name, name), entry.read_text("utf-8")


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)
