"""Writes vectors/v1: python -m tests.vectors.make. Good ones by the engine's own prover; bad ones, each wrong in one way.

The files are committed; a new run draws new blinds and so writes other, equally good ones.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from fedproof import _core
from tests.vectors import accuracy, masking, optimum, receipt
from tests.vectors.vectors import FOLDER, Json, check, expected

PALLAS, BN254 = "pallas-keccak-ed25519-v1", "bn254-keccak-ed25519-v1"
ORDER = {
    PALLAS: 0x40000000000000000000000000000000224698FC0994A8DD8C46EB2100000001,
    BN254: 21888242871839275222246405745257275088548364400416034343698204186575808495617,
}
FIELD = {
    PALLAS: 0x40000000000000000000000000000000224698FC094CF91B992D30ED00000001,
    BN254: 21888242871839275222246405745257275088696311157297823662689037894645226208583,
}
CONTEXT = {"announcement": bytes(range(32)).hex(), "client": "hospital-1", "weight": 7, "certificate": None}


def context_parts(context: Json) -> tuple[bytes, str, int, bytes | None]:
    certificate = context["certificate"]
    certified = None if certificate is None else bytes.fromhex(certificate)
    return bytes.fromhex(context["announcement"]), context["client"], context["weight"], certified


def vector(
    relation: str, suite: str, statement: Json, proof: bytes, about: str, expect: Any = "accept"
) -> Json:
    return {
        "relation": relation,
        "suite": suite,
        "statement": statement,
        "proof": proof.hex(),
        "expect": expect,
        "about": about,
    }


def numbers(d: int, bound: int) -> np.ndarray:
    return np.random.default_rng(d).integers(-bound, bound + 1, size=d, dtype=np.int64)


def bounded(
    suite: str,
    x: np.ndarray,
    columns: int,
    bounds: tuple[int, int, int],
    about: str,
    *,
    d: int | None = None,
    checked: bool = True,
    context: Json = CONTEXT,
) -> Json:
    """d: what the statement says, if it lies."""
    points, blinds = _core.commit(suite, x, columns, 64)
    shape = d or len(x), columns
    proof, _ = _core.prove_bounded_update(
        suite, context_parts(context), shape, bounds, points, x, 64, blinds, checked
    )
    statement = {
        "context": context,
        "shape": {"d": shape[0], "columns": columns},
        "bounds": {"max_abs": bounds[0], "max_norm_squared": str(bounds[1]), "limb": bounds[2]},
        "points": points.hex(),
    }
    return vector("bounded update", suite, statement, proof, about)


def opening(suite: str, x: np.ndarray, columns: int, about: str, *, d: int | None = None) -> Json:
    points, blinds = _core.commit(suite, x, columns, 64)
    shape = d or len(x), columns
    proof = _core.prove_plain_opening(suite, context_parts(CONTEXT), shape, points, x, 64, blinds, False)
    statement = {"context": CONTEXT, "shape": {"d": shape[0], "columns": columns}, "points": points.hex()}
    return vector("plain opening", suite, statement, proof, about)


def aggregate(suite: str, weights: list[int], about: str) -> tuple[Json, Json]:
    """The opening proof of a sum, and the sum itself."""
    d, columns = 6, 4
    parts = [
        (w, k * numbers(d, 50), *_core.commit(suite, k * numbers(d, 50), columns, 64))
        for k, w in enumerate(weights, 1)
    ]
    total = np.sum([w * x for w, x, _, _ in parts], axis=0)
    blinds = _core.combine_blinds(suite, [b for _, _, _, b in parts], weights)
    terms = [(w, points) for w, _, points, _ in parts]
    context = bytes.fromhex(CONTEXT["announcement"]), "aggregator", sum(weights), None
    proof = _core.prove_honest_aggregate(suite, context, (d, columns), terms, total, 64, blinds, True)
    shape = {"d": d, "columns": columns}
    listed = [{"weight": w, "points": points.hex()} for w, points in terms]
    opened = {"context": {"announcement": CONTEXT["announcement"]}, "shape": shape, "terms": listed}
    summed = {"shape": shape, "terms": listed, "values": [str(v) for v in total], "blinds": blinds.hex()}
    return (
        vector("honest aggregate", suite, opened, proof, f"opening proof of {about}"),
        vector("honest aggregate sum", suite, summed, b"", about),
    )


def good() -> dict[str, Json]:
    out: dict[str, Json] = {}
    for suite, name in ((PALLAS, "pallas"), (BN254, "bn254")):
        x = numbers(6, 3)
        out[f"bounded_{name}"] = bounded(suite, x, 4, (3, 30, 0), "padded last row, one table")
        out[f"bounded_limbs_{name}"] = bounded(suite, numbers(21, 100), 8, (100, 10**6, 16), "two limbs")
        out[f"opening_{name}"] = opening(suite, numbers(6, 1000), 4, "padded last row")
        out[f"aggregate_{name}"], out[f"sum_{name}"] = aggregate(suite, [1, 2, 3], "three clients")
    norm = int((numbers(8, 3) ** 2).sum())
    out["bounded_exact_norm"] = bounded(
        PALLAS, numbers(8, 3), 4, (3, norm, 0), "norm exactly at its bound, full rows"
    )
    extremes = np.array([3, -3, 3, -3, 0, 0, 3], dtype=np.int64)
    out["bounded_extremes"] = bounded(PALLAS, extremes, 4, (3, 100, 2), "values at both bounds, limbs")
    out["bounded_one"] = bounded(
        PALLAS, np.array([1], dtype=np.int64), 2, (1, 1, 0), "one coordinate, one row"
    )
    out["bounded_limb_is_bound"] = bounded(PALLAS, numbers(9, 5), 2, (5, 1000, 5), "m = B")
    out["bounded_certificate"] = bounded(
        PALLAS,
        numbers(6, 3),
        4,
        (3, 30, 0),
        "with a certificate's digest",
        context={**CONTEXT, "certificate": bytes(range(32)).hex()},
    )
    out["opening_three_rows"] = opening(PALLAS, numbers(12, 9), 4, "three full rows")
    identity = opening(
        PALLAS, np.zeros(4, dtype=np.int64), 4, "the commitment to zero with blind zero is the identity"
    )
    points = bytes(32)
    proof = _core.prove_plain_opening(
        PALLAS, context_parts(CONTEXT), (4, 4), points, np.zeros(4, dtype=np.int64), 16, bytes(32), True
    )
    identity["statement"]["points"], identity["proof"] = points.hex(), proof.hex()
    out["opening_identity"] = identity
    heads = optimum.good(PALLAS, BN254, context_parts(CONTEXT), CONTEXT)
    tested = accuracy.good(PALLAS, BN254, context_parts(CONTEXT), CONTEXT)
    masked = masking.good(PALLAS, BN254, context_parts(CONTEXT), CONTEXT)
    return out | heads | tested | masked | receipt.good(PALLAS, BN254, context_parts(CONTEXT), CONTEXT)


Change = Callable[[Json], None]


def changed(base: Json, about: str, stage: str, change: Change) -> Json:
    out = copy.deepcopy(base)
    out["about"], out["expect"] = about, {"stage": stage}
    change(out)
    return out


def put(*path: str | int, value: Any) -> Change:
    def change(v: Json) -> None:
        at: Any = v
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value(at[path[-1]]) if callable(value) else value

    return change


def on_proof(edit: Callable[[bytearray], bytes | bytearray]) -> Change:
    def change(v: Json) -> None:
        v["proof"] = bytes(edit(bytearray.fromhex(v["proof"]))).hex()

    return change


def at(position: int, data: bytes) -> Callable[[bytearray], bytearray]:
    def edit(proof: bytearray) -> bytearray:
        start = position if position >= 0 else len(proof) + position
        proof[start : start + len(data)] = data
        return proof

    return edit


def off_curve(suite: str) -> bytes:
    """An x below the modulus without a point."""
    constant = 5 if suite == PALLAS else 3
    p = FIELD[suite]
    x = next(x for x in range(1, 100) if pow(x**3 + constant, (p - 1) // 2, p) == p - 1)
    return x.to_bytes(32, "big")


def bad(base: dict[str, Json]) -> dict[str, Json]:
    out: dict[str, Json] = {}
    for name, suite in (("pallas", PALLAS), ("bn254", BN254)):
        b = base[f"bounded_{name}"]
        out[f"point_off_curve_{name}"] = changed(
            b, "a proof point off the curve", "decoding", on_proof(at(8, off_curve(suite)))
        )
        big_x = FIELD[suite].to_bytes(32, "big")
        out[f"point_not_canonical_{name}"] = changed(
            b, "x = p in a proof point", "decoding", on_proof(at(8, big_x))
        )
        big = ORDER[suite].to_bytes(32, "big")
        out[f"scalar_not_canonical_{name}"] = changed(
            b, "a scalar equal to r", "decoding", on_proof(at(-32, big))
        )
        out[f"row_off_curve_{name}"] = changed(
            b,
            "a row off the curve",
            "decoding",
            put("statement", "points", value=lambda p, s=suite: off_curve(s).hex() + p[64:]),
        )
    b, limbs, o = base["bounded_pallas"], base["bounded_limbs_pallas"], base["opening_pallas"]
    exact, agg, total = base["bounded_exact_norm"], base["aggregate_pallas"], base["sum_pallas"]
    # bytes
    out["proof_empty"] = changed(b, "no bytes", "decoding", put("proof", value=""))
    out["proof_truncated"] = changed(b, "last byte missing", "decoding", on_proof(lambda p: p[:-1]))
    out["proof_extended"] = changed(b, "one byte more", "decoding", on_proof(lambda p: p + b"\0"))
    out["proof_huge_count"] = changed(
        b, "2^32 - 1 points announced", "decoding", on_proof(at(0, b"\xff\xff\xff\xff"))
    )
    count = int.from_bytes(bytes.fromhex(b["proof"])[:4], "big")
    more = lambda p: (count + 1).to_bytes(4, "big") + bytes(p[4:8]) + bytes(p[8:40]) + bytes(p[8:])  # noqa: E731
    out["proof_point_too_many"] = changed(
        b, "one point more than the relation reads", "shape", on_proof(more)
    )
    fewer = lambda p: (count - 1).to_bytes(4, "big") + bytes(p[4:8]) + bytes(p[40:])  # noqa: E731
    out["proof_point_too_few"] = changed(
        b, "one point less than the relation reads", "shape", on_proof(fewer)
    )
    out["proof_scalar_changed"] = changed(
        b, "an answer plus one", "argument", on_proof(lambda p: at(len(p) - 1, bytes([p[-1] ^ 1]))(p))
    )
    out["proof_point_identity"] = changed(
        b, "a message replaced by the identity", "argument", on_proof(at(8 + 5 * 32, bytes(32)))
    )
    out["points_swapped"] = changed(
        b,
        "two proof points swapped",
        "argument",
        on_proof(lambda p: at(8, bytes(p[40:72]) + bytes(p[8:40]))(p)),
    )
    # every public field
    for relation, v in (("bounded", b), ("opening", o)):
        for field, value in (
            ("announcement", flip),
            ("client", "hospital-2"),
            ("weight", 8),
            ("certificate", bytes(32).hex()),
        ):
            out[f"{relation}_other_{field}"] = changed(
                v, f"another {field}", "argument", put("statement", "context", field, value=value)
            )
        out[f"{relation}_smaller_d"] = changed(
            v, "d smaller by one", "argument", put("statement", "shape", "d", value=5)
        )
        out[f"{relation}_rows_swapped"] = changed(
            v,
            "the rows in another order",
            "argument",
            put("statement", "points", value=lambda p: p[64:128] + p[:64] + p[128:]),
        )
        out[f"{relation}_row_missing"] = changed(
            v, "a row missing", "shape", put("statement", "points", value=lambda p: p[:64])
        )
        out[f"{relation}_row_more"] = changed(
            v, "a row too many", "shape", put("statement", "points", value=lambda p: p + p[:64])
        )
        out[f"{relation}_columns_not_a_power"] = changed(
            v, "rows of 3", "statement", put("statement", "shape", "columns", value=3)
        )
        out[f"{relation}_no_coordinates"] = changed(
            v, "d = 0", "statement", put("statement", "shape", "d", value=0)
        )
        out[f"{relation}_other_suite"] = changed(
            v, "a proof over one curve read as one over the other", "decoding", put("suite", value=BN254)
        )
    for field, value in (
        ("max_abs", 4),
        ("max_abs", 2),
        ("max_norm_squared", "29"),
        ("max_norm_squared", "31"),
    ):
        # With B = 4 the table is one layer deeper, and the proof too short.
        stage = "shape" if value == 4 else "argument"
        out[f"bounded_other_{field}_{value}"] = changed(
            b, "a bound that the prover did not prove", stage, put("statement", "bounds", field, value=value)
        )
    out["bounded_limb_dropped"] = changed(
        limbs, "one table instead of two", "shape", put("statement", "bounds", "limb", value=0)
    )
    out["bounded_bound_zero"] = changed(
        b, "B = 0", "statement", put("statement", "bounds", "max_abs", value=0)
    )
    out["bounded_bound_huge"] = changed(
        b, "B = 2^62: the claim would wrap", "statement", put("statement", "bounds", "max_abs", value=1 << 62)
    )
    out["bounded_norm_zero"] = changed(
        b, "B2² = 0", "statement", put("statement", "bounds", "max_norm_squared", value="0")
    )
    out["bounded_norm_huge"] = changed(
        b, "B2² of 121 bits", "statement", put("statement", "bounds", "max_norm_squared", value=str(1 << 120))
    )
    out["bounded_limb_above_bound"] = changed(
        limbs, "m > B", "statement", put("statement", "bounds", "limb", value=101)
    )
    # false statements by a prover that does not look
    lie = {"stage": "argument"}
    for name, x, bounds, d in (
        ("value_above", [3, -3, 0, 1, 2, 4], (3, 100, 0), None),
        ("value_below", [3, -3, 0, 1, 2, -4], (3, 100, 0), None),
        ("value_far_out", [3, -3, 0, 1, 2, 1 << 40], (3, 1 << 81, 0), None),
        ("value_above_limbs", [100, -101, 0, 1, 2, 4], (100, 10**6, 16), None),
        ("norm_one_above", [3, -3, 0, 1, 2, 3], (3, 31, 0), None),
        ("padding_not_zero", [3, -3, 0, 1, 2, 3, 1], (3, 100, 0), 6),
    ):
        v = bounded(
            PALLAS,
            np.array(x, dtype=np.int64),
            4,
            bounds,
            f"false: {name.replace('_', ' ')}",
            d=d,
            checked=False,
        )
        out[f"bounded_{name}"] = {**v, "expect": lie}
    v = opening(PALLAS, numbers(7, 9), 4, "false: a value beyond d", d=6)
    out["opening_padding_not_zero"] = {**v, "expect": lie}
    out["bounded_proof_of_another_update"] = changed(
        exact,
        "an honest proof of another commitment",
        "argument",
        put(
            "proof",
            value=bounded(
                PALLAS, numbers(8, 2), 4, (3, int(exact["statement"]["bounds"]["max_norm_squared"]), 0), ""
            )["proof"],
        ),
    )
    # sums
    out["aggregate_other_weight"] = changed(
        agg, "a weight changed", "argument", put("statement", "terms", 0, "weight", value=2)
    )
    out["aggregate_terms_swapped"] = changed(
        agg, "terms in another order", "argument", put("statement", "terms", value=lambda t: t[::-1])
    )
    out["aggregate_term_missing"] = changed(
        agg, "a term left out", "argument", put("statement", "terms", value=lambda t: t[:-1])
    )
    out["aggregate_term_twice"] = changed(
        agg, "a term twice", "argument", put("statement", "terms", value=lambda t: [*t, t[0]])
    )
    out["aggregate_other_announcement"] = changed(
        agg, "another session", "argument", put("statement", "context", "announcement", value=flip)
    )
    for relation, v in (("aggregate", agg), ("sum", total)):
        out[f"{relation}_weight_zero"] = changed(
            v, "a weight of zero", "statement", put("statement", "terms", 0, "weight", value=0)
        )
        out[f"{relation}_no_terms"] = changed(
            v, "nothing to add", "shape", put("statement", "terms", value=[])
        )
        out[f"{relation}_rows_differ"] = changed(
            v,
            "a commitment with a row too many",
            "shape",
            put("statement", "terms", 1, "points", value=lambda p: p + p[:64]),
        )
    out["sum_off_by_one"] = changed(
        total,
        "one coordinate plus one",
        "argument",
        put("statement", "values", 2, value=lambda t: str(int(t) + 1)),
    )
    out["sum_other_blind"] = changed(
        total,
        "another blind",
        "argument",
        put("statement", "blinds", value=lambda h: h[:-1] + ("1" if h[-1] == "0" else "0")),
    )
    out["sum_other_weight"] = changed(
        total, "a weight changed", "argument", put("statement", "terms", 0, "weight", value=2)
    )
    out["sum_value_missing"] = changed(
        total, "a coordinate missing", "shape", put("statement", "values", value=lambda t: t[:-1])
    )
    return out | bad_optimum(base) | bad_accuracy(base) | bad_masking(base) | bad_receipt(base)


def flip(digits: str) -> str:
    """Another first digit."""
    return ("1" if digits[0] == "0" else "0") + digits[1:]


def swapped(points: str) -> str:
    """The first two points, the other way round."""
    return points[64:128] + points[:64] + points[128:]


def more(number: str) -> str:
    """One more."""
    return str(int(number) + 1)


def of_a_head(hidden: Json, public: Json) -> list[tuple[str, Json, str, tuple[Any, ...], Any]]:
    """What R5's statement and R6's have alike: name, vector, stage, field, its value. hidden, public: with committed and with public W."""
    return [
        ("other_announcement", hidden, "argument", ("context", "announcement"), flip),
        ("other_client", hidden, "argument", ("context", "client"), "hospital-2"),
        ("other_weight", hidden, "argument", ("context", "weight"), 8),
        ("other_certificate", hidden, "argument", ("context", "certificate"), bytes(32).hex()),
        ("other_digits", hidden, "argument", ("digits", "bound"), 30),
        ("record_missing", hidden, "shape", ("records",), lambda p: p[:-64]),
        ("record_omitted", hidden, "shape", ("size", "records"), 8),
        ("records_swapped", hidden, "argument", ("records",), swapped),
        ("classes_swapped", hidden, "argument", ("weights", "points"), swapped),
        ("class_missing", hidden, "shape", ("weights", "points"), lambda p: p[:64]),
        ("more_features", hidden, "argument", ("size", "features"), 4),
        ("no_records", hidden, "statement", ("size", "records"), 0),
        ("one_class", hidden, "statement", ("size", "classes"), 1),
        ("digits_that_wrap", hidden, "statement", ("digits", "bound"), 1 << 16),
        ("public_weight_changed", public, "argument", ("weights", "integers", 0), more),
        ("public_weight_out_of_range", public, "statement", ("weights", "integers", 0), "257"),
        ("public_weight_missing", public, "shape", ("weights", "integers"), lambda w: w[:-1]),
    ]


def bad_optimum(base: dict[str, Json]) -> dict[str, Json]:
    """Every public field of a head's statement, and false statements."""
    hinge, ridge = base["optimum_squared_hinge_committed_pallas"], base["optimum_ridge_public_pallas"]
    out = {}
    for name, v, stage, path, value in (
        *of_a_head(hinge, ridge),
        ("other_loss", hinge, "statement", ("loss",), "ridge"),
        ("other_scale", hinge, "argument", ("objective", "scale"), 4),
        ("other_regularisation", hinge, "argument", ("objective", "regularisation"), 5001),
        ("other_bound", hinge, "argument", ("objective", "max_residual_squared"), more),
        ("scale_33", ridge, "statement", ("objective", "scale"), 33),
        ("no_regularisation", ridge, "statement", ("objective", "regularisation"), 0),
        ("bound_zero", ridge, "statement", ("objective", "max_residual_squared"), "0"),
        ("bound_huge", ridge, "statement", ("objective", "max_residual_squared"), str(1 << 120)),
        ("digits_where_none_are", ridge, "statement", ("digits", "bound"), 31),
    ):
        about = name.replace("_", " ")
        out[f"optimum_{name}"] = changed(v, about, stage, put("statement", *path, value=value))
    other = optimum.optimum(PALLAS, context_parts(CONTEXT), CONTEXT, "", loss="ridge", committed=False)
    out["optimum_proof_of_other_commitments"] = changed(
        ridge, "an honest proof of other commitments", "argument", put("proof", value=other["proof"])
    )
    return out | optimum.false(PALLAS, context_parts(CONTEXT), CONTEXT)


