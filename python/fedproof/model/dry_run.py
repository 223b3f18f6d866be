"""A dry run's folder: what training makes of a federation's model before there are bounds.

round-0/start.safetensors      the weights that round 0 starts from
round-0/NAME.safetensors       what the client NAME made of them
round-0/NAME.json              {"weight": 120}: how much it counts
metrics-plain.json             {"accuracy": [0.61, 0.84]}: of the model, round by round, without clipping
metrics-clipped.json           the same with clipping, once it was run under a policy's bounds
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedproof.encoding.files import read_capped
from fedproof.encoding.text import counted, is_name, printable
from fedproof.errors import Malformed
from fedproof.model.base import Base
from fedproof.model.calibrate import Trained
from fedproof.model.layout import Arrays
from fedproof.model.stored import read_tensors
from fedproof.model.tensors import MAX_FILE

START = "start"
PLAIN, CLIPPED = "metrics-plain.json", "metrics-clipped.json"
_MAX_JSON = 1 << 24
_MAX_WEIGHT = 1 << 32
Metrics = Mapping[str, tuple[float, ...]]
"""Values by name, one a round."""


class DryRun:
    """The folder's updates, in order of rounds and names, read anew each time that they are gone through: one round's start and one
    client's weights are in memory at a time."""

    def __init__(self, folder: Path, base: Base) -> None:
        """base: whose tensors the files have; what it does not have trained may be among them, and does not count. Raises `Malformed` for a
        folder that is none of a dry run, or a file that is missing."""
        self._base = base
        self._rounds = dict(sorted(_rounds(folder)))
        if not self._rounds:
            raise Malformed(f"{printable(str(folder))} has no folder round-0: it is none of a dry run")
        self._clients = {number: _clients(path) for number, path in self._rounds.items()}

    @property
    def rounds(self) -> int:
        """How many there are."""
        return len(self._rounds)

    @property
    def clients(self) -> tuple[str, ...]:
        """All that are in some round, by name."""
        return tuple(sorted({name for names in self._clients.values() for name in names}))

    def __iter__(self) -> Iterator[Trained]:
        """Raises `Malformed` for a file that cannot be read."""
        for number, path in self._rounds.items():
            start = self._arrays(path / f"{START}.safetensors")
            for name, weight in self._clients[number].items():
                yield Trained(number, name, weight, start, self._arrays(path / f"{name}.safetensors"))

    def _arrays(self, path: Path) -> Arrays:
        try:
            tensors = read_tensors(read_capped(path, MAX_FILE))
            return {n: t.array(n) for n, t in tensors.items() if n not in self._base.constants}
        except Malformed as error:
            raise Malformed(f"{printable(str(path))}: {error}") from None


def _rounds(folder: Path) -> Iterator[tuple[int, Path]]:
    if not folder.is_dir():
        raise Malformed(f"{printable(str(folder))} is no folder")
    for path in folder.iterdir():
        if (found := re.fullmatch(r"round-(0|[1-9][0-9]{0,8})", path.name)) and path.is_dir():
            yield int(found[1]), path


def _clients(folder: Path) -> dict[str, int]:
    """Weights by name. Files that are hidden, or neither .safetensors nor .json, are none of a dry run's."""
    shown = printable(str(folder))
    stems = {
        suffix: {p.stem for p in folder.iterdir() if p.suffix == suffix and not p.name.startswith(".")}
        for suffix in (".safetensors", ".json")
    }
    names = stems[".safetensors"] - {START}
    if START not in stems[".safetensors"]:
        raise Malformed(f"{shown}: {START}.safetensors is missing, the weights that the round starts from")
    if not names:
        raise Malformed(f"{shown}: no client's weights in it")
    for name in sorted(names ^ stems[".json"]):
        missing = ".json" if name in names else ".safetensors"
        raise Malformed(f"{shown}: {printable(name)}{missing} is missing")
    return {name: _weight(folder / f"{name}.json") for name in sorted(names)}


def _weight(path: Path) -> int:
    if not is_name(path.stem):
        raise Malformed(f"{printable(str(path))}: a client's name is lower-case letters, digits, . _ and -")
    value = _json(path)
    weight = value.get("weight") if isinstance(value, dict) else None
    if type(weight) is not int or not 1 <= weight <= _MAX_WEIGHT:
        raise Malformed(f'{printable(str(path))}: expected {{"weight": n}}, n a whole number from 1 to 2^32')
    return weight


def _json(path: Path) -> Any:
    try:
        return json.loads(read_capped(path, _MAX_JSON))
    except (ValueError, RecursionError):
        raise Malformed(f"{printable(str(path))}: not JSON") from None


@dataclass(frozen=True)
class Cost:
    """Of one metric, what clipping changed. plain, clipped: after the last round. worst: the largest distance of the two in any round, and
    worst_round which that was, counted from 0."""

    metric: str
    plain: float
    clipped: float
    worst: float
    worst_round: int

    @property
    def difference(self) -> float:
        """After the last round, clipped minus plain."""
        return self.clipped - self.plain


def compare(plain: Metrics, clipped: Metrics) -> tuple[Cost, ...]:
    """What clipping costs, by metric: the same dry run without clipping and with it. Raises `Malformed` where the two have not the same
    metrics for the same rounds."""
    if not plain or plain.keys() != clipped.keys():
        raise Malformed(f"{PLAIN} and {CLIPPED}: expected the same metrics in both, one at least")
    found = []
    for metric, before in sorted(plain.items()):
        after = clipped[metric]
        if not before or len(before) != len(after):
            rounds = f"{counted(len(before), 'round')} and {counted(len(after), 'round')}"
            raise Malformed(f"{PLAIN} and {CLIPPED}: {printable(metric, 64)}: of {rounds}")
        apart = [abs(b - a) for b, a in zip(before, after, strict=True)]
        found.append(Cost(metric, before[-1], after[-1], max(apart), apart.index(max(apart))))
    return tuple(found)


def read_metrics(folder: Path) -> tuple[Metrics, Metrics] | None:
    """Without clipping and with it; nothing as long as there was no run with it. Raises `Malformed`."""
    if not (folder / CLIPPED).exists():
        return None
    return _metrics(folder / PLAIN), _metrics(folder / CLIPPED)


def _metrics(path: Path) -> Metrics:
    value = _json(path)
    if isinstance(value, dict) and all(
        isinstance(v, list) and all(map(_is_number, v)) for v in value.values()
    ):
        return {str(name): tuple(map(float, values)) for name, values in value.items()}
    raise Malformed(f"{printable(str(path))}: expected a list of finite numbers for each metric, one a round")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and abs(value) < 1 << 1000
