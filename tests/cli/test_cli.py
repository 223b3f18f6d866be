"""The commands as a shell sees them: exit codes, JSON, no hostile bytes on the terminal."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedproof.cli import demo as cli_demo
from fedproof.cli import main
from fedproof.cli.app import MODULES
from fedproof.demo import federation
from fedproof.demo.timing import PARTS
from fedproof.identity.keys import EnvelopeKey, EnvelopeVerifyKey, SigningKey, VerifyKey
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed
from fedproof.round.audit import AuditLog
from tests.cli.command import fedproof

KEPT = Path(__file__).resolve().parents[2] / "vectors" / "v1" / "bundle" / "policy.toml"
PUBLIC = (("model", "model.safetensors"), ("policy", "policy.toml"), ("trust", "trust.toml"))


def test_the_demo_keeps_its_promises(demo: tuple[Path, dict[str, object]]) -> None:
    out, told = demo
    assert told["rounds"] == 10
    assert told["accepted"] == 66
    assert (told["masked"], told["bytes_per_coordinate"]) == (True, 4)
    assert told["dropped"] == [{"client": "hospital-2", "round": 4}]
    assert told["named"] == [{"client": "hospital-6", "round": 9, "evidence": "failed-proof"}]
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


def test_the_demo_without_masks(tmp_path: Path) -> None:
    outcome = federation.run(tmp_path, masked=False)
    assert (outcome.masked, outcome.absent, outcome.accepted) == (False, (), 68)
    assert [(a.client, a.round) for a in outcome.refused] == [("hospital-4", 3), ("hospital-4", 6)]
    assert outcome.timing.seconds["unmask"] == 0
    ran = verify(tmp_path)
    assert ran.returncode == 0
    assert "UPDATES_READABLE_BY_AGGREGATOR" in ran.stdout


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
    for word in ("UPDATES_BOUNDED", "UPDATES_MASKED", "RUN_SELECTION", "hospital-4", "named at evidence"):
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
    monkeypatch.setattr(federation, "run", lambda out, *, masked: outcome)
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
    other_out = (*options[:-1], tmp_path / "other.cbor")
    told = json.loads(
        fedproof("endorse", members, *options, "--expires", "2100-01-01T00:00:00Z", "--json").stdout
    )
    assert told["expires"] == "2100-01-01T00:00:00Z"
    roster = Roster.from_bytes(Signed.from_bytes(expiring.read_bytes()).payload)
    assert roster.expires == 4102444800
    assert {m.client: m.expires for m in roster.members} == {"ada": 1801353600, "bob": None}
    for wrong in ("2028-01-01", "2028-01-01T00:00:00+01:00", "tomorrow"):
        ran = fedproof("endorse", members, *other_out, "--expires", wrong)
        assert (ran.returncode, "2027-01-31T00:00:00Z" in ran.stderr) == (2, True)
    members.write_text(members.read_text().replace("2027-01-31T00:00:00Z", "soon"))
    ran = fedproof("endorse", members, *other_out)
    assert ran.returncode == 2
    assert "members.toml: members.ada: a time is written" in ran.stderr
    members.write_text(members.read_text().replace("soon", "2027-01-31T00:00:00Z"))
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


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A folder with an endorser's key, two public keys and a list of members."""
    keys = {name: SigningKey.generate() for name in ("board", "ada", "bob")}
    keys["board"].save(tmp_path / "board.pem")
    listed = "".join(f'{n} = "{keys[n].verify_key.text}"\n' for n in ("ada", "bob"))
    (tmp_path / "members.toml").write_text(f'federation = "f"\nendorser = "board"\n[members]\n{listed}')
    return tmp_path


def endorsing(board: Path, *more: str | Path, out: str = "roster.cbor") -> subprocess.CompletedProcess[str]:
    return fedproof(
        "endorse", board / "members.toml", "--key", board / "board.pem", "--out", board / out, *more
    )


def test_a_roster_is_not_written_over(board: Path) -> None:
    assert endorsing(board).returncode == 0
    first = (board / "roster.cbor").read_bytes()
    ran = endorsing(board)
    assert (ran.returncode, "roster.cbor exists" in ran.stderr) == (2, True)
    assert endorsing(board, out="other.cbor").returncode == 0
    ran = endorsing(board, "--previous", board / "other.cbor")
    assert (ran.returncode, (board / "roster.cbor").read_bytes()) == (2, first)
    ran = endorsing(board, "--previous", board / "roster.cbor")
    assert (ran.returncode, ran.stdout[:16]) == (0, "roster version 2")


def test_a_roster_that_is_over_is_not_signed(board: Path) -> None:
    ran = endorsing(board, "--expires", "2020-01-01T00:00:00Z")
    assert (ran.returncode, "is over" in ran.stderr) == (2, True)
    assert not (board / "roster.cbor").exists()


