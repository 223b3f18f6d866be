"""The reference pages hold what the code has: every command and option, every field and its default, every object and stage of a
refusal, every shape of `--json`."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import fedproof
from fedproof.cli.app import app, load_commands, main
from fedproof.identity.keys import EnvelopeKey, VerifyKey
from fedproof.identity.training_trust import Authority, TrainingTrust
from fedproof.model.base import save_base
from fedproof.policy.policy import Policy
from fedproof.policy.training import TrainingPolicy
from fedproof.round.node import Node
from tests.docs.pages import ROOT, blocks
from tests.round.world import BASE_FILE, POLICY, WEIGHTS, client

REFERENCE = ROOT / "docs" / "reference"
load_commands()
SOURCES = sorted(Path(fedproof.__file__).parent.rglob("*.py"))


def commands(command: Any, path: str) -> Iterator[tuple[str, set[str]]]:
    """Every command that does something: its whole name, its options."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, f"{path} {name}")
    else:
        yield path, {o for p in command.params for o in p.opts if o.startswith("--")}


@pytest.mark.parametrize(("name", "options"), list(commands(typer.main.get_command(app), "fedproof")))
def test_every_command_and_option_is_listed(name: str, options: set[str]) -> None:
    row = next(line for line in (REFERENCE / "cli.md").read_text().splitlines() if f"`{name}" in line)
    assert {o for o in options - {"--json"} if not re.search(rf"{o}\b", row)} == set()
    assert "--json" in options  # as the page promises


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, object]]:
    """(name, default) of every field of a policy that holds a value."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{path}{name}.")
        else:
            yield f"{path}{name}", field.default


@pytest.mark.parametrize(("name", "default"), [*fields(Policy), *fields(TrainingPolicy)])
def test_every_field_of_a_policy_is_listed_with_its_default(name: str, default: object) -> None:
    told = "required" if default is PydanticUndefined else f"`{json.dumps(default)}`"
    assert f"| `{name}` | {told} |" in (REFERENCE / "policy.md").read_text()


def test_the_policies_of_the_page_are_some() -> None:
    texts = [block.text for block in blocks(REFERENCE / "policy.md") if block.language == "toml"]
    federation, training = texts
    assert Policy.parse(federation).federation == "breast-cancer-2026"
    assert TrainingPolicy.parse(training).name == "tumour-triage"


def literals() -> Iterator[tuple[str, str]]:
    """Objects and stages that `Refused` is raised with, where they stand in the code as such; the names under which blobs are read, which
    are objects of what is not there; and the stages of the engine."""
    engine = (ROOT / "rust" / "core" / "src" / "error.rs").read_text("utf-8")
    for stage in re.findall(r'Self::[A-Z][A-Za-z]+ => "([a-z]+)"', engine):
        yield "stage", stage
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and re.search(
                r"^Refused$|\bround\.refuse$", ast.unparse(node.func)
            ):
                for kind, argument in zip(("object", "stage"), node.args, strict=False):
                    if isinstance(argument, ast.Constant):
                        yield kind, argument.value
            elif isinstance(node, ast.Call) and re.search(r"\b(read|blob)$", ast.unparse(node.func)):
                for argument in node.args[1:2]:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield "object", argument.value


def test_every_object_and_stage_is_explained() -> None:
    rows = (REFERENCE / "refusals.md").read_text().splitlines()
    explained = {
        name for row in rows if row.startswith("|") for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    found = set(literals())
    assert len(found) > 25
    assert {("stage", "witness"), ("object", "base model")} <= found
    assert {name for _, name in found} - explained == set()


def shape(value: object) -> object:
    """Names of fields, at every depth that the page shows."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


