"""What vectors of statements about a head have alike: records, weights, and a proof that may be of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fedproof import _core
from tests.vectors.vectors import Json


def rows_of(n: int, p: int, c: int) -> np.ndarray:
    """Features, bias, one-hot label."""
    rng = np.random.default_rng(n)
    rows = np.zeros((n, p + c), dtype=np.int8)
    rows[:, : p - 1] = rng.integers(-127, 128, size=(n, p - 1))
    rows[:, p - 1] = 32
    rows[np.arange(n), p + rng.integers(0, c, size=n)] = 1
    return rows


def weights_of(c: int, p: int) -> np.ndarray:
    """Small integers."""
    return np.random.default_rng(c).integers(-8, 9, size=(c, p), dtype=np.int64)


def vector(
    relation: str,
    engine: tuple[Callable[..., bytes], Callable[[Json], Any]],
    suite: str,
    contexts: tuple[tuple[bytes, str, int, bytes | None], Json],
    own: Json,
    stated: tuple[np.ndarray, np.ndarray],
    proved: tuple[np.ndarray | None, np.ndarray | None],
    *,
    committed: bool,
    expect: Any,
    about: str,
) -> Json:
    """engine: its prover, and how it takes a statement. contexts: the engine's and the vector's. own: the relation's fields. stated,
    proved: rows and weights of the statement, and those that the prover uses instead."""
    (prove, parts), (context, listed), (rows, weights) = engine, contexts, stated
    (c, p), n = weights.shape, len(rows)
    points, blinds = _core.commit(suite, rows.astype(np.int64).ravel(), p + c, 8)
    of_weights, weight_blinds = _core.commit(suite, weights.ravel(), p, 64)
    statement: Json = {
        "context": listed,
        "size": {"records": n, "features": p, "classes": c},
        **own,
        "records": points.hex(),
        "weights": {"points": of_weights.hex()}
        if committed
        else {"integers": [str(w) for w in weights.ravel()]},
    }
    used_rows = rows if proved[0] is None else proved[0]
    used_weights = weights if proved[1] is None else proved[1]
    proof = prove(
        suite,
        context,
        parts(statement),
        points,
        used_rows,
        blinds,
        used_weights.ravel(),
        of_weights if committed else None,
        weight_blinds if committed else b"",
        expect == "accept",
    )
    return {
        "relation": relation,
        "suite": suite,
        "statement": statement,
        "proof": proof.hex(),
        "expect": expect,
        "about": about,
    }
