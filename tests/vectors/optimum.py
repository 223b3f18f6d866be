"""Vectors of R5: small heads, good ones and bad ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from fedproof import _core
from tests.vectors.head import rows_of, vector, weights_of
from tests.vectors.vectors import Json, optimum_parts

LOSSES = ("ridge", "squared hinge")


def residual_squared(
    rows: np.ndarray, weights: np.ndarray, loss: str, scale: int, regularisation: int
) -> int:
    """Σ E², by the page's formulas."""
    p = weights.shape[1]
    x, y = rows[:, :p].astype(object), 2 * rows[:, p:].astype(object) - 1
    w = weights.astype(object)
    margins = (1 << 5 + scale) - y * (x @ w.T)
    kept = margins if loss == "ridge" else np.where(margins > 0, margins, 0)
    residual = regularisation * w - (y * kept).T @ x
    return int((residual**2).sum())


def optimum(
    suite: str,
    context: tuple[bytes, str, int, bytes | None],
    context_json: Json,
    about: str,
    *,
    loss: str = "squared hinge",
    committed: bool = True,
    n: int = 9,
    p: int = 3,
    c: int = 2,
    bound: int | None = None,
    proved_rows: np.ndarray | None = None,
    proved_weights: np.ndarray | None = None,
    expect: Any = "accept",
    weights: np.ndarray | None = None,
) -> Json:
    """bound: B2² less what is true, if it lies. proved_rows, proved_weights: what the prover uses instead."""
    scale, regularisation = 3, 5000
    rows = rows_of(n, p, c)
    if weights is None:
        weights = weights_of(c, p)
    true = residual_squared(rows, weights, loss, scale, regularisation)
    digits = {"bound": 31 if loss != "ridge" or committed else 0}
    digits |= {"margins": 4 if loss != "ridge" else 0, "weights": 2 if committed else 0}
    own: Json = {
        "loss": loss,
        "objective": {
            "scale": scale,
            "regularisation": regularisation,
            "max_residual_squared": str(true if bound is None else true + bound),
        },
        "digits": digits,
    }
    return vector(
        "optimum",
        (_core.prove_optimum, optimum_parts),
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
    """Each loss with public and committed weights, on both suites."""
    out: dict[str, Json] = {}
    for suite, name in ((pallas, "pallas"), (bn254, "bn254")):
        for loss in LOSSES:
            for committed in (False, True):
                kind = f"{loss.replace(' ', '_')}_{'committed' if committed else 'public'}"
                about = f"{loss}, {'committed' if committed else 'public'} weights"
                made = optimum(suite, context, listed, about, loss=loss, committed=committed)
                out[f"optimum_{kind}_{name}"] = made
    out["optimum_two_rows_a_class"] = optimum(
        pallas, context, listed, "records that fill more than one row of digits", n=17, p=4, c=3
    )
    out["optimum_one_record"] = optimum(pallas, context, listed, "one record", n=1, p=2, c=2)
    return out


def false(suite: str, context: tuple[bytes, str, int, bytes | None], listed: Json) -> dict[str, Json]:
    """By a prover that does not look: everything else is as it should be."""
    lie = {"stage": "argument"}
    rows = rows_of(9, 3, 2)
    flipped = rows.copy()
    flipped[0, 3:] = 1 - flipped[0, 3:]
    moved = rows.copy()
    moved[4, 0] = -moved[4, 0] - 1
    weights = weights_of(2, 3)
    other = weights.copy()
    other[0, 0] += 1
    outside = weights.copy()
    outside[1, 2] = 1985  # with two digits within ±31, H_W = 1984
    out = {}
    for loss in LOSSES:
        name = loss.replace(" ", "_")
        for about, arguments in (
            ("residual one above its bound", {"bound": -1}),
            ("a label flipped", {"proved_rows": flipped}),
            ("a feature changed", {"proved_rows": moved}),
            ("other weights than the committed ones", {"weights": weights, "proved_weights": other}),
            ("a weight out of range", {"weights": outside}),
        ):
            key = f"optimum_{name}_{about.replace(' ', '_')}"
            out[key] = optimum(suite, context, listed, f"false: {about}", loss=loss, expect=lie, **arguments)
    return out
