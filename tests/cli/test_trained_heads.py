"""`fedproof train` and `fedproof inspect` of what belongs to trained heads, as a shell sees them."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.training_trust import TrainingTrust
from fedproof.identity.trust import Trust
from fedproof.policy.training import load_training_policy
from tests.cli.command import fedproof
from tests.provenance.head import POLICY, World, table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certified folder `data`, policy and trust file, and what was trained with committed weights in `out`."""
    where = tmp_path_factory.mktemp("trained")
    world = World(where)
    world.authority.save(where / "ministry.pem")
    world.envelope.save(where / "envelope.pem")
    world.trust.save(where / "trust.toml")
    (where / "policy.toml").write_text(POLICY.replace("WEIGHTS", "committed"))
    data = table()
    with (where / "data.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow([*data.features, "label"])
        lines.writerows([*values, label] for values, label in zip(data.values, data.labels, strict=True))
    own = [f"--key={where / 'ministry.pem'}", f"--out={where / 'data'}", "--expires=2100-01-01T00:00:00Z"]
    said = ["--licence=CC-BY-4.0", "--consent=DUO:0000042"]
    for ran in (
        fedproof("certify", where / "data.csv", *own, *said),
        fedproof("train", where / "data", *terms(where, "out", "envelope.pem")),
    ):
        assert ran.returncode == 0, ran.stderr
    return where


def terms(folder: Path, out: str, key: str = "envelope.pem", **other: str) -> list[str]:
    """other: files in place of `policy` or `trust`."""
    files = {"policy": "policy.toml", "trust": "trust.toml", "key": key, "out": out} | other
    return [f"--{name}={folder / file}" for name, file in files.items()]


def test_the_file_of_committed_weights_is_its_owners(folder: Path) -> None:
    assert (folder / "out" / "model.safetensors").stat().st_mode & 0o777 == 0o600


def test_another_key_than_the_trainers_is_refused_before_anything_is_written(folder: Path) -> None:
    EnvelopeKey.generate().save(folder / "other.pem")
    ran = fedproof("train", folder / "data", *terms(folder, "never", "other.pem"))
    assert (ran.returncode, "certificate refused at trust" in ran.stderr) == (1, True), ran.stderr
    assert not (folder / "never").exists()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("policy.toml", "training policy"),
        ("trust.toml", "trust file"),
        ("out/bundle", "trained bundle"),
        ("out/bundle/training.cbor", "training"),
        ("out/bundle/policy.cbor", "message training policy"),
        ("out/bundle/certificate.dsse.json", "certificate"),
        ("out/model.safetensors", "model"),
    ],
)
def test_what_a_file_is(folder: Path, name: str, what: str) -> None:
    told = json.loads(fedproof("inspect", folder / name, "--json").stdout)
    assert (told["what"], told["verified"]) == (what, False)


def test_what_is_in_them(folder: Path) -> None:
    held = {
        name: json.loads(fedproof("inspect", folder / name, "--json").stdout)["content"]
        for name in ("policy.toml", "trust.toml", "out/bundle", "out/bundle/training.cbor")
    }
    digest = fedproof("policy", "digest", folder / "policy.toml").stdout.strip()
    bundle, training = held["out/bundle"], held["out/bundle/training.cbor"]
    assert held["policy.toml"]["digest"] == digest == f"sha256:{training['policy']}"
    assert held["trust.toml"]["trainer"]["name"] == training["trainer"] == "hospital-a"
    assert list(held["trust.toml"]["authorities"]) == ["ministry"]
    assert bundle["training"] == training
    assert [(d["authority"], d["records"]) for d in bundle["data"]] == [("ministry", 120)]
    assert training["data"] == [{"certificate": bundle["data"][0]["digest"], "left_out": []}]
    assert training["weights"] is None


