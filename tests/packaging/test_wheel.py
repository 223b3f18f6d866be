"""The wheel without extras, on a machine that has nothing else: it verifies, and says what it lacks.

The build shares target/ and the profile with `make setup`, so it compiles nothing that stands already. Packages come through uv as in
the Makefile, by requirements/base.txt with its hashes: from uv's cache, or whatever index the environment configures.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".venv-uv" / "bin" / "uv"
KEPT = ROOT / "vectors" / "v1" / "bundle"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {
    "UV_SYSTEM_CERTS": "1"
}


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    maturin = Path(sys.executable).parent / "maturin"
    built = run(maturin, "build", "--release", "--interpreter", sys.executable, "--out", out)
    assert built.returncode == 0, built.stderr
    (file,) = out.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment with the wheel and its base requirements."""
    home = tmp_path_factory.mktemp("bare") / "venv"
    for command in (
        ("venv", "--python", sys.executable, home),
        ("pip", "sync", "--require-hashes", ROOT / "requirements" / "base.txt"),
        ("pip", "install", "--no-deps", wheel),
        ("pip", "check"),
    ):
        ran = run(UV, *command, VIRTUAL_ENV=str(home))
        assert ran.returncode == 0, ran.stderr
    return home / "bin"


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"fedproof/_core.abi3.so", "fedproof/_core.pyi", "fedproof/py.typed"} <= set(names)
    assert {name.split("/")[0].removesuffix(".dist-info").partition("-")[0] for name in names} == {"fedproof"}
    assert [name for name in names if name.endswith("/LICENSE")]
    sources = {str(p.relative_to(ROOT / "python")) for p in (ROOT / "python").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources
    templates = {str(p.relative_to(ROOT / "python")) for p in (ROOT / "python").rglob("*.tmpl")}
    assert {name for name in names if name.endswith(".tmpl")} == templates
    assert len(templates) > 10


def test_it_verifies(bare: Path, tmp_path: Path) -> None:
    options = [
        part
        for name, file in (("model", "model.safetensors"), ("policy", "policy.toml"), ("trust", "trust.toml"))
        for part in (f"--{name}", KEPT / file)
    ]
    ran = run(bare / "fedproof", "verify", KEPT / "bundle", *options, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.rstrip().endswith("VERIFIED")
    swapped = [KEPT / "policy.toml" if part == KEPT / "model.safetensors" else part for part in options]
    assert run(bare / "fedproof", "verify", KEPT / "bundle", *swapped, cwd=tmp_path).returncode == 1


def test_the_demo_names_the_extra(bare: Path, tmp_path: Path) -> None:
    ran = run(bare / "fedproof", "demo", cwd=tmp_path)
    assert ran.returncode == 2
    assert "pip install '.[demo]'" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []
