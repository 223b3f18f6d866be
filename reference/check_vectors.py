"""Checks proofs against what their vectors expect: python -m reference.check_vectors vectors/v1

Each good_*.json and bad_*.json of the folder is one vector, in the format of vectors/v1/README.md. One line
is printed for each. The exit status is 0 only if there was a vector and all came out as expected.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reference.errors import Refused, demand
from reference.group import SUITES, Point, Suite, decode_all
from reference.proof import Proof
from reference.recorder import Recorder
from reference.relations import (
    accuracy,
    bounded_update,
    consistent_masking,
    head,
    honest_aggregate,
    optimum,
    plain_opening,
    receipt,
)
from reference.statement import Context, Shape

Json = dict[str, Any]
LOSSES = {"ridge": False, "squared hinge": True}
STAGES = ("decoding", "statement", "shape", "argument", "opening")


class BadVector(Exception):
    """A file that is not in the format; says nothing about a proof."""


def fields(source: Any, *names: str) -> list[Any]:
    """The values of an object that has exactly these fields."""
    if not isinstance(source, dict) or set(source) != set(names):
        raise BadVector(f"fields {', '.join(names)} expected, not {source!r:.80}")
    return [source[name] for name in names]


def integer(value: Any) -> int:
    """A JSON integer."""
    if type(value) is not int:
        raise BadVector(f"an integer expected, not {value!r:.80}")
    return value


def decimal(value: Any) -> int:
    """An integer as a decimal string."""
    if not isinstance(value, str) or not value.removeprefix("-").isdecimal() or str(int(value)) != value:
        raise BadVector(f"a decimal string expected, not {value!r:.80}")
    return int(value)


def binary(value: Any) -> bytes:
    """Bytes in lower-case hexadecimal."""
    try:
        data = bytes.fromhex(value)
    except (TypeError, ValueError) as error:
        raise BadVector(f"hexadecimal expected, not {value!r:.80}") from error
    if data.hex() != value:
        raise BadVector(f"lower-case hexadecimal expected, not {value!r:.80}")
    return data


def context_of(source: Any) -> Context:
    """The context of a client's proof."""
    announcement, client, weight, certificate = fields(
        source, "announcement", "client", "weight", "certificate"
    )
    return Context(
        binary(announcement), client, integer(weight), None if certificate is None else binary(certificate)
    )


def shape_of(source: Any) -> Shape:
    """d and the number of columns."""
    d, columns = fields(source, "d", "columns")
    return Shape(integer(d), integer(columns))


def terms_of(suite: Suite, source: Any) -> list[honest_aggregate.Term]:
    """Weights and commitments."""
    pairs = [fields(term, "weight", "points") for term in source]
    return [(integer(weight), decode_all(suite, binary(points))) for weight, points in pairs]


def scalars_of(suite: Suite, data: bytes) -> list[int]:
    """Scalars one after the other."""
    demand(len(data) % 32 == 0, "decoding", "blinds have 32 bytes each")
    scalars = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
    demand(all(scalar < suite.r for scalar in scalars), "decoding", "a blind that is not below r")
    return scalars


def pair_of(suite: Suite, source: Any) -> consistent_masking.Pair:
    """The sign of a neighbour and its points."""
    negative, points = fields(source, "negative", "points")
    if type(negative) is not bool:
        raise BadVector(f"true or false expected, not {negative!r:.80}")
    return consistent_masking.Pair(negative, decode_all(suite, binary(points)))


def size_of(source: Any) -> head.Size:
    """n, p, c."""
    return head.Size(*map(integer, fields(source, "records", "features", "classes")))


def digits_of(source: Any) -> head.Digits:
    """h, L, L_W."""
    return head.Digits(*map(integer, fields(source, "bound", "margins", "weights")))


def weights_of(suite: Suite, source: Any) -> tuple[list[int] | None, list[Point] | None]:
    """W as integers or as points; the other of the two is None."""
    if isinstance(source, dict) and "integers" in source:
        (values,) = fields(source, "integers")
        return [decimal(value) for value in values], None
    (data,) = fields(source, "points")
    return None, decode_all(suite, binary(data))


def check_plain_opening(suite: Suite, statement: Json, proof: bytes) -> None:
    """R0."""
    context, shape, points = fields(statement, "context", "shape", "points")
    parsed = shape_of(shape)
    rows = decode_all(suite, binary(points))
    recorder = Recorder(suite, Proof(suite, proof), parsed.columns)
    plain_opening.verify(recorder, context_of(context), parsed, rows)


def check_bounded_update(suite: Suite, statement: Json, proof: bytes) -> None:
    """R1."""
    context, shape, bounds, points = fields(statement, "context", "shape", "bounds", "points")
    max_abs, max_norm_squared, limb = fields(bounds, "max_abs", "max_norm_squared", "limb")
    limits = bounded_update.Bounds(integer(max_abs), decimal(max_norm_squared), integer(limb))
    parsed = shape_of(shape)
    rows = decode_all(suite, binary(points))
    recorder = Recorder(suite, Proof(suite, proof), parsed.columns)
    bounded_update.verify(recorder, context_of(context), parsed, limits, rows)


def check_aggregate(suite: Suite, statement: Json, proof: bytes) -> None:
    """R2, form B."""
    context, shape, terms = fields(statement, "context", "shape", "terms")
    (announcement,) = fields(context, "announcement")
    parsed = shape_of(shape)
    commitments = terms_of(suite, terms)
    recorder = Recorder(suite, Proof(suite, proof), parsed.columns)
    honest_aggregate.verify(recorder, binary(announcement), parsed, commitments)


