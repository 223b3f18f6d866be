"""The command that checks vectors, on vectors that an honest prover made."""

import json
from pathlib import Path
from typing import Any

import pytest

from reference.check_vectors import check_file, main
from reference.commitment import commit
from reference.group import PALLAS, encode
from reference.relations import plain_opening
from reference.statement import Context, Shape
from reference.transcript import scalar_bytes
from tests.reference.prover import Prover

VECTORS = Path(__file__).parents[2] / "vectors" / "v1"


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.name)
def test_vectors_of_the_repository(path: Path) -> None:
    passed, line = check_file(path)
    assert passed, line


def opening_vector() -> dict[str, Any]:
    shape, x, blinds = Shape(6, 4), [5, 4, 3, 2, 1, 0], [11, 12]
    context = Context(bytes(32), "Klinik Süd", 7)
    rows = commit(PALLAS, shape, x, blinds)
    prover = Prover(PALLAS, lambda _p, _l: [], (4, x, blinds))
    plain_opening.verify(prover, context, shape, rows)
    return {
        "relation": "plain opening",
        "suite": PALLAS.id,
        "statement": {
            "context": {
                "announcement": context.announcement.hex(),
                "client": context.client,
                "weight": context.weight,
                "certificate": None,
            },
            "shape": {"d": 6, "columns": 4},
            "points": b"".join(map(encode, rows)).hex(),
        },
        "proof": prover.proof().hex(),
        "expect": "accept",
    }


def sum_vector() -> dict[str, Any]:
    rows = commit(PALLAS, Shape(3, 2), [1, -2, 3], [4, 5])
    return {
        "relation": "honest aggregate sum",
        "suite": PALLAS.id,
        "statement": {
            "shape": {"d": 3, "columns": 2},
            "terms": [{"weight": 2, "points": b"".join(map(encode, rows)).hex()}],
            "values": ["2", "-4", "6"],
            "blinds": (scalar_bytes(8) + scalar_bytes(10)).hex(),
        },
        "proof": "",
        "expect": "accept",
    }


def write(folder: Path, name: str, vector: dict[str, Any]) -> None:
    (folder / name).write_text(json.dumps(vector), "utf-8")


def test_vectors_that_come_out_as_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "good_opening.json", opening_vector())
    write(tmp_path, "good_sum.json", sum_vector() | {"about": "2·(1, −2, 3)"})
    false_sum = sum_vector() | {"expect": {"stage": "argument"}}
    false_sum["statement"]["values"][1] = "-5"
    write(tmp_path, "bad_sum.json", false_sum)
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("passed  ") == 3


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bad_x.json", {"expect": {"stage": "argument"}}),
        ("good_x.json", {"expect": {"stage": "argument"}}),
        ("bad_x.json", {}),
        ("good_x.json", {"expect": {"stage": "mood"}}),
        ("good_x.json", {"proof": "00"}),
        ("good_x.json", {"relation": "plain"}),
        ("good_x.json", {"extra": 1}),
        ("good_x.json", {"suite": "none"}),
        ("good_x.json", {"statement": {}}),
    ],
)
def test_vectors_that_do_not(tmp_path: Path, name: str, change: dict[str, Any]) -> None:
    write(tmp_path, name, sum_vector() | change)
    assert main([str(tmp_path)]) == 1


def test_a_folder_without_vectors_is_no_success(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1
