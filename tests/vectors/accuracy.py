"""Vectors of R6: small test sets, good ones and bad ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from fedproof import _core
from tests.vectors.head import rows_of, vector, weights_of
from tests.vectors.vectors import Json, accuracy_parts

SCALE = 3


def labelled(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rows with the labels that the weights give them, every third with another."""
    c, p = weights.shape
    logits = rows[:, :p].astype(np.int64) @ weights.T
    best = (logits.argmax(axis=1) + (np.arange(len(rows)) % 3 == 2)) % c
    out = rows.copy()
    out[:, p:] = np.eye(c, dtype=np.int8)[best]
    return out


def count(rows: np.ndarray, weights: np.ndarray) -> int:
    """How many are classified correctly, ties not."""
    p = weights.shape[1]
    logits = rows[:, :p].astype(np.int64) @ weights.T
    own = rows[:, p:].argmax(axis=1)
    at = np.arange(len(rows))
    others = logits.copy()
    others[at, own] = -(1 << 40)
    return int((logits[at, own] > others.max(axis=1)).sum())


def accuracy(
    suite: str,
    context: tuple[bytes, str, int, bytes | None],
    context_json: Json,
    about: str,
    *,
    committed: bool = True,
    n: int = 9,
    p: int = 3,
    c: int = 2,
    more: int = 0,
    proved_rows: np.ndarray | None = None,
    proved_weights: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    expect: Any = "accept",
) -> Json:
    """more: T less what is true. proved_rows, proved_weights: what the prover uses instead."""
    if weights is None:
        weights = weights_of(c, p)
    rows = labelled(rows_of(n, p, c), weights)
    own: Json = {
        "scale": SCALE,
        "correct": count(rows, weights) + more,
        "digits": {"bound": 31, "margins": 4, "weights": 0},
    }
    return vector(
        "accuracy",
        (_core.prove_accuracy, accuracy_parts),
        suite,
        (context, context_json),
        own,
        (rows, weights),
        (proved_rows, proved_weights),
        committed=committed,
        expect=expect,
        about=about,
    )


def good(
    pallas: str, bn254: str, context: tuple[bytes, str, int, bytes | None], listed: Json
) -> dict[str, Json]:
    """Public and committed weights, on both suites."""
    out: dict[str, Json] = {}
    for suite, name in ((pallas, "pallas"), (bn254, "bn254")):
        for committed in (False, True):
            kind = "committed" if committed else "public"
            out[f"accuracy_{kind}_{name}"] = accuracy(
                suite, context, listed, f"{kind} weights", committed=committed
            )
    out["accuracy_two_rows"] = accuracy(
        pallas, context, listed, "records that fill more than one row of bits", n=17, p=4, c=3
    )
    out["accuracy_one_record"] = accuracy(pallas, context, listed, "one record", n=1, p=2, c=2)
    out["accuracy_less_than_is_true"] = accuracy(pallas, context, listed, "fewer than there are", more=-2)
    return out


def false(suite: str, context: tuple[bytes, str, int, bytes | None], listed: Json) -> dict[str, Json]:
    """By a prover that does not look: everything else is as it should be."""
    lie = {"stage": "argument"}
    weights = weights_of(2, 3)
    rows = labelled(rows_of(9, 3, 2), weights)
    relabelled = rows.copy()
    relabelled[2, 3:] = 1 - relabelled[2, 3:]
    other = weights.copy()
    other[0, 0] += 1
    level = np.tile(weights[:1], (2, 1))
    out = {}
    for about, arguments in (
        ("one more than is true", {"more": 1}),
        ("a wrong record relabelled", {"more": 1, "proved_rows": relabelled}),
        ("other weights than the committed ones", {"proved_weights": other}),
        ("ties", {"weights": level, "more": 1}),
    ):
        out[f"accuracy_{about.replace(' ', '_')}"] = accuracy(
            suite,
            context,
            listed,
            f"false: {about}",
            expect=lie,
            **arguments,  # type: ignore[arg-type]
        )
    return out