def test_one_trust_file_for_both_kinds_of_model(folder: Path, tmp_path: Path) -> None:
    aggregator, endorser = SigningKey.generate().verify_key, SigningKey.generate().verify_key
    federation = Trust(aggregator, EnvelopeKey.generate().verify_key, {"board": endorser})
    both = federation.to_toml() + (folder / "trust.toml").read_text().replace("version = 1\n", "")
    (tmp_path / "both.toml").write_text(both)
    told = json.loads(fedproof("inspect", tmp_path / "both.toml", "--json").stdout)["content"]
    assert (told["aggregator"], told["trainer"]["name"]) == (aggregator.text, "hospital-a")
    arguments = [f"--model={folder / 'out' / 'model.safetensors'}", f"--policy={folder / 'policy.toml'}"]
    ran = fedproof("verify", folder / "out" / "bundle", *arguments, f"--trust={tmp_path / 'both.toml'}")
    assert ran.returncode == 0, ran.stderr


def test_policy_and_trust_file_in_each_others_place_are_named(folder: Path) -> None:
    for wrong, told in (
        (
            {"trust": "policy.toml"},
            "policy.toml: this is a policy, which says what is demanded; give the trust file",
        ),
        (
            {"policy": "trust.toml"},
            "trust.toml: this is a trust file, which says whom you believe; give the policy",
        ),
    ):
        ran = fedproof("train", folder / "data", *terms(folder, "never", **wrong))
        assert (ran.returncode, told in ran.stderr) == (2, True), ran.stderr


def test_data_that_is_given_wrongly(folder: Path, tmp_path: Path) -> None:
    """Nothing is written, and one line says what to do."""
    (serial,) = (path.name for path in (folder / "out" / "bundle" / "data").iterdir())
    data, public = folder / "data", folder / "out" / "bundle" / "data" / serial
    loose = (folder / "policy.toml").read_text().replace('"0.001"', "0.00001")
    (tmp_path / "loose.toml").write_text(loose)
    for arguments, told in (
        ([data, data], f"data set {serial} is given twice; give it once"),
        (
            [data, f"--leave-out={serial}:3,120"],
            f"{serial}:120: no such record; its 120 records end with number 119",
        ),
        ([data, f"--leave-out={'0' * 32}:3"], "which is none of the data sets"),
        ([public], "has no folder holder/, it is the public half only"),
        (
            [data, f"--policy={tmp_path / 'loose.toml'}"],
            'max_logit_freedom: write it in quotes, such as "0.001"',
        ),
    ):
        ran = fedproof("train", *terms(folder, "never"), *arguments)
        assert (ran.returncode, told in ran.stderr, ran.stderr.count("\n")) == (2, True, 1), ran.stderr
        assert not (folder / "never").exists()


