"""Writes vectors that the honest prover of these tests made: python -m tests.reference.make_vectors FOLDER

So the other verifier can be tried on proofs that its own prover did not make.
"""

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reference.commitment import commit
from reference.group import BN254, PALLAS, Point, Suite, encode
from reference.relations import (
    accuracy,
    bounded_update,
    consistent_masking,
    honest_aggregate,
    optimum,
    plain_opening,
    receipt,
)
from reference.relations.bounded_update import Bounds
from reference.relations.head import Digits, Size, Weights
from reference.relations.optimum import Objective
from reference.statement import Context, Shape
from reference.transcript import scalar_bytes
from tests.reference import accuracy_witness, masking_witness
from tests.reference.bounded_witness import BoundedWitness
from tests.reference.optimum_witness import Problem, made_up, prover_of, state
from tests.reference.prover import Prover
from tests.reference.receipt_witness import Head, answered
from tests.reference.receipt_witness import made_up as made_up_head
from tests.reference.receipt_witness import prover_of as prover_of_head

CONTEXT = Context(bytes(range(32)), "clinic-1", 120, bytes(range(32, 64)))
Json = dict[str, Any]


def hexadecimal(points: Sequence[Point]) -> str:
    return b"".join(map(encode, points)).hex()


def shape_json(shape: Shape) -> Json:
    return {"d": shape.d, "columns": shape.columns}


def context_json(context: Context) -> Json:
    return {
        "announcement": context.announcement.hex(),
        "client": context.client,
        "weight": context.weight,
        "certificate": None if context.certificate is None else context.certificate.hex(),
    }


def vector(relation: str, suite: Suite, statement: Json, proof: bytes) -> Json:
    return {
        "relation": relation,
        "suite": suite.id,
        "statement": statement,
        "proof": proof.hex(),
        "expect": "accept",
        "about": "made by the prover in tests/reference",
    }


def blinds_for(suite: Suite, shape: Shape) -> list[int]:
    return [random.Random(i).randrange(suite.r) for i in range(shape.rows)]


def no_messages(_prover: Prover, _label: object) -> list[int]:
    return []


def opening(suite: Suite, x: list[int], columns: int) -> Json:
    shape = Shape(len(x), columns)
    blinds = blinds_for(suite, shape)
    rows = commit(suite, shape, x, blinds)
    prover = Prover(suite, no_messages, (columns, x, blinds))
    plain_opening.verify(prover, CONTEXT, shape, rows)
    fields = {"context": context_json(CONTEXT), "shape": shape_json(shape), "points": hexadecimal(rows)}
    return vector("plain opening", suite, fields, prover.proof())


def bounded(suite: Suite, x: list[int], columns: int, bounds: Bounds) -> Json:
    shape = Shape(len(x), columns)
    blinds = blinds_for(suite, shape)
    rows = commit(suite, shape, x, blinds)
    prover = Prover(suite, BoundedWitness(suite.r, x, shape, bounds), (columns, x, blinds))
    bounded_update.verify(prover, CONTEXT, shape, bounds, rows)
    fields = {
        "context": context_json(CONTEXT),
        "shape": shape_json(shape),
        "bounds": {
            "max_abs": bounds.max_abs,
            "max_norm_squared": str(bounds.max_norm_squared),
            "limb": bounds.limb,
        },
        "points": hexadecimal(rows),
    }
    return vector("bounded update", suite, fields, prover.proof())


def aggregates(suite: Suite, xs: list[list[int]], weights: list[int], columns: int) -> tuple[Json, Json]:
    """The sum itself, and the opening proof of the sum."""
    shape = Shape(len(xs[0]), columns)
    blinds = [[b + k for b in blinds_for(suite, shape)] for k in range(len(xs))]
    terms = [(w, commit(suite, shape, x, b)) for w, x, b in zip(weights, xs, blinds, strict=True)]
    X = [sum(w * v for w, v in zip(weights, column, strict=True)) for column in zip(*xs, strict=True)]
    total_blinds = [
        sum(w * b for w, b in zip(weights, column, strict=True)) % suite.r
        for column in zip(*blinds, strict=True)
    ]
    honest_aggregate.verify_sum(suite, shape, terms, X, total_blinds)
    prover = Prover(suite, no_messages, (columns, X, total_blinds))
    honest_aggregate.verify(prover, CONTEXT.announcement, shape, terms)
    common = {
        "shape": shape_json(shape),
        "terms": [{"weight": w, "points": hexadecimal(rows)} for w, rows in terms],
    }
    sums = common | {
        "values": [str(v) for v in X],
        "blinds": b"".join(map(scalar_bytes, total_blinds)).hex(),
    }
    context = {"context": {"announcement": CONTEXT.announcement.hex()}}
    return (
        vector("honest aggregate sum", suite, sums, b""),
        vector("honest aggregate", suite, context | common, prover.proof()),
    )