def holds(shown: object, real: object) -> bool:
    """Whether the real object has exactly the fields shown; where an empty object is shown, any."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return not shown or (set(shown) == set(real) and all(holds(shown[n], real[n]) for n in shown))
    if isinstance(shown, list) and isinstance(real, list):
        return holds(shown[0], real[0]) if shown and real else True
    return True


def test_every_shape_of_json_is_the_real_one(
    demo: tuple[Path, dict[str, object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, told = demo
    public = [f"--{n}={out / f}" for n, f in (("policy", "policy.toml"), ("trust", "trust.toml"))]
    bundle, model = str(out / "bundle"), f"--model={out / 'model.safetensors'}"
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "t.csv").write_text("age,label\n1,a\n2,b\n")
    own = [f"--key={tmp_path / 'board.pem'}", f"--out={tmp_path / 'list'}"]
    terms = ["--licence=CC0-1.0", "--expires=2100-01-01T00:00:00Z", own[0], f"--out={tmp_path / 'set'}"]
    head = [f"--{n}={tmp_path / f}" for n, f in (("policy", "training.toml"), ("trust", "head.toml"))]
    files = [f"--bundle={tmp_path / 'head' / 'bundle'}", f"--data={tmp_path / 't.csv'}"]
    weights = f"--model={tmp_path / 'head' / 'model.safetensors'}"
    receipt = str(tmp_path / "receipt")
    with Node(tmp_path / "node", client("ada")) as node:
        node.ready(WEIGHTS["ada"])
    dry = tmp_path / "dry" / "round-0"
    dry.mkdir(parents=True)
    for name, value in (("start", 0.0), ("ada", 0.5)):
        save_base(dry / f"{name}.safetensors", {"w": np.full(3, value)})
    (dry / "ada.json").write_text('{"weight": 3}')
    for name in ("plain", "clipped"):
        (tmp_path / "dry" / f"metrics-{name}.json").write_text('{"accuracy": [0.5]}')
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "base.safetensors").write_bytes(BASE_FILE)
    envelope = EnvelopeKey.generate()
    envelope.save(tmp_path / "envelope.pem")
    runs = {
        "refused": ["verify", bundle, f"--model={tmp_path / 'other'}", *public],
        "error": ["verify", str(tmp_path / "none"), model, *public],
        "verify": ["verify", bundle, model, *public],
        "keygen": ["keygen", str(tmp_path / "board.pem")],
        "endorse": [
            "endorse",
            str(tmp_path / "members.toml"),
            f"--key={tmp_path / 'board.pem'}",
            f"--out={tmp_path / 'r'}",
        ],
        "provision": [
            "provision",
            str(tmp_path / "federation"),
            f"--policy={tmp_path / 'policy.toml'}",
            f"--base={tmp_path / 'base.safetensors'}",
            "--nodes=3",
        ],
        "init": ["init", str(tmp_path / "app"), "--nodes=3"],
        "policy calibrate": [
            "policy",
            "calibrate",
            str(tmp_path / "dry"),
            "--federation=f",
            f"--base={tmp_path / 'dry' / 'round-0' / 'start.safetensors'}",
            f"--out={tmp_path / 'proposed.toml'}",
        ],
        "policy check": ["policy", "check", str(out / "policy.toml")],
        "policy digest": ["policy", "digest", str(out / "policy.toml")],
        "inspect": ["inspect", bundle],
        "inspect audit log": ["inspect", str(tmp_path / "node" / "audit.jsonl")],
        "inspect node state": ["inspect", str(tmp_path / "node")],
        "doctor": ["doctor"],
        "certify": ["certify", str(tmp_path / "t.csv"), *terms],
        "revoke": ["revoke", *own],
        "train": [
            "train",
            str(tmp_path / "set"),
            *head,
            f"--key={tmp_path / 'envelope.pem'}",
            f"--out={tmp_path / 'head'}",
        ],
        "verify head": ["verify", str(tmp_path / "head" / "bundle"), weights, *head],
        "answer": ["answer", *files, weights, *head, f"--out={receipt}"],
        "check-answer": ["check-answer", receipt, *files, *head],
        "demo certified": ["demo", "--certified"],
        "bench r1": ["bench", "r1", "--dim", "10"],
        "version": ["version"],
    }
    shown = {b.name: json.loads(b.text) for b in blocks(REFERENCE / "json.md") if b.language == "json"}
    assert set(shown) == {*runs, "demo"}
    assert holds(shown["demo"], told)
    for name, arguments in runs.items():
        monkeypatch.setattr(sys, "argv", ["fedproof", *arguments, "--json"])
        with pytest.raises(SystemExit):
            main()
        real = json.loads(capsys.readouterr().out)
        assert holds(shown[name], real), (name, shape(real))
        if name == "keygen":
            members = f'federation = "f"\nendorser = "e"\n[members]\na = "{real["public"]}"\n'
            (tmp_path / "members.toml").write_text(members)
            (tmp_path / "training.toml").write_text(
                'version = 1\nname = "n"\n[training]\nregularisation = 1024\nmax_logit_freedom = "1"\n'
                'weights = "committed"\n[data]\nauthorities = ["board"]\n'
            )
            authority = Authority(VerifyKey.parse(real["public"]))
            TrainingTrust("hospital", envelope.verify_key, {"board": authority}).save(tmp_path / "head.toml")