def test_answers_and_receipts_take_newer_lists(folder: Path) -> None:
    """A bundle without a list, under a policy that asks for none; the authority's list revokes the data."""
    (serial,) = (path.name for path in (folder / "out" / "bundle" / "data").iterdir())
    lists = [folder / "empty.cbor", folder / "revoked.cbor"]
    for path, what in zip(lists, ([], [serial]), strict=True):
        ran = fedproof("revoke", *what, f"--key={folder / 'ministry.pem'}", f"--out={path}")
        assert ran.returncode == 0, ran.stderr
    given = [f"--{name}={folder / name}.toml" for name in ("policy", "trust")]
    given += [f"--data={folder / 'data.csv'}", f"--bundle={folder / 'out' / 'bundle'}"]
    made = [f"--model={folder / 'out' / 'model.safetensors'}", f"--out={folder / 'receipt.cbor'}"]
    for path, code in zip(lists, (0, 1), strict=True):
        for ran in (
            fedproof("answer", *given, *made, f"--revocations={path}"),
            fedproof("check-answer", folder / "receipt.cbor", *given, f"--revocations={path}"),
        ):
            assert (ran.returncode, "data certificate refused at revoked" in ran.stderr) == (
                code,
                code == 1,
            ), ran.stderr


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder whose files are fetched by http, and its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_pinned_policy_and_lists_from_the_trust_files_addresses(
    folder: Path, lists: tuple[Path, str]
) -> None:
    """`answer` and `check-answer` take both as `verify` does: no --policy, and a list that is fetched counts."""
    served, address = lists
    held = TrainingTrust.load(folder / "trust.toml")
    ministry = replace(held.authorities["ministry"], revocations=f"{address}/list.cbor")
    pin = load_training_policy(folder / "policy.toml").digest()
    for name, trust in (
        ("here", replace(held, policy=pin, authorities={"ministry": ministry})),
        ("other", replace(held, policy=bytes(32))),
    ):
        trust.save(served / f"{name}.toml")
    (serial,) = (path.name for path in (folder / "out" / "bundle" / "data").iterdir())
    bundle, model = folder / "out" / "bundle", f"--model={folder / 'out' / 'model.safetensors'}"
    asked = [f"--data={folder / 'data.csv'}", f"--bundle={bundle}"]

    def all_three(*options: str) -> list[tuple[int, str]]:
        ran = [
            fedproof("verify", bundle, model, *options),
            fedproof("answer", *asked, model, f"--out={served / 'receipt.cbor'}", *options),
            fedproof("check-answer", served / "receipt.cbor", *asked, *options),
        ]
        return [(one.returncode, one.stderr) for one in ran]

    refresh = [f"--trust={served / 'here.toml'}", "--refresh-revocations"]
    for options, code, said in (
        (refresh[:1], 0, ""),
        (refresh, 2, f"cannot fetch {address}/list.cbor"),
        ([f"--trust={folder / 'trust.toml'}"], 2, "no policy: pass --policy, or pin the policy's digest"),
        ([f"--trust={served / 'other.toml'}"], 1, "the trust file pins"),
        ([f"--trust={served / 'other.toml'}", "--refresh-revocations"], 2, "no address of a revocation list"),
    ):
        assert [(c, said in e) for c, e in all_three(*options)] == [(code, True)] * 3, (options, said)
    ran = fedproof("revoke", serial, f"--key={folder / 'ministry.pem'}", f"--out={served / 'list.cbor'}")
    assert ran.returncode == 0, ran.stderr
    assert [(c, "refused at revoked" in e) for c, e in all_three(*refresh)] == [(1, True)] * 3


def test_what_is_wrong_in_them_is_said(folder: Path, tmp_path: Path) -> None:
    for name, old, new, said in (
        ("policy.toml", "regularisation", "regularization", "training.regularization: no such field"),
        ("trust.toml", "[trainer]", "[trainee]", "trainee: no such field"),
    ):
        (tmp_path / name).write_text((folder / name).read_text().replace(old, new))
        ran = fedproof("inspect", tmp_path / name)
        assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr


def test_the_folder_above_the_bundle(folder: Path) -> None:
    model, own = f"--model={folder / 'out' / 'model.safetensors'}", terms(folder, "never")
    asked = [f"--data={folder / 'data.csv'}", f"--bundle={folder / 'out'}", f"--out={folder / 'never'}"]
    for ran in (
        fedproof("verify", folder / "out", model, *own[:2]),
        fedproof("answer", *asked, model, *own[:2]),
    ):
        assert (ran.returncode, "did you mean" in ran.stderr) == (2, True), ran.stderr


def test_a_bundle_with_something_else_in_it_is_refused(folder: Path) -> None:
    stray = folder / "out" / "bundle" / ".DS_Store"
    stray.write_bytes(b"")
    ran = fedproof("inspect", folder / "out" / "bundle")
    stray.unlink()
    assert (ran.returncode, ".DS_Store does not belong there" in ran.stderr) == (1, True)


def test_a_strangers_policy_does_not_steer_the_terminal(tmp_path: Path) -> None:
    text = POLICY.replace("WEIGHTS", "public").replace(
        "CC-BY-4.0", "CC\\u001b[2J\\u001b[1;32mVERIFIED\\u202e"
    )
    (tmp_path / "policy.toml").write_text(text)
    ran = fedproof("policy", "check", tmp_path / "policy.toml")
    assert ran.returncode == 0, ran.stderr
    assert all(character == "\n" or character.isprintable() for character in ran.stdout)
