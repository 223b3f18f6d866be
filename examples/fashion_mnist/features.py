"""Features of Fashion-MNIST's images by a frozen extractor, as a table that `fedproof certify` reads. Run:
`python features.py /usr/share/datasets/fashion-mnist --part train --extractor extractor.onnx --out train.parquet`.

Images are read, and features written, a few thousand at a time: memory does not grow with their number.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SIDE = 28
BATCH = 128
"""Images at a time through the network."""
GROUP = 64
"""Batches at a time into the file: 8,192 images, 40 MiB of features."""

Batch = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class Unreadable(Exception):
    """Input that is no part of Fashion-MNIST."""


def header(file: gzip.GzipFile, path: Path, dimensions: int) -> list[int]:
    """The sizes at the head of an IDX file of bytes: two zeros, 8 for bytes, how many sizes; then each in four bytes, big-endian."""
    head = file.read(4 + 4 * dimensions)
    if head[:4] != bytes([0, 0, 8, dimensions]) or len(head) < 4 + 4 * dimensions:
        raise Unreadable(f"{path} is no IDX file of bytes in {dimensions} dimensions")
    return [int.from_bytes(head[at : at + 4]) for at in range(4, len(head), 4)]


def read_part(folder: Path, part: str, wanted: int | None) -> Iterator[Batch]:
    """Images (n × 28 × 28) and labels (n), in the order of the files, n ≤ `BATCH`. part: "train" or "t10k". wanted: how many, from the
    first; none: all. Raises `Unreadable`, `OSError`."""
    images, labels = folder / f"{part}-images-idx3-ubyte.gz", folder / f"{part}-labels-idx1-ubyte.gz"
    with ExitStack() as files:
        pixels, classes = (files.enter_context(gzip.GzipFile(path)) for path in (images, labels))
        count, *sides = header(pixels, images, 3)
        if sides != [SIDE, SIDE] or header(classes, labels, 1) != [count]:
            raise Unreadable(f"{images} and {labels} do not hold as many images of 28 × 28 as labels")
        if wanted is not None and wanted > count:
            raise Unreadable(f"{images} holds {count} images; {wanted} were asked for")
        left = count if wanted is None else wanted
        while left:
            n = min(BATCH, left)
            found = pixels.read(n * SIDE * SIDE), classes.read(n)
            x, y = (np.frombuffer(part, np.uint8) for part in found)
            if x.size != n * SIDE * SIDE or y.size != n or y.max() >= len(CLASSES):
                raise Unreadable(f"{images} and {labels}: cut off, or with a class beyond {len(CLASSES) - 1}")
            yield x.reshape(n, SIDE, SIDE), y
            left -= n


def write(batches: Iterator[Batch], extractor: Path, out: Path) -> list[str]:
    """The table: 1,280 columns of float32 and `label`. Returns the names of the features that are not the same in every record."""
    session = onnxruntime.InferenceSession(str(extractor), providers=["CPUExecutionProvider"])
    width = session.get_outputs()[0].shape[1]
    names = [f"f{j}" for j in range(width)]
    schema = pa.schema([*((name, pa.float32()) for name in names), ("label", pa.string())])
    least, most = np.full(width, np.inf, np.float32), np.full(width, -np.inf, np.float32)
    started = time.monotonic()
    with parquet.ParquetWriter(out, schema, use_dictionary=["label"]) as writer:
        done = 0
        while some := list(islice(batches, GROUP)):
            x = np.concatenate([session.run(["features"], {"images": images})[0] for images, _ in some])
            y = np.concatenate([labels for _, labels in some])
            columns = [*np.ascontiguousarray(x.T), [CLASSES[k] for k in y]]
            writer.write_table(pa.table(columns, schema=schema))
            np.minimum(least, x.min(axis=0), out=least)
            np.maximum(most, x.max(axis=0), out=most)
            done += len(y)
            print(f"{done} images, {done / (time.monotonic() - started):.0f} a second", file=sys.stderr)
    return [name for name, low, high in zip(names, least, most, strict=True) if low < high]


def select(table: Path, names: list[str], out: Path) -> None:
    """The same records with these columns only, a row group at a time."""
    source = parquet.ParquetFile(table)
    schema = pa.schema([source.schema_arrow.field(name) for name in names])
    with parquet.ParquetWriter(out, schema, use_dictionary=["label"]) as writer:
        for group in range(source.num_row_groups):
            writer.write_table(source.read_row_group(group, columns=names))


def main() -> int:
    parser = argparse.ArgumentParser(description="Features of Fashion-MNIST's images.")
    parser.add_argument("folder", type=Path, help="where the four .gz files are")
    parser.add_argument("--part", choices=["train", "t10k"], required=True)
    parser.add_argument("--images", type=int, help="how many, from the first; else all")
    parser.add_argument("--features", type=int, help="how many, from the first, for a quick try; else all")
    parser.add_argument("--extractor", type=Path, required=True, help="the ONNX file")
    parser.add_argument("--out", type=Path, required=True, help="the Parquet file to write")
    parser.add_argument(
        "--like", type=Path, help="a table of this program whose columns are taken, to go with it"
    )
    given = parser.parse_args()
    if any(number is not None and number < 1 for number in (given.images, given.features)):
        parser.error("--images, --features: one at least")
    unfinished, narrower = (given.out.with_name(f".{given.out.name}.{i}.tmp") for i in (1, 2))
    try:
        varying = write(read_part(given.folder, given.part, given.images), given.extractor, unfinished)
        own = [*varying[: given.features], "label"]
        wanted = own if given.like is None else parquet.read_schema(given.like).names
        every = parquet.read_schema(unfinished).names
        if wanted != every:
            # What is the same in every record says nothing, and is no column of a certified data set.
            select(unfinished, wanted, narrower)
            narrower.replace(unfinished)
            print(f"left out: {len(every) - len(wanted)} features", file=sys.stderr)
        records = parquet.read_metadata(unfinished).num_rows
        unfinished.replace(given.out)
    except (Unreadable, OSError, EOFError, zlib.error, pa.ArrowException) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        unfinished.unlink(missing_ok=True)
        narrower.unlink(missing_ok=True)
    print(f"{given.out}: {records} records, {len(wanted) - 1} features")
    return 0


if __name__ == "__main__":
    sys.exit(main())
