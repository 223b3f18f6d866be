"""Chooses both regularisations on one validation split: Λ of the head that will be proved, C of scikit-learn's logistic regression. Run:
`python choose.py train train.parquet --authority ministry=ministry.pub`; `train` is what `fedproof certify` made of `train.parquet`.

The first five sixths of the records are trained on, the last sixth decides.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from fedproof.data.files import read_data_set, read_holding
from fedproof.data.table import Table, read_table
from fedproof.identity.keys import VerifyKey
from fedproof.training.choose import choose_regularisation
from fedproof.training.objective import Objective

REGULARISATIONS = tuple(1 << bits for bits in (16, 18, 20, 22, 24))
INVERSES = (1e-4, 1e-3, 1e-2, 1e-1)
"""C: the inverse of what Λ is, beside the sum of the records' losses."""
MAX_STEPS = 2000


def logistic(C: float) -> Pipeline:
    """Logistic regression in doubles, on features at mean 0 and deviation 1."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=MAX_STEPS))


def best_inverse(table: Table, held_out: int) -> float:
    """The C that is right on most of the last `held_out` records; the smallest of several such."""
    y: NDArray[np.str_] = np.array(table.labels)
    scores = {}
    for C in INVERSES:
        fitted = logistic(C).fit(table.values[:-held_out], y[:-held_out])
        scores[C] = float(fitted.score(table.values[-held_out:], y[-held_out:]))
        print(f"logistic regression: C = {C:g} is right on {scores[C]:.2%}", flush=True)
    return max(INVERSES, key=lambda C: scores[C])


def main() -> int:
    parser = argparse.ArgumentParser(description="Λ and C by a validation split.")
    parser.add_argument("folder", type=Path, help="certified data, with the holder's part")
    parser.add_argument("table", type=Path, help="the features that were certified")
    parser.add_argument("--authority", required=True, help="NAME=FILE, the public key of who certified")
    given = parser.parse_args()
    name, _, key = given.authority.partition("=")
    data = read_data_set(given.folder, {name: VerifyKey.parse(Path(key).read_text().strip())})
    rows = read_holding(given.folder, data).rows
    held_out = len(rows) // 6
    found = choose_regularisation(
        Objective("squared hinge", scale=24, regularisation=1),  # its regularisation is what is looked for
        rows[:-held_out],
        rows[-held_out:],
        len(data.certificate.classes),
        candidates=REGULARISATIONS,
        progress=lambda done, total: print(f"squared hinge: {done} of {total} tried", flush=True),
    )
    print(f"regularisation = {found}")
    print(f"C = {best_inverse(read_table(given.table, 'label'), held_out):g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
