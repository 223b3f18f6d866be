"""Tables as people have them: CSV, Parquet, NumPy. What is read is a matrix of finite numbers and a label for each record."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedproof.encoding.files import read_capped
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, UsageError

MAX_RECORDS = 1 << 24
MAX_FEATURES = 4094
_LIMIT = 1 << 34
"""Bytes of a file that is read."""
_NEEDS_PYARROW = "CSV and Parquet files need pyarrow: pip install 'fedproof[data]', or make setup in a clone"


@dataclass(frozen=True)
class Table:
    """features: names, in order. values: n records by features, finite doubles. labels: one text a record."""

    features: tuple[str, ...]
    values: NDArray[np.float64]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises `Malformed` for what is no data set, with the column and the record."""
        n, p = self.values.shape
        if not 1 <= n <= MAX_RECORDS or len(self.labels) != n:
            raise Malformed(f"{n} records with {len(self.labels)} labels; 1 to {MAX_RECORDS} are certified")
        if not 1 <= p <= MAX_FEATURES or len(self.features) != p:
            raise Malformed(f"{p} features; 1 to {MAX_FEATURES} are certified")
        twice = {name for name in self.features if self.features.count(name) > 1}
        if twice:
            raise Malformed(f"column {printable(min(twice))} is there twice")
        finite = np.isfinite(self.values)
        if not finite.all():
            record, feature = np.argwhere(~finite)[0]
            raise Malformed(
                f"column {printable(self.features[feature])} has no finite number in record {record} (they count from 0):"
                " fill or drop missing values first"
            )
        if "" in self.labels:
            raise Malformed(f"record {self.labels.index('')} has no label (they count from 0)")

    def take(self, records: NDArray[np.intp]) -> Table:
        """These records, in this order."""
        return Table(self.features, self.values[records], tuple(self.labels[int(i)] for i in records))


UNLABELLED = "?"
"""The label of records that have none."""


def read_inputs(path: Path, features: tuple[str, ...]) -> NDArray[np.float64]:
    """Records without labels: the columns `features` of a file as `read_table` takes, in that order; of `.npz` the matrix `X`. Other
    columns are not looked at. Raises as `read_table` does."""
    found = _read(path, None, features)
    if found.features != features:
        raise Malformed(f"{printable(str(path))}: its columns are not {printable(', '.join(features))}")
    return found.values


def read_table(path: Path, label: str) -> Table:
    """A data set from `.csv` (first line: names), `.parquet`, or `.npz` (arrays `X` and `y`, perhaps `features`). label: the column of
    labels; of `.npz` always `y`. Raises `Malformed`; `UsageError` for another kind of file, or where pyarrow is missing."""
    return _read(path, label, None)


def _read(path: Path, label: str | None, wanted: tuple[str, ...] | None) -> Table:
    shown = printable(str(path))
    readers = {".csv": _csv, ".parquet": _parquet, ".npz": _npz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{shown}: give a .csv, .parquet or .npz file")
    data = read_capped(path, _LIMIT)
    try:
        return reader(data, label, wanted)
    except Malformed as error:
        raise Malformed(f"{shown}: {error}") from None


def _npz(data: bytes, label: str | None, wanted: tuple[str, ...] | None) -> Table:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise Malformed(f"not NumPy's .npz: {printable(str(error))}") from None
    if "X" not in found:
        raise Malformed("there is no array X, the matrix of records by features")
    if label is not None and "y" not in found:
        raise Malformed("there is no array y, of as many labels as X has records")
    X = found["X"]
    y = found["y"] if label is not None else np.full(len(X), UNLABELLED)
    if X.ndim != 2 or X.dtype.kind not in "iuf" or y.ndim != 1:
        raise Malformed("X is a matrix of numbers, y has one dimension")
    names = found.get("features")
    features = (
        list(wanted or (f"x{j}" for j in range(X.shape[1])))
        if names is None
        else [str(name) for name in names.ravel()]
    )
    return Table(tuple(features), X.astype(np.float64), tuple(label_text(value) for value in y.tolist()))


def _csv(data: bytes, label: str | None, wanted: tuple[str, ...] | None) -> Table:
    try:
        from pyarrow import ArrowInvalid, csv
    except ImportError:
        raise UsageError(_NEEDS_PYARROW) from None
    try:
        # Labels are read as they are written: 01 is not 1.
        types = {label: "string"} if label is not None else {}
        options = csv.ConvertOptions(column_types=types, strings_can_be_null=False)
        return _arrow(csv.read_csv(io.BytesIO(data), convert_options=options), label, wanted)
    except ArrowInvalid as error:
        raise Malformed(f"not a CSV file: {printable(str(error))}") from None


def _parquet(data: bytes, label: str | None, wanted: tuple[str, ...] | None) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise UsageError(_NEEDS_PYARROW) from None
    try:
        return _arrow(parquet.read_table(io.BytesIO(data)), label, wanted)
    except (ArrowException, OSError) as error:
        raise Malformed(f"not a Parquet file: {printable(str(error))}") from None


def _arrow(table: object, label: str | None, wanted: tuple[str, ...] | None) -> Table:
    import pyarrow as pa

    assert isinstance(table, pa.Table)  # noqa: S101 - pyarrow has no types of its own
    names = [str(name) for name in table.column_names]
    if table.num_rows == 0:
        raise Malformed(f"0 records; 1 to {MAX_RECORDS} are certified")
    if wanted is not None:
        absent = [name for name in wanted if names.count(name) != 1]
        if absent:
            raise Malformed(f"no column {printable(absent[0])}; there are {printable(', '.join(names))}")
        names = list(wanted)
        table = table.select(names)
        assert isinstance(table, pa.Table)  # noqa: S101
    if label is not None and names.count(label) != 1:
        raise Malformed(
            f"no column {printable(label)} for the labels; there are {printable(', '.join(names))}"
        )
    features: list[str] = []
    values = np.empty((table.num_rows, len(names) - (label is not None)))
    for name, column in zip(names, table.columns, strict=True):
        if name == label:
            continue
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise Malformed(
                f"column {printable(name)} holds {column.type}, not numbers: encode it or leave it out"
            )
        values[:, len(features)] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        features.append(name)
    labels = (
        (UNLABELLED,) * table.num_rows
        if label is None
        else tuple(label_text(value) for value in table.column(label).to_pylist())
    )
    return Table(tuple(features), values, labels)


def label_text(value: object) -> str:
    """A label as text: integers in decimal, also where a column of doubles holds only such."""
    if value is None:
        return ""
    if isinstance(value, float):
        if not value.is_integer():
            raise Malformed(f"{value} is no label: labels are texts or whole numbers")
        value = int(value)
    return value.decode() if isinstance(value, bytes) else str(value)
