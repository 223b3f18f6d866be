"""`fedproof certify`, `fedproof revoke`, the register behind them, and Croissant read back."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import mlcroissant
import pytest

from fedproof.data.files import read_data_set, read_holding
from fedproof.data.register import Register
from fedproof.data.selection import open_revocations
from fedproof.errors import UsageError
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import Signed
from tests.cli import command
from tests.data.world import NOW, Authority, table

TEXT = "age,size,kind\n31,1.5,a\n40,-2,b\n33,0.5,a\n"


def fedproof(folder: Path, *arguments: object) -> CompletedProcess[str]:
    return command.fedproof(*arguments, cwd=folder)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    SigningKey.generate().save(tmp_path / "ministry.pem")
    (tmp_path / "t.csv").write_text(TEXT)
    return tmp_path


def certify(office: Path, *more: object, data: str = "t.csv", out: str = "set") -> CompletedProcess[str]:
    terms = (
        "--licence",
        "CC-BY-4.0",
        "--expires",
        "2100-01-01T00:00:00Z",
        "--key",
        "ministry.pem",
        "--label",
        "kind",
    )
    return fedproof(office, "certify", data, *terms, "--out", out, *more)


def test_certify_and_read_back(office: Path) -> None:
    ran = certify(office, "--consent", "DUO:0000042", "--consent", "DUO:0000007", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    trusted = {"ministry": SigningKey.load(office / "ministry.pem").verify_key}
    data = read_data_set(office / "set", trusted)
    assert read_holding(office / "set", data).rows.shape == (3, 5)
    assert (told["serial"], told["records"], told["classes"]) == (data.certificate.serial, 3, ["a", "b"])
    assert data.certificate.consent == ("DUO:0000007", "DUO:0000042")
    metadata = mlcroissant.Dataset(office / "set" / "croissant.json").metadata
    assert (metadata.name, metadata.license) == ("t", ["CC-BY-4.0"])
    written = json.loads((office / "set" / "croissant.json").read_text())
    assert written["fedproof:datasetCommitment"] == data.certificate.root.hex()
    shown = json.loads(fedproof(office, "inspect", "set/certificate.cbor", "--json").stdout)
    assert shown["what"] == "data certificate"
    assert shown["content"]["serial"] == data.certificate.serial


def test_a_second_set_like_the_first(office: Path) -> None:
    assert certify(office).returncode == 0
    (office / "more.csv").write_text("age,size,kind\n50,1,b\n51,2,b\n")
    assert "one label" in certify(office, data="more.csv", out="alone").stderr
    assert certify(office, "--like", "set", data="more.csv", out="more").returncode == 0
    (office / "other.csv").write_text("age,kind\n50,b\n")
    assert (
        "its features are not those" in certify(office, "--like", "set", data="other.csv", out="other").stderr
    )
    (office / "third.csv").write_text("age,size,kind\n50,1,c\n")
    assert (
        "the label 'c', which is not among the classes"
        in certify(office, "--like", "set", data="third.csv", out="o").stderr
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--expires", "2020-01-01T00:00:00Z"), "is over"),
        (("--consent", "yes"), "consent"),
        (("--revocations", "nowhere"), "revocations"),
        (("--authority", "The Ministry"), "is no name of an authority"),
        (("--label", "sort"), "no column sort"),
        (("--extractor", "md5:00"), "sha256:"),
        (("--register", "nosql://x"), "cannot open the register"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(office: Path, more: tuple[str, ...], said: str) -> None:
    before = sorted(p.name for p in office.iterdir())
    ran = certify(office, *more)
    assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr
    assert sorted(p.name for p in office.iterdir() if p.name != "register.db") == before


def test_revoke(office: Path) -> None:
    serial = json.loads(certify(office, "--json").stdout)["serial"]
    assert "never written over" in certify(office).stderr
    told = json.loads(
        fedproof(
            office, "revoke", serial, "--records", "2,0", "--key", "ministry.pem", "--out", "l", "--json"
        ).stdout
    )
    assert told == {"file": "l", "number": 1, "certificates": [], "records": {serial: [0, 2]}}
    ran = fedproof(office, "revoke", serial, "--key", "ministry.pem", "--out", "l")
    assert "list 2 of ministry: 1 certificate, 2 records: l" in ran.stdout
    signed = Signed.from_bytes((office / "l").read_bytes())
    found = open_revocations(signed, {"ministry": SigningKey.load(office / "ministry.pem").verify_key})
    assert (found.number, found.serials, found.records_of(serial)) == (2, (serial,), {0, 2})
    for arguments, said in (
        (("0" * 32,), "issued no certificate"),
        ((serial, "--records", "3"), "has records 0 to 2"),
        ((serial, "--records", "x"), "numbers of records"),
        (("--records", "1"), "give its serial"),
    ):
        ran = fedproof(office, "revoke", *arguments, "--key", "ministry.pem", "--out", "l")
        assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr


def test_lists_that_are_made_at_once_have_numbers_of_their_own(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    Register(url)
    with ThreadPoolExecutor(4) as pool:
        made = pool.map(lambda _: Register(url).revocation_list("ministry", now=NOW).number, range(8))
    assert sorted(made) == list(range(1, 9))


def test_the_register_keeps_authorities_apart(tmp_path: Path) -> None:
    register = Register(f"sqlite:///{tmp_path / 'register.db'}")
    ministry, office = Authority(), Authority("office")
    one, two = ministry.certify(table())[0], office.certify(table())[0]
    register.add(one)
    register.add(two)
    (told,) = register.certificates("ministry")
    assert (told["serial"], told["records"], told["revoked"]) == (one.certificate.serial, 12, None)
    with pytest.raises(UsageError, match="office issued no certificate"):
        register.revoke("office", one.certificate.serial, [], now=NOW)
    register.revoke("ministry", one.certificate.serial, [], now=NOW)
    register.revoke("ministry", one.certificate.serial, [], now=NOW + 5)
    again = Register(f"sqlite:///{tmp_path / 'register.db'}")
    assert again.certificates("ministry")[0]["revoked"] == NOW
    assert again.revocation_list("ministry", now=NOW).serials == (one.certificate.serial,)
    lists = [again.revocation_list("office", now=NOW) for _ in range(2)]
    assert [(found.number, found.serials) for found in lists] == [(1, ()), (2, ())]
