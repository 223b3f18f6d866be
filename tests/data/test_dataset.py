"""Certificates: who signed, what was committed to, what may be used together."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedproof.data.certificate import DataCertificate, RevocationList, RevokedRecords
from fedproof.data.dataset import Holding, check_holding, open_data_set
from fedproof.data.files import peek_certificate, read_data_set, read_holding, write_data_set
from fedproof.data.records import Records
from fedproof.data.selection import Part, check_selection, disjoint, open_revocations
from fedproof.data.table import Table
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import sign
from tests.data.world import NOW, Authority, table

MINISTRY = Authority()


def test_what_was_certified_opens() -> None:
    data, holding = MINISTRY.certify(table())
    again = open_data_set(data.signed, data.records, MINISTRY.trusted)
    assert again.certificate == data.certificate
    check_holding(again, holding)
    assert (again.certificate.records, again.certificate.width) == (12, 6)


def test_only_trusted_authorities_count() -> None:
    data, _ = MINISTRY.certify(table())
    with pytest.raises(Refused, match="it names ministry, trusted here: other"):
        open_data_set(data.signed, data.records, {"other": MINISTRY.key.verify_key})
    with pytest.raises(Refused, match="signed by another key"):
        open_data_set(data.signed, data.records, {"ministry": SigningKey.generate().verify_key})


@pytest.mark.parametrize("change", ["tags", "points", "order", "less"])
def test_other_records_than_the_certified_ones(change: str) -> None:
    data, _ = MINISTRY.certify(table())
    tags, points = data.records.tags, data.records.points
    changed = {
        "tags": Records(bytes(32) + tags[32:], points),
        "points": Records(tags, points[32:64] + points[32:]),
        "order": Records(tags[32:64] + tags[:32] + tags[64:], points[32:64] + points[:32] + points[64:]),
        "less": Records(tags[32:], points[32:]),
    }[change]
    with pytest.raises(Refused, match="not those that were certified"):
        open_data_set(data.signed, changed, MINISTRY.trusted)


def lie(holding: Holding, column: int, value: int) -> Holding:
    rows = holding.rows.copy()
    rows[0, column] = value
    return Holding(rows, holding.blinds)


def test_a_holding_of_something_else() -> None:
    data, holding = MINISTRY.certify(table())
    with pytest.raises(Refused, match="data set refused at opening"):
        check_holding(data, lie(holding, 0, 1 - holding.rows[0, 0]))
    swapped = holding.rows.copy()
    swapped[0, 4:] = swapped[0, 4:][::-1]
    with pytest.raises(Refused, match="data set refused at opening"):
        check_holding(data, Holding(swapped, holding.blinds))
    with pytest.raises(Refused, match="12 rows, 12 points, 11 blinds"):
        check_holding(data, Holding(holding.rows, holding.blinds[32:]))
    with pytest.raises(Refused, match="not as many"):
        check_holding(data, Holding(holding.rows[1:], holding.blinds[32:]))
    short = replace(data, certificate=data.certificate.model_copy(update={"norm_squared": 5}))
    with pytest.raises(Refused, match="longer than the certificate says"):
        check_holding(short, holding)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ("well", "sick")},
        {"classes": ("sick", "sick")},
        {"consent": ("DUO:1",)},
        {"features": ("a", "a", "b")},
        {"features": ("a", "b")},
        {"expires": NOW},
        {"serial": "x"},
        {"records": 0},
        {"spread": bytes(24)},
        {"revocations": "ftp://elsewhere"},
    ],
)
def test_certificates_that_are_none(change: dict[str, object]) -> None:
    data, _ = MINISTRY.certify(table())
    wrong = data.certificate.model_copy(update=change)
    with pytest.raises(Malformed):
        DataCertificate.from_bytes(wrong.to_bytes())
    with pytest.raises(Refused, match="decoding"):
        open_data_set(sign(wrong, MINISTRY.key), data.records, MINISTRY.trusted)


def test_folders(tmp_path: Path) -> None:
    data, holding = MINISTRY.certify(table())
    write_data_set(tmp_path / "set", data, holding, b"croissant")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set"]
    found = read_data_set(tmp_path / "set", MINISTRY.trusted)
    assert found.certificate == data.certificate == peek_certificate(tmp_path / "set")
    assert (read_holding(tmp_path / "set", found).rows == holding.rows).all()
    assert (tmp_path / "set" / "holder" / "rows.npy").stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="never written over"):
        write_data_set(tmp_path / "set", data, holding, b"croissant")


def test_a_folder_that_changed(tmp_path: Path) -> None:
    data, holding = MINISTRY.certify(table())
    write_data_set(tmp_path / "set", data, holding, b"croissant")
    rows = holding.rows.copy()
    rows[3, 1] += 1
    np.save(tmp_path / "set" / "holder" / "rows.npy", rows)
    with pytest.raises(Refused, match="data set refused at opening"):
        read_holding(tmp_path / "set", data)
    for junk in (b"", b"\x93NUMPY", rows.tobytes()):
        (tmp_path / "set" / "holder" / "rows.npy").write_bytes(junk)
        with pytest.raises(Malformed, match=r"rows\.npy"):
            read_holding(tmp_path / "set", data)
    (tmp_path / "set" / "croissant.json").write_bytes(b"other")
    with pytest.raises(Refused, match=r"croissant\.json is not the one"):
        read_data_set(tmp_path / "set", MINISTRY.trusted)
    packed = (tmp_path / "set" / "records.bin").read_bytes()
    for wrong in (packed[:-1], packed[:-64], b""):
        (tmp_path / "set" / "records.bin").write_bytes(wrong)
        with pytest.raises(Refused, match="data set"):
            read_data_set(tmp_path / "set", MINISTRY.trusted)


def test_no_more_is_read_than_was_certified(tmp_path: Path) -> None:
    """A file with holes may be longer than memory."""
    data, holding = MINISTRY.certify(table())
    write_data_set(tmp_path / "set", data, holding, b"croissant")
    packed = tmp_path / "set" / "records.bin"
    size = packed.stat().st_size
    for length, error in ((size + 1, Refused), (2 * size, Refused), (3 << 30, Malformed)):
        os.truncate(packed, length)
        with pytest.raises(error):
            read_data_set(tmp_path / "set", MINISTRY.trusted)


def join(first: Table, second: Table) -> tuple[Part, Part]:
    one, _ = MINISTRY.certify(first)
    two, _ = MINISTRY.certify(second, like=one.certificate)
    return Part(one), Part(two)


def test_a_union_numbers_its_records_in_order() -> None:
    one, two = join(table(), table(n=9, seed=2))
    data = check_selection([replace(one, left_out=(0, 5)), two], [], now=NOW)
    assert data.kept[:4] == ((0, 1), (0, 2), (0, 3), (0, 4))
    assert len(data) == 10 + 9
    disjoint([one], [two])


def test_no_record_counts_twice() -> None:
    twice = table()
    one, two = join(twice, Table(twice.features, twice.values[:4], twice.labels[:4]))
    several = r"record 0 of (\w+) is there twice, and 3 more of its records are: leave out \1:0,1,2,3$"
    with pytest.raises(Refused, match=several):
        check_selection([one, two], [], now=NOW)
    assert len(check_selection([replace(one, left_out=(0, 1, 2, 3)), two], [], now=NOW)) == 12
    with pytest.raises(Refused, match="4 test records are among the training records"):
        disjoint([one], [two])
    disjoint([replace(one, left_out=(0, 1, 2, 3))], [two])
    doubled = Table(
        twice.features, np.vstack([twice.values, twice.values[:1]]), (*twice.labels, twice.labels[0])
    )
    with pytest.raises(Refused, match=r"record 12 of (\w+) is there twice: leave out \1:12$"):
        check_selection([Part(MINISTRY.certify(doubled)[0])], [], now=NOW)


def test_a_copy_that_differs_in_its_last_digit_is_another_record() -> None:
    """The documentation says so: tags are of doubles, rows of integers."""
    first = table()
    one, rows = MINISTRY.certify(first)
    two, same = MINISTRY.certify(
        Table(first.features, np.nextafter(first.values, np.inf), first.labels), like=one.certificate
    )
    assert (rows.rows == same.rows).all()
    disjoint([Part(one)], [Part(two)])


def test_data_sets_that_do_not_go_together() -> None:
    one, _ = MINISTRY.certify(table())
    two, _ = MINISTRY.certify(table(seed=2))
    with pytest.raises(Refused, match="differ in centre"):
        check_selection([Part(one), Part(two)], [], now=NOW)
    with pytest.raises(Malformed, match="its features are not those"):
        MINISTRY.certify(table(p=2), like=one.certificate)


def test_times() -> None:
    data, _ = MINISTRY.certify(table())
    check_selection([Part(data)], [], now=NOW + 999)
    with pytest.raises(Refused, match="ended 2027"):
        check_selection([Part(data)], [], now=NOW + 1000)
    with pytest.raises(Refused, match="a clock is wrong"):
        check_selection([Part(data)], [], now=NOW - 1)


@pytest.mark.parametrize("left_out", [(1, 0), (0, 0), (12,), (-1,)])
def test_left_out_records_that_are_none(left_out: tuple[int, ...]) -> None:
    data, _ = MINISTRY.certify(table())
    with pytest.raises(Refused, match="numbers of records, sorted"):
        check_selection([Part(data, left_out)], [], now=NOW)


def test_something_is_left() -> None:
    data, _ = MINISTRY.certify(table())
    with pytest.raises(Refused, match="every record is left out"):
        check_selection([Part(data, tuple(range(12)))], [], now=NOW)
    with pytest.raises(Refused, match="none was given"):
        check_selection([], [], now=NOW)


def revocations(
    number: int, serials: tuple[str, ...] = (), records: tuple[RevokedRecords, ...] = ()
) -> RevocationList:
    return RevocationList(authority="ministry", number=number, issued=NOW, serials=serials, records=records)


def test_revoked_certificates_and_records() -> None:
    data, _ = MINISTRY.certify(table())
    serial = data.certificate.serial
    with pytest.raises(Refused, match="ministry revoked"):
        check_selection([Part(data)], [revocations(2, (serial,)), revocations(1)], now=NOW)
    single = revocations(1, records=(RevokedRecords(serial=serial, indices=(2, 7)),))
    with pytest.raises(Refused, match=r"revoked record 7 .* not left out"):
        check_selection([Part(data, (2,))], [single], now=NOW)
    assert len(check_selection([Part(data, (2, 7))], [single], now=NOW)) == 10
    other = single.model_copy(update={"authority": "elsewhere"})
    assert len(check_selection([Part(data)], [other], now=NOW)) == 12


def test_a_list_is_as_new_as_the_policy_wants() -> None:
    data, _ = MINISTRY.certify(table())
    check_selection([Part(data)], [revocations(1)], now=NOW + 60, max_age=60)
    with pytest.raises(Refused, match="the newest is of 2027"):
        check_selection([Part(data)], [revocations(1)], now=NOW + 61, max_age=60)
    with pytest.raises(Refused, match="there is none"):
        check_selection([Part(data)], [], now=NOW, max_age=60)


def test_who_signs_lists() -> None:
    signed = sign(revocations(1), MINISTRY.key)
    assert open_revocations(signed, MINISTRY.trusted).number == 1
    with pytest.raises(Refused, match="no authority that is trusted"):
        open_revocations(signed, {})
    with pytest.raises(Refused, match="another key"):
        open_revocations(signed, {"ministry": SigningKey.generate().verify_key})


def test_tags_are_equal_where_records_are_and_secret_otherwise() -> None:
    zero = Table(("a",), np.array([[0.0], [-0.0], [1.0]]), ("x", "x", "y"))
    one, _ = MINISTRY.certify(zero)
    assert one.records.tag(0) == one.records.tag(1) != one.records.tag(2)
    other, _ = Authority("office").certify(zero)
    assert other.records.tag(0) != one.records.tag(0)
    relabelled, _ = MINISTRY.certify(Table(("a",), zero.values, ("y", "x", "y")))
    assert relabelled.records.tag(0) != one.records.tag(0)
