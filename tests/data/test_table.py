"""Tables as people have them, and the integers that they become."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from fedproof.data.quantise import LIMIT, Quantisation
from fedproof.data.records import check_rows, classes_of, largest_norm, make_rows
from fedproof.data.table import Table, read_inputs, read_table
from fedproof.errors import Malformed, Refused, UsageError
from tests.data.world import table

CSV = "age,size,kind\n31,1.5,01\n40,-2e0,02\n"


def test_three_spellings_of_one_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(CSV)
    columns = {"age": [31, 40], "size": [1.5, -2.0], "kind": ["01", "02"]}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    X = np.array([[31, 1.5], [40, -2.0]])
    np.savez(tmp_path / "t.npz", X=X, y=np.array(["01", "02"]), features=np.array(["age", "size"]))
    tables = [read_table(tmp_path / f"t.{kind}", "kind") for kind in ("csv", "parquet", "npz")]
    for found in tables:
        assert found.features == ("age", "size")
        assert found.labels == ("01", "02")
        assert (found.values == X).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age,kind\n,a\n2,b\n", "column age has no finite number in record 0"),
        ("age,kind\n1,a\ninf,b\n", "column age has no finite number in record 1"),
        ("age,kind\n1,a\n2,\n", "record 1 has no label"),
        ("age,kind\nold,a\nnew,b\n", "column age holds string, not numbers"),
        ("age,sort\n1,a\n2,b\n", "no column kind for the labels; there are age, sort"),
        ("age,age,kind\n1,2,a\n2,3,b\n", "column age is there twice"),
        ("kind\na\nb\n", "0 features"),
        ("age,kind\n", "0 records"),
        ("age,kind\n1,a,7\n", "not a CSV file"),
        ("", "not a CSV file"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(Malformed, match=r"t\.csv") as error:
        read_table(tmp_path / "t.csv", "kind")
    assert said in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    for name in ("t.npz", "t.parquet"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(Malformed, match=name):
            read_table(tmp_path / name, "y")
    np.savez(tmp_path / "t.npz", X=np.zeros((2, 2)))
    with pytest.raises(Malformed, match="no array y"):
        read_table(tmp_path / "t.npz", "y")
    np.savez(tmp_path / "t.npz", y=np.zeros(2))
    with pytest.raises(Malformed, match="no array X"):
        read_inputs(tmp_path / "t.npz", ("age",))
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=np.array([0.5, 1]))
    with pytest.raises(Malformed, match=r"0\.5 is no label"):
        read_table(tmp_path / "t.npz", "y")
    (tmp_path / "t.xls").write_bytes(b"")
    with pytest.raises(UsageError, match=r"\.csv, \.parquet or \.npz"):
        read_table(tmp_path / "t.xls", "y")


def test_whole_numbers_are_labels(tmp_path: Path) -> None:
    for y in (np.array([0, 1]), np.array([0.0, 1.0]), np.array([b"0", b"1"])):
        np.savez(tmp_path / "t.npz", X=np.eye(2), y=y)
        assert read_table(tmp_path / "t.npz", "").labels == ("0", "1")


def test_columns_that_cannot_be_quantised() -> None:
    with pytest.raises(Malformed, match="column b is constant"):
        Quantisation.fit(Table(("a", "b"), np.array([[1.0, 2], [2, 2]]), ("x", "y")))
    with pytest.raises(Malformed, match="column a has values too large"):
        Quantisation.fit(Table(("a",), np.array([[1e300], [-1e300]]), ("x", "y")))
    with pytest.raises(Malformed, match="all records have one label"):
        classes_of(("x", "x"))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.floats(-10, 10), st.floats(0.01, 100))
def test_numbers_are_within_the_limit_and_half_a_step(
    values: list[float], centre: float, spread: float
) -> None:
    column = np.array(values)[:, None]
    found = Quantisation(np.array([centre]), np.array([spread])).apply(column).astype(np.float64)
    exact = (column - centre) / spread * 32
    assert (np.abs(found) <= LIMIT).all()
    assert (np.abs(found - np.clip(exact, -LIMIT, LIMIT)) <= 0.5).all()


def test_quantisation_comes_back_from_bytes() -> None:
    made = Quantisation.fit(table())
    assert Quantisation.from_bytes(*made.to_bytes(), 3).to_bytes() == made.to_bytes()
    centre, spread = made.to_bytes()
    for wrong in (
        (centre[:-1], spread),
        (centre, b"\0" * 24),
        (centre, b"\x7f\xf0" + spread[2:]),
        (centre, b"\xbf" + spread[1:]),
    ):
        with pytest.raises(Malformed):
            Quantisation.from_bytes(*wrong, 3)


def test_rows_hold_features_bias_and_label() -> None:
    t = table()
    rows = make_rows(t, Quantisation.fit(t), ("sick", "well"))
    assert rows.shape == (12, 6)
    assert rows[0, 3:].tolist() == [32, 0, 1]
    assert rows[1, 3:].tolist() == [32, 1, 0]
    assert (
        check_rows(rows, 3) == largest_norm(rows[:, :4]) == (rows[:, :4].astype(int) ** 2).sum(axis=1).max()
    )
    with pytest.raises(Malformed, match="record 0 has the label 'well'"):
        make_rows(t, Quantisation.fit(t), ("healthy", "sick"))


@pytest.mark.parametrize(("column", "value"), [(0, -128), (3, 31), (4, 1), (4, 2), (5, 0), (5, -1)])
def test_rows_that_are_none(column: int, value: int) -> None:
    t = table()
    rows = make_rows(t, Quantisation.fit(t), ("sick", "well"))
    rows[0, column] = value
    with pytest.raises(Refused, match="its rows are not features"):
        check_rows(rows, 3)