def check_sum(suite: Suite, statement: Json, proof: bytes) -> None:
    """R2, form A."""
    shape, terms, values, blinds = fields(statement, "shape", "terms", "values", "blinds")
    if proof:
        raise BadVector("a sum has no proof")
    scalars = scalars_of(suite, binary(blinds))
    numbers = [decimal(value) for value in values]
    honest_aggregate.verify_sum(suite, shape_of(shape), terms_of(suite, terms), numbers, scalars)


def check_masking(suite: Suite, statement: Json, proof: bytes) -> None:
    """R4."""
    context, accepted, shape, masks, points, blinds, pairs, values = fields(
        statement, "context", "accepted", "shape", "masks", "points", "blinds", "pairs", "values"
    )
    modulus, carry_bits = fields(masks, "modulus", "carry_bits")
    parsed = consistent_masking.Statement(
        binary(accepted),
        shape_of(shape),
        integer(modulus),
        integer(carry_bits),
        decode_all(suite, binary(points)),
        scalars_of(suite, binary(blinds)),
        [pair_of(suite, pair) for pair in pairs],
        [integer(value) for value in values],
    )
    recorder = Recorder(suite, Proof(suite, proof), 2 * parsed.shape.columns)
    consistent_masking.verify(recorder, context_of(context), parsed)


def check_optimum(suite: Suite, statement: Json, proof: bytes) -> None:
    """R5."""
    context, size, loss, objective, digits, records, weights = fields(
        statement, "context", "size", "loss", "objective", "digits", "records", "weights"
    )
    if loss not in LOSSES:
        raise BadVector("no such loss")
    s, regularisation, bound = fields(objective, "scale", "regularisation", "max_residual_squared")
    parsed = optimum.Statement(
        size_of(size),
        optimum.Objective(LOSSES[loss], integer(s), integer(regularisation), decimal(bound)),
        digits_of(digits),
        decode_all(suite, binary(records)),
        *weights_of(suite, weights),
    )
    recorder = Recorder(suite, Proof(suite, proof), parsed.size.columns)
    optimum.verify(recorder, context_of(context), parsed)


def check_accuracy(suite: Suite, statement: Json, proof: bytes) -> None:
    """R6."""
    context, size, s, correct, digits, records, weights = fields(
        statement, "context", "size", "scale", "correct", "digits", "records", "weights"
    )
    parsed = accuracy.Statement(
        size_of(size),
        integer(s),
        integer(correct),
        digits_of(digits),
        decode_all(suite, binary(records)),
        *weights_of(suite, weights),
    )
    recorder = Recorder(suite, Proof(suite, proof), parsed.size.columns)
    accuracy.verify(recorder, context_of(context), parsed)


def check_receipt(suite: Suite, statement: Json, proof: bytes) -> None:
    """R9."""
    context, p, c, s, answers, points = fields(
        statement, "context", "features", "classes", "scale", "answers", "points"
    )
    pairs = [fields(answer, "input", "class") for answer in answers]
    parsed = receipt.Statement(
        integer(p),
        integer(c),
        integer(s),
        [receipt.Answer([integer(entry) for entry in x], integer(y)) for x, y in pairs],
        decode_all(suite, binary(points)),
    )
    parsed.check()
    recorder = Recorder(suite, Proof(suite, proof), parsed.columns)
    receipt.verify(recorder, context_of(context), parsed)


CHECKS: dict[str, Callable[[Suite, Json, bytes], None]] = {
    "plain opening": check_plain_opening,
    "bounded update": check_bounded_update,
    "honest aggregate": check_aggregate,
    "honest aggregate sum": check_sum,
    "consistent masking": check_masking,
    "optimum": check_optimum,
    "accuracy": check_accuracy,
    "receipt": check_receipt,
}


def outcome(vector: Any) -> str:
    """accept, or the stage of the refusal."""
    relation, suite, statement, proof, _ = fields(vector, "relation", "suite", "statement", "proof", "expect")
    if relation not in CHECKS or suite not in SUITES:
        raise BadVector("no such relation or suite")
    try:
        CHECKS[relation](SUITES[suite], statement, binary(proof))
    except Refused as refusal:
        return refusal.stage
    return "accept"


def expectation(vector: Any) -> str:
    """What the vector's `expect` says, in the words of `outcome`."""
    expect = vector.get("expect") if isinstance(vector, dict) else None
    if expect == "accept":
        return "accept"
    (stage,) = fields(expect, "stage")
    if stage not in STAGES:
        raise BadVector(f"no such stage: {stage!r:.80}")
    return str(stage)


def check_file(path: Path) -> tuple[bool, str]:
    """Whether one vector came out as expected, and the line to print."""
    started = time.monotonic()
    try:
        vector = json.loads(path.read_text("utf-8"))
        if isinstance(vector, dict):
            vector.pop("about", None)
        expected = expectation(vector)
        if (expected == "accept") != path.name.startswith("good_"):
            raise BadVector("the name says the contrary of `expect`")
        found = outcome(vector)
    except (BadVector, ValueError) as error:
        return False, f"FAILED  {path.name}: not a vector: {error}"
    seconds = time.monotonic() - started
    if found != expected:
        return False, f"FAILED  {path.name}: {expected} expected, {found} found ({seconds:.1f} s)"
    return True, f"passed  {path.name}: {found} ({seconds:.1f} s)"


def main(arguments: list[str]) -> int:
    """Checks a folder."""
    if len(arguments) != 1:
        print("usage: python -m reference.check_vectors FOLDER")
        return 2
    folder = Path(arguments[0])
    paths = sorted([*folder.glob("good_*.json"), *folder.glob("bad_*.json")])
    failed = 0
    for path in paths:
        passed, line = check_file(path)
        failed += not passed
        print(line, flush=True)
    print(f"{len(paths) - failed} of {len(paths)} vectors came out as expected")
    return 0 if paths and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