def bad_accuracy(base: dict[str, Json]) -> dict[str, Json]:
    """Every public field of an accuracy's statement, and false statements."""
    hidden, public = base["accuracy_committed_pallas"], base["accuracy_public_pallas"]
    fewer = base["accuracy_less_than_is_true"]
    out = {}
    for name, v, stage, path, value in (
        *of_a_head(hidden, public),
        ("other_scale", hidden, "argument", ("scale",), 4),
        ("other_claim", fewer, "argument", ("correct",), lambda t: t + 1),
        ("smaller_claim", fewer, "argument", ("correct",), lambda t: t - 1),
        ("none_correct", hidden, "statement", ("correct",), 0),
        ("more_than_there_are", hidden, "statement", ("correct",), 10),
        ("scale_33", public, "statement", ("scale",), 33),
        ("no_digits", hidden, "statement", ("digits", "margins"), 0),
        ("digits_of_weights", hidden, "statement", ("digits", "weights"), 1),
    ):
        about = name.replace("_", " ")
        out[f"accuracy_{name}"] = changed(v, about, stage, put("statement", *path, value=value))
    other = accuracy.accuracy(PALLAS, context_parts(CONTEXT), CONTEXT, "", committed=False)
    out["accuracy_proof_of_other_commitments"] = changed(
        public, "an honest proof of other commitments", "argument", put("proof", value=other["proof"])
    )
    return out | accuracy.false(PALLAS, context_parts(CONTEXT), CONTEXT)