def size_json(size: Size) -> Json:
    return {"records": size.n, "features": size.p, "classes": size.c}


def digits_json(digits: Digits) -> Json:
    return {"bound": digits.h, "margins": digits.margins, "weights": digits.weights}


def weights_json(weights: Weights) -> Json:
    if weights.integers is not None:
        return {"integers": [str(w) for w in weights.integers]}
    return {"points": hexadecimal(weights.points or [])}


def best(suite: Suite, problem: Problem, objective: Objective, digits: Digits, public: bool) -> Json:
    """An optimum; with B2² = 0 in the objective, exactly Σ E² is taken for it."""
    statement = state(suite, problem, objective, digits, public)
    prover = prover_of(suite, problem, statement)
    optimum.verify(prover, CONTEXT, statement)
    objective = statement.objective
    fields = {
        "context": context_json(CONTEXT),
        "size": size_json(statement.size),
        "loss": "squared hinge" if objective.hinge else "ridge",
        "objective": {
            "scale": objective.s,
            "regularisation": objective.regularisation,
            "max_residual_squared": str(objective.max_residual_squared),
        },
        "digits": digits_json(statement.digits),
        "records": hexadecimal(statement.records),
        "weights": weights_json(statement.weights),
    }
    return vector("optimum", suite, fields, prover.proof())


def counted(suite: Suite, problem: Problem, s: int, T: int, digits: Digits, public: bool) -> Json:
    """An accuracy."""
    statement = accuracy_witness.state(suite, problem, s, T, digits, public)
    prover = accuracy_witness.prover_of(suite, problem, statement)
    accuracy.verify(prover, CONTEXT, statement)
    fields = {
        "context": context_json(CONTEXT),
        "size": size_json(statement.size),
        "scale": statement.s,
        "correct": statement.correct,
        "digits": digits_json(statement.digits),
        "records": hexadecimal(statement.records),
        "weights": weights_json(statement.weights),
    }
    return vector("accuracy", suite, fields, prover.proof())


def receipts(suite: Suite, head: Head, inputs: list[list[int]], s: int) -> Json:
    """The head's own answers."""
    statement = answered(suite, head, inputs, s)
    prover = prover_of_head(suite, head, statement)
    receipt.verify(prover, CONTEXT, statement)
    fields = {
        "context": context_json(CONTEXT),
        "features": statement.p,
        "classes": statement.c,
        "scale": statement.s,
        "answers": [{"input": list(answer.x), "class": answer.y} for answer in statement.answers],
        "points": hexadecimal(statement.points),
    }
    return vector("receipt", suite, fields, prover.proof())


def masked(suite: Suite, q: int, d: int, columns: int, signs: list[int]) -> Json:
    """A member's upload, with a neighbour for each sign."""
    statement, secret = masking_witness.made_up(suite, CONTEXT, q, Shape(d, columns), signs)
    prover = masking_witness.prover_of(suite, CONTEXT, statement, secret)
    consistent_masking.verify(prover, CONTEXT, statement)
    pairs = [{"negative": pair.negative, "points": hexadecimal(pair.points)} for pair in statement.pairs]
    fields = {
        "context": context_json(CONTEXT),
        "accepted": statement.accepted.hex(),
        "shape": shape_json(statement.shape),
        "masks": {"modulus": statement.q, "carry_bits": statement.carry_bits},
        "points": hexadecimal(statement.points),
        "blinds": b"".join(map(scalar_bytes, statement.blinds)).hex(),
        "pairs": pairs,
        "values": list(statement.values),
    }
    return vector("consistent masking", suite, fields, prover.proof())