def test_a_time_of_toml_ends_a_membership(board: Path) -> None:
    key = SigningKey.generate().verify_key.text
    text = (board / "members.toml").read_text()
    for number, time in enumerate(("2100-01-01T00:00:00Z", "2100-01-01T01:00:00+01:00")):
        line = f'cyd = {{ key = "{key}", expires = {time} }}\n'
        (board / "members.toml").write_text(text + line)
        assert endorsing(board, out=str(number)).returncode == 0
        told = json.loads(fedproof("inspect", board / str(number), "--json").stdout)
        assert told["content"]["members"]["cyd"] == {"key": key, "expires": "2100-01-01T00:00:00Z"}
    (board / "members.toml").write_text(text + f'cyd = {{ key = "{key}", expires = 2020-01-01T00:00:00Z }}\n')
    assert "members.cyd: the time is over" in endorsing(board, out="never").stderr
    for time in ("2100-01-01T00:00:00", "2100-01-01", "2100-01-01T00:00:00.5Z", "2900-01-01T00:00:00Z"):
        (board / "members.toml").write_text(text + f'cyd = {{ key = "{key}", expires = {time} }}\n')
        ran = endorsing(board, out="never")
        assert (ran.returncode, "members.toml: members.cyd" in ran.stderr) == (2, True), ran.stderr


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('cyd = "ed25519:AAAA"', "members.cyd: not a key"),
        ("cyd = 3", "members.cyd"),
        ('ada = "again"', "not TOML"),
        ("cyd = {same}", "members.cyd: has the same key as members.ada"),
    ],
)
def test_what_is_wrong_with_a_list_names_file_and_member(board: Path, line: str, told: str) -> None:
    text = (board / "members.toml").read_text()
    same = text.split("ada = ")[1].splitlines()[0]
    (board / "members.toml").write_text(f"{text}{line.format(same=same)}\n")
    ran = endorsing(board)
    assert ran.returncode == 2
    assert "members.toml: " in ran.stderr
    assert told in ran.stderr


def test_what_the_files_of_a_federation_are(board: Path) -> None:
    pem, private = board / "board.pem", (board / "board.pem").read_text().splitlines()[1]
    public = SigningKey.load(pem).verify_key.text
    EnvelopeKey.generate().save(board / "envelope.pem")
    (board / "board.pub").write_text(public + "\n")
    (board / "envelope.pub").write_text(EnvelopeKey.load(board / "envelope.pem").verify_key.pem)
    AuditLog(board / "audit.jsonl").append("adopted", round=3)
    endorsing(board)
    kinds = {
        "board.pem": "private key",
        "envelope.pem": "private key",
        "board.pub": "public key",
        "envelope.pub": "public key",
        "members.toml": "list of members",
        "roster.cbor": "roster",
        "audit.jsonl": "audit log",
    }
    told = {name: json.loads(fedproof("inspect", board / name, "--json").stdout) for name in kinds}
    assert {name: t["what"] for name, t in told.items()} == kinds
    assert told["board.pem"]["content"] == told["board.pub"]["content"]
    assert told["board.pub"]["content"]["public"] == public
    assert told["envelope.pem"]["content"] == told["envelope.pub"]["content"]
    assert private not in json.dumps(told)
    assert told["roster.cbor"]["content"]["members"] == told["members.toml"]["content"]["members"]
    assert told["roster.cbor"]["content"]["members"]["ada"] in (board / "members.toml").read_text()


