"""Test accuracy of the proved integer head beside scikit-learn's logistic regression in doubles. Run:
`python accuracy.py head/model.safetensors --train train.parquet --test test.parquet --C 0.001`.

Nothing here is proved: whoever has the test images and the head computes the number anew. `fedproof train --test` proves the head's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from choose import logistic
from numpy.typing import NDArray
from safetensors.numpy import load_file

from fedproof.data.table import Table, read_table


def predictions(head: dict[str, NDArray[np.float64]], table: Table, classes: list[str]) -> NDArray[np.str_]:
    """What the head says: features become integers as the authority made them, in units of 1/32."""
    scaled = (table.values - head["centre"]) / head["spread"] * 32
    x = np.clip(np.rint(scaled), -127, 127) / 32
    found: NDArray[np.str_] = np.array(classes)[(x @ head["weight"].T + head["bias"]).argmax(axis=1)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Two heads on the same features.")
    parser.add_argument("head", type=Path, help="model.safetensors of `fedproof train`")
    parser.add_argument("--train", type=Path, required=True, help="features the head was trained on")
    parser.add_argument("--test", type=Path, required=True, help="features to judge by")
    parser.add_argument("--C", type=float, required=True, help="of the logistic regression")
    given = parser.parse_args()
    train, test = read_table(given.train, "label"), read_table(given.test, "label")
    truth = np.array(test.labels)
    proved = (predictions(load_file(given.head), test, sorted(set(train.labels))) == truth).mean()
    fitted = logistic(given.C).fit(train.values, np.array(train.labels))
    print(f"proved head, 8-bit features, integer weights: {proved:.2%} of {len(truth)}")
    print(f"logistic regression, doubles, C = {given.C:g}: {fitted.score(test.values, truth):.2%}")
    print(f"{len(np.unique(truth))} classes; iterations: {fitted[-1].n_iter_.max()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
