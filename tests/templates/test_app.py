"""What `fedproof init` writes: apps that Flower takes, base models that fit them, and nothing written over."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from flwr.cli.build import build_fab_from_disk
from flwr.cli.config_utils import load_and_validate
from flwr.supercore.utils import is_valid_name

from fedproof.encoding.digest import sha256
from fedproof.encoding.text import is_name
from fedproof.errors import UsageError
from fedproof.model.tensors import parse_model
from fedproof.policy.policy import Policy
from fedproof.round.folder import open_aggregator, open_node
from fedproof.templates import TEMPLATES, write_app
from fedproof.templates.app import app_name

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=list(TEMPLATES))
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / f'My {request.param} "app"'
    write_app(folder, template=request.param, nodes=3)
    return folder


def test_flower_takes_the_app_and_nothing_private_of_it(app: Path) -> None:
    config, warnings = load_and_validate(app / "pyproject.toml")
    assert config["tool"]["flwr"]["app"]["config"]["fedproof"] == str(app / "federation")
    assert not warnings
    names = zipfile.ZipFile(io.BytesIO(build_fab_from_disk(app))).namelist()
    assert "federated_app/task.py" in names
    assert [name for name in names if "federation" in name or name.endswith(".pem")] == []


def test_base_model_policy_and_folders_belong_together(app: Path) -> None:
    base = (app / "base.safetensors").read_bytes()
    assert Policy.load(app / "policy.toml").base_digest == sha256(base)
    with open_aggregator(app / "federation" / "server") as aggregator:
        assert len(aggregator.entries()) == 0
    for k in range(3):
        with open_node(app / "federation" / "nodes" / str(k)) as node:
            assert node.client.name == f"node-{k}"


def test_no_placeholder_is_left(app: Path) -> None:
    for path in [p for p in app.rglob("*") if p.suffix in {".py", ".toml", ".md"}]:
        assert not re.search(r"\{\{|\}\}", path.read_text()), path


def test_the_code_has_the_house_style(app: Path) -> None:
    for arguments in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *arguments, f"--config={ROOT / 'pyproject.toml'}", "."]
        ran = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout


def test_the_logistic_model_is_the_base_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_app(tmp_path / "app", template="numpy", nodes=1)
    space: dict[str, object] = {"__name__": "task"}
    exec((tmp_path / "app/federated_app/task.py").read_text(), space)
    model = space["new_model"]()  # type: ignore[operator]
    _, base = parse_model((tmp_path / "app" / "base.safetensors").read_bytes())
    assert {n: a.tolist() for n, a in base.items()} == {n: a.tolist() for n, a in model.items()}


def test_the_network_has_the_modules_tensors(tmp_path: Path) -> None:
    """Without torch: names and shapes as `state_dict` gives them of the layers that the template's module has."""
    write_app(tmp_path / "app", template="pytorch", nodes=1)
    code = (tmp_path / "app/federated_app/task.py").read_text()
    layers = re.findall(r"self\.(\w+) = nn\.Linear\((\d+), (\d+)\)", code)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, inputs, outputs in layers:
        shapes[f"{name}.weight"] = int(outputs), int(inputs)
        shapes[f"{name}.bias"] = (int(outputs),)
    _, base = parse_model((tmp_path / "app" / "base.safetensors").read_bytes())
    assert {name: array.shape for name, array in base.items()} == shapes
    assert all(array.dtype == np.float32 and np.any(array) for array in base.values())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    for there in (tmp_path / "folder", tmp_path / "link"):
        if there.name == "folder":
            there.mkdir()
        else:
            there.symlink_to(tmp_path / "nowhere")
        with pytest.raises(UsageError, match="exists"):
            write_app(there, template="numpy", nodes=3)
    assert list((tmp_path / "folder").iterdir()) == []
    for options, told in (
        ({"template": "jax", "nodes": 3}, "no template jax"),
        ({"template": "numpy", "nodes": 0}, "0 nodes"),
    ):
        with pytest.raises(UsageError, match=told):
            write_app(tmp_path / "new", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "folder", ["trial", "My App_2", "7", "", "ünï", "a" * 31 + "-bcd", "x\ny", "日本", "--", "numpy"]
)
def test_the_name_is_one_for_flower_and_for_a_policy(folder: str) -> None:
    name = app_name(folder)
    assert is_valid_name(name)[0], name
    assert is_name(name)


def test_a_path_with_quotes_and_controls_stands_in_toml(tmp_path: Path) -> None:
    folder = tmp_path / 'a"b\\c\x7f\n'
    write_app(folder, template="numpy", nodes=1)
    config = tomllib.loads((folder / "pyproject.toml").read_text())
    assert config["tool"]["flwr"]["app"]["config"]["fedproof"] == str(folder / "federation")
