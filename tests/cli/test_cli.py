"""The commands as a shell sees them: exit codes, JSON, no hostile bytes on the terminal."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fedproof.cli import demo as cli_demo
from fedproof.cli import main
from fedproof.cli.app import MODULES
from fedproof.demo import federation
from fedproof.demo.timing import PARTS
from fedproof.identity.keys import EnvelopeVerifyKey, VerifyKey
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed

PUBLIC = (("model", "model.safetensors"), ("policy", "policy.toml"), ("trust", "trust.toml"))


def fedproof(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fedproof", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_the_demo_keeps_its_promises(demo: tuple[Path, dict[str, object]]) -> None:
    out, told = demo
    assert told["rounds"] == 10
    assert told["accepted"] == 68
    refused = told["refused"]
    assert isinstance(refused, list)
    assert [(r["client"], r["round"]) for r in refused] == [("hospital-4", 3), ("hospital-4", 6)]
    assert all("bounded update" in r["reason"] for r in refused)
    accuracy, plain = told["accuracy"], told["accuracy_plain"]
    assert isinstance(accuracy, float)
    assert isinstance(plain, float)
    assert accuracy > 0.95
    assert abs(accuracy - plain) <= 0.01
    assert told["verified"] is True
    seconds = told["seconds"]
    assert isinstance(seconds, dict)
    assert list(seconds["parts"]) == list(PARTS)
    assert all(value > 0 for value in seconds["parts"].values())  # nothing was forgotten
    assert seconds["with"] == pytest.approx(sum(seconds["parts"].values()), abs=0.001)
    assert seconds["without"] > 0
    assert {p.name for p in out.iterdir()} == {"bundle", "model.safetensors", "policy.toml", "trust.toml"}


def verify(out: Path, *more: str, **replaced: Path) -> subprocess.CompletedProcess[str]:
    paths = {
        "model": out / "model.safetensors",
        "policy": out / "policy.toml",
        "trust": out / "trust.toml",
        **replaced,
    }
    bundle = paths.pop("bundle", out / "bundle")
    return fedproof(
        "verify", bundle, *[part for name, path in paths.items() for part in (f"--{name}", path)], *more
    )


def test_verify_prints_what_is_proved_and_what_is_not(demo: tuple[Path, dict[str, object]]) -> None:
    ran = verify(demo[0])
    assert ran.returncode == 0
    for word in ("UPDATES_BOUNDED", "AGGREGATE_EXACT", "RUN_SELECTION", "hospital-4"):
        assert word in ran.stdout
    assert ran.stdout.rstrip().endswith("VERIFIED")
    told = json.loads(verify(demo[0], "--json").stdout)
    assert {c["claim"] for c in told["claims"]} >= {"UPDATES_BOUNDED", "AGGREGATE_EXACT", "MODEL_CHAIN"}
    assert "CENSORSHIP" in told["notProven"]


def test_a_terminal_of_few_characters_still_says_verified(demo: tuple[Path, dict[str, object]]) -> None:
    out = demo[0]
    options = [f"--{n}={out / f}" for n, f in PUBLIC]
    command = [sys.executable, "-m", "fedproof", "verify", str(out / "bundle"), *options]
    ran = subprocess.run(
        command, capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.decode("ascii").rstrip().endswith("VERIFIED")


@pytest.mark.parametrize("written", ['{"verified": false, "object": "model"}', ""])
def test_the_demo_prints_one_object_when_its_verifier_refuses_or_dies(
    written: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = federation.Outcome(10, 68, (), 0.9, 0.9, 513)
    monkeypatch.setattr(federation, "run", lambda out: outcome)
    answer = subprocess.CompletedProcess([], 1, stdout=written, stderr="it died")
    monkeypatch.setattr(cli_demo, "_verify", lambda *_, **__: answer)
    monkeypatch.setattr(sys, "argv", ["fedproof", "demo", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = json.loads(capsys.readouterr().out)  # fails on a second object
    assert told["verified"] is told["verify"]["verified"] is False


def test_refused_is_one_and_says_what_failed(demo: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    data = bytearray((demo[0] / "model.safetensors").read_bytes())
    data[-1] ^= 1
    model.write_bytes(data)
    ran = verify(demo[0], model=model)
    assert ran.returncode == 1
    assert "model" in ran.stderr
    assert "VERIFIED" not in ran.stdout + ran.stderr
    told = json.loads(verify(demo[0], "--json", model=model).stdout)
    assert (told["object"], told["stage"], told["verified"]) == ("model", "chain", False)


def test_a_stricter_policy_refuses(demo: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text((demo[0] / "policy.toml").read_text().replace("max_abs = 32767", "max_abs = 1000"))
    ran = verify(demo[0], "--json", policy=policy)
    assert ran.returncode == 1
    told = json.loads(ran.stdout)
    assert told["object"] == "policy"
    assert "update.max_abs is 32767 in the bundle's, 1000 in yours" in told["detail"]
    error = verify(demo[0], policy=policy).stderr
    assert error.count("policy refused") == 1
    assert "refused at policy" not in error


def test_a_changed_record_refuses(demo: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(demo[0] / "bundle", bundle)
    blob = max((p for p in (bundle / "blobs").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    *head, last = blob.read_bytes()
    blob.write_bytes(bytes([*head, last ^ 1]))
    assert verify(demo[0], bundle=bundle).returncode == 1


@pytest.mark.parametrize("name", ["bundle", "model", "policy", "trust"])
def test_what_is_not_there_is_two(demo: tuple[Path, dict[str, object]], tmp_path: Path, name: str) -> None:
    ran = verify(demo[0], "--json", **{name: tmp_path / "missing"})
    assert ran.returncode == 2
    assert "missing" in json.loads(ran.stdout)["error"]


def test_all_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    names = {name: tmp_path / f"no-{name}" for name in ("bundle", "model", "trust", "policy")}
    told = json.loads(verify(tmp_path, "--json", **names).stdout)
    assert [told["error"].find(path.name) for path in names.values()] == sorted(
        told["error"].find(path.name) for path in names.values()
    )
    assert all(path.name in told["error"] for path in names.values())


def test_the_folder_above_the_bundle(demo: tuple[Path, dict[str, object]]) -> None:
    ran = verify(demo[0], "--json", bundle=demo[0])
    assert ran.returncode == 2
    assert "did you mean" in json.loads(ran.stdout)["error"]


def test_wrong_usage_is_two(tmp_path: Path) -> None:
    for arguments in (["verify"], ["nonsense"], ["verify", "x", "--nope"], ["policy", "check"]):
        assert fedproof(*arguments).returncode == 2
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert fedproof("demo", "--out", tmp_path / "full").returncode == 2


def test_hostile_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    ran = fedproof(
        "verify",
        tmp_path / "\x1b[2Jbundle",
        "--model",
        "m",
        "--policy",
        tmp_path / "\x1b]0;x\x07p",
        "--trust",
        "t",
    )
    assert ran.returncode == 2
    assert "\x1b" not in ran.stdout + ran.stderr


def test_keys_and_rosters(tmp_path: Path) -> None:
    public = [fedproof("keygen", tmp_path / name).stdout.strip() for name in ("endorser", "ada", "bob")]
    assert all(VerifyKey.parse(p) for p in public)
    assert fedproof("keygen", tmp_path / "ada").returncode == 2
    pem = json.loads(fedproof("keygen", "--envelope", tmp_path / "envelope", "--json").stdout)["public"]
    assert EnvelopeVerifyKey.parse(pem)
    members = tmp_path / "members.toml"
    members.write_text(
        f'federation = "tests"\nendorser = "board"\n[members]\nbob = "{public[2]}"\nada = "{public[1]}"\n'
    )
    ran = fedproof("endorse", members, "--key", tmp_path / "endorser", "--out", tmp_path / "roster.cbor")
    assert ran.stdout.startswith("roster version 1 with 2 members")
    told = json.loads(
        fedproof(
            "endorse",
            members,
            "--key",
            tmp_path / "endorser",
            "--previous",
            tmp_path / "roster.cbor",
            "--out",
            tmp_path / "r2.cbor",
            "--json",
        ).stdout
    )
    assert told["version"] == 2
    ends = '"2027-01-31T00:00:00Z"'
    members.write_text(
        f'federation = "tests"\nendorser = "board"\n[members]\nbob = "{public[2]}"\nada = {{ key = "{public[1]}", expires = {ends} }}\n'
    )
    expiring = tmp_path / "expiring.cbor"
    options = ("--key", tmp_path / "endorser", "--out", expiring)
    told = json.loads(
        fedproof("endorse", members, *options, "--expires", "2028-01-01T00:00:00Z", "--json").stdout
    )
    assert told["expires"] == "2028-01-01T00:00:00Z"
    roster = Roster.from_bytes(Signed.from_bytes(expiring.read_bytes()).payload)
    assert roster.expires == 1830297600
    assert {m.client: m.expires for m in roster.members} == {"ada": 1801353600, "bob": None}
    for wrong in ("2028-01-01", "2028-01-01T00:00:00+01:00", "tomorrow"):
        ran = fedproof("endorse", members, *options, "--expires", wrong)
        assert (ran.returncode, "2027-01-31T00:00:00Z" in ran.stderr) == (2, True)
    members.write_text(members.read_text().replace("2027-01-31T00:00:00Z", "soon"))
    assert fedproof("endorse", members, *options).returncode == 2
    other = fedproof(
        "endorse",
        members,
        "--key",
        tmp_path / "ada",
        "--previous",
        tmp_path / "roster.cbor",
        "--out",
        tmp_path / "r3.cbor",
    )
    assert other.returncode == 1
    for hostile in ("x = " + "9" * 5000, "x = " + "[" * 5000, "federation = 3", "\x00"):
        members.write_text(hostile)
        ran = fedproof("endorse", members, "--key", tmp_path / "endorser", "--out", tmp_path / "r4.cbor")
        assert (ran.returncode, "Traceback" in ran.stderr) == (2, False)
    members.write_text("federation = 3")
    assert (
        fedproof("endorse", members, "--key", tmp_path / "endorser", "--out", tmp_path / "r4.cbor").returncode
        == 2
    )


def test_policies(demo: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    policy = demo[0] / "policy.toml"
    assert "valid: federation breast-cancer-demo" in fedproof("policy", "check", policy).stdout
    told = json.loads(fedproof("policy", "check", policy, "--json").stdout)
    assert told["digest"] == fedproof("policy", "digest", policy).stdout.strip()
    (tmp_path / "bad.toml").write_text(policy.read_text().replace("FedAvg", "Krum"))
    ran = fedproof("policy", "check", tmp_path / "bad.toml")
    assert ran.returncode == 2
    assert "Krum is not supported" in ran.stderr


@pytest.mark.parametrize("module", sorted(set(MODULES.values())))
def test_every_command_is_found_where_it_lives(module: str) -> None:
    added = "import sys; from fedproof.cli.app import app, load_commands; load_commands(sys.argv[1]); " + (
        "print(*[g.name for g in app.registered_groups],"
        " *[c.name or c.callback.__name__ for c in app.registered_commands])"
    )
    for word in (word for word, home in MODULES.items() if home == module):
        ran = subprocess.run([sys.executable, "-c", added, word], capture_output=True, text=True, check=True)
        assert word in ran.stdout.split()
        assert "version" in ran.stdout.split()
    assert set(ran.stdout.split()) == {"version", *(w for w, home in MODULES.items() if home == module)}


def test_version() -> None:
    assert fedproof("version").stdout.startswith("fedproof ")
    assert json.loads(fedproof("version", "--json").stdout)["version"]


def test_what_proving_costs() -> None:
    told = json.loads(fedproof("bench", "r1", "--dim", "1000", "--threads", "1", "--json").stdout)
    assert set(told) == {"dim", "bits", "threads", "prove_s", "verify_s", "bytes", "peak_mb", "phases"}
    assert told["bytes"] == 3880
    assert told["prove_s"] == pytest.approx(sum(told["phases"].values()))
    assert "commitment and proof" in fedproof("bench", "r1", "--dim", "10", "--bits", "8").stdout


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("policy.toml", "policy"),
        ("trust.toml", "trust file"),
        ("bundle", "bundle"),
        ("bundle/roster.cbor", "message signed"),
        ("bundle/policy.cbor", "message policy"),
        ("bundle/certificate.dsse.json", "certificate"),
        ("bundle/log/checkpoint", "checkpoint"),
        ("model.safetensors", "model"),
    ],
)
def test_what_a_file_is(demo: tuple[Path, dict[str, object]], name: str, what: str) -> None:
    told = json.loads(fedproof("inspect", demo[0] / name, "--json").stdout)
    assert (told["what"], told["verified"]) == (what, False)


def test_a_file_that_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"\x1b[2J\xff\x00junk")
    (tmp_path / "deep").write_bytes(b"[" * 200_000)
    for path in (tmp_path / "junk", tmp_path / "deep", tmp_path, tmp_path / "missing"):
        ran = fedproof("inspect", path)
        assert ran.returncode == 2
        assert "\x1b" not in ran.stdout + ran.stderr