def all_vectors() -> dict[str, Json]:
    """By file name."""
    found: dict[str, Json] = {}
    for suite, name in ((PALLAS, "pallas"), (BN254, "bn254")):
        x = [3, -3, 2, 0, -1, 1]
        found[f"opening_padded_{name}"] = opening(suite, x, 4)
        found[f"opening_full_{name}"] = opening(suite, [*x, 7, -8], 4)
        found[f"bounded_{name}"] = bounded(suite, x, 4, Bounds(3, 30, 0))
        found[f"bounded_full_{name}"] = bounded(suite, [*x, 0, 0], 4, Bounds(3, 24, 0))
        found[f"bounded_limbs_{name}"] = bounded(suite, x, 4, Bounds(3, 30, 2))
        found[f"bounded_three_rows_{name}"] = bounded(suite, [*x, 20, -20, 5], 4, Bounds(20, 2000, 5))
        found[f"bounded_one_{name}"] = bounded(suite, [1], 2, Bounds(1, 1, 0))
        found[f"bounded_table_of_zero_{name}"] = bounded(suite, [2, -2, 1], 2, Bounds(2, 10, 2))
        found[f"bounded_two_blocks_{name}"] = bounded(suite, x, 4, Bounds(3, 2**119, 0))
        found[f"bounded_three_blocks_{name}"] = bounded(suite, x, 4, Bounds(2000, 2**119, 32))
        found[f"bounded_long_rows_{name}"] = bounded(suite, x * 50, 256, Bounds(3, 2000, 0))
        both = aggregates(suite, [x, x[::-1], [1] * 6], [3, 1, 1000], 4)
        found[f"sum_{name}"], found[f"sum_opening_{name}"] = both
        small, wide, long = made_up(6, 3, 3), made_up(5, 7, 4), made_up(9, 2, 2)
        ridge, hinge = Objective(False, 0, 100, 0), Objective(True, 0, 100, 0)
        found[f"optimum_ridge_public_{name}"] = best(suite, small, ridge, Digits(0, 0, 0), True)
        found[f"optimum_ridge_committed_{name}"] = best(suite, small, ridge, Digits(7, 0, 2), False)
        found[f"optimum_hinge_public_{name}"] = best(suite, small, hinge, Digits(7, 3, 0), True)
        found[f"optimum_hinge_committed_{name}"] = best(suite, small, hinge, Digits(7, 3, 2), False)
        loose = Objective(True, 3, 2**40, 2**119)
        found[f"optimum_one_digit_{name}"] = best(suite, wide, loose, Digits(600, 1, 1), False)
        found[f"optimum_three_rows_{name}"] = best(suite, long, hinge, Digits(3, 4, 2), False)
        few, one, many = (accuracy_witness.made_up(*size) for size in ((6, 3, 3), (1, 2, 2), (17, 3, 5)))
        three = Digits(7, 3, 0)
        found[f"accuracy_public_{name}"] = counted(suite, few, 0, 4, three, True)
        found[f"accuracy_committed_{name}"] = counted(
            suite, few, 2, 3, three, False
        )  # one less than there are
        found[f"accuracy_one_record_{name}"] = counted(suite, one, 32, 1, Digits(1, 8, 0), True)
        found[f"accuracy_three_rows_{name}"] = counted(suite, many, 0, 11, Digits(600, 1, 0), False)
        head, inputs = made_up_head(3, 3, 2)
        found[f"receipt_{name}"] = receipts(suite, head, [*inputs, inputs[0]], 0)  # one of them twice
    found["masking_pallas"] = masked(PALLAS, 2**40 - 87, 11, 4, [-1, 1])
    found["masking_bn254"] = masked(BN254, 2**32 - 5, 5, 2, [1])
    found["receipt_groups_pallas"] = receipts(PALLAS, *made_up_head(5, 4, 2), 32)  # two messages for each
    return {f"good_reference_{name}.json": vector for name, vector in found.items()}


def main(arguments: list[str]) -> int:
    """Writes all vectors to a folder."""
    if len(arguments) != 1:
        print("usage: python -m tests.reference.make_vectors FOLDER")
        return 2
    for name, content in all_vectors().items():
        Path(arguments[0], name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
