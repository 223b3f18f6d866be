"""Vectors of R9: answers of a committed head, good ones and bad ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from fedproof import _core
from tests.vectors.vectors import Json


def receipt(
    suite: str,
    context: tuple[bytes, str, int, bytes | None],
    listed: Json,
    about: str,
    *,
    p: int = 3,
    c: int = 3,
    count: int = 2,
    classes: list[int] | None = None,
    other: bool = False,
    expect: Any = "accept",
) -> Json:
    """classes: what is answered, if not what the head says. other: proved with another head than the committed one."""
    scale = 4
    rng = np.random.default_rng(p + c + count)
    weights = rng.integers(-40, 41, size=(c, p), dtype=np.int64)
    inputs = rng.integers(-127, 128, size=(count, p), dtype=np.int8)
    inputs[:, -1] = 32
    logits = inputs.astype(np.int64) @ weights.T
    said = [int(k) for k in logits.argmax(axis=1)] if classes is None else classes
    points, blinds = _core.commit(suite, weights.ravel(), p, 64)
    head = (p, c, scale)
    used = weights.ravel() + (np.arange(c * p) == 0) if other else weights.ravel()
    proof = _core.prove_receipt(suite, context, head, points, inputs, said, used, blinds, expect == "accept")
    return {
        "relation": "receipt",
        "suite": suite,
        "statement": {
            "context": listed,
            "features": p,
            "classes": c,
            "scale": scale,
            "answers": [
                {"input": [int(v) for v in row], "class": k} for row, k in zip(inputs, said, strict=True)
            ],
            "points": points.hex(),
        },
        "proof": proof.hex(),
        "expect": expect,
        "about": about,
    }


def good(
    pallas: str, bn254: str, context: tuple[bytes, str, int, bytes | None], listed: Json
) -> dict[str, Json]:
    """One and several answers, on both suites; leads in more than one message."""
    return {
        "receipt_pallas": receipt(pallas, context, listed, "two answers"),
        "receipt_bn254": receipt(bn254, context, listed, "two answers"),
        "receipt_one": receipt(pallas, context, listed, "one answer of two classes", p=2, c=2, count=1),
        "receipt_many_classes": receipt(
            pallas, context, listed, "leads in several messages", p=4, c=9, count=1
        ),
    }


def false(suite: str, context: tuple[bytes, str, int, bytes | None], listed: Json) -> dict[str, Json]:
    """By a prover that does not look."""
    lie = {"stage": "argument"}
    honest = [a["class"] for a in receipt(suite, context, listed, "")["statement"]["answers"]]
    wrong = [(honest[0] + 1) % 3, honest[1]]
    return {
        "receipt_class_that_does_not_win": receipt(
            suite, context, listed, "false: another class scores higher", classes=wrong, expect=lie
        ),
        "receipt_of_another_head": receipt(
            suite, context, listed, "false: another head than the committed one", other=True, expect=lie
        ),
    }
