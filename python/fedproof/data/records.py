"""Records as rows of integers, their tags, and the tree over their commitments (spec/dataset.md §1 to §4)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from fedproof.data.quantise import BIAS, LIMIT, Quantisation
from fedproof.data.table import Table
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey
from fedproof.log.tlog import leaf_hash, tree_root

Rows = NDArray[np.int8]
TAG = 32


def classes_of(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that occur, sorted. Raises `Malformed` for fewer than two."""
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2:
        raise Malformed(f"all records have one label, {classes[0]!r}: there is nothing to tell apart")
    return classes


def make_rows(table: Table, quantisation: Quantisation, classes: tuple[str, ...]) -> Rows:
    """One row a record: features, bias, one-hot label; int8, records by width. Raises `Malformed` for a label that is no class."""
    number = {name: k for k, name in enumerate(classes)}
    unknown = next((i for i, name in enumerate(table.labels) if name not in number), None)
    if unknown is not None:
        raise Malformed(
            f"record {unknown} has the label {table.labels[unknown]!r}, which is not among the classes"
        )
    features = quantisation.apply(table.values)
    rows = np.zeros((len(table.labels), features.shape[1] + 1 + len(classes)), dtype=np.int8)
    rows[:, : features.shape[1]] = features
    rows[:, features.shape[1]] = BIAS
    labels = np.array([number[name] for name in table.labels])
    rows[np.arange(len(labels)), features.shape[1] + 1 + labels] = 1
    return rows


def check_rows(rows: Rows, features: int) -> int:
    """R², the largest Σ x² over features and bias. Raises `Refused` (stage "statement") for rows that are none."""
    wrong = Refused(
        "data set", "statement", "its rows are not features within ±127, a bias and a one-hot label"
    )
    if rows.ndim != 2 or rows.dtype != np.int8 or not 0 < features < rows.shape[1] - 1:
        raise wrong
    label = rows[:, features + 1 :]
    good = (
        (rows[:, : features + 1] >= -LIMIT).all()
        and (rows[:, features] == BIAS).all()
        and ((label == 0) | (label == 1)).all()
        and (label.sum(axis=1, dtype=np.int64) == 1).all()
    )
    if not good:
        raise wrong
    return largest_norm(rows[:, : features + 1])


def largest_norm(values: Rows) -> int:
    """The largest Σ x² of a row."""
    return max(
        int((part.astype(np.int32) ** 2).sum(axis=1, dtype=np.int64).max())
        for part in np.array_split(values, range(1 << 14, len(values), 1 << 14))
    )


def tag_key(authority: SigningKey) -> bytes:
    """The key of an authority's tags."""
    return HKDF(hashes.SHA256(), 32, None, b"fedproof/v1/record tags").derive(authority.seed())


def make_tags(table: Table, key: bytes) -> bytes:
    """32 bytes a record: equal records, and nothing else, have equal tags."""
    tags = (
        hmac.digest(key, (row + 0.0).astype(">f8").tobytes() + label.encode(), "sha256")  # −0 + 0 is 0
        for row, label in zip(table.values, table.labels, strict=True)
    )
    return b"".join(tags)


@dataclass(frozen=True)
class Records:
    """What everybody may see of the records. tags: 32 bytes a record. points: an encoded point a record."""

    tags: bytes = field(repr=False)
    points: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.tags) // TAG

    @property
    def point_size(self) -> int:
        """Bytes of a point."""
        return len(self.points) // max(1, len(self))

    def tag(self, i: int) -> bytes:
        """Record i's tag."""
        return self.tags[TAG * i : TAG * (i + 1)]

    def point(self, i: int) -> bytes:
        """Record i's commitment."""
        size = self.point_size
        return self.points[size * i : size * (i + 1)]

    def root(self) -> bytes:
        """Root of the tree over index, tag and point."""
        leaves = [leaf_hash(i.to_bytes(8, "big") + self.tag(i) + self.point(i)) for i in range(len(self))]
        return tree_root(leaves)
