"""Reads vectors (vectors/v1/README.md) with the engine, exactly as the second verifier reads them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from fedproof import _core

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "v1"
Json = dict[str, Any]


def check(vector: Json) -> str:
    """ "accept", or the stage at which the engine refuses."""
    try:
        _verify(vector)
    except _core.ProofError as error:
        return str(error.args[1])
    return "accept"


def expected(vector: Json) -> str:
    expect = vector["expect"]
    return expect if isinstance(expect, str) else str(expect["stage"])


def _context(context: Json) -> tuple[bytes, str, int, bytes | None]:
    certificate = context["certificate"]
    return (
        bytes.fromhex(context["announcement"]),
        context["client"],
        context["weight"],
        None if certificate is None else bytes.fromhex(certificate),
    )


def _verify(vector: Json) -> None:
    statement, suite, proof = vector["statement"], vector["suite"], bytes.fromhex(vector["proof"])
    if vector["relation"] == "optimum":
        _verify_optimum(suite, statement, proof)
        return
    if vector["relation"] == "accuracy":
        _verify_accuracy(suite, statement, proof)
        return
    if vector["relation"] == "receipt":
        _verify_receipt(suite, statement, proof)
        return
    shape = statement["shape"]["d"], statement["shape"]["columns"]
    if vector["relation"] == "consistent masking":
        _verify_masking(suite, statement, shape, proof)
        return
    match vector["relation"]:
        case "plain opening":
            points = bytes.fromhex(statement["points"])
            _core.verify_plain_opening(suite, _context(statement["context"]), shape, points, proof)
        case "bounded update":
            b = statement["bounds"]
            bounds = b["max_abs"], int(b["max_norm_squared"]), b["limb"]
            points = bytes.fromhex(statement["points"])
            _core.verify_bounded_update(suite, _context(statement["context"]), shape, bounds, points, proof)
        case "honest aggregate":
            terms = [(t["weight"], bytes.fromhex(t["points"])) for t in statement["terms"]]
            announcement = bytes.fromhex(statement["context"]["announcement"])
            context = announcement, "aggregator", sum(w for w, _ in terms), None
            _core.verify_honest_aggregate_proof(suite, context, shape, terms, proof)
        case "honest aggregate sum":
            terms = [(t["weight"], bytes.fromhex(t["points"])) for t in statement["terms"]]
            values = np.array([int(v) for v in statement["values"]], dtype=np.int64)
            context = bytes(32), "aggregator", sum(w for w, _ in terms), None
            _core.verify_sum(suite, context, shape, terms, values, bytes.fromhex(statement["blinds"]))
        case other:
            raise AssertionError(f"unknown relation {other}")


def optimum_parts(
    statement: Json,
) -> tuple[tuple[int, int, int], tuple[bool, int, int, int], tuple[int, int, int]]:
    size, objective, digits = statement["size"], statement["objective"], statement["digits"]
    return (
        (size["records"], size["features"], size["classes"]),
        (
            {"ridge": False, "squared hinge": True}[statement["loss"]],
            objective["scale"],
            objective["regularisation"],
            int(objective["max_residual_squared"]),
        ),
        (digits["bound"], digits["margins"], digits["weights"]),
    )


def _verify_optimum(suite: str, statement: Json, proof: bytes) -> None:
    integers = statement["weights"].get("integers")
    _core.verify_optimum(
        suite,
        _context(statement["context"]),
        optimum_parts(statement),
        bytes.fromhex(statement["records"]),
        None if integers is None else np.array([int(w) for w in integers], dtype=np.int64),
        bytes.fromhex(statement["weights"].get("points", "")),
        proof,
    )


def accuracy_parts(statement: Json) -> tuple[tuple[int, int, int], tuple[int, int], tuple[int, int, int]]:
    size, digits = statement["size"], statement["digits"]
    return (
        (size["records"], size["features"], size["classes"]),
        (statement["scale"], statement["correct"]),
        (digits["bound"], digits["margins"], digits["weights"]),
    )


def _verify_accuracy(suite: str, statement: Json, proof: bytes) -> None:
    integers = statement["weights"].get("integers")
    _core.verify_accuracy(
        suite,
        _context(statement["context"]),
        accuracy_parts(statement),
        bytes.fromhex(statement["records"]),
        None if integers is None else np.array([int(w) for w in integers], dtype=np.int64),
        bytes.fromhex(statement["weights"].get("points", "")),
        proof,
    )


def _verify_receipt(suite: str, statement: Json, proof: bytes) -> None:
    _core.verify_receipt(
        suite,
        _context(statement["context"]),
        (statement["features"], statement["classes"], statement["scale"]),
        bytes.fromhex(statement["points"]),
        np.array([a["input"] for a in statement["answers"]], dtype=np.int8).reshape(
            len(statement["answers"]), -1 if statement["answers"] else statement["features"]
        ),
        [a["class"] for a in statement["answers"]],
        proof,
    )


def _verify_masking(suite: str, statement: Json, shape: tuple[int, int], proof: bytes) -> None:
    masks = statement["masks"]
    claim = (
        _context(statement["context"]),
        (bytes.fromhex(statement["accepted"]), *shape, masks["modulus"], masks["carry_bits"]),
        bytes.fromhex(statement["points"]),
        bytes.fromhex(statement["blinds"]),
        [(pair["negative"], bytes.fromhex(pair["points"])) for pair in statement["pairs"]],
        statement["values"],
        proof,
    )
    _core.verify_consistent_masking(suite, claim)


def read(path: Path) -> Json:
    vector: Json = json.loads(path.read_text())
    return vector
