"""Folders that are wrong, each in one way, and what the doctor says of them."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from fedproof.doctor import party as party_module
from fedproof.doctor.federation import examine
from fedproof.doctor.finding import Finding
from fedproof.errors import UsageError
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.roster import Member
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from tests.doctor.world import ENVELOPE, TRUST, endorsed, opened, played, provisioned, serving
from tests.round.world import AGGREGATOR, ENDORSERS, KEYS, NAMES, NOW, POLICY, STRANGER

Change = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return provisioned(tmp_path / "federation")


def wrong(found: list[Finding]) -> set[tuple[str, str, str]]:
    """(where, what, level) of what is not ok; every such finding says what to do."""
    bad = [f for f in found if f.level != "ok"]
    assert all(f.told and f.do for f in bad)
    return {(f.where, f.what, f.level) for f in bad}


ONE_MACHINE = ("federation", "keys", "warning")


def test_all_is_well(folder: Path) -> None:
    found = examine(folder, NOW)
    assert wrong(found) == {ONE_MACHINE}
    assert {f.where for f in found} == {"federation", "server", "nodes/0", "nodes/1", "nodes/2"}
    whats = {f.what for f in found if f.where == "server"}
    assert whats == {
        "message.pem",
        "envelope.pem",
        "policy.toml",
        "trust.toml",
        "roster.cbor",
        "members",
        "base.safetensors",
    }
    assert {f.what for f in found if f.where == "nodes/1"} == {
        "key.pem",
        "policy.toml",
        "trust.toml",
        "roster.cbor",
        "membership",
        "base.safetensors",
    }


def test_one_partys_folder(folder: Path) -> None:
    assert {f.where for f in examine(folder / "server", NOW)} == {"server"}
    assert {f.where for f in examine(folder / "nodes" / "0", NOW)} == {"node"}
    assert wrong(examine(folder / "server", NOW)) == wrong(examine(folder / "nodes" / "0", NOW)) == set()
    shutil.rmtree(folder / "server")
    (folder / "endorser.pem").unlink()
    assert wrong(examine(folder, NOW)) == set()


def test_nothing_is_changed(folder: Path) -> None:
    played(folder)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_mode) for p in folder.rglob("*")}
    examine(folder, NOW)
    assert {p: (p.stat().st_mtime_ns, p.stat().st_mode) for p in folder.rglob("*")} == before


@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_what_is_no_such_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError):
        examine(tmp_path / name, NOW)


def text(name: str, old: str, new: str) -> Change:
    return lambda f: (f / name).write_text((f / name).read_text().replace(old, new, 1))


def trusting(**changes: object) -> Change:
    fields = {
        "aggregator": AGGREGATOR.verify_key,
        "envelope": ENVELOPE.verify_key,
        "endorsers": ENDORSERS,
        "policy": TRUST.policy,
        "revoked": frozenset(),
        **changes,
    }
    return lambda f: Trust(**fields).save(f / "trust.toml")  # type: ignore[arg-type]


def member(name: str, **changes: object) -> Member:
    return Member.model_validate({"client": name, "key": KEYS[name].verify_key.raw, **changes})


def roster(**changes: object) -> Change:
    return lambda f: endorsed(f, "", **changes)


MEMBERS = tuple(member(n) for n in NAMES)
OVER = tuple(member(n, expires=NOW if n == "ada" else None) for n in NAMES)
BOTH: list[tuple[Change, str, str, str]] = [
    (lambda f: (f / "policy.toml").unlink(), "policy.toml", "problem", "cannot read"),
    (lambda f: (f / "trust.toml").unlink(), "trust.toml", "problem", "cannot read"),
    (lambda f: (f / "roster.cbor").unlink(), "roster.cbor", "problem", "cannot read"),
    (text("policy.toml", "scale = 12", "scale = 99"), "policy.toml", "problem", "update.scale"),
    (text("trust.toml", "ed25519:", "rsa:"), "trust.toml", "problem", "not a key"),
    (lambda f: (f / "roster.cbor").write_bytes(b"\xa0"), "roster.cbor", "problem", "signed"),
    (lambda f: (f / "policy.toml").chmod(0o666), "policy.toml", "warning", "may write"),
    (lambda f: (f / "trust.toml").chmod(0o664), "trust.toml", "warning", "may write"),
    (trusting(policy=bytes(32)), "trust.toml", "problem", "pins 0000"),
    (trusting(endorsers={"other": STRANGER.verify_key}), "roster.cbor", "problem", "trusted here: other"),
    (trusting(endorsers={"board": STRANGER.verify_key}), "roster.cbor", "problem", "another key"),
    (roster(federation="another"), "roster.cbor", "problem", "another federation"),
    (lambda f: endorsed(f, "", key=STRANGER), "roster.cbor", "problem", "signature"),
]
SERVER: list[tuple[Change, str, str, str]] = [
    (lambda f: (f / "message.pem").unlink(), "message.pem", "problem", "No such file"),
    (lambda f: (f / "envelope.pem").unlink(), "envelope.pem", "problem", "No such file"),
    (lambda f: (f / "message.pem").chmod(0o640), "message.pem", "problem", "0640"),
    (lambda f: (f / "envelope.pem").chmod(0o604), "envelope.pem", "problem", "0604"),
    (lambda f: (f / "message.pem").write_text("no key"), "message.pem", "problem", "not a private key"),
    (lambda f: EnvelopeKey.generate().save(f / "message.pem"), "message.pem", "problem", "another kind"),
    (lambda f: SigningKey.generate().save(f / "message.pem"), "message.pem", "problem", "trust.toml names"),
    (
        lambda f: EnvelopeKey.generate().save(f / "envelope.pem"),
        "envelope.pem",
        "problem",
        "trust.toml names",
    ),
    (lambda f: (f / "base.safetensors").unlink(), "base.safetensors", "problem", "cannot read"),
    (lambda f: (f / "base.safetensors").write_bytes(b"x"), "base.safetensors", "problem", "not the one"),
    (roster(expires=NOW), "members", "problem", "expired at 2027-01-15T08:00:00Z"),
    (roster(members=OVER), "members", "warning", "ada"),
]
NODE: list[tuple[Change, str, str, str]] = [
    (lambda f: (f / "key.pem").chmod(0o644), "key.pem", "problem", "0644"),
    (lambda f: (f / "key.pem").write_text(""), "key.pem", "problem", "not a private key"),
    (lambda f: SigningKey.generate().save(f / "key.pem"), "membership", "problem", "nobody with this key"),
    (roster(expires=NOW), "membership", "problem", "the roster expired"),
    (roster(members=OVER), "membership", "problem", "its membership expired"),
    (trusting(revoked=frozenset({KEYS["ada"].verify_key.raw})), "membership", "problem", "revokes this key"),
    (lambda f: (f / "base.safetensors").write_bytes(b"x"), "base.safetensors", "problem", "not the one"),
]


@pytest.mark.parametrize(
    ("place", "change", "what", "level", "said"),
    [*(("server", *c) for c in (*BOTH, *SERVER)), *(("nodes/0", *c) for c in (*BOTH, *NODE))],
)
def test_one_thing_is_wrong(
    folder: Path, place: str, change: Change, what: str, level: str, said: str
) -> None:
    change(folder / place)
    found = examine(folder / place, NOW)
    assert {(f.what, f.level) for f in found if f.level != "ok"} == {(what, level)}
    assert any(said in f.told for f in found if f.what == what), found


def test_a_key_that_is_a_link_or_somebody_elses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = folder / "nodes" / "0"
    (node / "key.pem").rename(node / "moved.pem")
    (node / "key.pem").symlink_to("moved.pem")
    assert wrong(examine(node, NOW)) == {("node", "key.pem", "problem")}
    (node / "moved.pem").replace(node / "key.pem")
    monkeypatch.setattr(party_module.os, "geteuid", lambda: 12345)
    assert wrong(examine(node, NOW)) == {("node", "key.pem", "warning")}


def test_a_policy_whose_sums_could_overflow(folder: Path) -> None:
    server = folder / "server"
    for old, new in (("max_abs = 1000", "max_abs = 32767"), ("max = 10", f"max = {1 << 32}")):
        text("policy.toml", old, new)(server)
    policy = Policy.load(server / "policy.toml")
    trusting(policy=policy.digest())(server)
    many = tuple(Member(client=f"c{k:06}", key=k.to_bytes(32, "big")) for k in range(1 << 15))
    endorsed(folder, "server", members=many)
    assert ("server", "policy.toml", "problem") in wrong(examine(server, NOW))


def test_parties_that_do_not_go_together(folder: Path) -> None:
    node = folder / "nodes" / "1"
    other = Policy.parse(POLICY.replace("max_abs = 1000", "max_abs = 999"))
    text("policy.toml", "max_abs = 1000", "max_abs = 999")(node)
    trusting(policy=other.digest(), aggregator=STRANGER.verify_key)(node)
    endorsed(folder, "nodes/2", members=MEMBERS[:3])
    shutil.copy(folder / "nodes" / "1" / "key.pem", folder / "nodes" / "0" / "key.pem")
    assert wrong(examine(folder, NOW)) == {
        ONE_MACHINE,
        ("nodes/1", "policy.toml", "problem"),
        ("nodes/1", "trust.toml", "problem"),
        ("nodes/2", "roster.cbor", "problem"),
        ("federation", "keys", "problem"),
    }


@pytest.mark.parametrize(
    ("change", "level"),
    [
        (lambda p: SigningKey.generate().save(p), "problem"),
        (lambda p: p.chmod(0o644), "problem"),
        (lambda p: p.write_text("no key"), "problem"),
    ],
)
def test_the_endorsers_key(folder: Path, change: Change, level: str) -> None:
    change(folder / "endorser.pem")
    assert ("federation", "endorser.pem", level) in wrong(examine(folder, NOW))


def test_states_of_rounds_that_were_played(folder: Path) -> None:
    (folder / "nodes" / "0" / "state").mkdir()
    (folder / "server" / "state").mkdir()
    told = {f.where: f.told for f in examine(folder, NOW) if f.what == "state"}
    assert told == {"server": "no record yet", "nodes/0": "no round adopted yet; 0 lines in its audit log"}
    for state in ("server/state", "nodes/0/state"):
        shutil.rmtree(folder / state)
    played(folder)
    assert wrong(examine(folder, NOW)) == {ONE_MACHINE}
    told = {f.where: f.told for f in examine(folder, NOW) if f.what == "state"}
    assert told["server"] == "1 round on record, the last one was announced at 2027-01-15T08:00:00Z"
    assert told["nodes/2"] == "4 lines in its audit log; round 0 was announced at 2027-01-15T08:00:00Z"


def test_a_void_round_and_one_that_is_not_closed(folder: Path) -> None:
    played(folder, void=True)
    told = {f.where: f.told for f in examine(folder, NOW) if f.what == "state"}
    assert (
        told["server"]
        == "1 round on record, the last one, which is void, was announced at 2027-01-15T08:00:00Z"
    )
    with serving(folder) as aggregator, ExitStack() as stack:
        nodes = [stack.enter_context(node) for node in opened(folder)]
        aggregator.announce([n.ready(1) for n in nodes])
    assert wrong(examine(folder, NOW)) == {ONE_MACHINE}
    (told_of_it,) = [f.told for f in examine(folder, NOW) if f.what == "under way"]
    left = folder / "server" / "state" / "open" / "announcement"
    (folder / "kept").write_bytes(left.read_bytes())
    with serving(folder) as aggregator:
        aggregator.close()
    shutil.copy(folder / "kept", left)  # as a kill leaves it, once the round is on record
    assert not [f for f in examine(folder, NOW) if f.what == "under way"]
    assert told_of_it.startswith("round 1, announced at 2027-01-15T08:00:00Z, is not on record: ")


@pytest.mark.parametrize(("early", "level"), [(60, "warning"), (301, "problem")])
def test_a_round_of_the_future(folder: Path, early: int, level: str) -> None:
    played(folder)
    states = {("server", "state", level), *((f"nodes/{k}", "state", level) for k in range(3))}
    assert wrong(examine(folder, NOW - early)) == {ONE_MACHINE, *states}


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (
            "nodes/0",
            lambda s: (s / "audit.jsonl").write_bytes(
                (s / "audit.jsonl").read_bytes().replace(b"0", b"1", 1)
            ),
        ),
        ("nodes/0", lambda s: (s / "state.cbor").write_bytes(b"\xa0")),
        ("server", lambda s: (s / "log" / "checkpoint").write_bytes(b"nothing")),
        ("server", lambda s: shutil.rmtree(s / "log" / "tile")),
        ("server", lambda s: shutil.rmtree(s / "blobs")),
    ],
)
def test_a_state_that_was_changed(folder: Path, place: str, change: Change) -> None:
    played(folder)
    change(folder / place / "state")
    assert wrong(examine(folder, NOW)) == {ONE_MACHINE, (place, "state", "problem")}