OTHER_CONTEXTS = (
    ("other_announcement", "argument", ("context", "announcement"), flip),
    ("other_client", "argument", ("context", "client"), "hospital-2"),
    ("other_weight", "argument", ("context", "weight"), 8),
    ("other_certificate", "argument", ("context", "certificate"), bytes(32).hex()),
)


def each_changed(
    prefix: str, base: Json, changes: tuple[tuple[str, str, tuple[Any, ...], Any], ...]
) -> dict[str, Json]:
    """changes: name, stage, field, its value."""
    return {
        f"{prefix}_{name}": changed(base, name.replace("_", " "), stage, put("statement", *path, value=value))
        for name, stage, path, value in changes
    }


def bad_masking(base: dict[str, Json]) -> dict[str, Json]:
    """Every public field of a masked upload's statement, and false statements."""
    b = base["masking_pallas"]
    changes = (
        *OTHER_CONTEXTS,
        ("other_set", "argument", ("accepted",), flip),
        ("smaller_d", "argument", ("shape", "d"), 20),
        ("other_modulus", "argument", ("masks", "modulus"), (1 << 40) - 87),
        ("more_carry_bits", "argument", ("masks", "carry_bits"), 61),
        ("rows_swapped", "argument", ("points",), swapped),
        ("blinds_swapped", "argument", ("blinds",), swapped),
        ("other_sign", "argument", ("pairs", 0, "negative"), True),
        ("pairs_swapped", "argument", ("pairs",), lambda p: p[::-1]),
        ("repetitions_swapped", "argument", ("pairs", 1, "points"), swapped),
        ("pair_missing", "argument", ("pairs",), lambda p: p[:-1]),
        ("other_value", "argument", ("values", 2), lambda v: v - 1 if v else 1),
        ("row_missing", "shape", ("points",), lambda p: p[:-64]),
        ("blind_missing", "shape", ("blinds",), lambda p: p[:-64]),
        ("point_missing", "shape", ("pairs", 2, "points"), lambda p: p[:-64]),
        ("value_missing", "shape", ("values",), lambda v: v[:-1]),
        ("value_out_of_range", "statement", ("values", 0), (1 << 32) - 5),
        ("no_modulus", "statement", ("masks", "modulus"), (1 << 32) - 17),
        ("no_carry_bits", "statement", ("masks", "carry_bits"), 0),
        ("too_many_carry_bits", "statement", ("masks", "carry_bits"), 127),
        ("columns_not_a_power", "statement", ("shape", "columns"), 7),
        ("blind_not_canonical", "decoding", ("blinds",), lambda p: f"{ORDER[PALLAS]:064x}" + p[64:]),
    )
    return each_changed("masking", b, changes) | masking.false(PALLAS, context_parts(CONTEXT), CONTEXT)