def test_a_trust_file_is_shown_with_pin_and_revoked_keys(
    demo: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    key, pin = SigningKey.generate().verify_key.text, "sha256:" + "ab" * 32
    text = (demo[0] / "trust.toml").read_text()
    (tmp_path / "t").write_text(f'{text}\n[policy]\nsha256 = "{pin}"\n[revoked]\nkeys = ["{key}"]\n')
    content = json.loads(fedproof("inspect", tmp_path / "t", "--json").stdout)["content"]
    assert (content["policy"], content["revoked"]) == (pin, [key])


def test_a_file_in_the_place_of_another_is_named(demo: tuple[Path, dict[str, object]]) -> None:
    out = demo[0]
    for wrong, told in (
        ({"policy": out / "bundle/policy.cbor"}, "this is a bundle's policy"),
        ({"policy": out / "model.safetensors"}, "a policy is a TOML file"),
        ({"policy": out / "trust.toml"}, "this is a trust file"),
        ({"trust": out / "policy.toml"}, "this is a policy"),
        ({"trust": out / "bundle/roster.cbor"}, "a trust file is a TOML file"),
    ):
        ran = verify(out, **wrong)
        assert ran.returncode == 2
        assert told in ran.stderr
        assert next(iter(wrong.values())).name in ran.stderr


OPTIMISED = """[model]
frozen = ["backbone.*", "embedding"]
[aggregate]
strategy = "FedYogi"
optimiser = { eta = "0.125" }
"""


MASKED = """[masking]
enabled = true
colluders = 2
silent = 3
min_set = 17
min_honest_group = 5
max_clients = 60
max_releases_per_base = 9
suspend_rounds = 11
"""


@pytest.mark.parametrize(("aggregate", "masking"), [("", ""), (OPTIMISED, ""), ("", MASKED)])
def test_policy_check_shows_every_field(
    demo: tuple[Path, dict[str, object]], tmp_path: Path, aggregate: str, masking: str
) -> None:
    policy = tmp_path / "policy.toml"
    written = (demo[0] / "policy.toml").read_text()
    plain = '[aggregate]\nrule = "weighted-mean"\nstrategy = "FedAvg"\n'
    assert plain in written
    on, off = "[masking]\nenabled = true", "[masking]\nenabled = false"
    assert on in written
    policy.write_text(written.replace(plain, aggregate or plain).replace(on, masking or off))
    text = fedproof("policy", "check", policy).stdout

    def leaves(value: object) -> Iterator[object]:
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from leaves(inner)
        else:
            yield value

    told = json.loads(fedproof("policy", "check", policy, "--json").stdout)
    for value in leaves(told["policy"]):
        if value is not None and not isinstance(value, bool):
            assert re.search(rf"(?<!\w){re.escape(str(value))}(?!\w)", text), value
    assert ("masking: no" in text) == (not masking)
    assert "suites below 112 bits: not allowed" in text


def test_inspect_shows_whose_a_message_is(demo: tuple[Path, dict[str, object]]) -> None:
    """By the key as the roster has it; also of a message within another, as of evidence."""
    out, told = demo
    left = json.loads(verify(out, "--json").stdout)["leftOut"]
    (named,) = [who for who in left if who["kind"] == "named"]
    assert told["named"] == [{"client": named["client"], "round": named["round"], "evidence": named["stage"]}]
    evidence = out / "bundle" / "blobs" / named["evidence"][:2] / named["evidence"]
    shown = json.loads(fedproof("inspect", evidence, "--json").stdout)
    assert shown["what"] == "message failed-proof"
    signed = shown["content"]["fingerprints"]
    roster = json.loads(fedproof("inspect", out / "bundle" / "roster.cbor", "--json").stdout)["content"]
    assert signed["signer"] == roster["members"][named["client"]]
    assert signed["payload"]["client"] == named["client"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("", "of 7 clients 1 may be missing: a sum needs 4 updates\n"),
        ("min_set = 7", "of 7 clients 0 may be missing: a sum needs 7 updates; 1 may be of 8 and more\n"),
        (
            "silent = 3\nmin_set = 10\nmax_clients = 12",
            "of 11 clients 1 may be missing: a sum needs 10 updates; 3 may never be: a round has at most 12 clients\n",
        ),
    ],
)
def test_policy_check_says_how_many_may_be_missing(tmp_path: Path, changed: str, told: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(KEPT.read_text() + f"[masking]\nenabled = true\n{changed}\n")
    assert told in fedproof("policy", "check", policy).stdout


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
    assert fedproof("--version").stdout == fedproof("version").stdout
    assert fedproof("-h").stdout == fedproof("--help").stdout != ""
    assert fedproof("policy", "check", "-h").stdout == fedproof("policy", "check", "--help").stdout != ""
    assert fedproof("version").stdout.startswith("fedproof ")
    assert json.loads(fedproof("version", "--json").stdout)["version"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[aggregator]\nmesage_key = "x"\nenvelope_key = "y"\n', "aggregator.mesage_key: no such field"),
        (
            "[update]\nscael = 12\nmax_abs = 1\nmax_norm = 1\n",
            "update.scael: no such field; missing beside it: scale",
        ),
        (
            'federation = "f"\nendorser = "e"\n[members]\nbob = { key = "ed25519:A", expirs = "x" }\n',
            "members.bob.expirs: no such field; missing beside it: expires",
        ),
    ],
)
def test_inspect_says_what_is_wrong_in_a_file_that_people_write(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "file.toml").write_text(text)
    ran = fedproof("inspect", tmp_path / "file.toml")
    assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr


def test_what_proving_costs() -> None:
    told = json.loads(fedproof("bench", "r1", "--dim", "1000", "--threads", "1", "--json").stdout)
    assert set(told) == {"dim", "bits", "threads", "prove_s", "verify_s", "bytes", "peak_mb", "phases"}
    assert told["bytes"] == 3880
    assert told["prove_s"] == pytest.approx(sum(told["phases"].values()))
    assert len(told["phases"]) == 8
    assert min(told["phases"].values()) > 0
    shown = fedproof("bench", "r1", "--dim", "10", "--bits", "8").stdout
    assert all(
        f"  {name}  " in shown for name in ("trees of the look-ups", "inner-product argument", "verification")
    )
    assert fedproof("bench", "r1", "--dim", "1", "--threads", "1").stdout.startswith(
        "1 coordinate of 16 bits, 1 thread\n"
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("policy.toml", "policy"),
        ("trust.toml", "trust file"),
        ("bundle", "bundle"),
        ("bundle/roster.cbor", "roster"),
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
        assert path.name in ran.stderr
        assert "\x1b" not in ran.stdout + ran.stderr