def bad_receipt(base: dict[str, Json]) -> dict[str, Json]:
    """Every public field of a receipt's statement, and false statements."""
    b = base["receipt_pallas"]
    changes = (
        *OTHER_CONTEXTS,
        ("other_input", "argument", ("answers", 0, "input", 0), lambda v: v - 1 if v > 0 else v + 1),
        ("other_class", "argument", ("answers", 0, "class"), lambda k: (k + 1) % 3),
        ("other_head", "argument", ("points",), lambda p: p[64:128] + p[:64] + p[128:]),
        ("answers_swapped", "argument", ("answers",), lambda a: a[::-1]),
        ("class_missing", "shape", ("points",), lambda p: p[:-64]),
        ("no_answers", "statement", ("answers",), []),
        ("class_out_of_range", "statement", ("answers", 0, "class"), 3),
        ("input_out_of_range", "statement", ("answers", 0, "input", 0), -128),
        ("scale_33", "statement", ("scale",), 33),
        ("one_class", "statement", ("classes",), 1),
    )
    return each_changed("receipt", b, changes) | receipt.false(PALLAS, context_parts(CONTEXT), CONTEXT)


def main() -> None:
    vectors = {f"good_{name}": v for name, v in good().items()}
    vectors |= {
        f"bad_{name}": v for name, v in bad({n.removeprefix("good_"): v for n, v in vectors.items()}).items()
    }
    for name, v in vectors.items():
        if check(v) != expected(v):
            print(f"{name}: {check(v)} instead of {expected(v)}")
        (FOLDER / f"{name}.json").write_text(json.dumps(v, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(vectors)} vectors")


if __name__ == "__main__":
    main()
